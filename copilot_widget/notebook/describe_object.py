"""Objects of libraries, and of the user's own classes, in figures: by what they hold, never by what they compute.

A library is not imported: an object of it can only be here when it was. Attributes are read where the library's own
class keeps them at hand; of the user's classes only what is stored in the object.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import inspect
import io
from collections.abc import Callable, Mapping
from enum import Enum, EnumMeta
from typing import Any, cast

from ..models.base import Json
from ..tools import lazy
from ..tools.jsonable import class_of, cut, cut_line, is_a, safe_repr, to_json
from ..tools.threads import Worker
from .paths import own_attributes

_COLUMNS = 200
_SCHEMA_SECONDS = 0.5
_VALUES = 4_000  # characters of an object's fields


def describe_special(value: Any) -> dict[str, Json] | None:
    """A description that fits the kind of object; None where it is of no kind that is known here."""
    for describe in _KINDS:
        found = describe(value)
        if found is not None:
            return found
    return None


# ---- what must not be computed ---------------------------------------------------------------------------


def _device_array(value: Any) -> dict[str, Json] | None:
    if not lazy.is_device_array(value):
        return None
    names = ("dtype", "device", "requires_grad", "layout", "sharding")
    told = {name: text for name in names if (text := lazy.attribute(value, name))}
    return {"shape": cast("Json", lazy.shape_of(value)), **told, "note": "no values were read"}


def _lazy_frame(value: Any) -> dict[str, Json] | None:
    """A LazyFrame's schema, if its plan gives it at once: a remote source would be asked."""
    if lazy.library_of(value) != "polars" or not lazy.is_computed(value):
        return None
    result: dict[str, Json] = {"library": "polars", "note": "lazy: nothing was computed"}
    if class_of(value).__name__ == "LazyFrame":
        worker = Worker(value.collect_schema, "schema")
        worker.start()
        try:
            result["columns"] = _typed(dict(worker.future.result(_SCHEMA_SECONDS)))
        except concurrent.futures.TimeoutError:
            result["note"] = "lazy: nothing was computed, and its schema is not known without reading its source"
        except Exception as error:
            result["note"] = f"lazy: nothing was computed; its plan has an error: {cut_line(str(error), 200)}"
    else:
        result["repr"] = safe_repr(value, 500)
    return result


def _computed(value: Any) -> dict[str, Json] | None:
    """Tables that are elsewhere or yet to be computed, by their schema."""
    if not lazy.is_computed(value):
        return None
    result: dict[str, Json] = {"library": lazy.library_of(value), "note": "nothing was computed or fetched"}
    schema = _quietly(lambda: value.schema() if callable(value.schema) else value.schema)
    names = _quietly(lambda: [str(name) for name in value.columns])
    types: dict[Any, Any] | None = _quietly(lambda: dict(value.dtypes))
    if lazy.library_of(value) == "xarray":
        return {**result, **_labelled(value)}
    if types:
        result["columns"] = _typed(types)
    elif names:
        result["columns"] = names[:_COLUMNS]
    elif schema is not None and lazy.library_of(value) == "ibis":
        result["schema"] = cut(str(schema), 2_000)
    for name in ("npartitions", "name", "dtype", "shape", "chunks"):
        if text := lazy.attribute(value, name):
            result[name] = text
    return result


def _labelled(value: Any) -> dict[str, Json]:
    """An xarray Dataset or DataArray: names, sizes, types; its values may be in a file."""
    result: dict[str, Json] = {"sizes": to_json(_quietly(lambda: dict(value.sizes)), 1_000)}
    variables: dict[Any, Any] = _quietly(lambda: dict(value.data_vars)) or {}
    if variables:
        result["variables"] = {str(n): f"{v.dtype} ({', '.join(map(str, v.dims))})" for n, v in _some(variables)}
    else:
        result["dtype"] = lazy.attribute(value, "dtype")
    coordinates: dict[Any, Any] = _quietly(lambda: dict(value.coords)) or {}
    result["coordinates"] = [str(name) for name, _ in _some(coordinates)]
    result["attributes"] = to_json(_quietly(lambda: dict(value.attrs)), 1_000)
    return result


def _once(value: Any) -> dict[str, Json] | None:
    if not lazy.is_once(value) or is_a(value, io.IOBase):
        return None
    result: dict[str, Json] = {"note": "it can be read once only, so it was not read"}
    code = next((found for name in ("gi_code", "cr_code", "ag_code") if (found := _own(value, name))), None)
    if code is not None:
        result["function"], result["line"] = code.co_name, code.co_firstlineno
    if inspect.isgenerator(value):
        result["state"] = inspect.getgeneratorstate(value)
    elif inspect.iscoroutine(value):
        result["state"] = inspect.getcoroutinestate(value)
    return result


def _own(value: Any, name: str) -> Any:
    return getattr(value, name, None) if class_of(value).__module__ == "builtins" else None


# ---- tables and arrays of other libraries ----------------------------------------------------------------


def _arrow(value: Any) -> dict[str, Json] | None:
    if lazy.library_of(value) != "pyarrow" or class_of(value).__name__ not in ("Table", "RecordBatch"):
        return None
    schema = value.schema
    columns = {name: str(kind) for name, kind in list(zip(schema.names, schema.types, strict=True))[:_COLUMNS]}
    result: dict[str, Json] = {"shape": [value.num_rows, value.num_columns], "columns": cast("Json", columns)}
    result["sample"] = to_json(value.select(list(range(min(value.num_columns, 50)))).slice(0, 5).to_pylist(), 3_000)
    return {**result, "memory_bytes": value.nbytes}


