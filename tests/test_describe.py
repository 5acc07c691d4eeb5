"""Variables, paths and errors in words; whatever objects do."""

from __future__ import annotations

import builtins
import dataclasses
import json
import sys
import threading
import time
import types
from typing import Any

import numpy as np
import pandas as pd
import pytest

from copilot_widget.errors import UsageError
from copilot_widget.notebook.describe import describe, list_variables, summary
from copilot_widget.notebook.failure import describe_exception
from copilot_widget.notebook.paths import resolve
from copilot_widget.notebook.tools import describe_last_error, look


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value, allow_nan=False))


# ---- the list ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (3, "3"),
        (10**400, "1,329 bits"),
        (None, "None"),
        ("word", "'word'"),
        ("x" * 200, "'" + "x" * 50 + "' (200 long)"),
        ([], "empty"),
        ([1, 2, 3], "3 items: 1, 2, 3"),
        ([{}, [], 1, 2, 3], "5 items: dict, list, int, …"),
        ({"a": 1, "b": 2}, "2 keys: 'a', 'b'"),
        (np.zeros((3, 4)), "3 × 4, float64"),
        (np.float64(1.5), "1.5"),
        (pd.DataFrame({"a": [1], "b": [2]}), "1 × 2: a, b"),
        (pd.Series([1, 2], name="s"), "2 × int64, s"),
        (len, "len(obj, /)"),
        (ValueError, "class ValueError(Exception)"),
    ],
)
def test_one_line_each(value: Any, line: str) -> None:
    assert summary(value) == line


def test_the_list_has_the_users_names_only() -> None:
    hidden = {"display": print, "exit": 1}
    namespace = {
        "__name__": "__main__", "_": 1, "_i3": "x", "In": [], "Out": {}, "exit": 1, "display": print,
        "df": pd.DataFrame({"a": [1]}), "np": np, "sys": sys, "n": 3,
    }  # fmt: skip
    assert list_variables(namespace, hidden) == [
        {"name": "df", "type": "DataFrame", "summary": "1 × 1: a"},
        {"name": "n", "type": "int", "summary": "3"},
        {"name": "np, sys", "type": "module", "summary": "imported: np = numpy, sys"},
    ]
    namespace["display"] = 5  # the user's own now
    assert "display" in [entry["name"] for entry in list_variables(namespace, hidden)]


def test_listing_runs_no_code_of_the_objects() -> None:
    touched: list[str] = []

    class Trap:
        def __getattr__(self, name: str) -> Any:
            touched.append(name)
            raise RuntimeError

        def __repr__(self) -> str:
            touched.append("repr")
            return ""

        def __len__(self) -> int:
            touched.append("len")
            return 0

        def __bool__(self) -> bool:
            touched.append("bool")
            return False

    assert list_variables({"t": Trap()})[0]["type"].endswith("Trap")
    assert touched == []


def test_the_list_can_be_made_while_a_cell_defines_names() -> None:
    namespace: dict[str, Any] = {}
    stop = threading.Event()

    def define() -> None:
        n = 0
        while not stop.is_set():
            namespace[f"v{n}"] = n
            n += 1
            if n % 1_000 == 0:
                namespace.clear()

    thread = threading.Thread(target=define)
    thread.start()
    try:
        for _ in range(200):
            list_variables(namespace)
    finally:
        stop.set()
        thread.join()


# ---- a closer look -------------------------------------------------------------------------------------


def test_a_table_in_figures() -> None:
    frame = pd.DataFrame(
        {
            "price": [1.0, 2.0, None, 3.0],
            "city": ["Rome", "Rome", "Oslo", None],
            "when": pd.to_datetime(["2026-01-01", "2026-01-02", None, "2026-01-04"]),
            "ok": [True, False, True, True],
            "mixed": [1, "a", [1], None],
        }
    )
    result = as_json(describe("df", frame))
    assert (result["name"], result["type"], result["shape"]) == ("df", "DataFrame", [4, 5])
    price, city, when, ok, mixed = result["columns"]
    assert price == {
        "name": "price", "dtype": "float64", "nulls": 1, "unique": 3, "min": 1.0, "max": 3.0, "mean": 2.0
    }  # fmt: skip
    assert city["nulls"] == 1
    assert city["top"] == {"Rome": 2, "Oslo": 1}
    assert (when["min"], when["max"]) == ("2026-01-01T00:00:00", "2026-01-04T00:00:00")
    assert ok["top"] == {"True": 3, "False": 1}
    assert mixed["nulls"] == 1
    assert "unique" not in mixed
    assert result["sample"][0] == {
        "price": 1.0, "city": "Rome", "when": "2026-01-01T00:00:00", "ok": True, "mixed": 1
    }  # fmt: skip
    assert result["memory"].endswith(" bytes")
    assert "note" not in result


