"""Variables in words: one line each for a list, one JSON object for a closer look.

`summary` runs no code of the user's objects and is quick for thousands; `describe` may call `_ai_repr_` and `repr`, and
nothing else of them, so its caller gives it a thread and a time limit. Both read the objects where they are and copy
nothing large.
"""

from __future__ import annotations

import collections
import inspect
import itertools
import re
from collections.abc import Mapping
from enum import Enum, EnumMeta
from fnmatch import fnmatchcase
from types import FunctionType, ModuleType
from typing import Any, cast

from ..errors import redact
from ..models.base import Json
from ..tools.ai_repr import ai_repr
from ..tools.frames import is_frame, is_series, plain_table
from ..tools.jsonable import cut, cut_line, own_repr, plain_items, to_json
from ..tools.kinds import (
    FUNCTIONS,
    MISSING,
    as_text,
    bases_of,
    class_name,
    class_of,
    defined,
    dict_of,
    full_name,
    is_a,
    library_of,
    module_of,
    mro_of,
    own_attributes,
    qualified_name,
    stored,
    type_name,
)
from ..tools.lazy import words_for
from ..tools.result import figure_of, figure_words
from ..tools.sensitive import HIDDEN, is_secret_name, without_secret_values
from ..tools.stored import field_names, is_array, plain, plain_array, standard_text, stored_json, words
from .describe_object import describe_special
from .describe_table import describe_array, describe_frame, describe_series
from .signature import signature

VALUE_LIMIT = 4_000
"""Characters of a plain value, and of a source text."""
_LINE = 80
_OF_IPYTHON = {"In", "Out", "exit", "quit", "open", "get_ipython"}
_NUMBERS_AND_TEXTS = (bool, int, float, complex, str, bytes, bytearray)
_CONTAINERS = (list, tuple, set, frozenset, dict)


