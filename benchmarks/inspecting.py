"""What it costs to look: at tables of ten million rows, at a thousand variables; to complete; to call a tool.

`python -m benchmarks.inspecting` prints a line for each goal; exits 1 where one is missed. Takes 2 GB of memory.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import psutil

from copilot_widget.agent import Agent
from copilot_widget.models.base import ToolCall
from copilot_widget.models.callable import CallableModel
from copilot_widget.notebook.completion import Surroundings, complete
from copilot_widget.notebook.describe import describe, list_variables
from copilot_widget.protocol.chunks import ToolInputAvailable, ToolOutputAvailable
from copilot_widget.protocol.messages import TextPart, UIMessage
from copilot_widget.state import RunRequest, RunState
from copilot_widget.tools.approval import Policy
from copilot_widget.tools.function import tool
from copilot_widget.tools.toolset import StaticToolset

from .report import Figure

ROWS = 10_000_000
ROUNDS = 9
CALLS = 500


def main() -> int:
    figures = [*tables(), *variables(), *asyncio.run(calls())]
    for figure in figures:
        print(figure)
    return 0 if all(figure.is_met for figure in figures) else 1


# ---- tables ------------------------------------------------------------------------------------------------


def columns() -> dict[str, Any]:
    """Ten mixed columns; equal texts are one object each, as a reader makes them."""
    random = np.random.default_rng(1)
    nulls = random.random(ROWS)
    nulls[random.random(ROWS) < 0.1] = np.nan
    cities = np.array(["Rome", "Oslo", "Lima", "Kyiv", "Doha"], dtype=object)
    words = np.array([f"customer {n}" for n in range(100_000)], dtype=object)
    return {
        "id": np.arange(ROWS),
        "quantity": random.integers(0, 100, ROWS, dtype=np.int32),
        "price": random.normal(10, 3, ROWS),
        "discount": nulls,
        "when": (np.datetime64("2020-01-01", "s") + np.arange(ROWS).astype("timedelta64[s]")).astype("datetime64[ms]"),
        "paid": random.random(ROWS) < 0.5,
        "city": pd.Categorical.from_codes(random.integers(0, 5, ROWS, dtype=np.int8), cities.tolist()),
        "customer": words[random.integers(0, len(words), ROWS)],
        "mixed": np.array([1, "a", None, 2.5], dtype=object)[random.integers(0, 4, ROWS, dtype=np.int8)],
        "weight": random.random(ROWS, dtype=np.float32),
    }


def tables() -> list[Figure]:
    data = columns()
    frame = pd.DataFrame(data, copy=False)
    figures = look_at("pandas, 10 million rows", frame)
    del data["mixed"]  # polars has no such column
    city = data.pop("city")
    other = pl.DataFrame({name: pl.Series(name, values) for name, values in data.items()})
    cities = pl.Series("city", city.categories.tolist(), dtype=pl.Categorical).gather(city.codes.astype(np.uint32))
    other = other.with_columns(cities, pl.lit("x").alias("note"))
    del frame, data
    return [*figures, *look_at("polars, 10 million rows", other)]


def look_at(name: str, frame: Any) -> list[Figure]:
    """Milliseconds, megabytes that Python and numpy took at the peak, and megabytes by which the process grew."""
    describe("df", frame)
    seconds = timed(lambda: describe("df", frame))
    process = psutil.Process()
    before = process.memory_info().rss
    tracemalloc.start()
    describe("df", frame)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    grown = max(process.memory_info().rss - before, 0)
    return [
        Figure(f"describing a table of {name}", 1_000 * statistics.median(seconds), 50, "ms"),
        Figure(f"memory at the peak of it ({name})", peak / 1e6, 10, "MB"),
        Figure(f"memory of the process after it ({name})", grown / 1e6, 10, "MB"),
    ]


def timed(function: Callable[[], Any], rounds: int = ROUNDS) -> list[float]:
    seconds: list[float] = []
    for _ in range(rounds):
        begun = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - begun)
    return seconds


# ---- variables ---------------------------------------------------------------------------------------------


class Order:
    def __init__(self, number: int) -> None:
        self.number = number


def namespace() -> dict[str, Any]:
    """A thousand variables of ten kinds."""
    frame = pd.DataFrame({"price": [1.0] * 1_000, "city": ["Rome"] * 1_000})
    kinds: list[Callable[[int], Any]] = [
        lambda n: n,
        lambda n: f"text {n}" * 20,
        lambda n: list(range(n)),
        lambda n: {str(key): key for key in range(n)},
        lambda _n: frame,
        lambda n: np.zeros((n + 1, 3)),
        lambda n: Order(n),
        lambda _n: timed,
        lambda _n: pl.DataFrame({"a": [1, 2]}),
        lambda n: (n, str(n), None),
    ]
    return {f"variable_{n}": kinds[n % len(kinds)](n) for n in range(1_000)}


def variables() -> list[Figure]:
    names = namespace()
    listed = timed(lambda: list_variables(names))
    around = Surroundings(names)
    completed = timed(lambda: complete("@", 1, around))
    figures = [("listing 1,000 variables", listed, 100), ("completing @ among 1,000 variables", completed, 20)]
    return [Figure(name, 1_000 * statistics.median(seconds), goal, "ms") for name, seconds, goal in figures]


# ---- a call ------------------------------------------------------------------------------------------------


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def calls() -> list[Figure]:
    """From the chunk with a call's input to the one with its output, through the agent's loop."""
    asked = 0

    def model(_request: Any) -> Any:
        nonlocal asked
        asked += 1
        return [ToolCall(f"c{asked}", "add", '{"a": 1, "b": 2}')] if asked <= CALLS else "done"

    agent = Agent(CallableModel(model), StaticToolset([add]), policy=Policy("auto"))
    message = UIMessage(id="u", role="user", parts=[TextPart(text="add", state="done")])
    request = RunRequest(run="r", thread="t", model="", message=message, message_id="a", max_steps=CALLS + 1)
    state = RunState.begin(request, [message])
    seconds: list[float] = []
    begun = 0.0
    while state.status == "running":
        if state.phase == "model":  # as in runs of few steps, whose message is short
            state.message = UIMessage(id="a", role="assistant", parts=[])
        async for item in agent.step(state):
            if isinstance(item, ToolInputAvailable):
                begun = time.perf_counter()
            elif isinstance(item, ToolOutputAvailable):
                seconds.append(time.perf_counter() - begun)
            elif isinstance(item, RunState):
                state = item
    assert len(seconds) == CALLS
    ordered = sorted(1_000 * each for each in seconds)
    return [
        Figure("a tool's call to its output, median", statistics.median(ordered), 2, "ms"),
        Figure("the same, of 99 in 100", ordered[int(0.99 * CALLS)], 2, "ms"),
    ]


if __name__ == "__main__":
    sys.exit(main())