def test_a_large_table_is_sampled_and_says_so() -> None:
    rows = 2_000_000
    frame = pd.DataFrame({"a": np.arange(rows), "b": np.where(np.arange(rows) % 2, np.nan, 1.0), "c": "x"})
    result = as_json(describe("df", frame))
    assert result["shape"] == [rows, 3]
    assert "every 209th of 2,000,000 rows" in result["note"]
    a, b, c = result["columns"]
    assert a["nulls"] == 0
    assert 0.99 * rows < a["max"] < rows
    assert b["nulls"] == pytest.approx(rows / 2, rel=0.01)
    assert c["top"] == {"x": rows}
    assert set(a["estimated"]) == {"nulls", "unique", "min", "max", "mean"}
    assert result["sample"][1]["a"] == 1


def test_numbers_of_a_middling_table_are_exact() -> None:
    values = np.zeros(1_000_000)
    values[[3, 5]] = np.nan, 77
    result = as_json(describe("df", pd.DataFrame({"a": values, "s": "word"})))
    a, s = result["columns"]
    assert (a["nulls"], a["max"]) == (1, 77.0)
    assert a["estimated"] == ["unique"]
    assert "nulls" in s["estimated"]


def test_a_wide_table_is_described_in_part() -> None:
    result = as_json(describe("df", pd.DataFrame(np.zeros((10, 5_000)))))
    assert len(result["columns"]) == 50
    assert result["note"] == "only the first 50 of 5,000 columns are described"
    assert len(json.dumps(result)) < 20_000


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame({"a": []}),
        pd.DataFrame(index=[1, 2]),
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("x", 1), ("x", 2)])),
        pd.DataFrame({"c": pd.Categorical(["u", "v", None])}),
        pd.DataFrame({"i": pd.array([1, None], dtype="Int64")}),
        pd.DataFrame({"o": [object(), object()]}),
        pd.DataFrame({"l": [[1], {2: 3}]}),
        pd.DataFrame({1: [1], None: [2], (1, 2): [3]}),
        pd.DataFrame({"t": pd.to_timedelta(["1h", None])}),
        pd.DataFrame({"z": pd.to_datetime(["2026-01-01"]).tz_localize("UTC")}),
        pd.DataFrame({"x": [np.inf, -np.inf, np.nan]}),
        pd.DataFrame({"p": pd.period_range("2026", periods=2, freq="M")}),
        pd.DataFrame({"k": [1 + 2j]}),
    ],
)
def test_odd_tables(frame: pd.DataFrame) -> None:
    result = as_json(describe("df", frame))
    assert result["shape"] == list(frame.shape)
    assert len(result["columns"]) == frame.shape[1]
    assert len(result["sample"]) == min(len(frame), 5)
    for place in range(frame.shape[1]):
        as_json(describe("s", frame.iloc[:, place]))


def test_polars_tables() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": [1, None, 3], "b": ["x", "x", "y"]})
    result = as_json(describe("df", frame))
    assert result["columns"][0] == {
        "name": "a",
        "dtype": "Int64",
        "nulls": 1,
        "unique": 2,
        "min": 1,
        "max": 3,
        "mean": 2.0,
    }
    assert result["columns"][1]["top"] == {"x": 2, "y": 1}
    assert result["sample"][1] == {"a": None, "b": "x"}
    assert as_json(describe("s", frame["a"]))["nulls"] == 1
    assert resolve("df.a", {"df": frame}) is not None


def test_arrays() -> None:
    result = as_json(describe("a", np.array([[1.0, np.nan], [3.0, 4.0]])))
    assert result["shape"] == [2, 2]
    assert (result["nan"], result["min"], result["max"]) == (1, 1.0, 4.0)
    assert result["sample"] == [[1.0, None], [3.0, 4.0]] or result["sample"] == [[1.0, "NaN"], [3.0, 4.0]]
    for array in (
        np.array(5),
        np.array([]),
        np.array(["a"]),
        np.array([object()]),
        np.zeros((0, 3)),
        np.zeros((2,) * 10),
    ):
        as_json(describe("a", array))
    big = as_json(describe("a", np.zeros((4_000, 1_000, 2), dtype=np.int8)))
    assert "of 8,000,000 values" in big["note"]


def test_functions_and_classes_show_their_source() -> None:
    def area(width: float, height: float = 1.0) -> float:
        """Of a rectangle."""
        return width * height

    result = as_json(describe("area", area))
    assert result["type"] == "function"
    assert "area(width: 'float', height: 'float' = 1.0)" in result["signature"]
    assert "return width * height" in result["source"]
    kind = as_json(describe("Point", Point))
    assert kind["type"] == "class"
    assert kind["bases"] == ["Base"]
    assert any(method.startswith("length(self)") for method in kind["methods"])
    assert as_json(describe("len", len))["doc"]
    module = as_json(describe("json", json))
    assert module["type"] == "module"
    assert "dumps" in module["names"]


