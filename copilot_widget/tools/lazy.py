"""Objects that must not be looked into: reading them would compute, fetch, copy from a device, or use them up.

They are told by their type alone: the library that it comes from, and what its class offers.
"""

from __future__ import annotations

import inspect
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

from .jsonable import class_of, is_a

_DEVICE_ARRAYS = {"torch": "Tensor", "tensorflow": "Tensor", "jax": "Array", "jaxlib": "Array", "cupy": "ndarray"}
"""Where a library's arrays may lie on a device, the word that their classes' names have."""
_COMPUTED = {"dask", "dask_expr", "ibis", "modin", "pyspark", "django", "duckdb", "vaex", "ray", "xarray", "datasets"}


def library_of(value: Any) -> str:
    """The top-level package that a value's class comes from."""
    module: object = class_of(value).__module__
    return module.partition(".")[0] if isinstance(module, str) else ""


def is_device_array(value: Any) -> bool:
    """Whether it is an array of a library that keeps arrays on devices."""
    word = _DEVICE_ARRAYS.get(library_of(value))
    return word is not None and any(word in kind.__name__ for kind in type(value).__mro__) and _has(value, "shape")


def is_computed(value: Any) -> bool:
    """Whether its content is yet to be computed or fetched: a lazy table, a query, a delayed value."""
    library = library_of(value)
    if library == "polars":
        return class_of(value).__name__ in ("LazyFrame", "LazyGroupBy", "Expr")
    if _has(value, "__dask_graph__"):
        return True
    return library in _COMPUTED and any(_has(value, name) for name in ("columns", "schema", "query", "dims", "compute"))


def is_once(value: Any) -> bool:
    """Whether it can be read once only: a generator, a coroutine, an iterator."""
    return is_a(value, GeneratorType, CoroutineType, AsyncGeneratorType) or _has(value, "__next__", "__anext__")


def words_for(value: Any) -> str | None:
    """A few words in place of what must not be looked into; None where there is no reason not to."""
    name = class_of(value).__qualname__
    if is_device_array(value):
        shape = " × ".join(f"{size:,}" for size in shape_of(value)) or "scalar"
        return f"<{library_of(value)} {name}, {shape}, {attribute(value, 'dtype')}, {attribute(value, 'device')}>"
    if is_computed(value):
        return f"<{library_of(value)} {name}, not computed>"
    return f"<{name}, not consumed>" if is_once(value) and not _is_file(value) else None


def shape_of(value: Any) -> list[int]:
    """Sizes of an array's axes; an unknown one is -1."""
    return [size if isinstance(size, int) else -1 for size in list(value.shape)[:32]]


def attribute(value: Any, name: str) -> str:
    """An attribute of a library's object as text, "" where it has none."""
    try:
        found = getattr(value, name, "")
        return str(found() if inspect.ismethod(found) or inspect.isbuiltin(found) else found)[:200]
    except Exception:
        return ""


def _has(value: Any, *names: str) -> bool:
    """Whether its class defines one of the names; nothing of the object runs."""
    return any(name in vars(kind) for kind in type(value).__mro__ for name in names)


def _is_file(value: Any) -> bool:
    return _has(value, "fileno")


__all__ = ["attribute", "is_computed", "is_device_array", "is_once", "library_of", "shape_of", "words_for"]
