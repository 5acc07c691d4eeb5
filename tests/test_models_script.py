"""Scripts: what they play, which entry a request gets, and how their mistakes are named."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_widget.errors import ModelError, UsageError
from copilot_widget.models.base import (
    AssistantMessage,
    Call,
    Finish,
    ModelEvent,
    ModelRequest,
    ModelUsage,
    Notice,
    ReasoningDelta,
    Text,
    TextDelta,
    ToolCall,
    ToolInputDelta,
    ToolMessage,
    UserMessage,
)
from copilot_widget.models.pace import split_tokens
from copilot_widget.models.script import ScriptModel, example


def request(*messages: Any) -> ModelRequest:
    """A history from short forms: "u:…" a user's message, "a:…" an answer, a Call an answer with its result."""
    made: list[Any] = []
    for message in messages:
        if isinstance(message, Call):
            made += [AssistantMessage((message,)), ToolMessage(message.call_id, message.tool, "done")]
        else:
            kind, _, text = message.partition(":")
            made.append(UserMessage((Text(text),)) if kind == "u" else AssistantMessage((Text(text),)))
    return ModelRequest(tuple(made))


async def play(model: ScriptModel, asked: ModelRequest) -> list[ModelEvent]:
    return [event async for event in model.stream(asked)]


async def text(model: ScriptModel, asked: ModelRequest) -> str:
    return "".join(event.delta for event in await play(model, asked) if isinstance(event, TextDelta))


async def test_the_example_calls_a_tool_and_then_answers():
    model = ScriptModel(json.loads(example()))
    events = await play(model, request("u:Where is order 17?"))
    call = next(event for event in events if isinstance(event, ToolCall))
    assert json.loads(call.input) == {"order_id": 17}
    assert "".join(e.delta for e in events if isinstance(e, ToolInputDelta)) == call.input
    assert any(isinstance(event, ReasoningDelta) for event in events)
    assert events[-1] == Finish("tool-calls")
    after = request("u:Where is order 17?", Call(call.call_id, call.tool, json.loads(call.input)))
    assert await text(model, after) == "Order 17 has been **shipped**."


async def test_each_kind_of_event_is_played_as_it_is_written():
    usage = {"type": "usage", "promptTokens": 10, "completionTokens": 2, "cachedTokens": 4, "cost": 0.25}
    model = ScriptModel(
        [
            [
                {"type": "notice", "text": "slow"},
                {"type": "text-delta", "delta": "Hi"},
                usage,
                {"type": "finish", "reason": "length"},
            ]
        ]
    )
    assert await play(model, request("u:hi")) == [
        Notice("slow"),
        TextDelta("Hi"),
        ModelUsage(10, 2, cached_tokens=4, cost=0.25),
        Finish("length"),
    ]


async def test_usage_is_estimated_and_free_where_the_script_gives_none():
    usage = next(
        e for e in await play(ScriptModel(["eight characters"]), request("u:four")) if isinstance(e, ModelUsage)
    )
    assert usage.estimated
    assert usage.cost == 0.0
    assert usage.completion_tokens == 2


@pytest.mark.parametrize(("cost", "priced"), [(None, False), (0.5, True)])
def test_a_script_without_costs_plays_a_model_without_a_known_price(cost: float | None, priced: bool):
    usage = {"type": "usage", "promptTokens": 1, **({} if cost is None else {"cost": cost})}
    model = ScriptModel([[{"type": "repeat", "times": 1, "events": [usage]}]])
    assert model.info.priced is priced
    assert model.price(ModelUsage(1, 1)) == (0.0 if priced else None)


async def test_steps_are_counted_over_the_whole_history():
    model = ScriptModel(["one", "two", "three"])
    assert await text(model, request("u:x")) == "one"
    assert await text(model, request("u:x", "a:one", "u:y")) == "two"
    assert await text(model, request("u:x", Call("c", "t", {}), "a:two", "u:y")) == "three"


async def test_the_same_request_gets_the_same_entry_however_often_and_at_the_same_time():
    model = ScriptModel({"steps": [["one " * 50][0], "two"], "tokensPerSecond": 5000})
    answers = await asyncio.gather(*(text(model, request("u:x")) for _ in range(20)))
    assert set(answers) == {"one " * 50}


async def test_turns_are_counted_by_the_users_messages_also_after_one_that_failed():
    model = ScriptModel({"turns": [[[{"type": "error", "message": "down"}]], ["second, step 1", "second, step 2"]]})
    with pytest.raises(ModelError, match="down"):
        await text(model, request("u:x"))
    assert await text(model, request("u:x", "u:y")) == "second, step 1"
    assert await text(model, request("u:x", "u:y", Call("c", "t", {}))) == "second, step 2"


async def test_a_turn_with_match_answers_its_question_wherever_it_stands():
    model = ScriptModel({"turns": [{"match": "ORDER", "steps": ["the order"]}, "first", "second"]})
    assert await text(model, request("u:hello")) == "first"
    assert await text(model, request("u:hello", "a:first", "u:my order?")) == "the order"
    assert await text(model, request("u:hello", "a:first", "u:my order?", "a:the order", "u:bye")) == "second"


@pytest.mark.parametrize(("end", "third"), [("loop", "one"), ("last", "two")])
async def test_past_the_last_entry(end: str, third: str):
    model = ScriptModel({"steps": ["one", "two"], "end": end})
    assert await text(model, request("u:x", "a:one", "u:x", "a:two", "u:x")) == third


