"""Tools on real kernels: between cells, beside cells, stopped, and leaving nothing behind in the user's cells."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from .kernels import Kernel

LOAD = "import time, asyncio\nfrom tests.kernel.agent_thread import *"


@pytest.fixture
def agent(shared_kernel: Kernel) -> Kernel:
    """A kernel with an agent's thread in it, and no error yet."""
    shared_kernel.run(LOAD).check()
    shared_kernel.run("import sys; sys.last_exc = sys.last_value = None; calls.clear()").check()
    shared_kernel.outside.clear()
    return shared_kernel


def finished(kernel: Kernel, key: str, seconds: float = 20) -> dict[str, Any]:
    """The report of a call once it has ended, looked at between cells, so that the call finds its turn."""
    deadline = time.monotonic() + seconds
    while True:
        report = kernel.value(f"calls[{key!r}].report()")
        if report["done"]:
            return report
        assert time.monotonic() < deadline, report
        time.sleep(0.05)


def run_code(kernel: Kernel, code: str) -> dict[str, Any]:
    kernel.run(f"call('run_code', code={code!r})").check()
    report = finished(kernel, "run_code")
    assert report["error"] == ""
    return report


def failing_code(kernel: Kernel, code: str) -> str:
    """What the model reads of code that fails."""
    kernel.run(f"call('run_code', code={code!r})").check()
    report = finished(kernel, "run_code")
    assert report["error"].startswith("ToolError: ")
    return report["error"].removeprefix("ToolError: ")


# ---- what code puts out --------------------------------------------------------------------------------


def test_code_sees_and_sets_the_users_variables(agent: Kernel) -> None:
    agent.run("x = 20").check()
    report = run_code(agent, "y = x + 1\nprint('sum')\ny * 2")
    assert report["output"] == {"stdout": "sum\n", "result": 42, "created": {"y": "21"}}
    assert agent.value("y") == 21


def test_the_agents_output_reaches_no_cell(agent: Kernel) -> None:
    code = "print('secret'); import sys; print('err', file=sys.stderr); display('shown'); 'value'"
    cell = agent.submit(f"call('run_code', code={code!r})\nprint('mine')")
    reply = agent.reply(cell).check()
    report = finished(agent, "run_code")
    agent.run("1").check()
    everything = json.dumps([reply.stdout, reply.stderr, reply.displays, agent.outside], default=str)
    assert reply.stdout == "mine\n"
    assert "secret" not in everything
    assert "shown" not in everything
    assert report["output"]["stdout"] == "secret\n"
    assert report["output"]["stderr"] == "err\n"
    assert report["output"]["result"] == "value"
    assert report["display"] == [["text/plain"]] * 4


def test_logging_of_the_agents_code_reaches_no_cell(agent: Kernel) -> None:
    agent.run("import logging, sys; logging.basicConfig(stream=sys.stderr, force=True)").check()
    report = run_code(agent, "logging.warning('of the agent')")
    assert "of the agent" in report["output"]["stderr"]
    reply = agent.run("logging.warning('of the cell')").check()
    assert "of the cell" in reply.stderr
    assert "of the agent" not in reply.stderr


def test_code_cannot_ask_the_user(agent: Kernel) -> None:
    error = failing_code(agent, "input('name?')")
    assert error.startswith(("EOFError: ", "StdinNotImplementedError: "))


def test_cells_of_magics(agent: Kernel) -> None:
    assert run_code(agent, "%%bash\necho one\necho two >&2")["output"] == {"stdout": "one\n", "stderr": "two\n"}
    assert "timed" in run_code(agent, "%%time\nprint('timed')")["output"]["stdout"]
    assert run_code(agent, "from IPython.display import clear_output\nprint('old')\nclear_output()\nprint('new')")[
        "output"
    ] == {"stdout": "new\n"}


def test_a_result_is_not_shown_where_the_line_ends_in_a_semicolon(agent: Kernel) -> None:
    assert run_code(agent, "1 + 1;")["output"] == {}
    assert run_code(agent, "# only a comment")["output"] == {}


