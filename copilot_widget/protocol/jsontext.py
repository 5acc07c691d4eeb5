"""JSON text as JavaScript reads and writes it: no NaN, no lone surrogate that UTF-8 could not carry."""

from __future__ import annotations

import json
from typing import Any, NoReturn, cast

from pydantic_core import PydanticSerializationError, from_json, to_json

from ..errors import ProtocolError


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def loads(text: str | bytes | bytearray) -> Any:
    """Raises ValueError, also where it is nested more deeply than this interpreter can follow."""
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError:
        # what the fast parser refuses, but JSON allows: lone surrogates in escapes, deep nesting
        try:
            return json.loads(text, parse_constant=_refuse)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None


def loads_safely(text: str) -> Any:
    """`loads` as clients do it: raises ValueError also where a key could reach an object's prototype."""
    value = loads(text)
    suspect = "__proto__" in text or "constructor" in text or ("\\" in text and "\\u00" in text)  # perhaps escaped
    if suspect and is_poisoned(value):
        raise ValueError("a key could reach an object's prototype")
    return value


def dumps(value: Any) -> str:
    """One line of JSON. NaN and infinity become null, as in JavaScript. Raises ProtocolError for what is no JSON."""
    try:
        return to_json(value, inf_nan_mode="null").decode()
    except PydanticSerializationError as error:
        try:
            return json.dumps(value, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError):
            raise ProtocolError(f"a value is not JSON: {error}") from None
        except RecursionError:
            raise ProtocolError("a value is nested too deeply") from None


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
    rest = [value]
    while rest:  # no recursion: a text may be nested as deeply as the interpreter could just follow
        held = rest.pop()
        if isinstance(held, list):
            rest += cast("list[Any]", held)
        elif isinstance(held, dict):
            fields = cast("dict[str, Any]", held)
            constructor = fields.get("constructor")
            if "__proto__" in fields or (isinstance(constructor, dict) and "prototype" in constructor):
                return True
            rest += fields.values()
    return False
