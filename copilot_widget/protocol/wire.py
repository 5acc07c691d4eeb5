"""Chunks and their dicts: `parse_chunk` and `to_wire`; and the kernel's two events that are no chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Union, cast, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import ProtocolError
from .chunks import Chunk, Data, Json, MessageMetadata, WireModel
from .jsontext import loads_safely


class Usage(BaseModel):
    """Tokens used so far; None where they were not counted. It travels as message metadata, under `usage`."""

    model_config = ConfigDict(frozen=True)

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int | None = None
    """None: the sum of the two."""
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_write_tokens: int | None = None

    def metadata(self) -> dict[str, int]:
        """The value of the metadata's key `usage`."""
        total = self.prompt_tokens + self.completion_tokens if self.total_tokens is None else self.total_tokens
        counts = {
            "promptTokens": self.prompt_tokens,
            "completionTokens": self.completion_tokens,
            "totalTokens": total,
            "cachedTokens": self.cached_tokens,
            "reasoningTokens": self.reasoning_tokens,
            "cacheWriteTokens": self.cache_write_tokens,
        }
        return {key: count for key, count in counts.items() if count is not None}

    def to_wire(self) -> dict[str, Json]:
        return MessageMetadata(message_metadata={"usage": self.metadata()}).to_wire()


class Heartbeat(BaseModel):
    """The run is alive (`tool_call_id`: that call works). On Server-Sent Events it is a comment, elsewhere nothing."""

    model_config = ConfigDict(frozen=True)

    tool_call_id: str | None = None

    def to_wire(self) -> dict[str, Json]:
        raise ProtocolError(_NOT_CHUNKS["heartbeat"])


Event = Union[Chunk, Usage, Heartbeat]
"""What the kernel emits: the chunks, and the two that are none."""

_NOT_CHUNKS = {
    "usage": "usage is no chunk: it travels as message metadata, {'usage': …} (to_wire(Usage(…)) makes that)",
    "heartbeat": "heartbeat is no chunk: it travels as a comment line on Server-Sent Events (to_sse(Heartbeat()))",
}

Validator = Any
"""pydantic's; plug-ins may wrap it in one of their own."""

CHUNK_CLASSES: dict[str, type[WireModel]] = {
    cls.model_fields["type"].default: cls for cls in get_args(Chunk) if cls is not Data
}
_VALIDATORS = {name: cls.__pydantic_validator__ for name, cls in CHUNK_CLASSES.items()}
_DATA = Data.__pydantic_validator__

# ---- reading a text in one go ---------------------------------------------------------------------------

_SHORT = 2_000
"""Characters; in longer texts the search for what is odd takes more time than reading in one go saves."""


def _head(name: str, cls: type[WireModel]) -> str:
    first = f',"{cls.wire_fields[0][1]}' if cls.wire_fields else "}"
    return f'{{"type":"{name}"{first}'[:22]


_LIKELY: dict[str, Callable[..., Chunk]] = {
    '{"type":"data-': _DATA.validate_json,
    **{
        _head(name, cls): _VALIDATORS[name].validate_json
        for name, cls in CHUNK_CLASSES.items()
        if not name.startswith("tool-approval-")  # two that begin alike
    },
}
"""By the first 22 characters of a JSON text, or 14: what reads it, if it is what it seems to be."""

# ---- chunks and their dicts -----------------------------------------------------------------------------


def parse_chunk(wire: dict[str, Any] | str | bytes) -> Chunk:
    """The chunk that a dict, or a JSON text, holds. Raises ProtocolError, naming field and reason.

    Fields that the chunk does not know are let through, as clients do; a null in an optional field is not.
    """
    if (
        type(wire) is str
        and (read := _LIKELY.get(wire[:22]) or _LIKELY.get(wire[:14]))
        and len(wire) < _SHORT
        # what only the long way refuses: numbers that are none, and keys like __proto__, also where they are escaped
        and not ("NaN" in wire or "Infinity" in wire or "proto" in wire or "\\u00" in wire)
    ):
        try:
            return read(wire, strict=True, by_name=False)
        except ValidationError:
            pass  # the long way says why, or knows better
    fields = cast("dict[str, Any]", wire if type(wire) is dict else _read(wire))
    try:
        validator = _VALIDATORS.get(fields["type"]) or _other(fields)
    except (KeyError, TypeError):
        validator = _other(fields)
    try:
        return validator.validate_python(fields, strict=True, by_name=False)
    except ValidationError as error:
        raise ProtocolError(f"{fields['type']}: {_reason(error)}") from None


def to_wire(chunk: Event) -> dict[str, Json]:
    """The chunk as it travels. Usage becomes message metadata; a Heartbeat, which has no form, a ProtocolError."""
    return chunk.to_wire()


def _read(text: Any) -> Any:
    try:
        if isinstance(text, (bytes, bytearray)):
            text = text.decode()
        return loads_safely(text) if isinstance(text, str) else text
    except ValueError as error:
        raise ProtocolError(f"not JSON: {error}") from None


def _other(wire: Any) -> Validator:
    """The validator of a data chunk; for what is no chunk, a ProtocolError that says so."""
    if not isinstance(wire, dict):
        raise ProtocolError(f"a chunk must be an object, not {_kind(wire)}")
    fields = cast("dict[str, Any]", wire)
    if "type" not in fields:
        raise ProtocolError("type: missing")
    name = fields["type"]
    if not isinstance(name, str):
        raise ProtocolError(f"type: must be a string, not {_kind(name)}")
    if name.startswith("data-"):
        return _DATA
    raise ProtocolError(_NOT_CHUNKS.get(name) or f"type: {name!r} is no chunk type")


def _reason(error: ValidationError) -> str:
    """The first violation: the field, as it is called on the wire, and what is wrong with it."""
    first = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(step) for step in first["loc"])
    reason = "missing" if first["type"] == "missing" else first["msg"][:1].lower() + first["msg"][1:]
    found = "" if first["type"] == "missing" else f", not {_kind(first['input'])}"
    return f"{field}: {reason}{found}"


_KINDS: dict[type, str] = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}


def _kind(value: object) -> str:
    """How JSON calls the kind of `value`."""
    if value is None:
        return "null"
    kind = type(value)
    return _KINDS.get(kind, kind.__name__)
