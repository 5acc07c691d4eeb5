"""Objects of many kinds: what is told of each, and what none of them makes us do.

Stand-ins are named in their tests: dask, ibis, torch, jax, pyarrow, xarray, scipy, geopandas, plotly, altair and
scikit-learn are not installed here, so classes with the names of theirs and the attributes that count take their place.
"""

from __future__ import annotations

import collections
import dataclasses
import enum
import io
import json
import os
import socket
import sqlite3
import time
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pydantic
import pytest

from copilot_widget.notebook.describe import describe, list_variables, summary
from copilot_widget.notebook.tools import look
from copilot_widget.tools.jsonable import to_json
from copilot_widget.tools.sensitive import without_secret_values


def told(value: Any, name: str = "x") -> Any:
    return json.loads(json.dumps(look(name, value, show=False).output, allow_nan=False))


def of_library(module: str, name: str, **members: Any) -> Any:
    """An object of a class as that library has it; whatever is not given raises when it is touched."""

    def forbidden(self: Any, *_arguments: Any) -> Any:
        raise AssertionError("computed")

    traps = dict.fromkeys(
        ("__repr__", "__len__", "__iter__", "__array__", "compute", "execute", "to_pandas"), forbidden
    )
    kind = type(name, (), {**traps, "__module__": module, **members})
    return kind()


# ---- nothing is computed -----------------------------------------------------------------------------------


def test_lazy_frames_of_polars_are_known_by_their_schema() -> None:
    def explode(_frame: pl.DataFrame) -> pl.DataFrame:
        raise AssertionError("computed")

    lazy = pl.DataFrame({"price": [1.0], "city": ["Rome"]}).lazy().map_batches(explode, schema={"price": pl.Float64})
    assert told(lazy)["columns"] == {"price": "Float64"}
    assert told(lazy)["note"] == "lazy: nothing was computed"
    assert "error" in told(pl.DataFrame({"a": [1]}).lazy().select("nothing"))["note"]
    assert summary(lazy) == "polars LazyFrame, not computed"
    assert to_json({"frames": [lazy]}) == {"frames": ["<polars LazyFrame, not computed>"]}


def test_tables_that_are_elsewhere_are_known_by_their_columns() -> None:
    """Stand-ins for dask, ibis, modin and a query of Django."""
    dask = of_library(
        "dask.dataframe", "DataFrame", columns=["a", "b"], dtypes={"a": "int64", "b": "string"}, npartitions=12
    )
    assert told(dask)["columns"] == {"a": "int64", "b": "string"}
    assert told(dask)["npartitions"] == "12"
    ibis = of_library("ibis.expr.types", "Table", schema=lambda self: "ibis.Schema { a int64 }")
    assert "a int64" in told(ibis)["schema"]
    assert told(of_library("modin.pandas", "DataFrame", columns=["a"]))["columns"] == ["a"]
    assert "nothing was computed" in told(of_library("django.db.models.query", "QuerySet", query=""))["note"]
    for each in (dask, ibis):
        assert "not computed" in summary(each)
        assert "not computed" in to_json([each])[0]


def test_tensors_are_not_copied_from_their_device() -> None:
    """Stand-ins for torch and jax."""
    tensor = of_library(
        "torch", "Tensor", shape=(2, 3), dtype="torch.float32", device="cuda:0", requires_grad=True, ndim=2
    )
    assert told(tensor) == {
        "name": "x", "type": "Tensor", "shape": [2, 3], "dtype": "torch.float32", "device": "cuda:0",
        "requires_grad": "True", "note": "no values were read",
    }  # fmt: skip
    parameter = type("Parameter", (type(tensor),), {"__module__": "torch.nn.parameter"})()
    assert told(parameter)["shape"] == [2, 3]
    array = of_library("jaxlib.xla_extension", "ArrayImpl", shape=(4,), dtype="float32", device=lambda self: "gpu:1")
    assert told(array)["device"] == "gpu:1"
    assert to_json({"weights": tensor}) == {"weights": "<torch Tensor, 2 × 3, torch.float32, cuda:0>"}


