"""Tables and arrays in figures, at a cost that does not grow with them: of large ones a sample is read."""

from __future__ import annotations

import collections
import contextlib
import math
import sys
from typing import Any

from ..models.base import Json
from ..tools.frames import MAX_COLUMNS, column_names, is_pandas, missing_as_none, records
from ..tools.jsonable import cut_line
from ..tools.kinds import class_name, class_of, is_a, type_name
from ..tools.sensitive import is_secret_name
from ..tools.sizes import sized
from ..tools.stored import is_plain, label, stored_json

WHOLE_ROWS = 100_000
"""Up to so many rows are counted one by one."""
SAMPLED_ROWS = 10_000
"""Of larger ones, about so many rows at equal distances."""
QUICK_CELLS = 4_000_000
"""Tables of up to so many cells are counted whole where the column holds plain numbers or times."""
_SAMPLE = 5
_TEXT = 60


def describe_frame(frame: Any) -> dict[str, Json]:
    """Shape, each column's type and figures, and the first rows of a pandas or polars DataFrame."""
    with _quiet():
        return _frame(frame)


def _frame(frame: Any) -> dict[str, Json]:
    rows, width = (int(n) for n in frame.shape)
    result: dict[str, Json] = {"type": "DataFrame", "shape": [rows, width]}
    if not is_pandas(frame):
        result["library"] = "polars"
    if is_pandas(frame) and type_name(frame.index) != "RangeIndex":
        names = [None if n is None else label(n) for n in frame.index.names]
        result["index"] = {"type": type_name(frame.index), "names": names}
    cells = rows * min(width, MAX_COLUMNS)
    columns: list[dict[str, Json]] = [
        {"name": name, **_column(_nth(frame, place), cells)} for place, name in enumerate(column_names(frame))
    ]
    for column in columns:
        if is_secret_name(str(column["name"])):  # its values would be told as keys
            column.pop("top", None)
    result["columns"] = columns
    notes = _note(rows, _step(rows, cells), columns)
    if width > MAX_COLUMNS:
        notes.append(f"only the first {MAX_COLUMNS} of {width:,} columns are described")
    if notes:
        result["note"] = "; ".join(notes)
    result["sample"] = stored_json(records(frame, _SAMPLE), 4_000)
    result["memory"] = sized(_memory(frame))
    return result


def describe_series(series: Any) -> dict[str, Json]:
    """The same of one column or Series."""
    with _quiet():
        return _series(series)


def _series(series: Any) -> dict[str, Json]:
    count = len(series)
    result: dict[str, Json] = {
        "type": "Series",
        "label": None if series.name is None else label(series.name),
        "length": count,
    }
    result.update(_column(series, count))
    if notes := _note(count, _step(count, count), [result]):
        result["note"] = "; ".join(notes)
    head = series.iloc[:10] if is_pandas(series) else series[:10]
    if is_pandas(series) and type_name(series.index) != "RangeIndex":
        pairs = zip(head.index.tolist(), head.tolist(), strict=True)
        result["sample"] = stored_json({label(key): missing_as_none(value) for key, value in pairs}, 2_000)
    else:
        result["sample"] = stored_json([missing_as_none(value) for value in head.to_list()], 2_000)
    result["memory"] = sized(_memory(series))
    return result


def describe_array(array: Any) -> dict[str, Json]:
    """A numpy array: shape, type, figures, and its first values."""
    with _quiet():
        return _array(array)


