"""A run of 95 minutes with a silent hour in it, on a clock that goes 400 times as fast.

Watchdogs have killed such runs for being idle, and brokers take back what is not acknowledged for 30 minutes.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from copilot_widget.protocol import reduce_chunks
from copilot_widget.runs.base import Bell, Log
from copilot_widget.runs.executor import LogExecutor
from copilot_widget.runs.memory import MemoryBell, MemoryLog
from copilot_widget.runs.worker import Worker
from copilot_widget.state import RunRequest
from copilot_widget.store import MemoryStore
from copilot_widget.tools.function import tool
from tests.agents import make_agent
from tests.servers import RabbitServer, RedisServer

from .logs import ask

SPEED = 400
LEASE = 120.0
MINUTE, HOUR = 60, 3600


@tool
async def research() -> str:
    """Say nothing for an hour."""
    await asyncio.sleep(HOUR)
    return "found"


def talk(minutes: float) -> dict[str, Any]:
    """One word in ten seconds."""
    return {"type": "text", "text": "word " * int(minutes * 6), "tokensPerSecond": 0.1}


SCRIPT = [[talk(17), {"type": "call", "toolName": "research", "input": {}}], [talk(18)]]


@pytest.fixture
async def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of everything in this process: time, the event loop's timers, and waits of the leases' thread."""
    began, zero, real = time.time(), time.monotonic(), time.monotonic

    class Event(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(None if timeout is None else timeout / SPEED)

    monkeypatch.setattr(time, "time", lambda: began + (real() - zero) * SPEED)
    monkeypatch.setattr(time, "monotonic", lambda: zero + (real() - zero) * SPEED)
    threads = SimpleNamespace(Event=Event, Thread=threading.Thread)
    monkeypatch.setattr("copilot_widget.runs.worker.threading", threads)
    select = selectors.DefaultSelector.select  # of every event loop: async tools have one of their own

    def soon(self: Any, timeout: float | None = None) -> Any:
        return select(self, timeout if timeout is None else timeout / SPEED)

    monkeypatch.setattr(selectors.DefaultSelector, "select", soon)
    for name in ("redis_wire._PATIENCE", "amqp._PATIENCE", "sqlite_database.PATIENCE"):
        monkeypatch.setattr(f"copilot_widget.runs.{name}", 10.0 * SPEED)


@pytest.fixture(params=["memory", "sqlite", "broker"])
async def places(
    request: pytest.FixtureRequest, redis_server: RedisServer, rabbit_server: RabbitServer, fast: None, tmp_path: Path
) -> AsyncIterator[list[tuple[Log, Bell]]]:
    """A log and its bell, as three processes would open them."""
    if request.param == "memory":
        log, bell = MemoryLog(), MemoryBell()
        yield [(log, bell)] * 3
        return
    opened: list[tuple[Any, Any]] = []
    for _ in range(3):
        if request.param == "sqlite":
            from copilot_widget.runs.sqlite import SqliteLog
            from copilot_widget.runs.sqlite_news import SqliteBell

            log = SqliteLog(tmp_path / "runs.sqlite3")
            opened.append((log, SqliteBell(log)))
        else:
            from copilot_widget.runs.amqp import AmqpBell
            from copilot_widget.runs.redis import RedisLog

            # The broker's clock is the real one: heartbeats would come too late for this one.
            address = f"{rabbit_server.url}?heartbeat=0"
            opened.append((RedisLog(redis_server.url, prefix="long"), AmqpBell(address, prefix="long")))
    yield opened
    for log, bell in opened:
        await bell.close()
        await log.close()


async def test_a_run_of_95_minutes_with_a_silent_hour_stays_with_its_worker(places: list[tuple[Log, Bell]]):
    store = MemoryStore()

    async def agent_for(_request: RunRequest) -> Any:
        return make_agent(SCRIPT, research)

    workers = [
        Worker(log, bell, store, agent_for, lease=LEASE, name=f"w{n}") for n, (log, bell) in enumerate(places[:2])
    ]
    working = [asyncio.ensure_future(worker.run()) for worker in workers]
    client = LogExecutor(*places[2], store)
    began = time.time()
    run = await client.submit(ask("long"), idempotency_key="long")
    events = [event async for event in client.subscribe(run)]
    minutes = (time.time() - began) / MINUTE
    for task in working:
        task.cancel()
    await asyncio.wait(working)

    kinds = [event["chunk"]["type"] for event in events]
    assert [kind for kind in kinds if kind in ("finish", "error", "abort")] == ["finish"]
    assert {event["attempt"] for event in events} == {1}, "nobody took it over"
    assert 95 <= minutes < 190
    assert sum(worker.stats.claimed for worker in workers) == 1
    message = reduce_chunks([event["chunk"] for event in events])
    assert len([word for part in message.parts for word in getattr(part, "text", "").split()]) == (17 + 18) * 6
    assert message.metadata["durationMs"] > 95 * MINUTE * 1000
