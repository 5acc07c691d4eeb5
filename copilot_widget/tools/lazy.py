"""Objects that must not be looked into: reading them would compute, fetch, copy from a device, or use them up.

They are told by their type alone: the library that it comes from, and what its class offers.
"""

from __future__ import annotations

import inspect
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

from .kinds import MISSING, class_name, defined, has, is_a, module_of, mro_of, type_name

_DEVICE_ARRAYS = {"torch": "Tensor", "tensorflow": "Tensor", "jax": "Array", "jaxlib": "Array", "cupy": "ndarray"}
"""Where a library's arrays may lie on a device, the word that their classes' names have."""
_COMPUTED = {"dask", "dask_expr", "ibis", "modin", "pyspark", "django", "duckdb", "vaex", "ray", "xarray", "datasets"}
_KNOWN = {*_DEVICE_ARRAYS, *_COMPUTED, "polars"}


def library_of(value: Any) -> str:
    """The top-level package of what a value is an object of: of its class, or of the first of its class's bases that is
    of a library known here."""
    for kind in mro_of(type(value)):
        library = module_of(kind).partition(".")[0]
        if library in _KNOWN:
            return library
    return module_of(type(value)).partition(".")[0]


def is_device_array(value: Any) -> bool:
    """Whether it is an array of a library that keeps arrays on devices."""
    word = _DEVICE_ARRAYS.get(library_of(value))
    return word is not None and any(word in class_name(kind) for kind in mro_of(type(value))) and has(value, "shape")


def is_computed(value: Any) -> bool:
    """Whether its content is yet to be computed or fetched: a lazy table, a query, a delayed value."""
    library = library_of(value)
    if library == "polars":
        return any(class_name(kind) in ("LazyFrame", "LazyGroupBy", "Expr") for kind in mro_of(type(value)))
    if has(value, "__dask_graph__"):
        return True
    return library in _COMPUTED and has(value, "columns", "schema", "query", "dims", "compute")


def is_once(value: Any) -> bool:
    """Whether it can be read once only: a generator, a coroutine, an iterator."""
    return is_a(value, GeneratorType, CoroutineType, AsyncGeneratorType) or has(value, "__next__", "__anext__")


def words_for(value: Any) -> str | None:
    """A few words in place of what must not be looked into; None where there is no reason not to."""
    name = type_name(value)
    if is_device_array(value):
        shape = " × ".join(f"{size:,}" for size in shape_of(value)) or "scalar"
        return f"<{library_of(value)} {name}, {shape}, {attribute(value, 'dtype')}, {attribute(value, 'device')}>"
    if is_computed(value):
        return f"<{library_of(value)} {name}, not computed>"
    return f"<{name}, not consumed>" if is_once(value) and not _is_file(value) else None


def shape_of(value: Any) -> list[int]:
    """Sizes of an array's axes; an unknown one is -1."""
    return [size if type(size) is int else -1 for size in list(_read(value, "shape"))[:32]]


def attribute(value: Any, name: str) -> str:
    """An attribute of a library's object as text, "" where it has none."""
    try:
        found = _read(value, name)
        return str(found() if inspect.ismethod(found) or inspect.isbuiltin(found) else found)[:200]
    except Exception:
        return ""


def _read(value: Any, name: str) -> Any:
    """What the library's own class says, whatever a class of the user's, derived from it, makes of it."""
    if module_of(type(value)).partition(".")[0] in _KNOWN:
        return getattr(value, name, "")
    kind = next(each for each in mro_of(type(value)) if module_of(each).partition(".")[0] in _KNOWN)
    found = defined(kind, name)
    if found is MISSING:
        return ""
    return found.__get__(value) if has(found, "__get__") else found


def _is_file(value: Any) -> bool:
    return has(value, "fileno")


__all__ = ["attribute", "is_computed", "is_device_array", "is_once", "library_of", "shape_of", "words_for"]
