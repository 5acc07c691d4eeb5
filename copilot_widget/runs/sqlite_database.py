"""The SQLite file that processes of one machine share for their runs: schema, transactions, and news of changes.

Every commit survives the death of any process; WAL lets readers read while one writes. No server, no library.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..errors import LogError, one_line

T = TypeVar("T")

_VERSION = 1
"""Of the schema, kept as SQLite's user_version."""
PATIENCE = 5.0
"""Seconds that a process waits for another one that writes."""
_RETRY = 0.001
"""Seconds between tries meanwhile."""
_TOGETHER = 500
"""Steps of one transaction."""
_CHECKPOINT = 500
"""Steps after which it is time to move what was written."""
_LONG = 16_000
"""Pages in the write-ahead log, 64 MB, with which it begins anew: its writers wait ten milliseconds for that."""
_FIRST_LOOK, _LONGEST_LOOK = 0.003, 0.05
"""Seconds between looks at the file: often while something happens, seldom while nothing does."""
_SLOWER = 1.1

LIVE = "('queued', 'running', 'waiting')"
TABLES = ("runs", "requests", "states", "events", "replies", "shown")
# A row of runs is written with each append: what may be large stands elsewhere.
_SCHEMA = f"""
CREATE TABLE runs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  run TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  thread TEXT NOT NULL,
  idempotency TEXT NOT NULL,
  prompt TEXT NOT NULL,
  created REAL NOT NULL,
  updated REAL NOT NULL,
  status TEXT NOT NULL DEFAULT 'queued',
  worker TEXT NOT NULL DEFAULT '',
  fence INTEGER NOT NULL DEFAULT 0,
  tries INTEGER NOT NULL DEFAULT 0,
  lease REAL NOT NULL DEFAULT 0,
  step INTEGER NOT NULL DEFAULT 0,
  state_seq INTEGER NOT NULL DEFAULT 0,
  last_seq INTEGER NOT NULL DEFAULT 0,
  due REAL,
  come INTEGER NOT NULL DEFAULT 0,
  stop TEXT,
  expires REAL,
  UNIQUE (owner, idempotency)
);
CREATE INDEX live ON runs (number) WHERE status IN {LIVE};
CREATE INDEX live_of_thread ON runs (owner, thread, number) WHERE status IN {LIVE};
CREATE INDEX of_owner ON runs (owner, number);
CREATE INDEX ended ON runs (expires) WHERE expires IS NOT NULL;
CREATE TABLE requests (run TEXT PRIMARY KEY, request TEXT NOT NULL);
CREATE TABLE states (run TEXT PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run TEXT NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  ts REAL NOT NULL,
  ended INTEGER NOT NULL,
  chunks TEXT NOT NULL
);
CREATE INDEX of_run ON events (run, last);
CREATE TABLE replies (
  run TEXT NOT NULL,
  id TEXT NOT NULL,
  step INTEGER,
  reply TEXT,
  PRIMARY KEY (run, id)
) WITHOUT ROWID;
CREATE TABLE gone (run TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
"""

_SHOWN = """
CREATE TABLE IF NOT EXISTS shown (
  run TEXT NOT NULL,
  id TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (run, id)
) WITHOUT ROWID
"""
"""What the question shows that a reply answers. A file that was made before there was this table gets it."""


