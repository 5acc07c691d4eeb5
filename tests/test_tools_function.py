"""`@tool`: schema from hints and docstring, arguments in and errors out in words, and code that Stop reaches."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import enum
import functools
import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import BaseModel, Field

from copilot_widget.errors import ToolError, UsageError
from copilot_widget.notebook.kernel import MainThread
from copilot_widget.tools.base import Tool, ToolContext, ToolResult
from copilot_widget.tools.docstring import parse_docstring
from copilot_widget.tools.function import FunctionTool, tool
from copilot_widget.tools.running import Previews


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Place(BaseModel):
    name: str
    near: Optional[Place] = None  # noqa: UP045


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Order(BaseModel):
    number: int = Field(description="Its number")
    tags: list[str] = []


async def results(one: Any, text: str = "{}", context: ToolContext | None = None) -> list[ToolResult]:
    return [result async for result in one.call(one.parse(text), context or ToolContext("c1", "r1"))]


async def output(one: Any, text: str = "{}", context: ToolContext | None = None) -> Any:
    last = (await results(one, text, context))[-1]
    assert not last.preliminary
    return last.output


# ---- schema --------------------------------------------------------------------------------------------


def test_hints_and_docstring_make_the_schema() -> None:
    @tool
    def lookup(order_id: int, colour: Colour, limit: int = 10, kind: Literal["a", "b"] = "a") -> dict[str, Any]:
        """Find an order.

        Looks in the archive too.

        Args:
            order_id: The number
                on the receipt.
            limit (int): At most so many.

        Returns:
            The order.
        """
        return {}

    schema = lookup.schema
    assert schema.name == "lookup"
    assert schema.description == "Find an order.\n\nLooks in the archive too.\n\nReturns:\n    The order."
    assert schema.input_schema["required"] == ["order_id", "colour"]
    assert schema.input_schema["additionalProperties"] is False
    properties = schema.input_schema["properties"]
    assert properties["order_id"] == {"type": "integer", "description": "The number on the receipt."}
    assert properties["limit"] == {"type": "integer", "default": 10, "description": "At most so many."}
    assert properties["kind"] == {"type": "string", "enum": ["a", "b"], "default": "a"}
    assert schema.input_schema["$defs"]["Colour"] == {"type": "string", "enum": ["red", "blue"]}
    assert isinstance(lookup, Tool)


def test_a_decorated_function_is_still_the_function() -> None:
    @tool
    def double(n: int) -> int:
        "Twice."
        return 2 * n

    assert double(4) == 8
    assert getattr(double, "__name__") == "double"  # noqa: B009 - not declared, but there
    assert double.__doc__ == "Twice."
    assert isinstance(double, FunctionTool)


def test_annotated_descriptions_and_constraints_win_over_the_docstring() -> None:
    @tool
    def f(n: Annotated[int, Field(description="from the field", ge=1)], m: int = Field(3, le=5)) -> None:
        """Do.

        Args:
            n: from the docstring
            m: of m
        """

    properties = f.schema.input_schema["properties"]
    assert properties["n"]["description"] == "from the field"
    assert properties["n"]["minimum"] == 1
    assert properties["m"] == {"type": "integer", "default": 3, "maximum": 5, "description": "of m"}


def test_names_that_pydantic_keeps_for_itself_are_ordinary_parameters() -> None:
    @tool
    def f(schema: str, model_dump: int, copy: bool, _private: int = 1, json: str = "j") -> None: ...

    assert list(f.schema.input_schema["properties"]) == ["schema", "model_dump", "copy", "_private", "json"]


def test_a_method_has_no_self() -> None:
    class Shop:
        stock = 3

        @tool
        def left(self, item: str) -> int:
            return self.stock

    shop = Shop()
    assert list(shop.left.schema.input_schema["properties"]) == ["item"]
    assert shop.left("x") == 3


async def test_keyword_only_positional_only_and_open_parameters() -> None:
    @tool
    def f(a: int, b: int = 2, /, *args: int, c: int, **others: str) -> Any:
        return [a, b, args, c, others]

    assert f.schema.input_schema["additionalProperties"] is True
    assert await output(f, '{"a": 1, "c": 3, "d": "x"}') == [1, 2, [], 3, {"d": "x"}]


async def test_partials_and_callable_objects_are_tools_with_a_name() -> None:
    class Adder:
        def __call__(self, n: int) -> int:
            return n + 1

    adder = tool(name="add")(Adder())
    assert await output(adder, '{"n": 1}') == 2
    power = tool(name="power")(functools.partial(pow, 2))
    assert power.name == "power"
    with pytest.raises(UsageError, match="name"):
        tool(functools.partial(pow, 2))


def test_what_cannot_be_a_tool_says_so() -> None:
    @tool
    def f(shell: threading.Thread) -> None: ...

    with pytest.raises(UsageError, match="f cannot be a tool"):
        _ = f.schema
    with pytest.raises(UsageError, match="needs a function"):
        tool(3)  # type: ignore[call-overload]

    @tool
    def g(x: NotDefined) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(UsageError, match="NotDefined"):
        _ = g.schema


def test_options_can_be_changed_of_a_tool() -> None:
    @tool(title="First", approval=True)
    def f() -> None: ...

    other = tool(name="renamed")(f)
    assert (other.name, other.title, other.approval({}) is not None) == ("renamed", "First", True)


def test_importing_the_decorator_loads_nothing_heavy() -> None:
    code = (
        "import sys; from copilot_widget import tool\n"
        "@tool\ndef f(x: int): 'doc'\n"
        "print(sorted(set(sys.modules) & {'pydantic', 'litellm', 'pandas', 'numpy', 'IPython', 'matplotlib'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "text",
    [
        "Do it.\n\nArgs:\n    a: The a\n        goes on.\n    b (str, optional): The b.\n",
        "Do it.\n\nParameters\n----------\na : int\n    The a\n    goes on.\nb : str, optional\n    The b.\n",
        "Do it.\n\n:param a: The a\n    goes on.\n:param str b: The b.\n:type a: int\n",
    ],
    ids=["google", "numpy", "rest"],
)
def test_docstring_styles(text: str) -> None:
    parsed = parse_docstring(text)
    assert parsed.description == "Do it."
    assert parsed.parameters == {"a": "The a goes on.", "b": "The b."}


def test_what_a_docstring_says_after_its_parameters_is_kept() -> None:
    text = "Do.\n\nParameters\n----------\na, b\n    Both.\n\nReturns\n-------\nint\n    The sum.\n"
    parsed = parse_docstring(text)
    assert parsed.parameters == {"a": "Both.", "b": "Both."}
    assert parsed.description == "Do.\n\nReturns\n-------\nint\n    The sum."
    assert parse_docstring(None).description == ""


# ---- arguments -----------------------------------------------------------------------------------------


async def test_arguments_arrive_as_the_hints_say() -> None:
    @tool
    def f(colour: Colour, point: Point, order: Order, maybe: Optional[int] = None) -> Any:  # noqa: UP045
        return [type(colour).__name__, type(point).__name__, type(order).__name__, point.x, order.tags, maybe]

    text = json.dumps({"colour": "red", "point": {"x": "7"}, "order": {"number": 1, "tags": ["t"]}})
    assert await output(f, text) == ["Colour", "Point", "Order", 7, ["t"], None]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"order_id": "x"}', "order_id: should be a valid integer, unable to parse string as an integer, got 'x'"),
        ("{}", "order_id: is required"),
        ('{"order_id": 1, "orderid": 2}', "orderid: is not an argument of this tool"),
        ('{"order_id": 1', "not valid JSON"),
        ("[1]", "must be a JSON object"),
        ('{"order_id": 1, "point": {"x": []}}', "point.x: should be a valid integer, got []"),
    ],
)
def test_wrong_arguments_are_explained_to_the_model(text: str, said: str) -> None:
    @tool
    def lookup(order_id: int, point: Optional[Point] = None) -> None: ...  # noqa: UP045

    with pytest.raises(ToolError) as caught:
        lookup.parse(text)
    assert said in str(caught.value)
    assert "lookup(order_id: int" in str(caught.value)


def test_harmless_slips_of_models_are_accepted() -> None:
    @tool
    def f(names: list[str], n: int = 0, text: str = "") -> None: ...

    assert f.parse('"{\\"names\\": [\\"a\\"]}"') == {"names": ["a"]}
    assert f.parse('{"names": "[\\"a\\"]"}') == {"names": ["a"]}
    assert f.parse('{"names": [], "text": "a\nb"}') == {"names": [], "text": "a\nb"}
    assert f.parse('{"names": [], "text": "[1]"}') == {"names": [], "text": "[1]"}

    @tool
    def g() -> None: ...

    assert g.parse("") == {}
    assert g.parse("null") == {}


def test_a_validation_message_is_short_however_long_the_input() -> None:
    @tool
    def f(n: int) -> None: ...

    with pytest.raises(ToolError) as caught:
        f.parse(json.dumps({"n": "x" * 1_000_000}))
    assert len(str(caught.value)) < 1_000


# ---- running -------------------------------------------------------------------------------------------


async def test_the_context_is_injected_and_hidden() -> None:
    @tool
    def f(n: int, context: ToolContext) -> Any:
        context.notify("working")
        return [n, context.call_id, context.deps["thing"]]

    notes: list[str] = []
    context = ToolContext("call-7", "r", {"thing": 5}, notes.append)
    assert list(f.schema.input_schema["properties"]) == ["n"]
    assert await output(f, '{"n": 1}', context) == [1, "call-7", 5]
    assert notes == ["working"]


async def test_functions_leave_the_agents_loop_free() -> None:
    """Also an async function that blocks, which is an easy mistake."""
    here = threading.current_thread()

    @tool
    def sync() -> Any:
        time.sleep(0.3)
        return threading.current_thread() is here

    @tool
    async def blocking() -> Any:
        time.sleep(0.3)  # noqa: ASYNC251
        return threading.current_thread() is here

    for one in (sync, blocking):
        call = asyncio.ensure_future(output(one))
        beats = 0
        while not call.done():
            await asyncio.sleep(0.01)
            beats += 1
        assert await call is False
        assert beats > 5


async def test_context_variables_are_copied() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("outer")

    @tool
    def sync() -> str:
        return variable.get()

    @tool
    async def awaiting() -> str:
        return variable.get()

    assert [await output(sync), await output(awaiting)] == ["outer", "outer"]


async def test_what_a_generator_yields_is_preliminary_until_the_last() -> None:
    @tool
    def counting(n: int) -> Iterator[int]:
        yield from range(n)

    @tool
    async def awaiting(n: int) -> AsyncIterator[dict[str, int]]:
        for i in range(n):
            yield {"i": i}
            await asyncio.sleep(0.15)

    @tool
    def returning() -> Any:
        yield "working"
        return "done"

    assert [(r.output, r.preliminary) for r in await results(counting, '{"n": 3}')] == [
        (0, True), (1, True), (2, True), (2, False)
    ]  # fmt: skip
    assert [(r.output, r.preliminary) for r in await results(awaiting, '{"n": 2}')] == [
        ({"i": 0}, True), ({"i": 1}, True), ({"i": 1}, False)
    ]  # fmt: skip
    assert [(r.output, r.preliminary) for r in await results(returning)] == [("working", True), ("done", False)]
    assert [(r.output, r.preliminary) for r in await results(counting, '{"n": 0}')] == [(None, False)]


async def test_a_generator_that_is_faster_than_its_reader_loses_only_old_previews() -> None:
    @tool
    def flood() -> Iterator[int]:
        yield from range(20_000)

    outputs = [r.output for r in await results(flood)]
    assert outputs[-2:] == [19_999, 19_999]
    assert outputs == sorted(outputs)
    assert len(outputs) < 5_000


@pytest.mark.parametrize("kind", ["loop", "sleeping generator", "async", "async generator"])
async def test_stop_returns_at_once_and_ends_the_function(kind: str) -> None:
    ended = threading.Event()

    def loop() -> None:
        try:
            while True:
                time.sleep(0.01)
        finally:
            ended.set()

    def generator() -> Iterator[int]:
        try:
            while True:
                yield 1
                time.sleep(0.01)
        finally:
            ended.set()

    async def awaiting() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def async_generator() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    functions: dict[str, Any] = {
        "loop": loop, "sleeping generator": generator, "async": awaiting, "async generator": async_generator
    }  # fmt: skip
    context = ToolContext("c", "r")
    call = asyncio.ensure_future(results(tool(name="endless")(functions[kind]), "{}", context))
    await asyncio.sleep(0.3)
    assert not call.done()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(call, 1)
    assert context.stopped.is_set()
    assert await asyncio.to_thread(ended.wait, 5)


async def test_an_async_function_that_blocks_its_loop_does_not_stop_the_others() -> None:
    @tool
    async def blocks() -> None:
        while True:
            time.sleep(0.01)  # noqa: ASYNC251

    @tool
    async def works() -> str:
        return "well"

    call = asyncio.ensure_future(output(blocks))
    await asyncio.sleep(0.2)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(call, 1)
    await asyncio.sleep(1.5)
    assert await asyncio.wait_for(output(works), 5) == "well"


async def test_exceptions_reach_the_agent_as_they_are() -> None:
    class OwnError(Exception): ...

    @tool
    def fails() -> None:
        raise OwnError("so it is")

    @tool
    def leaves() -> None:
        sys.exit(3)

    @tool
    def stops() -> None:
        raise StopIteration

    @tool
    async def cancels() -> None:
        raise asyncio.CancelledError

    with pytest.raises(OwnError, match="so it is"):
        await output(fails)
    with pytest.raises(RuntimeError, match="SystemExit: 3"):
        await output(leaves)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await output(stops)
    with pytest.raises(RuntimeError, match="CancelledError"):  # its own, not the agent's
        await output(cancels)


async def test_a_wrong_thread_is_told_what_to_do() -> None:
    database = sqlite3.connect(":memory:")

    @tool
    def ask() -> Any:
        return database.execute("select 1").fetchall()

    with pytest.raises(ToolError) as caught:
        await output(ask)
    assert "main_thread=True" in caught.value.hint
    assert "same thread" in caught.value.message


def test_main_thread_functions_run_where_it_is_served() -> None:
    """Plain Python: the main thread waits for the run and serves its calls."""
    main = MainThread()
    database = sqlite3.connect(":memory:")
    names: list[str] = []

    @tool(main_thread=True)
    def ask(sql: str) -> Any:
        names.append(threading.current_thread().name)
        return database.execute(sql).fetchone()

    @tool(main_thread=True)
    def steps() -> Iterator[str]:
        yield threading.current_thread().name
        yield threading.current_thread().name

    @tool(main_thread=True)
    async def awaiting() -> str:
        await asyncio.sleep(0.01)
        return threading.current_thread().name

    seen: list[Any] = []
    done = threading.Event()

    async def agent() -> None:
        context = ToolContext("c", "r", {"main_thread": main})
        seen.append(await output(ask, '{"sql": "select 41 + 1"}', context))
        seen.extend(r.output for r in await results(steps, "{}", context))
        seen.append(await output(awaiting, "{}", context))

    thread = threading.Thread(target=lambda: (asyncio.run(agent()), done.set()))
    thread.start()
    assert main.serve_until(done, 20)
    thread.join()
    assert seen == [[42], "MainThread", "MainThread", "MainThread", "MainThread"]
    assert names == ["MainThread"]


async def test_main_thread_functions_fail_in_words_where_nothing_serves_it() -> None:
    @tool(main_thread=True)
    def f() -> None: ...

    with pytest.raises(ToolError, match="must run on the main thread"):
        await output(f)


def test_a_question_shows_a_call_whole_or_not_as_code() -> None:
    """What is left out of the code would be shown nowhere: the card lists the arguments where there is no code."""

    @tool(approval=True)
    def query(sql: str, options: dict[str, Any]) -> None: ...

    sql = "SELECT 1" + " " * 2_100 + "; DROP TABLE orders"
    deep: Any = "everybody"
    for _ in range(10):
        deep = {"to": deep}
    request = query.approval({"sql": sql, "options": deep})
    assert request is not None
    assert request.code == f"query(sql={sql!r}, options={deep!r})"

    for _ in range(3_000):
        deep = {"to": deep}
    for given in ({"sql": sql * 10, "options": {}}, {"sql": sql, "options": deep}):
        request = query.approval(given)
        assert request is not None
        assert request.code == ""


def test_approval_is_asked_where_the_user_said_so() -> None:
    @tool
    def free() -> None: ...

    @tool(approval=True)
    def asked(path: str) -> None: ...

    @tool(approval=lambda given: "delete a lot" if given["n"] > 3 else None)
    def sometimes(n: int) -> None: ...

    assert free.approval({}) is None
    request = asked.approval({"path": "a.txt"})
    assert request is not None
    assert (request.title, request.code, request.language) == ("run asked", "asked(path='a.txt')", "python")
    assert sometimes.approval({"n": 1}) is None
    request = sometimes.approval({"n": 9})
    assert request is not None
    assert request.title == "delete a lot"


def test_reading_runs_side_by_side_unless_on_the_main_thread() -> None:
    assert not tool(name="f")(lambda: 1).parallel
    assert tool(name="f", read_only=True)(lambda: 1).parallel
    assert not tool(name="f", read_only=True, main_thread=True)(lambda: 1).parallel
    assert tool(name="f", parallel=True)(lambda: 1).parallel


def test_what_was_expected_is_said_in_words_that_a_model_can_follow() -> None:
    def visit(
        count: Annotated[int, Field(ge=1, le=9)],
        places: list[Place],
        by: Literal["bus", "car"] = "bus",
        price: Annotated[float, Field(gt=0)] = 1.5,
        note: Optional[str] = None,  # noqa: UP045
    ) -> None: ...

    with pytest.raises(ToolError) as caught:
        tool(visit).parse('{"count": -2, "places": []}')
    assert str(caught.value).splitlines() == [
        "count: should be greater than or equal to 1, got -2",
        (
            "Expected: visit(count: integer 1…9, places: array of {name: string, near: {name: string, "
            "near: any | null} | null}, "
            'by: bus | car = "bus", price: number > 0 = 1.5, note: string | null = null)'
        ),
    ]


async def test_a_stopped_call_leaves_no_task_that_pends():
    reading = Previews().read(asyncio.sleep(60))
    waiting = asyncio.ensure_future(anext(reading))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.wait({waiting})
    await asyncio.sleep(0.01)
    pending = asyncio.all_tasks() - {asyncio.current_task()}
    assert not pending, "Python would tell of each in a cell of the user's, when it collects it"
