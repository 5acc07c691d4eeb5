"""litellm's stream chunks as events: calls in all the shapes that providers send, thoughts, tags, usage."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_widget.models.base import (
    ModelEvent,
    ReasoningDelta,
    ReasoningEnd,
    TextDelta,
    ToolCall,
    ToolInputDelta,
    ToolInputStart,
)
from copilot_widget.models.incoming import ChunkReader, ThinkSplitter, to_usage


def chunk(finish: str | None = None, **delta: Any) -> Any:
    return SimpleNamespace(choices=[SimpleNamespace(delta=SimpleNamespace(**delta), finish_reason=finish)])


def call(index: int | None = 0, id: str | None = None, name: str | None = None, arguments: Any = None) -> Any:
    return SimpleNamespace(index=index, id=id, function=SimpleNamespace(name=name, arguments=arguments))


def read(*chunks: Any, used: tuple[str, ...] = ()) -> list[ModelEvent]:
    reader = ChunkReader(used)
    events: list[ModelEvent] = []
    for item in chunks:
        events += reader.read(item)
    return events + reader.close()


def calls(events: list[ModelEvent]) -> list[tuple[str, Any]]:
    """The calls as (tool, arguments); checks that each was announced, and that its deltas make its input."""
    found: list[tuple[str, Any]] = []
    for event in events:
        if isinstance(event, ToolCall):
            starts = [e for e in events if isinstance(e, ToolInputStart) and e.call_id == event.call_id]
            assert [start.tool for start in starts] == [event.tool]
            pieces = "".join(e.delta for e in events if isinstance(e, ToolInputDelta) and e.call_id == event.call_id)
            assert (pieces.strip() or "{}") == event.input
            found.append((event.tool, json.loads(event.input)))
    ids = [event.call_id for event in events if isinstance(event, ToolCall)]
    assert len(ids) == len(set(ids))
    assert all(ids)
    return found


@pytest.mark.parametrize(
    "deltas",
    [
        # OpenAI: fragments at one index
        [[call(0, "a", "t", "")], [call(0, None, None, '{"x"')], [call(0, None, None, ": 1}")],
         [call(1, "b", "u", "")], [call(1, None, None, '{"y": 2}')]],
        # whole, both in one chunk
        [[call(0, "a", "t", '{"x": 1}'), call(1, "b", "u", '{"y": 2}')]],
        # whole, one after the other at the same index, told apart by their ids
        [[call(0, "a", "t", '{"x": 1}')], [call(0, "b", "u", '{"y": 2}')]],
        # the same without any ids
        [[call(0, None, "t", '{"x": 1}')], [call(0, None, "u", '{"y": 2}')]],
        # arguments as an object
        [[call(0, "a", "t", {"x": 1})], [call(1, "b", "u", {"y": 2})]],
        # no index at all
        [[call(None, "a", "t", '{"x": 1}')], [call(None, "b", "u", '{"y": 2}')]],
        # the id and the name again with every fragment
        [[call(0, "a", "t", '{"x"')], [call(0, "a", "t", ": 1}")], [call(1, "b", "u", '{"y": 2}')]],
        # interleaved
        [[call(0, "a", "t", '{"x"'), call(1, "b", "u", '{"y"')],
         [call(1, None, None, ": 2}"), call(0, None, None, ": 1}")]],
        # the id before the name, the name before the arguments
        [[call(0, "a", None, None)], [call(0, None, "t", None)], [call(0, None, None, '{"x": 1}')],
         [call(1, None, "u", None)], [call(1, None, None, '{"y": 2}')]],
    ],
)  # fmt: skip
def test_two_calls_in_every_shape(deltas: list[list[Any]]):
    events = read(*(chunk(tool_calls=delta) for delta in deltas), chunk("tool_calls"))
    assert calls(events) == [("t", {"x": 1}), ("u", {"y": 2})]


@given(st.lists(st.integers(1, 5), max_size=30), st.dictionaries(st.text(), st.integers() | st.text(), max_size=4))
def test_arguments_in_any_pieces(sizes: list[int], arguments: dict[str, Any]):
    text, pieces = json.dumps(arguments), []
    for size in sizes:
        pieces.append(text[:size])
        text = text[size:]
    deltas = [call(0, "a", "t", "")] + [call(0, None, None, piece) for piece in [*pieces, text]]
    assert calls(read(*(chunk(tool_calls=[delta]) for delta in deltas))) == [("t", arguments)]


def test_no_arguments_are_an_empty_object():
    assert calls(read(chunk(tool_calls=[call(0, "a", "t", "")]))) == [("t", {})]
    assert calls(read(chunk(tool_calls=[call(0, "a", "t", None)]))) == [("t", {})]


def test_arguments_that_are_no_json_are_given_on_as_they_are():
    (event,) = [e for e in read(chunk(tool_calls=[call(0, "a", "t", '{"x": ')])) if isinstance(e, ToolCall)]
    assert event.input == '{"x":'


def test_an_id_of_the_history_is_given_no_second_time():
    events = read(chunk(tool_calls=[call(0, "call_0", "t", "{}")]), used=("call_0",))
    assert {e.call_id for e in events if isinstance(e, (ToolCall, ToolInputStart))} != {"call_0"}
    assert calls(events) == [("t", {})]


def test_geminis_signature_is_no_part_of_the_id():
    events = read(chunk(tool_calls=[call(0, "abc__thought__c2ln", "t", "{}")]))
    (event,) = [e for e in events if isinstance(e, ToolCall)]
    assert event.call_id == "abc"
    assert event.provider_metadata == {"google": {"thoughtSignature": "c2ln"}}


@pytest.mark.parametrize("whole", ["", "hmm"])
def test_anthropics_thinking_ends_with_its_signature(whole: str):
    """litellm gives the whole text again with the signature, in some versions."""
    events = read(
        chunk(reasoning_content="hm", thinking_blocks=[{"type": "thinking", "thinking": "hm", "signature": ""}]),
        chunk(reasoning_content="m", thinking_blocks=[{"type": "thinking", "thinking": "m"}]),
        chunk(reasoning_content="", thinking_blocks=[{"type": "thinking", "thinking": whole, "signature": "SIG"}]),
        chunk(thinking_blocks=[{"type": "redacted_thinking", "data": "DATA"}]),
        chunk(content="Yes."),
    )
    assert events == [
        ReasoningDelta("hm"),
        ReasoningDelta("m"),
        ReasoningEnd({"anthropic": {"signature": "SIG"}}),
        ReasoningEnd({"anthropic": {"redactedData": "DATA"}}),
        TextDelta("Yes."),
    ]


def split(*pieces: str) -> tuple[str, str]:
    """(thought, text) of an answer in these pieces."""
    splitter = ThinkSplitter()
    found = [pair for piece in pieces for pair in splitter.feed(piece)] + splitter.close()
    return "".join(t for thought, t in found if thought), "".join(t for thought, t in found if not thought)


@pytest.mark.parametrize(
    ("answer", "thought", "text"),
    [
        ("<think>a</think>b", "a", "b"),
        ("\n<think>\na\n</think>\n\nb", "a", "b"),
        ("<thinking>a</thinking>b", "a", "b"),
        ("no tags", "", "no tags"),
        ("use <think> tags", "", "use <think> tags"),
        ("<b>bold</b>", "", "<b>bold</b>"),
        ("<think>never closed", "never closed", ""),
        ("<think>a < b </thin</think>c</think>", "a < b </thin", "c</think>"),
        ("<think></think>b", "", "b"),
        ("<", "", "<"),
        ("<thin", "", "<thin"),
        ("", "", ""),
    ],
)
def test_think_tags_are_split_however_the_answer_is_cut(answer: str, thought: str, text: str):
    for cut in range(len(answer) + 1):
        assert split(answer[:cut], answer[cut:]) == (thought, text)
    assert split(*answer) == (thought, text)


@given(st.lists(st.text(alphabet="<>/think ab\n", max_size=6), max_size=12))
def test_nothing_of_an_answer_is_lost_or_doubled(pieces: list[str]):
    answer = "".join(pieces)
    thought, text = split(*pieces)
    assert split(answer) == (thought, text)
    if not answer.lstrip().startswith("<think"):
        assert (thought, text) == ("", answer)


def test_text_before_a_call_is_not_held_back_by_the_search_for_tags():
    events = read(chunk(content="<"), chunk(tool_calls=[call(0, "a", "t", "{}")]))
    assert events[0] == TextDelta("<")


def test_usage_in_both_providers_words():
    openai = SimpleNamespace(
        prompt_tokens=100,
        completion_tokens=20,
        prompt_tokens_details=SimpleNamespace(cached_tokens=60),
        completion_tokens_details=SimpleNamespace(reasoning_tokens=5),
    )
    usage = to_usage(openai, 0.5)
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.reasoning_tokens) == (
        100,
        20,
        60,
        5,
    )
    assert usage.cost == 0.5
    anthropic = {
        "prompt_tokens": 9,
        "completion_tokens": 1,
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 3,
    }
    usage = to_usage(anthropic, None)
    assert (usage.cached_tokens, usage.cache_write_tokens, usage.cost) == (4, 3, None)


def test_finish_reasons():
    for theirs, ours in [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content-filter"),
        ("odd", "other"),
    ]:
        reader = ChunkReader()
        reader.read(chunk(theirs))
        assert reader.finish_reason == ours
