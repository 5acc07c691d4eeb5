"""%copilot and Copilot in real kernels: what a cell shows, when it ends, what a mistake says."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .kernels import Kernel, Reply

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """script(steps…) → a model name that answers with them."""

    def write(*steps: Any, **options: Any) -> str:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
        path.write_text(json.dumps({"steps": list(steps), "end": "last", **options}))
        return f"script:{path}"

    return write


@pytest.fixture
def notebook(start_kernel: Callable[..., Kernel]) -> Kernel:
    """A kernel as JupyterLab uses it, with the extension loaded."""
    return loaded(start_kernel())


@pytest.fixture
def headless(start_kernel: Callable[..., Kernel]) -> Kernel:
    """A kernel as nbclient uses it."""
    return loaded(start_kernel(allow_stdin=False))


def loaded(kernel: Kernel) -> Kernel:
    kernel.run("%load_ext copilot_widget\nfrom copilot_widget import Copilot, tool").check()
    pause()
    return kernel


def pause() -> None:
    """As long as a person needs at least between two cells."""
    time.sleep(0.15)


def kinds(reply: Reply) -> list[list[str]]:
    return [sorted(display) for display in reply.displays]


def shown(reply: Reply) -> str:
    return reply.displays[0]["text/plain"]


RECORD = ["text/html", "text/markdown", "text/plain"]


def test_loading_the_extension_loads_no_model_library_and_no_pydantic(start_kernel: Callable[..., Kernel]):
    kernel = start_kernel()
    kernel.run("%load_ext copilot_widget").check()
    heavy = kernel.value(
        "[name for name in ('litellm', 'pydantic', 'openai', 'pandas') if name in __import__('sys').modules]"
    )
    assert heavy == []
    kernel.run("%load_ext copilot_widget").check()
    kernel.run("%reload_ext copilot_widget\n%unload_ext copilot_widget").check()
    assert "not found" in kernel.run("%copilot hello").stderr


def test_a_cell_shows_the_record_and_after_it_the_widget_and_ends_at_once(notebook: Kernel, script: Callable[..., str]):
    model = script({"events": [{"type": "wait", "seconds": 3}, {"type": "text", "text": "late"}]})
    reply = notebook.run(f"run = %copilot --model {model} is it so?").check()
    assert kinds(reply) == [RECORD, [WIDGET]]
    assert "is it so?" in reply.displays[0]["text/html"]
    assert notebook.value("run.status") in ("queued", "running")
    assert notebook.value("run.wait(20).text") == "late"
    assert reply.result is None, "shown once, not again as the cell's value"


def test_headless_waits_and_shows_the_record_only(headless: Kernel, script: Callable[..., str]):
    reply = headless.run(f"%copilot --model {script('The **answer**.')} and now?").check()
    assert kinds(reply) == [RECORD]
    assert "The **answer**." in reply.displays[0]["text/markdown"]
    assert "<strong>answer</strong>" in reply.displays[0]["text/html"]


def test_wait_makes_the_cell_wait(notebook: Kernel, script: Callable[..., str]):
    notebook.run(f"%copilot --wait --model {script('yes')} well?").check()
    assert notebook.run("%copilot").check().displays[-1].keys() == {WIDGET}


def test_the_record_is_set_once_at_the_end_of_the_turn(notebook: Kernel, script: Callable[..., str]):
    slow = script({"events": [{"type": "wait", "seconds": 1}, {"type": "text", "text": "The end."}]})
    reply = notebook.run(f"run = %copilot --model {slow} go").check()
    assert "The end." not in shown(reply)
    later = notebook.run("run.wait(20); import time; time.sleep(0.5)").check()
    updates = reply.updates + later.updates  # a front end finds the output by its id, not by the cell
    assert [sorted(update) for update in updates] == [RECORD]
    assert "The end." in updates[0]["text/plain"]


def test_several_lines_braces_and_options_in_a_cell_magic(headless: Kernel):
    headless.run("n = 4\n@tool\ndef double(number: int) -> int:\n    'Double a number.'\n    return 2 * number").check()
    reply = headless.run('%%copilot --model demo\nplease double {n}\nand leave {"json": 1} and $5 alone').check()
    assert 'please double 4\nand leave {"json": 1} and $5 alone' in reply.displays[0]["text/plain"].replace("> ", "")


def test_run_all_becomes_an_unsent_draft(notebook: Kernel, script: Callable[..., str]):
    model = script("sent")
    cells = [
        notebook.submit("1"),
        notebook.submit(f"run = %copilot --model {model} go"),
        notebook.submit(f"sent = %copilot --send --model {model} go"),
    ]
    replies = [notebook.reply(cell).check() for cell in cells]
    assert notebook.value("run is None")
    assert notebook.value("sent.wait(20).text") == "sent"
    assert "Run All" in json.dumps(replies[1].displays) or kinds(replies[1])[-1] == [WIDGET]
    pause()
    assert notebook.run(f"again = %copilot --model {model} go").check().displays
    assert notebook.value("again is not None"), "a cell run by itself is sent"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%copilot --modle x hi", ["--modle", "--model"]),
        ("%copilot --model", ["--model", "needs a value"]),
        ("%%copilot\n", ["empty"]),
        ("%%copilot --wait\n   ", ["no question"]),
        ("%copilot what is @missing?", ["@missing", "not a variable"]),
        ("%copilot --max-steps 0 hi", ["max_steps", "1 to 1000"]),
        ("%copilot --max-steps many hi", ["max_steps", "many"]),
        ("%copilot --budget lots hi", ["budget", "0.50 USD"]),
        ("%copilot --approvals maybe hi", ["approvals", "ask"]),
        ("%copilot --executor moon hi", ["executor", "moon"]),
        ("Copilot(max_steps=0)", ["max_steps"]),
        ("Copilot().ask('')", ["no question"]),
        ("Copilot(tools=[3])", ["tool"]),
        ("Copilot().ask('x', attachments=['/nowhere.png'])", ["/nowhere.png"]),
    ],
)
def test_a_mistake_gets_a_sentence_and_no_traceback(notebook: Kernel, line: str, words: list[str]):
    reply = notebook.run(line)
    said = reply.error + reply.stderr
    assert "Traceback" not in said
    assert all(word in said for word in words), said
    assert len(said.splitlines()) <= 3
    assert notebook.value("1 + 1") == 2


@pytest.mark.parametrize(
    ("model", "words"),
    [("gpt5", ["gpt5", "openai/"]), ("script:/nowhere.json", ["/nowhere.json"]), ("replay:/nowhere", ["/nowhere"])],
)
def test_a_model_that_is_none_is_said_below_the_cell(headless: Kernel, model: str, words: list[str]):
    reply = headless.run(f"run = %copilot --model {model} hi").check()
    assert all(word in shown(reply) for word in words), shown(reply)
    assert headless.value("[run.status, run.error.code, bool(run.error.message)]") == ["failed", "usage", True]


def test_a_key_alone_sends_nothing(headless: Kernel):
    headless.run("import os; os.environ['OPENAI_API_KEY'] = 'sk-proj-abcdefghijklmnopqrstuv'").check()
    reply = headless.run("run = %copilot hi").check()
    assert headless.value("run.error.code") == "not-chosen"
    assert "OPENAI_API_KEY" in shown(reply)
    assert "nothing was sent" in shown(reply)
    assert "abcdefghijkl" not in json.dumps(reply.displays)


def test_settings_come_from_config_and_the_environment(headless: Kernel, script: Callable[..., str]):
    headless.run(f"import os; os.environ['COPILOT_MODEL'] = {script('from the environment')!r}").check()
    assert "from the environment" in shown(headless.run("%copilot hi"))
    headless.run(f"%config Copilot.model = {script('from config')!r}").check()
    assert "from config" in shown(headless.run("%copilot --new hi"))
    assert headless.value("Copilot().ask('x').wait().text") == "from config"


def test_code_is_run_in_the_users_namespace_once_allowed(headless: Kernel, script: Callable[..., str]):
    call = {"type": "call", "toolName": "run_code", "input": {"code": "made = 6 * 7\nmade"}}
    headless.run(f"run = %copilot --approvals auto --model {script([call], 'done')} go").check()
    assert headless.value("made") == 42
    reply = headless.run(
        f"%copilot --new --model {script([{**call, 'input': {'code': 'made = 0'}}], 'done')} go"
    ).check()
    assert headless.value("made") == 42, "nobody was there to allow it"
    assert "nobody" in shown(reply) or "denied" in shown(reply)


def test_waiting_in_a_cell_serves_the_main_thread(notebook: Kernel, script: Callable[..., str]):
    call = {
        "type": "call",
        "toolName": "run_code",
        "input": {"code": "import threading; threading.current_thread() is threading.main_thread()"},
    }
    model = script([call], "done")
    setup = f"c = Copilot({model!r}, approvals='auto')"
    outputs = "[part.output['result'] for part in run.message.parts if part.type == 'tool-run_code']"
    notebook.run(f"{setup}; run = c.ask('go'); run.wait(20)").check()
    assert notebook.value(outputs) == [True]
    notebook.run(f"{setup}; run = await c.ask('go')").check()
    assert notebook.value(outputs) == [True]
    notebook.run(f"{setup}; run = c.ask('go'); last = list(run.events())[-1]").check()
    assert notebook.value("last['chunk']['type']") == "finish"


def test_a_timeout_is_an_error_of_the_wait_and_not_of_the_run(notebook: Kernel, script: Callable[..., str]):
    slow = script({"events": [{"type": "wait", "seconds": 1.5}, {"type": "text", "text": "done"}]})
    reply = notebook.run(f"run = Copilot({slow!r}).ask('go')\nrun.wait(0.2)")
    assert "TimeoutError" in reply.error
    assert notebook.value("[run.wait(20).status, run.text]") == ["completed", "done"]


TOOLS = """
import time
@tool
def raises() -> str:
    "Raise."
    raise ValueError("it broke\\nbadly")
