"""Runs that leave the kernel, as a user of a notebook meets them: real kernels, real workers, real servers."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.servers import RabbitServer, RedisServer

from .kernels import ROOT, Kernel, Reply

WIDGET = "application/vnd.jupyter.widget-view+json"
WORDS = [f"w{number}" for number in range(60)]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[RedisServer, RabbitServer]]:
    with RedisServer() as redis, RabbitServer() as rabbit:
        yield redis, rabbit


@dataclass
class Place:
    """Where runs are executed, and what a user's environment says of it."""

    name: str
    option: str
    """What --executor is given."""
    folder: Path
    env: dict[str, str]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def script(self, *steps: Any) -> str:
        """A model that answers with them."""
        path = self.folder / f"{len(list(self.folder.iterdir()))}.json"
        path.write_text(json.dumps({"steps": list(steps), "end": "last"}))
        return f"script:{path}"

    def start_worker(self, *arguments: str) -> None:
        with (self.folder / f"worker-{len(self.workers)}.log").open("wb") as output:
            command = [sys.executable, "-m", "copilot_widget", "worker", "--port", "0", *arguments]
            env = {**os.environ, **self.env}
            self.workers.append(subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=output))

    def pool(self) -> list[psutil.Process]:
        """The detached workers that kernels of this environment have started."""
        pools = str(self.folder / "jupyter")
        return [
            one for one in psutil.process_iter(["cmdline"]) if any(pools in word for word in one.info["cmdline"] or [])
        ]

    def kill_workers(self) -> None:
        """kill -9, all of them."""
        killed = 0
        for worker in self.workers:
            worker.kill()
            worker.wait()
            killed += 1
        self.workers.clear()
        for process in self.pool():
            process.kill()
            killed += 1
        assert killed or self.name == "broker"


