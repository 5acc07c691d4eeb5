"""MCP servers that others wrote, on a real kernel: what a page is told meanwhile, Stop, and a server that dies."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ..mcp_tools import NODE_BIN, config, files
from .kernels import Kernel
from .test_magic import WIDGET, came, control, loaded, pause

SECONDS = 40.0
"""For what is certain to come on a machine that has much to do."""
LONG = "all_trigger-long-running-operation"
_SERVER = "mcp-server-everything"


def _call(name: str, **given: Any) -> list[dict[str, Any]]:
    return [{"type": "call", "toolName": name, "input": given}]


ENDLESS = _call(LONG, duration=120, steps=240)
TURNS: dict[str, list[Any]] = {
    "progress": [_call(LONG, duration=6, steps=6), "all done"],
    "picture": [_call("all_get-tiny-image"), "a picture"],
    "stop": [ENDLESS, "never"],
    "echo": [_call("all_echo", message="still here"), "ok"],
    "die": [ENDLESS, _call("all_echo", message="back"), "it came back"],
    "write": [_call("fs_write_file", path="new.txt", content="hello"), "written"],
}
"""What the model does, by a word of the question."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mcp")


@pytest.fixture(scope="module")
def notebook(folder: Path) -> Iterator[Kernel]:
    """A kernel whose %copilot has the reference server, with what it is sent kept in a file, and the one of files."""
    heard = f"exec 3<&0; exec '{NODE_BIN / _SERVER}' < <(tee -a '{folder / 'heard'}' <&3) 3<&-"
    (folder / "shared").mkdir()
    servers = config(
        all={"command": "bash", "args": ["-c", heard]},
        fs={**files(folder / "shared"), "cwd": str(folder / "shared")},
    )
    turns = [{"match": word, "steps": steps} for word, steps in TURNS.items()]
    (folder / "script.json").write_text(json.dumps({"turns": turns}))
    kernel = loaded(Kernel())
    kernel.run(f"%config Copilot.mcp = {servers!r}\n%config Copilot.model = 'script:{folder / 'script.json'}'").check()
    yield kernel
    kernel.close()


def asked(kernel: Kernel, question: str) -> tuple[str, str]:
    """The widget's and the run's id of a question."""
    pause()
    reply = kernel.run(f"run = %copilot {question}").check()
    return reply.displays[-1][WIDGET]["model_id"], kernel.value("run.id")


def chunks(told: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Those of one type, of what a page is told of a run."""
    return [each for envelope in told["envelopes"] for each in envelope["chunks"] if each["type"] == kind]


def until(kernel: Kernel, widget: str, run: str, holds: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """What a page is told of a run, as soon as it `holds`; asked by the control channel, beside any cell."""
    deadline = time.monotonic() + SECONDS
    while not holds(told := came(kernel, widget, run)):
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
    return told


def progress(told: dict[str, Any]) -> list[Any]:
    return [each["output"] for each in chunks(told, "tool-output-available") if each.get("preliminary")]


def is_whole(told: dict[str, Any]) -> bool:
    """Whether the run's end is in it: what a page was not sent yet comes with its next envelope, not before."""
    return bool(chunks(told, "finish"))


def ended(kernel: Kernel) -> str:
    return kernel.value(f"run.wait({SECONDS}).text", timeout=2 * SECONDS)


def server_of(kernel: Kernel) -> psutil.Process:
    """The reference server that is a child of the kernel."""
    children = psutil.Process(kernel.value("__import__('os').getpid()")).children(recursive=True)
    [server] = [each for each in children if any(Path(word).name == _SERVER for word in each.cmdline())]
    return server


def test_progress_reaches_the_page_while_it_is_made_and_a_cell_runs(notebook: Kernel):
    widget, run = asked(notebook, "progress")
    cell = notebook.submit("import time; time.sleep(3); status_at_its_end = run.status")
    told = until(notebook, widget, run, progress)
    assert progress(told)[0] == "1 of 6"
    assert "6 of 6" not in progress(told), "it came while the server was at work"
    assert told["status"] == "running"
    notebook.reply(cell).check()
    assert ended(notebook) == "all done"
    told = until(notebook, widget, run, is_whole)
    assert progress(told)[-1] == "6 of 6"
    [result] = [each for each in chunks(told, "tool-output-available") if not each.get("preliminary")]
    assert result["output"] == "Long running operation completed. Duration: 6 seconds, Steps: 6."


def test_a_picture_is_in_the_card_and_in_the_record(notebook: Kernel):
    widget, run = asked(notebook, "picture")
    assert ended(notebook) == "a picture"
    told = until(notebook, widget, run, is_whole)
    pictures = [bundle for each in chunks(told, "data-display") for bundle in each["data"] if "image/png" in bundle]
    assert pictures[0]["image/png"].startswith("iVBOR")
    assert "iVBOR" not in json.dumps(chunks(told, "tool-output-available")), "to the model it is a few words"
    notebook.run("from copilot_widget.past import recorded\nfrom copilot_widget.record import render").check()
    assert "data:image/png;base64,iVBOR" in notebook.value("render(recorded([run]))['text/html']")


def test_stop_is_told_to_the_server_which_goes_on(notebook: Kernel, folder: Path):
    widget, run = asked(notebook, "stop")
    until(notebook, widget, run, progress)
    before = server_of(notebook).pid
    cancelled = (folder / "heard").read_text().count("notifications/cancelled")
    cell = notebook.submit("import time; time.sleep(2)")
    assert control(notebook, {"id": f"stop-{run}", "widget": widget, "command": "stop", "run": run})["ok"]
    until(notebook, widget, run, lambda told: told["status"] == "stopped")
    notebook.reply(cell).check()
    deadline = time.monotonic() + SECONDS
    while (folder / "heard").read_text().count("notifications/cancelled") == cancelled:
        assert time.monotonic() < deadline, "the server was never told"
        time.sleep(0.05)
    asked(notebook, "echo")
    assert ended(notebook) == "ok"
    assert notebook.value("[part.output for part in run.message.parts if part.type == 'tool-all_echo']") == [
        "Echo: still here"
    ]
    assert server_of(notebook).pid == before


def test_a_server_that_dies_in_a_call_is_told_and_is_there_again_for_the_next(notebook: Kernel):
    widget, run = asked(notebook, "die")
    until(notebook, widget, run, progress)
    server = server_of(notebook)
    server.kill()
    assert ended(notebook) == "it came back"
    told = until(notebook, widget, run, is_whole)
    [error] = chunks(told, "tool-output-error")
    assert error["errorText"].startswith("The MCP server 'all' (bash) was ended by SIGKILL")
    assert "The next call connects to the server again." in error["errorText"]
    assert chunks(told, "tool-output-available")[-1]["output"] == "Echo: back"
    assert server_of(notebook).pid != server.pid
    assert notebook.value("run.copilot.mcp_status()")["all"]["status"] == "ready"


def test_what_may_overwrite_waits_for_its_card(notebook: Kernel, folder: Path):
    path = folder / "shared" / "new.txt"
    widget, run = asked(notebook, "write")
    told = until(notebook, widget, run, lambda told: chunks(told, "tool-approval-request"))
    [card] = chunks(told, "data-approval")
    assert card["data"]["title"] == "call write_file of the MCP server fs, which may delete or overwrite"
    assert not path.exists()
    [request] = chunks(told, "tool-approval-request")
    given = {"run": run, "approvalId": request["approvalId"], "approved": True}
    assert control(notebook, {"id": f"allow-{run}", "widget": widget, "command": "approve", **given})["ok"]
    assert ended(notebook) == "written"
    assert path.read_text() == "hello"