def test_other_tables_and_arrays() -> None:
    """Stand-ins for pyarrow, scipy.sparse and xarray."""
    schema = types.SimpleNamespace(names=["a"], types=["int64"])
    cut = types.SimpleNamespace(to_pylist=lambda: [{"a": 1}])
    table = of_library(
        "pyarrow.lib", "Table", schema=schema, num_rows=10**9, num_columns=1, nbytes=8 * 10**9,
        select=lambda self, _places: types.SimpleNamespace(slice=lambda _start, _count: cut),
    )  # fmt: skip
    assert told(table)["columns"] == {"a": "int64"}
    assert (told(table)["shape"], told(table)["sample"]) == ([10**9, 1], [{"a": 1}])
    sparse = of_library("scipy.sparse._csr", "csr_matrix", shape=(10, 20), dtype="float64", format="csr", nnz=3)
    assert told(sparse)["stored values"] == 3
    variable = types.SimpleNamespace(dtype="float32", dims=("time", "lat"))
    dataset = of_library(
        "xarray.core.dataset", "Dataset", sizes={"time": 10}, data_vars={"t2m": variable}, coords={"time": 0}, attrs={},
        dims={"time": 10},
    )  # fmt: skip
    assert told(dataset)["variables"] == {"t2m": "float32 (time, lat)"}
    assert told(dataset)["coordinates"] == ["time"]


def test_what_can_be_read_once_is_not_read() -> None:
    async def coroutine() -> int:
        return 1

    def generator() -> Iterator[int]:
        yield from (1, 2, 3)

    class Mine:
        def __iter__(self) -> Any:
            return self

        def __next__(self) -> int:
            raise AssertionError("read")

    values, waiting = generator(), coroutine()
    assert told(values)["function"] == "generator"
    assert told(values)["state"] == "GEN_CREATED"
    assert told(waiting)["function"] == "coroutine"
    for each in (iter([1, 2]), map(str, [1]), zip([1], [2], strict=True), Mine()):
        assert "read once" in told(each)["note"]
    to_json({"g": values, "m": Mine()})
    summary(values)
    assert list(values) == [1, 2, 3]
    waiting.close()


def test_files_sockets_and_connections_are_named(tmp_path: Any) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\n")
    with path.open() as stream:
        assert told(stream)["name"] == str(path)
        assert told(stream)["mode"] == "r"
        assert stream.read() == "one\ntwo\n"
    assert "not read" in told(io.BytesIO(b"abc"))["note"]
    with socket.socket() as connection:
        assert "socket" in told(connection)["repr"]
    database = sqlite3.connect(":memory:")
    assert "sqlite3.Connection" in told(database)["repr"]
    database.close()


# ---- the user's own ----------------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = 1
    BLUE = "b"


@dataclasses.dataclass
class Account:
    owner: str
    password: str
    lines: list[int] = dataclasses.field(default_factory=list)

    @property
    def total(self) -> int:
        raise AssertionError("computed")

    def close(self) -> None: ...


@dataclasses.dataclass(slots=True)
class Slotted:
    a: int
    b: str = "x"


class Settings(pydantic.BaseModel):
    host: str
    key: pydantic.SecretStr

    @pydantic.computed_field
    @property
    def address(self) -> str:
        raise AssertionError("computed")


Point = collections.namedtuple("Point", "x y")


def test_records_show_their_fields() -> None:
    account = told(Account("Ann", "hunter2", [1, 2]))
    assert account["fields"] == {"owner": "Ann", "password": "hidden: its name says it is a secret", "lines": [1, 2]}
    assert account["methods"] == ["close"]
    assert told(Slotted(1))["fields"] == {"a": 1, "b": "x"}
    settings = told(Settings(host="h", key=pydantic.SecretStr("hunter2")))
    assert settings["fields"]["host"] == "h"
    assert "hunter2" not in json.dumps(settings)
    assert told(Point(1, "b"))["value"] == {"x": 1, "y": "b"}
    assert told(Colour.RED)["members"] == ["RED", "BLUE"]
    assert told(Colour)["members"] == {"RED": 1, "BLUE": "b"}


