"""The shell tool: what is asked, what comes back, and that nothing of a command outlives its call."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from copilot_widget import Copilot
from copilot_widget.errors import ToolError
from copilot_widget.funnel import StopSignal
from copilot_widget.tools.approval import Policy
from copilot_widget.tools.base import ToolContext, ToolResult
from copilot_widget.tools.command import Output
from copilot_widget.tools.shell import shell

from .agents import begin, kinds, make_agent, step

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the commands are those of POSIX")


async def results(folder: Path, command: str, **given: Any) -> list[ToolResult]:
    context = ToolContext("c1", "r1", deps={"root": folder})
    parsed = shell.parse(json.dumps({"command": command, **given}))
    return [result async for result in shell.call(parsed, context)]


async def run(folder: Path, command: str, **given: Any) -> dict[str, Any]:
    output = (await results(folder, command, **given))[-1].output
    assert isinstance(output, dict)
    return output


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(what: Callable[[], Any], seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def pid_in(path: Path) -> int:
    return int(until(lambda: path.exists() and path.read_text().strip()))


# ---- what is asked -------------------------------------------------------------------------------------


def test_it_asks_each_time_with_the_exact_command() -> None:
    asked = shell.approval({"command": "rm -rf x  # é\nls"})
    assert asked is not None
    assert (asked.title, asked.code, asked.language) == ("run a shell command", "rm -rf x  # é\nls", "bash")
    decisions = [("ask", False, "ask"), ("ask", True, "deny"), ("never", False, "deny"), ("auto", True, "allow")]
    for rule, headless, kind in decisions:
        assert Policy(rule, headless=headless).decide(shell, {"command": "ls"}).kind == kind  # type: ignore[arg-type]


def test_it_is_off_unless_it_is_handed_over(tmp_path: Path) -> None:
    assert "shell" not in Copilot("demo", root=tmp_path).agents.toolset().tools()
    copilot = Copilot("demo", root=tmp_path, tools=[shell])
    assert "shell" in copilot.agents.toolset().tools()
    assert copilot.agents.deps()["root"] == tmp_path.resolve()


# ---- what comes back -----------------------------------------------------------------------------------


async def test_output_and_exit_code(tmp_path: Path) -> None:
    (tmp_path / "here").touch()
    assert await run(tmp_path, "ls; echo out; echo err >&2") == {"exit_code": 0, "output": "here\nout\nerr\n"}
    assert (await run(tmp_path, "echo no; exit 3")) == {"exit_code": 3, "output": "no\n"}
    assert (await run(tmp_path, "kill -9 $$"))["exit_code"] == -9
    assert "not found" in (await run(tmp_path, "no-such-command"))["output"]
    shown = (await results(tmp_path, "echo no; exit 3"))[-1].display
    assert shown == [{"text/plain": "no\n\n[exit code 3]"}]


async def test_there_is_no_input(tmp_path: Path) -> None:
    assert (await run(tmp_path, "read x; echo got $?; cat")) == {"exit_code": 0, "output": "got 1\n"}


async def test_no_keys_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "GITHUB_TOKEN", "MY_SECRET", "PGPASSWORD"):
        monkeypatch.setenv(name, "verysecret")
    monkeypatch.setenv("BROKER", "amqp://me:verysecret@host")
    monkeypatch.setenv("HARMLESS", "kept")
    output = (await run(tmp_path, "env"))["output"]
    assert "verysecret" not in output
    assert "HARMLESS=kept" in output


async def test_output_streams(tmp_path: Path) -> None:
    told = await results(tmp_path, "for n in 1 2 3 4; do echo $n; sleep 0.3; done")
    previews = [result.output["output"] for result in told[:-1]]  # type: ignore[index,call-overload]
    assert all(result.preliminary for result in told[:-1])
    assert len(previews) >= 3
    assert previews == sorted(previews, key=len)
    assert told[-1].output == {"exit_code": 0, "output": "1\n2\n3\n4\n"}


async def test_a_flood_is_cut_with_a_marker(tmp_path: Path) -> None:
    """50 MB, of which the process never holds more than a little."""
    output = (await run(tmp_path, "echo first; head -c 50000000 /dev/zero | tr '\\0' x; echo; echo last"))["output"]
    assert len(output) < 13_000
    assert output.startswith("first\nxxx")
    assert output.endswith("xxx\nlast\n")
    assert " cut] …" in output


def test_what_is_kept_of_output() -> None:
    output = Output(100)
    output.add(b"\x1b[31mred\x1b[0m 10%\r20%\r100%\r\ndone \xff\xc3")
    output.add(b"\xa4\n")
    assert output.text() == "100%\ndone \ufffdä\n"
    for _ in range(1_000):
        output.add(b"0123456789")
    assert output.size == 10_000 + len(b"\x1b[31mred\x1b[0m 10%\r20%\r100%\r\ndone \xff\xc3\xa4\n")
    text = output.text()
    assert text.endswith("0123456789")
    assert "bytes cut] …" in text
    assert len(text) < 200


async def test_what_cannot_be_started(tmp_path: Path) -> None:
    for command, words in (("", "is empty"), ("a\0b", "could not be started"), ("x" * 3_000_000, "too long")):
        with pytest.raises(ToolError, match=words):
            await run(tmp_path, command)
    with pytest.raises(ToolError, match="could not be started in"):
        await run(tmp_path / "gone", "ls")


# ---- the end of it -------------------------------------------------------------------------------------

STUBBORN = (
    "trap '' TERM; echo $$ > child; (trap '' TERM; sh -c 'echo $$ > grandchild; sleep 300; sleep 300') & "
    "sleep 300; sleep 300"
)
"""A child and a grandchild, neither of which heeds SIGTERM."""


async def test_a_timeout_ends_all_that_was_started(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"TimeoutError: ended after 1\.5 s\n\nIt printed:\nbegun"):
        await run(tmp_path, f"echo begun; {STUBBORN}", timeout=1.5)
    for name in ("child", "grandchild"):
        until(lambda name=name: not alive(pid_in(tmp_path / name)))


async def test_what_is_left_in_the_background_ends_with_it(tmp_path: Path) -> None:
    began = time.monotonic()
    output = await run(tmp_path, "sleep 300 & echo $! > child; (trap '' TERM; sleep 300) & echo $! > other; echo on")
    assert output == {"exit_code": 0, "output": "on\n"}
    assert time.monotonic() - began < 30
    for name in ("child", "other"):
        assert not alive(pid_in(tmp_path / name)), "before the result is there"


async def test_stop_ends_it_in_the_middle(tmp_path: Path) -> None:
    given = {"command": f"cd {tmp_path}; echo on; {STUBBORN}"}
    call = {"type": "call", "toolName": "shell", "toolCallId": "s1", "input": given}
    agent = make_agent([[call], ["done"]], shell)
    state = begin()
    while state.phase != "calls":
        _, state = await step(agent, state)
    stop = StopSignal()

    async def stopping() -> None:
        await asyncio.to_thread(pid_in, tmp_path / "grandchild")
        stop.set()

    task = asyncio.ensure_future(stopping())
    chunks, state = await step(agent, state, stop)
    await task
    assert state.status == "stopped"
    assert "abort" in kinds(chunks)
    for name in ("child", "grandchild"):
        await asyncio.to_thread(until, lambda name=name: not alive(pid_in(tmp_path / name)))


AS_A_KERNEL = """
import os, sys, time
from pathlib import Path
from copilot_widget.tools.command import Command
command = Command(sys.argv[2], Path(sys.argv[1]), os.environ)
while not Path(sys.argv[1], "grandchild").exists(): time.sleep(0.01)
print("on", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("how", ["exit", "SIGKILL", "SIGTERM"])
def test_nothing_outlives_the_process_that_started_it(tmp_path: Path, how: str) -> None:
    command = [sys.executable, "-c", AS_A_KERNEL, str(tmp_path), STUBBORN]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=Path(__file__).parents[1], **pipes) as kernel:
        assert kernel.stdout is not None
        assert kernel.stdin is not None
        assert kernel.stdout.readline() == b"on\n"
        pids = [pid_in(tmp_path / name) for name in ("child", "grandchild")]
        assert all(alive(pid) for pid in pids)
        if how == "exit":
            kernel.stdin.write(b"\n")
            kernel.stdin.flush()
        else:
            kernel.send_signal(getattr(signal, how))
        kernel.wait(20)
    for pid in pids:
        until(lambda pid=pid: not alive(pid))


async def test_no_watcher_stays(tmp_path: Path) -> None:
    before = {child.pid for child in psutil.Process().children()}
    for _ in range(3):
        await run(tmp_path, "true")
    assert {child.pid for child in psutil.Process().children()} <= before
