"""The agent's loop outlives what runs on it, and does not wait for itself."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError
from typing import Any

import pytest

from copilot_widget import Copilot, ToolResult
from copilot_widget.errors import UsageError
from copilot_widget.models.base import AssistantMessage, ModelRequest, ToolCall, ToolSchema
from copilot_widget.protocol.messages import ToolPart
from copilot_widget.runs import loop
from copilot_widget.state import TERMINAL

SECONDS = 20


class Act:
    """A tool that is no function: its code runs on the agent's loop."""

    name, title, timeout, parallel = "act", "Act", 60.0, False
    schema = ToolSchema("act", "Act.", {"type": "object", "properties": {}})

    def parse(self, text: str) -> Any:
        return {}

    def approval(self, input: Any) -> None:
        return None

    async def call(self, input: Any, context: Any) -> AsyncIterator[ToolResult]:
        await self.act()
        yield ToolResult("acted")

    async def act(self) -> None: ...


class Leaves(Act):
    async def act(self) -> None:
        raise SystemExit(3)


class Loses(Act):
    async def act(self) -> None:
        task = asyncio.ensure_future(asyncio.sleep(60))
        await asyncio.sleep(0)
        task.cancel()
        await task


async def calls_once(request: ModelRequest) -> AsyncIterator[Any]:
    asked = any(isinstance(message, AssistantMessage) for message in request.messages)
    yield "done" if asked else ToolCall("c1", "act", "{}")


@pytest.mark.parametrize(("tool", "words"), [(Leaves(), "SystemExit: 3"), (Loses(), "CancelledError")])
def test_a_tool_that_would_end_the_loop_has_an_error_and_the_run_goes_on(tool: Act, words: str):
    run = Copilot(calls_once, tools=[tool], store=False).ask("go").wait(SECONDS)
    [call] = [part for part in run.message.parts if isinstance(part, ToolPart)]
    assert (call.state, call.error_text) == ("output-error", f"RuntimeError: {words}")
    assert (run.status, run.text) == ("completed", "done")


def test_a_model_whose_own_task_is_cancelled_has_not_given_a_whole_answer():
    async def model(request: ModelRequest) -> AsyncIterator[str]:
        yield "The result is 4"
        await Loses().act()
        yield "2."

    run = Copilot(model, store=False).ask("go").wait(SECONDS)
    assert run.status == "failed"
    assert "CancelledError" in str(run.error)


def test_a_task_that_would_end_the_loop_ends_alone():
    async def leave() -> None:
        raise SystemExit(3)

    async def answer() -> int:
        return 42

    with pytest.raises(SystemExit):
        loop.start(leave()).result(SECONDS)
    assert loop.start(answer()).result(SECONDS) == 42


def test_what_nobody_waits_for_any_more_is_cancelled():
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        begun.set()
        try:
            await asyncio.sleep(600)
        finally:
            ended.set()

    started = loop.start(hang())
    loop.start(begun.wait()).result(SECONDS)
    started.cancel()
    loop.start(ended.wait()).result(SECONDS)
    with pytest.raises(CancelledError):
        started.result(SECONDS)


def test_the_loop_does_not_wait_for_itself():
    """A callable of the user's that runs on the agent's thread, and asks another Copilot."""
    judge, said = Copilot(lambda request: "yes", store=False), list[str]()

    async def model(request: ModelRequest) -> AsyncIterator[str]:
        try:
            judge.ask("may it?").wait(SECONDS)
        except UsageError as error:
            said.append(error.message)
        yield "done"

    run = Copilot(model, store=False).ask("go").wait(SECONDS)
    assert run.status in TERMINAL
    assert run.text == "done"
    assert said == ["The agent's own thread would wait for itself."]
    assert judge.ask("may it?").wait(SECONDS).text == "yes"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_process_has_a_loop_of_its_own():
    code = """
import os
from copilot_widget import Copilot
Copilot(lambda request: "before", store=False).ask("x").wait(20)
child = os.fork()
if child == 0:
    text = Copilot(lambda request: "after", store=False).ask("x").wait(20).text
    os._exit(0 if text == "after" else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "0\n", done.stderr
