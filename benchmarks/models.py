"""What a model's answer costs before anybody sees it: the pace of scripts, our share of a litellm chunk, closing.

`python -m benchmarks.models` prints the figures, and exits 1 where a goal is missed. CPU times are those of the thread
with the event loop, so that the server beside it does not count.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from copilot_widget.models.base import ModelRequest, Text, TextDelta, UserMessage
from copilot_widget.models.demo import decide
from copilot_widget.models.litellm import LiteLLMModel
from copilot_widget.models.script import ScriptModel
from tests.wire_server import WireServer, wire_server

from .report import Figure

RATE = 500
TOKENS = 2_000
ROUNDS = 5
REQUEST = ModelRequest((UserMessage((Text("go"),)),))
MARKDOWN = "## Findings\n\nRevenue **fell** by 12 %:\n\n| region | change |\n|---|--:|\n| West | -70 % |\n\n"


async def pace(tokens: int) -> float:
    """Seconds by which a scripted answer misses its time."""
    model = ScriptModel({"tokensPerSecond": RATE, "steps": [[{"type": "text", "text": MARKDOWN, "tokens": tokens}]]})
    began = time.perf_counter()
    async for _ in model.stream(REQUEST):
        pass
    return abs(time.perf_counter() - began - (tokens - 1) / RATE)


async def ours(wire: WireServer) -> None:
    """An answer through our adapter."""
    async for _ in LiteLLMModel("openai/m", api_base=f"{wire.address}/v1", env={}).stream(REQUEST):
        pass


async def litellm_alone(wire: WireServer) -> None:
    """The same answer, iterated by hand."""
    import litellm

    stream: Any = await litellm.acompletion(
        model="openai/m",
        messages=[{"role": "user", "content": "go"}],
        api_base=f"{wire.address}/v1",
        api_key="none",
        stream=True,
        stream_options={"include_usage": True},
    )
    async for _ in stream:
        pass


async def per_chunk(answer: Callable[[WireServer], Awaitable[None]], wire: WireServer) -> float:
    """Microseconds of CPU that a chunk takes, the best of some rounds."""
    costs: list[float] = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        await answer(wire)
        costs.append((time.thread_time() - began) / TOKENS * 1e6)
    return min(costs)


async def closing(wire: WireServer) -> float:
    """Milliseconds from aclose() until the server has seen the connection close, in the median."""
    lines = wire.lines
    wire.lines = [lines[0], 30.0]
    waits: list[float] = []
    for _ in range(ROUNDS):
        wire.gone.clear()
        stream = LiteLLMModel("openai/m", api_base=f"{wire.address}/v1", env={}).stream(REQUEST)
        async for event in stream:
            if isinstance(event, TextDelta):
                break
        began = time.perf_counter()
        await stream.aclose()
        await asyncio.to_thread(wire.gone.wait, 30)
        waits.append((time.perf_counter() - began) * 1000)
    wire.lines = lines
    return statistics.median(waits)


async def measure() -> list[Figure]:
    """All figures."""
    figures = [
        Figure(f"script, {tokens:,} tokens at {RATE}/s: off by", await pace(tokens), 0.05, "s")
        for tokens in (2_000, 10_000)
    ]
    with wire_server() as wire:
        usage = {"prompt_tokens": 1, "completion_tokens": TOKENS, "total_tokens": TOKENS + 1}
        wire.openai(*[{"content": f"word{i} "} for i in range(TOKENS)], usage=usage)
        await ours(wire)  # loads litellm
        alone, with_ours = await per_chunk(litellm_alone, wire), await per_chunk(ours, wire)
        print(f"litellm alone: {alone:.0f} µs a chunk; with our adapter: {with_ours:.0f} µs")
        figures.append(Figure("our share of a chunk", max(with_ours - alone, 0.0), 60, "µs"))
        figures.append(Figure("closing, until the server knows", await closing(wire), 50, "ms"))
    began = time.perf_counter()
    decide(REQUEST)
    figures.append(Figure("the demo model's decision", (time.perf_counter() - began) * 1000, 20, "ms"))
    return figures


def main() -> int:
    figures = asyncio.run(measure())
    for figure in figures:
        print(figure)
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
