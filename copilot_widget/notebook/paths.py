"""`df.price`, `cfg["a"][0]`: finding a value in a namespace without running any code of the user's objects."""

from __future__ import annotations

import ast
import difflib
from collections import deque
from collections.abc import Iterable, Mapping
from types import GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any, cast

from ..errors import UsageError
from ..tools.frames import is_frame, is_series, plain_table
from ..tools.kinds import (
    DICT,
    MISSING,
    ROUTINES,
    TUPLE,
    as_text,
    dict_of,
    has,
    is_a,
    library_of,
    mro_of,
    own_attributes,
    static,
    type_name,
)
from ..tools.stored import is_array, is_plain, plain_array

_CHEAP = {
    "index",
    "columns",
    "dtypes",
    "dtype",
    "shape",
    "size",
    "ndim",
    "name",
    "names",
    "nbytes",
    "schema",
    "width",
    "height",
}
"""Properties of tables and arrays that only tell what is stored."""
_LIBRARIES = ("pandas", "numpy", "polars")
_PLAIN: tuple[Any, ...] = (dict, list, tuple, str, bytes, range, deque)
_MOST_LABELS = 100_000  # of a Series, that are looked through


def resolve(path: str, namespace: Mapping[str, Any]) -> Any:
    """The value at `path`. Raises UsageError that says which part is missing and what is near.

    Attributes are looked up statically, so that no property or __getattr__ runs; items only in built-in containers,
    tables and arrays.
    """
    try:
        tree = ast.parse(path.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        raise UsageError(
            f"{path!r} is not a variable, an attribute or an item.", hint='Write a, a.b or a["key"].'
        ) from None
    return _resolve(tree, namespace)


def _resolve(node: ast.expr, namespace: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        if node.id in namespace:
            return namespace[node.id]
        raise UsageError(f"There is no variable {node.id}.", hint=suggestion(node.id, public_names(namespace)))
    if isinstance(node, ast.Attribute):
        return _attribute(_resolve(node.value, namespace), node.attr, ast.unparse(node.value))
    if isinstance(node, ast.Subscript):
        try:
            key = _key(node.slice)
        except (ValueError, TypeError, SyntaxError):
            raise UsageError(f"{ast.unparse(node)}: only a constant can stand in the brackets.") from None
        return _item(_resolve(node.value, namespace), key, ast.unparse(node.value))
    raise UsageError(
        f"{ast.unparse(node)} is not a variable, an attribute or an item.", hint="Use run_code to compute it."
    )


def _key(node: ast.expr) -> Any:
    if isinstance(node, ast.Slice):
        return slice(
            *(None if part is None else ast.literal_eval(part) for part in (node.lower, node.upper, node.step))
        )
    return ast.literal_eval(node)


def _attribute(value: Any, name: str, text: str) -> Any:
    if is_frame(value) and (column := _column(value, name)) is not None:
        return column
    if is_a(value, ModuleType):
        held = own_attributes(value)
        found = held.get(name, MISSING)
        names: Iterable[Any] = held
    else:
        found = static(value, name)
        names = _static_names(value)
    if found is MISSING:
        columns = list(text_keys(value)) if is_frame(value) else []
        hint = suggestion(name, columns) or suggestion(name, names) or _listed("Its columns are", columns)
        raise UsageError(f"{text} has no attribute {name}.", hint=hint or f"dir({text}) lists what it has.")
    if is_a(found, MemberDescriptorType, GetSetDescriptorType):  # slots and C fields: a plain read
        try:
            return found.__get__(value)
        except AttributeError:
            raise UsageError(f"{text}.{name} has no value yet.") from None
    if is_a(found, staticmethod, classmethod):
        return found.__func__
    if name in _CHEAP and library_of(value) in _LIBRARIES:
        return getattr(value, name)
    if has(found, "__get__") and not is_a(found, *ROUTINES, type):
        raise UsageError(f"{text}.{name} is computed when it is read.", hint="Use run_code to read it.")
    return found


def _item(value: Any, key: Any, text: str) -> Any:
    try:
        if is_a(value, dict):  # its own get: what is missing must not be made up by __missing__, and kept
            if (found := DICT.get(value, key, MISSING)) is MISSING:
                raise KeyError(key)
            return found
        for plain in _PLAIN:
            if is_a(value, plain):
                return plain.__getitem__(value, key)  # the built-in type's own, whatever a subclass does
        if is_frame(value):
            if (column := _column(value, key)) is None:
                raise KeyError(key)
            return column
        if is_series(value) and _is_quick(plain_table(value)):
            return plain_table(value)[key]
        if is_array(value):
            return plain_array(value)[key]
    except (KeyError, IndexError, TypeError, ValueError):
        raise UsageError(f"{text} has no item {key!r}.", hint=_near_keys(value, key)) from None
    raise UsageError(
        f"{text} is a {type_name(value)}; reading an item may run its code.", hint="Use run_code to read it."
    )


def _column(value: Any, key: Any) -> Any:
    """A column of a frame, None where there is none. Labels that are objects of the user's are not compared."""
    if is_a(key, slice):
        return None
    frame = plain_table(value)
    places = [place for place, label in enumerate(frame.columns) if _is_comparable(label) and label == key]
    if not places:
        return None
    if not hasattr(frame, "iloc"):
        return frame.to_series(places[0])
    return frame.iloc[:, places[0] if len(places) == 1 else places]


def _is_comparable(label: Any) -> bool:
    return is_plain(type(label)) or (type(label) is tuple and all(map(_is_comparable, TUPLE.__iter__(label))))


def _is_quick(series: Any) -> bool:
    """Whether an item is found without looking through many labels, or through such as the user's code compares."""
    index = getattr(series, "index", None)
    if index is None or type_name(index) == "RangeIndex":
        return True
    return len(index) <= _MOST_LABELS and all(map(_is_comparable, index.tolist()))


def _near_keys(value: Any, key: Any) -> str:
    if is_a(value, list, tuple):
        return f"It has {cast('Any', list if is_a(value, list) else tuple).__len__(value)} items."
    known = list(text_keys(value))
    return suggestion(str(key), known) or _listed("It has", known)


def _static_names(value: Any) -> list[str]:
    names = [name for kind in mro_of(type(value)) for name in dict_of(kind)]
    return [name for name in dict.fromkeys([*own_attributes(value), *names]) if type(name) is str and name[:1] != "_"]


def members(value: Any) -> list[tuple[str, str]]:
    """(name, "column" or "attribute") of what `resolve` finds behind a dot, without properties; names of libraries'
    methods are left out."""
    if is_frame(value):
        names = [name for name in text_keys(value) if name.isidentifier()]
        return [*((name, "column") for name in names), *((name, "attribute") for name in _cheap(value))]
    held = [name for name in list(own_attributes(value)) if type(name) is str and not name.startswith("_")]
    if is_a(value, ModuleType):
        return [(name, "attribute") for name in sorted(held)]
    if library_of(value) in _LIBRARIES:
        return [(name, "attribute") for name in _cheap(value)]
    classes = [kind for kind in mro_of(type(value)) if kind is not object]
    shared = [name for kind in classes for name, found in list(dict_of(kind).items()) if _is_plain(name, found)]
    return [(name, "attribute") for name in dict.fromkeys([*held, *shared])]


def _cheap(value: Any) -> list[str]:
    return sorted(name for name in _CHEAP if static(value, name) is not MISSING)


def _is_plain(name: str, found: Any) -> bool:
    """Whether reading a class's attribute from an instance computes nothing."""
    if name.startswith("_"):
        return False
    if is_a(found, MemberDescriptorType, GetSetDescriptorType, staticmethod, classmethod, *ROUTINES, type):
        return True
    return not has(found, "__get__")


def text_keys(value: Any) -> Iterable[str]:
    """The keys of a dict, or the columns of a table, that are text."""
    names: Any = plain_table(value).columns if is_frame(value) else ()
    if is_a(value, dict):
        names = DICT.keys(value)
    return (text for name in list(names) if (text := as_text(name)) is not None)


def _listed(beginning: str, names: list[str]) -> str:
    """The first names of some, or "" where there are none."""
    more = ", …" if len(names) > _LISTED else ""
    return f"{beginning} {', '.join(names[:_LISTED])}{more}." if names else ""


_LISTED = 8


def public_names(namespace: Mapping[str, Any]) -> list[str]:
    return [name for name in list(namespace) if type(name) is str and not name.startswith("_")]


def suggestion(name: str, names: Iterable[Any], mark: str = "") -> str:
    """ "Did you mean a or b?", or "" where nothing is near."""
    candidates = [n for n in list(names) if type(n) is str]
    near = difflib.get_close_matches(name, candidates[:5_000], n=3, cutoff=0.6)
    lowered = [n for n in candidates if n.lower() == name.lower() and n not in near]
    found = [f"{mark}{n}" for n in [*lowered, *near][:3]]
    return f"Did you mean {' or '.join(found)}?" if found else ""


__all__ = ["members", "public_names", "resolve", "suggestion", "text_keys"]