def test_an_error_names_the_line_and_leaves_no_trace_in_the_notebook(agent: Kernel) -> None:
    agent.run("def half(n):\n    return n / 0\n").check()
    error = failing_code(agent, "a = 1\nprint('half-way')\nhalf(a)")
    assert error.splitlines()[0] == "ZeroDivisionError: division by zero"
    assert error.count("ZeroDivisionError") == 1
    assert "the code you ran, line 3" in error
    assert "return n / 0" in error
    assert "\x1b" not in error
    assert "copilot_widget" not in error
    assert error.endswith("It printed:\nhalf-way")
    agent.run("call('last_error')").check()
    assert finished(agent, "last_error")["output"] == {"error": None}
    assert not [m for m in agent.outside if m["msg_type"] == "error"]


def test_a_syntax_error_is_an_error_like_any_other(agent: Kernel) -> None:
    error = failing_code(agent, "x = (1,")
    assert error.startswith("SyntaxError: ")
    assert "line 1" in error


def test_a_fence_around_the_code_is_no_part_of_it(agent: Kernel) -> None:
    assert run_code(agent, "```python\n6 * 7\n```")["output"] == {"result": 42}


def test_ipython_syntax_and_top_level_await(agent: Kernel) -> None:
    assert run_code(agent, "!echo from the shell")["output"]["stdout"].strip() == "from the shell"
    assert "1,000 loops" in run_code(agent, "%timeit -n 1000 -r 1 1 + 1")["output"]["stdout"]
    code = (
        "import asyncio\nprint('before')\nawait asyncio.sleep(0.01)\nprint('after')\nawait asyncio.sleep(0.01, 'value')"
    )
    assert run_code(agent, code)["output"] == {"stdout": "before\nafter\n", "result": "value"}


def test_code_that_wants_out_does_not_end_the_kernel(agent: Kernel) -> None:
    for code in ("exit()", "import sys; sys.exit(3)", "raise KeyboardInterrupt", "raise SystemExit"):
        failing_code(agent, code)
        assert agent.run("1").check().status == "ok"
    assert agent.alive()


def test_figures_are_shown_in_the_card_and_not_in_the_next_cell(agent: Kernel) -> None:
    agent.run("%matplotlib inline\nimport matplotlib.pyplot as plt").check()
    report = run_code(agent, "plt.plot([1, 2]); plt.title('t')")
    assert "image/png" in report["display"][0]
    assert report["output"]["displays"] == ["image/png"]
    assert agent.run("1").check().displays == []


def test_a_payload_does_not_pop_up_in_the_next_cell(agent: Kernel) -> None:
    report = run_code(agent, "def thing():\n    'words about it'\nthing?")
    assert "words about it" in report["output"]["stdout"]
    assert agent.run("1").check().payload == []


def test_output_streams_while_the_code_runs(agent: Kernel) -> None:
    report = run_code(agent, "import time\nfor n in range(6):\n    print(n)\n    time.sleep(0.2)")
    texts = [preview["stdout"] for preview in report["previews"]]
    assert len(texts) >= 3
    assert texts == sorted(texts, key=len)
    assert report["output"]["stdout"].startswith(texts[-1])


def test_code_tells_what_it_made_of_the_users_variables(agent: Kernel) -> None:
    agent.run(
        "import pandas as pd\nkept, old, rows, gone, token = 1, 'a', [1], 2, 'x'\nframe = pd.DataFrame({'a': [1, 2]})"
    ).check()
    code = (
        "import math\nfrom json import dumps\nfrom decimal import Decimal\nkept = 1\nold = 'b'\nrows.append(2)\n"
        "frame['c'] = 0\ndel gone\ntoken = 'sk-1234567890'\n"
        "_private = 1\nnew = {'k': 1}\ndef helper(n): return n"
    )
    assert run_code(agent, code)["output"] == {
        "created": {"new": "dict: 1 key: 'k'", "helper": "function: helper(n)"},
        "changed": {
            "old": "'b'",
            "rows": "list: 2 items: 1, 2",
            "token": "hidden: its name says it is a secret",
            "frame": "DataFrame: 2 × 2: a, c",
        },
        "deleted": ["gone"],
    }
    output = run_code(agent, "globals().update({f'many_{n}': n for n in range(100)})")["output"]
    assert len(output["created"]) == 21
    assert output["created"]["…"] == "80 more of 100 names"


