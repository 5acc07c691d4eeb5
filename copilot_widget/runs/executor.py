"""Executors: what asks for runs, over a log that holds them and a bell that tells workers of them."""

from __future__ import annotations

import asyncio
import logging
import math
import sys
import weakref
from collections.abc import AsyncIterator
from typing import Any

from ..errors import LogError, one_line
from ..state import LOCAL, TERMINAL, Reply, RunRequest, RunStatus
from ..store import Store
from .attempt import AgentFactory, Attempt
from .base import Bell, Event, Log, RunId, RunInfo
from .memory import MemoryBell, MemoryLog
from .refusals import unknown
from .worker import Worker

logger = logging.getLogger(__name__)


async def _no_agent(_request: RunRequest) -> object:
    raise AssertionError("who ends a run makes no agent")


class LogExecutor:
    """An `Executor` for the runs of one owner; whoever listens to the bell works on them."""

    def __init__(self, log: Log, bell: Bell, store: Store, *, owner: str = LOCAL) -> None:
        self.log = log
        self.bell = bell
        self.store = store
        self.owner = owner

    def of(self, owner: str) -> LogExecutor:
        """The same place, for another owner."""
        return LogExecutor(self.log, self.bell, self.store, owner=owner)

    async def submit(self, request: RunRequest, *, idempotency_key: str) -> RunId:
        """The run is safe once it is in the log: where the bell cannot be rung, a worker's sweep finds it."""
        request.owner = self.owner
        run = await self.log.create(request, key=idempotency_key)
        await self._ring(run)
        return run

    async def subscribe(self, run: RunId, after: int = 0) -> AsyncIterator[Event]:
        await self._own(run)
        async for event in self.log.read(run, after):
            yield event

    async def status(self, run: RunId) -> RunStatus:
        return (await self._own(run)).status

    async def request(self, run: RunId) -> RunRequest:
        await self._own(run)
        return await self.log.request(run)

    async def info(self, run: RunId) -> RunInfo:
        return await self._own(run)

    async def runs(self, limit: int = 100) -> list[RunInfo]:
        return await self.log.runs(self.owner, limit)

    async def stop(self, run: RunId, reason: str = "stopped by the user") -> None:
        info = await self._own(run)
        if info.status in TERMINAL or not await self.log.stop(run, reason):
            return
        if info.status == "running":
            await self.bell.cancel(run)
            return
        claim = await self.log.claim(run, "stop", ending=True)
        if claim is None:  # a worker was quicker
            await self.bell.cancel(run)
            return
        for following in await Attempt(claim, self.log, self.store, _no_agent).end(reason):  # type: ignore[arg-type]
            await self._ring(following)

    async def answer(self, run: RunId, reply_id: str, reply: Reply) -> bool:
        await self._own(run)
        taken = await self.log.answer(run, reply_id, reply)
        if taken:
            await self._ring(run)
        return taken

    async def postpone(self, run: RunId, due: float) -> None:
        await self._own(run)
        await self.log.postpone(run, due)

    async def close(self) -> None:
        await self.bell.close()
        await self.log.close()

    async def _own(self, run: RunId) -> RunInfo:
        info = await self.log.info(run)
        if info.owner != self.owner:
            raise unknown(run)
        return info

    async def _ring(self, run: RunId) -> None:
        try:
            await self.bell.ring([run])
        except LogError as error:
            logger.warning("the bell: %s", one_line(error))


_working: set[asyncio.Task[None]] = set()
"""Workers, and who ends them. A loop refers to its tasks weakly: one that only its own circle of objects knows would
be collected with the work that it does."""


class KernelExecutor(LogExecutor):
    """Runs are tasks on the agent's loop, their log is in memory: they live as long as this process.

    Runs go on when nobody refers to it any more; its worker ends after them. `keep_steps`: see Attempt.
    """

    def __init__(self, agent_for: AgentFactory, store: Store, *, owner: str = LOCAL, keep_steps: bool = False) -> None:
        super().__init__(MemoryLog(keep=math.inf), MemoryBell(), store, owner=owner)
        self._agent_for = agent_for
        self._keep_steps = keep_steps
        self._working: asyncio.Task[None] | None = None

    async def submit(self, request: RunRequest, *, idempotency_key: str) -> RunId:
        self.begin()
        return await super().submit(request, idempotency_key=idempotency_key)

    def begin(self) -> None:
        """Work from now on; on the loop that shall do it."""
        if self._working is not None:
            return
        worker = Worker(
            self.log,
            self.bell,
            self.store,
            self._agent_for,
            slots=1_000_000,
            lease=math.inf,
            name="kernel",
            keep_steps=self._keep_steps,
        )
        self._working = _keep(asyncio.ensure_future(worker.run()))
        loop = asyncio.get_running_loop()
        collected = weakref.finalize(self, _unused, loop, worker, self.log, self.owner, self._working)
        collected.atexit = False  # the loop's own end takes its tasks along

    async def close(self) -> None:
        if self._working is not None:
            self._working.cancel()
        await super().close()


def _keep(task: asyncio.Task[None]) -> asyncio.Task[None]:
    _working.add(task)
    task.add_done_callback(_working.discard)
    return task


def _unused(loop: asyncio.AbstractEventLoop, *circle: Any) -> None:
    """Called by the garbage collector, in any thread."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(lambda: _keep(loop.create_task(_end(*circle))))


async def _end(worker: Worker, log: Log, owner: str, working: asyncio.Task[None]) -> None:
    """End a worker that nobody can give runs any more, after those that it has."""
    for info in await log.runs(owner, sys.maxsize):
        async for _event in log.read(info.run, info.last_seq):
            pass
    await worker.drain()
    working.cancel()


__all__ = ["KernelExecutor", "LogExecutor"]