async def test_past_the_last_entry_it_fails_plainly_by_default():
    with pytest.raises(ModelError, match="has 1 step, and this is number 2") as caught:
        await text(ScriptModel(["one"]), request("u:x", "a:one", "u:x"))
    assert caught.value.code == "not-found"


async def test_a_call_id_that_the_history_has_is_never_given_again():
    model = ScriptModel({"end": "loop", "steps": [[{"type": "call", "toolName": "t", "toolCallId": "c1"}]]})
    events = await play(model, request("u:x", Call("c1", "t", {})))
    ids = {event.call_id for event in events if isinstance(event, (ToolCall, ToolInputDelta))}
    assert len(ids) == 1
    assert ids != {"c1"}


async def test_an_error_carries_all_that_is_written():
    entry = {
        "type": "error",
        "code": "rate-limit",
        "message": "Slow down.",
        "hint": "Wait.",
        "retryable": True,
        "retryAfter": 3,
    }
    model = ScriptModel([[{"type": "text-delta", "delta": "a"}, entry]])
    stream = model.stream(request("u:x"))
    assert await anext(stream) == TextDelta("a")
    with pytest.raises(ModelError) as caught:
        await anext(stream)
    error = caught.value
    assert (error.code, error.message, error.hint, error.retryable, error.retry_after) == (
        "rate-limit",
        "Slow down.",
        "Wait.",
        True,
        3,
    )


async def test_text_comes_in_exactly_as_many_tokens_as_are_asked_for():
    markdown = "# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nx = 1\n```\n"
    model = ScriptModel([[{"type": "text", "text": markdown, "tokens": 2000}]])
    deltas = [event.delta for event in await play(model, request("u:x")) if isinstance(event, TextDelta)]
    assert len(deltas) == 2000
    assert "".join(deltas).startswith(markdown)


async def test_repeat_and_nested_repeat():
    inner = {"type": "repeat", "times": 2, "events": [{"type": "text-delta", "delta": "b"}]}
    model = ScriptModel([[{"type": "repeat", "times": 3, "events": [{"type": "text-delta", "delta": "a"}, inner]}]])
    assert await text(model, request("u:x")) == "abb" * 3


@given(st.text())
def test_tokens_make_the_text_again(source: str):
    assert "".join(split_tokens(source)) == source


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ({}, "needs either steps or turns"),
        ({"steps": [], "turns": []}, "needs either steps or turns"),
        ({"steps": "x"}, "steps should be a list"),
        ({"steps": [5]}, r"steps\[0\] should be a list of events"),
        ({"steps": [[5]]}, r"steps\[0\]\[0\] should be an object"),
        ({"steps": [[{"type": "txt"}]]}, r"steps\[0\]\[0\]\.type is 'txt'"),
        ({"steps": [[{"type": "text-delta"}]]}, r"steps\[0\]\[0\]\.delta is missing"),
        ({"steps": [[{"type": "text-delta", "delta": 5}]]}, r"\.delta should be a string"),
        ({"steps": [[{"type": "text-delta", "delta": "x", "detla": 1}]]}, r"\.detla is no field"),
        ({"steps": [[{"type": "wait"}]]}, r"\.seconds is missing"),
        ({"steps": [[{"type": "wait", "seconds": -1}]]}, r"\.seconds should be a number"),
        ({"steps": [[{"type": "wait", "seconds": True}]]}, r"\.seconds should be a number"),
        (
            {"steps": [[{"type": "repeat", "times": 2, "events": [{"type": "call"}]}]]},
            r"events\[0\]\.toolName is missing",
        ),
        ({"steps": [[{"type": "finish", "reason": "done"}]]}, r"\.reason should be one of"),
        ({"steps": [[{"type": "usage", "promptTokens": 1.5}]]}, r"\.promptTokens should be a whole number"),
        ({"steps": [{"events": [], "rate": 1}]}, r"steps\[0\]\.rate is no field"),
        ({"turns": [{"match": 5, "steps": []}]}, r"turns\[0\]\.match should be a string"),
        ({"steps": [], "end": "stop"}, "end should be one of"),
        ({"steps": [], "tokensPerSecond": "fast"}, "tokensPerSecond should be a number"),
        ({"steps": [[{"type": "text", "text": "", "tokens": 5}]]}, "is empty"),
    ],
)
def test_a_mistake_is_named_with_its_place(script: Any, named: str):
    with pytest.raises(UsageError, match=named):
        ScriptModel(script)


def test_a_file_that_is_no_json_is_named_with_its_line(tmp_path: Path):
    path = tmp_path / "lesson.json"
    path.write_text('{"steps": [\n  ["text"],,\n]}')
    with pytest.raises(UsageError, match=r"lesson\.json is not JSON: line 2, column \d+"):
        ScriptModel(path)


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(UsageError, match=r"cannot be read: No such file"):
        ScriptModel(tmp_path / "none.json")


def test_a_file_names_its_model(tmp_path: Path):
    path = tmp_path / "lesson.json"
    path.write_text('["hello"]')
    assert ScriptModel(path).info.name == "script:lesson.json"
    path.write_text('{"model": "openai/gpt-5", "steps": ["hello"]}')
    assert ScriptModel(path).info.name == "openai/gpt-5"