class Database:
    """One file. `run` is awaited on one event loop, `now` may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.closed = False
        # Readers do not wait for writers, who may have to wait for other processes.
        self._writing, self._reading = _Lane(self), _Lane(self)
        self._renewing = _Lane(self)
        self.checkpointer = _Checkpointer(self)

    async def run(self, work: Callable[[sqlite3.Connection], T], *, write: bool = True) -> T:
        """`work` as one step, all of it or nothing. It raises LogError before it writes, if at all."""
        if self.closed:
            raise self.unavailable("the log was closed")
        result = await (self._writing if write else self._reading).run(work, write)
        if write:
            self.checkpointer.count()
        return result

    def now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work` as one step, on the calling thread. Raises LogError."""
        return self._renewing.now(work)

    def close(self) -> None:
        self.closed = True
        for each in (self.checkpointer, self._writing, self._reading, self._renewing):
            each.close()

    def connect(self) -> sqlite3.Connection:
        """A connection for who only looks."""
        # A transaction is begun where it is meant to be; every use is under a lock, or on one loop.
        connection = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # which is not a writer's to wait for
        connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last events, a crash costs none
        return connection

    def open(self) -> sqlite3.Connection:
        """A connection to a file that is of this layout; made where there is none. Raises LogError version."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = self.connect()
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
            if version in (0, _VERSION):
                connection.execute(_SHOWN)
            connection.execute("COMMIT")
            if version not in (0, _VERSION):
                raise LogError(
                    f"The runs in {self.path} are kept in layout {version}; this program knows {_VERSION}.",
                    hint="Use the copilot-widget that made it, or move the file away when none of its runs goes on.",
                    code="version",
                )
        except BaseException:
            connection.close()
            raise
        return connection

    # ---- what can go wrong --------------------------------------------------------------------------------

    def unavailable(self, reason: str) -> LogError:
        return LogError(
            f"The runs in {self.path} cannot be used now: {reason}.",
            hint="See that the folder can be written to and no other program holds the file.",
            code="unavailable",
        )

    def refusal(self, error: Exception) -> LogError:
        """What SQLite, or the disk, says, in the words of the seam."""
        if "full" in str(error):
            return LogError(
                f"There is no room left for the runs in {self.path}; nothing was written.",
                hint="Free some space on the disk, or name another folder by JUPYTER_DATA_DIR.",
                code="full",
            )
        return self.unavailable(one_line(error))


Work = Callable[[sqlite3.Connection], Any]


class _Lane:
    """A connection. Steps that come while it waits for another process share a transaction.

    They run on the event loop itself: a step takes a tenth of a millisecond and no disk is waited for, while a thread
    would wait for the interpreter after each statement.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._waiting: list[tuple[Work, asyncio.Future[Any]]] = []
        self._flight: asyncio.Task[None] | None = None

    async def run(self, work: Callable[[sqlite3.Connection], T], write: bool) -> T:
        """One step. Raises LogError."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, future))
        if self._flight is None:
            self._flight = asyncio.ensure_future(self._fly(write))
        return await future

    async def _fly(self, write: bool) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
                works = [work for work, _ in batch]
                while write and self._database.checkpointer.restarting:  # noqa: ASYNC110 - a thread's turn
                    await asyncio.sleep(_RETRY)
                until = time.monotonic() + PATIENCE
                while (results := self._try(works, write, until)) is None:  # noqa: ASYNC110 - another process's turn
                    await asyncio.sleep(_RETRY)
                for (_, future), result in zip(batch, results, strict=True):
                    if future.done():
                        pass  # whoever asked has left
                    elif isinstance(result, Exception):
                        future.set_exception(result)
                    else:
                        future.set_result(result)
                await asyncio.sleep(_RETRY if self._waiting and write else 0)  # others look that often for their turn
        finally:
            self._flight = None

    def now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """One step that writes, from any thread. Raises LogError."""
        until = time.monotonic() + PATIENCE
        with self._lock:
            while (results := self._try([work], True, until)) is None:
                time.sleep(_RETRY)
        if isinstance(results[0], Exception):
            raise results[0]
        return results[0]

    def _try(self, works: Sequence[Work], write: bool, until: float) -> list[Any] | None:
        """The results of all steps, in one transaction; an exception in the place of one that was refused.

        None where another process is at it. SQLite's own waiting backs off, and starves who came first.
        """
        try:
            return self._transact(works, write)
        except LogError as error:
            return [error] * len(works)
        except (sqlite3.Error, OSError) as error:
            if "locked" in str(error) and time.monotonic() < until:
                return None
            return [self._database.refusal(error)] * len(works)
        except Exception as error:  # a step that is wrong in itself: whose it is shall know, and no other step suffers
            if len(works) == 1:
                return [error]
            alone = [self._try([work], write, until) for work in works]
            return [self._database.unavailable("it is locked") if one is None else one[0] for one in alone]

    def _transact(self, works: Sequence[Work], write: bool) -> list[Any]:
        if self._connection is None:
            self._connection = self._database.open()
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        try:
            results = [_step(connection, work) for work in works]
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return results

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def _step(connection: sqlite3.Connection, work: Work) -> Any:
    """What `work` returns, or with which LogError it refused, which it does before it writes anything."""
    try:
        return work(connection)
    except LogError as error:
        return error


class _Checkpointer:
    """Moves what was written from the write-ahead log into the file, in a thread that nobody waits for."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.restarting = False
        """True while writers of this process had better wait."""
        self._written = 0
        self._thread: threading.Thread | None = None

    def count(self) -> None:
        self._written += 1
        if self._written >= _CHECKPOINT and (self._thread is None or not self._thread.is_alive()):
            self._written = 0
            self._thread = threading.Thread(target=self._move, name="copilot-log-checkpoint", daemon=True)
            self._thread.start()

    def _move(self) -> None:
        with contextlib.suppress(sqlite3.Error), contextlib.closing(self._database.connect()) as connection:
            _, frames, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if frames < _LONG:
                return
            # Most is done, and nobody had to wait. The little that came meanwhile is moved while writers wait, so that
            # the write-ahead log begins anew: it would grow for as long as they write.
            self.restarting = True
            try:
                connection.execute("PRAGMA busy_timeout = 100")
                connection.execute("PRAGMA wal_checkpoint(RESTART)")
            finally:
                self.restarting = False

    def close(self) -> None:
        if self._thread is not None:
            self._thread.join()


class Watch:
    """Tells who waits that the file may have changed, whoever changed it; on one event loop.

    SQLite sends nothing, so somebody has to look; a look costs some microseconds, and there is one for all.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: sqlite3.Connection | None = None
        self._seen: int = -1
        self._waiting: set[asyncio.Future[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._pause = _FIRST_LOOK
        self._pokes = 0

    def poke(self) -> None:
        """There may be something to see."""
        self._pokes += 1
        self._pause = _FIRST_LOOK

    async def changed(self, timeout: float) -> None:
        """Returns after the next change, or after `timeout` seconds."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._look())
        try:
            await asyncio.wait([future], timeout=timeout)
        finally:
            self._waiting.discard(future)

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _look(self) -> None:
        """As long as somebody waits."""
        poked = self._pokes
        while self._waiting:
            await asyncio.sleep(self._pause)
            version = self._version()
            if version != self._seen or poked != self._pokes:
                self._seen, poked, self._pause = version, self._pokes, _FIRST_LOOK
                for future in self._waiting:
                    if not future.done():
                        future.set_result(None)
            else:
                self._pause = min(self._pause * _SLOWER, _LONGEST_LOOK)

    def _version(self) -> int:
        try:
            if self._connection is None:
                self._connection = self._database.connect()
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error:  # whoever waits looks for itself, and says what is wrong
            return self._seen + 1


__all__ = ["LIVE", "TABLES", "Database", "Watch"]
