"""`df.price`, `cfg["a"][0]`: finding a value in a namespace without running any code of the user's objects."""

from __future__ import annotations

import ast
import difflib
import inspect
from collections import deque
from collections.abc import Iterable, Mapping
from types import GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any, cast

from ..errors import UsageError
from ..tools.frames import is_frame, is_series
from ..tools.jsonable import class_of, is_a

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
_MISSING = object()


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
    if is_frame(value) and name in list(value.columns):
        return value[name]
    if is_a(value, ModuleType):
        held = cast("dict[str, Any]", vars(value))
        found = held.get(name, _MISSING)
        names: Iterable[str] = held
    else:
        found = inspect.getattr_static(value, name, _MISSING)
        names = _static_names(value)
    if found is _MISSING:
        columns = [str(column) for column in value.columns] if is_frame(value) else []
        hint = suggestion(name, columns) or suggestion(name, names) or _listed("Its columns are", columns)
        raise UsageError(f"{text} has no attribute {name}.", hint=hint or f"dir({text}) lists what it has.")
    if isinstance(found, (MemberDescriptorType, GetSetDescriptorType)):  # slots and C fields: a plain read
        try:
            return found.__get__(value)
        except AttributeError:
            raise UsageError(f"{text}.{name} has no value yet.") from None
    if isinstance(found, (staticmethod, classmethod)):
        return cast("Any", found).__func__
    owner = type(value).__module__.partition(".")[0]
    if name in _CHEAP and owner in _LIBRARIES:
        return getattr(value, name)
    if hasattr(class_of(found), "__get__") and not inspect.isroutine(found) and not inspect.isclass(found):
        raise UsageError(f"{text}.{name} is computed when it is read.", hint="Use run_code to read it.")
    return found


def _item(value: Any, key: Any, text: str) -> Any:
    kind = class_of(value)
    try:
        for plain in _PLAIN:
            if is_a(value, plain):
                return plain.__getitem__(value, key)  # the built-in type's own, whatever a subclass does
        if is_frame(value):
            if is_a(key, slice) or key not in list(value.columns):
                raise KeyError(key)
            return value[key]
        if is_series(value) or (kind.__module__ == "numpy" and kind.__name__ == "ndarray"):
            return value[key]
    except (KeyError, IndexError, TypeError, ValueError):
        raise UsageError(f"{text} has no item {key!r}.", hint=_near_keys(value, key)) from None
    raise UsageError(f"{text} is a {kind.__name__}; reading an item may run its code.", hint="Use run_code to read it.")


def _near_keys(value: Any, key: Any) -> str:
    names = cast("Any", value if isinstance(value, dict) else value.columns if is_frame(value) else ())
    if isinstance(value, (list, tuple)):
        return f"It has {len(cast('list[Any]', value))} items."
    known = [str(name) for name in names]
    return suggestion(str(key), known) or _listed("It has", known)


def _static_names(value: Any) -> set[str]:
    names = set(own_attributes(value))
    for kind in type(value).__mro__:
        names.update(vars(kind))
    return {name for name in names if not name.startswith("_")}


def own_attributes(value: Any) -> Mapping[str, Any]:
    """What an object holds in its __dict__; {} where its class makes one up."""
    for kind in type(value).__mro__:
        found = vars(kind).get("__dict__")
        if found is not None:
            held = found.__get__(value) if isinstance(found, GetSetDescriptorType) else None
            return cast("Mapping[str, Any]", held) if isinstance(held, Mapping) else {}
    return {}


def members(value: Any) -> list[tuple[str, str]]:
    """(name, "column" or "attribute") of what `resolve` finds behind a dot, without properties; names of libraries'
    methods are left out."""
    if is_frame(value):
        names = [name for name in list(value.columns) if isinstance(name, str) and name.isidentifier()]
        return [*((name, "column") for name in names), *((name, "attribute") for name in _cheap(value))]
    if is_a(value, ModuleType):
        return [(name, "attribute") for name in sorted(cast("dict[str, Any]", vars(value))) if not name.startswith("_")]
    held = [name for name in list(own_attributes(value)) if not name.startswith("_")]
    if class_of(value).__module__.partition(".")[0] in _LIBRARIES:
        return [(name, "attribute") for name in _cheap(value)]
    classes = [kind for kind in type(value).__mro__ if kind is not object]
    shared = [name for kind in classes for name, found in list(vars(kind).items()) if _is_plain(name, found)]
    return [(name, "attribute") for name in dict.fromkeys([*held, *shared])]


def _cheap(value: Any) -> list[str]:
    return sorted(name for name in _CHEAP if inspect.getattr_static(value, name, _MISSING) is not _MISSING)


def _is_plain(name: str, found: Any) -> bool:
    """Whether reading a class's attribute from an instance computes nothing."""
    if name.startswith("_"):
        return False
    if isinstance(found, (MemberDescriptorType, GetSetDescriptorType, staticmethod, classmethod)):
        return True
    return inspect.isroutine(found) or inspect.isclass(found) or not hasattr(class_of(found), "__get__")


def text_keys(value: Any) -> Iterable[str]:
    """The keys of a dict, or the columns of a table, that are text."""
    names: Any = value.columns if is_frame(value) else ()
    if is_a(value, dict):
        plain: type[Any] = dict
        names = plain.keys(value)
    return (name for name in list(names) if isinstance(name, str))


def _listed(beginning: str, names: list[str]) -> str:
    """The first names of some, or "" where there are none."""
    more = ", …" if len(names) > _LISTED else ""
    return f"{beginning} {', '.join(names[:_LISTED])}{more}." if names else ""


_LISTED = 8


def public_names(namespace: Mapping[str, Any]) -> list[str]:
    return [name for name in list(namespace) if not name.startswith("_")]


def suggestion(name: str, names: Iterable[Any], mark: str = "") -> str:
    """ "Did you mean a or b?", or "" where nothing is near."""
    candidates = [n for n in list(names) if isinstance(n, str)]
    near = difflib.get_close_matches(name, candidates[:5_000], n=3, cutoff=0.6)
    lowered = [n for n in candidates if n.lower() == name.lower() and n not in near]
    found = [f"{mark}{n}" for n in [*lowered, *near][:3]]
    return f"Did you mean {' or '.join(found)}?" if found else ""


__all__ = ["members", "own_attributes", "public_names", "resolve", "suggestion", "text_keys"]
