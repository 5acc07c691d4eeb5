"""The demo model on real data: what it says must be what the data says."""

from __future__ import annotations

import json
from typing import Any

import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
import numpy  # noqa: E402
import pandas  # noqa: E402
from palmerpenguins import load_penguins  # noqa: E402

from copilot_widget.models.base import (  # noqa: E402
    AssistantMessage,
    Call,
    Finish,
    ModelRequest,
    ModelUsage,
    Text,
    TextDelta,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from copilot_widget.models.demo import DemoModel, decide  # noqa: E402
from copilot_widget.models.demo.tables import parse_text_table  # noqa: E402
from copilot_widget.models.demo.turn import Exchange  # noqa: E402
from tests.demo_notebook import SCHEMAS, Notebook, schema  # noqa: E402

DEMO = DemoModel(tokens_per_second=0)


def sales() -> pandas.DataFrame:
    """Half a year of sales; in the last third, West falls to a third. Refunds are negative."""
    days = pandas.date_range("2024-01-01", periods=180, freq="D")
    frame = pandas.DataFrame({"date": days.repeat(2), "region": ["North", "West"] * 180, "revenue": 100.0, "qty": 2})
    frame.loc[(frame["region"] == "West") & (frame["date"] > "2024-05-01"), "revenue"] = 30.0
    frame["channel"] = "web"
    frame.loc[:9, "channel"] = "refund"
    frame.loc[:9, "revenue"] *= -1
    return frame


@pytest.fixture
def notebook() -> Notebook:
    return Notebook({"penguins": load_penguins(), "df": sales(), "x": 3, "pd": pandas, "np": numpy})


# ---- the quickstart's questions ------------------------------------------------------------------------------


async def test_which_species_is_heaviest(notebook: Notebook):
    answer = await notebook.ask(DEMO, "which species is heaviest in @penguins?")
    means = load_penguins().groupby("species")["body_mass_g"].mean()
    assert means.idxmax() == "Gentoo"
    assert "**Gentoo** is heaviest: 5,076 g on average" in answer
    assert "36 % more than Chinstrap (3,733 g)" in answer
    assert "2 rows without a `body_mass_g` are left out" in answer
    assert [name for name, _ in notebook.calls] == ["inspect_variable", "run_code"]


async def test_why_are_there_nulls(notebook: Notebook):
    answer = await notebook.ask(DEMO, "why are there nulls in @penguins?")
    assert "**11 rows of 344** (3.2 %) lack a value, in 2 ways" in answer
    assert "9 rows lack `sex` (rows 8, 9, 10" in answer
    assert (
        "2 rows lack `bill_length_mm`, `bill_depth_mm`, `flipper_length_mm`, `body_mass_g` and `sex` (rows 3, 271)"
        in answer
    )
    assert "`island` is Torgersen" in answer


async def test_plot_finds_the_frame_that_has_the_columns(notebook: Notebook):
    answer = await notebook.ask(DEMO, "plot body mass by species")
    code = notebook.calls[-1][1]["code"]
    assert "ax.boxplot" in code
    assert "penguins" in code
    assert "highest for **Gentoo** (5,000)" in answer


async def test_explain_the_error(notebook: Notebook):
    notebook.fail("total = 0\npenguins['body_mas'].mean()")
    answer = await notebook.ask(DEMO, "explain the error")
    assert "line 2" in answer
    assert "The nearest name is `body_mass_g`" in answer
    assert "penguins['body_mass_g'].mean()" in answer


async def test_without_an_error_it_says_so(notebook: Notebook):
    assert "nothing has failed" in await notebook.ask(DEMO, "explain the error")


# ---- looking -------------------------------------------------------------------------------------------------


async def test_a_profile_has_every_column_and_its_nulls(notebook: Notebook):
    answer = await notebook.ask(DEMO, "describe @penguins")
    assert "**344 rows** and **8 columns**" in answer
    assert "| `sex` | str | 11 |" in answer.replace("object", "str")
    assert "2,700 … 6,300, mean 4,202 g" in answer
    assert [name for name, _ in notebook.calls] == ["inspect_variable"]


async def test_the_namespace(notebook: Notebook):
    answer = await notebook.ask(DEMO, "what variables do I have?")
    assert "| `x` | int | 3 |" in answer
    assert "`penguins`" in answer


async def test_a_variable_that_is_no_frame(notebook: Notebook):
    assert "`x` is an **int**: `3`" in await notebook.ask(DEMO, "what is @x?")


async def test_rows_are_counted_without_code(notebook: Notebook):
    assert "**344 rows**" in await notebook.ask(DEMO, "how many rows does @penguins have?")
    assert "run_code" not in [name for name, _ in notebook.calls]


# ---- figures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("average flipper length by island", "**Biscoe** has the highest mean `flipper_length_mm`: 209.7 mm"),
        ("mean bill length in @penguins", "The mean of `bill_length_mm` is **43.9 mm**"),
        ("how many penguins per island?", "**Biscoe** is the most frequent `island`: 168 of 344"),
        ("top 3 heaviest penguins", "**6,300 g**"),
        ("is body mass related to flipper length?", "**strongly correlated** (r = +0.87)"),
        ("compare body mass between sexes", "18 % more than female"),
        ("duplicates in @penguins", "No row of `penguins` is the same"),
        ("total revenue by region in @df", "**North** has the highest total `revenue`"),
        ("max revenue in @df", "The max of `revenue` is **100**"),
        ("outliers in bill depth", "`bill_depth_mm` | 0 |"),
    ],
)
async def test_figures_are_those_of_the_data(notebook: Notebook, question: str, said: str):
    assert said in await notebook.ask(DEMO, question)


