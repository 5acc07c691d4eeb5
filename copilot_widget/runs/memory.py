"""The log of runs that live in this process."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..state import TERMINAL, Reply, RunRequest, RunStatus
from .base import (
    KEEP_SECONDS,
    LEASE_SECONDS,
    Appended,
    Claim,
    Commit,
    Event,
    Ring,
    RunId,
    RunInfo,
    prompt_of,
)
from .events import Events
from .refusals import check_size, ended, expired, gap, other_call, shown_to, stale, unknown

_REMEMBERED = 10_000
"""Runs of which it is known that they have expired; of older ones, that nobody knows them."""
_NOTHING = Appended()
"""What most appends tell their writer; made once, since they are many."""


@dataclass
class _Run:
    request: RunRequest
    key: str
    number: int
    created: float
    updated: float
    status: RunStatus = "queued"
    worker: str = ""
    fence: int = 0
    tries: int = 0
    lease: float = 0.0
    """Epoch seconds until which the writer is believed to live."""
    events: Events = field(default_factory=Events)
    state: str | None = None
    state_seq: int = 0
    opened: set[str] = field(default_factory=set[str])
    shown: dict[str, str] = field(default_factory=dict[str, str])
    awaited: frozenset[str] = frozenset()
    replies: dict[str, Reply] = field(default_factory=dict[str, Reply])
    due: float | None = None
    stop: str | None = None
    grown: asyncio.Event = field(default_factory=asyncio.Event)


class MemoryLog:
    """A `Log` in memory. Used from one event loop; `owner_limit` is how many runs of an owner are at work at once."""

    buffered = False

    def __init__(self, *, owner_limit: int | None = None, keep: float = KEEP_SECONDS) -> None:
        self._runs: dict[RunId, _Run] = {}
        self._keys: dict[tuple[str, str], RunId] = {}
        self._threads: dict[tuple[str, str], list[RunId]] = {}
        self._gone: dict[RunId, None] = {}
        self._owner_limit = owner_limit
        self._keep = keep
        self._numbers = itertools.count()

    # ---- a run's beginning ------------------------------------------------------------------------------

    async def create(self, request: RunRequest, *, key: str) -> RunId:
        check_size(request)
        now = time.time()
        self._expire(now)
        known = self._keys.setdefault((request.owner, key), request.run)
        if known != request.run or known in self._runs:
            return known
        self._runs[request.run] = _Run(request, key, next(self._numbers), created=now, updated=now)
        self._threads.setdefault((request.owner, request.thread), []).append(request.run)
        return request.run

    async def claim(
        self, run: RunId, worker: str, *, lease: float = LEASE_SECONDS, takeover: bool = False, ending: bool = False
    ) -> Claim | None:
        entry, now = self._get(run), time.time()
        if entry.status in TERMINAL:
            return None
        if entry.status == "running" and entry.lease > now and not takeover:
            return None
        if not ending and not self._may_start(run, entry, now):
            return None
        overdue = entry.status == "waiting" and entry.due is not None and entry.due <= now
        entry.fence += 1
        entry.tries += 1
        entry.status, entry.worker, entry.lease, entry.updated = "running", worker, now + lease, now
        return Claim(
            fence=entry.fence,
            request=entry.request,
            state=entry.state,
            tail=[event["chunk"] for event in entry.events[entry.state_seq :]],
            last_seq=len(entry.events),
            tries=entry.tries,
            replies=dict(entry.replies),
            stop=entry.stop,
            overdue=overdue,
        )

    def _may_start(self, run: RunId, entry: _Run, now: float) -> bool:
        owner = entry.request.owner
        if self._threads[owner, entry.request.thread][0] != run:
            return False
        if entry.status == "waiting" and not self._has_come(entry, now):
            return False
        if self._owner_limit is None:
            return True
        at_work = [other for other in self._runs.values() if other.request.owner == owner and other.status == "running"]
        return len([other for other in at_work if other is not entry]) < self._owner_limit

    def _has_come(self, entry: _Run, now: float) -> bool:
        overdue = entry.due is not None and entry.due <= now
        return overdue or entry.stop is not None or not entry.awaited.isdisjoint(entry.replies)

    # ---- its events ---------------------------------------------------------------------------------------

    async def append(
        self,
        run: RunId,
        fence: int,
        first_seq: int,
        chunks: Sequence[dict[str, Any]],
        *,
        opened: Sequence[str] = (),
        shown: Mapping[str, str] | None = None,
        commit: Commit | None = None,
    ) -> Appended:
        entry = self._get(run)
        if fence != entry.fence:
            raise stale(run)
        if entry.status in TERMINAL:
            raise ended(run)
        if entry.status != "running":  # it was given out of hand
            raise stale(run)
        last = len(entry.events)
        if first_seq > last + 1:
            raise gap(run, last, first_seq)
        now = time.time()
        for seq, chunk in enumerate(chunks, first_seq):
            if seq > last:
                entry.events.append(Event(run=run, seq=seq, attempt=fence, ts=now, chunk=chunk))
        entry.opened.update(opened)
        entry.shown.update(shown or {})
        entry.updated = now
        result = self._commit(run, entry, commit) if commit is not None else _told(entry)
        entry.grown.set()  # wakes who waits now
        entry.grown.clear()
        return result

    def _commit(self, run: RunId, entry: _Run, commit: Commit) -> Appended:
        entry.tries = 0
        entry.state, entry.state_seq = commit.state, len(entry.events)
        entry.awaited, entry.due = frozenset(commit.awaited), commit.due
        come = {key: reply for key, reply in entry.replies.items() if key in entry.awaited}
        if commit.status == "waiting" and (come or entry.stop is not None):
            entry.tries = 1  # this attempt goes on with the next step
            return Appended(stop=entry.stop, replies=come)
        entry.status = commit.status
        if commit.status == "running":
            entry.tries = 1
            return Appended(stop=entry.stop)
        entry.lease = 0.0
        if entry.status in TERMINAL:
            entry.events.pack()
            entry.state = None  # nobody goes on from it
        return Appended(stop=entry.stop, ring=self._next(run, entry))

    def _next(self, run: RunId, entry: _Run) -> list[RunId]:
        owner, now = entry.request.owner, time.time()
        found: list[RunId] = []
        if entry.status in TERMINAL:
            queue = self._threads[owner, entry.request.thread]
            queue.remove(run)
            found += queue[:1]
            if not queue:
                del self._threads[owner, entry.request.thread]
        if self._owner_limit is not None:
            heads = [queue[0] for (of, _), queue in self._threads.items() if of == owner]
            ready = [head for head in heads if self._runs[head].status == "queued"]
            ready.sort(key=lambda head: self._runs[head].number)
            found += ready
        candidates = [head for head in dict.fromkeys(found) if head != run]
        return [head for head in candidates if self._may_start(head, self._runs[head], now)][:1]

    def renew(self, held: Mapping[RunId, int], *, lease: float = LEASE_SECONDS) -> dict[RunId, str | None]:
        until = time.time() + lease
        kept: dict[RunId, str | None] = {}
        for run, fence in held.items():
            entry = self._runs.get(run)
            if entry is not None and entry.fence == fence and entry.status == "running":
                entry.lease = until
                kept[run] = entry.stop
        return kept

    # ---- what others tell it --------------------------------------------------------------------------------

    async def answer(self, run: RunId, reply_id: str, reply: Reply) -> bool:
        entry = self._get(run)
        if entry.status in TERMINAL or reply_id not in entry.opened or reply_id in entry.replies:
            return False
        if shown_to(reply) not in (None, entry.shown.get(reply_id, shown_to(reply))):
            raise other_call()
        entry.replies[reply_id] = reply
        return True

    async def postpone(self, run: RunId, due: float) -> None:
        entry = self._get(run)
        if entry.status == "waiting" and entry.due is not None:
            entry.due = max(entry.due, due)

    async def stop(self, run: RunId, reason: str) -> bool:
        entry = self._get(run)
        if entry.status in TERMINAL:
            return False
        entry.stop = entry.stop or reason
        return True

    # ---- readers ----------------------------------------------------------------------------------------------

    async def due(self, limit: int) -> list[RunId]:
        now = time.time()
        found: list[RunId] = []
        for queue in self._threads.values():
            entry = self._runs[queue[0]]
            if (entry.status != "running" or entry.lease <= now) and self._may_start(queue[0], entry, now):
                found.append(queue[0])
        found.sort(key=lambda run: self._runs[run].number)
        return found[:limit]

    async def info(self, run: RunId) -> RunInfo:
        return _info(self._get(run))

    async def request(self, run: RunId) -> RunRequest:
        return self._get(run).request

    async def runs(self, owner: str, limit: int = 100) -> list[RunInfo]:
        self._expire(time.time())
        own = [entry for entry in self._runs.values() if entry.request.owner == owner]
        own.sort(key=lambda entry: -entry.number)
        return [_info(entry) for entry in own[:limit]]

    async def read(self, run: RunId, after: int = 0) -> AsyncIterator[Event]:
        entry = self._get(run)
        cursor = after
        while True:
            while events := entry.events.after(cursor):
                cursor += len(events)
                for event in events:
                    yield event
            if entry.status in TERMINAL:
                return
            await entry.grown.wait()

    async def close(self) -> None:
        """Nothing to give back."""

    def _get(self, run: RunId) -> _Run:
        self._expire(time.time())
        if run in self._runs:
            return self._runs[run]
        raise expired(run) if run in self._gone else unknown(run)

    def _expire(self, now: float) -> None:
        """They stand in the order of their creation: those that follow one that is kept are younger. So this costs next
        to nothing with each append, however many runs there are."""
        kept = self._keep
        old = itertools.takewhile(lambda item: item[1].updated + kept <= now, self._runs.items())
        for run in [run for run, entry in old if entry.status in TERMINAL]:
            entry = self._runs.pop(run)
            del self._keys[entry.request.owner, entry.key]
            self._gone[run] = None
        while len(self._gone) > _REMEMBERED:
            del self._gone[next(iter(self._gone))]


def _told(entry: _Run) -> Appended:
    return _NOTHING if entry.stop is None else Appended(stop=entry.stop)


def _info(entry: _Run) -> RunInfo:
    return RunInfo(
        run=entry.request.run,
        thread=entry.request.thread,
        owner=entry.request.owner,
        status=entry.status,
        prompt=prompt_of(entry.request),
        created=entry.created,
        updated=entry.updated,
        worker=entry.worker,
        attempt=entry.fence,
        last_seq=len(entry.events),
    )


class MemoryBell:
    """A `Bell` within one event loop."""

    def __init__(self) -> None:
        self._rings: asyncio.Queue[Ring] = asyncio.Queue()
        self._cancels: asyncio.Queue[RunId] = asyncio.Queue()

    async def ring(self, runs: Sequence[RunId]) -> None:
        for run in runs:
            self._rings.put_nowait(Ring(run))

    async def cancel(self, run: RunId) -> None:
        self._cancels.put_nowait(run)

    async def rings(self, slots: int) -> AsyncIterator[Ring]:
        while True:
            yield await self._rings.get()

    async def cancels(self) -> AsyncIterator[RunId]:
        while True:
            yield await self._cancels.get()

    async def close(self) -> None:
        """Nothing to give back."""


__all__ = ["MemoryBell", "MemoryLog"]
