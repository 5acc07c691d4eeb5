"""One attempt to bring a run on: from a claim to the commit that gives the run out of hand."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from ..agent import Agent, Item
from ..elsewhere import PATIENCE_SECONDS, unavailable
from ..endings import abort, fail
from ..errors import CopilotError, LogError, StoreError, one_line
from ..funnel import StoppedError, StopSignal, unless_stopped
from ..protocol.chunks import Chunk, MessageMetadata, Start
from ..protocol.messages import UIMessage, metadata_of
from ..protocol.reducer import Reducer
from ..protocol.wire import to_wire
from ..state import TERMINAL, RunRequest, RunState, RunStatus, json_of
from ..store import Store
from .base import TRIES, Claim, Commit, Log, RunId
from .writer import Writer

AgentFactory = Callable[[RunRequest], Awaitable[Agent]]
T = TypeVar("T")

logger = logging.getLogger(__name__)

_ENDS = ("finish-step", "finish", "error", "abort")
"""Chunks that a step ends with."""
_FIRST_KEEP = 2.0
"""Seconds of a step after which what has come of it is kept, where the log would not outlive us."""
_STORE_SECONDS, _STORE_SECONDS_STOPPED = 60.0, 5.0
"""How long a database that cannot be reached is waited for, and by a run that its user has stopped."""
NOT_KEPT = "notKept"
"""Where an answer's metadata says that its conversation does not have it, and why."""