def test_figures_and_estimators() -> None:
    """Stand-ins for plotly, altair and scikit-learn."""
    figure = of_library("plotly.graph_objs._figure", "Figure")
    figure._data = [{"type": "scatter", "mode": "lines", "name": "sales", "x": [0] * 10**6}]
    figure._layout = {"title": {"text": "Sales"}}
    assert told(figure)["traces"] == [{"type": "scatter", "mode": "lines", "name": "sales"}]
    chart = of_library("altair.vegalite.v5.api", "Chart")
    chart._kwds = {"data": object(), "mark": "bar", "encoding": {"x": "city"}}
    assert told(chart)["chart"] == {"mark": "'bar'", "encoding": "{'x': 'city'}"}

    def init(self: Any, alpha: float = 1.0) -> None:
        self.alpha, self.coef_ = alpha, np.zeros(3)

    fit = of_library("sklearn.linear_model", "Ridge", __init__=init, get_params=None, fit=None)
    assert told(fit)["parameters"] == {"alpha": 1.0}
    assert told(fit)["fitted"] == {"coef_": "ndarray: 3, float64"}


# ---- secrets -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["api_key", "OPENAI_API_KEY", "password", "db_password", "secret", "auth_token"])
def test_what_is_named_a_secret_is_hidden(name: str) -> None:
    for value in ("hunter22xyz", b"hunter22xyz"):
        assert "hunter" not in json.dumps(told(value, name))
        assert "hunter" not in json.dumps(list_variables({name: value}))
    assert "hunter" not in json.dumps(told({"config": {name: "hunter22xyz", "n": 1}}))
    frame = pd.DataFrame({name: ["hunter22xyz"] * 3, "n": [1, 2, 3]})
    assert "hunter" not in json.dumps(told(frame))


_ENVIRONMENT = {
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY01",
    "MISTRAL_API_KEY": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "ORDINARY": "hunter22xyz",
}


def test_the_environment_is_described_by_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    found = told(os.environ)
    assert set(_ENVIRONMENT) <= set(found["names"])
    assert not any(value in json.dumps(found) for value in _ENVIRONMENT.values())


@pytest.mark.parametrize("keys", [str, str.encode])
def test_keys_of_bytes_and_reprs_hide_their_secrets_too(keys: Any) -> None:
    class Held:
        def __init__(self, held: Any) -> None:
            self._held = held

        def __repr__(self) -> str:
            return f"environ({self._held!r})"

    held = {keys(name): keys(value) for name, value in _ENVIRONMENT.items()}
    for value in (held, [held], Held(held), [Held(held)], {"nested": Held(held)}):
        text = json.dumps(told(value)) + json.dumps(list_variables({"x": value}))
        assert "wJalrXUtn" not in text
        assert "0a1b2c3d" not in text
    assert "hunter22xyz" in json.dumps(told(held))
    assert "hunter22xyz" in json.dumps(told(Held(held)))


def test_a_long_text_of_names_is_read_in_no_time() -> None:
    started = time.perf_counter()
    for text in ("key" * 200_000, "a:'" * 100_000, "api_key:'" * 50_000, "token = 'x\\" * 50_000):
        without_secret_values(text)
    assert time.perf_counter() - started < 10


def test_what_looks_like_a_key_is_blanked_and_words_are_not() -> None:
    for value in ("sk-abcdefghijklmnop1234", ["x", "ghp_abcdefghij1234567890"], "postgres://ann:hunter22@host/db"):
        text = json.dumps(told(value)) + json.dumps(list_variables({"x": value}))
        assert "abcdefghij" not in text
        assert "hunter22" not in text
    assert told(pd.DataFrame({"token": ["the", "cat", "sat"]}))["sample"][0] == {"token": "the"}
    assert told(["the", "cat"], "tokens")["value"] == ["the", "cat"]
    assert told(5, "max_tokens")["value"] == 5
    assert "hidden" in told("abc12345", "cfg['api_key']")["value"]


# ---- bad objects -------------------------------------------------------------------------------------------


class Everything:
    """Answers to every attribute."""

    def __getattr__(self, name: str) -> Any:
        return Everything()


class Rejects:
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


class Ambush(dict[str, int]):
    def items(self) -> Any:
        raise AssertionError("items ran")

    keys = values = __iter__ = __len__ = __getitem__ = __contains__ = items  # type: ignore[assignment]


class Liar:
    @property
    def __class__(self) -> Any:  # type: ignore[override]
        raise AssertionError("__class__ was read")


