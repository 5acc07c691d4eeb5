"""What it costs that runs leave the kernel: in process, in a process of this machine, on workers.

`python -m benchmarks.executors [--runs 50] [--tokens 2000] [--queued 10000] [PLACE …]` starts real workers and servers,
kills some of them, prints a table and a line for each goal, and exits 1 where one is missed. It takes ten minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from copilot_widget.protocol import UIMessage
from copilot_widget.protocol.messages import TextPart
from copilot_widget.runs.base import RunId
from copilot_widget.runs.executor import KernelExecutor, LogExecutor
from copilot_widget.state import RunRequest
from copilot_widget.store import MemoryStore
from tests.contract.sites import LEASE, BrokerSite, ProcessSite, Site
from tests.servers import RabbitServer, RedisServer

from .executor_app import copilot
from .report import Figure, number, table

PLACES = ("kernel", "process", "broker")
APP = "benchmarks.executor_app:copilot"
RATE = 2_000
"""Events a second of all runs together."""
SETTLE = 5.0
"""Seconds before a server is killed: RabbitMQ 3.10.8 elects no leader for a queue that was declared just before."""
STOPS = 100


class Seen:
    """One reader's view of a run: of each event its number, attempt, time and type, when its token was made, and when
    it arrived. Kept as the events they come in, a hundred thousand would have the collector slow their reader down."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, float, str, float, float]] = []

    async def follow(self, executor: LogExecutor, run: RunId) -> None:
        async for event in executor.subscribe(run):
            chunk = event["chunk"]
            made = float(chunk["delta"]) if chunk["type"] == "text-delta" else math.nan
            self.rows.append((event["seq"], event["attempt"], event["ts"], chunk["type"], made, time.time()))

    def has(self, kind: str) -> bool:
        return any(row[3] == kind for row in self.rows)

    @property
    def is_whole(self) -> bool:
        """Each event once and in order, and one end."""
        seqs = [row[0] for row in self.rows]
        ends = [row[3] for row in self.rows if row[3] in ("finish", "error", "abort")]
        return seqs == list(range(1, len(seqs) + 1)) and ends == ["finish"]

    @property
    def begun(self) -> float:
        """Epoch seconds of its first token's arrival."""
        return next(row[5] for row in self.rows if row[3] == "text-delta")

    def latencies(self, after: float, before: float) -> list[float]:
        """Seconds from a token's making to its arrival here; of tokens that were made between two epoch seconds."""
        return [row[5] - row[4] for row in self.rows if after < row[4] < before]

    def pick_up(self, killed: float) -> float | None:
        """Seconds from its worker's death to the first event of the attempt after it; None where it was another's."""
        return next((row[2] - killed for row in self.rows if row[1] > 1), None)


def ask(text: str, number: int, prefix: str = "") -> RunRequest:
    run = f"run-{prefix}{number}-{time.time_ns()}"
    message = UIMessage(id=f"{run}-user", role="user", parts=[TextPart(text=text)])
    return RunRequest(run=run, thread=f"t-{run}", message=message, message_id=f"{run}-answer", model="")


async def submit(executor: LogExecutor, requests: Sequence[RunRequest]) -> list[RunId]:
    return list(await asyncio.gather(*(executor.submit(each, idempotency_key=each.run) for each in requests)))


async def follow(executor: LogExecutor, runs: Sequence[RunId]) -> list[Seen]:
    seen = [Seen() for _ in runs]
    await asyncio.gather(*(each.follow(executor, run) for each, run in zip(seen, runs, strict=True)))
    return seen


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 - what readers have seen
        await asyncio.sleep(0.01)


@dataclass
class Place:
    """Where runs are executed; `site` is None for this process."""

    name: str
    site: Site | None

    @asynccontextmanager
    async def client(self) -> AsyncIterator[LogExecutor]:
        executor = (
            KernelExecutor(copilot.agents.on_worker, MemoryStore()) if self.site is None else self.site.executor()
        )
        try:
            yield executor
        finally:
            await executor.close()

    def workers(self, count: int, slots: int) -> None:
        if self.site is not None:
            for _ in range(count):
                self.site.start_worker("--workers", str(slots))

    def end_workers(self) -> None:
        if self.site is not None:
            for worker in self.site.workers:
                worker.close()
            self.site.workers.clear()


