"""The log in a SQLite file, for the processes of one machine.

An append is one row, whatever its number of events. What is new is read once a process and told to all its readers.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from ..state import TERMINAL, Reply, RunRequest, RunStatus, json_of
from .base import KEEP_SECONDS, LEASE_SECONDS, Appended, Claim, Commit, Event, RunId, RunInfo, prompt_of
from .followers import Follower, Page, page_of, read
from .refusals import check_size, ended, expired, gap, other_call, shown_to, stale, unknown
from .sqlite_database import LIVE, TABLES, Database, Watch
from .sqlite_news import News, batch_of
from .written import chunks_text, read_reply, read_request

_TOMBSTONE_SECONDS = 7 * 24 * 3600.0
_PAGE = 500
"""Rows that are read at a time."""
_INFO = "run, thread, owner, status, prompt, created, updated, worker, fence, last_seq"
_COME = "(status = 'queued' OR status = 'waiting' AND (come OR stop IS NOT NULL OR due <= :now))"
_HEAD = f"""NOT EXISTS (SELECT 1 FROM runs AS earlier WHERE earlier.owner = runs.owner AND earlier.thread = runs.thread
  AND earlier.number < runs.number AND earlier.status IN {LIVE})"""
_CLAIMABLE = f"status IN {LIVE} AND ({_COME} OR status = 'running' AND lease <= :now) AND {_HEAD}"


class SqliteLog:
    """A `Log` in a file. Used from one event loop, `renew` from any thread.

    `owner_limit` is how many runs of an owner are at work at once; `keep` is in seconds from a run's end.
    """

    buffered = True

    def __init__(self, path: Path, *, owner_limit: int | None = None, keep: float = KEEP_SECONDS) -> None:
        self._database = Database(path)
        self.watch = Watch(self._database)
        self._owner_limit = owner_limit
        self._keep = keep
        self._news = News(self._database, self.watch)

    # ---- a run's beginning ------------------------------------------------------------------------------

    async def create(self, request: RunRequest, *, key: str) -> RunId:
        text, now = check_size(request), time.time()
        values = (request.run, request.owner, request.thread, key, prompt_of(request), now, now)

        def work(db: sqlite3.Connection) -> RunId:
            _expire(db, now)
            known = db.execute(
                "SELECT run FROM runs WHERE owner = ? AND idempotency = ? OR run = ?", (request.owner, key, request.run)
            ).fetchone()
            if known is not None:
                return known[0]
            db.execute("DELETE FROM gone WHERE run = ?", (request.run,))
            db.execute(
                "INSERT INTO runs (run, owner, thread, idempotency, prompt, created, updated)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            )
            db.execute("INSERT INTO requests VALUES (?, ?)", (request.run, text))
            return request.run

        created = await self._database.run(work)
        self.watch.poke()
        return created

    async def claim(
        self, run: RunId, worker: str, *, lease: float = LEASE_SECONDS, takeover: bool = False, ending: bool = False
    ) -> Claim | None:
        def work(db: sqlite3.Connection) -> Claim | None:
            now = time.time()
            row = _row(db, run)
            status = row["status"]
            if status in TERMINAL or (status == "running" and row["lease"] > now and not takeover):
                return None
            if not ending and not self._may_start(db, row, now):
                return None
            asked = _request(db, run)
            db.execute(
                "UPDATE runs SET status = 'running', worker = ?, lease = ?, updated = ?, fence = fence + 1,"
                " tries = tries + 1 WHERE run = ?",
                (worker, now + lease, now, run),
            )
            return Claim(
                fence=row["fence"] + 1,
                request=asked,
                state=_state(db, run),
                tail=[event["chunk"] for batch in _batches(db, run, row["state_seq"]) for event in batch],
                last_seq=row["last_seq"],
                tries=row["tries"] + 1,
                replies=_replies(db, run),
                stop=row["stop"],
                overdue=status == "waiting" and row["due"] is not None and row["due"] <= now,
            )

        return await self._database.run(work)

    def _may_start(self, db: sqlite3.Connection, row: sqlite3.Row, now: float) -> bool:
        """Its thread's turn has come, and what it waits for; and its owner may have one more at work."""
        ready = f"status = 'running' OR {_COME}"
        found = db.execute(f"SELECT 1 FROM runs WHERE run = :run AND {_HEAD} AND ({ready})", {**row, "now": now})
        return found.fetchone() is not None and self._has_room(db, row["owner"], row["run"])

    def _has_room(self, db: sqlite3.Connection, owner: str, run: RunId, more: int = 0) -> bool:
        if self._owner_limit is None:
            return True
        at_work = db.execute(
            f"SELECT count(*) FROM runs WHERE owner = ? AND run != ? AND status IN {LIVE} AND status = 'running'",
            (owner, run),
        ).fetchone()[0]
        return at_work + more < self._owner_limit

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
        given = list(chunks)

        def work(db: sqlite3.Connection) -> Appended:
            now = time.time()
            row = _row(db, run)
            status, last = row["status"], row["last_seq"]
            if fence != row["fence"]:
                raise stale(run)
            if status in TERMINAL:
                raise ended(run)
            if status != "running":  # it was given out of hand
                raise stale(run)
            if first_seq > last + 1:
                raise gap(run, last, first_seq)
            new = given[last + 1 - first_seq :]
            is_end = commit is not None and commit.status in TERMINAL
            if new or is_end:
                db.execute(
                    "INSERT INTO events (run, first, last, attempt, ts, ended, chunks) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (run, last + 1, last + len(new), fence, now, is_end, chunks_text(new)),
                )
            db.execute("UPDATE runs SET last_seq = ?, updated = ? WHERE run = ?", (last + len(new), now, run))
            for key in opened:
                db.execute("INSERT OR IGNORE INTO replies (run, id) VALUES (?, ?)", (run, key))
            for key, digest in (shown or {}).items():
                db.execute("INSERT OR REPLACE INTO shown VALUES (?, ?, ?)", (run, key, digest))
            return Appended(stop=row["stop"]) if commit is None else self._commit(db, row, commit, now)

        appended = await self._database.run(work)
        self.watch.poke()
        return appended

    def _commit(self, db: sqlite3.Connection, row: sqlite3.Row, commit: Commit, now: float) -> Appended:
        run, step = row["run"], row["step"] + 1
        db.execute(
            "UPDATE runs SET tries = 0, step = ?, state_seq = last_seq, due = ?, come = 0 WHERE run = ?",
            (step, commit.due, run),
        )
        if commit.state is None:
            db.execute("DELETE FROM states WHERE run = ?", (run,))
        else:
            db.execute("INSERT OR REPLACE INTO states VALUES (?, ?)", (run, commit.state))
        db.executemany(
            "INSERT INTO replies (run, id, step) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET step = excluded.step",
            [(run, key, step) for key in commit.awaited],
        )
        replies = _replies(db, run)
        come = {key: replies[key] for key in commit.awaited if key in replies}
        waits_on = commit.status == "waiting" and (come or row["stop"] is not None)
        if waits_on or commit.status == "running":
            db.execute("UPDATE runs SET tries = 1 WHERE run = ?", (run,))  # this attempt goes on with the next step
            return Appended(stop=row["stop"], replies=come)
        expires = now + self._keep if commit.status in TERMINAL else None
        db.execute("UPDATE runs SET status = ?, lease = 0, expires = ? WHERE run = ?", (commit.status, expires, run))
        return Appended(stop=row["stop"], ring=self._next(db, row, commit.status, now))

    def _next(self, db: sqlite3.Connection, row: sqlite3.Row, status: RunStatus, now: float) -> list[RunId]:
        """The run that this one held up: of its thread, or by its owner's limit."""
        where, values = "owner = :owner AND run != :run", {**row, "now": now}
        if self._owner_limit is None:
            if status not in TERMINAL:
                return []
            where += " AND thread = :thread"
        found = db.execute(f"SELECT run FROM runs WHERE {where} AND {_CLAIMABLE} ORDER BY number LIMIT 1", values)
        return [each["run"] for each in found if self._has_room(db, row["owner"], each["run"])]

    def renew(self, held: Mapping[RunId, int], *, lease: float = LEASE_SECONDS) -> dict[RunId, str | None]:
        def work(db: sqlite3.Connection) -> dict[RunId, str | None]:
            kept: dict[RunId, str | None] = {}
            for run, fence in held.items():
                found = db.execute(
                    "UPDATE runs SET lease = ? WHERE run = ? AND fence = ? AND status = 'running' RETURNING stop",
                    (time.time() + lease, run, fence),
                ).fetchone()
                if found is not None:
                    kept[run] = found["stop"]
            return kept

        return self._database.now(work)

    # ---- what others tell it --------------------------------------------------------------------------------

    async def answer(self, run: RunId, reply_id: str, reply: Reply) -> bool:
        def work(db: sqlite3.Connection) -> bool:
            row = _row(db, run)
            if row["status"] in TERMINAL:
                return False
            asked = db.execute(
                "SELECT digest FROM replies JOIN shown USING (run, id) WHERE run = ? AND id = ? AND reply IS NULL",
                (run, reply_id),
            ).fetchone()
            if asked is not None and shown_to(reply) not in (None, asked["digest"]):
                raise other_call()
            taken = db.execute(
                "UPDATE replies SET reply = ? WHERE run = ? AND id = ? AND reply IS NULL RETURNING step",
                (json_of(reply), run, reply_id),
            ).fetchone()
            if taken is None:
                return False
            if row["status"] == "waiting" and taken["step"] == row["step"]:
                db.execute("UPDATE runs SET come = 1 WHERE run = ?", (run,))
            return True

        taken = await self._database.run(work)
        self.watch.poke()
        return taken

    async def postpone(self, run: RunId, due: float) -> None:
        def work(db: sqlite3.Connection) -> None:
            _row(db, run)
            db.execute("UPDATE runs SET due = max(due, ?) WHERE run = ? AND status = 'waiting'", (due, run))

        await self._database.run(work)

    async def stop(self, run: RunId, reason: str) -> bool:
        def work(db: sqlite3.Connection) -> bool:
            if _row(db, run)["status"] in TERMINAL:
                return False
            db.execute("UPDATE runs SET stop = coalesce(stop, ?) WHERE run = ?", (reason, run))
            return True

        stopped = await self._database.run(work)
        self.watch.poke()
        return stopped

    # ---- readers ----------------------------------------------------------------------------------------------

    async def due(self, limit: int) -> list[RunId]:
        def work(db: sqlite3.Connection) -> list[RunId]:
            rows = db.execute(f"SELECT run, owner FROM runs WHERE {_CLAIMABLE} ORDER BY number", {"now": time.time()})
            found: list[RunId] = []
            more: dict[str, int] = {}
            for row in rows:
                if len(found) == limit:
                    break
                owner = row["owner"]
                if self._has_room(db, owner, row["run"], more.get(owner, 0)):
                    more[owner] = more.get(owner, 0) + 1
                    found.append(row["run"])
            return found

        return await self._database.run(work, write=False)

    async def stopping(self) -> list[RunId]:
        """Runs at work that have been told to stop."""

        def work(db: sqlite3.Connection) -> list[RunId]:
            rows = db.execute(
                f"SELECT run FROM runs WHERE status IN {LIVE} AND status = 'running' AND stop IS NOT NULL"
            )
            return [row["run"] for row in rows]

        return await self._database.run(work, write=False)

    async def info(self, run: RunId) -> RunInfo:
        return await self._database.run(lambda db: _info(_row(db, run)), write=False)

    async def request(self, run: RunId) -> RunRequest:
        def work(db: sqlite3.Connection) -> RunRequest:
            _row(db, run)
            return _request(db, run)

        return await self._database.run(work, write=False)

    async def runs(self, owner: str, limit: int = 100) -> list[RunInfo]:
        def work(db: sqlite3.Connection) -> list[RunInfo]:
            rows = db.execute(
                f"SELECT {_INFO} FROM runs WHERE owner = ? AND (expires IS NULL OR expires > ?)"
                " ORDER BY number DESC LIMIT ?",
                (owner, time.time(), limit),
            )
            return [_info(row) for row in rows]

        return await self._database.run(work, write=False)

    def read(self, run: RunId, after: int = 0) -> AsyncIterator[Event]:
        return read(self, run, after)

    @property
    def closed(self) -> bool:
        return self._database.closed

    def follow(self, run: RunId) -> Follower:
        return self._news.follow(run)

    def leave(self, follower: Follower) -> None:
        self._news.leave(follower)

    async def page(self, run: RunId, after: int) -> Page:
        """Some events after a cursor."""

        def work(db: sqlite3.Connection) -> Page:
            row = _row(db, run)
            batches = _batches(db, run, after, _PAGE)
            return page_of(run, after, batches, row["last_seq"], row["status"] in TERMINAL)

        return await self._database.run(work, write=False)

    async def close(self) -> None:
        self._news.close()
        self.watch.close()
        self._database.close()