async def test_it_warns_where_groups_turn_a_correlation_round(notebook: Notebook):
    answer = await notebook.ask(DEMO, "plot bill length against bill depth by species")
    assert "within every group it is the other way round" in answer


async def test_why_is_it_falling(notebook: Notebook):
    answer = await notebook.ask(DEMO, "why is revenue falling in @df?")
    assert "`revenue` **fell by" in answer
    assert "`region` = **West**" in answer


async def test_why_is_it_negative(notebook: Notebook):
    answer = await notebook.ask(DEMO, "why is revenue negative in @df?")
    assert "**10 rows of 360**" in answer
    assert "`channel` = **refund**: 100 % of its rows" in answer


async def test_its_code_leaves_no_variable_of_the_users_changed(notebook: Notebook):
    names = ["rows", "values", "name", "groups", "first", "last", "series", "fig", "ax", "r", "columns", "below"]
    notebook.namespace.update(dict.fromkeys(names, "mine"))
    for question in (
        "plot body mass by species in @penguins",
        "why are there nulls in @penguins?",
        "why is revenue falling in @df?",
        "why is revenue negative in @df?",
        "plot revenue over time in @df by region",
        "outliers in @penguins",
        "plot bill length against bill depth in @penguins by species",
        "correlation in @penguins",
    ):
        answer = await notebook.ask(DEMO, question)
        assert "did not work" not in answer
        assert "stumbled" not in answer
    assert {name: notebook.namespace[name] for name in names} == dict.fromkeys(names, "mine")


@pytest.mark.parametrize("column", ['with "quotes"', "with {braces}", "with\\backslash", "plain", "two words", "ünï"])
async def test_any_column_name_works_in_its_code(column: str):
    frame = pandas.DataFrame({column: [1.0, 2.0, 30.0, None], "kind": ["a", "b", "a", "b"]})
    notebook = Notebook({"df": frame})
    for question in (f"plot {column} by kind in @df", "plot @df", "why nulls in @df?", "outliers in @df"):
        answer = await notebook.ask(DEMO, question)
        assert "did not work" not in answer, answer
        assert "stumbled" not in answer, answer


# ---- the user's tools ------------------------------------------------------------------------------------------


def shop() -> dict[str, Any]:
    return {
        "lookup": (
            schema("lookup", "Find an order by its number.", order_id={"type": "integer"}),
            lambda order_id: {"order_id": order_id, "status": "shipped"},
        ),
        "weather": (
            schema(
                "weather", "The weather in a city.", city={"type": "string"}, unit={"enum": ["C", "F"], "default": "C"}
            ),
            lambda city, unit="C": f"21 {unit} in {city}",
        ),
        "total": (
            schema("total", "Add up prices.", prices={"type": "array", "items": {"type": "number"}}),
            lambda prices: sum(prices),
        ),
        "fails": (schema("fails", "Cancel an order.", order={"type": "integer"}), lambda order: 1 / 0),
    }


