"""Values as they are stored, in words and as JSON: for looking at what is the user's, which must compute nothing.

`words` runs no code of any object, so it may be asked anywhere. `stored_json` and `label` run no more of an object than
`_ai_repr_` and `repr`, so their caller gives them a thread and a time limit.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import itertools
import math
import sys
from collections import OrderedDict, deque
from enum import Enum
from typing import Any

from ..models.base import Json
from .frames import is_frame, is_series, plain_table, short_frame, short_series
from .jsonable import OUTPUT_LIMIT, Walk, cut, cut_line, not_finite, own_repr, plain_items
from .kinds import (
    DICT,
    MISSING,
    TUPLE,
    as_text,
    defined,
    full_name,
    has,
    is_a,
    library_of,
    module_of,
    own_attributes,
    qualified_name,
    stored,
    type_name,
)

_EXACT = frozenset({bool, int, float, complex, str, bytes, bytearray})
_PLAIN: tuple[tuple[Any, Any], ...] = ((int, int.__int__), (float, float.__float__), (complex, complex.__pos__))
_BINARY: tuple[Any, ...] = (bytes, bytearray)
_CONTAINERS: tuple[Any, ...] = (list, tuple, set, frozenset, dict, deque)
_STANDARD = frozenset({"datetime", "decimal", "fractions", "uuid", "ipaddress", "zoneinfo", "pathlib"})
_PANDAS = frozenset({"Timestamp", "Timedelta", "Period", "Interval", "NaTType", "NAType"})
_ZONES = frozenset({"datetime", "zoneinfo", "pytz", "dateutil", "pandas"})
_LONGEST_INT = 1_000  # bits
_KEYS = 10_000
_DEPTH = 3
_MOST_ENUMS = 12  # one within the other


def plain(value: Any) -> Any:
    """A number or a text, also of a subclass, as one of the built-in type; MISSING for anything else."""
    if type(value) in _EXACT:
        return value
    for kind, same in _PLAIN:
        if is_a(value, kind):
            return same(value)
    if is_a(value, str):
        return str.__str__(value)
    for kind in _BINARY:
        if is_a(value, kind):
            return kind.__getitem__(value, slice(None))
    return MISSING


def words(value: Any, limit: int = 30) -> str:
    """A value in some `limit` characters: numbers, texts and what the standard library has of the like; of anything
    else its type."""
    return cut_line(_words(value, limit, 0), limit + 30)


def _words(value: Any, limit: int, depth: int) -> str:
    if value is None:
        return "None"
    if is_a(value, Enum):
        return f"{type_name(value)}.{as_text(own_attributes(value).get('_name_'))}"
    same = plain(value)
    if is_a(same, int) and same.bit_length() > 300:
        return f"{same.bit_length():,} bits"
    if is_a(same, str, *_BINARY):
        return repr(same[:limit]) + (f"… ({len(same):,} in all)" if len(same) > limit else "")
    if same is not MISSING:
        return repr(same)
    if is_a(value, tuple) and depth < _DEPTH:
        items, count = plain_items(value)
        inner = [_words(item, limit, depth + 1) for item in itertools.islice(items, 4)]
        return f"({', '.join(inner)}{', …' if count > 4 else ',' if count == 1 else ''})"
    return standard_text(value) or type_name(value)


def standard_text(value: Any) -> str | None:
    """A date, a decimal, a path, an exception, a class as text; None for anything else. Runs no code of the user's."""
    if is_a(value, type):
        return f"<class {full_name(value)}>"
    if is_a(value, BaseException):
        given = BaseException.__dict__["args"].__get__(value)
        return f"{type_name(value)}({', '.join(words(each, 200) for each in given[:3])})"
    if _is_standard(type(value)):
        return _time(value) if is_a(value, datetime.datetime, datetime.time) else str(value)
    if is_a(value, datetime.datetime, datetime.time):
        return _time(value)
    for kind, as_it_is in _BASES:
        if is_a(value, kind):
            return as_it_is(value)
    return str(value) if _is_of_numpy(type(value)) else None


def is_plain(kind: Any) -> bool:
    """Whether comparing objects of a type runs no code of the user's: numbers, texts, dates and the like."""
    return kind in _EXACT or kind is type(None) or _is_standard(kind) or _is_of_numpy(kind)


def _is_standard(kind: Any) -> bool:
    library = module_of(kind).partition(".")[0]
    return (library in _STANDARD or (library == "pandas" and qualified_name(kind) in _PANDAS)) and _is_real(kind)


def _is_of_numpy(kind: Any) -> bool:
    """A number, a time or a text of numpy's."""
    library: Any = sys.modules.get("numpy")
    return library is not None and issubclass(kind, library.generic) and kind is not library.void and _is_real(kind)


_BASES: tuple[tuple[Any, Any], ...] = (
    (datetime.date, datetime.date.isoformat),
    (datetime.timedelta, datetime.timedelta.__str__),
    (decimal.Decimal, decimal.Decimal.__str__),
)


def _time(value: Any) -> str:
    """A datetime or a time; without its offset, where that is worked out by a class of the user's."""
    kind: Any = datetime.datetime if is_a(value, datetime.datetime) else datetime.time
    zone = kind.tzinfo.__get__(value)
    if zone is None or library_of(zone) in _ZONES:
        return value.isoformat() if library_of(value) == "pandas" and _is_real(type(value)) else kind.isoformat(value)
    if kind is datetime.time:
        return type_name(value)
    naive = datetime.datetime.combine(kind.date(value), kind.time(value))
    return f"{naive.isoformat()} in {type_name(zone)}"


def _is_real(kind: Any) -> bool:
    """Whether a class is what its module has by its name, and none that only says so."""
    module = sys.modules.get(module_of(kind))
    return module is not None and vars(module).get(qualified_name(kind)) is kind