def _sparse(value: Any) -> dict[str, Json] | None:
    if lazy.library_of(value) != "scipy" or not hasattr(class_of(value), "nnz"):
        return None
    return {
        "shape": [int(n) for n in value.shape],
        "dtype": str(value.dtype),
        "format": lazy.attribute(value, "format"),
        "stored values": int(value.nnz),
    }


# ---- figures ---------------------------------------------------------------------------------------------


def _plotly(value: Any) -> dict[str, Json] | None:
    held = own_attributes(value)
    if lazy.library_of(value) != "plotly" or "_data" not in held:
        return None
    traces = cast("list[dict[str, Any]]", held["_data"])
    layout = cast("dict[str, Any]", held.get("_layout") or {})
    kinds = [{key: trace.get(key) for key in ("type", "mode", "name") if trace.get(key)} for trace in traces[:20]]
    titles = {key: to_json(layout[key], 300) for key in ("title", "xaxis", "yaxis") if key in layout}
    return {"traces": to_json(kinds, 2_000), "number of traces": len(traces), "layout": cast("Json", titles)}


def _altair(value: Any) -> dict[str, Json] | None:
    held = own_attributes(value).get("_kwds")
    if lazy.library_of(value) != "altair" or not isinstance(held, dict):
        return None
    fields = cast("dict[str, Any]", held)
    chosen = {key: fields[key] for key in ("mark", "encoding", "title", "layer", "hconcat", "vconcat") if key in fields}
    chosen = {key: item for key, item in chosen.items() if class_of(item).__name__ != "UndefinedType"}
    return {"chart": {key: safe_repr(item, 600) for key, item in chosen.items()}}


# ---- the user's own ----------------------------------------------------------------------------------------


def _enum(value: Any) -> dict[str, Json] | None:
    if is_a(value, EnumMeta):
        members = cast("Mapping[str, Any]", value.__members__)
        shown = {name: member._value_ for name, member in list(members.items())[:50]}
        return {"type": "Enum", "length": len(members), "members": to_json(shown, 2_000)}
    if not is_a(value, Enum):
        return None
    names = list(cast("Any", type(value)).__members__)
    return {"member": value._name_, "value": to_json(value._value_, 1_000), "members": cast("Json", names[:50])}


def _fields(value: Any) -> dict[str, Json] | None:
    """A dataclass, attrs or pydantic object by what is stored for its fields."""
    kind = class_of(value)
    if dataclasses.is_dataclass(kind) and not inspect.isclass(value):
        names = [field.name for field in dataclasses.fields(value)]
    elif "__pydantic_fields__" in vars(kind) or "__attrs_attrs__" in vars(kind):
        found = vars(kind).get("__pydantic_fields__") or [field.name for field in vars(kind)["__attrs_attrs__"]]
        names = [str(name) for name in found]
    else:
        return None
    held = own_attributes(value)
    stored = {name: held[name] if name in held else _slot(value, name) for name in names}
    result: dict[str, Json] = {"module": kind.__module__, "fields": to_json(stored, _VALUES)}
    methods = [name for name, found in vars(kind).items() if inspect.isfunction(found) and not name.startswith("_")]
    return {**result, "methods": cast("Json", methods[:30])} if methods else result


def _slot(value: Any, name: str) -> Any:
    found = inspect.getattr_static(class_of(value), name, None)
    if inspect.ismemberdescriptor(found):
        with contextlib.suppress(AttributeError):
            return found.__get__(value)
    return "(not stored)"


def _estimator(value: Any) -> dict[str, Json] | None:
    """What follows scikit-learn: the parameters that are stored, and what fitting has left."""
    kind = class_of(value)
    if inspect.isclass(value) or not (hasattr(kind, "get_params") and hasattr(kind, "fit")):
        return None
    held = own_attributes(value)
    try:
        names = [name for name in inspect.signature(kind.__init__).parameters if name in held]
    except (TypeError, ValueError):
        return None
    from .describe import summary_of

    fitted = {name: item for name, item in held.items() if name.endswith("_") and not name.startswith("_")}
    parameters = {name: held[name] for name in names}
    result: dict[str, Json] = {"module": kind.__module__, "parameters": to_json(parameters, 2_000)}
    result["fitted"] = {name: f"{type(item).__name__}: {summary_of(name, item)}" for name, item in _some(fitted, 30)}
    return result


def _file(value: Any) -> dict[str, Json] | None:
    if not is_a(value, io.IOBase):
        return None
    result: dict[str, Json] = {"note": "it was not read"}
    for name in ("name", "mode", "encoding", "closed"):
        if text := lazy.attribute(value, name):
            result[name] = text
    return result


# ---- help --------------------------------------------------------------------------------------------------


def _typed(types: Mapping[Any, Any]) -> dict[str, Json]:
    shown: dict[str, Json] = {str(name): str(kind) for name, kind in _some(types)}
    if len(types) > _COLUMNS:
        shown["…"] = f"{len(types) - _COLUMNS:,} more"
    return shown


def _some(items: Mapping[Any, Any], count: int = _COLUMNS) -> list[tuple[Any, Any]]:
    return list(items.items())[:count]


def _quietly(read: Callable[[], Any]) -> Any:
    """What a library gives, or None where it cannot: none of it decides whether there is a description."""
    try:
        return read()
    except Exception:
        return None


_KINDS = (
    *(_device_array, _lazy_frame, _computed, _file, _once),
    *(_arrow, _sparse, _plotly, _altair),
    *(_enum, _fields, _estimator),
)


__all__ = ["describe_special"]