@pytest.mark.parametrize(
    ("question", "calls", "said"),
    [
        ("Where is order 17?", [("lookup", {"order_id": 17})], "shipped"),
        ("Where are orders 17 and 1,018?", [("lookup", {"order_id": 17}), ("lookup", {"order_id": 1018})], "shipped"),
        ("What is the weather in New York?", [("weather", {"city": "New York"})], "21 C in New York"),
        ('weather for "São Paulo" in F', [("weather", {"city": "São Paulo", "unit": "F"})], "21 F in São Paulo"),
        ("Add up the prices 1.5, 2 and 3", [("total", {"prices": [1.5, 2, 3]})], "6.5"),
        ("use lookup for 5", [("lookup", {"order_id": 5})], "shipped"),
        ("cancel order 3", [("fails", {"order": 3})], "ZeroDivisionError"),
    ],
)
async def test_the_users_own_tools(question: str, calls: list[tuple[str, Any]], said: str):
    notebook = Notebook({}, tools=shop())
    assert said in await notebook.ask(DEMO, question)
    assert notebook.calls == calls


async def test_a_tool_whose_argument_the_question_does_not_give_is_not_called():
    notebook = Notebook({}, tools=shop())
    await notebook.ask(DEMO, "Where is my order?")
    assert "lookup" not in [name for name, _ in notebook.calls]


# ---- honesty ---------------------------------------------------------------------------------------------------


async def test_denied_code_is_shown_and_not_tried_again():
    notebook = Notebook({"penguins": load_penguins()}, deny=True)
    answer = await notebook.ask(DEMO, "which species is heaviest in @penguins?")
    assert "You denied the code" in answer
    assert "penguins.groupby" in answer
    assert [name for name, _ in notebook.calls].count("run_code") == 1


async def test_code_that_nobody_could_allow_says_why():
    asked = UserMessage((Text("mean bill length in @penguins"),))
    notebook = Notebook({"penguins": load_penguins()})
    look = Call("c1", "inspect_variable", {"name": "penguins"})
    compute = Call("c2", "run_code", {"code": "…"})
    denied = "The user denied this call. Reason: Not allowed: nobody is here to approve it."
    history = (
        asked,
        AssistantMessage((look,)),
        notebook.run(look),
        AssistantMessage((compute,)),
        ToolMessage("c2", "run_code", denied, is_error=True),
    )
    text, calls = decide(ModelRequest(history, tools=SCHEMAS))
    assert calls == []
    assert "The code was not allowed (Not allowed: nobody is here to approve it)" in text
    assert "You denied" not in text


async def test_without_tools_a_frame_is_profiled_from_its_mention():
    described = json.dumps(Notebook({"penguins": load_penguins()}).inspect_variable("penguins"))
    asked = UserMessage((Text("describe @penguins"), Text(f"[@penguins]\n{described}")))
    text, calls = decide(ModelRequest((asked,)))
    assert calls == []
    assert "**344 rows** and **8 columns**" in text


async def test_code_that_fails_is_told_with_its_error():
    notebook = Notebook({"penguins": load_penguins()})
    answer = await notebook.ask(DEMO, "run `1 / 0`")
    assert answer.startswith("The code did not work:\n\n```text\nZeroDivisionError: division by zero")


@pytest.mark.parametrize("question", ["write me a poem", "translate this into French", "should I marry?"])
async def test_to_what_it_cannot_do_it_says_what_it_can(notebook: Notebook, question: str):
    answer = await notebook.ask(DEMO, question)
    assert "rules, no AI" in answer
    assert "@penguins" in answer
    assert "connect a model" in answer


async def test_how_to_connect_a_model(notebook: Notebook):
    answer = await notebook.ask(DEMO, "how do I connect a model?")
    assert "OPENAI_API_KEY" in answer
    assert "ollama/" in answer
    assert notebook.calls == []


async def test_it_calls_only_what_is_offered():
    for question in (
        "which species is heaviest in @penguins?",
        "explain the error",
        "what variables do I have?",
        "plot x",
    ):
        text, calls = decide(ModelRequest((UserMessage((Text(question),)),)))
        assert calls == []
        assert text


async def test_without_tools_it_tells_what_came_with_the_question():
    asked = UserMessage((Text("describe @df"), Text("[@df]\nDataFrame, 3 rows")))
    text, _ = decide(ModelRequest((asked,)))
    assert "DataFrame, 3 rows" in text


@pytest.mark.parametrize("question", ["what is 17 * 23?", "17*23", "calculate (20 - 3) * 23", "how much is 17 × 23?"])
async def test_sums(notebook: Notebook, question: str):
    assert "**391**" in await notebook.ask(DEMO, question)