def label(value: Any) -> str:
    """A key, or the name of a column, as text. May call its `repr`."""
    text = as_text(value)
    if text is not None:
        return text
    same = plain(value)
    if value is None or is_a(same, int, float):
        return str(same) if value is not None else "None"
    return standard_text(value) or stored_repr(value, 200)


def stored_repr(value: Any, limit: int) -> str:
    """A value's own repr; of tuples and the like that of what they hold."""
    if is_a(value, tuple):
        items, count = plain_items(value)
        inner = [_inner(item, limit) for item in itertools.islice(items, limit)]
        return cut(f"({', '.join(inner)}{',' if count == 1 else ''})", limit)
    if value is None or is_a(value, Enum) or plain(value) is not MISSING:
        return words(value, limit)
    return own_repr(value, limit)


def _inner(value: Any, limit: int) -> str:
    return standard_text(value) or stored_repr(value, limit)


def field_names(kind: Any) -> list[str] | None:
    """The fields of a dataclass, a pydantic or an attrs class; None of any other."""
    found = defined(kind, "__dataclass_fields__")
    if is_a(found, dict):
        own = [(name, each) for name, each in DICT.items(found) if is_a(each, dataclasses.Field)]
        return [name for name, each in own if repr(stored(each, "_field_type")) == "_FIELD"]
    found = defined(kind, "__pydantic_fields__")
    if is_a(found, dict):
        return [name for name in DICT.keys(found) if type(name) is str]
    found = defined(kind, "__attrs_attrs__")
    if is_a(found, tuple):
        return [name for each in TUPLE.__iter__(found) if (name := as_text(stored(each, "name"))) is not None]
    return None


def fields_of(value: Any) -> dict[str, Any] | None:
    """What is stored for the fields of a dataclass, a pydantic, an attrs object or a named tuple."""
    if is_a(value, type):
        return None
    if is_a(value, tuple):
        names = defined(type(value), "_fields")
        texts: list[Any] = [name for name in TUPLE.__iter__(names) if type(name) is str] if is_a(names, tuple) else []
        held: list[Any] = list(TUPLE.__iter__(value))
        return dict(zip(texts, held, strict=True)) if texts and len(texts) == len(held) else None
    names = field_names(type(value))
    if names is None:
        return None
    read = {name: stored(value, name) for name in names}
    return {name: "(not stored)" if found is MISSING else found for name, found in read.items()}


def stored_json(value: Any, limit: int = OUTPUT_LIMIT) -> Json:
    """`value` as JSON of at most about `limit` characters, as `to_json` makes it, but of what is stored: no property,
    no conversion and no item of a class's own is asked for. May call `_ai_repr_` and `repr`."""
    return _Look().value(value, limit, 0)


class _Look(Walk):
    """The walk over what is stored."""

    def value(self, value: Any, limit: int, depth: int) -> Json:
        if value is None or type(value) is bool:
            return value
        if type(value) not in _EXACT and has(value, "_ai_repr_"):
            return self.container(value, limit, depth)
        if is_a(value, Enum) and depth <= _MOST_ENUMS:
            return self.value(own_attributes(value).get("_value_"), limit, depth + 1)
        same = plain(value)
        if is_a(same, str):
            return cut(same, limit)
        if is_a(same, int):
            bits = same.bit_length()
            return same if bits <= _LONGEST_INT else f"an integer of {bits:,} bits"
        if is_a(same, float):
            return same if math.isfinite(same) else not_finite(same)
        if is_a(same, bytes, bytearray):
            return f"{len(same):,} bytes: {bytes(same[:40])!r}{'…' if len(same) > 40 else ''}"
        if same is not MISSING:
            return str(same)
        if _is_of_numpy(type(value)):
            item = value.item()
            return self.value(item, limit, depth) if plain(item) is not MISSING else str(value)
        known = standard_text(value)
        return cut(known, limit) if known is not None else self.container(value, limit, depth)

    def plain(self, value: Any) -> Any:
        fields = fields_of(value)
        if fields is not None:
            return fields
        if is_a(value, dict):
            return _in_order(value)
        if is_a(value, *_CONTAINERS) or type(value) is range:
            return plain_items(value)
        if is_frame(value):
            return short_frame(plain_table(value))
        if is_series(value):
            return short_series(plain_table(value))
        if is_array(value):
            array = plain_array(value)
            array = array if array.ndim else array.reshape(1)
            return (iter(array[:OUTPUT_LIMIT]), len(array))
        return None

    def words(self, value: Any, limit: int) -> str:
        return own_repr(value, limit)

    def name(self, key: Any) -> str:
        return label(key)


def is_array(value: Any) -> bool:
    library = sys.modules.get("numpy")
    return library is not None and is_a(value, library.ndarray)


def plain_array(value: Any) -> Any:
    """A numpy array; of a class that is not numpy's, as one of numpy's own class, sharing its data."""
    own: Any = vars(sys.modules["numpy"])["ndarray"]
    return value if library_of(value) == "numpy" and _is_real(type(value)) else own.view(value, own)


def _in_order(value: Any) -> Any:
    """An OrderedDict as its order says, if its keys are such that asking for it runs no code of theirs."""
    if is_a(value, OrderedDict):
        ordered: Any = OrderedDict
        if DICT.__len__(value) <= _KEYS and all(type(key) in _EXACT for key in DICT.__iter__(value)):
            return {key: DICT.__getitem__(value, key) for key in ordered.__iter__(value)}
        return DICT.copy(value)
    return value


__all__ = [
    "field_names",
    "fields_of",
    "is_array",
    "is_plain",
    "label",
    "plain",
    "plain_array",
    "standard_text",
    "stored_json",
    "stored_repr",
    "words",
]
