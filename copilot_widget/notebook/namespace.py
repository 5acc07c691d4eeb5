"""What code has made of the user's variables, told by names and summaries: no code of the objects runs for it."""

from __future__ import annotations

from collections.abc import Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from ..models.base import Json
from ..tools.frames import is_frame, is_series
from ..tools.jsonable import cut_line
from ..tools.kinds import class_of, is_a, type_name
from ..tools.stored import is_array
from .describe import summary, summary_of, user_variables

_MODULE: Any = type.__dict__["__module__"]  # read so, a class's own code has no say
_MAX_NAMES = 20  # of each kind
_PLAIN: tuple[Any, ...] = (type(None), bool, int, float, complex, str, bytes)
_HOLDING: tuple[Any, ...] = (list, dict, set, bytearray)
_SHORT = 50  # characters of a text that its summary shows whole


class Variables:
    """The user's variables as they are now. Holds none of their objects, which may be large, but short plain values."""

    def __init__(self, namespace: Mapping[str, Any], hidden: Mapping[str, Any]) -> None:
        self._hidden = hidden
        self._marks = {name: _mark(value) for name, value in _public(namespace, hidden).items()}

    def changes(self, namespace: Mapping[str, Any]) -> dict[str, Json]:
        """`created` and `changed`, each with a summary by name, and the names that were `deleted`; empty ones are left
        out. A change within an object is told where its summary shows it, and not claimed where that does not."""
        now = _public(namespace, self._hidden)
        created = {name: value for name, value in now.items() if name not in self._marks}
        changed = {
            name: value for name, value in now.items() if name in self._marks and _mark(value) != self._marks[name]
        }
        deleted = [name for name in self._marks if name not in now and name not in namespace]
        told = {"created": _words(created), "changed": _words(changed), "deleted": _names(deleted)}
        return {kind: words for kind, words in told.items() if words}


def _public(namespace: Mapping[str, Any], hidden: Mapping[str, Any]) -> dict[str, Any]:
    found = user_variables(namespace, hidden)
    return {name: value for name, value in found.items() if not _is_imported(value)}


def _is_imported(value: Any) -> bool:
    """Modules, and functions and classes that others have written: the code itself says that it imports them."""
    if is_a(value, type):
        return _MODULE.__get__(value) != "__main__"
    is_function = type(value) is FunctionType
    return is_a(value, ModuleType, BuiltinFunctionType) or (is_function and value.__module__ not in ("__main__", None))


def _mark(value: Any) -> tuple[Any, ...]:
    """What differs when a variable has changed: a plain value, or which object it is and what its summary says."""
    kind = class_of(value)
    if _is_plain(value) and (not is_a(value, str, bytes) or len(value) <= _SHORT):
        return (id(kind), repr(value) if is_a(value, float, complex) else value)  # NaN differs from itself
    holds = any(kind is each for each in _HOLDING) or is_frame(value) or is_series(value) or is_array(value)
    return (id(kind), id(value), summary(value) if holds else "")


def _is_plain(value: Any) -> bool:
    """By identity: to compare classes may run a metaclass's code."""
    kind = class_of(value)
    return any(kind is each for each in _PLAIN)


def _words(values: Mapping[str, Any]) -> dict[str, Json]:
    names = list(values)
    told: dict[str, Json] = {cut_line(name, 80): _about(name, values[name]) for name in names[:_MAX_NAMES]}
    if len(names) > _MAX_NAMES:
        told["…"] = f"{len(names) - _MAX_NAMES:,} more of {len(names):,} names"
    return told


def _names(names: list[str]) -> list[Json]:
    more = [f"… {len(names) - _MAX_NAMES:,} more of {len(names):,} names"] if len(names) > _MAX_NAMES else []
    return [*(cut_line(name, 80) for name in names[:_MAX_NAMES]), *more]


def _about(name: str, value: Any) -> str:
    words = summary_of(name, value)
    return words if _is_plain(value) else f"{type_name(value)}: {words}"


__all__ = ["Variables"]
