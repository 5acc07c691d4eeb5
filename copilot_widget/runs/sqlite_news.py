"""What is new in the file of a `SqliteLog`, told to the readers and the workers of this process."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import CopilotError
from .base import Ring, RunId
from .followers import Batch, Follower, Followers
from .sqlite_database import Database, Watch
from .written import events_of

if TYPE_CHECKING:
    from .sqlite import SqliteLog

_LOOK_SECONDS = 0.25
"""How often is looked for what time alone brings: a lease that lapses, a run that is due."""
_PAGE = 1_000
"""Appends that are read at a time."""
_CALM_SECONDS = 0.02
"""Between looks for work, while much is written."""


class News:
    """Reads what is appended once, and tells all readers of this process."""

    def __init__(self, database: Database, watch: Watch) -> None:
        self._followers = Followers()
        self._database = database
        self._watch = watch
        self._telling: asyncio.Task[None] | None = None

    def follow(self, run: RunId) -> Follower:
        """The follower looks at the log once, for what came before."""
        follower = self._followers.add(run)
        follower.look()
        if self._telling is None or self._telling.done():
            self._telling = asyncio.ensure_future(self._tell())
        return follower

    def leave(self, follower: Follower) -> None:
        self._followers.discard(follower)

    async def _tell(self) -> None:
        """As long as there are readers."""
        known: int | None = None
        while self._followers:
            try:
                rows = await self._database.run(lambda db, known=known: _after(db, known), write=False)
            except CopilotError:  # the readers look for themselves, and say what is wrong
                known = None
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            if known is None:
                self._followers.look()
                known = rows[0]["id"] if rows else 0
            else:
                for row in rows:
                    self._followers.put(row["run"], lambda row=row: batch_of(row))
                    known = row["id"]
            if len(rows) == _PAGE:
                continue
            await self._watch.changed(_LOOK_SECONDS)

    def close(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
        self._followers.look()


def _after(db: sqlite3.Connection, known: int | None) -> list[sqlite3.Row]:
    """Appends after `known`; None: only the number of the last one."""
    if known is None:
        return db.execute("SELECT id FROM events ORDER BY id DESC LIMIT 1").fetchall()
    return db.execute("SELECT * FROM events WHERE id > ? ORDER BY id LIMIT ?", (known, _PAGE)).fetchall()


def batch_of(row: sqlite3.Row) -> Batch:
    """A row of events."""
    events = events_of(row["run"], row["first"], row["attempt"], row["ts"], row["chunks"])
    return Batch(events, row["first"], bool(row["ended"]))


@dataclass(frozen=True)
class _SeenRing(Ring):
    """A ring that is not heard again before it is done."""

    bell: SqliteBell | None = None

    async def done(self) -> None:
        if self.bell is not None:
            self.bell.forget(self.run)


class SqliteBell:
    """A `Bell` that nobody rings: it looks into the log when that has changed."""

    def __init__(self, log: SqliteLog) -> None:
        self._log = log
        self._seen: set[RunId] = set()

    async def ring(self, runs: Sequence[RunId]) -> None:
        self._log.watch.poke()

    async def cancel(self, run: RunId) -> None:
        self._log.watch.poke()

    async def rings(self, slots: int) -> AsyncIterator[Ring]:
        while True:
            for run in await self._log.due(slots + len(self._seen)):
                if run not in self._seen:
                    self._seen.add(run)
                    yield _SeenRing(run, bell=self)
            await self._look()

    def forget(self, run: RunId) -> None:
        self._seen.discard(run)
        self._log.watch.poke()

    async def cancels(self) -> AsyncIterator[RunId]:
        while True:
            for run in await self._log.stopping():
                yield run
            await self._look()

    async def _look(self) -> None:
        """Return when it is time to look again: while much is written, not after each append."""
        await self._log.watch.changed(_LOOK_SECONDS)
        await asyncio.sleep(_CALM_SECONDS)

    async def close(self) -> None:
        """Nothing to give back."""


__all__ = ["News", "SqliteBell", "batch_of"]
