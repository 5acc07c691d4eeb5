"""Messages on the wire and back."""

from __future__ import annotations

from typing import Any

import pytest

from copilot_widget.errors import ProtocolError
from copilot_widget.protocol.messages import (
    DataPart,
    FilePart,
    ReasoningPart,
    SourceDocumentPart,
    StepStartPart,
    TextPart,
    ToolPart,
    UIMessage,
    UnknownPart,
)
from copilot_widget.protocol.tool_part import ToolApproval

from .streams import all_fixtures, canonical


def test_messages_go_out_as_they_came() -> None:
    seen: set[type] = set()
    messages = [stream[key] for stream in all_fixtures() for key in ("final", "initial") if stream.get(key)]
    for wire in messages:
        message = UIMessage.from_wire(wire)
        assert canonical(message.to_wire()) == canonical(wire)
        seen |= {type(part) for part in message.parts}
    assert {UnknownPart, TextPart, ReasoningPart, ToolPart, DataPart, SourceDocumentPart, StepStartPart} <= seen


def test_what_is_not_known_is_kept() -> None:
    wire = {
        "id": "m",
        "role": "user",
        "metadata": None,
        "createdAt": "2026-01-02",
        "parts": [
            {"type": "hologram", "depth": 3},
            {"type": "text", "text": "x", "font": "serif"},
            {"type": "tool-run", "toolCallId": "c", "state": "input-available", "input": None, "by": "me"},
            {"type": "dynamic-tool", "toolName": "t", "toolCallId": "c", "state": "output-error", "errorText": "e"},
        ],
    }
    message = UIMessage.from_wire(wire)
    assert message.to_wire() == wire
    assert isinstance(message.parts[0], UnknownPart)
    assert message.parts[0].extra == {"depth": 3}


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        ([], "message: must be an object"),
        ({"id": 1, "role": "user", "parts": []}, "id: must be a string"),
        ({"id": "m", "role": "boss", "parts": []}, "role: must be one of system, user, assistant"),
        ({"id": "m", "role": "user"}, "parts: must be a list"),
        ({"id": "m", "role": "user", "parts": ["x"]}, r"parts\.0: must be an object"),
        ({"id": "m", "role": "user", "parts": [{}]}, r"parts\.0\.type: must be a string"),
        ({"id": "m", "role": "user", "parts": [{"type": "text"}]}, r"parts\.0\.text: must be a string"),
        (
            {"id": "m", "role": "user", "parts": [{"type": "file", "url": "u"}]},
            r"parts\.0\.mediaType: must be a string",
        ),
        ({"id": "m", "role": "user", "parts": [{"type": "data-x"}]}, r"parts\.0\.data: missing"),
        (
            {"id": "m", "role": "user", "parts": [{"type": "steering-message", "id": "u"}]},
            r"parts\.0\.parts: must be a list",
        ),
        (
            {"id": "m", "role": "assistant", "parts": [{"type": "tool-x", "toolCallId": "c", "state": "bored"}]},
            "'bored' is no tool state",
        ),
        (
            {"id": "m", "role": "assistant", "parts": [{"type": "tool-x", "state": "input-available"}]},
            r"parts\.0\.toolCallId: must be a string",
        ),
        (
            {
                "id": "m",
                "role": "assistant",
                "parts": [{"type": "dynamic-tool", "toolCallId": "c", "state": "output-denied"}],
            },
            r"parts\.0\.toolName: must be a string",
        ),
    ],
)
def test_what_is_no_message_is_refused_with_the_place_and_the_reason(wire: Any, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        UIMessage.from_wire(wire)


def test_tool_parts() -> None:
    part = ToolPart("tool-run_code", "c", "approval-requested", input={"code": "1"}, approval=ToolApproval("a"))
    assert (part.tool_name, part.dynamic, part.has_input, part.has_output) == ("run_code", False, True, False)
    assert part.output is None
    part.output = None
    assert part.has_output
    assert part.to_wire() == {
        "type": "tool-run_code",
        "toolCallId": "c",
        "state": "approval-requested",
        "input": {"code": "1"},
        "output": None,
        "approval": {"id": "a"},
    }
    dynamic = ToolPart("dynamic-tool", "c", "input-available", tool_name="fetch")
    dynamic.tool_name = "get"
    assert (dynamic.type, dynamic.tool_name, dynamic.input) == ("dynamic-tool", "get", None)


def test_the_text_of_a_message_is_what_it_says() -> None:
    message = UIMessage(
        "m", "assistant", [ReasoningPart("hm"), TextPart("a"), FilePart("text/plain", "data:,"), TextPart("b")]
    )
    assert message.text == "ab"
    assert TextPart("a") == TextPart("a")
    assert TextPart("a") != TextPart("a", state="done")
    assert repr(TextPart("a")) == "TextPart(type='text', text='a')"
