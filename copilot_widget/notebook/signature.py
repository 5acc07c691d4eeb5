"""A function's signature as it is written down. Defaults and annotations may be any objects: they are named by `words`,
since their own `repr` would run."""

from __future__ import annotations

import inspect
import sys
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, cast

from ..tools.jsonable import cut_line
from ..tools.kinds import MISSING, as_text, defined, is_a, module_of
from ..tools.stored import words

_UNKNOWN = "(…)"
_WRAPPED = 20  # decorators, one around the other


def signature(value: Any) -> str:
    """Of a function, a method or a class that is written in Python, or of a built-in; "(…)" where it is not known."""
    try:
        found = _of(value)
        return _UNKNOWN if found is None else cut_line(str(_in_words(found)), 200)
    except (TypeError, ValueError, AttributeError):
        return _UNKNOWN


def init_parameters(kind: Any) -> list[str]:
    """The names that a class's `__init__` takes, [] where that is not written in Python."""
    found = defined(kind, "__init__")
    code = found.__code__ if type(found) is FunctionType else None
    return list(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]) if code is not None else []


def _of(value: Any) -> inspect.Signature | None:
    if is_a(value, type):
        made = (defined(value, name) for name in ("__init__", "__new__"))
        return next((_without_first(_of(each)) for each in made if type(each) is FunctionType), None)
    if type(value) is MethodType:
        return _without_first(_of(value.__func__))
    for _ in range(_WRAPPED):
        if type(value) is not FunctionType:
            break
        inner = value.__dict__.get("__wrapped__", MISSING)
        if inner is MISSING:
            break
        value = inner
    if type(value) is FunctionType:
        given = value.__dict__.get("__signature__", MISSING)
        if given is not MISSING:
            return given if type(given) is inspect.Signature else None
    elif type(value) is not BuiltinFunctionType:
        return None
    options: Any = {"follow_wrapped": False}
    if sys.version_info >= (3, 14):  # annotations are computed there when they are asked for
        options["annotation_format"] = cast("Any", sys.modules["annotationlib"]).Format.STRING
    return inspect.signature(value, **options)


def _without_first(found: inspect.Signature | None) -> inspect.Signature | None:
    if found is None:
        return None
    names = [*found.parameters.values()]
    if not names or names[0].kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
        return found
    return found.replace(parameters=names[1:])


class _Words:
    """Stands for an object in a signature, and shows as text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _in_words(found: inspect.Signature) -> inspect.Signature:
    told = [
        each.replace(
            default=each.default if each.default is each.empty else _Words(words(each.default, 60)),
            annotation=_annotation(each.annotation),
        )
        for each in found.parameters.values()
    ]
    return found.replace(parameters=told, return_annotation=_annotation(found.return_annotation))


def _annotation(value: Any) -> Any:
    if value is inspect.Signature.empty or _is_written(value, 0):
        return value
    return _Words(repr(as_text(value)) if is_a(value, str) else words(value))


def _is_written(value: Any, depth: int) -> bool:
    """Whether it is made of classes and of what `typing` has: these tell what they are without code of the user's."""
    if value is None or value is Ellipsis or type(value) is type:
        return True
    if module_of(type(value)) not in ("typing", "types") or depth > 5 or hasattr(value, "__metadata__"):
        return False
    inner = getattr(value, "__args__", ())
    return type(inner) is tuple and all(_is_written(each, depth + 1) for each in cast("tuple[Any, ...]", inner))


__all__ = ["init_parameters", "signature"]