def test_what_code_made_is_told_without_running_the_objects_code(agent: Kernel) -> None:
    agent.run(
        "ran = []\nclass Meta(type):\n    def __eq__(self, other): ran.append('eq'); return True\n"
        "    __hash__ = type.__hash__\n"
        "class Loud(metaclass=Meta):\n    def __repr__(self): ran.append('repr'); return 'loud'\n"
        "    def __eq__(self, other): ran.append('==')\n    def __len__(self): ran.append('len')\n"
        "    def __getattr__(self, name): ran.append(name); raise AttributeError(name)\n"
        "loud, louder = Loud(), Loud()\nran.clear()"
    ).check()
    output = run_code(agent, "louder = Loud(); third = [Loud()]")["output"]
    assert output == {"created": {"third": "list: 1 item: Loud"}, "changed": {"louder": "Loud: __main__.Loud"}}
    assert agent.value("ran") == []


def test_displays_that_are_not_kept_are_told(agent: Kernel) -> None:
    report = run_code(agent, "for n in range(30): display(n)")
    assert report["output"]["displays"][20:] == ["… 10 more of 30 displays, which are not kept"]
    assert len(report["display"]) == 21


def test_a_figure_reaches_the_card_while_the_code_goes_on(agent: Kernel) -> None:
    """Also late in a run that prints, whose previews have become rare by then."""
    agent.run("from copilot_widget import Copilot\nfrom copilot_widget.models.script import ScriptModel").check()
    code = (
        "import time\nmade = []\nfor n in range(400): print(n); time.sleep(0.01)\n"
        "for n in range(4):\n    display({'image/png': 'aGk' + 'A' * n, 'text/plain': ''}, raw=True)\n"
        "    made.append(time.time())\n    print('after', n)\n    time.sleep(1.2)"
    )
    script = {"steps": [[{"type": "call", "toolName": "run_code", "input": {"code": code}}], "Ok."]}
    agent.run(f"run = Copilot(ScriptModel({script!r}), approvals='auto').ask('go').wait(60)").check()
    events = agent.value("[e for e in run.events() if e['chunk']['type'] == 'data-display']")
    made = agent.value("made")
    late = [event["ts"] - at for event, at in zip(events, made, strict=False)]
    assert max(late) < 0.6, late  # with the next preview of what is printed it would be a second
    sent = [bundle["image/png"] for event in events for bundle in event["chunk"]["data"] if "image/png" in bundle]
    assert sent == ["aGk", "aGkA", "aGkAA", "aGkAAA", "aGk"], "only the first once more, below what was printed"


def test_a_model_that_sees_gets_the_last_of_the_figures_that_code_drew(agent: Kernel) -> None:
    agent.run(
        "%matplotlib inline\nimport json, matplotlib.pyplot as plt\nfrom copilot_widget import Copilot\n"
        "from copilot_widget.models.base import ToolCall, ToolMessage\n"
        "def model(request):\n"
        "    last = request.messages[-1]\n"
        "    if isinstance(last, ToolMessage):\n"
        "        seen.append([len(image.data) for image in last.images]); return 'done'\n"
        "    return [ToolCall('c1', 'run_code', json.dumps({'code': code}))]\n"
        "seen = []\n"
        "code = 'import numpy as np\\nfor n in range(5):\\n    plt.plot([n, 1])\\n    plt.show()\\n'\n"
        "code += 'plt.figure(figsize=(20, 20), dpi=200)\\nplt.imshow(np.random.rand(900, 900))\\nplt.show()'\n"
        "run = Copilot(model, approvals='auto').ask('plot').wait(60)"
    ).check()
    [sizes] = agent.value("seen")
    assert len(sizes) == 3
    assert max(sizes) <= 400_000
    shown = "[b['image/png'] for p in run.message.parts if p.type == 'data-display' for b in p.data]"
    assert agent.value(f"max(map(len, {shown}))") > 400_000, "the card has it as it was drawn"


