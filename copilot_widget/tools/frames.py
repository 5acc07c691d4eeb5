"""Short, JSON-ready forms of pandas and polars tables; neither library is imported here.

Of the objects in a table, those that label its rows and columns may be asked for their `repr`, and no more."""

from __future__ import annotations

import math
import sys
from typing import Any

from ..models.base import Json
from .kinds import TUPLE, is_a, own_attributes, type_name

MAX_ROWS = 50
MAX_COLUMNS = 50


def _class(module: str, name: str) -> type | None:
    """A class of an already imported module; an object of it cannot exist before."""
    found = getattr(sys.modules.get(module), name, None)
    return found if isinstance(found, type) else None


def _is(value: Any, name: str) -> str:
    for library in ("pandas", "polars"):
        kind = _class(library, name)
        if kind is not None and issubclass(type(value), kind):
            return library
    return ""


def is_frame(value: Any) -> bool:
    """Whether `value` is a pandas or polars DataFrame (or a subclass: geopandas …)."""
    return bool(_is(value, "DataFrame"))


def is_series(value: Any) -> bool:
    return bool(_is(value, "Series"))


def is_pandas(value: Any) -> bool:
    return "pandas" in (_is(value, "DataFrame"), _is(value, "Series"))


def plain_table(value: Any) -> Any:
    """A frame or a Series; of a class derived from its library's, as one of the library's own class, sharing its data:
    a class of the user's may compute what it is asked for."""
    library = _is(value, "DataFrame") or _is(value, "Series")
    name = "DataFrame" if is_frame(value) else "Series"
    kind: Any = _class(library, name)
    if type(value) is kind:
        return value
    held = own_attributes(value)
    if library == "polars":
        return kind._from_pydf(held["_df"]) if name == "DataFrame" else kind._from_pyseries(held["_s"])
    same = kind.__new__(kind)
    general: Any = _class("pandas.core.generic", "NDFrame")
    general.__init__(same, held["_mgr"])
    if name == "Series":
        object.__setattr__(same, "_name", held.get("_name"))
    return same


def column_names(frame: Any) -> list[str]:
    """The columns' names as text, made unique: two columns "a" are "a" and "a.1"."""
    names: list[str] = []
    seen: dict[str, int] = {}
    for column in list(frame.columns)[:MAX_COLUMNS]:
        text = _words(column)
        count = seen.get(text, 0)
        seen[text] = count + 1
        names.append(f"{text}.{count}" if count else text)
    return names


def records(frame: Any, rows: int) -> list[dict[str, Any]]:
    """The first rows, one dict each, at most MAX_COLUMNS columns; a pandas index that means something comes first."""
    names = column_names(frame)
    if not is_pandas(frame):
        return [dict(zip(names, row, strict=True)) for row in frame[:rows, : len(names)].rows()]
    head = frame.iloc[:rows, : len(names)]
    # Column by column: `values` of the whole would turn integers into floats.
    columns = [[missing_as_none(item) for item in head.iloc[:, place].tolist()] for place in range(len(names))]
    rows_of: list[tuple[Any, ...]] = list(zip(*columns, strict=True)) if columns else [()] * len(head)
    result = [dict(zip(names, row, strict=True)) for row in rows_of]
    if type(frame.index).__name__ == "RangeIndex":
        return result
    name = " / ".join(_words(n) for n in frame.index.names if n is not None) or "index"
    name = name if name not in names else f"{name} (index)"
    return [{name: _joined(key), **row} for key, row in zip(head.index.tolist(), result, strict=True)]


def missing_as_none(item: Any) -> Any:
    """None for NaN, NaT and NA, which all mean "no value" in a table."""
    if is_a(item, float):
        return None if math.isnan(float.__float__(item)) else item
    return None if type_name(item) in ("NAType", "NaTType") else item


def _joined(key: Any) -> Any:
    return " / ".join(map(_words, TUPLE.__iter__(key))) if is_a(key, tuple) else key


def _words(name: Any) -> str:
    from .stored import label  # here, since it uses this module

    return label(name)


def short_frame(frame: Any) -> dict[str, Json]:
    """Shape, types and first rows: what a model needs of a table that a tool returned."""
    rows, columns = frame.shape
    shown = rows if rows <= MAX_ROWS else 20
    dtypes = [str(dtype) for dtype in list(frame.dtypes)[:MAX_COLUMNS]]
    result: dict[str, Json] = {
        "type": "DataFrame",
        "shape": [rows, columns],
        "columns": dict(zip(column_names(frame), dtypes, strict=True)),
        "rows": records(frame, shown),
    }
    notes = [f"the first {shown} of {rows:,} rows"] if shown < rows else []
    notes += [f"the first {MAX_COLUMNS} of {columns:,} columns"] if columns > MAX_COLUMNS else []
    if notes:
        result["shown"] = ", ".join(notes)
    return result


def short_series(series: Any) -> dict[str, Json]:
    count = len(series)
    shown = count if count <= MAX_ROWS else 20
    result: dict[str, Json] = {
        "type": "Series",
        "name": _text(series.name),
        "length": count,
        "dtype": str(series.dtype),
    }
    if is_pandas(series) and type(series.index).__name__ != "RangeIndex":
        head = series.iloc[:shown]
        result["values"] = {
            _words(_joined(key)): missing_as_none(x) for key, x in zip(head.index.tolist(), head.tolist(), strict=True)
        }
    else:
        head = series.iloc[:shown] if is_pandas(series) else series[:shown]
        result["values"] = [missing_as_none(item) for item in head.to_list()]
    if shown < count:
        result["shown"] = f"the first {shown} of {count:,} values"
    return result


def _text(name: Any) -> str | None:
    return None if name is None else _words(name) or None


__all__ = [
    "MAX_COLUMNS",
    "column_names",
    "is_frame",
    "is_pandas",
    "is_series",
    "missing_as_none",
    "plain_table",
    "records",
    "short_frame",
    "short_series",
]
