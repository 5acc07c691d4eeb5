"""The SQLite file that processes of one machine share for their runs: schema, transactions, and news of changes.

Every commit survives the death of any process; WAL lets readers read while one writes. No server, no library.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from ..errors import LogError, one_line

T = TypeVar("T")

_VERSION = 1
"""Of the schema, kept as SQLite's user_version."""
PATIENCE = 5.0
"""Seconds that a process waits for another one that writes."""
_FIRST_LOOK, _LONGEST_LOOK = 0.003, 0.05
"""Seconds between looks at the file: often while something happens, seldom while nothing does."""
_SLOWER = 1.1

LIVE = "('queued', 'running', 'waiting')"
_SCHEMA = f"""
CREATE TABLE runs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  run TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  thread TEXT NOT NULL,
  idempotency TEXT NOT NULL,
  request TEXT NOT NULL,
  prompt TEXT NOT NULL,
  created REAL NOT NULL,
  updated REAL NOT NULL,
  status TEXT NOT NULL DEFAULT 'queued',
  worker TEXT NOT NULL DEFAULT '',
  fence INTEGER NOT NULL DEFAULT 0,
  tries INTEGER NOT NULL DEFAULT 0,
  lease REAL NOT NULL DEFAULT 0,
  step INTEGER NOT NULL DEFAULT 0,
  state TEXT,
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


class Database:
    """One file. `run` is awaited on an event loop, `now` may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="copilot-log")
        self.closed = False

    async def run(self, work: Callable[[sqlite3.Connection], T], *, write: bool = True) -> T:
        """`work` as one transaction, in a thread of its own. Raises LogError."""
        if self.closed:
            raise self.unavailable("the log was closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: self.now(work, write=write))

    def now(self, work: Callable[[sqlite3.Connection], T], *, write: bool = True) -> T:
        """`work` as one transaction, on the calling thread. Raises LogError."""
        with self._lock, self._translated():
            if self._connection is None:
                self._connection = self._open()
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return result

    def close(self) -> None:
        self.closed = True
        self._thread.shutdown()
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def connect(self) -> sqlite3.Connection:
        """Another connection, for who only looks."""
        # A transaction is begun where it is meant to be; every use is under a lock, or on one loop.
        connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last events, a crash costs none
        return connection

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = self.connect()
        try:
            _use_wal(connection)
            connection.execute("BEGIN IMMEDIATE")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
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

    @contextmanager
    def _translated(self) -> Generator[None, None, None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if "full" in str(error):
                raise LogError(
                    f"There is no room left for the runs in {self.path}; nothing was written.",
                    hint="Free some space on the disk, or name another folder by JUPYTER_DATA_DIR.",
                    code="full",
                ) from None
            raise self.unavailable(one_line(error)) from None


def _use_wal(connection: sqlite3.Connection) -> None:
    """Kept in the file. Several processes may want it at once, and for this SQLite does not wait."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
        time.sleep(0.01)


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


__all__ = ["LIVE", "Database", "Watch"]