def test_a_flood_of_output_is_cut_and_says_so(agent: Kernel) -> None:
    report = run_code(agent, "for n in range(300_000): print('line', n)")
    stdout = report["output"]["stdout"]
    assert len(stdout) < 10_000
    assert "line 0\n" in stdout
    assert "line 299999" in stdout
    assert "characters" in stdout


# ---- between cells -------------------------------------------------------------------------------------


def test_code_waits_for_a_running_cell_and_says_for_which(agent: Kernel) -> None:
    agent.run("call('run_code', code='at = time.time()'); time.sleep(1); ended = time.time()").check()
    number = agent.value("len(In) - 2")
    report = finished(agent, "run_code")
    assert (report["notes"][0], report["notes"][-1]) == (f"waiting for cell [{number}]", "")
    assert agent.value("at >= ended")


def test_code_does_not_run_while_an_async_cell_awaits(agent: Kernel) -> None:
    cell = agent.submit(
        "call('run_code', code='at = time.time()')\nfor n in range(20): await asyncio.sleep(0.05)\nended = time.time()"
    )
    agent.reply(cell).check()
    report = finished(agent, "run_code")
    assert report["notes"][0].startswith("waiting for cell [")
    assert agent.value("at >= ended")


def test_an_async_cell_is_not_disturbed_by_awaiting_code(agent: Kernel) -> None:
    """The agent's code awaits; a cell sent meanwhile begins after it, and each has its own output."""
    code = (
        "import asyncio\nfor n in range(10):\n    print('agent', n)\n    await asyncio.sleep(0.05)\n"
        "finished_at = time.time()"
    )
    agent.run(f"call('run_code', code={code!r})").check()
    time.sleep(0.15)
    reply = agent.run(
        "began = time.time()\nfor n in range(3):\n    print('cell', n)\n    await asyncio.sleep(0.01)"
    ).check()
    report = finished(agent, "run_code")
    assert reply.stdout == "cell 0\ncell 1\ncell 2\n"
    assert report["output"]["stdout"].splitlines() == [f"agent {n}" for n in range(10)]
    assert agent.value("began >= finished_at")


def test_calls_find_their_turn_among_queued_cells(agent: Kernel) -> None:
    """Run All: the tool must not wait for the last cell of a long row."""
    cells = [agent.submit("call('run_code', code='at = time.time()')")]
    cells += [agent.submit(f"time.sleep(0.3); cell_{n} = time.time()") for n in range(6)]
    for cell in cells:
        agent.reply(cell).check()
    report = finished(agent, "run_code")
    assert report["error"] == ""
    assert agent.value("at < cell_5")


def test_a_cell_that_waits_serves_the_code_itself(agent: Kernel) -> None:
    reply = agent.run(
        "done = call('run_code', code='z = 5; print(\"inner\"); z')\nprint(main.serve_until(done.done, 10), z)"
    )
    assert reply.check().stdout == "True 5\n"
    output = agent.value("calls['run_code'].report()")["output"]
    assert output == {"stdout": "inner\n", "result": 5, "created": {"z": "5"}}


def test_a_waiting_cell_serves_awaiting_code(agent: Kernel) -> None:
    code = "import asyncio\nawait asyncio.sleep(0.05, 'slept')"
    reply = agent.run(f"c = call('run_code', code={code!r})\nmain.serve_until(c.done, 10)\nprint(c.output)").check()
    assert "slept" in reply.stdout
    reply = agent.run("await asyncio.sleep(0.01, 'the cell can still await')").check()
    assert reply.result is not None


def test_an_awaiting_cell_serves_the_code_itself(agent: Kernel) -> None:
    code = "import asyncio\nawait asyncio.sleep(0.05)\nprint('inner')"
    reply = agent.run(
        f"c = call('run_code', code={code!r})\nawait main.serve(asyncio.to_thread(c.done.wait, 10))\nprint(c.output)"
    ).check()
    assert reply.stdout == "{'stdout': 'inner\\n'}\n"


def test_waiting_ends_with_its_time(agent: Kernel) -> None:
    assert agent.run("import threading; print(main.serve_until(threading.Event(), 0.2))").check().stdout == "False\n"


# ---- Stop ----------------------------------------------------------------------------------------------


