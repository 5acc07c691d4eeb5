"""Looking runs no code of what it looks at: one hostile object in each position, and what of it was called."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import importlib.util
import json
import re
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pydantic
import pytest

from copilot_widget.errors import UsageError
from copilot_widget.notebook.cell_text import history_text
from copilot_widget.notebook.completion import Surroundings, complete, complete_in_page
from copilot_widget.notebook.context import resolve_mentions
from copilot_widget.notebook.describe import describe, list_variables, summary
from copilot_widget.notebook.host import NotebookHost
from copilot_widget.notebook.paths import resolve
from copilot_widget.notebook.tools import look, variable_tools
from copilot_widget.tools.jsonable import to_json
from copilot_widget.tools.result import to_output
from copilot_widget.tools.stored import stored_json

armed = threading.Event()
touched: list[str] = []
"""What was called of a hostile object, since the test began."""

_DUNDERS = [
    "repr",
    "str",
    "bytes",
    "format",
    "hash",
    "bool",
    "len",
    "iter",
    "next",
    "contains",
    "getitem",
    "missing",
    "reversed",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "int",
    "float",
    "complex",
    "index",
    "abs",
    "neg",
    "pos",
    "add",
    "radd",
    "mul",
    "call",
    "get",
    "fspath",
    "array",
    "array_ufunc",
    "array_interface",
    "dir",
    "sizeof",
    "reduce",
    "reduce_ex",
    "copy",
    "deepcopy",
    "getstate",
    "length_hint",
    "enter",
    "exit",
    "dataframe",
    "arrow_c_stream",
]
_RICH = (
    "_repr_html_",
    "_repr_mimebundle_",
    "_repr_png_",
    "_repr_svg_",
    "_repr_json_",
    "_repr_pretty_",
    "_ipython_display_",
)
_OWN = frozenset({"__repr__", *_RICH})
"""What may be called under a time limit: how an object shows itself."""
_ASKED = (
    "dtype",
    "ndim",
    "shape",
    "columns",
    "items",
    "keys",
    "values",
    "isoformat",
    "item",
    "tolist",
    "model_dump",
    "name",
)


class HostileMeta(type):
    """Of its classes, too, nothing may be asked."""

    def __getattribute__(cls, name: str) -> Any:
        touched.append(f"class.{name}")
        return type.__getattribute__(cls, name)

    def __instancecheck__(cls, instance: Any) -> bool:
        touched.append("class.__instancecheck__")
        return False

    def __subclasscheck__(cls, subclass: Any) -> bool:
        touched.append("class.__subclasscheck__")
        return False


@contextlib.contextmanager
def arm() -> Iterator[None]:
    """From now on what is called is recorded."""
    touched.clear()
    armed.set()
    try:
        yield
    finally:
        armed.clear()


def recorder(name: str) -> Callable[..., Any]:
    def called(self: Any, *_arguments: Any, **_named: Any) -> Any:
        if not armed.is_set():  # whoever puts it in its place may ask
            if name == "__class__":
                return type(self)
            raise AttributeError(name) if name in ("__getattr__", *_ASKED) else TypeError(name)
        touched.append(name)
        raise RuntimeError(name)

    return called


def hostile_class(base: type = object, *, without: frozenset[str] = frozenset(), meta: type = type) -> Any:
    """A class whose every method, and every property, is recorded and raises."""
    names = {f"__{name}__" for name in _DUNDERS} | {"__getattr__", *_RICH}
    body: dict[str, Any] = {name: recorder(name) for name in names - without}
    body["__class__"] = property(recorder("__class__"))
    body.update({name: property(recorder(name)) for name in _ASKED})

    def read(self: Any, name: str) -> Any:
        if armed.is_set():
            touched.append(f"getattribute {name}")
        return object.__getattribute__(self, name)

    body["__getattribute__"] = read
    return meta("Hostile", (base,), {**body, "__module__": "__main__"})


def hostile() -> Any:
    return hostile_class()()


def hashable() -> Any:
    """One that can be a key: its hash is recorded once it is in place."""
    return hostile_class(without=frozenset({"__hash__", "__eq__"}))()


@dataclasses.dataclass
class Record:
    held: Any
    named: str = "x"


@dataclasses.dataclass(slots=True)
class Slotted:
    held: Any


class Settings(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    held: Any

    @pydantic.computed_field
    @property
    def total(self) -> int:
        touched.append("computed field")
        return 7


class AttrsLike:
    __attrs_attrs__ = (types.SimpleNamespace(name="held"),)

    def __init__(self, held: Any) -> None:
        self.held = held

    @property
    def total(self) -> int:
        raise AssertionError("read")


class Holder:
    def __init__(self, held: Any) -> None:
        self.held = held

    def __repr__(self) -> str:
        return "Holder()"


Pair = collections.namedtuple("Pair", "held other")


def with_default() -> Any:
    value = hostile()

    def function(a: int, b: Any = value) -> None: ...

    function.__annotations__["b"] = value
    return function


def frame_of(value: Any) -> pd.DataFrame:
    column = np.empty(3, dtype=object)
    column[0], column[1] = value, 1
    return pd.DataFrame({"n": [1, 2, 3], "held": column})


def labelled(value: Any) -> pd.DataFrame:
    frame = pd.DataFrame([[1, 2]])
    names = np.empty(2, dtype=object)
    names[0], names[1] = value, "b"
    frame.columns = pd.Index(names, dtype=object)
    return frame


def array_of(value: Any) -> Any:
    array = np.empty(2, dtype=object)
    array[0], array[1] = value, 1
    return array


def categories_of(value: Any) -> pd.DataFrame:
    names = np.empty(1, dtype=object)
    names[0] = value
    return pd.DataFrame({"kind": pd.Categorical.from_codes([0, 0, -1], pd.Index(names, dtype=object))})


def subclass(kind: type, value: Any) -> Any:
    """An object of a hostile class that is a number, a text or a container."""
    cls = hostile_class(kind)
    return kind.__new__(cls, value) if kind in (int, float, str, bytes, tuple, frozenset) else filled(kind, cls, value)


def filled(kind: Any, cls: Any, value: Any) -> Any:
    made = kind.__new__(cls)
    kind.__init__(made, value)
    return made


def array_subclass() -> Any:
    cls = hostile_class(np.ndarray, without=frozenset({"__array_interface__"}))
    return np.arange(3).view(cls)


class Table(pd.DataFrame):
    @property
    def columns(self) -> Any:
        touched.append("columns")
        raise RuntimeError

    @property
    def shape(self) -> Any:
        touched.append("shape")
        raise RuntimeError


def table_subclass() -> Any:
    made = Table.__new__(Table)
    general: Any = pd.DataFrame.__mro__[1]
    general.__init__(made, vars(pd.DataFrame({"a": [1, 2]}))["_mgr"])
    return made


class Loads(Mapping[str, int]):
    """Reads what it holds when it is asked."""

    def __getitem__(self, key: str) -> int:
        touched.append("getitem")
        return 1

    def __iter__(self) -> Iterator[str]:
        touched.append("iter")
        return iter("ab")

    def __len__(self) -> int:
        touched.append("len")
        return 2


def lazy_array() -> Any:
    """What h5py and zarr are like: a shape at hand, the values in a file."""
    body = {"dtype": "f8", "ndim": 1, "shape": (10**9,), "__len__": recorder("len"), "__getitem__": recorder("getitem")}
    return type("Dataset", (), {**body, "__module__": "h5py._hl.dataset"})()


def lazy_module() -> Any:
    spec = importlib.util.find_spec("this")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def od(value: Any) -> Any:
    return collections.OrderedDict([(value, 1), ("b", 2)])


WRAPS: dict[str, Callable[[Any], Any]] = {
    "": lambda made: made,
    " in a list": lambda made: [made],
    " as a value": lambda made: {"a": made},
}

POSITIONS: dict[str, Callable[[], Any]] = {
    "top": hostile,
    "metaclass": lambda: hostile_class(meta=HostileMeta)(),
    "list": lambda: [hostile(), 1],
    "metaclass in a list": lambda: [hostile_class(meta=HostileMeta)()],
    "tuple": lambda: (1, hostile()),
    "set": lambda: {hashable()},
    "deque": lambda: collections.deque([hostile()]),
    "key": lambda: {hashable(): 1},
    "key in a tuple": lambda: {(hashable(), 1): 2},
    "key of an OrderedDict": lambda: od(hashable()),
    "value": lambda: {"a": hostile(), "b": [hostile()]},
    "defaultdict": lambda: collections.defaultdict(list, {"a": hostile()}),
    "dataclass": lambda: Record(hostile()),
    "dataclass in a list": lambda: [Record(hostile())],
    "slots": lambda: [Slotted(hostile())],
    "namedtuple": lambda: Pair(hostile(), 1),
    "namedtuple in a dict": lambda: {"p": Pair(hostile(), 1)},
    "pydantic": lambda: Settings(held=hostile()),
    "pydantic in a list": lambda: [Settings(held=1)],
    "attrs": lambda: [AttrsLike(hostile())],
    "attribute": lambda: Holder(hostile()),
    "exception": lambda: ValueError(hostile()),
    "exception in a list": lambda: [ValueError(hostile())],
    "default of a function": with_default,
    "method": lambda: types.MethodType(with_default(), 1),
    "partial": lambda: __import__("functools").partial(print, hostile()),
    "column": lambda: frame_of(hostile()),
    "frame in a list": lambda: [frame_of(hostile())],
    "label": lambda: labelled(hashable()),
    "category": lambda: categories_of(hashable()),
    "series": lambda: frame_of(hostile())["held"],
    "array": lambda: array_of(hostile()),
    "array in a dict": lambda: {"a": array_of(hostile())},
    "scalar array": lambda: array_of(hostile())[:1].reshape(()),
    "polars": lambda: pl.DataFrame({"a": pl.Series([hostile(), None], dtype=pl.Object)}),
    "table": table_subclass,
    "table in a list": lambda: [table_subclass()],
    "array class": array_subclass,
    "array class in a list": lambda: [array_subclass()],
    "mapping": Loads,
    "mapping in a dict": lambda: {"d": Loads()},
    "lazy array": lazy_array,
    "lazy array in a dict": lambda: {"d": lazy_array()},
    "class": lambda: hostile_class(meta=HostileMeta),
    **{
        f"{kind.__name__}{where}": (lambda kind=kind, value=value, wrap=wrap: wrap(subclass(kind, value)))
        for kind, value in {
            int: 3, float: 1.5, str: "word", bytes: b"abc", list: [1], tuple: (1,), set: {1}, frozenset: {1},
            dict: {"a": 1}, collections.OrderedDict: {"a": 1}, bytearray: b"abc",
        }.items()
        for where, wrap in WRAPS.items()
    },
}  # fmt: skip


@pytest.fixture(params=list(POSITIONS))
def value(request: pytest.FixtureRequest) -> Iterator[Any]:
    made = POSITIONS[request.param]()
    with arm():
        yield made


def test_the_list_touches_nothing(value: Any) -> None:
    entry = list_variables({"x": value})[0]
    assert touched == []
    assert "could not be" not in str(entry["summary"])


def test_completion_touches_nothing(value: Any) -> None:
    around = Surroundings({"x": value, "held": {"in": value}})
    assert {"@x", "@held"} <= {item.text for item in complete("@", 1, around)}
    for text in (
        "@x.",
        "@x.he",
        '@x["',
        '@x["a',
        "@held.",
        '@held["in"].',
        '@held["in"]["',
        '@x["nothing"].',
        "@x.nothing.",
    ):
        complete_in_page(text, len(text), around)
    assert touched == []


def test_a_description_asks_for_a_repr_at_most(value: Any) -> None:
    described = json.dumps(describe("x", value), allow_nan=False)
    assert set(touched) <= {"__repr__"}
    touched.clear()
    within = json.dumps(describe("x", {"in": value, "and": [value]}), allow_nan=False)
    assert set(touched) <= {"__repr__"}
    assert "could not be" not in described + within


def test_a_mention_asks_for_a_repr_at_most(value: Any) -> None:
    mentioned = resolve_mentions("what is @x and @held?", {"x": value, "held": [value]})
    assert [each["name"] for each in mentioned] == ["@x", "@held"]
    assert "could not be" not in str(mentioned)
    assert set(touched) <= {"__repr__"}


def test_inspecting_ends_with_a_description(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)  # polars reports so what raises within its own code
    begun = time.monotonic()
    result: Any = look("x", value, seconds=2.0)
    assert time.monotonic() - begun < 10
    assert result.output["type"]
    assert "note" not in result.output or "could not be" not in str(result.output["note"])


# ---- what takes its time -----------------------------------------------------------------------------------


class Slow:
    """Its repr waits until the test is over."""

    over = threading.Event()

    def __repr__(self) -> str:
        touched.append("repr")
        self.over.wait(60)
        return "slow"


class SlowInt(int):
    __repr__ = __str__ = Slow.__repr__
    over = Slow.over


class SlowStr(str):
    __slots__ = ()
    __len__ = __getitem__ = __repr__ = __str__ = Slow.__repr__  # type: ignore[assignment]
    over = Slow.over


@pytest.fixture
def slow() -> Iterator[type[Slow]]:
    touched.clear()
    Slow.over.clear()
    yield Slow
    Slow.over.set()


def test_what_is_slow_holds_up_neither_list_nor_completion(slow: type[Slow]) -> None:
    namespace = {"key": {(slow(), 1): 2}, "n": SlowInt(3), "s": SlowStr("abc"), "items": [SlowInt(3)], "top": slow()}
    found = {entry["name"]: entry["summary"] for entry in list_variables(namespace)}
    assert found == {"key": "1 key: (Slow, 1)", "n": "3", "s": "'abc'", "items": "1 item: 3", "top": f"{__name__}.Slow"}
    assert len(complete("@", 1, Surroundings(namespace, cells=False))) == len(namespace)
    assert touched == []


def test_a_description_that_was_given_up_says_what_is_known(slow: type[Slow]) -> None:
    output: Any = look("x", {"a": slow(), "b": 1}, seconds=0.2).output
    assert output == {
        "name": "x", "type": "dict", "summary": "2 keys: 'a', 'b'",
        "note": "describing itself took it longer than 0.2 s",
    }  # fmt: skip


def test_a_rich_form_that_is_slow_does_not_take_the_description_with_it(slow: type[Slow]) -> None:
    class Rich:
        def __repr__(self) -> str:
            return "Rich()"

        _repr_html_ = slow.__repr__
        over = slow.over

    result: Any = look("x", Rich(), seconds=0.5)
    assert (result.output["repr"], result.display) == ("Rich()", None)


def test_the_kernels_history_gives_up_values_that_are_slow(slow: type[Slow], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copilot_widget.notebook.cell_text._SECONDS", 0.3)
    shell = types.SimpleNamespace(user_ns={"In": ["", "a", "b", "c"], "Out": {1: 5, 2: slow(), 3: [1]}})
    text = history_text(shell, "", "No page.")
    assert "→ output:\n[1]" in text
    assert f"(Slow: {__name__}.Slow)" in text
    assert "# [1]" in text


def test_the_last_error_is_named_without_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    class MutedError(Exception):
        def __str__(self) -> str:
            raise AssertionError("asked")

    shell = types.SimpleNamespace(user_ns={}, user_ns_hidden={})
    for error, told in ((MutedError("no"), "MutedError: no"), (KeyError("a", 1), "KeyError('a', 1)")):
        monkeypatch.setattr(sys, "last_exc", error, raising=False)
        assert NotebookHost(shell).surroundings(None).error == told  # pyright: ignore[reportArgumentType]


# ---- what is told --------------------------------------------------------------------------------------------


def test_a_module_that_loads_late_is_not_loaded() -> None:
    module = lazy_module()
    assert list_variables({"this": module})[0]["summary"] == "imported: this"
    complete("@this.", 6, Surroundings({"this": module}))
    describe("this", module)
    assert "s" not in object.__getattribute__(module, "__dict__")


def test_a_default_is_not_made_by_a_look() -> None:
    counts = collections.defaultdict[str, list[int]](list)
    complete('@counts["new"].', 15, Surroundings({"counts": counts}))
    with pytest.raises(UsageError, match="no item"):
        resolve('counts["new"]', {"counts": counts})
    assert dict(counts) == {}


def test_a_column_of_objects_is_counted_by_their_types() -> None:
    frame = frame_of(hostile())
    with arm():
        column: Any = describe("df", frame)["columns"]
    assert column[1] == {"name": "held", "dtype": "object", "nulls": 1, "types": {"Hostile": 1, "int": 1}}


def test_an_ordered_dict_keeps_its_order() -> None:
    ordered = collections.OrderedDict.fromkeys("abc", 1)
    ordered.move_to_end("a")
    described: Any = describe("x", ordered)
    assert list(described["value"]) == ["b", "c", "a"]


def test_subclasses_of_tables_and_arrays_are_what_they_hold() -> None:
    table = table_subclass()
    with arm():
        assert (summary(table), describe("x", table)["shape"]) == ("2 × 1: a", [2, 1])
    masked = np.ma.MaskedArray([1.0, 2.0], mask=[False, True])
    assert describe("x", masked)["max"] == 1.0


def test_signatures_are_as_written() -> None:
    def function(a: int, *rest: str, b: float = 1.5, c: list[int] | None = None, **more: Any) -> None: ...

    assert summary(function).startswith(
        "function(a: 'int', *rest: 'str', b: 'float' = 1.5, c: 'list[int] | None' = None"
    )
    function.__annotations__ = {"a": int, "c": "list[int]", "return": collections.OrderedDict}
    assert summary(function) == ("function(a: int, *rest, b=1.5, c: 'list[int]' = None, **more) -> collections.Or…")
    assert summary(with_default()).endswith("b: Hostile = Hostile) -> 'None'")


# ---- an object's own words -----------------------------------------------------------------------------------


class Sales(pd.DataFrame):
    def _ai_repr_(self) -> str:
        return "sales of 2026"


class Signal(np.ndarray):
    def _ai_repr_(self) -> str:
        return "a signal"


class Word(str):
    __slots__ = ()

    def _ai_repr_(self) -> str:
        return "a word"


class Options(dict[str, int]):
    def _ai_repr_(self) -> str:
        return "options"


class Number(int):
    def _ai_repr_(self) -> dict[str, str]:
        return {"text/plain": "a number"}


@dataclasses.dataclass
class Described:
    a: int = 1

    def _ai_repr_(self) -> str:
        return "described"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Sales({"a": [1]}), "sales of 2026"),
        (np.zeros(3).view(Signal), "a signal"),
        (Word("x"), "a word"),
        (Options(a=1), "options"),
        (Number(3), "a number"),
        (Described(), "described"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_an_object_says_of_itself_comes_first(value: Any, words: str) -> None:
    assert describe("x", value)["description"] == words
    assert describe("x", [value])["value"] == [words]
    assert to_output(value)[0] == words


def test_an_object_that_describes_itself_by_itself_ends() -> None:
    class Circle:
        def _ai_repr_(self) -> Any:
            return [self]

    assert "Circle again" in json.dumps(describe("x", [Circle()]))


# ---- and what a tool returned --------------------------------------------------------------------------------


def test_what_a_tool_returned_may_compute() -> None:
    touched.clear()
    assert to_json([Settings(held=1)]) == [{"held": 1, "total": 7}]
    assert touched == ["computed field"]
    assert to_json({"d": Loads()}) == {"d": {"a": 1, "b": 1}}
    assert stored_json([Settings(held=1)]) == [{"held": 1}]


# ---- the tool -------------------------------------------------------------------------------------------------


def listed(namespace: dict[str, Any], **given: Any) -> list[dict[str, Any]]:
    shell = types.SimpleNamespace(user_ns=namespace, user_ns_hidden={})
    tool: Any = next(each for each in variable_tools(shell) if each.name == "list_variables")
    return tool(**given)


def test_all_of_many_variables_can_be_seen() -> None:
    namespace = {f"variable_{n}": [n] * 3 for n in range(1_000)}
    seen: list[str] = []
    offset = 0
    while True:
        first, *rest = listed(namespace, offset=offset)
        seen += [entry["name"] for entry in rest]
        more = re.search(r"go on with offset=(\d+)", first["summary"])
        if more is None:
            seen.append(first["name"])
            break
        assert int(more[1]) > offset
        offset = int(more[1])
    assert sorted(seen) == sorted(namespace)
    assert "give a pattern" in listed(namespace)[0]["summary"]
    assert [entry["name"] for entry in listed(namespace, pattern="*_99?")] == [
        f"variable_{n}" for n in range(990, 1_000)
    ]
    assert listed(namespace, pattern="nothing") == listed({}) == listed(namespace, offset=5_000) == []
