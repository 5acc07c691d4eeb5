"""How a log outside this process is read: what is there by pages, and what comes as it comes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ..errors import LogError
from .base import Event, RunId
from .refusals import expired

_ROOM = 1_000
"""Batches that may wait for a slow reader; one that has more reads them from the log."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0


@dataclass(frozen=True)
class Batch:
    """What one append has added to a log."""

    events: list[Event]
    first: int
    ended: bool


class Page(NamedTuple):
    """Some events after a cursor, the number of the last one there is, and whether none will follow that."""

    events: list[Event]
    last: int
    over: bool


class Follower:
    """What one reader is told of its run."""

    def __init__(self, run: RunId) -> None:
        self.run = run
        self._batches: deque[Batch] = deque()
        self._behind = False
        self._told = asyncio.Event()

    def put(self, batch: Batch) -> None:
        if len(self._batches) < _ROOM:
            self._batches.append(batch)
            self._told.set()
        else:
            self.look()

    def look(self) -> None:
        """Something may have been missed."""
        self._batches.clear()
        self._behind = True
        self._told.set()

    async def next(self) -> Batch | None:
        """What was appended; None: look at the log."""
        await self._told.wait()
        if self._behind:
            self._behind = False
            batch = None
        else:
            batch = self._batches.popleft()
        if not self._batches:
            self._told.clear()
        return batch


class FollowedLog(Protocol):
    """What `read` needs of a log."""

    @property
    def closed(self) -> bool: ...

    async def page(self, run: RunId, after: int) -> Page:
        """Raises LogError."""
        ...

    def follow(self, run: RunId) -> Follower: ...

    def leave(self, follower: Follower) -> None: ...


async def read(log: FollowedLog, run: RunId, after: int) -> AsyncIterator[Event]:
    """Events from `after` + 1 on: those there are, then live, until the terminal one. Raises LogError."""
    cursor = after
    follower: Follower | None = None
    try:
        while True:
            events, last, over = await _patiently(log, run, cursor)
            for event in events:
                cursor = event["seq"]
                yield event
            if cursor < last:
                continue
            if over:
                return
            follower = follower or log.follow(run)
            # A follower tells of a gap, or that it may have missed something: then the log is looked at again.
            while (batch := await follower.next()) is not None and batch.first <= cursor + 1:
                for event in batch.events[cursor + 1 - batch.first :]:
                    cursor = event["seq"]
                    yield event
                if batch.ended:
                    return
    finally:
        if follower is not None:
            log.leave(follower)


async def _patiently(log: FollowedLog, run: RunId, after: int) -> Page:
    """A log that is away is waited for: a reader loses nothing by it."""
    pause = _FIRST_PAUSE
    while True:
        try:
            return await log.page(run, after)
        except LogError as error:
            if error.code != "unavailable" or log.closed:
                raise
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def page_of(run: RunId, after: int, batches: Iterable[list[Event]], last: int, over: bool) -> Page:
    """The page that stored batches make. Raises LogError expired where the log has lost events."""
    events = [event for batch in batches for event in batch]
    skipped = 0
    if events:
        skipped = after + 1 - events[0]["seq"]
        if skipped < 0 or events[-1]["seq"] != events[0]["seq"] + len(events) - 1:
            raise expired(run)
    return Page(events[skipped:], last, over)


class Followers:
    """The readers of a log in this process, by run."""

    def __init__(self) -> None:
        self._followers: dict[RunId, set[Follower]] = {}

    def __bool__(self) -> bool:
        return bool(self._followers)

    def __iter__(self) -> Iterator[RunId]:
        """The runs that are read."""
        return iter(self._followers)

    def add(self, run: RunId) -> Follower:
        follower = Follower(run)
        self._followers.setdefault(run, set()).add(follower)
        return follower

    def discard(self, follower: Follower) -> None:
        followers = self._followers[follower.run]
        followers.discard(follower)
        if not followers:
            del self._followers[follower.run]

    def put(self, run: RunId, make: Callable[[], Batch]) -> None:
        """Tell a run's readers of a batch, which is made once, and only where somebody reads."""
        if run in self._followers:
            batch = make()
            for follower in self._followers[run]:
                follower.put(batch)

    def look(self, run: RunId | None = None) -> None:
        """Readers of a run, or all of them, may have missed something."""
        for each in list(self._followers) if run is None else [run]:
            for follower in self._followers.get(each, ()):
                follower.look()


__all__ = ["Batch", "Follower", "Followers", "Page", "page_of", "read"]
