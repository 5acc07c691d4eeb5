"""Recordings: what is kept, what is scrubbed, and that they play the same again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copilot_widget.errors import ModelError, UsageError
from copilot_widget.models.base import (
    AssistantMessage,
    Call,
    ModelEvent,
    ModelRequest,
    Notice,
    Text,
    TextDelta,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from copilot_widget.models.recording import Recorder, key_of
from copilot_widget.models.replay import ReplayModel
from copilot_widget.models.script import ScriptModel, example


def asked(*texts: str) -> ModelRequest:
    return ModelRequest((UserMessage(tuple(Text(text) for text in texts)),))


async def play(model: Any, request: ModelRequest) -> list[ModelEvent]:
    return [event async for event in model.stream(request)]


def after(request: ModelRequest, events: list[ModelEvent]) -> ModelRequest:
    """The request that follows when the calls of `events` have run."""
    calls = [event for event in events if isinstance(event, ToolCall)]
    text = "".join(event.delta for event in events if isinstance(event, TextDelta))
    content = ([Text(text)] if text else []) + [Call(c.call_id, c.tool, json.loads(c.input)) for c in calls]
    results = [ToolMessage(c.call_id, c.tool, "at 0x7f12") for c in calls]
    return ModelRequest((*request.messages, AssistantMessage(tuple(content)), *results))


def then(request: ModelRequest, text: str) -> ModelRequest:
    return ModelRequest((*request.messages, UserMessage((Text(text),))))


async def test_a_turn_with_a_call_plays_the_same_again(tmp_path: Path):
    path = tmp_path / "lesson.jsonl"
    recorder = Recorder(ScriptModel(json.loads(example())), path)
    first = await play(recorder, asked("Where is order 17?"))
    second = await play(recorder, after(asked("Where is order 17?"), first))
    replay = ReplayModel(path, speed=0)
    assert await play(replay, asked("Where is order 17?")) == first
    assert await play(replay, after(asked("Where  is order 17? "), first)) == second
    assert replay.info.name == "scripted"
    assert replay.info.badge


async def test_tool_results_and_descriptions_do_not_matter_to_what_is_found(tmp_path: Path):
    path = tmp_path / "lesson.jsonl"
    await play(Recorder(ScriptModel(["hello"]), path), asked("what is @df?", "[@df]\n3 rows at 0x7f00"))
    events = await play(ReplayModel(path, speed=0), asked("what is @df?", "[@df]\n4 rows at 0x7fff"))
    assert TextDelta("hello") in events


async def test_the_same_question_again_gets_its_second_answer_and_then_the_last(tmp_path: Path):
    path = tmp_path / "lesson.jsonl"
    recorder = Recorder(ScriptModel(["one", "two"]), path)
    request = asked("go on")
    for text in ("one", "two"):
        events = await play(recorder, request)
        assert TextDelta(text) in events
        request = then(after(request, events), "go on")
    replay, request = ReplayModel(path, speed=0), asked("go on")
    for text in ("one", "two", "two"):
        events = await play(replay, request)
        assert TextDelta(text) in events
        request = then(after(request, events), "go on")


async def test_a_turn_that_is_played_twice_gets_new_call_ids(tmp_path: Path):
    path = tmp_path / "lesson.jsonl"
    await play(Recorder(ScriptModel([[{"type": "call", "toolName": "t"}]]), path), asked("do it"))
    replay = ReplayModel(path, speed=0)
    first = await play(replay, asked("do it"))
    second = await play(replay, then(after(asked("do it"), first), "do it"))
    ids = [event.call_id for event in [*first, *second] if isinstance(event, ToolCall)]
    assert len(set(ids)) == 2


async def test_what_was_not_recorded_fails_plainly(tmp_path: Path):
    path = tmp_path / "lesson.jsonl"
    recorder = Recorder(ScriptModel(["hello"]), path)
    events = await play(recorder, asked("hi"))
    with pytest.raises(ModelError, match="no answer to 'bye'") as caught:
        await play(ReplayModel(path, speed=0), asked("bye"))
    assert caught.value.code == "not-found"
    assert "hi" in caught.value.hint
    with pytest.raises(ModelError, match="no answer for step 2 of 'hi'"):
        await play(ReplayModel(path, speed=0), after(asked("hi"), events))


async def test_errors_and_stops_are_recorded(tmp_path: Path):
    path = tmp_path / "lesson.jsonl"
    failing = ScriptModel(
        [[{"type": "text-delta", "delta": "a"}, {"type": "error", "code": "auth", "message": "No key."}]]
    )
    with pytest.raises(ModelError):
        await play(Recorder(failing, path), asked("fail"))
    stream = Recorder(
        ScriptModel([[{"type": "repeat", "times": 9, "events": [{"type": "text-delta", "delta": "b"}]}]]), path
    )
    stopped = stream.stream(asked("stop"))
    await anext(stopped)
    await stopped.aclose()
    replay = ReplayModel(path, speed=0)
    with pytest.raises(ModelError, match=r"No key\.") as caught:
        await play(replay, asked("fail"))
    assert caught.value.code == "auth"
    with pytest.raises(ModelError, match="was stopped here") as caught:
        await play(replay, asked("stop"))
    assert caught.value.code == "interrupted"


async def test_secrets_are_scrubbed_wherever_they_stand_and_notices_left_out(tmp_path: Path):
    path = tmp_path / "lesson.jsonl"
    secret = "sk-proj-abcdefghijklmnop"
    events = [
        {"type": "notice", "text": "trying again"},
        {"type": "text", "text": f"Your key is {secret}, keep it."},
        {"type": "reasoning", "text": f"hm {secret}"},
        {"type": "call", "toolName": "t", "input": {"key": secret, "own": "my-password"}},
        {"type": "error", "message": f"refused {secret}"},
    ]
    with pytest.raises(ModelError):
        await play(Recorder(ScriptModel([events]), path, secrets=["my-password"]), asked(f"is {secret} mine?"))
    text = path.read_text()
    assert "abcdefgh" not in text
    assert "my-password" not in text
    assert "trying again" not in text
    replay = ReplayModel(path, speed=0)
    seen: list[ModelEvent] = []
    with pytest.raises(ModelError):
        seen = [event async for event in _collect(replay, asked(f"is {secret} mine?"), seen)]
    said = "".join(event.delta for event in seen if isinstance(event, TextDelta))
    assert said == "Your key is …, keep it."


async def _collect(model: Any, request: ModelRequest, into: list[ModelEvent]) -> Any:
    async for event in model.stream(request):
        into.append(event)
        yield event


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=20))
async def test_text_without_secrets_comes_back_in_the_same_pieces(tmp_path: Path, pieces: list[str]):
    path = tmp_path / "lesson.jsonl"
    path.unlink(missing_ok=True)
    script = ScriptModel([[{"type": "text-delta", "delta": piece} for piece in pieces]])
    recorded = await play(Recorder(script, path), asked("hi"))
    replayed = await play(ReplayModel(path, speed=0), asked("hi"))
    whole = "".join(event.delta for event in replayed if isinstance(event, TextDelta))
    if whole == "".join(pieces):  # nothing in it looked like a key
        assert replayed == recorded


async def test_its_speed_follows_the_recording_or_not_at_all(tmp_path: Path):
    path = tmp_path / "lesson.jsonl"
    line = {
        "asked": "hi",
        "occurrence": 0,
        "step": 0,
        "events": [[0.05, {"type": "text-delta", "delta": "a"}], [3600, {"type": "finish"}]],
    }
    path.write_text(json.dumps(line) + "\n")
    assert len(await play(ReplayModel(path, speed=0), asked("hi"))) == 2
    assert len(await play(ReplayModel(path, speed=1e6), asked("hi"))) == 2


def test_the_environment_sets_the_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "lesson.jsonl"
    path.write_text('{"asked": "hi", "occurrence": 0, "step": 0, "events": []}\n')
    monkeypatch.setenv("COPILOT_REPLAY_SPEED", "fast")
    with pytest.raises(UsageError, match="COPILOT_REPLAY_SPEED"):
        ReplayModel(path)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "is empty"),
        ("{}\n", r"lesson\.jsonl, line 1 is no recorded answer"),
        ("not json\n", r"line 1 is no recorded answer"),
        (
            '{"asked": "x", "occurrence": 0, "step": 0, "events": [[0, {"type": "nonsense"}]]}\n',
            r"line 1: events\[0\]\.type",
        ),
    ],
)
def test_a_bad_recording_is_named_with_its_line(tmp_path: Path, text: str, named: str):
    path = tmp_path / "lesson.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError, match=named):
        ReplayModel(path)


def test_where_nothing_can_be_recorded_it_is_said_before_the_first_question(tmp_path: Path):
    for path in (tmp_path, tmp_path / "none" / "lesson.jsonl"):
        with pytest.raises(UsageError):
            Recorder(ScriptModel(["x"]), path)


def test_the_key_counts_only_what_the_user_asked_before():
    first = asked("go on")
    events: list[ModelEvent] = [TextDelta("one"), Notice("x")]
    assert key_of(first).occurrence == 0
    assert key_of(then(after(first, events), "go on")).occurrence == 1
    assert key_of(then(after(first, events), "else")).occurrence == 0
    assert key_of(after(first, events)).step == 1
