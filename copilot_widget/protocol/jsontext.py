"""JSON text as JavaScript reads and writes it: no NaN, no lone surrogate that UTF-8 could not carry."""

from __future__ import annotations

import json
from typing import Any, NoReturn, cast

from pydantic_core import PydanticSerializationError, from_json, to_json

from ..errors import ProtocolError


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def loads(text: str | bytes | bytearray) -> Any:
    """Raises ValueError (RecursionError where it is nested too deeply)."""
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError:
        # what the fast parser refuses, but JSON allows: lone surrogates in escapes, deep nesting
        return json.loads(text, parse_constant=_refuse)


def dumps(value: Any) -> str:
    """One line of JSON. NaN and infinity become null, as in JavaScript. Raises ProtocolError for what is no JSON."""
    try:
        return to_json(value, inf_nan_mode="null").decode()
    except PydanticSerializationError as error:
        try:
            return json.dumps(value, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError):
            raise ProtocolError(f"a value is not JSON: {error}") from None


def mend(text: str) -> str:
    """`text` with the halves of surrogate pairs, which a JavaScript sender may have cut apart, joined again."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return text


def is_poisoned(value: Any) -> bool:
    """Whether a key in it could reach an object's prototype in JavaScript, where such a text is refused."""
    if isinstance(value, dict):
        held = cast("dict[str, Any]", value)
        constructor = held.get("constructor")
        if "__proto__" in held or (isinstance(constructor, dict) and "prototype" in constructor):
            return True
        return any(map(is_poisoned, held.values()))
    return isinstance(value, list) and any(map(is_poisoned, cast("list[Any]", value)))
