"""Microseconds of a text delta, as JSON.

`PYTHON benchmarks/chunk_cost.py [ours|peer|log]`: by our types, by the peer's, or with an append to the log in memory.
A script that needs nothing but the package that it measures, since the peer may be installed elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import timeit
from collections.abc import Callable
from typing import Any

NUMBER = 20_000
WIRE: dict[str, Any] = {"type": "text-delta", "id": "text-1", "delta": "revenue "}
TEXT = json.dumps(WIRE, separators=(",", ":"))


def ours() -> dict[str, Callable[[], object]]:
    from copilot_widget.protocol import TextDelta, parse_chunk, to_sse

    return {
        "encode": lambda: to_sse(TextDelta(id="text-1", delta="revenue ")),
        "parse a dict": lambda: parse_chunk(WIRE),
        "parse a text": lambda: parse_chunk(TEXT),
    }


def peer() -> dict[str, Callable[[], object]]:
    """pydantic-ai's types for the same wire."""
    from pydantic_ai.ui.vercel_ai.response_types import TextDeltaChunk  # pyright: ignore[reportMissingImports]

    return {
        "encode": lambda: f"data: {TextDeltaChunk(id='text-1', delta='revenue ').encode(6)}\n\n",
        "parse a dict": lambda: TextDeltaChunk.model_validate(WIRE),
        "parse a text": lambda: TextDeltaChunk.model_validate_json(TEXT),
    }


async def log() -> float:
    """Seconds to make `NUMBER` chunks, encode each and append it to the log in memory, one at a time."""
    from copilot_widget.protocol import TextDelta, UIMessage, to_wire
    from copilot_widget.runs.memory import MemoryLog
    from copilot_widget.state import RunRequest

    memory = MemoryLog()
    request = RunRequest(run="r", thread="t", message=UIMessage("u", "user"), message_id="m", model="demo")
    run = await memory.create(request, key="key")
    claim = await memory.claim(run, "worker")
    assert claim is not None
    before = time.process_time()
    for seq in range(1, NUMBER + 1):
        await memory.append(run, claim.fence, seq, [to_wire(TextDelta(id="text-1", delta="revenue "))])
    return time.process_time() - before


def costs(whose: str) -> dict[str, float]:
    if whose == "log":
        return {"encode, append to the log in memory": asyncio.run(log())}
    ways = peer() if whose == "peer" else ours()
    return {name: timeit.timeit(way, timer=time.process_time, number=NUMBER) for name, way in ways.items()}


if __name__ == "__main__":
    print(json.dumps({name: cost / NUMBER * 1e6 for name, cost in costs(sys.argv[1]).items()}))