def _array(array: Any) -> dict[str, Json]:
    result: dict[str, Json] = {"type": "ndarray", "shape": [int(n) for n in array.shape], "dtype": str(array.dtype)}
    part = array
    for axis in range(array.ndim):  # views, along one axis after the other, until the rest is small
        if part.size <= WHOLE_ROWS:
            break
        step = min(-(-part.size // SAMPLED_ROWS), part.shape[axis])
        part = part[(slice(None),) * axis + (slice(None, None, step),)]
    if array.dtype.kind in "iufb" and part.size:
        finite = part[part == part] if array.dtype.kind == "f" else part
        if array.dtype.kind == "f":
            result["nan"] = int((part.size - finite.size) * array.size / part.size)
        if finite.size:
            result.update(min=stored_json(finite.min()), max=stored_json(finite.max()), mean=_rounded(finite.mean()))
        if part is not array:
            result["note"] = f"figures from {part.size:,} of {array.size:,} values"
    corner = array[tuple(slice(0, 5 if axis < 2 else 2) for axis in range(array.ndim))]
    corner = corner if array.ndim else array  # without an axis, an index gives the object itself
    result["sample"] = stored_json(corner.tolist(), 2_000)
    result["memory"] = sized(int(array.nbytes))
    return result


def _quiet() -> contextlib.AbstractContextManager[Any]:
    """The mean of infinities is NaN; numpy's warning about it would appear in one of the user's cells."""
    library = sys.modules.get("numpy")
    return library.errstate(all="ignore") if library is not None else contextlib.nullcontext()


def _note(rows: int, step: int, columns: list[dict[str, Json]]) -> list[str]:
    if not any("estimated" in column for column in columns):
        return []
    return [f"what is named under estimated comes from every {step}th of {rows:,} rows"]


def _step(rows: int, cells: int) -> int:
    """Distance of the rows that are read, 1 for all; such that the number of cells does not grow with the width."""
    if cells <= 4 * WHOLE_ROWS and rows <= WHOLE_ROWS:
        return 1
    columns = max(cells // max(rows, 1), 1)
    step = max(rows // max(min(SAMPLED_ROWS, 100_000 // columns), 500), 1)
    while math.gcd(step, 2 * 3 * 5 * 7) > 1:  # not in step with what repeats every other row, week or hour
        step += 1
    return step


def _nth(frame: Any, place: int) -> Any:
    return frame.iloc[:, place] if is_pandas(frame) else frame.to_series(place)


def _column(series: Any, cells: int) -> dict[str, Json]:
    """Figures of one column; `cells` is the size of its table, which decides about sampling."""
    step = _step(len(series), cells)
    result: dict[str, Json] = {"dtype": str(series.dtype)}
    part = series if step == 1 else series.iloc[::step] if is_pandas(series) else series.gather_every(step)
    scale = len(series) / len(part) if len(part) else 1
    figures = _figures(part, scale)
    if step > 1:
        exact: dict[str, Json] = {}
        if cells <= QUICK_CELLS and _is_numeric(series):
            with contextlib.suppress(Exception):
                exact = {"nulls": _nulls(series), **_range(series)}
        if isinstance(unique := figures.get("unique"), int):
            figures["unique"] = f"≥ {unique}"
        figures["estimated"] = [key for key in figures if key not in exact]
        figures.update(exact)
    return {**result, **figures}


def _figures(part: Any, scale: float) -> dict[str, Json]:
    """Nulls, unique values, and either the range or the most frequent values of the rows that are read."""
    result: dict[str, Json] = {}
    valid = part
    # Whatever a column holds (lists, mixed types, extension types), what cannot be counted is left out.
    with contextlib.suppress(Exception):
        nulls = _nulls(part)
        result["nulls"] = round(nulls * scale)
        if nulls:
            valid = part.dropna() if is_pandas(part) else part.drop_nulls()
    if _is_geometry(part):
        return result
    if kinds := _kinds(valid):
        return {**result, "types": kinds}
    heavy = _is_heavy(valid)
    with contextlib.suppress(Exception):
        if not heavy:
            result["unique"] = int(valid.nunique() if is_pandas(part) else valid.n_unique())
    with contextlib.suppress(Exception):
        result.update(_range(valid))
    if "min" not in result and not heavy:
        with contextlib.suppress(Exception):
            result["top"] = _top(valid, scale)
    return result


def _kinds(valid: Any) -> dict[str, Json]:
    """How many objects of each type a column holds, where comparing them could run their own code; else {}."""
    dtype = valid.dtype
    if not (type_name(dtype) == "Object" or getattr(dtype, "kind", "") == "O") or not hasattr(valid, "to_list"):
        return {}
    if is_pandas(valid) and type_name(dtype) == "CategoricalDtype":  # compared by their codes
        return {}
    counts = collections.Counter(map(type, valid.to_list()))
    if all(map(is_plain, counts)):
        return {}
    return {class_name(kind): count for kind, count in counts.most_common(5)}


def _is_geometry(series: Any) -> bool:
    """Shapes of geopandas: comparing them would write each of them out."""
    return str(series.dtype) == "geometry"


def _is_heavy(valid: Any) -> bool:
    """Whether the values are texts so long that comparing some thousands of them takes seconds."""
    with contextlib.suppress(Exception):
        texts = [value for value in valid.head(50).to_list() if is_a(value, str, bytes)]
        return sum(len(value) for value in texts if is_plain(type(value))) > 2_000 * max(len(texts), 1)
    return False


def _nulls(series: Any) -> int:
    return int(series.isna().sum()) if is_pandas(series) else int(series.null_count())


def _is_numeric(series: Any) -> bool:
    """Whether the values are plain numbers or times, which are counted at a nanosecond or two each."""
    return is_pandas(series) and class_of(series.dtype).__module__.startswith("numpy") and series.dtype.kind in "iufmMb"


def _range(valid: Any) -> dict[str, Json]:
    """Smallest, largest and mean value; {} of what has no order."""
    if not len(valid):
        return {}
    if is_pandas(valid):
        kind = valid.dtype.kind if hasattr(valid.dtype, "kind") else "O"
        ordered, number = kind in "iufMm", kind in "iuf"
    else:
        number = valid.dtype.is_numeric()
        ordered = number or valid.dtype.is_temporal()
    if not ordered:
        return {}
    result: dict[str, Json] = {"min": stored_json(valid.min()), "max": stored_json(valid.max())}
    if number:
        result["mean"] = _rounded(valid.mean())
    return result


def _top(valid: Any, scale: float) -> dict[str, Json]:
    """The three most frequent values with their counts; {} where hardly any occurs twice."""
    if not len(valid):
        return {}
    if is_pandas(valid):
        counts = [(value, int(n)) for value, n in valid.value_counts().head(3).items()]
    else:
        counts = [(value, int(n)) for value, n in valid.value_counts(sort=True).head(3).rows()]
    return {cut_line(label(value), _TEXT): round(n * scale) for value, n in counts if n > 1 or len(valid) < 10}


def _rounded(value: Any) -> Json:
    number = stored_json(value.item() if hasattr(value, "item") else value)
    return float(f"{number:.6g}") if isinstance(number, float) else number


def _memory(value: Any) -> int:
    if not is_pandas(value):
        return int(value.estimated_size())
    used = value.memory_usage(deep=False)
    return int(used.sum() if hasattr(used, "sum") else used)


__all__ = ["describe_array", "describe_frame", "describe_series"]
