"""How one attempt writes to the log: one append on its way at a time, and what comes meanwhile goes with the next.

So a lone event is written at once, and a flood costs a round trip for each batch, not for each event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from ..elsewhere import opened_by
from ..errors import LogError
from ..funnel import StopSignal
from ..state import Reply
from .base import Appended, Commit, Log, RunId

_ROOM = 5_000
"""Events that may wait for the log; a model that is faster than that is held back."""
_BATCH = 2_000
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0
"""Seconds between tries while the log cannot be reached, or has no room."""
_PASSING = ("unavailable", "full")


class Writer:
    """Appends for one claim. Raises LogError stale or ended from any method once the run is in other hands."""

    def __init__(self, log: Log, run: RunId, fence: int, last_seq: int, stop: StopSignal) -> None:
        self._log = log
        self._run = run
        self._fence = fence
        self._stop = stop
        self._base = last_seq
        self.since: list[dict[str, Any]] = []
        """Events after the last finished step, or after the claim."""
        self.ring: Sequence[RunId] = ()
        """Runs that can be claimed since the last commit."""
        self._written = last_seq
        self._flight: asyncio.Task[None] | None = None
        self._cards: dict[str, str] = {}
        """Digest of what was shown of each call that is asked about."""
        self.troubles = 0
        """Appends that had to be tried again."""

    @property
    def last_seq(self) -> int:
        return self._base + len(self.since)

    async def put(self, chunk: dict[str, Any]) -> None:
        """Log one event; returns before it is written, unless too many wait."""
        self.since.append(chunk)
        if not self._log.buffered:
            await self._append(None)
            return
        if self._flight is None or self._flight.done():
            self._check()
            self._flight = asyncio.ensure_future(self._pump())
        if self.last_seq - self._written > _ROOM:
            await self._flight

    async def commit(self, chunks: Sequence[dict[str, Any]], commit: Commit) -> Mapping[str, Reply]:
        """Log the last events of a step together with what it ends with. Returns replies that are there already."""
        self.since.extend(chunks)
        if self._flight is not None:
            await self._flight
        appended = await self._append(commit)
        self.ring = appended.ring
        self._base, self.since = self.last_seq, []
        return appended.replies

    async def close(self) -> None:
        """Give up what is on its way: the run is in other hands."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait([self._flight])

    def _check(self) -> None:
        if self._flight is not None and self._flight.done() and not self._flight.cancelled():
            self._flight.result()

    async def _pump(self) -> None:
        while self._written < self.last_seq:
            await self._append(None)

    async def _append(self, commit: Commit | None) -> Appended:
        """One append of what is not written yet, tried until the log takes or refuses it."""
        pause, tried = _FIRST_PAUSE, False
        while True:
            chunks = self.since[self._written - self._base :]
            if commit is None:
                chunks = chunks[:_BATCH]
            first = self._written + 1
            opened, shown = self._opened(chunks)
            try:
                appended = await self._log.append(
                    self._run, self._fence, first, chunks, opened=opened, shown=shown, commit=commit
                )
            except LogError as error:
                self.troubles += 1
                if error.code == "gap":  # the log lost its last events: it was restored from an older copy
                    self._written = await self._found()
                elif error.code in _PASSING:
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
                elif tried and commit is not None and await self._landed(commit):
                    return Appended()
                else:
                    raise
                tried = True
                continue
            self._written = max(self._written, first + len(chunks) - 1)
            if appended.stop is not None:
                self._stop.set(appended.stop)
            return appended

    def _opened(self, chunks: Sequence[dict[str, Any]]) -> tuple[list[str], dict[str, str]]:
        """Ids under which the chunks ask for replies, and the digests of what is shown with those questions."""
        opened: list[str] = []
        shown: dict[str, str] = {}
        for chunk in chunks:
            if chunk["type"] == "data-approval" and "digest" in chunk["data"]:
                self._cards[chunk["id"]] = chunk["data"]["digest"]
            key = opened_by(chunk)
            if key is not None:
                opened.append(key)
                if chunk.get("toolCallId") in self._cards:
                    shown[key] = self._cards[chunk["toolCallId"]]
        return opened, shown

    async def _landed(self, commit: Commit) -> bool:
        """True where a commit had been taken whose reply was lost on its way."""
        info = await self._log.info(self._run)
        return (info.attempt, info.status, info.last_seq) == (self._fence, commit.status, self.last_seq)

    async def _found(self) -> int:
        last = (await self._log.info(self._run)).last_seq
        if last < self._base:
            raise LogError(f"The log of run {self._run!r} lost events of finished steps.", code="stale")
        return last
