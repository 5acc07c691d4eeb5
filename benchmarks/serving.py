"""How many streams `copilot-widget serve` holds on one core: each token of them, in order and in time.

`python -m benchmarks.serving [--streams 200] [--rate 20] [--seconds 20] [--headroom 100]` starts a server with the
kernel executor and asks it for all streams at once; and another one at the rate `--headroom`, which one core does not
reach, for what it can at most. Prints a table and a line for each goal, and exits 1 where one is missed. It takes a
minute, and wants two cores that nobody else uses: the column `others` says how it was.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from tests.serving import OurProcess, chat_body, environment, serve

from .listeners import Heard, Listener, post
from .report import Figure, number, table

APP = "benchmarks.executor_app:copilot"
HEADROOM_SECONDS = 5.0
SAMPLE_SECONDS = 0.1
PATIENCE = 10
"""Times the seconds that a load should take: then what has come is judged."""


@dataclass(frozen=True)
class Load:
    """So many streams at once, each of so many tokens a second, for so many seconds."""

    streams: int
    rate: float
    seconds: float

    @property
    def tokens(self) -> int:
        """Of one stream."""
        return round(self.rate * self.seconds)

    @property
    def asked(self) -> float:
        """Tokens a second of all streams."""
        return self.streams * self.rate


@dataclass(frozen=True)
class Sample:
    """One moment: epoch seconds, CPU seconds of the server and of its core since they started, bytes in memory."""

    at: float
    cpu: float
    busy: float
    rss: int


@dataclass(frozen=True)
class Measured:
    """What came of a load. All but `misplaced` and `begin` are of the time in which every stream was streaming."""

    load: Load
    misplaced: int
    """Events that were lost, doubled or out of order."""
    begin: float
    """Seconds from the first request until each stream has had its first token."""
    delivered: float
    """Tokens a second of all streams."""
    latencies: list[float]
    """Seconds from a token's making to its arrival."""
    late: list[float]
    """Seconds from when a token was due to its arrival. A model elsewhere sends it when it is due, whatever the server
    is busy with: this is what its reader would wait."""
    cpu: float
    """CPU seconds of the server a second."""
    others: float
    """And those that its core had for other processes: what they take shows in the latency."""
    rss: int
    """Bytes, at most."""

    def row(self) -> list[str]:
        times = [statistics.median(self.latencies), percentile(self.latencies, 99), max(self.latencies)]
        return [
            f"{self.load.streams} × {self.load.rate:g}/s",
            f"{self.load.asked:,.0f}",
            f"{self.delivered:,.0f}",
            *(number(1e3 * seconds) for seconds in (*times, percentile(self.late, 99))),
            number(self.begin),
            f"{100 * self.cpu:.0f} %",
            f"{100 * self.others:.0f} %",
            f"{1e6 * self.cpu / self.delivered:.0f}",
            f"{self.rss / 1e6:.0f}",
        ]


HEAD = ["streams", "asked/s", "came/s", "p50 ms", "p99 ms", "max ms", "late p99 ms", "begun s"]
HEAD += ["core", "others", "µs/token", "MB"]


