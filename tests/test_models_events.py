"""Model events as JSON: there and back."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_widget.errors import UsageError
from copilot_widget.models import base
from copilot_widget.models.events import EVENT_TYPES, from_json, to_json

metadata = st.none() | st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3)
counts = st.integers(min_value=0, max_value=10**9)
events = st.one_of(
    st.builds(base.TextDelta, st.text()),
    st.builds(base.ReasoningDelta, st.text()),
    st.builds(base.ReasoningEnd, metadata),
    st.builds(base.ToolInputStart, st.text(), st.text()),
    st.builds(base.ToolInputDelta, st.text(), st.text()),
    st.builds(base.ToolCall, st.text(), st.text(), st.text(), metadata),
    st.builds(base.ModelUsage, counts, counts, counts, counts, counts, st.none() | st.floats(0, 1e6), st.booleans()),
    st.builds(base.Notice, st.text()),
    st.builds(base.Finish, st.sampled_from(get_args(base.FinishReason))),
)


@given(events)
def test_an_event_comes_back_as_it_was(event: base.ModelEvent):
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


def test_every_event_of_the_union_has_a_name():
    assert set(EVENT_TYPES.values()) == set(get_args(base.ModelEvent))


def test_the_names_are_those_of_the_wire():
    assert to_json(base.ToolCall("c1", "lookup", "{}")) == {
        "type": "tool-call",
        "toolCallId": "c1",
        "toolName": "lookup",
        "input": "{}",
    }


def test_input_may_be_the_object_itself():
    call: Any = from_json({"type": "tool-call", "toolCallId": "c1", "toolName": "t", "input": {"a": [1, "ü"]}})
    assert json.loads(call.input) == {"a": [1, "ü"]}


@pytest.mark.parametrize("data", [None, 5, [], {"type": "text-delta", "delta": None}, {"type": "usage", "cost": "1"}])
def test_what_is_no_event_is_refused(data: Any):
    with pytest.raises(UsageError):
        from_json(data)