@tool
def floods() -> str:
    "Return 100 MB."
    return "x" * 100_000_000
@tool
def hangs() -> str:
    "Never return."
    while True:
        time.sleep(0.05)
"""


def test_a_tool_that_raises_or_floods_does_not_end_the_run(headless: Kernel, script: Callable[..., str]):
    headless.run(TOOLS).check()
    calls = [{"type": "call", "toolName": name, "input": {}} for name in ("raises", "floods")]
    reply = headless.run(f"run = %copilot --model {script(calls, 'still here')} go").check()
    assert headless.value("run.status") == "completed"
    assert "it broke" in json.dumps(reply.displays)
    assert len(json.dumps(reply.displays)) < 600_000
    assert (
        headless.value("max(len(str(part.output)) for part in run.message.parts if part.type == 'tool-floods')")
        < 300_000
    )


def test_a_tool_that_never_returns_is_stopped(notebook: Kernel, script: Callable[..., str]):
    notebook.run(TOOLS).check()
    call = {"type": "call", "toolName": "hangs", "input": {}}
    notebook.run(f"run = Copilot({script([call], 'x')!r}, tools=[hangs]).ask('go')").check()
    time.sleep(0.5)
    notebook.run("run.stop(); run.wait(5)").check()
    assert notebook.value("run.status") == "stopped"
    assert notebook.value("str(Copilot('demo').ask('what can you do?').wait(20).error)") == "None"


def test_a_recorded_turn_is_replayed_and_another_fails_plainly(
    headless: Kernel, script: Callable[..., str], tmp_path: Path
):
    tape = tmp_path / "lesson.jsonl"
    headless.run(f"%copilot --record {tape} --model {script('The mean is 4.')} what is the mean?").check()
    assert "The mean is 4." in shown(headless.run(f"%copilot --new --replay {tape} what is the mean?").check())
    assert "no answer" in shown(headless.run(f"%copilot --new --replay {tape} and the median?").check())
    assert "--model" in headless.run(f"%copilot --replay {tape} --model demo hi").error


def test_questions_queue_and_see_what_was_said(notebook: Kernel, script: Callable[..., str]):
    model = script({"events": [{"type": "wait", "seconds": 0.4}, {"type": "text", "text": "one"}]}, "two", "three")
    notebook.run(f"c = Copilot({model!r}); runs = [c.ask(word) for word in 'abc']; first = runs[2].status").check()
    assert notebook.value("first") == "queued"
    assert notebook.value("[run.wait(20).text for run in runs]") == ["one", "two", "three"]
    assert notebook.value("[message.role for message in c.messages]") == ["user", "assistant"] * 3


# ---- commands of the page ----------------------------------------------------------------------------------


def control(kernel: Kernel, content: dict[str, Any], timeout: float = 10) -> dict[str, Any]:
    """A command by the control channel, and its reply."""
    channel = kernel.client.control_channel
    content = {"page": "p", "n": 1, **content} if "id" in content else content
    message = kernel.client.session.msg("copilot_command", content)
    channel.send(message)
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        reply = channel.get_msg(timeout=timeout)
        if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
            return reply["content"]
    raise AssertionError("no reply")


def came(kernel: Kernel, widget: str, run: str) -> dict[str, Any]:
    """All that the kernel would tell a new page of a run."""
    cursors = [{"run": run, "after": 0}]
    command = {"id": f"r{time.monotonic()}", "widget": widget, "command": "resume", "runs": cursors}
    return control(kernel, command)["result"]["runs"][run]


def asked(kernel: Kernel, model: str) -> tuple[str, str]:
    """The widget's and the run's id of a question."""
    reply = kernel.run(f"run = %copilot --model {model} go").check()
    return reply.displays[-1][WIDGET]["model_id"], kernel.value("run.id")


def test_stop_by_the_control_channel_works_while_a_cell_runs(kernel: Kernel, script: Callable[..., str]):
    loaded(kernel)
    endless = script({"tokensPerSecond": 50, "events": [{"type": "text", "text": "word " * 20, "tokens": 5000}]})
    widget, run = asked(kernel, endless)
    time.sleep(0.3)
    cell = kernel.submit("import time; time.sleep(4); ended = run.status")
    time.sleep(0.3)
    begun = time.monotonic()
    reply = control(kernel, {"id": "p-1", "widget": widget, "command": "stop", "run": run})
    assert reply["ok"], reply
    assert time.monotonic() - begun < 3, "the reply came while the cell was still running"
    assert control(kernel, {"id": "p-1", "widget": widget, "command": "stop", "run": run}) == reply, (
        "a double is told the same"
    )
    resumed: dict[str, Any] = {"status": "running"}
    while resumed["status"] != "stopped" and time.monotonic() < begun + 3:  # the cell runs on for longer
        resumed = came(kernel, widget, run)
    assert resumed["status"] == "stopped"
    assert resumed["envelopes"][0]["from"] == 1
    assert resumed["envelopes"][0]["chunks"][-1]["type"] == "abort"
    assert (
        control(kernel, {"id": "p-3", "widget": widget, "command": "hello"})["result"]["turns"][0]["status"]
        == "stopped"
    )
    kernel.reply(cell).check()
    assert kernel.value("ended") == "stopped"


def test_every_command_is_answered_also_a_wrong_one(notebook: Kernel, script: Callable[..., str]):
    widget, run = asked(notebook, script("hello"))
    notebook.run("run.wait(20)").check()

    def code(**command: Any) -> str:
        return control(notebook, {"widget": widget, **command})["error"]["code"]

    assert code(id="1", command="fly") == "unknown-command"
    assert code(id="2", command="stop", run="other") == "unknown-run"
    assert code(id="3", command="resume", runs=[{"run": run, "after": -1}]) == "bad-arguments"
    assert code(id="4", command="approve", run=run, approvalId="x", approved=True) == "answered"
    assert code(id="5", command="approve", run=run, approvalId="x", approved="yes") == "bad-arguments"
    assert code(id="6", command="send", text=3) == "bad-arguments"
    assert code(id="7", command="send", text="what is @nothing?") == "usage"
    assert code(id="8", command="asset", name="../../pyproject.toml") == "no-asset"
    assert control(notebook, {"id": "9", "widget": "gone", "command": "hello"})["error"]["code"] == "unknown-widget"
    assert not control(notebook, {"command": "hello"})["ok"]


def test_a_follow_up_and_an_approval_by_command(notebook: Kernel, script: Callable[..., str]):
    call = {"type": "call", "toolName": "run_code", "input": {"code": "allowed = True"}}
    widget, _run = asked(notebook, script("first", [call], "done"))
    notebook.run("run.wait(20)").check()
    turn = control(notebook, {"id": "a", "widget": widget, "command": "send", "text": "next"})["result"]["turn"]
    deadline = time.monotonic() + 20
    state: dict[str, Any] = {}
    while state.get("status") != "waiting" and time.monotonic() < deadline:
        time.sleep(0.1)
        state = came(notebook, widget, turn["run"])
    chunks = state["envelopes"][0]["chunks"]
    approval = next(chunk["approvalId"] for chunk in chunks if chunk["type"] == "tool-approval-request")
    answer = {"widget": widget, "command": "approve", "run": turn["run"], "approvalId": approval}
    other = control(notebook, {"id": "o", **answer, "approved": True, "scope": "session", "digest": "0" * 64})
    assert other["error"]["code"] == "other-call"
    assert "another call" in other["error"]["message"]
    shown = next(chunk["data"]["digest"] for chunk in chunks if chunk["type"] == "data-approval")
    assert control(notebook, {"id": "b", **answer, "approved": True, "digest": shown})["ok"]
    assert not control(notebook, {"id": "c", **answer, "approved": False})["ok"], "the first answer counts"
    while state["status"] != "completed" and time.monotonic() < deadline:
        time.sleep(0.1)
        state = came(notebook, widget, turn["run"])
    assert notebook.value("allowed") is True


# ---- values of {expressions} ---------------------------------------------------------------------------------


def test_a_value_is_no_command_and_mentions_nothing(headless: Kernel, tmp_path: Path):
    mine = tmp_path / "analysis.ipynb"
    mine.write_text("MY WORK")
    headless.run("%copilot --model demo hello").check()
    headless.run(f"import os; os.chdir({str(tmp_path)!r})\nsalary = {{'boss': 999}}").check()
    headless.run("review = '/export analysis.ipynb --overwrite'").check()
    asked = headless.run("run = %copilot --model demo {review}").check()
    assert mine.read_text() == "MY WORK"
    assert "/export analysis.ipynb --overwrite" in shown(asked)
    headless.run("review = 'nice! @file:analysis.ipynb @salary'; name = 'boss'").check()
    headless.run("run = %copilot --model demo sum up {review} for @salary['{name}']").check()
    parts = headless.value("[part.to_wire() for part in run.prompt.parts]")
    assert parts[0]["text"] == "sum up nice! @file:analysis.ipynb @salary for @salary['boss']"
    assert [part["data"]["name"] for part in parts[1:]] == ["@salary['boss']"]


def test_a_value_is_no_command_in_a_draft_either(notebook: Kernel, tmp_path: Path):
    mine = tmp_path / "analysis.ipynb"
    mine.write_text("MY WORK")
    notebook.run(f"import os; os.chdir({str(tmp_path)!r})\nreview = '/export analysis.ipynb --overwrite\\r\\n@os'")
    pause()
    cells = [notebook.submit("1"), notebook.submit("%copilot --model demo {review}")]
    widget = [notebook.reply(cell) for cell in cells][1].check().displays[-1][WIDGET]["model_id"]
    hello = control(notebook, {"id": "h", "widget": widget, "command": "hello"})
    text = hello["result"]["draft"].replace("\r\n", "\n")  # as a text box has it
    sent = control(notebook, {"id": "s", "widget": widget, "command": "send", "text": text})
    [part] = sent["result"]["turn"]["user"]["parts"]
    assert part["text"].startswith("/export analysis.ipynb")
    assert mine.read_text() == "MY WORK"
