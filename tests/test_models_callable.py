"""Functions as models, of every kind that Python has."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from copilot_widget.errors import ModelError
from copilot_widget.models.base import (
    Finish,
    ModelEvent,
    ModelRequest,
    ModelUsage,
    Text,
    TextDelta,
    ToolCall,
    UserMessage,
)
from copilot_widget.models.callable import CallableModel
from copilot_widget.timing import timeout

ASKED = ModelRequest((UserMessage((Text("hello"),)),))


async def play(function: Any) -> list[ModelEvent]:
    return [event async for event in CallableModel(function).stream(ASKED)]


def returns(request: ModelRequest) -> str:
    return "hello"


def yields(request: ModelRequest) -> Iterator[Any]:
    yield "hel"
    yield TextDelta("lo")


async def awaited(request: ModelRequest) -> str:
    return "hello"


async def streams(request: ModelRequest) -> AsyncIterator[Any]:
    yield "hel"
    yield {"type": "text-delta", "delta": "lo"}


class Object:
    async def __call__(self, request: ModelRequest) -> list[str]:
        return ["hel", "lo"]


@pytest.mark.parametrize("function", [returns, yields, awaited, streams, Object(), lambda request: "hello"])
async def test_every_kind_of_function_answers(function: Any):
    events = await play(function)
    assert "".join(event.delta for event in events if isinstance(event, TextDelta)) == "hello"
    assert isinstance(events[-2], ModelUsage)
    assert events[-2].cost is None
    assert events[-1] == Finish("stop")


async def test_its_own_usage_and_finish_are_kept():
    events = await play(lambda request: [ToolCall("c", "t", "{}"), ModelUsage(3, 4), Finish("tool-calls")])
    assert events == [ToolCall("c", "t", "{}"), ModelUsage(3, 4), Finish("tool-calls")]


async def test_a_blocking_function_does_not_hold_the_loop():
    seen: list[str] = []

    def blocking(request: ModelRequest) -> str:
        seen.append(threading.current_thread().name)
        time.sleep(0.01)
        return "x"

    await play(blocking)
    assert seen != [threading.current_thread().name]


@pytest.mark.parametrize("function", [lambda request: 1 / 0, lambda request: 5, lambda request: [{"type": "nonsense"}]])
async def test_whatever_goes_wrong_in_it_is_a_model_error_with_its_name(function: Any):
    function.__name__ = "my_model"
    with pytest.raises(ModelError, match="my_model"):
        await play(function)


async def test_a_key_in_its_exception_is_not_shown():
    def leaks(request: ModelRequest) -> str:
        raise RuntimeError("refused sk-proj-abcdefghijklmnopqrstuvwxyz")

    with pytest.raises(ModelError) as caught:
        await play(leaks)
    assert "abcdefgh" not in str(caught.value)


async def test_closing_it_closes_its_generator():
    closed: list[bool] = []

    async def endless(request: ModelRequest) -> AsyncIterator[str]:
        try:
            while True:
                yield "x"
        finally:
            closed.append(True)

    stream = CallableModel(endless).stream(ASKED)
    await anext(stream)
    await stream.aclose()
    assert closed == [True]


def test_the_name_is_the_functions():
    assert CallableModel(returns).info.name == "returns"
    assert CallableModel(Object()).info.name == "Object"


async def test_functions_that_block_hold_neither_others_nor_their_own_stop():
    """More of them than a pool of threads has room for, and none ends by itself."""
    release, begun = threading.Event(), threading.Semaphore(0)
    blocked: list[asyncio.Task[list[ModelEvent]]] = []

    def blocks(request: ModelRequest) -> str:
        begun.release()
        release.wait(600)
        return "x"

    try:
        async with timeout(60):
            for _ in range(40):
                blocked.append(asyncio.ensure_future(play(blocks)))
                while not begun.acquire(blocking=False):  # noqa: ASYNC110 - a thread's turn
                    await asyncio.sleep(0.001)
                blocked[-1].cancel()
            await asyncio.wait(blocked)
            assert all(task.cancelled() for task in blocked)
            assert "".join(event.delta for event in await play(returns) if isinstance(event, TextDelta)) == "hello"
            assert await asyncio.to_thread(lambda: "free") == "free"
    finally:
        release.set()


async def test_stop_interrupts_a_function_in_python():
    begun, ended = threading.Event(), threading.Event()

    def spins(request: ModelRequest) -> str:
        begun.set()
        try:
            while True:
                time.sleep(0.001)
        finally:
            ended.set()

    task = asyncio.ensure_future(play(spins))
    while not begun.is_set():  # noqa: ASYNC110 - a thread's turn
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])
    assert await asyncio.to_thread(ended.wait, 20)


def test_a_function_that_blocks_does_not_hold_the_end_of_the_process():
    code = """
import threading
from copilot_widget import Copilot
begun = threading.Event()
def model(request):
    begun.set()
    threading.Event().wait(600)
run = Copilot(model, store=False).ask("go")
begun.wait(30)
run.stop()
print(run.wait(30).status)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=90)
    assert done.stdout == "stopped\n", done.stderr


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
async def test_what_would_end_the_process_is_the_functions_failure(error: BaseException):
    def leaves(request: ModelRequest) -> str:
        raise error

    async def leaves_too(request: ModelRequest) -> str:
        raise error

    for function in (leaves, leaves_too):
        with pytest.raises(ModelError, match=type(error).__name__):
            await play(function)