class Base: ...


@dataclasses.dataclass
class Point(Base):
    x: int
    y: int = 2

    def length(self) -> float:
        return (self.x**2 + self.y**2) ** 0.5


def test_objects_show_what_they_hold() -> None:
    result = as_json(describe("p", Point(1)))
    assert result["type"] == "Point"
    assert result["fields"] == {"x": 1, "y": 2}

    class Described:
        def _ai_repr_(self) -> str:
            return "in its own words"

    assert as_json(describe("d", Described()))["description"] == "in its own words"


@pytest.mark.parametrize("value", [1, 1.5, None, True, "text", b"bytes", [1, [2]], (1,), {1}, {"a": {"b": 1}}])
def test_plain_values(value: Any) -> None:
    assert "value" in as_json(describe("v", value))


def test_huge_plain_values_are_cut() -> None:
    for value in ("x" * 50_000_000, ["y" * 1_000] * 100_000, dict.fromkeys(range(100_000), "z" * 100)):
        assert len(json.dumps(describe("v", value))) < 6_000


class Slow:
    def __repr__(self) -> str:
        time.sleep(30)
        return "late"


class Endless:
    def __repr__(self) -> str:
        while True:
            pass


class Raises:
    def __repr__(self) -> str:
        raise ValueError("no repr")


class Long:
    def __repr__(self) -> str:
        return "r" * 50_000_000


class Liar:
    @property
    def __class__(self) -> Any:  # type: ignore[override]
        return pd.DataFrame


@pytest.mark.parametrize("kind", [Slow, Endless])
def test_a_repr_that_does_not_end_is_given_up(kind: type[Any]) -> None:
    result = as_json(look("x", kind(), seconds=0.3).output)
    assert result == {"name": "x", "type": kind.__name__, "note": "describing itself took it longer than 0.3 s"}


def test_faulty_objects_are_described_all_the_same() -> None:
    assert "raised ValueError" in as_json(describe("x", Raises()))["repr"]
    assert len(json.dumps(describe("x", Long()))) < 5_000
    assert summary(Liar())
    assert as_json(look("x", Liar()).output)["name"] == "x"


# ---- paths ---------------------------------------------------------------------------------------------


class Traps:
    plain = 5

    def __init__(self) -> None:
        self.own = {"k": [1, 2, 3]}

    @property
    def computed(self) -> int:
        raise AssertionError("ran")

    def __getattr__(self, name: str) -> Any:
        raise AssertionError("ran")

    def __getitem__(self, key: Any) -> Any:
        raise AssertionError("ran")


class Slots:
    __slots__ = ("a", "b")

    def __init__(self) -> None:
        self.a = 1


