"""Any value as JSON of bounded size, in bounded time and memory.

`to_json` never calls more than `_ai_repr_`, `repr`, `isoformat`, `item`, `tolist` and `model_dump` of a value, never
loops on a cyclic structure, and says in the result itself what it left out, so that a reader does not take a part for
the whole. It is for what a tool returned; for what is only looked at there is `stored_json` (stored.py), the same walk.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import json
import math
from collections import OrderedDict, deque
from collections.abc import ItemsView, Iterable, KeysView, Mapping, ValuesView
from enum import Enum
from pathlib import PurePath
from typing import Any, cast

from ..models.base import Json
from .kinds import DICT, TUPLE, class_name, class_of, has, is_a, type_name

OUTPUT_LIMIT = 20_000
"""Characters of a tool's output that a model reads; more is cut with a marker."""

_MAX_DEPTH = 12
_TRIES = 2  # more, to keep within a limit
_MARKER = 40  # characters of "… 4,711 more of 5,000 items"
_BUILT_IN: tuple[Any, ...] = (str, bytes, bytearray, list, tuple, set, frozenset, dict)
_CONTAINERS: tuple[Any, ...] = (dict, list, tuple, set, frozenset, deque, range)
_VIEWS = (KeysView, ValuesView, ItemsView)
_MAX_INT_BITS = 1_000  # longer ones are a security limit of Python's own int → str, and tell a model nothing


def cut(text: str, limit: int) -> str:
    """`text`, or its beginning and end around a marker that says how much is missing; at most ~`limit` characters."""
    if len(text) <= limit:
        return well_formed(text)
    room = max(limit - 60, 0)
    head, tail = room - room // 3, room // 3
    missing = len(text) - head - tail
    end = text[len(text) - tail :] if tail else ""
    return well_formed(f"{text[:head]}\n… [{missing:,} of {len(text):,} characters cut] …\n{end}")


def cut_line(text: str, limit: int) -> str:
    """`text` on one line, ended by "…" where it was longer than `limit`."""
    line = " ".join(text[: 4 * limit].split())
    return line if len(line) <= limit and len(text) <= 4 * limit else line[: limit - 1] + "…"


def well_formed(text: str) -> str:
    """`text` without lone surrogates, which no UTF-8 stream can carry."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def safe_repr(value: Any, limit: int = 1_000) -> str:
    """`repr(value)`, cut; never raises an ordinary exception. Built-in containers are walked, not repr'd whole."""
    return _Repr(limit).of(value) if _built_in(value) is not None else own_repr(value, limit)


def own_repr(value: Any, limit: int = 1_000) -> str:
    """What an object's own repr says, cut; never raises an ordinary exception."""
    try:
        text = str.__str__(repr(value))  # it may be of a subclass
    except Exception as error:
        return f"<{type_name(value)} whose repr raised {class_name(type(error))}>"
    return cut(text, limit)


def to_json(value: Any, limit: int = OUTPUT_LIMIT) -> Json:
    """`value` as JSON whose text has at most about `limit` characters; what is missing is named in place.

    What it gives must not be given to it again: a marker that says what is missing would count as an item.
    """
    result, room = Walk().value(value, limit, 0), limit
    for _ in range(_TRIES):
        size = len(result) if isinstance(result, str) else _size(result)
        if size <= limit:
            break
        room = room * limit * 9 // (size * 10)  # there were long names in small shares, or many of them
        result = Walk().value(value, room, 0)
    return result


def plain_items(value: Any) -> tuple[Iterable[Any], int]:
    """(items, or keys of a dict; their number) of a built-in container, by the built-in type's own methods, whatever a
    subclass makes of them."""
    kind = next(each for each in _CONTAINERS if is_a(value, each))
    return kind.__iter__(value), kind.__len__(value)


