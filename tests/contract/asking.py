"""What the fault suites ask of a site, and what makes a run right.

Each event is there once and in order, it ends once, its answer is whole, and its usage is counted once: whatever was
killed meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from copilot_widget.protocol import UIMessage, reduce_chunks
from copilot_widget.protocol.messages import TextPart
from copilot_widget.runs.base import Event, RunId
from copilot_widget.runs.executor import LogExecutor

from .sites import Site, WorkerProcess

ENDS = ("finish", "error", "abort")
PARTS = 3
"""Model requests of a run: what was finished before a crash is not done again."""


def talk(tokens: int, *, per_second: float, path: str) -> list[Any]:
    """A run of several steps: text, a call that only looks, and text again."""
    text = {"type": "text", "text": "word " * (tokens // PARTS), "tokensPerSecond": per_second}
    call = {"type": "call", "toolName": "look", "input": {"path": path}}
    return [*[[text, call]] * (PARTS - 1), [text]]


def endless() -> list[Any]:
    return [[{"type": "text", "text": "word ", "tokens": 5000, "tokensPerSecond": 50}]]


async def collect(executor: LogExecutor, run: RunId, after: int = 0) -> list[Event]:
    return [event async for event in executor.subscribe(run, after)]


async def until(executor: LogExecutor, run: RunId, kind: str, seconds: float = 30) -> dict[str, Any]:
    """The first chunk of a kind."""

    async def look() -> dict[str, Any]:
        async for event in executor.subscribe(run):
            if event["chunk"]["type"] == kind:
                return event["chunk"]
        raise AssertionError(f"{run} ended without {kind}")

    return await asyncio.wait_for(look(), seconds)


async def until_status(executor: LogExecutor, run: RunId, *wanted: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while (status := await executor.status(run)) not in wanted:
        assert time.monotonic() < deadline, f"{run} is {status}"
        await asyncio.sleep(0.01)


def text_of(message: UIMessage) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, TextPart))


def check(events: list[Event], *, end: str = "finish") -> UIMessage:
    """Each event once, in order, one end; returns the message."""
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    kinds = [event["chunk"]["type"] for event in events]
    assert [kind for kind in kinds if kind in ENDS] == [end], [event["chunk"] for event in events[-3:]]
    assert kinds[-1] == end
    assert kinds.count("start") == 1
    attempts = [event["attempt"] for event in events]
    assert attempts == sorted(attempts)
    return reduce_chunks([event["chunk"] for event in events])


def check_talk(events: list[Event], tokens: int) -> None:
    message = check(events)
    assert text_of(message).split() == ["word"] * (tokens // PARTS * PARTS)
    usage = message.metadata["usage"]
    assert message.metadata["steps"] == PARTS
    completion = usage["completionTokens"]
    assert tokens * 0.8 < completion < tokens * 1.6, f"usage is counted once: {completion}"


async def submit(executor: LogExecutor, *requests: Any) -> list[RunId]:
    return list(await asyncio.gather(*(executor.submit(request, idempotency_key=request.run) for request in requests)))


async def all_of(executor: LogExecutor, runs: list[RunId], seconds: float = 120) -> list[list[Event]]:
    return list(await asyncio.wait_for(asyncio.gather(*(collect(executor, run) for run in runs)), seconds))


async def begun_and_died(site: Site, client: LogExecutor, tool: str = "act", **options: Any) -> tuple[RunId, Path]:
    """A run whose first worker died in a call, after the call had left its mark; with a worker that takes over."""
    mark = site.folder / "acted"
    steps = [[{"type": "call", "toolName": tool, "input": {"path": str(mark), "then_die": True}}], ["done"]]
    (run,) = await submit(client, site.ask(site.script(steps), **options))
    first = site.start_worker()
    await asyncio.to_thread(first.wait)
    site.start_worker()
    return run, mark


def metric(worker: WorkerProcess, name: str) -> float:
    """A figure of a worker's page for Prometheus."""
    lines = worker.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).rpartition(" ")[2])