class MadeUp:
    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise AssertionError("__dict__ was read")


class Huge:
    def __repr__(self) -> str:
        return "r" * 1_000_000_000


def test_bad_objects_are_described_all_the_same() -> None:
    import matplotlib.figure  # noqa: F401 - types that such an object must be told from
    import PIL.Image  # noqa: F401

    assert told(Everything())["type"] == "Everything"
    assert told(Rejects())["type"] == "Rejects"
    assert told(Ambush(a=1))["value"] == {"a": 1}
    assert summary(Ambush(a=1)) == "1 key: 'a'"
    assert to_json({"d": Ambush(a=1)}) == {"d": {"a": 1}}
    for liar in (Liar(), MadeUp()):
        assert told(liar)["type"] == type(liar).__name__
        assert "could not be" not in summary(liar)
    own: dict[str, Any] = {"n": 1}
    own["self"] = own
    assert told(own)["value"] == {"n": 1, "self": "<the same dict again>"}
    assert told("a\ud800b")["value"] == "a?b"
    assert told({"a\ud800": ["\udfff"]})["value"] == {"a?": ["?"]}


def test_a_repr_of_a_gigabyte_is_cut() -> None:
    assert len(json.dumps(told(Huge()))) < 3_000


def test_a_repr_that_waits_in_c_is_given_up() -> None:
    class Waits:
        def __repr__(self) -> str:
            time.sleep(60)  # in C: no exception reaches it
            return ""

    begun = time.monotonic()
    assert "took it longer" in json.dumps(look("x", Waits(), seconds=0.2).output)
    assert time.monotonic() - begun < 2


def test_odd_frames() -> None:
    wide = pd.DataFrame(np.zeros((3, 10_000)))
    assert "only the first 50 of 10,000 columns" in told(wide)["note"]
    doubled = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert [column["name"] for column in told(doubled)["columns"]] == ["a", "a.1"]
    levels = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("b", "y")]))
    assert [column["name"] for column in told(levels)["columns"]] == ["('a', 'x')", "('b', 'y')"]
    long = pd.DataFrame({"text": [f"{n}" + "x" * 1_000_000 for n in range(300)]})
    begun = time.monotonic()
    result = told(long)
    assert "columns" in result
    assert len(json.dumps(result)) < 10_000
    assert time.monotonic() - begun < 2
    assert "unique" not in result["columns"][0]


def test_geometry_is_counted_only() -> None:  # noqa: C901
    """A stand-in for geopandas: an extension column whose values must not be compared."""

    class Shape:
        def __hash__(self) -> int:
            raise AssertionError("compared")

        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

        def __repr__(self) -> str:
            return "<POINT (1 2)>"

    class Geometry(pd.api.extensions.ExtensionDtype):
        name = "geometry"
        type = Shape

        @classmethod
        def construct_array_type(cls) -> Any:
            return Shapes

    class Shapes(pd.api.extensions.ExtensionArray):
        def __init__(self, shapes: list[Any]) -> None:
            self.shapes = shapes

        dtype = Geometry()
        nbytes = 8

        def __len__(self) -> int:
            return len(self.shapes)

        def __getitem__(self, key: Any) -> Any:
            if isinstance(key, (int, np.integer)):
                return self.shapes[key]
            return Shapes(list(np.array(self.shapes, dtype=object)[key]))

        def isna(self) -> Any:
            return np.array([shape is None for shape in self.shapes])

        def copy(self) -> Any:
            return Shapes(self.shapes)

        def take(self, indices: Any, *, allow_fill: bool = False, fill_value: Any = None) -> Any:
            return Shapes([self.shapes[n] for n in indices])

        @classmethod
        def _from_sequence(cls, scalars: Any, *, dtype: Any = None, copy: bool = False) -> Any:
            return cls(list(scalars))

    frame = pd.DataFrame({"geometry": Shapes([Shape(), None, Shape()])})
    result = told(frame)
    assert result["columns"] == [{"name": "geometry", "dtype": "geometry", "nulls": 1}]
    assert result["sample"][0] == {"geometry": "<POINT (1 2)>"}


def test_describe_is_what_look_shows() -> None:
    assert describe("n", 3) == {"name": "n", "type": "int", "value": 3}