class Attempt:
    """Drives the run of one claim. `stop` ends it; `give_back` leaves it to another worker.

    `keep_steps`: the log ends with this process, so the store is to have the answer as far as it has come, too.
    """

    def __init__(
        self, claim: Claim, log: Log, store: Store, agent_for: AgentFactory, *, keep_steps: bool = False
    ) -> None:
        self.claim = claim
        self.stop = StopSignal()
        self.status: RunStatus = "running"
        self.state: RunState | None = None
        """Where the last finished step left it."""
        self._store = store
        self._agent_for = agent_for
        self._request = claim.request
        self._writer = Writer(log, claim.request.run, claim.fence, claim.last_seq, self.stop)
        self._step: asyncio.Task[RunState] | None = None
        self._wanted_back = False
        self._keep_steps = keep_steps
        self._keep_pause = _FIRST_KEEP
        self._keep_at = math.inf
        self._is_kept = claim.last_seq > 0
        """The question is: a run that is stopped before it began leaves nothing in the conversation."""
        self._away_since: float | None = None
        """When the store could not be reached, and has not been since."""

    @property
    def logged(self) -> int:
        """Events of this attempt."""
        return self._writer.last_seq - self.claim.last_seq

    @property
    def troubles(self) -> int:
        """Appends that had to be tried again."""
        return self._writer.troubles

    def give_back(self, *, now: bool = False) -> None:
        """Hand the run back when its step has ended; with `now`, without waiting for that."""
        self._wanted_back = True
        if now and self._step is not None:
            self._step.cancel()

    async def drive(self) -> Sequence[RunId]:
        """Work until the run ends, waits or is given back. Returns runs that can be claimed now.

        Raises LogError stale or ended where the run is in other hands.
        """
        try:
            if self.claim.stop is not None:
                return await self.end(self.claim.stop)
            await self._drive()
            return self._writer.ring
        finally:
            await self._writer.close()

    async def end(self, reason: str) -> Sequence[RunId]:
        """End a run that nobody works on. Returns runs that can be claimed now."""
        state, chunks = self._restore()
        chunks += self._started(state)
        await self._close(state, [*map(to_wire, chunks), *map(to_wire, abort(state, state.message, reason))])
        return self._writer.ring

    # ---- the run ------------------------------------------------------------------------------------------

    async def _drive(self) -> None:
        state, chunks = self._restore()
        try:
            for chunk in chunks:
                await self._writer.put(to_wire(chunk))
            if self.claim.tries > TRIES:
                raise _given_up()
            state.history = await self._history()
            agent = await unless_stopped(self.stop, self._agent_for(self._request))
            while state.status == "running":
                state = await self._next(agent, state)
        except LogError:
            raise
        except Exception as error:
            if self.stop.is_set and isinstance(error, (StoppedError, StoreError)):
                await self._abort(self.state or state, self.stop.reason or "stopped")
                return
            if not isinstance(error, CopilotError):
                error = CopilotError(f"Internal error: {one_line(error)}.", hint="Please report it.", code="internal")
            await self._fail(self.state or state, error)

    def _restore(self) -> tuple[RunState, list[Chunk]]:
        """The state to go on from, and what must be logged first."""
        claim = self.claim
        fresh = claim.state is None
        state = RunState.begin(self._request, []) if fresh else RunState.model_validate_json(claim.state or "")
        chunks = state.recover(claim.tail)
        for reply_id, reply in claim.replies.items():
            state.take(reply_id, reply)
        if claim.overdue:
            state.expire(unavailable)
        state.status = "running"
        return state, chunks

    async def _history(self) -> list[UIMessage]:
        """The conversation up to the question, which is kept with it. Kept twice it is there once."""
        owner, thread = self._request.owner, self._request.thread
        self._is_kept = True
        if self.claim.state is None:
            if self._request.anew:
                await self._patiently(lambda: self._store.truncate(owner, thread, self._request.message.id))
            await self._patiently(lambda: self._store.put(owner, thread, self._request.message))
        kept = await self._patiently(lambda: self._store.messages(owner, thread))
        return [message for message in kept if message.id != self._request.message_id]

    async def _next(self, agent: Agent, state: RunState) -> RunState:
        """One step, and its commit."""
        ends: list[dict[str, Any]] = []
        self._step = asyncio.ensure_future(self._take_step(agent, state, ends))
        try:
            state = await self._step
        except asyncio.CancelledError:
            if not self._wanted_back:
                raise
            ends, state = [to_wire(chunk) for chunk in state.recover(self._writer.since)], state
        finally:
            self._step = None
        if state.status in TERMINAL:
            await self._close(state, ends)
            return state
        waits = state.status == "waiting"
        if self._wanted_back and not waits:
            state.status = "queued"
        self.state = state
        commit = Commit(
            status=state.status,
            state=json_of(state, exclude={"history"}),  # which is kept in the conversation
            awaited=state.awaited if waits else (),
            due=time.time() + PATIENCE_SECONDS if state.waits_for_kernel else None,
        )
        for reply_id, reply in (await self._writer.commit(ends, commit)).items():
            state.take(reply_id, reply)
        if waits and self.stop.is_set:
            state.status = "running"
        self.status = state.status
        if self._keep_steps:
            await self._keep(state.message, state.status)
        return state

    async def _take_step(self, agent: Agent, state: RunState, ends: list[dict[str, Any]]) -> RunState:
        """The step's chunks into the log; what ends it into `ends`, since that lands together with the commit."""
        if self._keep_steps:
            self._keep_pause = _FIRST_KEEP
            self._keep_at = time.monotonic() + self._keep_pause
        steps = cast("AsyncGenerator[Item, None]", agent.step(state, self.stop))
        try:
            async for item in steps:
                if isinstance(item, RunState):
                    return item
                chunk = to_wire(item)
                if chunk["type"] in _ENDS:
                    ends.append(chunk)
                    continue
                for held in (*ends, chunk):
                    await self._writer.put(held)
                ends.clear()
                if time.monotonic() > self._keep_at:
                    await self._keep_partly(state)
        finally:
            await steps.aclose()
        raise AssertionError("a step ends with a state")

    async def _keep_partly(self, state: RunState) -> None:
        """In the middle of a step; each time after twice as long, so that a long answer costs twice its length."""
        self._keep_pause *= 2
        self._keep_at = time.monotonic() + self._keep_pause
        await self._keep(self._as_seen(state), "running")

    async def _keep(self, message: UIMessage, status: RunStatus) -> None:
        with contextlib.suppress(StoreError):  # the run does not depend on it
            await self._store.put(self._request.owner, self._request.thread, marked(message, status))

    def _as_seen(self, state: RunState) -> UIMessage:
        """The message with what the step has logged so far."""
        reducer = Reducer(state.message)
        for chunk in self._writer.since:
            reducer.push(chunk)
        return reducer.message

    # ---- its end ------------------------------------------------------------------------------------------

    async def _abort(self, state: RunState, reason: str) -> None:
        """A Stop that came before there was an agent that could hear it."""
        state.message = self._as_seen(state)
        chunks = [*self._started(state), *abort(state, state.message, reason)]
        await self._close(state, [to_wire(chunk) for chunk in chunks])

    async def _fail(self, state: RunState, error: CopilotError) -> None:
        """A bug of ours, or an agent that could not be made, still ends the run with one terminal event."""
        state.message = self._as_seen(state)
        chunks = [*self._started(state), *fail(state, state.message, error)]
        await self._close(state, [to_wire(chunk) for chunk in chunks])

    def _started(self, state: RunState) -> list[Chunk]:
        """A run that ends before it began has a message all the same."""
        if state.phase != "start" or any(chunk["type"] == "start" for chunk in self._writer.since):
            return []
        return [Start(message_id=self._request.message_id)]

    async def _close(self, state: RunState, ends: Sequence[dict[str, Any]]) -> None:
        """The terminal event, after the answer has been kept: who sees the end finds the whole conversation.

        A run whose answer cannot be kept ends all the same, and says so: the next question would wait for it for ever.
        """
        reducer = Reducer(state.message)
        for chunk in ends:
            reducer.push(chunk)
        owner, thread, message = self._request.owner, self._request.thread, reducer.message
        if state.status == "stopped":
            message = marked(message, "stopped")
        if (message.parts or message.metadata) and self._is_kept:
            try:
                await self._patiently(lambda: self._store.put(owner, thread, message))
            except Exception as error:
                why = str(error) if isinstance(error, CopilotError) else one_line(error)
                logger.warning("the answer of run %s is not kept: %s", self._request.run, why)
                ends = [*ends[:-1], to_wire(MessageMetadata(message_metadata={NOT_KEPT: why})), *ends[-1:]]
        await self._writer.commit(ends, Commit(state.status))
        self.status = state.status

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """`call`, again while the database cannot be reached."""
        pause = 0.05
        while True:
            try:
                result = await call()
            except StoreError as error:
                now = time.monotonic()
                self._away_since = now if self._away_since is None else self._away_since
                patience = _STORE_SECONDS_STOPPED if self.stop.is_set else _STORE_SECONDS
                if error.code != "unavailable" or now - self._away_since > patience:
                    raise
            else:
                self._away_since = None
                return result
            await asyncio.sleep(pause)
            pause = min(2 * pause, 2.0)


def marked(message: UIMessage, status: RunStatus) -> UIMessage:
    """What is kept says where its run stood; of one that is complete, or has failed, the message itself tells."""
    return replace(message, metadata={**metadata_of(message), "status": status})


def _given_up() -> CopilotError:
    return CopilotError(
        f"The run was given up: {TRIES} attempts ended without finishing a step; each worker was lost on it.",
        hint="Look at the workers' logs before you ask again.",
        code="given-up",
    )


__all__ = ["NOT_KEPT", "AgentFactory", "Attempt", "marked"]