@pytest.fixture(params=["process", "broker"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    env = {"JUPYTER_DATA_DIR": str(tmp_path / "jupyter"), "COPILOT_STORE": f"sqlite:///{tmp_path}/threads.sqlite3"}
    place = Place("process", "process", tmp_path, env)
    if request.param == "broker":
        redis, rabbit = request.getfixturevalue("servers")
        place = Place(
            "broker", rabbit.url, tmp_path, {**env, "COPILOT_REDIS": redis.url, "COPILOT_OWNER": tmp_path.name}
        )
        env = place.env
        place.env = {**env, "COPILOT_AMQP": rabbit.url}
        place.start_worker("--workers", "1")
    yield place
    for process in [*place.pool(), *(psutil.Process(worker.pid) for worker in place.workers)]:
        process.kill()


@pytest.fixture
def open_kernel(place: Place, start_kernel: Callable[..., Kernel]) -> Callable[[], Kernel]:
    """A kernel as JupyterLab uses it, with the extension loaded."""

    def start(**options: Any) -> Kernel:
        kernel = start_kernel(env=place.env, **options)
        kernel.run("%load_ext copilot_widget\nfrom copilot_widget import Copilot, tool").check()
        pause()
        return kernel

    return start


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel for questions that lead nowhere."""
    folder = tmp_path_factory.mktemp("plain")
    env = {"JUPYTER_DATA_DIR": str(folder / "jupyter"), "COPILOT_STORE": f"sqlite:///{folder}/threads.sqlite3"}
    kernel = Kernel(env=env)
    kernel.run("%load_ext copilot_widget\nfrom copilot_widget import Copilot, tool").check()
    yield kernel
    kernel.close()


def pause() -> None:
    """As long as a person needs at least between two cells."""
    time.sleep(0.15)


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "call", "toolName": tool, "input": arguments}


def slowly(words: list[str], rate: float) -> dict[str, Any]:
    return {"type": "text", "text": " ".join(words), "tokensPerSecond": rate}


def until(kernel: Kernel, expression: str, seconds: float = 40) -> Any:
    """The value of an expression, once it is true; other cells run meanwhile."""
    deadline = time.monotonic() + seconds
    while not (value := kernel.value(expression)):
        assert time.monotonic() < deadline, f"{expression}: {kernel.value('repr(run), run.text, str(run.error)')}"
        time.sleep(0.1)
    return value


def ask(kernel: Kernel, place: Place, model: str, options: str = "", prompt: str = "go") -> float:
    """Ask by the magic; returns how long the cell took, in seconds."""
    pause()
    begun = time.monotonic()
    reply = kernel.run(f"run = %copilot --executor {place.option} --model {model} {options} {prompt}").check()
    assert list(reply.displays[-1]) == [WIDGET]
    return time.monotonic() - begun


OUTPUTS = (
    "{part.type[5:]: part.output or part.error_text for part in run.message.parts if part.type.startswith('tool-')}"
)


def outputs(kernel: Kernel) -> dict[str, Any]:
    return kernel.value(OUTPUTS)


def text(reply: Reply) -> str:
    return reply.displays[0]["text/plain"]


def test_the_cell_ends_at_once_and_the_answer_streams(place: Place, open_kernel: Callable[..., Kernel]):
    kernel = open_kernel()
    seconds = ask(kernel, place, place.script({"events": [slowly(WORDS, 30)]}))
    assert seconds < 3, "the cell does not wait for a worker, nor for an answer"
    first = until(kernel, "run.text")
    assert kernel.value("run.status") == "running"
    assert first.split() == WORDS[: len(first.split())] != WORDS
    assert kernel.value("run.wait(30).text.split()") == WORDS
    assert kernel.value("run.status") == "completed"


TOOLS = """
stock = {17: "ring"}
ran = []

@tool
def lookup(order_id: int) -> str:
    "Find an order by its number."
    ran.append(order_id)
    return stock[order_id]
"""


def test_tools_of_the_notebook_run_in_the_kernel_on_its_variables(place: Place, open_kernel: Callable[..., Kernel]):
    kernel = open_kernel()
    kernel.run(TOOLS).check()
    calls = [call("list_variables"), call("lookup", order_id=17), call("inspect_variable", name="stock")]
    ask(kernel, place, place.script(calls, "It is a ring."))
    assert kernel.value("run.wait(30).text") == "It is a ring."
    found = outputs(kernel)
    assert "stock" in [each["name"] for each in found["list_variables"]]
    assert found["lookup"] == "ring"
    assert "ring" in json.dumps(found["inspect_variable"])
    assert kernel.value("ran") == [17]


CODE = "import os; stock[18] = 'scale'; os.getpid()"
APPROVAL = (
    "next((e['chunk']['approvalId'] for e in run.feed.events if e['chunk']['type'] == 'tool-approval-request'), None)"
)


def test_code_is_allowed_in_this_kernel_or_in_another_and_runs_in_this_one(
    place: Place, open_kernel: Callable[..., Kernel]
):
    kernel = open_kernel()
    kernel.run(TOOLS).check()
    model = place.script([call("run_code", code=CODE)], "Done.")
    ask(kernel, place, model)
    approval = until(kernel, APPROVAL)
    assert kernel.value("[run.status, 18 in stock]") == ["waiting", False]
    assert kernel.value(f"run.answer({approval!r}, True)") is True
    assert kernel.value("run.wait(30).text") == "Done."
    assert kernel.value("[stock.pop(18), __import__('os').getpid()]") == [
        "scale",
        outputs(kernel)["run_code"]["result"],
    ]

    ask(kernel, place, model, "--new")
    approval = until(kernel, APPROVAL)
    other = open_kernel()
    other.run("stock = {}").check()
    attached = other.run(f"run = %copilot --executor {place.option} /runs {kernel.value('run.id')}").check()
    assert "Approval" in text(attached) or list(attached.displays[-1]) == [WIDGET]
    assert until(other, APPROVAL) == approval
    assert other.value(f"run.answer({approval!r}, True)") is True
    assert kernel.value(f"run.answer({approval!r}, False)") is False, "the first answer counts"
    assert [each.value("run.wait(30).text") for each in (kernel, other)] == ["Done.", "Done."]
    assert kernel.value("stock[18]") == "scale"
    assert other.value("stock") == {}
    assert outputs(other) == outputs(kernel)


def test_a_denied_call_is_not_made(place: Place, open_kernel: Callable[..., Kernel]):
    kernel = open_kernel()
    kernel.run(TOOLS).check()
    ask(kernel, place, place.script([call("run_code", code=CODE)], "Then not."))
    approval = until(kernel, APPROVAL)
    kernel.run(f"run.answer({approval!r}, False)").check()
    assert kernel.value("run.wait(30).text") == "Then not."
    assert kernel.value("18 in stock") is False


def test_the_workers_slot_is_free_while_a_run_waits(place: Place, open_kernel: Callable[..., Kernel]):
    """More runs wait than the worker has slots, and another is answered all the same."""
    kernel = open_kernel()
    kernel.run(TOOLS).check()
    model = place.script([call("run_code", code=CODE)], "Done.")
    kernel.run(
        f"waiting = [Copilot({model!r}, executor={place.option!r}).ask('go') for _ in range(6)]\n"
        "import time\n"
        "while {one.status for one in waiting} != {'waiting'}: time.sleep(0.05)"
    ).check()
    ask(kernel, place, place.script("Here."))
    assert kernel.value("run.wait(20).text") == "Here."
    assert kernel.value("[one.status for one in waiting]") == ["waiting"] * 6
    kernel.run("for one in waiting: one.stop()\nfor one in waiting: one.wait(10)").check()


def test_a_kernel_that_dies_in_a_call_is_told_to_the_model_and_a_new_one_does_not_run_it(
    place: Place, open_kernel: Callable[..., Kernel], tmp_path: Path
):
    """The patience of a worker is 30 s: this test takes longer."""
    hangs = f"""
import pathlib, time
@tool
def hangs() -> str:
    "Never return."
    with open({str(tmp_path / "ran")!r}, "a") as file:
        file.write("x")
    time.sleep(3600)
"""
    kernel = open_kernel()
    kernel.run(hangs).check()
    ask(kernel, place, place.script([call("hangs")], "Without it, then."))
    run = kernel.value("run.id")
    wait_for(lambda: (tmp_path / "ran").exists())
    kernel.kill()

    restarted = open_kernel()
    restarted.run(hangs).check()
    reply = restarted.run(f"run = %copilot --executor {place.option} /runs {run}").check()
    assert list(reply.displays[-1]) == [WIDGET]
    assert restarted.value("run.status") not in ("completed", "failed", "stopped")
    assert restarted.value("run.wait(60).text", timeout=70) == "Without it, then."
    assert "Kernel unavailable" in outputs(restarted)["hangs"]
    assert (tmp_path / "ran").read_text() == "x", "only the kernel that was asked has run it"


def test_a_worker_that_is_killed_costs_the_answer_nothing(place: Place, open_kernel: Callable[..., Kernel]):
    kernel = open_kernel()
    ask(kernel, place, place.script({"events": [slowly(WORDS, 15)]}))
    until(kernel, "len(run.text.split()) > 10")
    place.kill_workers()
    if place.name == "broker":
        place.start_worker()
    assert kernel.value("run.wait(40).text.split()") == WORDS
    assert kernel.value("[event['seq'] for event in run.feed.events] == list(range(1, len(run.feed.events) + 1))")
    assert kernel.value("[e['chunk']['type'] for e in run.feed.events].count('finish')") == 1


def rows(reply: Reply) -> list[list[str]]:
    """The cells of the list of runs, below its head."""
    lines = text(reply).partition("\n\n")[0].splitlines()  # what follows says how to go on
    assert lines[0].split() == ["question", "status", "where", "since", "run"]
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines[1:]]


def test_runs_are_listed_and_one_is_followed_from_another_kernel(place: Place, open_kernel: Callable[..., Kernel]):
    kernel = open_kernel()
    assert text(kernel.run("%copilot /runs").check()) == "No runs yet."
    pause()
    kernel.run(f"here = Copilot({place.script('Here.')!r}).ask('asked by the kernel').wait(20)").check()
    ask(kernel, place, place.script({"events": [slowly(WORDS, 10)]}), prompt="asked elsewhere, <b>slowly</b>")
    until(kernel, "run.text")
    run, here = kernel.value("[run.id, here.id]")
    listed = kernel.run("%copilot /runs").check()
    slow, done = rows(listed)
    where = r"process" if place.name == "process" else r"workers \(.+\)"
    assert slow[:2] == ["asked elsewhere, <b>slowly</b>", "running"]
    assert re.fullmatch(where, slow[2])
    assert re.fullmatch(r"\d+ s", slow[3])
    assert slow[4] == run
    assert done[:3] + done[4:] == ["asked by the kernel", "completed", "kernel", here]
    assert "asked elsewhere" in listed.displays[0]["text/markdown"]
    assert "<b>" not in listed.displays[0]["text/markdown"]
    assert "guest" not in json.dumps(listed.displays), "no credential of the broker's"

    other = open_kernel()
    assert [row[0] for row in rows(other.run("%copilot /runs").check())] == ["asked elsewhere, <b>slowly</b>"]
    pause()
    reply = other.run(f"run = %copilot /runs {run[:9]}").check()
    assert "slowly" in reply.displays[0]["text/plain"]
    assert other.value("run.wait(30).text.split()") == WORDS
    assert other.value("[event['seq'] for event in run.feed.events]") == kernel.value(
        "[event['seq'] for event in run.wait(10).feed.events]"
    )
    assert rows(other.run("%copilot /runs").check())[0][1] == "completed"
    pause()
    follow_up = other.run("more = %copilot and now?").check()
    assert list(follow_up.displays[-1]) == [WIDGET], "the conversation goes on in the kernel that follows it"
    assert other.value("[more.copilot is run.copilot, more.request.thread == run.request.thread]") == [True, True]


def test_a_restarted_kernel_follows_its_run_and_says_that_variables_are_gone(
    place: Place, open_kernel: Callable[..., Kernel]
):
    kernel = open_kernel()
    ask(kernel, place, place.script({"events": [slowly(WORDS, 8)]}))
    until(kernel, "len(run.text.split()) > 10")
    run = kernel.value("run.id")
    kernel.kill()
    restarted = open_kernel()
    reply = restarted.run("run = %copilot /runs latest").check()
    assert restarted.value("run.id") == run
    widget = reply.displays[-1][WIDGET]["model_id"]
    view = control(restarted, {"id": "a", "widget": widget, "command": "hello"})["result"]
    assert "its variables are gone" in view["notice"]
    assert restarted.value("run.wait(30).text.split()") == WORDS
    ended = restarted.run("%copilot /runs latest").check()
    widget = ended.displays[-1][WIDGET]["model_id"]
    assert control(restarted, {"id": "b", "widget": widget, "command": "hello"})["result"]["notice"] is None


def test_a_page_asks_a_restarted_kernel_to_go_on_and_gets_this_owners_runs_only(
    place: Place, open_kernel: Callable[..., Kernel], start_kernel: Callable[..., Kernel]
):
    kernel = open_kernel()
    ask(kernel, place, place.script({"events": [slowly(WORDS, 8)]}))
    run = kernel.value("run.id")
    kernel.kill()
    heir = "0123456789abcdef" * 2
    command = {"id": "p-1", "command": "attach", "runs": ["run-unknown", run], "kind": "turn", "heir": heir}
    restarted = start_kernel(env=place.env)
    assert on_comm(restarted, command) is None, "without the extension nobody answers"
    restarted.run("%load_ext copilot_widget").check()
    reply = on_comm(restarted, command)
    assert reply is not None
    assert reply["result"] == {"runs": [run]}
    view = control(restarted, {"id": "p-2", "widget": heir, "command": "hello"})["result"]
    assert [turn["run"] for turn in view["turns"]] == [run]
    assert view["turns"][0]["elsewhere"] is True
    refused = on_comm(restarted, {**command, "id": "p-3", "heir": "../x"}) or {}
    assert refused["error"]["code"] == "bad-arguments"
    if place.name == "broker":
        other = start_kernel(env={**place.env, "COPILOT_OWNER": "somebody else"})
        other.run("%load_ext copilot_widget").check()
        assert (on_comm(other, command) or {})["result"] == {"runs": []}


def on_comm(kernel: Kernel, command: dict[str, Any]) -> dict[str, Any] | None:
    """A command as the page sends it, and its reply; None where the kernel closes the comm."""
    session, comm = kernel.client.session, uuid.uuid4().hex
    target = {"comm_id": comm, "target_name": "copilot_widget.commands", "data": {}}
    kernel.client.shell_channel.send(session.msg("comm_open", target))
    data = {"page": "p", "n": 1, "widget": "of-the-old-kernel", **command}
    kernel.client.shell_channel.send(session.msg("comm_msg", {"comm_id": comm, "data": data}))
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        message = kernel.client.get_iopub_msg(timeout=20)
        if message["content"].get("comm_id") == comm:
            if message["msg_type"] == "comm_close":
                return None
            if message["msg_type"] == "comm_msg":
                return message["content"]["data"]
    raise AssertionError("no reply")


@pytest.mark.parametrize("place", ["process"], indirect=True)
def test_runs_of_other_settings_are_listed_and_followed(place: Place, open_kernel: Callable[..., Kernel]):
    """A key that the old kernel had set is not set yet in the new one: its run is found all the same."""
    kernel = open_kernel()
    kernel.run("import os; os.environ['OPENAI_API_KEY'] = 'sk-of-a-test-only'").check()
    ask(kernel, place, place.script({"events": [slowly(WORDS, 10)]}))
    until(kernel, "run.text")
    run = kernel.value("run.id")
    kernel.kill()
    restarted = open_kernel()
    [row] = rows(restarted.run("%copilot /runs").check())
    assert row[1:3] + row[4:] == ["running", "process (other settings)", run]
    restarted.run("run = %copilot /runs latest").check()
    assert restarted.value("run.wait(30).text.split()") == WORDS
    pause()
    more = restarted.run("run = %copilot and now?").check()
    assert list(more.displays[-1]) == [WIDGET]
    assert restarted.value("[run.wait(30).status, run.executor.__class__.__name__]") == ["completed", "ProcessExecutor"]


@pytest.mark.parametrize("place", ["broker"], indirect=True)
def test_an_address_that_is_set_right_counts_at_once(
    servers: tuple[RedisServer, RabbitServer], place: Place, open_kernel: Callable[..., Kernel]
):
    kernel = open_kernel()
    kernel.run("import os; os.environ['COPILOT_REDIS'] = 'redis://127.0.0.1:9/0'").check()
    pause()
    assert "cannot be used now" in kernel.run(f"%copilot --executor {place.option} --model demo hello").error
    kernel.run(f"os.environ['COPILOT_REDIS'] = {servers[0].url!r}").check()
    ask(kernel, place, place.script("Hello."))
    assert kernel.value("run.wait(20).text") == "Hello."


def test_stop_from_another_kernels_view_ends_the_run(place: Place, open_kernel: Callable[..., Kernel]):
    kernel = open_kernel()
    endless = {"events": [{"type": "text", "text": "word ", "tokens": 5000, "tokensPerSecond": 20}]}
    ask(kernel, place, place.script(endless))
    run = kernel.value("run.id")
    until(kernel, "run.text")
    other = open_kernel()
    attached = other.run(f"run = %copilot /runs {run}").check()
    until(other, "run.text")
    begun = time.monotonic()
    stop = {"id": "s", "widget": attached.displays[-1][WIDGET]["model_id"], "command": "stop", "run": run}
    assert control(other, stop)["ok"]
    assert kernel.value("run.wait(5).status") == "stopped"
    assert time.monotonic() - begun < 3
    assert other.value("run.wait(5).status") == "stopped"
    assert rows(other.run("%copilot /runs").check())[0][1] == "stopped"


def wait_for(condition: Callable[[], Any], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


# ---- what cannot be ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(20)
        yield server.getsockname()[1]


def urls(servers: tuple[RedisServer, RabbitServer], silent: int, amqp: str, redis: str) -> tuple[str, str]:
    good = {"amqp": servers[1].url, "redis": servers[0].url}
    bad = {
        "silent": f"joe:hunter22@127.0.0.1:{silent}",
        "closed": "joe:hunter22@127.0.0.1:9",
        "nowhere": "joe:hunter22@nowhere.invalid",
        "refused": f"joe:hunter22@127.0.0.1:{servers[1].port}",
        "locked": f":hunter22@127.0.0.1:{servers[0].port}",
    }
    where = good["amqp"] if amqp == "good" else f"amqp://{bad[amqp]}/"
    if redis == "missing":
        return where, ""
    return where, good["redis"] if redis == "good" else f"redis://{bad[redis]}/0"


@pytest.mark.parametrize(
    ("amqp", "redis", "words"),
    [
        ("refused", "good", ["RabbitMQ", "refuses this user"]),
        ("closed", "good", ["RabbitMQ", "127.0.0.1:9", "cannot be used now"]),
        ("silent", "good", ["RabbitMQ", "no answer within 5 s"]),
        ("nowhere", "good", ["RabbitMQ", "nowhere.invalid"]),
        ("good", "missing", ["COPILOT_REDIS"]),
        ("good", "closed", ["Redis", "127.0.0.1:9", "cannot be used now"]),
        ("good", "silent", ["Redis", "no answer within 5 s"]),
        ("good", "locked", ["Redis", "refuses this user"]),
    ],
)
def test_servers_that_cannot_be_used_are_said_at_once_in_the_cell(
    servers: tuple[RedisServer, RabbitServer],
    silent: int,
    plain: Kernel,
    amqp: str,
    redis: str,
    words: list[str],
):
    where, log = urls(servers, silent, amqp, redis)
    plain.run(f"import os; os.environ['COPILOT_REDIS'] = {log!r}").check()
    for question in ("--model demo hello", *(["/runs"] if amqp == "good" else [])):
        pause()
        begun = time.monotonic()
        reply = plain.run(f"%copilot --executor {where} {question}", timeout=20)
        assert time.monotonic() - begun < 10
        check_sentence(plain, reply, words)
    pause()
    plain.run(f"os.environ['COPILOT_EXECUTOR'] = {where!r}").check()
    listed = plain.run("%copilot /runs", timeout=20)
    plain.run("del os.environ['COPILOT_EXECUTOR']").check()
    if redis == "missing":
        return
    said = text(listed.check())
    assert "hunter22" not in json.dumps(listed.displays)
    assert ("Not listed" in said) is (redis != "good"), "what is in the log can be listed without a broker"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%copilot --executor moon hi", ["no executor 'moon'", "process"]),
        ("%copilot --executor amqp:// hi", ["no executor 'amqp://'"]),
        ("%copilot --executor http://joe:hunter22@host hi", ["no executor 'http://host'"]),
        ("%copilot --executor moon /runs", ["no executor 'moon'"]),
        ("%copilot /runs nonsense", ["'nonsense' names no run", "%copilot /runs"]),
        ("%copilot /runs latest", ["'latest' names no run"]),
        ("%copilot --executor", ["--executor needs a value", "process"]),
        ("Copilot('demo', executor='process', api_key='hunter22').ask('hi')", ["stays in this process"]),
        ("Copilot(lambda request: 'x', executor='process').ask('hi')", ["an object of this process"]),
        ("Copilot('demo', executor='process').attach('run-of-nobody')", ["no run 'run-of-nobody'"]),
    ],
)
def test_a_mistake_gets_a_sentence(plain: Kernel, line: str, words: list[str]):
    pause()
    check_sentence(plain, plain.run(line), words)


def check_sentence(kernel: Kernel, reply: Reply, words: list[str]) -> None:
    said = reply.error + reply.stderr
    assert reply.status == "error"
    assert all(word in said for word in words), said
    assert "Traceback" not in said
    assert len(said.splitlines()) <= 2, said
    assert "hunter22" not in said
    assert "joe" not in said
    assert kernel.value("1 + 1") == 2


def control(kernel: Kernel, content: dict[str, Any]) -> dict[str, Any]:
    """A command of the page by the control channel, and its reply."""
    channel = kernel.client.control_channel
    message = kernel.client.session.msg("copilot_command", {"page": "p", "n": 1, **content})
    channel.send(message)
    while True:
        reply = channel.get_msg(timeout=10)
        if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
            return reply["content"]