def json_text(value: Json) -> str:
    """Compact JSON text of a value made by `to_json`."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Walk:
    """One conversion; `_open` holds the ids of the containers being walked, to notice cycles."""

    def __init__(self) -> None:
        self._open: set[int] = set()

    def value(self, value: Any, limit: int, depth: int) -> Json:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, Enum):
            return self.value(value._value_, limit, depth)
        if isinstance(value, str):
            return cut(str(value), limit) if depth == 0 else _cut_to_json(str(value), limit)
        if isinstance(value, int):
            bits = int(value).bit_length()
            return int(value) if bits <= _MAX_INT_BITS else f"an integer of {bits:,} bits"
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else not_finite(float(value))
        if is_a(value, bytes, bytearray, memoryview):
            size = memoryview(value).nbytes
            return f"{size:,} bytes: {bytes(value[:40])!r}{'…' if size > 40 else ''}"
        known = _known_scalar(value)
        if known is not None:
            return cut(known, limit)
        return self.container(value, limit, depth)

    def container(self, value: Any, limit: int, depth: int) -> Json:
        from .ai_repr import ai_repr  # here, since they use this module
        from .lazy import words_for

        if id(value) in self._open:
            return f"<the same {class_name(type(value))} again>"
        if depth >= _MAX_DEPTH:
            return f"<{class_name(type(value))}, nested too deep>"
        self._open.add(id(value))
        try:
            if has(value, "_ai_repr_") and (described := ai_repr(value)) is not None:
                return self.value(described, limit, depth + 1)
            if (words := words_for(value)) is not None:
                return words
            plain = self.plain(value)
            if plain is None:
                return self.words(value, limit)
            if is_a(plain, dict) or isinstance(plain, Mapping):
                return self._mapping(cast("Mapping[Any, Any]", plain), limit, depth)
            if isinstance(plain, (str, int, float, bool)):
                return self.value(plain, limit, depth)
            return self._items(plain[0], plain[1], limit, depth)
        finally:
            self._open.discard(id(value))

    def plain(self, value: Any) -> Any:
        """A mapping, a scalar, or a pair (items, count) that stands for `value`; None where only its words do."""
        return _plain(value)

    def words(self, value: Any, limit: int) -> str:
        """Of what there is nothing else to say."""
        return safe_repr(value, limit)

    def name(self, key: Any) -> str:
        """A mapping's key as text."""
        return key if isinstance(key, str) else _key(key)

    def _mapping(self, items: Mapping[Any, Any], limit: int, depth: int) -> Json:
        result: dict[str, Json] = {}
        left, count = limit - 2, plain_items(items)[1] if is_a(items, dict) else len(items)
        # A copy of the first pairs, since another thread may add to the dict meanwhile. A pair takes ≥ 6 characters.
        for number, (key, item) in enumerate(_first_pairs(items, limit // 6 + 1)):
            if left <= max(_MARKER, limit // 100) and number < count - 1:  # half of it says nothing
                break
            name = self.name(key)
            name = cut_line(name, 200) if len(name) > 200 else well_formed(name)
            share = left if number == count - 1 else max(left // 2, 20)
            result[name] = self.value(item, share, depth + 1)
            left -= _size(name) + _size(result[name]) + 4
        if len(result) < count:
            result["…"] = f"{count - len(result):,} more of {count:,} keys"
        return result

    def _items(self, items: Iterable[Any], count: int, limit: int, depth: int) -> Json:
        result: list[Json] = []
        left = limit - 2
        for number, item in enumerate(itertools.islice(items, limit // 2 + 1)):
            if left <= max(_MARKER, limit // 100) and number < count - 1:
                break
            share = left if number == count - 1 else max(left // 2, 20)
            result.append(self.value(item, share, depth + 1))
            left -= _size(result[-1]) + 2
        if len(result) < count:
            result.append(f"… {count - len(result):,} more of {count:,} items")
        return result


def _size(value: Json) -> int:
    """Length of the JSON text of an already bounded value, spaced as a model reads it."""
    return len(json.dumps(value, ensure_ascii=False))


def _cut_to_json(text: str, limit: int) -> str:
    """`text` cut so that its JSON text, with all that is escaped in it, has about `limit` characters."""
    kept = cut(text, limit)
    size = _size(kept)
    return kept if size <= limit + 2 else cut(text, max(limit * limit // size, 20))


def not_finite(value: float) -> str:
    """JSON has no NaN; the word is what a model understands."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _known_scalar(value: Any) -> str | None:
    """Text of the standard library's scalars (dates, decimals, paths …), None for anything else."""
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        try:
            return value.isoformat()
        except Exception:  # pandas' NaT is a datetime without an isoformat of its own in some versions
            return str(value)
    if isinstance(value, (datetime.timedelta, PurePath, complex)):
        return str(value)
    if isinstance(value, BaseException):
        return safe_repr(value, 500)
    if isinstance(value, type):
        return f"<class {value.__module__}.{value.__qualname__}>"
    module = type(value).__module__
    if module in ("decimal", "fractions", "uuid", "ipaddress", "zoneinfo") or type(value).__name__ in (
        "NAType",
        "NaTType",
    ):
        return str(value)
    return None


def _plain(value: Any) -> Any:
    if is_a(value, dict):
        return value
    if is_a(value, tuple) and hasattr(class_of(value), "_fields"):
        return dict(zip(class_of(value)._fields, TUPLE.__iter__(value), strict=True))
    if is_a(value, *_CONTAINERS):
        return plain_items(value)
    if is_a(value, *_VIEWS):
        return (value, len(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name, None) for f in dataclasses.fields(value)}
    try:
        return _foreign(value)
    except Exception:
        return None


def _foreign(value: Any) -> Any:
    """As `_plain`, for numpy, pydantic, attrs, pandas and polars, recognised without importing any of them."""
    kind = class_of(value)
    if hasattr(kind, "__pydantic_fields__") or hasattr(kind, "model_fields"):
        return value.model_dump()
    if hasattr(kind, "__attrs_attrs__"):
        return {a.name: getattr(value, a.name, None) for a in kind.__attrs_attrs__}
    from .frames import is_frame, is_series, short_frame, short_series  # here, since frames uses this module

    if is_frame(value):
        return short_frame(value)
    if is_series(value):
        return short_series(value)
    if hasattr(kind, "dtype") and hasattr(kind, "ndim"):  # a numpy array or scalar, or something that behaves as one
        if value.ndim == 0:
            item = value.item()
            return item if isinstance(item, (str, int, float, bool)) else {"value": str(item)}
        return (iter(value[:OUTPUT_LIMIT]), len(value))
    if isinstance(value, Mapping):
        return cast("Any", value)
    return None


def _first_pairs(items: Mapping[Any, Any], count: int) -> list[tuple[Any, Any]]:
    for _ in range(3):
        try:
            plain = is_a(items, dict) and class_of(items) is not OrderedDict
            pairs = cast("Any", DICT.items(items) if plain else items.items())
            return list(itertools.islice(pairs, count))
        except RuntimeError:  # it changed size while we read
            continue
    return []


def _key(key: Any) -> str:
    if key is None or isinstance(key, (bool, int, float)):
        return str(key)
    return _known_scalar(key) or safe_repr(key, 200)


def _built_in(value: Any) -> type | None:
    """The built-in type whose own repr an object has (it may be of a subclass), None for all others."""
    for kind in _BUILT_IN:
        if isinstance(value, kind):
            return kind if class_of(value).__repr__ is kind.__repr__ else None
    return None


class _Repr:
    """`repr` of built-in containers that stops as soon as the text is long enough."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._limit = limit

    def of(self, value: Any, depth: int = 0) -> str:
        kind = _built_in(value)
        if kind in (str, bytes, bytearray):
            room = max(self._left, 20)
            text = repr(value[:room]) + (f"… ({len(value):,} in all)" if len(value) > room else "")
        elif kind is not None:
            return self._many(value, kind, depth)
        else:
            text = safe_repr(value, max(self._left, 20))
        self._left -= len(text) + 2
        return text

    def _many(self, value: Any, kind: type, depth: int) -> str:
        left, right = {list: "[]", tuple: "()"}.get(kind, "{}")
        if depth > 6:
            return f"{left}…{right}"
        parts: list[str] = []
        pairs = kind is dict
        for item in _first_pairs(value, self._limit) if pairs else itertools.islice(value, self._limit):
            if self._left <= 0:
                parts.append(f"… ({len(value):,} in all)")
                break
            parts.append(": ".join(self.of(x, depth + 1) for x in item) if pairs else self.of(item, depth + 1))
        if not value and kind in (set, frozenset):
            return f"{kind.__name__}()"
        comma = "," if kind is tuple and len(value) == 1 else ""
        return f"{left}{', '.join(parts)}{comma}{right}"


__all__ = [
    "OUTPUT_LIMIT",
    "Walk",
    "cut",
    "cut_line",
    "json_text",
    "not_finite",
    "own_repr",
    "plain_items",
    "safe_repr",
    "to_json",
    "well_formed",
]
