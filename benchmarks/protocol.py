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
import timeit
from collections.abc import Callable
from pathlib import Path

from copilot_widget.protocol.chunks import TextDelta, TextStart, ToolInputDelta, ToolInputStart
from copilot_widget.protocol.reducer import Reducer
from copilot_widget.protocol.sse import to_sse
from copilot_widget.protocol.wire import parse_chunk

from .report import Figure, number, table

ROUNDS = 7
NUMBER = 20_000
DICT = {"type": "text-delta", "id": "text-1", "delta": "revenue "}
TEXT = json.dumps(DICT, separators=(",", ":"))

KNOWN_PEER = {"encode": 2.5, "parse a dict": 1.3, "parse a text": 1.3}
"""Microseconds of pydantic-ai-slim 2.68 (Python 3.11, pydantic 2.14)."""

_PEER = f"""
import json, time, timeit
from pydantic_ai.ui.vercel_ai.response_types import TextDeltaChunk as Chunk
wire = {DICT!r}
text = json.dumps(wire, separators=(",", ":"))
ways = {{
    "encode": lambda: f"data: {{Chunk(id='text-1', delta='revenue ').encode(6)}}\\n\\n",
    "parse a dict": lambda: Chunk.model_validate(wire),
    "parse a text": lambda: Chunk.model_validate_json(text),
}}
costs = {{name: timeit.timeit(way, timer=time.process_time, number={NUMBER}) for name, way in ways.items()}}
print(json.dumps({{name: cost / {NUMBER} * 1e6 for name, cost in costs.items()}}))
"""

WAYS: dict[str, Callable[[], object]] = {
    "encode": lambda: to_sse(TextDelta(id="text-1", delta="revenue ")),
    "parse a dict": lambda: parse_chunk(DICT),
    "parse a text": lambda: parse_chunk(TEXT),
}


def chunk_costs(peer: str | None) -> tuple[dict[str, float], dict[str, float]]:
    """Microseconds a chunk, ours and the peer's: the best of rounds that take turns, so that both see the same load."""
    ours = dict.fromkeys(WAYS, float("inf"))
    theirs = dict.fromkeys(WAYS, float("inf")) if peer else dict(KNOWN_PEER)
    for _ in range(ROUNDS):
        for name, way in WAYS.items():
            ours[name] = min(ours[name], timeit.timeit(way, timer=time.process_time, number=NUMBER) / NUMBER * 1e6)
        if peer:
            run = subprocess.run([peer, "-c", _PEER], capture_output=True, text=True, check=True)
            for name, value in json.loads(run.stdout).items():
                theirs[name] = min(theirs[name], value)
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
    figures = [Figure(f"a text delta: {name}", ours[name], theirs[name], "µs") for name in WAYS]
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