STOPPABLE = {
    "sleep": "import time\ntime.sleep(60)",
    "loop": "while True: pass",
    "subprocess": "!sleep 60",
    "await": "import asyncio\nawait asyncio.sleep(60)",
    "blocking in async": "import asyncio, time\nawait asyncio.sleep(0)\ntime.sleep(60)",
}


@pytest.mark.parametrize("code", STOPPABLE.values(), ids=STOPPABLE.keys())
def test_stop_interrupts_code(agent: Kernel, code: str) -> None:
    agent.run(f"c = call('run_code', code={code!r})\nlater(1, c.stop)").check()
    time.sleep(0.5)
    after = agent.submit("after = time.time()")
    agent.reply(after, timeout=20).check()  # the kernel is free again
    report = finished(agent, "run_code")
    assert report["error"] == "cancelled"
    assert report["ended"] - report["began"] < 5
    assert agent.run("print('well')").check().stdout == "well\n"


def test_stop_of_code_that_cannot_be_interrupted_ends_the_call_at_once(agent: Kernel) -> None:
    code = (
        "import time\nend = time.time() + 4\n"
        "while time.time() < end:\n    try:\n        time.sleep(4)\n    except BaseException: pass"
    )
    agent.run(f"c = call('run_code', code={code!r})\nlater(1, c.stop)").check()
    report = finished(agent, "run_code")
    assert report["ended"] - report["began"] < 3
    assert agent.run("print('well')").check().stdout == "well\n"


def test_stop_never_hits_a_cell_of_the_users(agent: Kernel) -> None:
    """Calls that end just when they are stopped, and cells that run just then; 60 races."""
    agent.run(
        "def race(n):\n"
        "    c = call('run_code', key=str(n), code='import time\\ntime.sleep(0.02)')\n"
        "    later(0.005 + 0.0005 * n, c.stop)\n"
    ).check()
    for n in range(60):  # one by one: ipykernel 7.3.0 itself can lose a request that meets a reply
        agent.run(f"race({n})").check()
        agent.run("for i in range(2000): sum(range(20))").check()
        agent.run("await asyncio.sleep(0.005)").check()
    assert agent.run("print('well')").check().stdout == "well\n"


def test_stop_before_its_turn_takes_the_code_out_of_the_queue(agent: Kernel) -> None:
    agent.run("ran = False\nc = call('run_code', code='ran = True')\nlater(0.2, c.stop)\ntime.sleep(0.6)").check()
    report = finished(agent, "run_code")
    assert report["error"] == "cancelled"
    assert agent.value("ran") is False


def test_the_interrupt_button_interrupts_the_agents_code(agent: Kernel) -> None:
    agent.run("call('run_code', code='import time\\nprint(\"before\")\\ntime.sleep(60)')").check()
    time.sleep(0.7)
    agent.interrupt()
    report = finished(agent, "run_code")
    assert report["error"] == "ToolError: KeyboardInterrupt: stopped by the user\n\nIt printed:\nbefore"


def test_the_interrupt_button_still_interrupts_cells(agent: Kernel) -> None:
    run_code(agent, "1")
    cell = agent.submit("time.sleep(60)")
    time.sleep(0.7)
    agent.interrupt()
    assert "KeyboardInterrupt" in agent.reply(cell, timeout=20).error


def test_the_interrupt_button_ends_a_wait(agent: Kernel) -> None:
    cell = agent.submit("import threading; main.serve_until(threading.Event())")
    time.sleep(0.7)
    agent.interrupt()
    assert "KeyboardInterrupt" in agent.reply(cell, timeout=20).error


def test_code_that_takes_too_long_is_interrupted(agent: Kernel) -> None:
    agent.run(
        "from copilot_widget.notebook.run_code import RunCode\nquick = RunCode(shell, main, time_limit=0.5)"
    ).check()
    agent.run("call(quick, code='import time\\nprint(1)\\ntime.sleep(60)')").check()
    report = finished(agent, "run_code")
    assert report["error"] == "ToolError: TimeoutError: stopped after 0.5 s\n\nIt printed:\n1"


# ---- looking -------------------------------------------------------------------------------------------