NAMESPACE: dict[str, Any] = {
    "df": pd.DataFrame({"price": [1, 2], "unit cost": [3, 4]}),
    "cfg": {"a": {"b": [10, 20]}, 1: "one"},
    "t": Traps(),
    "s": Slots(),
    "np": np,
    "arr": np.arange(6).reshape(2, 3),
    "lst": ["x", "y"],
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("cfg['a']['b'][1]", 20),
        ("cfg[1]", "one"),
        ("lst[-1]", "y"),
        ("lst[0:1]", ["x"]),
        ("t.own", {"k": [1, 2, 3]}),
        ("t.own['k'][0]", 1),
        ("t.plain", 5),
        ("s.a", 1),
        ("np.pi", np.pi),
        ("df.shape", (2, 2)),
        ("arr[1]", [3, 4, 5]),
        (" df . price ", [1, 2]),
        ('df["unit cost"]', [3, 4]),
    ],
)
def test_paths(path: str, value: Any) -> None:
    found = resolve(path, NAMESPACE)
    assert (found.tolist() if hasattr(found, "tolist") else found) == value


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("dff", "no variable dff. Did you mean df?"),
        ("DF", "Did you mean df?"),
        ("df.prise", "df has no attribute prise"),
        ("df['prise']", "df has no item 'prise'. Did you mean price?"),
        ("t.computed", "computed when it is read"),
        ("t.nothing", "has no attribute nothing"),
        ("t['x']", "may run its code"),
        ("s.b", "has no value yet"),
        ("lst[5]", "It has 2 items."),
        ("f(1)", "not a variable"),
        ("df[x]", "only a constant"),
        ("__import__('os').system('true')", "not a variable"),
        ("df.", "not a variable"),
        ("", "not a variable"),
        ("(" * 10_000, "not a variable"),
    ],
)
def test_paths_that_are_none(path: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(path, NAMESPACE)
    assert said in str(caught.value)


# ---- errors --------------------------------------------------------------------------------------------


def caught(function: Any) -> BaseException:
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError


def test_a_traceback_shows_the_users_frames_with_their_source() -> None:
    def inner(mapping: dict[str, int]) -> int:
        return mapping["missing"]

    failure = describe_exception(caught(lambda: inner({})))
    assert (failure.type, failure.message) == ("KeyError", "'missing'")
    assert failure.code == 'return mapping["missing"]'
    assert "→" in failure.traceback
    assert failure.traceback.endswith("KeyError: 'missing'")


def test_frames_of_libraries_are_one_line() -> None:
    failure = describe_exception(caught(parse_nothing))
    assert "3 frames in libraries, last json.decoder.raw_decode" in failure.traceback
    assert "scan_once" not in failure.traceback
    assert failure.code is not None
    assert "json.loads" in failure.code


def parse_nothing() -> None:
    json.loads("{")


def test_causes_are_told() -> None:
    def chained() -> None:
        try:
            _ = 1 / 0
        except ZeroDivisionError as error:
            raise ValueError("bad input") from error

    failure = describe_exception(caught(chained))
    assert failure.type == "ValueError"
    assert "ZeroDivisionError: division by zero" in failure.traceback
    assert "was raised from this one" in failure.traceback


def test_odd_exceptions() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert (
        describe_exception(caught(lambda: (_ for _ in ()).throw(MuteError()))).message
        == "(its message could not be read)"
    )
    assert len(describe_exception(ValueError("x" * 10_000_000)).traceback) < 10_000

    def deep(n: int) -> int:
        return deep(n + 1)

    assert len(describe_exception(caught(lambda: deep(0))).traceback) < 10_000
    error = caught(lambda: compile("x = (1,", "<cell>", "exec"))
    assert describe_exception(error).type == "SyntaxError"
    loop = ValueError("a")
    loop.__cause__ = loop
    assert "ValueError: a" in describe_exception(loop).traceback
    secret = describe_exception(ValueError("api_key=sk-abcdefghijklmnopqrst"))
    assert "abcdefghijklmnop" not in secret.traceback + secret.message


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with Python 3.11")
def test_exception_groups_show_their_members() -> None:
    kind: Any = vars(builtins)["ExceptionGroup"]
    group = kind("two failed", [ValueError("first"), KeyError("second")])
    text = describe_exception(group).traceback
    assert "ValueError: first" in text
    assert "KeyError: 'second'" in text


def test_modules_made_by_hand() -> None:
    made = types.ModuleType("made")
    made.x = 1  # type: ignore[attr-defined]
    assert as_json(describe("made", made))["names"] == ["x"]


# ---- the last error ------------------------------------------------------------------------------------


def last_error(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "last_exc", error, raising=False)
    return as_json(describe_last_error(None))


def test_locals_are_those_of_all_the_users_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(text: str, password: str) -> Any:
        depth = 3
        return json.loads(text), depth, password

    def load(rows: list[str]) -> list[Any]:
        frame = pd.DataFrame({"row": rows})
        return [parse(row, "hunter" + str(22)) for row in frame["row"]]

    result = last_error(caught(lambda: load(["{"])), monkeypatch)
    assert result["locals"]["text"] == "'{'"
    assert result["locals"]["depth"] == "3"
    assert "hunter22" not in json.dumps(result)
    callers = {each["in"].partition(",")[0]: each["locals"] for each in result["callers"]}
    assert list(callers)[-1] == "load"
    assert callers["load"]["frame"] == "DataFrame: 1 × 1: row"
    assert "raw_decode" not in callers

    def deep(n: int) -> int:
        return deep(n + 1)

    assert len(last_error(caught(lambda: deep(0)), monkeypatch)["callers"]) < 10


def test_errors_in_the_users_files_are_placed(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.py"
    path.write_text("def f(:\n    pass\n")
    with pytest.raises(SyntaxError) as raised:
        compile(path.read_text(), str(path), "exec")
    result = last_error(raised.value, monkeypatch)
    assert (result["type"], result["line"], result["column"], result["code"]) == ("SyntaxError", 1, 7, "def f(:")
    assert result["traceback"].endswith("mine.py, line 1:\ndef f(:\n      ^\nSyntaxError: invalid syntax (line 1)")
    names: dict[str, Any] = {}
    for version in ("one", "two"):  # an edited file shows as it is now
        path.write_text(f"def f():\n    {version} = 1\n    raise ValueError({version})\n")
        exec(compile(path.read_text(), str(path), "exec"), names)
        result = last_error(caught(names["f"]), monkeypatch)
        assert f"→   3     raise ValueError({version})" in result["traceback"]
        assert "mine.py, line 3, in f:" in result["traceback"]
        time.sleep(0.01)