@contextmanager
def places(names: Sequence[str]) -> Iterator[list[Place]]:
    """The places by name, with the servers that they need."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found: list[Place] = []
        for name in names:
            site: Site | None = None
            (folder / name).mkdir()
            if name == "process":
                site = ProcessSite(folder / name)
            elif name == "broker":
                redis, rabbit = stack.enter_context(RedisServer()), stack.enter_context(RabbitServer())
                site = BrokerSite(folder / name, redis, rabbit)
            if site is not None:
                site.app = APP
                stack.callback(site.close)
            found.append(Place(name, site))
        yield found


# ---- what is measured ------------------------------------------------------------------------------------


async def paced(place: Place, runs: int, tokens: int) -> tuple[list[str], list[Figure]]:
    """All runs together at 2,000 events a second; a worker is killed at 40 %, and latency is measured up to that."""
    place.workers(2, runs)
    killed = math.inf
    async with place.client() as client:
        ids = await submit(client, [ask(f"{tokens} {RATE / runs}", n) for n in range(runs)])
        seen = [Seen() for _ in ids]
        reading = asyncio.gather(*(each.follow(client, run) for each, run in zip(seen, ids, strict=True)))
        await until(lambda: sum(len(each.rows) for each in seen) >= 0.4 * runs * tokens)
        if place.site is not None:
            place.site.workers[0].kill()
            killed = time.time()
        await asyncio.wait_for(reading, 600)
    place.end_workers()
    whole = sum(each.is_whole for each in seen)
    before = [latency for each in seen for latency in each.latencies(max(each.begun for each in seen), killed)]
    p50, p99 = statistics.median(before) * 1e3, _percentile(before, 99) * 1e3
    picked = [pick for each in seen if (pick := each.pick_up(killed)) is not None]
    pick_up = statistics.median(picked) if picked else None
    figures = [
        Figure(f"{place.name}: runs of {runs} that are not whole after a kill", runs - whole, 0, "runs"),
        Figure(f"{place.name}: event latency at {RATE:,} events/s, p99", p99, 10, "ms"),
    ]
    if pick_up is not None:
        goal = 0.2 if place.name == "broker" else LEASE + 1
        figures.append(Figure(f"{place.name}: pick-up after a kill, median of {len(picked)}", pick_up, goal, "s"))
    return [f"{whole}/{runs}", number(p50), number(p99), number(pick_up)], figures


async def unpaced(place: Place, runs: int, tokens: int) -> tuple[list[str], list[Figure]]:
    """As fast as two workers can, until the last run is in the log; and until a reader has had everything."""
    place.workers(2, runs)
    async with place.client() as client:
        began = time.perf_counter()
        ids = await submit(client, [ask(f"{tokens} 0", n) for n in range(runs)])
        while any(info.status != "completed" for info in await client.runs(runs)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # nobody reads meanwhile
        logged = time.perf_counter() - began
        seen = await follow(client, ids)
        read = time.perf_counter() - began - logged
    place.end_workers()
    assert all(each.is_whole for each in seen)
    events = sum(len(each.rows) for each in seen)
    figures = []
    if place.name == "broker":
        figures.append(Figure("broker: microseconds an event, unpaced", logged / events * 1e6, 25, "µs"))
    return [number(events / logged), number(events / read)], figures


async def stopped(place: Place, question: str, name: str, goal: float) -> tuple[list[str], list[Figure]]:
    """From a Stop to the terminal event at the reader, many runs at once."""
    place.workers(2, STOPS)
    async with place.client() as client:
        ids = await submit(client, [ask(question, n) for n in range(STOPS)])
        seen = [Seen() for _ in ids]
        readers = [asyncio.ensure_future(each.follow(client, run)) for each, run in zip(seen, ids, strict=True)]
        begun = "text-delta" if question != "hang" else "tool-input-available"
        await until(lambda: all(each.has(begun) for each in seen))
        await asyncio.sleep(0.5)
        took: list[float] = []
        for run, each, reader in zip(ids, seen, readers, strict=True):
            at = time.time()
            await client.stop(run)
            await asyncio.wait_for(reader, 30)
            took.append(each.rows[-1][5] - at)
    place.end_workers()
    p99 = _percentile(took, 99) * 1e3
    return [number(p99)], [Figure(f"{place.name}: Stop of a {name} run, p99 of {STOPS}", p99, goal, "ms")]


async def queued(place: Place, count: int) -> list[Figure]:
    """Runs that are asked for while nobody works; both servers are restarted; then they are executed."""
    async with place.client() as client:
        began = time.perf_counter()
        await submit(client, [ask("1 0", n, "q") for n in range(count)])
        accepted = time.perf_counter() - began
    figures = [Figure(f"{place.name}: {count:,} runs accepted", accepted, 10, "s")]
    if isinstance(place.site, BrokerSite):
        await asyncio.sleep(SETTLE)
        for server in (place.site.rabbit, place.site.redis):
            await asyncio.to_thread(server.restart)
    place.workers(2, 50)
    async with place.client() as client:
        done, until = 0, time.monotonic() + 300
        while done < count and time.monotonic() < until:
            infos = await client.runs(count)
            done = sum(info.status == "completed" for info in infos if "-q" in info.run)
            await asyncio.sleep(1)
    place.end_workers()
    figures.append(Figure(f"{place.name}: of them lost, after restarts of the servers", count - done, 0, "runs"))
    return figures


def _percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


async def measure(place: Place, options: argparse.Namespace) -> tuple[list[str], list[Figure]]:
    row, figures = [place.name], list[Figure]()
    for cells, more in (
        await paced(place, options.runs, options.tokens),
        await unpaced(place, options.runs, options.tokens),
        await stopped(place, "100000 20", "streaming", 100),
        await stopped(place, "hang", "silent", 1_000),
    ):
        row += cells
        figures += more
    if place.name != "kernel":
        figures += await queued(place, options.queued)
    return row, figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--tokens", type=int, default=2_000)
    parser.add_argument("--queued", type=int, default=10_000)
    parser.add_argument("places", nargs="*", default=PLACES)
    options = parser.parse_args()
    rows, figures = list[list[str]](), list[Figure]()
    with places(options.places) as found:
        for place in found:
            row, more = asyncio.run(measure(place, options))
            rows.append(row)
            figures += more
    head = ["place", "whole", "p50 ms", "p99 ms", "pick-up s", "events/s", "read/s", "Stop ms", "Stop in a tool ms"]
    print(f"\n{options.runs} runs of {options.tokens:,} tokens; a worker is killed at 40 %:\n")
    print(table(head, rows))
    print()
    for figure in figures:
        print(figure)
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
