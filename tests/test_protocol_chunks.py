"""Chunks and their wire shapes."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from typing import Any, get_args

import pytest
from pydantic import ValidationError

import copilot_widget.protocol as protocol
from copilot_widget.errors import ProtocolError
from copilot_widget.protocol.chunks import (
    Chunk,
    Data,
    Finish,
    MessageMetadata,
    Start,
    SteeringMessage,
    TextDelta,
    TextEnd,
    ToolApprovalRequest,
    ToolInputStart,
    ToolOutputAvailable,
)
from copilot_widget.protocol.jsontext import dumps, is_poisoned
from copilot_widget.protocol.wire import CHUNK_CLASSES, Heartbeat, Usage, parse_chunk, to_wire

from .streams import all_fixtures, canonical

TYPES = {
    "start", "finish", "start-step", "finish-step", "reset-step", "text-start", "text-delta", "text-end",
    "reasoning-start", "reasoning-delta", "reasoning-end", "tool-input-start", "tool-input-delta",
    "tool-input-available", "tool-input-error", "tool-approval-request", "tool-approval-response",
    "tool-output-available", "tool-output-error", "tool-output-denied", "source-url", "source-document", "file",
    "reasoning-file", "custom", "message-metadata", "steering-message", "error", "abort",
}  # fmt: skip


def test_every_type_of_the_standard_has_one_class() -> None:
    assert set(CHUNK_CLASSES) == TYPES
    assert set(get_args(Chunk)) == {*CHUNK_CLASSES.values(), Data}


def test_what_is_parsed_goes_out_as_it_came() -> None:
    seen: set[str] = set()
    for stream in all_fixtures():
        bad = stream["violation"]
        for wire in stream["chunks"][: bad["chunkIndex"] if bad else None]:
            chunk = parse_chunk(wire)
            known = {"type", *(key for _, key, _ in chunk.wire_fields)}
            # nulls of free-form fields mean "nothing"; only inputSchemaInput is kept so
            expected = {
                key: value
                for key, value in wire.items()
                if key in known
                and not (value is None and key == "messageMetadata" and chunk.type != "message-metadata")
            }
            assert canonical(to_wire(chunk)) == canonical(expected)
            assert parse_chunk(json.dumps(wire)) == chunk
            assert parse_chunk(json.dumps(wire).encode()) == chunk
            seen.add("data" if isinstance(chunk, Data) else chunk.type)
    assert seen == {*TYPES, "data"}


@pytest.mark.parametrize(
    ("chunk", "wire"),
    [
        (Start(), {"type": "start"}),
        (Start(message_id=None), {"type": "start"}),
        (Start(message_id="m", message_metadata={}), {"type": "start", "messageId": "m", "messageMetadata": {}}),
        (
            ToolOutputAvailable(tool_call_id="c", output=None),
            {"type": "tool-output-available", "toolCallId": "c", "output": None},
        ),
        (
            ToolOutputAvailable(tool_call_id="c", output=0, preliminary=False),
            {"type": "tool-output-available", "toolCallId": "c", "output": 0, "preliminary": False},
        ),
        (MessageMetadata(message_metadata=None), {"type": "message-metadata", "messageMetadata": None}),
        (Data(type="data-x", data=None), {"type": "data-x", "data": None}),
        (
            TextDelta(id="t", delta="", provider_metadata={"p": {"s": None}}),
            {"type": "text-delta", "id": "t", "delta": "", "providerMetadata": {"p": {"s": None}}},
        ),
        (
            ToolApprovalRequest(approval_id="a", tool_call_id="c", input_schema_input=None),
            {"type": "tool-approval-request", "approvalId": "a", "toolCallId": "c", "inputSchemaInput": None},
        ),
        (
            ToolInputStart(tool_call_id="c", tool_name="t", tool_metadata={"k": None}, provider_executed=False),
            {
                "type": "tool-input-start",
                "toolCallId": "c",
                "toolName": "t",
                "toolMetadata": {"k": None},
                "providerExecuted": False,
            },
        ),
    ],
)
def test_wire_shapes(chunk: Any, wire: dict[str, Any]) -> None:
    assert to_wire(chunk) == wire


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        ({}, "type: missing"),
        ({"type": None}, "type: must be a string, not null"),
        ({"type": ["start"]}, "type: must be a string, not a list"),
        ({"type": "text"}, "type: 'text' is no chunk type"),
        ({"type": "text-delta", "id": "t"}, "text-delta: delta: missing"),
        ({"type": "text-delta", "id": 1, "delta": ""}, "text-delta: id: .* not a number"),
        ({"type": "start", "messageId": None}, "start: messageId: .* not null"),
        ({"type": "tool-output-denied", "tool_call_id": "c"}, "tool-output-denied: toolCallId: missing"),
        ({"type": "tool-output-available", "toolCallId": "c"}, "tool-output-available: output: missing"),
        ({"type": "tool-approval-response", "approvalId": "a", "approved": "yes"}, "approved: .* not a string"),
        ({"type": "data-x"}, "data-x: data: missing"),
        ({"type": "finish", "finishReason": "bored"}, "finish: finishReason: "),
        ({"type": "text-start", "id": "t", "providerMetadata": {"p": 1}}, "text-start: providerMetadata.p: "),
        ({"type": "steering-message", "id": "u", "parts": [{"type": "text"}]}, "parts.0.text.text: missing"),
        ({"type": "usage", "promptTokens": 1}, "travels as message metadata"),
        ({"type": "heartbeat"}, "travels as a comment line"),
        ([], "a chunk must be an object, not a list"),
        ("[]", "a chunk must be an object, not a list"),
        ("{", "not JSON"),
        (b"\xff", "not JSON"),
        ('{"type":"tool-output-available","toolCallId":"c","output":NaN}', "not JSON"),
        ('{"type":"data-x","data":{"__proto__":1}}', "prototype"),
        ('{"type":"data-x","data":[{"constructor":{"prototype":1}}]}', "prototype"),
        ('{"type":"data-x","data":{"\\u005f_proto__":1}}', "prototype"),
        ('{"type":"text-delta","id":"t","delta":"x","more":{"__proto__":1}}', "prototype"),
        ('{"type":"text-delta","id":"t","delta":"x","providerMetadata":{"p":{"x":-Infinity}}}', "not JSON"),
        ('{"type":"text-delta","id":"t","delta":"x","id":2}', "id: .* not a number"),
        ("[" * 100_000, "not JSON: it is nested too deeply"),
    ],
)
def test_what_is_no_chunk_is_refused_with_the_field_and_the_reason(wire: Any, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        parse_chunk(wire)


def test_unknown_fields_are_let_through_and_not_sent_on() -> None:
    assert to_wire(parse_chunk({"type": "text-end", "id": "t", "colour": "red"})) == {"type": "text-end", "id": "t"}
    data = parse_chunk({"type": "data-x", "data": 1, "more": 2})
    assert to_wire(data) == {"type": "data-x", "data": 1}


def test_a_chunk_that_is_built_wrongly_is_refused_at_once() -> None:
    with pytest.raises(ValidationError):
        TextDelta(id="t", delta=None)  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        Data(type="display", data=1)
    with pytest.raises(ValidationError):
        Finish(finish_reason="bored")  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        SteeringMessage(id="u", parts=[{"type": "image"}])  # type: ignore[list-item]
    with pytest.raises(ValidationError):
        TextEnd(id="t", citations=[{}])  # type: ignore[list-item]


def test_chunks_are_immutable() -> None:
    with pytest.raises(ValidationError):
        TextDelta(id="t", delta="x").delta = "y"


def test_usage_travels_as_message_metadata_and_a_heartbeat_not_at_all() -> None:
    usage = Usage(prompt_tokens=5, completion_tokens=2)
    assert to_wire(usage) == {
        "type": "message-metadata",
        "messageMetadata": {"usage": {"promptTokens": 5, "completionTokens": 2, "totalTokens": 7}},
    }
    full = Usage(
        prompt_tokens=5,
        completion_tokens=2,
        total_tokens=8,
        cached_tokens=0,
        reasoning_tokens=1,
        cache_write_tokens=4,
    )
    assert full.metadata() == {
        "promptTokens": 5,
        "completionTokens": 2,
        "totalTokens": 8,
        "cachedTokens": 0,
        "reasoningTokens": 1,
        "cacheWriteTokens": 4,
    }
    with pytest.raises(ProtocolError, match="comment line"):
        to_wire(Heartbeat(tool_call_id="c"))


def test_json_text_is_what_javascript_reads() -> None:
    assert dumps({"a": float("nan"), "b": [float("inf")], "c": "é\u2028"}) == '{"a":null,"b":[null],"c":"é\u2028"}'
    assert json.loads(dumps("\ud83e")) == "\ud83e"
    assert dumps("\ud83e").isascii()
    with pytest.raises(ProtocolError, match="not JSON"):
        dumps({"a": object()})


def test_a_search_for_keys_goes_to_any_depth() -> None:
    value: Any = {"constructor": {"prototype": 1}}
    for _ in range(100_000):
        value = [value]
    assert is_poisoned(value)
    while isinstance(value, list):  # taken apart: a comparison, or a failure's report, would go to that depth too
        [value] = value
    assert not is_poisoned({"constructor": 1, "prototype": ["__proto__"]})


def test_every_public_name_is_there_and_loads_nothing_before() -> None:
    for name in protocol.__all__:
        value = getattr(protocol, name)
        home = getattr(value, "__module__", None)
        if isinstance(home, str) and home.startswith("copilot_widget.protocol."):
            assert getattr(importlib.import_module(home), name) is value
    with pytest.raises(AttributeError):
        protocol.nothing  # noqa: B018
    loaded = "'pydantic' in sys.modules"
    code = f"import sys, copilot_widget.protocol as p; print({loaded}, p.TextDelta, {loaded})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split()[0] == "False"
    assert out.split()[-1] == "True"
