"""An engine of SQLAlchemy for the two databases that are known here, and their errors in one sentence each."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ..errors import StoreError, UsageError, one_line, redact

_POOL_SIZE = 2
"""A run makes some three calls, of milliseconds: few connections serve many runs, and many workers share a server."""
_BUSY_SECONDS = 15
_RETRY_SECONDS = 0.01
_CONNECT_SECONDS = 5
_RECYCLE_SECONDS = 1800
_REFUSED = re.compile(
    r"authentication failed|no password supplied|pg_hba\.conf|permission denied|role .* does not exist"
)
_WRITES = "copilot_writes"
_EXAMPLES = "sqlite:///folder/threads.sqlite3 or postgresql://user:password@host/name"


class Database:
    """One database, by URL, or SQLite's by the path of its file; connects later.

    Raises UsageError for a URL that cannot be read, or of another kind of database.
    """

    def __init__(self, url: str | Path) -> None:
        parsed, self.connections = _pool_size(_parse(url))
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.address = parsed.database or "" if self.is_sqlite else _bare(parsed)
        self._secrets = [parsed.password, parsed.username]
        self._engine = self._sqlite(parsed) if self.is_sqlite else self._postgres(parsed)

    @contextmanager
    def begin(self, *, write: bool = True) -> Generator[Connection]:
        """A connection in a transaction. Raises SQLAlchemyError; see `errors`."""
        with self._engine.connect() as connection, connection.execution_options(**{_WRITES: write}).begin():
            yield connection

    @contextmanager
    def errors(self) -> Generator[None]:
        """Turns what the database says into a StoreError."""
        try:
            yield
        except SQLAlchemyError as error:
            raise self._as_store_error(error) from None  # its parameters are somebody's conversation
        except OSError as error:  # the folder of a file
            raise self.unavailable(error.strerror or one_line(error)) from None

    def lacks_table(self, error: SQLAlchemyError) -> bool:
        """True where a query failed since its table has not been made."""
        cause = getattr(error, "orig", None)
        return getattr(cause, "sqlstate", None) == "42P01" or "no such table" in str(cause)

    def unavailable(self, reason: str) -> StoreError:
        hint = "See that the file can be written, and that no process holds it." if self.is_sqlite else _REACH
        return StoreError(
            f"The conversations in {self.address} cannot be used now: {reason}.", hint=hint, code="unavailable"
        )

    def forget(self) -> None:
        """See that what was deleted is in no file any more. Another process that reads just now puts that off."""
        if self.is_sqlite:
            with self._engine.connect() as connection:
                connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._engine.dispose()

    # ---- SQLite -----------------------------------------------------------------------------------------

    def _sqlite(self, url: URL) -> Engine:
        path = url.database
        if not path or path == ":memory:" or path.startswith("file:"):
            raise UsageError(
                "The database URL names no file.", hint='"off" keeps conversations in memory; a file: ' + _EXAMPLES
            )
        self.connections = 1  # it has one writer at a time
        engine = create_engine(
            url.set(drivername="sqlite+pysqlite"), connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True
        )
        event.listen(engine, "do_connect", lambda *_: _make_private(Path(path)))
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    # ---- PostgreSQL -------------------------------------------------------------------------------------

    def _postgres(self, url: URL) -> Engine:
        limits = {"connect_timeout": _CONNECT_SECONDS, "keepalives_idle": 30, "application_name": "copilot-widget"}
        try:
            return create_engine(
                url.set(drivername="postgresql+psycopg"),
                connect_args={name: value for name, value in limits.items() if name not in url.query},
                pool_size=self.connections,
                max_overflow=0,
                pool_pre_ping=True,
                pool_recycle=_RECYCLE_SECONDS,
                pool_timeout=_BUSY_SECONDS,
                hide_parameters=True,
            )
        except ImportError:
            raise UsageError(
                "Conversations in PostgreSQL need psycopg, which is not installed.",
                hint="pip install 'copilot-widget[postgres]'",
                code="missing",
            ) from None

    # ---- errors -----------------------------------------------------------------------------------------

    def _as_store_error(self, error: SQLAlchemyError) -> StoreError:
        if isinstance(error, PoolTimeoutError):
            return self.unavailable("all connections of this process are in use")
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        reason = redact(one_line(cause).partition(": ")[2] or one_line(cause), *self._secrets).rstrip(".?")
        if getattr(cause, "sqlstate", None) in ("28P01", "28000", "42501") or _REFUSED.search(reason):
            return StoreError(
                f"The database {self.address} refuses this user: {reason}.",
                hint="Check the user, the password and what that user may do.",
                code="credentials",
            )
        return self.unavailable(reason)


_REACH = "See that the database runs and can be reached from here, and that COPILOT_STORE names it."


def _parse(text: str | Path) -> URL:
    if isinstance(text, Path):
        return URL.create("sqlite", database=str(text))
    try:
        url = make_url(text.replace("postgres://", "postgresql://", 1) if text.startswith("postgres://") else text)
    except (ArgumentError, ValueError):
        raise UsageError("The database URL cannot be read.", hint=f"Write {_EXAMPLES}.") from None
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise UsageError(
            f"Conversations cannot be kept in {url.get_backend_name()}.", hint=f"The database URL is {_EXAMPLES}."
        )
    return url


def _pool_size(url: URL) -> tuple[URL, int]:
    """The URL without the option that is ours, and its value."""
    given = url.query.get("pool_size")
    if given is None:
        return url, _POOL_SIZE
    if not isinstance(given, str) or not given.isdecimal() or not 1 <= int(given) <= 1_000:
        raise UsageError("pool_size in the database URL must be a whole number from 1 to 1000.")
    return url.difference_update_query(["pool_size"]), int(given)


def _bare(url: URL) -> str:
    """The address without user, password and options."""
    return URL.create("postgresql", host=url.host, port=url.port, database=url.database).render_as_string()


def _make_private(path: Path) -> None:
    """Conversations are their user's alone, also where the file is made anew."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # its driver begins no transactions of its own: `_begin_sqlite` does
    _use_wal(connection)
    connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten


def _use_wal(connection: Any) -> None:
    """Who reads does not wait for who writes. SQLite waits for nobody while a new file is switched to that."""
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= until:
                raise
        time.sleep(_RETRY_SECONDS)


def _begin_sqlite(connection: Connection) -> None:
    # Who begins to read and then writes can be refused, whatever the timeout: so it begins as a writer.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options()[_WRITES] else "BEGIN")


__all__ = ["Database"]