def measure(load: Load, core: int | None, **env: str) -> Measured:
    """A load on a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        full = environment(Path(folder), COPILOT_APP=APP, COPILOT_EXECUTOR="kernel", **env)
        with pinned(core):
            server = serve(full, Path(folder, "serve.log"))
        try:
            server.wait_ready()
            gc.disable()  # a collection among all that was heard would be taken for the server's latency
            return asyncio.run(listen(server, load, core))
        finally:
            gc.enable()
            server.close()


async def listen(server: OurProcess, load: Load, core: int | None) -> Measured:
    """Asks for all streams at once, and listens to their ends."""
    began, samples = time.time(), list[Sample]()
    sampling = asyncio.ensure_future(sample(server.process.pid, core, samples))
    try:
        listeners = await asyncio.gather(*(ask(server.address, load, number) for number in range(load.streams)))
        await asyncio.wait([each.closed for each in listeners], timeout=PATIENCE * load.seconds)
    finally:
        sampling.cancel()
    heard = [Heard.of(each) for each in listeners]
    after, before = max(each.begun for each in heard), min(each.ended for each in heard)
    arrivals = [arrival for each in heard for arrival in timely(each, load) if after < arrival[0] < before]
    within = [each for each in samples if after <= each.at <= before]
    if len(within) < 2:
        raise SystemExit(f"{load.streams} streams were never there at once: give them more --seconds")
    seconds = within[-1].at - within[0].at
    cpu = (within[-1].cpu - within[0].cpu) / seconds
    return Measured(
        load=load,
        misplaced=sum(each.misplaced(load.tokens) for each in heard),
        begin=after - began,
        delivered=len(arrivals) / (before - after),
        latencies=[came - made for came, made, _ in arrivals],
        late=[came - due for came, _, due in arrivals],
        cpu=cpu,
        others=max(0.0, (within[-1].busy - within[0].busy) / seconds - cpu),
        rss=max(each.rss for each in samples),
    )


def timely(heard: Heard, load: Load) -> Iterator[tuple[float, float, float]]:
    """Of each token: when it came, when it was made, and when it was due, by the first one."""
    for place, (came, made) in enumerate(zip(heard.came, heard.made, strict=True)):
        yield came, made, heard.made[0] + place / load.rate


async def ask(address: str, load: Load, number: int) -> Listener:
    """A conversation of its own."""
    at = urlsplit(address)
    body = chat_body(f"{load.tokens} {load.rate}", f"{number}-of-{time.time_ns()}")
    request = post("/api/chat", body, at.netloc)
    host, _, port = at.netloc.rpartition(":")
    _, listener = await asyncio.get_running_loop().create_connection(lambda: Listener(request), host, int(port))
    return listener


async def sample(pid: int, core: int | None, samples: list[Sample]) -> None:
    """Until cancelled."""
    process = psutil.Process(pid)
    while True:
        with process.oneshot():
            cpu, rss = sum(process.cpu_times()[:2]), process.memory_info().rss
        busy = cpu
        if core is not None:
            times = psutil.cpu_times(percpu=True)[core]._asdict()
            busy = sum(times.values()) - times["idle"] - times["iowait"]
        samples.append(Sample(time.time(), cpu, busy, rss))
        await asyncio.sleep(SAMPLE_SECONDS)


def percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


# ---- cores -----------------------------------------------------------------------------------------------


def core_to_give() -> int | None:
    """The core that a server is held to; None where the system holds no process to one."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else None


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Processes that are started within have that core, and this one the others."""
    if core is None:
        yield
        return
    cores = os.sched_getaffinity(0) | {core}
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores - {core} or cores)


def where(core: int | None) -> str:
    if core is None:
        return "on whichever cores the system chose, since it holds no process to one"
    return f"on core {core}" + ("" if len(os.sched_getaffinity(0)) > 1 else ", which its clients share")


# ---- the report ------------------------------------------------------------------------------------------


def goals(held: Measured, headroom: Measured) -> list[Figure]:
    asked = held.load.asked
    return [
        Figure("events lost, doubled or out of order", held.misplaced + headroom.misplaced, 0, "events"),
        Figure(f"of {asked:,.0f} tokens a second, those that did not come", 100 * (1 - held.delivered / asked), 1, "%"),
        Figure("from a token's making to its arrival, p99", 1e3 * percentile(held.latencies, 99), 100, "ms"),
        Figure("from when a token was due to its arrival, p99", 1e3 * percentile(held.late, 99), 100, "ms"),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--headroom", type=float, default=100)
    options = parser.parse_args()
    core = core_to_give()
    place = where(core)
    held = measure(Load(options.streams, options.rate, options.seconds), core)
    # In memory, since a thread that writes to a database gets no turn beside a loop that is always busy: streams would
    # begin one after the other.
    headroom = measure(Load(options.streams, options.headroom, HEADROOM_SECONDS), core, COPILOT_STORE="off")
    print(f"\nstreams of one `copilot-widget serve` {place}; and what it can at most, conversations in memory:\n")
    print(table(HEAD, [held.row(), headroom.row()]))
    print()
    figures = goals(held, headroom)
    for figure in figures:
        print(figure)
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
