"""What every Model promises, for every implementation."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from copilot_widget.errors import ModelError
from copilot_widget.models import base
from copilot_widget.models.base import (
    Finish,
    Model,
    ModelEvent,
    ModelRequest,
    ModelUsage,
    Text,
    TextDelta,
    ToolCall,
    ToolInputDelta,
    ToolInputStart,
    UserMessage,
)
from copilot_widget.models.callable import CallableModel
from copilot_widget.models.demo import DemoModel
from copilot_widget.models.litellm import LiteLLMModel
from copilot_widget.models.recording import Recorder
from copilot_widget.models.replay import ReplayModel
from copilot_widget.models.script import ScriptModel
from tests.demo_notebook import SCHEMAS, schema
from tests.wire_server import wire_server

TOOLS = (*SCHEMAS, schema("get_weather", "Get the weather in a city.", city={"type": "string"}))
LONG = "explain what you can do"
WEATHER = "What is the weather in Paris?"
SCRIPT = {
    "turns": [
        {"match": "weather", "steps": [[{"type": "call", "toolName": "get_weather", "input": {"city": "Paris"}}]]},
        {"match": "explain", "steps": [[{"type": "text", "text": "word ", "tokens": 300, "tokensPerSecond": 500}]]},
    ]
}


def asked(text: str) -> ModelRequest:
    return ModelRequest((UserMessage((Text(text),)),), "Be brief.", TOOLS)


async def _function(request: ModelRequest) -> Any:
    if "weather" in str(request.messages[-1]):
        yield ToolInputStart("c1", "get_weather")
        yield ToolCall("c1", "get_weather", '{"city": "Paris"}')
        return
    for _ in range(300):
        await asyncio.sleep(0.002)
        yield "word "


def _replay(folder: Path) -> Model:
    path = folder / "recording.jsonl"
    for question in (LONG, WEATHER):
        asyncio.run(_record(Recorder(ScriptModel(SCRIPT), path), question))
    return ReplayModel(path)


async def _record(recorder: Recorder, question: str) -> None:
    async for _ in recorder.stream(asked(question)):
        pass


@pytest.fixture
def wire() -> Iterator[Any]:
    with wire_server() as server:
        call = {"index": 0, "id": "c1", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
        usage = {"prompt_tokens": 10, "completion_tokens": 300, "total_tokens": 310}
        server.openai({"tool_calls": [call]}, finish="tool_calls", usage=usage)
        calls = server.lines
        server.openai(*[{"content": "word "}] * 300, usage=usage)
        words: list[Any] = []
        for line in server.lines:
            words += [line, 0.002]
        server.choose = lambda body: calls if "weather" in json.dumps(body["messages"][-1]) else words
        yield server


MAKERS: dict[str, Callable[[Path, Any], Model]] = {
    "script": lambda folder, wire: ScriptModel(SCRIPT),
    "demo": lambda folder, wire: DemoModel(),
    "callable": lambda folder, wire: CallableModel(_function),
    "recorder": lambda folder, wire: Recorder(ScriptModel(SCRIPT), folder / "x.jsonl"),
    "replay": lambda folder, wire: _replay(folder),
    "litellm": lambda folder, wire: LiteLLMModel("openai/m", api_base=f"{wire.address}/v1", env={}),
}


@pytest.fixture(params=list(MAKERS))
def model(request: pytest.FixtureRequest, tmp_path: Path, wire: Any) -> Model:
    return MAKERS[request.param](tmp_path, wire)


async def play(model: Model, request: ModelRequest) -> list[ModelEvent]:
    return [event async for event in model.stream(request)]


async def test_it_yields_events_of_the_union_and_ends_with_finish(model: Model):
    events = await play(model, asked(LONG))
    assert all(type(event) in get_args(base.ModelEvent) for event in events)
    assert [type(event) for event in events].count(Finish) == 1
    assert isinstance(events[-1], Finish)
    assert "".join(event.delta for event in events if isinstance(event, TextDelta)).strip()


async def test_its_usage_is_known_at_the_end(model: Model):
    usage = [event for event in await play(model, asked(LONG)) if isinstance(event, ModelUsage)][-1]
    assert usage.prompt_tokens > 0
    assert usage.completion_tokens > 0
    assert usage.cost is None or usage.cost >= 0


async def test_a_call_is_announced_streamed_and_completed(model: Model):
    events = await play(model, asked(WEATHER))
    (call,) = [event for event in events if isinstance(event, ToolCall)]
    (start,) = [event for event in events if isinstance(event, ToolInputStart)]
    assert (start.call_id, start.tool) == (call.call_id, call.tool) == (call.call_id, "get_weather")
    assert events.index(start) < events.index(call)
    assert json.loads(call.input) == {"city": "Paris"}
    pieces = "".join(event.delta for event in events if isinstance(event, ToolInputDelta))
    assert pieces in ("", call.input)


async def test_closing_it_in_the_middle_is_quick_and_final(model: Model):
    stream = model.stream(asked(LONG))
    async for event in stream:
        if isinstance(event, TextDelta):
            break
    started = time.monotonic()
    await stream.aclose()
    assert time.monotonic() - started < 2, "closing waits for something"
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_cancelled_task_ends(model: Model):
    begun = asyncio.Event()

    async def consume() -> None:
        async for event in model.stream(asked(LONG)):
            if isinstance(event, TextDelta):
                begun.set()

    task = asyncio.create_task(consume())
    await asyncio.wait_for(begun.wait(), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_it_serves_several_runs_at_once(model: Model):
    answers = await asyncio.gather(*(play(model, asked(LONG)) for _ in range(4)))
    texts = {"".join(event.delta for event in events if isinstance(event, TextDelta)) for events in answers}
    assert len(texts) == 1


async def test_it_does_not_keep_the_event_loop(model: Model):
    """Something else runs while it streams."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(tick())
    await play(model, asked(LONG))
    other.cancel()
    assert ticks > 5


def test_its_info_is_words_only(model: Model):
    assert isinstance(model, Model)
    info = model.info
    assert info.name
    json.dumps(info.extra)


FAILING: dict[str, Callable[[Path], Model]] = {
    "script": lambda folder: ScriptModel([]),
    "callable": lambda folder: CallableModel(lambda request: 1 / 0),
    "recorder": lambda folder: Recorder(ScriptModel([]), folder / "x.jsonl"),
    "replay": lambda folder: _replay(folder),
    "litellm": lambda folder: LiteLLMModel("openai/m", api_base="http://127.0.0.1:9/v1", env={}),
}


@pytest.mark.parametrize("kind", list(FAILING))
def test_what_goes_wrong_is_a_model_error_with_a_next_step(kind: str, tmp_path: Path):
    with pytest.raises(ModelError) as caught:
        asyncio.run(play(FAILING[kind](tmp_path), asked("unheard of")))
    assert caught.value.message
    assert caught.value.hint
    assert "\n" not in caught.value.message
