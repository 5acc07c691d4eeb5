"""What a chunk costs: to build and encode, to parse, to reduce; beside pydantic-ai's types and the official client.

`python -m benchmarks.protocol [--peer PYTHON]`, where PYTHON is an interpreter that has pydantic-ai-slim installed (it
is no dependency of ours); without it the goals are what its types took when we measured them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from copilot_widget.protocol.chunks import TextDelta, TextStart, ToolInputDelta, ToolInputStart
from copilot_widget.protocol.reducer import Reducer

from .report import Figure, number, table

ROUNDS = 7
COST = Path(__file__).parent / "chunk_cost.py"

APPEND_GOAL = 8
"""Microseconds from a chunk's fields to its place in the log in memory."""
KNOWN_PEER = {"encode": 2.5, "parse a dict": 1.3, "parse a text": 1.3}
"""Microseconds of pydantic-ai-slim 2.68 (Python 3.11, pydantic 2.14)."""


def chunk_costs(peer: str | None) -> tuple[dict[str, float], dict[str, float]]:
    """Microseconds a chunk, ours and the peer's: the best of rounds that take turns, so that both see the same load.

    Each round is a process of its own: where a process lies in memory makes up to half of such a figure.
    """
    ours: dict[str, float] = {}
    theirs: dict[str, float] = {} if peer else dict(KNOWN_PEER)
    for _ in range(ROUNDS):
        for python, whose, best in (
            (sys.executable, "ours", ours),
            (peer, "peer", theirs),
            (sys.executable, "log", ours),
        ):
            if python is not None:
                run = subprocess.run([python, str(COST), whose], capture_output=True, text=True, check=True)
                for name, value in json.loads(run.stdout).items():
                    best[name] = min(best.get(name, value), value)
    return ours, theirs


def growth(start: object, delta: object) -> float:
    """How much more a delta costs after 100,000 of them than at first (medians of blocks)."""
    reducer = Reducer()
    reducer.push(start)  # type: ignore[arg-type]
    blocks: list[float] = []
    for _ in range(100):
        before = time.process_time()
        for _ in range(1_000):
            reducer.push(delta)  # type: ignore[arg-type]
        blocks.append(time.process_time() - before)
    return sorted(blocks[-20:])[10] / sorted(blocks[:20])[10]


def browser_reducer() -> dict[str, float]:
    """Seconds for 60 tool outputs of 17 kB and 2,000 deltas: {ours, official}."""
    script = Path(__file__).parent.parent / "js" / "scripts" / "bench-reducer.mjs"
    run = subprocess.run(["node", str(script)], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def measure(peer: str | None = None, *, browser: bool = True) -> list[Figure]:
    """The figures, against their goals."""
    ours, theirs = chunk_costs(peer)
    figures = [
        Figure(f"a text delta: {name}", cost, theirs.get(name, APPEND_GOAL), "µs") for name, cost in ours.items()
    ]
    text = growth(TextStart(id="t"), TextDelta(id="t", delta="revenue "))
    code = growth(
        ToolInputStart(tool_call_id="c", tool_name="run_code"),
        ToolInputDelta(tool_call_id="c", input_text_delta="revenue "),
    )
    figures.append(Figure("the 100,000th text delta, by the first", text, 2, "times"))
    figures.append(Figure("the 100,000th tool input delta, by the first", code, 2, "times"))
    if browser:
        seconds = browser_reducer()
        share = seconds["ours"] / seconds["official"]
        print(
            table(["60 outputs of 17 kB, 2,000 deltas", "s"], [[name, number(took)] for name, took in seconds.items()])
        )
        figures.append(Figure("the page's reducer, by the official client", share, 1 / 50, "times"))
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="an interpreter with pydantic-ai-slim")
    parser.add_argument("--no-browser", action="store_true", help="without the JavaScript reducer")
    arguments = parser.parse_args()
    figures = measure(arguments.peer, browser=not arguments.no_browser)
    for figure in figures:
        print(figure)
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