def _expire(db: sqlite3.Connection, now: float) -> None:
    gone = [row["run"] for row in db.execute("SELECT run FROM runs WHERE expires <= ? LIMIT 100", (now,))]
    for run in gone:
        db.execute("INSERT OR REPLACE INTO gone (run, until) VALUES (?, ?)", (run, now + _TOMBSTONE_SECONDS))
        for table in TABLES:
            db.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
    db.execute("DELETE FROM gone WHERE until <= ?", (now,))


def _request(db: sqlite3.Connection, run: RunId) -> RunRequest:
    return read_request(run, db.execute("SELECT request FROM requests WHERE run = ?", (run,)).fetchone()["request"])


def _state(db: sqlite3.Connection, run: RunId) -> str | None:
    row = db.execute("SELECT state FROM states WHERE run = ?", (run,)).fetchone()
    return None if row is None else row["state"]


def _row(db: sqlite3.Connection, run: RunId) -> sqlite3.Row:
    """Raises LogError unknown-run, expired."""
    row = db.execute("SELECT * FROM runs WHERE run = ?", (run,)).fetchone()
    if row is not None and (row["expires"] is None or row["expires"] > time.time()):
        return row
    gone = row is not None or db.execute("SELECT 1 FROM gone WHERE run = ?", (run,)).fetchone() is not None
    raise expired(run) if gone else unknown(run)


def _batches(db: sqlite3.Connection, run: RunId, after: int, limit: int = -1) -> list[list[Event]]:
    rows = db.execute("SELECT * FROM events WHERE run = ? AND last > ? ORDER BY last LIMIT ?", (run, after, limit))
    return [batch_of(row).events for row in rows]


def _replies(db: sqlite3.Connection, run: RunId) -> dict[str, Reply]:
    rows = db.execute("SELECT id, reply FROM replies WHERE run = ? AND reply IS NOT NULL", (run,))
    return {row["id"]: read_reply(row["reply"]) for row in rows}


def _info(row: sqlite3.Row) -> RunInfo:
    return RunInfo(
        run=row["run"],
        thread=row["thread"],
        owner=row["owner"],
        status=cast("RunStatus", row["status"]),
        prompt=row["prompt"],
        created=row["created"],
        updated=row["updated"],
        worker=row["worker"],
        attempt=row["fence"],
        last_seq=row["last_seq"],
    )


__all__ = ["SqliteLog"]
