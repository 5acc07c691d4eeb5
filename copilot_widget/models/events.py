"""Model events as JSON: what script files and recordings are made of.

Each event is an object with `type` and the event's fields in camelCase:
`{"type": "tool-call", "toolCallId": "c1", "toolName": "lookup", "input": "{\"order_id\": 17}"}`.
A field at its default may be left out. `input` of a tool call may also be the object itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, cast, get_args

from ..errors import UsageError
from .base import (
    Finish,
    FinishReason,
    Json,
    ModelEvent,
    ModelUsage,
    Notice,
    ReasoningDelta,
    ReasoningEnd,
    TextDelta,
    ToolCall,
    ToolInputDelta,
    ToolInputStart,
)

EVENT_TYPES: dict[str, type[ModelEvent]] = {
    "text-delta": TextDelta,
    "reasoning-delta": ReasoningDelta,
    "reasoning-end": ReasoningEnd,
    "tool-input-start": ToolInputStart,
    "tool-input-delta": ToolInputDelta,
    "tool-call": ToolCall,
    "usage": ModelUsage,
    "notice": Notice,
    "finish": Finish,
}
_TYPE_NAMES = {event_class: name for name, event_class in EVENT_TYPES.items()}
_WIRE_NAMES = {"call_id": "toolCallId", "tool": "toolName"}
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "a string"),
    "int": ((int,), "a whole number"),
    "bool": ((bool,), "true or false"),
    "float | None": ((int, float, type(None)), "a number or null"),
    "dict[str, Json] | None": ((dict, type(None)), "an object or null"),
    "FinishReason": ((str,), "one of " + ", ".join(get_args(FinishReason))),
}


def to_json(event: ModelEvent) -> dict[str, Json]:
    """The event as a JSON object, without the fields that are at their default."""
    data: dict[str, Json] = {"type": _TYPE_NAMES[type(event)]}
    for field in fields(event):
        value = getattr(event, field.name)
        if field.default is MISSING or value != field.default:
            data[_wire_name(field.name)] = value
    return data


def from_json(data: Any, where: str = "event") -> ModelEvent:
    """The event that a JSON object describes. Raises UsageError naming the field, prefixed with `where`."""
    if not isinstance(data, Mapping):
        raise UsageError(f"{where} should be an object with a type, not {_kind(data)}.")
    given = cast("Mapping[str, Any]", data)
    event_class = EVENT_TYPES.get(str(given.get("type")))
    if event_class is None:
        raise UsageError(
            f"{where}.type is {given.get('type')!r}, which is no event.", hint=f"Events are {', '.join(EVENT_TYPES)}."
        )
    known = {_wire_name(field.name): field for field in fields(event_class)}
    for name in given:
        if name != "type" and name not in known:
            raise UsageError(
                f"{where}.{name} is no field of {given['type']}.", hint=f"It has {', '.join(known) or 'no fields'}."
            )
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name in given:
            values[field.name] = _value(event_class, field, given[name], f"{where}.{name}")
        elif field.default is MISSING:
            raise UsageError(f"{where}.{name} is missing.", hint=f"{given['type']} needs it.")
    return event_class(**values)


def _value(event_class: type[ModelEvent], field: Field[Any], value: Any, where: str) -> Any:
    if event_class is ToolCall and field.name == "input" and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    kinds, words = _KINDS[str(field.type)]
    wrong_bool = isinstance(value, bool) and bool not in kinds
    wrong_word = field.type == "FinishReason" and value not in get_args(FinishReason)
    if wrong_bool or wrong_word or not isinstance(value, kinds):
        raise UsageError(f"{where} should be {words}, not {_kind(value)}.")
    return value


def _wire_name(name: str) -> str:
    if name in _WIRE_NAMES:
        return _WIRE_NAMES[name]
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def _kind(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 40 else text[:39] + "…"


__all__ = ["EVENT_TYPES", "from_json", "to_json"]
