"""MCP servers in runs of a Copilot: in this process, and in runs that workers execute."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from copilot_widget import Copilot, Run
from copilot_widget.config import settings
from copilot_widget.errors import UsageError
from copilot_widget.protocol.messages import ToolPart

from .mcp_tools import REPOSITORY, bad, config, everything, files


def call(name: str, **given: Any) -> list[dict[str, Any]]:
    return [{"type": "call", "toolName": name, "input": given}]


@pytest.fixture
def script(tmp_path: Path) -> Any:
    def write(*steps: Any) -> str:
        path = tmp_path / f"script-{len(list(tmp_path.iterdir()))}.json"
        path.write_text(json.dumps({"steps": list(steps)}))
        return f"script:{path}"

    return write


def tool_of(run: Run) -> ToolPart:
    return next(part for part in run.message.parts if isinstance(part, ToolPart))


def chunks(run: Run, kind: str) -> list[dict[str, Any]]:
    return [event["chunk"] for event in run.events() if event["chunk"]["type"] == kind]


def test_a_run_calls_a_tool_that_only_reads_and_is_denied_one_that_acts(script: Any, tmp_path: Path):
    made = script(
        call("fs_list_directory", path=str(tmp_path)),
        call("fs_write_file", path=str(tmp_path / "a"), content="b"),
        "ok",
    )
    copilot = Copilot(made, mcp=config(fs=files(tmp_path)))
    run = copilot.ask("go").wait(60)
    reading, writing = [part for part in run.message.parts if isinstance(part, ToolPart)]
    assert run.status == "completed"
    assert reading.state == "output-available"
    assert "script-" in json.dumps(reading.output)
    assert writing.state == "output-denied"
    assert not (tmp_path / "a").exists()
    assert reading.title == "List Directory"
    assert copilot.mcp_status()["fs"]["status"] == "ready"


def test_a_picture_is_in_the_card_and_progress_in_the_row(script: Any):
    name = "all_trigger-long-running-operation"
    made = script(call("all_get-tiny-image"), call(name, duration=1, steps=2), "ok")
    run = Copilot(made, mcp=config(all=everything())).ask("go").wait(60)
    (shown,) = chunks(run, "data-display")
    assert any("image/png" in bundle for bundle in shown["data"])
    outputs = chunks(run, "tool-output-available")
    assert [one["output"] for one in outputs if one.get("preliminary")] == ["1 of 2", "2 of 2"]
    assert "iVBOR" not in json.dumps(outputs)


def test_a_server_that_cannot_start_does_not_fail_the_run_and_the_user_is_told(script: Any):
    copilot = Copilot(script("ok"), mcp=config(bad=bad("refuses")))
    run = copilot.ask("go").wait(60)
    assert (run.status, run.text) == ("completed", "ok")
    told = [chunk["data"]["text"] for chunk in chunks(run, "data-notice")]
    assert told[0] == "connecting to bad"
    assert "The MCP server 'bad'" in told[1]
    assert "exited with code 3" in told[1]
    assert copilot.mcp_status()["bad"]["status"] == "failed"
    assert copilot.notices.take() == told[1], "it stays in sight when the answer comes"
    copilot.ask("again").wait(60)
    assert copilot.notices.take() is None, "once is enough"


def test_stop_does_not_wait_for_a_server_that_does_not_answer(script: Any):
    run = Copilot(script("ok"), mcp=config(bad=bad("silent"))).ask("go")
    for event in run.events():
        if event["chunk"]["type"] == "data-notice":
            break
    begun = time.monotonic()
    run.stop()
    run.wait(10)
    assert run.status == "stopped"
    assert time.monotonic() - begun < 1.0


def test_stop_cancels_a_call_at_its_server(script: Any, tmp_path: Path):
    notes = tmp_path / "notes"
    made = script(call("bad_wait"), "never")
    run = Copilot(made, mcp=config(bad=bad("slow", env={"NOTES": str(notes)}))).ask("go")
    deadline = time.monotonic() + 20
    while not notes.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    begun = time.monotonic()
    run.stop()
    run.wait(10)
    assert time.monotonic() - begun < 1.0
    assert run.status == "stopped"
    while "cancelled" not in notes.read_text():
        assert time.monotonic() < begun + 5
        time.sleep(0.02)


def test_tools_of_a_copilot_that_is_gone_end(script: Any, tmp_path: Path):
    before = {child.pid for child in psutil.Process().children()}
    copilot = Copilot(script("ok"), mcp=config(bad=bad("chatty")))
    run = copilot.ask("go").wait(60)
    (server,) = [child for child in psutil.Process().children() if child.pid not in before]
    assert run.status == "completed"
    del copilot, run
    import gc

    deadline = time.monotonic() + 20
    while server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
        gc.collect()
        assert time.monotonic() < deadline, "the server outlives its Copilot"
        time.sleep(0.05)


def test_the_users_own_tool_goes_before_one_of_a_server(script: Any):
    def bad_echo(words: str) -> str:
        "Say it."
        return f"own: {words}"

    copilot = Copilot(script(call("bad_echo", words="hi"), "ok"), tools=[bad_echo], mcp=config(bad=bad("chatty")))
    assert tool_of(copilot.ask("go").wait(60)).output == "own: hi"


def test_without_the_sdk_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "mcp" else real(name, *rest))
    with pytest.raises(UsageError, match=r"pip install \"copilot-widget\[mcp\]\""):
        Copilot("demo", mcp=config(bad=bad("chatty")))
    Copilot("demo", mcp=config())


# ---- on workers --------------------------------------------------------------------------------------------


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A worker of this machine, with its data in a folder of its own."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COPILOT_STORE", f"sqlite:///{tmp_path / 'threads.sqlite3'}")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    yield tmp_path
    for each in psutil.process_iter(["cmdline"]):
        if str(tmp_path / "data") in " ".join(each.info["cmdline"] or []):
            each.kill()


def test_a_worker_has_the_kernel_call_the_tools_of_its_servers(script: Any, pool: Path):
    made = script(call("bad_pid"), "ok")
    copilot = Copilot(made, mcp=config(bad=bad("dies")), executor="process")
    run = copilot.ask("go").wait(90)
    part = tool_of(run)
    assert (run.status, part.state) == ("completed", "output-available")
    assert int(str(part.output)) in {child.pid for child in psutil.Process(os.getpid()).children()}, "it is our child"


async def test_a_worker_of_an_app_has_servers_of_its_own(script: Any):
    from copilot_widget.state import RunState
    from tests.agents import drive, request

    made = script(call("bad_echo", words="hi"), "ok")
    copilot = Copilot(made, mcp=config(bad=bad("chatty")))
    agent = await copilot.agents.on_worker(request(kernel="kernel-that-asked").model_copy(update={"model": made}))
    said, state = await drive(agent, RunState.begin(request(), [request().message]))
    assert state.status == "completed"
    (output,) = [chunk["output"] for chunk in said if chunk["type"] == "tool-output-available"]
    assert output == "hi"
    await copilot.agents.mcp.close()


def test_servers_of_the_settings_serve_every_copilot_and_close_ends_them(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(settings(), "mcp", config(fs=files(tmp_path)))
    listing = call("fs_list_directory", path=str(tmp_path))
    before = set(psutil.Process().children(recursive=True))
    with Copilot(script(listing, "ok", listing, "ok")) as copilot:
        assert tool_of(copilot.ask("go").wait(60)).state == "output-available"
        assert set(psutil.Process().children(recursive=True)) - before
    assert not set(psutil.Process().children(recursive=True)) - before
    assert tool_of(copilot.ask("again").wait(60)).state == "output-available", "it starts anew what it needs"
    copilot.close()
    assert Copilot("demo", mcp=()).mcp_status() == {}


def test_close_stops_what_runs_here(script: Any):
    copilot = Copilot(script([{"type": "wait", "seconds": 60}]))
    run = copilot.ask("go")
    copilot.close()
    assert run.wait(10).status == "stopped"
