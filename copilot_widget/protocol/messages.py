"""UIMessage: what a run has said and done so far, and what the user asked."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal, cast, get_args

from pydantic.alias_generators import to_camel

from ..errors import ProtocolError
from .chunks import Json
from .parts import (
    CustomPart,
    DataPart,
    FilePart,
    Part,
    ReasoningFilePart,
    ReasoningPart,
    SourceDocumentPart,
    SourceUrlPart,
    SteeringMessagePart,
    StepStartPart,
    TextPart,
    UnknownPart,
    wire_fields,
)
from .tool_part import ABSENT, DYNAMIC_TOOL, STATIC_TOOL, TOOL_STATES, ToolApproval, ToolPart

Role = Literal["system", "user", "assistant"]


@dataclass
class UIMessage:
    """A message and its parts; `metadata` is None where there is none."""

    id: str
    role: Role
    parts: list[Part] = field(default_factory=list[Part])
    metadata: Json = None
    extra: dict[str, Json] = field(default_factory=dict[str, Json])
    """Fields on the wire that have no attribute here."""

    @property
    def text(self) -> str:
        """All that the message says, without reasoning and tools."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

    def to_wire(self) -> dict[str, Json]:
        """The message as it travels. Values are not copied."""
        wire: dict[str, Json] = {"id": self.id, **self.extra}
        if self.metadata is not None:
            wire["metadata"] = self.metadata
        wire["role"] = self.role
        wire["parts"] = [part.to_wire() for part in self.parts]
        return wire

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> UIMessage:
        """Raises ProtocolError where it is no message. Parts of unknown types are kept as they are."""
        given = dict(_object(wire, "message"))
        message_id = _string(given.pop("id", ""), "id")
        role = given.pop("role", None)
        if role not in get_args(Role):
            raise ProtocolError(f"role: must be one of {', '.join(get_args(Role))}, not {role!r}")
        parts = given.pop("parts", None)
        if not isinstance(parts, list):
            raise ProtocolError("parts: must be a list")
        metadata = given.get("metadata")
        if metadata is not None:
            del given["metadata"]
        read = [_part(part, f"parts.{n}") for n, part in enumerate(cast("list[Any]", parts))]
        return cls(message_id, role, read, metadata, given)


_CLASSES: dict[str, type[Part]] = {
    "text": TextPart,
    "reasoning": ReasoningPart,
    "file": FilePart,
    "reasoning-file": ReasoningFilePart,
    "source-url": SourceUrlPart,
    "source-document": SourceDocumentPart,
    "custom": CustomPart,
    "steering-message": SteeringMessagePart,
    "step-start": StepStartPart,
}
_LISTS = {"parts"}
_ANYTHING = {"data"}


def metadata_of(message: UIMessage) -> dict[str, Any]:
    """A message's metadata as an object; empty for anything else."""
    held: object = message.metadata
    return cast("dict[str, Any]", held) if isinstance(held, dict) else {}


def _part(wire: Any, where: str) -> Part:
    given = dict(_object(wire, where))
    kind = _string(given.pop("type", None), f"{where}.type")
    if kind == DYNAMIC_TOOL or kind.startswith(STATIC_TOOL):
        return _tool_part(kind, given, where)
    if kind.startswith("data-"):
        return DataPart(kind, **_known(DataPart, given, where), extra=given)
    if kind not in _CLASSES:
        return UnknownPart(kind, extra=given)
    cls = _CLASSES[kind]
    return cast("Any", cls)(**_known(cls, given, where), extra=given)


def _known(cls: type[Part], given: dict[str, Any], where: str) -> dict[str, Any]:
    """The fields of `cls` as arguments, taken out of `given`."""
    known: dict[str, Any] = {}
    for name, key, required in wire_fields(cls):
        if key in given:
            known[name] = given.pop(key)
        elif not required:
            continue
        elif name in _ANYTHING:
            raise ProtocolError(f"{where}.{key}: missing")
        if not required or name in _ANYTHING:
            continue
        if name in _LISTS:
            if not isinstance(known.get(name), list):
                raise ProtocolError(f"{where}.{key}: must be a list")
        else:
            _string(known.get(name), f"{where}.{key}")
    return known


def _tool_part(kind: str, given: dict[str, Any], where: str) -> ToolPart:
    known = _known(ToolPart, given, where)
    if known["state"] not in TOOL_STATES:
        raise ProtocolError(f"{where}.state: {known['state']!r} is no tool state")
    if kind == DYNAMIC_TOOL:
        known["tool_name"] = _string(given.pop("toolName", None), f"{where}.toolName")
    if given.get("approval") is not None:
        known["approval"] = _approval(given.pop("approval"), f"{where}.approval")
    for name in ("input", "output"):
        known[name] = given.pop(name, ABSENT)
    return ToolPart(kind, **known, extra=given)


def _approval(wire: Any, where: str) -> ToolApproval:
    given = dict(_object(wire, where))
    approval = ToolApproval(_string(given.pop("id", None), f"{where}.id"))
    for each in fields(ToolApproval):
        if each.name not in ("id", "extra"):
            setattr(approval, each.name, given.pop(to_camel(each.name), None))
    approval.extra = given
    return approval


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ProtocolError(f"{where}: must be an object")
    return cast("dict[str, Any]", value)


def _string(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ProtocolError(f"{where}: must be a string")
    return value
