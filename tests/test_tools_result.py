"""What a tool returned, as JSON for the model and as bundles for the card; bounded whatever it is."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import math
import pathlib
import uuid
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydantic import BaseModel

from copilot_widget.history import as_text, to_model_messages
from copilot_widget.models.base import ToolMessage
from copilot_widget.tools.base import ToolResult
from copilot_widget.tools.jsonable import OUTPUT_LIMIT, cut, json_text, safe_repr, to_json
from copilot_widget.tools.result import IMAGE_LIMIT, TEXT_LIMIT, bound_bundle, to_output
from tests.agents import begin, drive, make_agent

mpl.use("agg")


def output(value: Any) -> Any:
    result, _ = to_output(value)
    json.dumps(result, allow_nan=False).encode()  # JSON indeed
    return result


class Shade(enum.Enum):
    DARK = "dark"


@dataclasses.dataclass
class Item:
    name: str
    price: decimal.Decimal


class Pair(NamedTuple):
    left: int
    right: int


class Model(BaseModel):
    when: datetime.date
    inner: dict[str, int] = {}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        ("text", "text"),
        (3, 3),
        (1.5, 1.5),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        ({"a": [1, (2, 3)]}, {"a": [1, [2, 3]]}),
        ({1: "x", None: "y", ("a", 2): "z"}, {"1": "x", "None": "y", "('a', 2)": "z"}),
        ({3}, [3]),
        (collections.deque([1, 2]), [1, 2]),
        (range(3), [0, 1, 2]),
        ({"k": 1}.keys(), ["k"]),
        (datetime.datetime(2026, 11, 22, 12, 30), "2026-11-22T12:30:00"),
        (datetime.date(2026, 11, 22), "2026-11-22"),
        (datetime.timedelta(hours=1), "1:00:00"),
        (decimal.Decimal("1.10"), "1.10"),
        (fractions.Fraction(1, 3), "1/3"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (pathlib.PurePosixPath("a/b"), "a/b"),
        (Shade.DARK, "dark"),
        (Item("pen", decimal.Decimal(2)), {"name": "pen", "price": "2"}),
        (Pair(1, 2), {"left": 1, "right": 2}),
        (Model(when=datetime.date(2026, 1, 2)), {"when": "2026-01-02", "inner": {}}),
        (np.float32(1.5), 1.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
        (np.array(5), 5),
        (pd.Timestamp("2026-01-02"), "2026-01-02T00:00:00"),
        (pd.NaT, "NaT"),
        (pd.NA, "<NA>"),
        (b"abc", "3 bytes: b'abc'"),
        (int, "<class builtins.int>"),
        (ValueError("x"), "ValueError('x')"),
        ("\ud800", "?"),
        (1 + 2j, "(1+2j)"),
    ],
)
def test_values_become_json(value: Any, expected: Any) -> None:
    assert output(value) == expected


def test_cycles_end() -> None:
    a: list[Any] = [1]
    a.append({"again": a})
    assert output(a) == [1, {"again": "<the same list again>"}]
    shared = [1]
    assert output([shared, shared]) == [[1], [1]]
    deep: Any = 1
    for _ in range(10_000):
        deep = [deep]
    assert "nested too deep" in json.dumps(output(deep))


class Faulty:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_a_faulty_repr_is_no_failure() -> None:
    assert output(Faulty()) == "<Faulty whose repr raised RuntimeError>"
    assert output({"x": [Faulty()]}) == {"x": ["<Faulty whose repr raised RuntimeError>"]}


@pytest.mark.parametrize(
    "value",
    [
        "x" * 100_000_000,
        b"x" * 100_000_000,
        ["x" * 1_000_000] * 100,
        list(range(3_000_000)),
        dict.fromkeys(range(1_000_000), "value"),
        {"a": {"b": {"c": ["x" * 10_000_000] * 3}}},
        {str(n): {str(m): "y" * 100 for m in range(1_000)} for n in range(100)},
        [[list(range(100)) for _ in range(100)] for _ in range(100)],
        10**100_000,
        np.zeros((3_000, 3_000)),
        {"x" * 1_000_000: 1},
    ],
    ids=["str", "bytes", "strings", "list", "dict", "nested", "dicts", "lists", "int", "array", "key"],
)
def test_the_model_reads_a_bounded_text_that_says_what_is_missing(value: Any) -> None:
    result = output(value)
    text = json_text(result)
    assert len(as_text(result)) <= OUTPUT_LIMIT
    assert "characters cut; ask for" not in as_text(result), "it is not cut again on its way to the model"
    assert any(word in text for word in ("…", "bits", "more of"))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([{"order": n, "customer": f"c{n}@example.com"} for n in range(5_000)], "of 5,000 items"),
        (list(range(100_000)), "of 100,000 items"),
        ({f"key {n}": n for n in range(5_000)}, "of 5,000 keys"),
        (['"\n"' * 10] * 5_000, "of 5,000 items"),
    ],
    ids=["rows", "numbers", "keys", "escapes"],
)
async def test_what_the_model_reads_of_a_long_list_tells_its_true_length(value: Any, said: str) -> None:
    """Through a whole run, on which it is looked at more than once."""

    def rows() -> Any:
        return value

    call = {"type": "call", "toolCallId": "c1", "toolName": "rows", "input": {}}
    _, state = await drive(make_agent([[call], "Ok."], rows), begin())
    [read] = [one.output for one in to_model_messages([state.message]) if isinstance(one, ToolMessage)]
    read, _, way = read.partition("\n(")
    assert way.startswith("Parts are cut.")
    kept = json.loads(read)
    marker = kept["…"] if isinstance(kept, dict) else kept[-1]
    missing = int(marker.strip("… ").split(" more ")[0].replace(",", ""))
    assert marker.endswith(said)
    assert missing + len(kept) - 1 == len(value)


def test_a_long_value_does_not_push_out_its_neighbours() -> None:
    result = output({"log": "x" * 1_000_000, "status": "ok", "more": ["y" * 1_000_000, "last"]})
    assert result["status"] == "ok"
    assert result["more"][1] == "last"


def test_cut_keeps_both_ends() -> None:
    text = cut("a" * 500 + "b" * 500, 300)
    assert text.startswith("aaa")
    assert text.endswith("bbb")
    assert "of 1,000 characters cut" in text
    assert len(text) <= 310
    assert cut("short", 300) == "short"


def test_safe_repr_of_huge_containers_stops_early() -> None:
    assert len(safe_repr([list(range(1_000))] * 1_000_000, 200)) < 500
    assert safe_repr({"a": (1,), "b": set()}) == "{'a': (1,), 'b': set()}"
    assert safe_repr({1: "x" * 10**8}, 100).endswith("in all)}")


# ---- tables, pictures and other rich things ---------------------------------------------------------------


def test_a_table_is_records_for_the_model_and_html_for_the_card() -> None:
    frame = pd.DataFrame({"n": [1, 2], "t": ["a", None], "x": [0.5, math.nan]})
    result, display = to_output(frame)
    assert result == {
        "type": "DataFrame",
        "shape": [2, 3],
        "columns": {"n": "int64", "t": str(frame["t"].dtype), "x": "float64"},
        "rows": [{"n": 1, "t": "a", "x": 0.5}, {"n": 2, "t": None, "x": None}],
    }
    assert "<table" in display[0]["text/html"]


def test_a_large_table_shows_its_first_rows_and_says_so() -> None:
    result, display = to_output(pd.DataFrame(np.zeros((1_000_000, 60))))
    assert result["shape"] == [1_000_000, 60]
    assert len(result["rows"]) == 20
    assert result["shown"] == "the first 20 of 1,000,000 rows, the first 50 of 60 columns"
    assert len(display[0]["text/html"]) < TEXT_LIMIT


def test_an_index_that_means_something_is_kept() -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="key"))
    assert output(frame)["rows"] == [{"key": "x", "a": 1}, {"key": "y", "a": 2}]
    grouped = pd.DataFrame({"g": ["p", "p"], "h": [1, 1], "v": [1, 3]}).groupby(["g", "h"]).sum()
    assert output(grouped)["rows"] == [{"g / h": "p / 1", "v": 4}]
    series = pd.Series([1, 2], index=["a", "b"], name="s")
    assert output(series) == {"type": "Series", "name": "s", "length": 2, "dtype": "int64", "values": {"a": 1, "b": 2}}
    twice = pd.DataFrame([[1, 2]], columns=["c", "c"])
    assert output(twice)["rows"] == [{"c": 1, "c.1": 2}]


def test_a_figure_is_a_picture_for_the_card_and_words_for_the_model() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.plot([1, 2])
    axes.set_title("Revenue")
    for value in (figure, axes):
        result, display = to_output(value)
        assert "Revenue" in result
        assert display[0]["image/png"].startswith("iVBOR")
    result, display = to_output({"figure": figure, "n": 1})
    assert result["n"] == 1
    assert "Revenue" in result["figure"]
    assert len(display) == 1


def test_a_pillow_image_is_a_picture() -> None:
    result, display = to_output(Image.new("RGB", (30, 20), "red"))
    assert result == "image, 30 × 20 pixels"
    assert display[0]["image/png"].startswith("iVBOR")


def test_a_large_image_is_made_small_enough() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (2_000, 2_000, 3), dtype=np.uint8)
    _, display = to_output(Image.fromarray(noise))
    assert len(display[0]["image/png"]) * 3 // 4 <= IMAGE_LIMIT


class Rich:
    def __repr__(self) -> str:
        return "Rich()"

    def _repr_html_(self) -> str:
        return "<b>rich</b> &amp; bold<script>evil()</script>"


class Bundled:
    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return {"text/markdown": "**m**", "text/plain": "m"}, {"text/markdown": {}}


class Described(Rich):
    def _ai_repr_(self) -> dict[str, str]:
        return {"text/plain": "for a model"}


class DescribedLater(Rich):
    async def _ai_repr_(self, **_: Any) -> str:
        return "asynchronously"


class Broken:
    def __repr__(self) -> str:
        return "Broken()"

    def _repr_html_(self) -> str:
        raise RuntimeError


class Anything:
    """Answers to every attribute, as mocks and proxies do."""

    def __getattr__(self, name: str) -> Any:
        return lambda *a, **k: "never called"

    def __repr__(self) -> str:
        return "Anything()"


@pytest.mark.parametrize(
    ("value", "expected", "mimes"),
    [
        (Rich(), "Rich()", ["text/html", "text/plain"]),
        (Bundled(), "**m**", ["text/markdown", "text/plain"]),
        (Described(), "for a model", ["text/html", "text/plain"]),
        (DescribedLater(), "asynchronously", ["text/html", "text/plain"]),
        (Broken(), "Broken()", None),
        (Anything(), "Anything()", None),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, (str, list)) else "",
)
def test_objects_that_show_themselves(value: Any, expected: str, mimes: list[str] | None) -> None:
    result, display = to_output(value)
    assert result == expected
    assert [sorted(bundle) for bundle in display] == ([mimes] if mimes else [])


def test_html_stands_in_for_a_repr_that_says_nothing() -> None:
    class Plain:
        def _repr_html_(self) -> str:
            return "<p>Total: <b>3</b> &amp; more</p><script>x</script>"

    assert output(Plain()) == "Total: 3 & more"


def test_a_tool_result_is_taken_as_it_is() -> None:
    result, display = to_output(ToolResult({"n": 1}, Rich()))
    assert result == {"n": 1}
    assert list(display[0]) == ["text/html", "text/plain"]
    again, shown = to_output(ToolResult(result, display))
    assert (again, shown) == (result, display)
    result, display = to_output(ToolResult("short", {"text/html": "<i>x</i>"}))
    assert display == [{"text/html": "<i>x</i>"}]
    assert to_output(ToolResult("a", "plain"))[1] == [{"text/plain": "plain"}]
    assert to_output(ToolResult(pd.DataFrame({"a": [1]})))[1][0]["text/html"]


def test_bundles_are_bounded_and_say_what_they_leave_out() -> None:
    bundle = bound_bundle({"text/html": "x" * 3_000_000, "text/plain": "y" * 3_000_000, "image/png": b"z" * 6_000_000})
    assert list(bundle) == ["text/plain"]
    assert len(bundle["text/plain"]) < TEXT_LIMIT + 200
    assert "text/html (3.0 MB)" in bundle["text/plain"]
    assert bound_bundle({"image/png": b"abc"}) == {"image/png": "YWJj"}
    assert bound_bundle({"application/json": {"a": math.nan}}) == {"application/json": {"a": "NaN"}}


def test_to_json_takes_the_limit_it_is_given() -> None:
    assert len(json.dumps(to_json(list(range(10_000)), 200))) < 300