@pytest.mark.parametrize("question", ["9**9**9**9", "2 ** 100000", "1/0"])
async def test_sums_that_have_no_answer_end(notebook: Notebook, question: str):
    assert await notebook.ask(DEMO, question)


# ---- errors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("penguns.head()", "Did you mean `penguins`?"),
        ("plt.plot([1])", "import matplotlib.pyplot as plt"),
        ("import sklearn_not_there", "%pip install sklearn_not_there"),
        ("penguins.body_mas", 'penguins["body_mass_g"]'),
        ("penguins[['species', 'bodymass']]", "'body_mass_g'"),
        ("penguins.append(penguins)", "pd.concat"),
        ("x + 'a'", "Turn the text into a number"),
        ("'a' + x", "f-string"),
        ("x()", "`x` is an `int`, no function"),
        ("x[0]", "An `int` has no elements"),
        ("len(x)", "An `int` has no length"),
        ("[1][5]", "past the end"),
        ("penguins.iloc[999]", "past the end of the table"),
        ("x / 0", "is 0 here"),
        ("float('1,5')", "decimal comma"),
        ("penguins['sex'].astype(float)", "pd.to_numeric(penguins['sex'], errors='coerce')"),
        ("if penguins['year'] > 3: pass", "one truth value"),
        ("a, b = [1, 2, 3]", "number of names on the left"),
        ("np.ones((3, 2)) + np.ones((4, 2))", "do not fit together"),
        ("pd.DataFrame({'a': [1], 'b': [1, 2]})", "different lengths"),
        ("penguins['new'] = [1, 2]", "2 values, and the table 344 rows"),
        ("'abc'.uper()", "'abc'.upper()"),
        ("None.foo", "`None` where an object"),
        ("{'alpha': 1}['alfa']", "not in the mapping"),
        ("open('nowhere.csv')", "There is no `nowhere.csv`"),
        ("def f(a, b): pass\nf(1)", "`f()` needs 'b' as well"),
        ("def f(): return f()\nf()", "calls itself without end"),
        ("{[]: 1}", "can change, so it cannot be a key"),
        ("raise RuntimeError('boom')", "I have no rule for `RuntimeError`"),
        ("assert x == 4", "The condition after `assert` was false"),
    ],
)
async def test_each_kind_of_error_has_its_advice(notebook: Notebook, code: str, said: str):
    notebook.fail(code)
    assert said in await notebook.ask(DEMO, "explain the error")


# ---- slash commands ------------------------------------------------------------------------------------------------


def failed(notebook: Notebook, source: str, command: str = "/fix") -> dict[str, str]:
    """What comes with a command after a cell has failed."""
    notebook.fail(source)
    return {command: "…", "@error": json.dumps(notebook.error), "@cell:7": f"In [7]:\n{source}"}


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        (
            "total = 0\nif total == 0:\n    total = penguins['body_mas'].mean()  # grams\ntotal",
            "total = 0\nif total == 0:\n    total = penguins['body_mass_g'].mean()  # grams\ntotal",
        ),
        ("n = len(penguns)\nn", "n = len(penguins)\nn"),
        ("values = [1]\nplt.plot(values)", "import matplotlib.pyplot as plt\nvalues = [1]\nplt.plot(values)"),
        ("'abc'.uper()", "'abc'.upper()"),
    ],
)
async def test_fix_edits_the_cell_where_it_may_and_writes_it_out_where_not(
    notebook: Notebook, source: str, changed: str
):
    assert f"```python\n{changed}\n```" in await notebook.ask(DEMO, "/fix", context=failed(notebook, source))
    cells = {"[7]": source}

    def edit_cell(cell: str, source: str) -> str:
        cells[cell] = source
        return "Edited."

    edit = schema("edit_cell", "Edit a cell.", cell={"type": "string"}, source={"type": "string"})
    able = Notebook(notebook.namespace, tools={"edit_cell": (edit, edit_cell)})
    assert "run it again" in await able.ask(DEMO, "/fix please", context=failed(able, source))
    assert cells == {"[7]": changed}


async def test_fix_changes_nothing_that_no_rule_is_sure_of(notebook: Notebook):
    for source, said in (
        ("raise RuntimeError('boom')", "leave the cell as it is"),
        ("import sklearn_not_there", "%pip install sklearn_not_there"),
    ):
        assert said in await notebook.ask(DEMO, "/fix", context=failed(notebook, source))
    answer = await notebook.ask(DEMO, "/fix", context={"/fix": "plot describe", "@error": '{"error": null}'})
    assert "nothing has failed" in answer


