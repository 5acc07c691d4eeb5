"""Variables in words: one line each for a list, one JSON object for a closer look.

`summary` runs no code of the user's objects and is quick for thousands; `describe` may call `_ai_repr_` or `repr`, so
its caller gives it a thread and a time limit. Both read the objects where they are and copy nothing large.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping
from enum import EnumMeta
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, cast

from ..errors import one_line, redact
from ..models.base import Json
from ..tools.frames import is_frame, is_series
from ..tools.jsonable import class_of, cut, cut_line, is_a, plain_items, safe_repr, to_json
from ..tools.lazy import words_for
from ..tools.result import ai_repr, figure_of, figure_words
from ..tools.sensitive import HIDDEN, is_secret_name, without_secret_values
from .describe_object import describe_special
from .describe_table import describe_array, describe_frame, describe_series
from .paths import own_attributes

VALUE_LIMIT = 4_000
"""Characters of a plain value, and of a source text."""
_LINE = 80
_OF_IPYTHON = {"In", "Out", "exit", "quit", "open", "get_ipython"}
_FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType)


def type_name(value: Any) -> str:
    """The type's name, without its module."""
    return class_of(value).__qualname__


def user_variables(namespace: Mapping[str, Any], hidden: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The user's own names, in the order of their definition: not IPython's, not private ones."""
    hidden = hidden or {}
    result: dict[str, Any] = {}
    for name, value in _items(namespace):
        if name.startswith("_") or name in _OF_IPYTHON:
            continue
        if name in hidden and hidden[name] is value:
            continue
        result[name] = value
    return result


def _items(namespace: Mapping[str, Any]) -> list[tuple[str, Any]]:
    for _ in range(5):
        try:
            return list(namespace.items())
        except RuntimeError:  # a running cell defined a name meanwhile
            continue
    return [(name, namespace[name]) for name in list(namespace) if name in namespace]


def list_variables(namespace: Mapping[str, Any], hidden: Mapping[str, Any] | None = None) -> list[dict[str, Json]]:
    """{name, type, summary} of each variable; modules share one entry."""
    variables = user_variables(namespace, hidden)
    modules = {name: value for name, value in variables.items() if is_a(value, ModuleType)}
    result = [
        {"name": name, "type": type_name(value), "summary": summary_of(name, value)}
        for name, value in variables.items()
        if name not in modules
    ]
    if modules:
        named = [name if m.__name__ == name else f"{name} = {m.__name__}" for name, m in modules.items()]
        result.append({"name": ", ".join(modules), "type": "module", "summary": "imported: " + ", ".join(named)})
    return result


def summary(value: Any) -> str:
    """One short line; reads sizes and plain values only."""
    try:
        return cut_line(_summary(value), _LINE)
    except Exception as error:  # an object that lies about its type
        return f"could not be read ({type(error).__name__})"


def summary_of(name: str, value: Any) -> str:
    """`summary` of a variable, without what its name or its text says is a secret."""
    if is_secret_name(name) and is_a(value, str, bytes, bytearray):
        return HIDDEN
    return redact(summary(value))


def _summary(value: Any) -> str:
    if value is None or is_a(value, bool, int, float, complex, str, bytes):
        return _plain_summary(value)
    if is_a(value, list, tuple, set, frozenset, dict):
        return _container_summary(value)
    if is_frame(value):
        names = ", ".join(str(name) for name in list(value.columns)[:8])
        return f"{value.shape[0]:,} × {value.shape[1]}: {names}{', …' if value.shape[1] > 8 else ''}"
    if is_series(value):
        return f"{len(value):,} × {value.dtype}" + (f", {value.name}" if value.name is not None else "")
    if _is_array(value):
        return f"{' × '.join(f'{n:,}' for n in value.shape) or 'scalar'}, {value.dtype}"
    if is_a(value, *_FUNCTIONS):
        return f"{value.__name__}{_signature(value)}"
    if is_a(value, type):
        return f"class {value.__name__}({', '.join(base.__name__ for base in value.__bases__ if base is not object)})"
    return _object_summary(value)


def _plain_summary(value: Any) -> str:
    if isinstance(value, (str, bytes)):
        return repr(value[:50]) + (f" ({len(value):,} long)" if len(value) > 50 else "")
    if isinstance(value, int) and value.bit_length() > 300:
        return f"{value.bit_length():,} bits"
    return repr(value) if class_of(value).__module__ == "builtins" else str(value)


def _object_summary(value: Any) -> str:
    kind = class_of(value)
    if kind.__module__.partition(".")[0] == "numpy" and hasattr(kind, "dtype"):  # a scalar
        return str(value)
    if is_a(value, BaseException):
        return one_line(value, limit=_LINE)
    if (words := words_for(value)) is not None:
        return words.strip("<>")
    figure = figure_of(value)
    return f"figure with {len(figure.axes)} axes" if figure is not None else f"{kind.__module__}.{kind.__qualname__}"


def _container_summary(value: Any) -> str:
    pairs = is_a(value, dict)
    items, length = plain_items(value)
    count = f"{length:,} {'key' if pairs else 'item'}{'' if length == 1 else 's'}"
    if not length:
        return "empty"
    try:
        first = list(_first(items, 4))
    except RuntimeError:
        return count
    if pairs:
        words = [
            safe_repr(key, 30) if isinstance(key, (str, int, float, tuple)) else type(key).__name__ for key in first
        ]
    elif all(isinstance(item, (int, float, str, bool, type(None))) for item in first):
        words = [safe_repr(item, 30) for item in first]
    else:
        words = list(dict.fromkeys(type(item).__name__ for item in first))
    return f"{count}: {', '.join(words)}{', …' if length > 4 else ''}"


def _first(items: Any, count: int) -> list[Any]:
    result: list[Any] = []
    for item in items:
        if len(result) == count:
            break
        result.append(item)
    return result


# ---- a closer look -------------------------------------------------------------------------------------


def describe(name: str, value: Any) -> dict[str, Json]:
    """What a model needs to work with a value, as a JSON object that begins with name and type."""
    result: dict[str, Json] = {"name": name, "type": type_name(value)}
    if is_a(value, str, bytes, bytearray) and any(map(is_secret_name, re.findall(r"\w+", name)[-1:])):
        return {**result, "length": len(value), "value": HIDDEN}
    result.update(_describe(value))
    return cast("dict[str, Json]", without_secret_values(result))


def _describe(value: Any) -> dict[str, Json]:
    if value is None or is_a(value, bool, int, float, complex):
        return {"value": to_json(value)}
    if is_a(value, str, bytes, bytearray):
        return {"length": len(value), "value": cut(value, VALUE_LIMIT) if is_a(value, str) else to_json(value)}
    if is_frame(value):
        return describe_frame(value)
    if is_series(value):
        return describe_series(value)
    if _is_array(value):
        return describe_array(value)
    if is_a(value, ModuleType):
        return _module(value)
    if is_a(value, type) and not is_a(value, EnumMeta):
        return _class(value)
    if is_a(value, *_FUNCTIONS):
        return _function(value)
    if hasattr(class_of(value), "_ai_repr_") and (described := ai_repr(value)) is not None:
        return {"module": class_of(value).__module__, "description": to_json(described, VALUE_LIMIT)}
    if is_a(value, list, tuple, set, frozenset, dict):
        return _container(value)
    return describe_special(value) or _object(value)


def _is_array(value: Any) -> bool:
    library = sys.modules.get("numpy")
    return library is not None and is_a(value, library.ndarray)


def _container(value: Any) -> dict[str, Json]:
    items, length = plain_items(value)
    result: dict[str, Json] = {"length": length}
    if not is_a(value, dict):
        kinds: dict[str, int] = {}
        for item in _first(items, 10_000):
            kinds[type(item).__name__] = kinds.get(type(item).__name__, 0) + 1
        result["items"] = dict(sorted(kinds.items(), key=lambda pair: -pair[1])[:10])
    result["value"] = to_json(value, VALUE_LIMIT)
    return result


def _signature(value: Any) -> str:
    try:
        return cut_line(str(inspect.signature(value)), 200)
    except (TypeError, ValueError):
        return "(…)"


def _doc(value: Any, limit: int = 600) -> dict[str, Json]:
    text = inspect.getdoc(value)
    return {"doc": cut(text, limit)} if text else {}


def _source(value: Any) -> dict[str, Json]:
    try:
        return {"source": cut(inspect.getsource(value).rstrip(), VALUE_LIMIT)}
    except Exception:  # built-in, made by exec, or its file is gone
        return {}


def _function(value: Any) -> dict[str, Json]:
    result: dict[str, Json] = {"type": "function", "signature": f"{value.__name__}{_signature(value)}"}
    if value.__module__ not in ("__main__", None):
        result["module"] = value.__module__
    result.update(_source(value))
    return result if "source" in result else {**result, **_doc(value)}


def _class(value: type[Any]) -> dict[str, Json]:
    result: dict[str, Json] = {
        "type": "class",
        "signature": f"{value.__name__}{_signature(value)}",
        "bases": [base.__qualname__ for base in value.__mro__[1:-1]],
        **_doc(value),
    }
    result["methods"] = _methods(value)[:50]
    if others := [n for n, m in vars(value).items() if not n.startswith("_") and not isinstance(m, FunctionType)]:
        result["attributes"] = others[:50]
    if value.__module__ == "__main__":
        result.update(_source(value))
    return result


def _methods(kind: Any) -> list[str]:
    """The public methods that a class itself defines, with their signatures."""
    return [
        f"{n}{_signature(m)}" for n, m in kind.__dict__.items() if isinstance(m, FunctionType) and not n.startswith("_")
    ]


def _module(value: ModuleType) -> dict[str, Json]:
    contents = vars(value)
    names = [n for n in list(contents) if not n.startswith("_") and not isinstance(contents.get(n), ModuleType)]
    result: dict[str, Json] = {"type": "module", "module": value.__name__}
    version = contents.get("__version__")
    if isinstance(version, str):
        result["version"] = version
    doc = contents.get("__doc__")
    if isinstance(doc, str) and doc.strip():
        result["doc"] = cut_line(doc.strip().partition("\n\n")[0], 300)
    result["names"] = to_json(names, 2_000)
    return result


def _object(value: Any) -> dict[str, Json]:
    """Anything else: what it says of itself, and what it holds."""
    kind = class_of(value)
    result: dict[str, Json] = {"module": kind.__module__}
    figure = figure_of(value)
    result["repr"] = figure_words(figure) if figure is not None else safe_repr(value, 1_500)
    public = [(n, v) for n, v in _items(own_attributes(value)) if not str(n).startswith("_")]
    if public and figure is None:
        result["attributes"] = {n: f"{type(v).__name__}: {summary_of(str(n), v)}" for n, v in public[:30]}
    if kind.__module__ == "__main__":
        result["methods"] = _methods(kind)[:30]
    return result


__all__ = ["describe", "list_variables", "summary", "summary_of", "type_name", "user_variables"]
