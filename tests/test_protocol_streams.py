"""Streams reduce to what the official client makes of them: all at once, step by step, and after travelling."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from copilot_widget.errors import ProtocolError
from copilot_widget.protocol.chunks import (
    Abort,
    Chunk,
    Data,
    Error,
    Finish,
    Start,
    TextDelta,
    TextStart,
    ToolInputDelta,
    ToolInputStart,
)
from copilot_widget.protocol.messages import DataPart, TextPart, ToolPart, UIMessage
from copilot_widget.protocol.partial_json import parse_partial_json
from copilot_widget.protocol.reducer import Reducer, reduce_chunks
from copilot_widget.protocol.sse import parse_sse, to_sse
from copilot_widget.protocol.tool_part import ABSENT
from copilot_widget.protocol.wire import Heartbeat, Usage, parse_chunk, to_wire

from .streams import FIXTURES, all_fixtures, canonical, plain, random_streams


@pytest.mark.parametrize("stream", all_fixtures(), ids=lambda stream: stream["name"])
def test_agrees_with_the_official_client(stream: dict[str, Any]) -> None:
    initial = stream.get("initial")
    before = canonical(initial)
    reducer = Reducer(initial)
    failed = None
    for index, chunk in enumerate(stream["chunks"]):
        try:
            reducer.push(chunk)
        except ProtocolError:
            failed = index
            break
    violation = stream["violation"]
    assert failed == (violation and violation["chunkIndex"])
    assert canonical(plain(reducer.message.to_wire())) == canonical(plain(stream["final"]))
    assert canonical(initial) == before
    if violation:
        with pytest.raises(ProtocolError) as raised:
            reduce_chunks(stream["chunks"], initial)
        assert raised.value.index == failed
    else:
        kept = UIMessage.from_wire(reducer.message.to_wire())
        assert kept == reducer.message


def test_partial_json_agrees_with_the_official_client() -> None:
    for text, value in json.loads((FIXTURES / "partial-json.json").read_text("utf-8")):
        found = parse_partial_json(text)
        assert (text, canonical([] if found is ABSENT else [found])) == (text, canonical(value))


@settings(max_examples=300, deadline=None)
@given(random_streams)
def test_a_stream_is_the_same_however_it_comes(chunks: list[Chunk]) -> None:
    whole = reduce_chunks(chunks)

    step_by_step = Reducer()
    for chunk in chunks:
        step_by_step.push(to_wire(chunk))
        step_by_step.message.to_wire()  # a look changes nothing
    assert step_by_step.message == whole

    travelled = parse_sse("".join(to_sse(chunk) for chunk in chunks) + "data: [DONE]\n\n")
    assert reduce_chunks(travelled) == whole


def test_the_message_stays_one_object() -> None:
    reducer = Reducer(UIMessage("m", "assistant", [TextPart("x")], metadata={"a": 1}))
    message = reducer.message
    reducer.push(Start(message_id="other"))
    reducer.push(TextStart(id="t"))
    assert reducer.message is message
    assert message.to_wire() == {
        "id": "other",
        "role": "assistant",
        "parts": [{"type": "text", "text": "", "state": "streaming"}],
    }


def test_a_given_message_is_not_changed() -> None:
    initial = UIMessage("m", "assistant", [DataPart("data-x", 1, "d"), TextPart("x")])
    reduced = reduce_chunks([Data(type="data-x", id="d", data=2)], initial)
    assert isinstance(reduced.parts[0], DataPart)
    assert reduced.parts[0].data == 2
    assert isinstance(initial.parts[0], DataPart)
    assert initial.parts[0].data == 1


def test_violations_name_chunk_and_field_and_change_nothing() -> None:
    with pytest.raises(ProtocolError, match=r'^chunk 1: id: text-delta without an open text-start of "t"$'):
        reduce_chunks([Start(), TextDelta(id="t", delta="x")])
    reducer = Reducer()
    reducer.push({"type": "start", "messageId": "m"})
    for wrong in ({"type": "tool-output-denied", "toolCallId": "c"}, {"type": "usage"}, [], None):
        with pytest.raises(ProtocolError):
            reducer.push(wrong)  # type: ignore[arg-type]
    assert reducer.message == UIMessage("m", "assistant")


def test_the_kernels_events_are_understood() -> None:
    usage = Usage(prompt_tokens=3, completion_tokens=4, cached_tokens=1)
    message = reduce_chunks([Heartbeat(), usage, Heartbeat(tool_call_id="c")])
    assert message.metadata == {
        "usage": {"promptTokens": 3, "completionTokens": 4, "totalTokens": 7, "cachedTokens": 1}
    }


def test_how_a_run_ended_can_be_asked_for() -> None:
    reducer = Reducer()
    assert (reducer.finish_reason, reducer.errors, reducer.aborted) == (None, [], False)
    for chunk in (Error(error_text="boom"), Abort(), Finish(finish_reason="length")):
        reducer.push(chunk)
    assert (reducer.finish_reason, reducer.errors, reducer.aborted) == ("length", ["boom"], True)


def test_an_input_that_streams_is_parsed_when_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def parse(text: str) -> Any:
        parsed.append(text)
        return parse_partial_json(text)

    monkeypatch.setattr("copilot_widget.protocol.reducer_state.parse_partial_json", parse)
    reducer = Reducer()
    reducer.push(ToolInputStart(tool_call_id="c", tool_name="run"))
    for delta in ('{"a": ', "[1", ", 2"):
        reducer.push(ToolInputDelta(tool_call_id="c", input_text_delta=delta))
    part = reducer.message.parts[0]
    assert isinstance(part, ToolPart)
    assert parsed == []
    assert part.input == {"a": [1, 2]}
    assert part.raw_input == '{"a": [1, 2'
    assert part.to_wire()["input"] == {"a": [1, 2]}
    assert parsed == ['{"a": [1, 2']


def test_halves_of_a_surrogate_pair_make_one_character() -> None:
    reducer = Reducer()
    reducer.push(TextStart(id="t"))
    for delta in ("\ud83e", "\udde0", "!"):
        reducer.push(TextDelta(id="t", delta=delta))
    assert reducer.message.text == "🧠!"
    assert parse_chunk('{"type":"text-delta","id":"t","delta":"\\ud83e"}') == TextDelta(id="t", delta="\ud83e")
