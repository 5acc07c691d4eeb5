"""What executes the runs that are served: this process, processes of this machine, or workers behind a broker."""

from __future__ import annotations

import asyncio
import math
import os
import time
from typing import Protocol

from ..copilot import Copilot
from ..errors import UsageError
from ..runs.base import KEEP_SECONDS
from ..runs.executor import LogExecutor
from ..runs.memory import MemoryBell, MemoryLog
from ..runs.places import check_place, redis_url
from ..runs.worker import Worker
from ..store import MemoryStore, Store

_STOP_SECONDS = 5.0
_SHUT_DOWN = "the server was shut down"


class Backend(Protocol):
    """One place where runs are executed, for several owners."""

    def executor_of(self, owner: str) -> LogExecutor: ...

    async def check(self) -> None:
        """Raises LogError where no run can be accepted now."""
        ...

    async def stop(self) -> None:
        """Before the server ends: what would end with this process is brought to a proper end."""
        ...

    async def close(self) -> None: ...


def open_backend(
    place: str, copilot: Copilot, store: Store, *, app: str | None = None, keep: float = KEEP_SECONDS
) -> Backend:
    """The backend at `place`: kernel, process or amqp://…; on the loop that serves. Raises UsageError.

    `app` is where `copilot` came from, for processes that load it themselves. `keep` is for how many seconds this
    process keeps the log of a run that has ended in it; elsewhere the workers say that.
    """
    kind = check_place(place)
    if kind == "kernel":
        return HereBackend(copilot, store, keep)
    refuse_memory(store)
    if kind == "process":
        return ProcessBackend(store, app)
    return BrokerBackend(place, redis_url(), store)


def refuse_memory(store: Store) -> None:
    """Raises UsageError for conversations that only this process could read."""
    if isinstance(store, MemoryStore):
        raise UsageError(
            "Conversations would be kept in this process only (COPILOT_STORE is off), and others answer in them.",
            hint="Set COPILOT_STORE to a database URL that all of them can reach.",
        )


class HereBackend:
    """Runs are tasks of this process, and end with it."""

    def __init__(self, copilot: Copilot, store: Store, keep: float) -> None:
        self._here = LogExecutor(MemoryLog(keep=keep), MemoryBell(), store)
        self._worker = Worker(
            self._here.log,
            self._here.bell,
            store,
            copilot.agents.on_worker,
            slots=1_000_000,
            lease=math.inf,
            name="serve",
        )
        self._working = asyncio.ensure_future(self._worker.run())

    def executor_of(self, owner: str) -> LogExecutor:
        return self._here.of(owner)

    async def check(self) -> None:
        """Nothing that could be away."""

    async def stop(self) -> None:
        deadline = time.monotonic() + _STOP_SECONDS
        while self._worker.held and time.monotonic() < deadline:
            for attempt in list(self._worker.held.values()):
                attempt.stop.set(_SHUT_DOWN)
            await asyncio.sleep(0.02)

    async def close(self) -> None:
        self._working.cancel()
        await asyncio.wait([self._working])
        await self._here.close()


class ProcessBackend:
    """Runs are executed by detached processes of this machine, and outlive this one."""

    def __init__(self, store: Store, app: str | None) -> None:
        if app:
            os.environ["COPILOT_APP"] = app  # the workers that it starts have its environment, not its arguments
        self._store = store
        self._executors: dict[str, LogExecutor] = {}

    def executor_of(self, owner: str) -> LogExecutor:
        from ..runs.process import ProcessExecutor

        if owner not in self._executors:
            self._executors[owner] = ProcessExecutor(self._store, owner=owner)
        return self._executors[owner]

    async def check(self) -> None:
        await self.executor_of("").log.due(1)

    async def stop(self) -> None:
        """They go on."""

    async def close(self) -> None:
        for executor in self._executors.values():
            await executor.close()


class BrokerBackend:
    """Runs are executed by workers behind RabbitMQ, and logged in Redis."""

    def __init__(self, amqp: str, redis: str, store: Store) -> None:
        from ..runs.amqp import AmqpBell
        from ..runs.redis import RedisLog

        self._log, self._bell = RedisLog(redis), AmqpBell(amqp)
        self._all = LogExecutor(self._log, self._bell, store)

    def executor_of(self, owner: str) -> LogExecutor:
        return self._all.of(owner)

    async def check(self) -> None:
        await self._log.check()
        await self._bell.check()

    async def stop(self) -> None:
        """They go on."""

    async def close(self) -> None:
        await self._all.close()


__all__ = ["Backend", "open_backend", "refuse_memory"]