def user_variables(namespace: Mapping[str, Any], hidden: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The user's own names, in the order of their definition: not IPython's, not private ones."""
    hidden = hidden or {}
    result: dict[str, Any] = {}
    for name, value in _items(namespace):
        if type(name) is not str or name.startswith("_") or name in _OF_IPYTHON:
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


def list_variables(
    namespace: Mapping[str, Any], hidden: Mapping[str, Any] | None = None, pattern: str = ""
) -> list[dict[str, Json]]:
    """{name, type, summary} of each variable, with a `pattern` of those whose name is like it (`df_*`); modules share
    one entry."""
    variables = user_variables(namespace, hidden)
    if pattern:
        variables = {name: value for name, value in variables.items() if fnmatchcase(name, pattern)}
    modules = {name: value for name, value in variables.items() if is_a(value, ModuleType)}
    result = [
        {"name": name, "type": type_name(value), "summary": summary_of(name, value)}
        for name, value in variables.items()
        if name not in modules
    ]
    if modules:
        told = {name: as_text(own_attributes(module).get("__name__")) or "?" for name, module in modules.items()}
        named = [name if module == name else f"{name} = {module}" for name, module in told.items()]
        result.append({"name": ", ".join(modules), "type": "module", "summary": "imported: " + ", ".join(named)})
    return result


def summary(value: Any) -> str:
    """One short line; reads sizes and plain values only."""
    try:
        return cut_line(_summary(value), _LINE)
    except Exception as error:  # a table or an array that is broken inside
        return f"could not be read ({type(error).__name__})"


def summary_of(name: str, value: Any) -> str:
    """`summary` of a variable, without what its name or its text says is a secret."""
    if is_secret_name(name) and is_a(value, str, bytes, bytearray):
        return HIDDEN
    return redact(summary(value))


def _summary(value: Any) -> str:
    if value is None or is_a(value, *_NUMBERS_AND_TEXTS):
        return _plain_summary(value)
    if is_a(value, *_CONTAINERS):
        return _container_summary(value)
    if is_frame(value):
        frame = plain_table(value)
        names = ", ".join(as_text(name) or words(name) for name in itertools.islice(frame.columns, 8))
        return f"{frame.shape[0]:,} × {frame.shape[1]}: {names}{', …' if frame.shape[1] > 8 else ''}"
    if is_series(value):
        series = plain_table(value)
        name = "" if series.name is None else f", {as_text(series.name) or words(series.name)}"
        return f"{len(series):,} × {series.dtype}{name}"
    if is_array(value):
        array = plain_array(value)
        return f"{' × '.join(f'{n:,}' for n in array.shape) or 'scalar'}, {array.dtype}"
    if is_a(value, *FUNCTIONS):
        return f"{_function_name(value)}{signature(value)}"
    if is_a(value, type):
        return f"class {class_name(value)}({', '.join(map(class_name, bases_of(value)))})"
    return _object_summary(value)


def _plain_summary(value: Any) -> str:
    if is_a(value, str, bytes, bytearray):
        same = plain(value)
        return repr(same[:50]) + (f" ({len(same):,} long)" if len(same) > 50 else "")
    return words(value) if value is None else words(plain(value))


def _object_summary(value: Any) -> str:
    if (told := words_for(value)) is not None:
        return told.strip("<>")
    if is_a(value, BaseException):
        return _error_summary(value)
    if (text := standard_text(value)) is not None:
        return text
    if is_a(value, Enum):
        return words(value)
    figure = figure_of(value) if library_of(value) == "matplotlib" else None
    return f"figure with {len(figure.axes)} axes" if figure is not None else full_name(type(value))


def _error_summary(value: Any) -> str:
    """As Python prints it, where its class prints what it was given."""
    given = stored(value, "args")
    message = as_text(given[0]) if len(given) == 1 else None
    return f"{class_name(type(value))}: {message}" if message else standard_text(value) or ""


def _function_name(value: Any) -> str:
    """Its own, or for a method of something else than a function that thing's type."""
    inner = getattr(value, "__func__", value) if class_of(value).__name__ == "method" else value
    return (as_text(inner.__name__) or "?") if is_a(inner, *FUNCTIONS) else type_name(inner)


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
    if pairs or all(item is None or plain(item) is not MISSING for item in first):
        told = [words(item) for item in first]
    else:
        told = list(dict.fromkeys(class_name(type(item)) for item in first))
    return f"{count}: {', '.join(told)}{', …' if length > 4 else ''}"


def _first(items: Any, count: int) -> list[Any]:
    return list(itertools.islice(items, count))


# ---- a closer look -------------------------------------------------------------------------------------


def describe(name: str, value: Any) -> dict[str, Json]:
    """What a model needs to work with a value, as a JSON object that begins with name and type."""
    result: dict[str, Json] = {"name": name, "type": type_name(value)}
    if is_a(value, str, bytes, bytearray) and any(map(is_secret_name, re.findall(r"\w+", name)[-1:])):
        return {**result, "length": len(plain(value)), "value": HIDDEN}
    result.update(_describe(value))
    return cast("dict[str, Json]", without_secret_values(result))


def _describe(value: Any) -> dict[str, Json]:
    if (described := ai_repr(value)) is not None:
        return {"module": module_of(type(value)), "description": stored_json(described, VALUE_LIMIT)}
    if value is None or (is_a(value, *_NUMBERS_AND_TEXTS) and not is_a(value, Enum)):
        return _plain(value)
    if is_frame(value):
        return describe_frame(plain_table(value))
    if is_series(value):
        return describe_series(plain_table(value))
    if is_array(value):
        return describe_array(plain_array(value))
    if is_a(value, ModuleType):
        return _module(value)
    if is_a(value, type) and not is_a(value, EnumMeta):
        return _class(value)
    if is_a(value, *FUNCTIONS):
        return _function(value)
    if is_a(value, *_CONTAINERS):
        return _container(value)
    return describe_special(value) or _object(value)


def _plain(value: Any) -> dict[str, Json]:
    if not is_a(value, str, bytes, bytearray):
        return {"value": stored_json(value)}
    same = plain(value)
    return {"length": len(same), "value": cut(same, VALUE_LIMIT) if is_a(same, str) else to_json(same)}


def _container(value: Any) -> dict[str, Json]:
    items, length = plain_items(value)
    result: dict[str, Json] = {"length": length}
    if not is_a(value, dict):
        kinds = collections.Counter(class_name(type(item)) for item in itertools.islice(items, 10_000))
        result["items"] = dict(kinds.most_common(10))
    result["value"] = stored_json(value, VALUE_LIMIT)
    return result


def _doc(value: Any, limit: int = 600) -> dict[str, Json]:
    text = as_text(dict_of(value).get("__doc__") if is_a(value, type) else getattr(value, "__doc__", None))
    return {"doc": cut(inspect.cleandoc(text), limit)} if text else {}


def _source(value: Any) -> dict[str, Json]:
    try:
        return {"source": cut(inspect.getsource(value).rstrip(), VALUE_LIMIT)}
    except Exception:  # built-in, made by exec, or its file is gone
        return {}


def _function(value: Any) -> dict[str, Json]:
    result: dict[str, Json] = {"type": "function", "signature": f"{_function_name(value)}{signature(value)}"}
    module = as_text(getattr(value, "__module__", None)) if class_of(value).__name__ != "method" else None
    if module not in ("__main__", None):
        result["module"] = module
    result.update(_source(value))
    return result if "source" in result else {**result, **_doc(value)}


def _class(value: type[Any]) -> dict[str, Json]:
    held = dict_of(value)
    result: dict[str, Json] = {
        "type": "class",
        "signature": f"{class_name(value)}{_class_signature(value)}",
        "bases": [qualified_name(base) for base in mro_of(value)[1:-1]],
        **_doc(value),
    }
    result["methods"] = _methods(value)[:50]
    if others := [n for n, m in held.items() if not n.startswith("_") and not is_a(m, FunctionType)]:
        result["attributes"] = others[:50]
    if module_of(value) == "__main__" and defined(type(value), "__getattribute__") is type.__getattribute__:
        result.update(_source(value))
    return result


def _class_signature(kind: Any) -> str:
    """Of its `__init__`; of a pydantic class that takes anything there, the fields."""
    names = field_names(kind) if "__pydantic_fields__" in dict_of(kind) else None
    return f"(*, {', '.join(names)})" if names else signature(kind)


def _methods(kind: Any) -> list[str]:
    """The public methods that a class itself defines, with their signatures."""
    return [f"{n}{signature(m)}" for n, m in dict_of(kind).items() if is_a(m, FunctionType) and not n.startswith("_")]


def _module(value: ModuleType) -> dict[str, Json]:
    contents = own_attributes(value)
    public = [n for n in list(contents) if type(n) is str and not n.startswith("_")]
    names: list[Json] = [n for n in public if not is_a(contents.get(n), ModuleType)]
    result: dict[str, Json] = {"type": "module", "module": as_text(contents.get("__name__")) or "?"}
    version = as_text(contents.get("__version__"))
    if version is not None:
        result["version"] = version
    doc = (as_text(contents.get("__doc__")) or "").strip()
    if doc:
        result["doc"] = cut_line(doc.partition("\n\n")[0], 300)
    result["names"] = to_json(names, 2_000)
    return result


def _object(value: Any) -> dict[str, Json]:
    """Anything else: what it says of itself, and what it holds."""
    kind = class_of(value)
    result: dict[str, Json] = {"module": module_of(kind)}
    figure = figure_of(value)
    result["repr"] = figure_words(figure) if figure is not None else own_repr(value, 1_500)
    public = [(n, v) for n, v in _items(own_attributes(value)) if type(n) is str and not n.startswith("_")]
    if public and figure is None:
        result["attributes"] = {n: f"{class_name(type(v))}: {summary_of(n, v)}" for n, v in public[:30]}
    if module_of(kind) == "__main__":
        result["methods"] = _methods(kind)[:30]
    return result


__all__ = ["describe", "list_variables", "summary", "summary_of", "type_name", "user_variables"]