async def test_explain_and_compact_go_by_the_command_and_not_by_their_instructions(notebook: Notebook):
    context = failed(notebook, "penguns.head()", "/explain")
    assert "Did you mean `penguins`?" in await notebook.ask(DEMO, "/explain", context={**context, "/explain": "plot"})
    await notebook.ask(DEMO, "how many rows has @df?")
    told = await notebook.ask(DEMO, "/compact", context={"/compact": "Summarise. Call no tools."})
    assert "- asked: /explain" in told
    assert "- asked: how many rows has @df?\n  - answered: `df` has **360 rows**" in told
    assert "`list_variables`" in told or "`inspect_variable`" in told


async def test_a_key_that_a_dict_of_the_users_nearly_has(notebook: Notebook):
    notebook.namespace["config"] = {"alpha": 1, "beta": 2}
    notebook.fail("config['alpa']")
    assert "config['alpha']" in await notebook.ask(DEMO, "what went wrong?")


# ---- the stream ----------------------------------------------------------------------------------------------------


async def test_it_holds_no_state_between_requests(notebook: Notebook):
    """Another instance goes on where the first one stopped."""
    asked = UserMessage((Text("describe @penguins"),))
    request = ModelRequest((asked,), tools=SCHEMAS)
    call = next(e for e in [e async for e in DEMO.stream(request)] if isinstance(e, ToolCall))
    done = Call(call.call_id, call.tool, json.loads(call.input))
    history = (asked, AssistantMessage((done,)), notebook.run(done))
    events = [event async for event in DemoModel(tokens_per_second=0).stream(ModelRequest(history, tools=SCHEMAS))]
    assert "344 rows" in "".join(event.delta for event in events if isinstance(event, TextDelta))


async def test_its_usage_is_estimated_and_free():
    events = [event async for event in DEMO.stream(ModelRequest((UserMessage((Text("hello"),)),)))]
    usage = next(event for event in events if isinstance(event, ModelUsage))
    assert usage.cost == 0.0
    assert usage.estimated
    assert usage.completion_tokens > 0
    assert events[-1] == Finish("stop")


async def test_a_turn_ends_whatever_the_tools_say():
    """Results that make no sense must not make it ask for ever."""
    for output in (
        "",
        "null",
        "[]",
        "{}",
        "garbage",
        '{"type": "DataFrame", "columns": null}',
        '{"type": "DataFrame"}',
    ):
        for question in ("plot body mass by species", "describe @df", "why nulls in @df?", "explain the error"):
            messages: list[Any] = [UserMessage((Text(question),))]
            for _ in range(15):
                _, calls = decide(ModelRequest(tuple(messages), tools=SCHEMAS))
                if not calls:
                    break
                ids = [f"c{len(messages)}-{i}" for i in range(len(calls))]
                messages.append(AssistantMessage(tuple(Call(i, *c) for i, c in zip(ids, calls, strict=True))))
                messages += [ToolMessage(i, c[0], output) for i, c in zip(ids, calls, strict=True)]
            else:
                raise AssertionError(f"{question!r} with {output!r} never ends")


@pytest.mark.parametrize(
    "made",
    [
        lambda frame: frame.groupby("species")["body_mass_g"].agg(["mean", "count"]),
        lambda frame: frame.nlargest(3, "body_mass_g")[["species", "body_mass_g"]],
    ],
)
def test_a_printed_table_is_read_back(made: Any):
    table = made(load_penguins())
    rows = parse_text_table(repr(table))
    assert [row[table.columns[-1]] for row in rows] == [pytest.approx(value) for value in table.iloc[:, -1]]


@pytest.mark.parametrize("text", ["", "hello", "a b c\n1 2", "\n\n", "one\ntwo\nthree"])
def test_what_is_no_table_gives_no_rows(text: str):
    assert parse_text_table(text) == []


@pytest.mark.parametrize(
    "remarks", ["", "\n(Parts are cut.)", "\n[its pictures are no longer sent]", "\n[its pictures]\n(Parts are cut.)"]
)
def test_an_output_is_read_whatever_is_remarked_below_it(remarks: str):
    exchange = Exchange("look", {}, '{"rows": [1, 2]}' + remarks, is_error=False)
    assert exchange.fields == {"rows": [1, 2]}
    assert Exchange("look", {}, "5\n6" + remarks, is_error=False).data == "5\n6" + remarks
