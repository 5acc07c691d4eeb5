"""Objects of libraries, and of the user's own classes, in figures: by what they hold, never by what they compute.

A library is not imported: an object of it can only be here when it was. Attributes are read where the library's own
class keeps them at hand; of the user's classes only what is stored in the object.
"""

from __future__ import annotations

import concurrent.futures
import inspect
import io
import os
from collections.abc import Callable, Mapping
from enum import Enum, EnumMeta
from types import CodeType, CoroutineType, FunctionType, GeneratorType
from typing import Any, cast

from ..models.base import Json
from ..threads import within
from ..tools import lazy
from ..tools.jsonable import cut, cut_line, safe_repr
from ..tools.kinds import class_name, class_of, dict_of, has, is_a, module_of, own_attributes, stored
from ..tools.stored import field_names, fields_of, label, stored_json
from .signature import init_parameters

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


def _environment(value: Any) -> dict[str, Json] | None:
    """os.environ by its names: values are where keys are, whatever they are called."""
    if not is_a(value, type(os.environ)):
        return None
    names = sorted(map(str, value))
    return {"length": len(names), "names": cast("Json", names[:_COLUMNS]), "note": "values are not shown"}


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
    if class_name(type(value)) == "LazyFrame":
        try:
            result["columns"] = _typed(dict(within(_SCHEMA_SECONDS, value.collect_schema, "schema")))
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
    result: dict[str, Json] = {"sizes": stored_json(_quietly(lambda: dict(value.sizes)), 1_000)}
    variables: dict[Any, Any] = _quietly(lambda: dict(value.data_vars)) or {}
    if variables:
        result["variables"] = {str(n): f"{v.dtype} ({', '.join(map(str, v.dims))})" for n, v in _some(variables)}
    else:
        result["dtype"] = lazy.attribute(value, "dtype")
    coordinates: dict[Any, Any] = _quietly(lambda: dict(value.coords)) or {}
    result["coordinates"] = [str(name) for name, _ in _some(coordinates)]
    result["attributes"] = stored_json(_quietly(lambda: dict(value.attrs)), 1_000)
    return result


def _once(value: Any) -> dict[str, Json] | None:
    if not lazy.is_once(value) or is_a(value, io.IOBase):
        return None
    result: dict[str, Json] = {"note": "it can be read once only, so it was not read"}
    codes = (stored(value, name) for name in ("gi_code", "cr_code", "ag_code"))
    code = next((found for found in codes if is_a(found, CodeType)), None)
    if code is not None:
        result["function"], result["line"] = code.co_name, code.co_firstlineno
    if is_a(value, GeneratorType):
        result["state"] = inspect.getgeneratorstate(value)
    elif is_a(value, CoroutineType):
        result["state"] = inspect.getcoroutinestate(value)
    return result


# ---- tables and arrays of other libraries ----------------------------------------------------------------


def _arrow(value: Any) -> dict[str, Json] | None:
    if lazy.library_of(value) != "pyarrow" or class_name(type(value)) not in ("Table", "RecordBatch"):
        return None
    schema = value.schema
    columns = {name: str(kind) for name, kind in list(zip(schema.names, schema.types, strict=True))[:_COLUMNS]}
    result: dict[str, Json] = {"shape": [value.num_rows, value.num_columns], "columns": cast("Json", columns)}
    result["sample"] = stored_json(value.select(list(range(min(value.num_columns, 50)))).slice(0, 5).to_pylist(), 3_000)
    return {**result, "memory_bytes": value.nbytes}


def _sparse(value: Any) -> dict[str, Json] | None:
    if lazy.library_of(value) != "scipy" or not has(value, "nnz"):
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
    titles = {key: stored_json(layout[key], 300) for key in ("title", "xaxis", "yaxis") if key in layout}
    return {"traces": stored_json(kinds, 2_000), "number of traces": len(traces), "layout": cast("Json", titles)}


def _altair(value: Any) -> dict[str, Json] | None:
    held = own_attributes(value).get("_kwds")
    if lazy.library_of(value) != "altair" or not isinstance(held, dict):
        return None
    fields = cast("dict[str, Any]", held)
    chosen = {key: fields[key] for key in ("mark", "encoding", "title", "layer", "hconcat", "vconcat") if key in fields}
    chosen = {key: item for key, item in chosen.items() if class_name(type(item)) != "UndefinedType"}
    return {"chart": {key: safe_repr(item, 600) for key, item in chosen.items()}}


# ---- the user's own ----------------------------------------------------------------------------------------


def _enum(value: Any) -> dict[str, Json] | None:
    if is_a(value, EnumMeta):
        members = cast("Mapping[str, Any]", dict_of(value).get("_member_map_", {}))
        shown = {name: own_attributes(member).get("_value_") for name, member in list(members.items())[:50]}
        return {"type": "Enum", "length": len(members), "members": stored_json(shown, 2_000)}
    if not is_a(value, Enum):
        return None
    held = own_attributes(value)
    names = [name for name in dict_of(type(value)).get("_member_map_", {}) if type(name) is str]
    told = stored_json(held.get("_value_"), 1_000)
    return {"member": stored_json(held.get("_name_")), "value": told, "members": cast("Json", names[:50])}


def _fields(value: Any) -> dict[str, Json] | None:
    """A dataclass, attrs or pydantic object by what is stored for its fields."""
    kind = class_of(value)
    stored_fields = fields_of(value) if field_names(kind) is not None else None
    if stored_fields is None:
        return None
    result: dict[str, Json] = {"module": module_of(kind), "fields": stored_json(stored_fields, _VALUES)}
    methods = [name for name, found in dict_of(kind).items() if is_a(found, FunctionType) and not name.startswith("_")]
    return {**result, "methods": cast("Json", methods[:30])} if methods else result


def _estimator(value: Any) -> dict[str, Json] | None:
    """What follows scikit-learn: the parameters that are stored, and what fitting has left."""
    if is_a(value, type) or not (has(value, "get_params") and has(value, "fit")):
        return None
    held = own_attributes(value)
    names = [name for name in init_parameters(type(value)) if name in held]
    from .describe import summary_of

    texts = [name for name in held if type(name) is str]
    fitted = {name: held[name] for name in texts if name.endswith("_") and not name.startswith("_")}
    parameters = {name: held[name] for name in names}
    result: dict[str, Json] = {"module": module_of(type(value)), "parameters": stored_json(parameters, 2_000)}
    result["fitted"] = {name: f"{class_name(type(item))}: {summary_of(name, item)}" for name, item in _some(fitted, 30)}
    return result


def _file(value: Any) -> dict[str, Json] | None:
    if not is_a(value, io.IOBase):
        return None
    result: dict[str, Json] = {"note": "it was not read"}
    if module_of(type(value)) not in ("io", "_io"):  # of the user's: reading these could run its code
        return result
    for name in ("name", "mode", "encoding", "closed"):
        if (found := _quietly(lambda name=name: getattr(value, name))) is not None:
            result[name] = label(found)
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
    _environment,
    *(_device_array, _lazy_frame, _computed, _file, _once),
    *(_arrow, _sparse, _plotly, _altair),
    *(_enum, _fields, _estimator),
)


__all__ = ["describe_special"]
