"""The executor of the kernel: runs are tasks on the agent's loop, their log is in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from ..agent import Agent
from ..errors import CopilotError, one_line
from ..funnel import StopSignal
from ..protocol.chunks import Abort, Chunk, Error, Finish, MessageMetadata, Start
from ..protocol.wire import to_wire
from ..state import TERMINAL, RunRequest, RunState, RunStatus
from ..store import Store
from .base import Event, RunId
from .memory import MemoryLog

AgentFactory = Callable[[RunRequest], Awaitable[Agent]]


@dataclass
class _Job:
    request: RunRequest
    stop: StopSignal = field(default_factory=StopSignal)
    state: RunState | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    answers: list[tuple[str, bool, str | None]] = field(default_factory=list[tuple[str, bool, "str | None"]])
    fence: int = 0
    seq: int = 0


class KernelExecutor:
    """Drives runs with agents that `agent_for` makes when a run's turn comes."""

    def __init__(self, agent_for: AgentFactory, store: Store) -> None:
        self._agent_for = agent_for
        self._store = store
        self._log = MemoryLog()
        self._jobs: dict[RunId, _Job] = {}
        self._keys: dict[str, RunId] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()  # the loop keeps weak references only

    async def submit(self, request: RunRequest, *, idempotency_key: str) -> RunId:
        if idempotency_key in self._keys:
            return self._keys[idempotency_key]
        self._keys[idempotency_key] = request.run
        await self._log.create(request.run)
        job = self._jobs[request.run] = _Job(request)
        task = asyncio.ensure_future(self._take_turn(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return request.run

    def subscribe(self, run: RunId, after: int = 0) -> AsyncIterator[Event]:
        return self._log.read(run, after)

    async def status(self, run: RunId) -> RunStatus:
        return await self._log.status(run)

    async def stop(self, run: RunId, reason: str = "stopped by the user") -> None:
        job = self._jobs.get(run)
        if job is not None:
            job.stop.set(reason)

    async def answer(self, run: RunId, approval_id: str, approved: bool, reason: str | None = None) -> bool:
        job = self._jobs.get(run)
        if job is None or job.state is None or any(given[0] == approval_id for given in job.answers):
            return False
        if not any(call.approval_id == approval_id and call.state == "asked" for call in job.state.pending):
            return False
        job.answers.append((approval_id, approved, reason))
        job.answered.set()
        return True

    # ---- a run's life --------------------------------------------------------------------------------

    async def _take_turn(self, job: _Job) -> None:
        """One run of a thread at a time: the next one's history holds this one's answer."""
        job.fence = await self._log.claim(job.request.run)
        lock = self._turns.setdefault(job.request.thread, asyncio.Lock())
        stopped = asyncio.Event()
        unsubscribe = job.stop.subscribe(stopped.set)
        try:
            if not await _acquire(lock, stopped):
                await self._end_queued(job)
                return
            try:
                await self._run(job)
            finally:
                lock.release()
        except Exception as error:
            await self._break(job, error)
        finally:
            unsubscribe()
            del self._jobs[job.request.run]

    async def _run(self, job: _Job) -> None:
        request = job.request
        await self._append(job, [], "running")
        await self._store.append(request.thread, request.message)
        state = RunState.begin(request, await self._store.messages(request.thread))
        try:
            agent = await self._agent_for(request)
            while state.status not in TERMINAL:
                state = await self._step(job, agent, state)
                if state.status == "waiting":
                    state = await self._wait(job, state)
        finally:
            await self._store.append(request.thread, state.message)

    async def _step(self, job: _Job, agent: Agent, state: RunState) -> RunState:
        last: dict[str, Any] | None = None  # the terminal chunk: it lands together with the status
        async for item in agent.step(state, job.stop):
            if isinstance(item, RunState):
                job.state = state = item
            elif isinstance(item, (Finish, Error, Abort)):
                last = to_wire(item)
            else:
                await self._append(job, [to_wire(item)])
        await self._append(job, [] if last is None else [last], state.status)
        return state

    async def _wait(self, job: _Job, state: RunState) -> RunState:
        """Until an answer or Stop; nothing else is held meanwhile."""
        unsubscribe = job.stop.subscribe(job.answered.set)
        try:
            await job.answered.wait()
        finally:
            unsubscribe()
        job.answered.clear()
        for approval_id, approved, reason in job.answers:
            state.answer(approval_id, approved, reason)
        state.status = "running"
        await self._append(job, [], "running")
        return state

    async def _end_queued(self, job: _Job) -> None:
        request = job.request
        chunks: list[Chunk] = [Start(message_id=request.message_id), Abort(reason=job.stop.reason)]
        await self._append(job, [to_wire(chunk) for chunk in chunks], "stopped")

    async def _break(self, job: _Job, error: Exception) -> None:
        """A bug of ours, or an agent that could not be made, still ends the run with one terminal event."""
        if not isinstance(error, CopilotError):
            error = CopilotError(f"Internal error: {one_line(error)}.", hint="Please report it.", code="internal")
        told = {"code": error.code, "message": error.message, "hint": error.hint}
        start: list[Chunk] = [] if job.seq else [Start(message_id=job.request.message_id)]
        chunks = [*start, MessageMetadata(message_metadata={"error": told}), Error(error_text=str(error))]
        if await self._log.status(job.request.run) not in TERMINAL:
            await self._append(job, [to_wire(chunk) for chunk in chunks], "failed")

    async def _append(self, job: _Job, chunks: list[dict[str, Any]], status: RunStatus | None = None) -> None:
        await self._log.append(job.request.run, job.fence, job.seq + 1, chunks, status)
        job.seq += len(chunks)


async def _acquire(lock: asyncio.Lock, stopped: asyncio.Event) -> bool:
    """The lock, or False where `stopped` came first."""
    if stopped.is_set():
        return False
    if not lock.locked():
        await lock.acquire()
        return True
    acquiring = asyncio.ensure_future(lock.acquire())
    stopping = asyncio.ensure_future(stopped.wait())
    await asyncio.wait({acquiring, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if stopped.is_set():
        if acquiring.done() and not acquiring.cancelled():
            lock.release()
        acquiring.cancel()
        return False
    return True