def test_looking_does_not_wait_for_a_running_cell(agent: Kernel) -> None:
    agent.run("x = [1, 2]").check()
    agent.run(
        "call('list_variables'); call('inspect_variable', name='x'); time.sleep(1.5); ended = time.time()"
    ).check()
    listed, inspected = finished(agent, "list_variables"), finished(agent, "inspect_variable")
    ended = agent.value("ended")
    assert listed["ended"] < ended
    assert inspected["ended"] < ended
    assert inspected["output"]["value"] == [1, 2]
    assert "x" in [entry["name"] for entry in listed["output"]]
    assert "In" not in [entry["name"] for entry in listed["output"]]


def test_the_last_error_with_its_locals(agent: Kernel) -> None:
    number = agent.value("len(In)")
    agent.run("def share(part, total):\n    ratio = part / total\n    return ratio").check()
    agent.run("share(3, 0)")
    agent.run("call('last_error')").check()
    output = finished(agent, "last_error")["output"]
    assert output["type"] == "ZeroDivisionError"
    assert output["message"] == "division by zero"
    assert output["line"] == 2
    assert output["code"] == "ratio = part / total"
    assert output["locals"] == {"part": "3", "total": "0"}
    assert f"cell [{number}], line 2, in share" in output["traceback"]
    assert "ipykernel" not in output["traceback"]


def test_main_thread_tools_run_between_cells(agent: Kernel) -> None:
    agent.run(
        "from copilot_widget import tool\nimport sqlite3, threading\ndb = sqlite3.connect(':memory:')\n"
        "@tool(main_thread=True)\ndef ask(sql: str):\n"
        "    return db.execute(sql).fetchall(), threading.current_thread().name\n"
        "call(ask, sql='select 1')"
    ).check()
    assert finished(agent, "ask")["output"] == [[[1]], "MainThread"]


TALKATIVE = """
from copilot_widget import tool
def talk(n):
    for i in range(n): print('talking', i); time.sleep(0.002)
    display({'text/html': '<b>shown</b>'}, raw=True)
@tool
def in_a_thread(): talk(50)
@tool
def returning(): talk(2); return {'n': 1}
@tool
async def awaiting():
    for i in range(50): print('talking', i); await asyncio.sleep(0.002)
@tool(main_thread=True)
def on_main(): talk(3)
@tool
def yielding():
    for i in range(3): print('talking', i); yield i
@tool
def failing(): talk(1); raise ValueError('no')
"""


def test_what_tools_print_is_in_their_card_and_in_no_cell(agent: Kernel) -> None:
    agent.run(TALKATIVE).check()
    names = ["in_a_thread", "returning", "awaiting", "on_main", "yielding", "failing"]
    cell = agent.run(
        "\n".join(f"call({name})" for name in names) + "\nfor n in range(200): print('cell'); time.sleep(0.002)"
    )
    reports = {name: finished(agent, name) for name in names}
    assert cell.check().stdout == "cell\n" * 200
    assert cell.displays == []
    talk = [f"talking {n}" for n in range(50)]
    assert reports["in_a_thread"]["output"].split("\n")[:-1] == talk
    assert reports["awaiting"]["output"].split("\n")[:-1] == talk
    assert reports["on_main"]["output"].split("\n")[:-1] == talk[:3]
    assert reports["returning"]["output"] == {"n": 1}
    assert reports["returning"]["display"] == [["text/plain"], ["text/html"], ["text/plain"]]
    assert reports["yielding"]["output"] == 2
    assert "ValueError: no" in reports["failing"]["error"]
    assert "talking 0" in reports["failing"]["error"]
    assert not [m for m in agent.outside if m["msg_type"] in ("stream", "display_data")]


def test_headless_is_told_by_what_the_client_allows(start_kernel: Callable[..., Kernel], kernel_name: str) -> None:
    code = "from copilot_widget.notebook.kernel import is_headless\nprint(is_headless(get_ipython()))"
    assert start_kernel(kernel_name, allow_stdin=False).run(code).check().stdout == "True\n"
    assert start_kernel(kernel_name, allow_stdin=True).run(code).check().stdout == "False\n"
