"""Functions as models, of every kind that Python has."""

from __future__ import annotations

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
