"""Conversations in a database: SQLite in a file, or PostgreSQL for many processes and machines."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    case,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from ..errors import StoreError
from ..protocol.messages import UIMessage
from ..timing import timeout
from .base import Summary, cost_of, decode, encode, model_of, said
from .database import Database

SCHEMA = 2
"""Raised with every change of the tables below."""

_ANSWER_SECONDS = 30.0
"""How long a call may take; more than the database's own limits."""
_CREATION_LOCK = 0x636F_7069_6C6F_7431
"""PostgreSQL's advisory lock that is held while the tables are made."""

T = TypeVar("T")

_metadata = MetaData()
_schema = Table("copilot_schema", _metadata, Column("version", Integer, primary_key=True, autoincrement=False))
_threads = Table(
    "copilot_threads",
    _metadata,
    Column("key", String(64), primary_key=True),
    Column("owner", Text, nullable=False),  # as people read it: `key` tells threads apart
    Column("thread", Text, nullable=False),
    Column("last", BigInteger, nullable=False),  # the position given last
    # since version 2; where a version before wrote the row, they are null
    Column("place_key", String(64)),  # of owner and place; null: it is listed nowhere
    Column("place", Text),
    Column("title", Text),
    Column("created", Float(53)),
    Column("updated", Float(53)),
)
_by_place = Index("copilot_threads_by_place", _threads.c.place_key)
_messages = Table(
    "copilot_messages",
    _metadata,
    Column("thread_key", String(64), primary_key=True),
    Column("message_key", String(64), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("content", Text, nullable=False),  # not JSON: PostgreSQL's refuses NUL and lone surrogates
    # since version 2, so that a list of conversations need not read them
    Column("role", String(16)),
    Column("model", Text),
    Column("cost", Float(53)),
    Column("said", Text),
)
_NEW_IN_2 = {
    _threads: ("place_key", "place", "title", "created", "updated"),
    _messages: ("role", "model", "cost", "said"),
}


class SqlStore:
    """A `Store` in a database: `sqlite:///path`, `postgresql://user:password@host/name`, or the path of SQLite's file.

    `?pool_size=N` sets how many connections to PostgreSQL a process keeps at most (2). It is connected to at the
    first call. Raises UsageError for a URL that cannot be meant.
    """

    def __init__(self, url: str | Path) -> None:
        self._database = Database(url)
        self._insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        self._free = asyncio.Semaphore(self._database.connections)
        self._preparing = threading.Lock()
        self._prepared = False

    async def messages(self, owner: str, thread: str) -> list[UIMessage]:
        key = _digest(owner, thread)
        query = select(_messages.c.content).where(_messages.c.thread_key == key).order_by(_messages.c.position)
        return await self._call(lambda connection: [decode(text) for text in connection.scalars(query)], write=False)

    async def last(self, owner: str, thread: str) -> str | None:
        of_thread = _messages.c.thread_key == _digest(owner, thread)
        end = select(func.max(_messages.c.position)).where(of_thread)  # reads no content but that of one row
        query = select(_messages.c.content).where(of_thread, _messages.c.position == end.scalar_subquery())
        content = await self._call(lambda connection: connection.scalar(query), write=False)
        return decode(content).id if content is not None else None

    async def put(self, owner: str, thread: str, *messages: UIMessage) -> None:
        key = _digest(owner, thread)
        # The thread's row is written first: it stays locked until the commit, so positions come in commits' order.
        now = time.time()
        new_thread = self._new_thread(owner, thread, last=1, updated=now)
        next_position = new_thread.on_conflict_do_update(
            index_elements=[_threads.c.key], set_={"last": _threads.c.last + 1, "updated": now}
        ).returning(_threads.c.last)
        rows = [_row(message) for message in messages]

        def write(connection: Connection) -> None:
            for message_key, known in rows:
                position = connection.scalar(next_position)
                row = self._insert(_messages).values(
                    thread_key=key, message_key=message_key, position=position, **known
                )
                keys = [_messages.c.thread_key, _messages.c.message_key]
                connection.execute(row.on_conflict_do_update(index_elements=keys, set_=known))

        if rows:
            await self._call(write)

    async def truncate(self, owner: str, thread: str, message_id: str) -> None:
        key = _digest(owner, thread)
        kept = _messages.alias()
        place = select(kept.c.position).where(kept.c.thread_key == key, kept.c.message_key == _digest(message_id))
        following = delete(_messages).where(
            _messages.c.thread_key == key, _messages.c.position > place.scalar_subquery()
        )
        lock = select(_threads.c.last).where(_threads.c.key == key).with_for_update()  # as `put` does

        def write(connection: Connection) -> None:
            connection.execute(lock)
            connection.execute(following)

        await self._call(write)

    async def clear(self, owner: str, thread: str) -> None:
        key = _digest(owner, thread)

        def write(connection: Connection) -> None:
            connection.execute(delete(_threads).where(_threads.c.key == key))  # first, as in `put`
            connection.execute(delete(_messages).where(_messages.c.thread_key == key))

        await self._call(write)
        await _in_thread(self._forget)

    async def label(self, owner: str, thread: str, *, place: str | None = None, title: str | None = None) -> None:
        given: dict[str, Any] = {}
        if place is not None:
            given |= {"place": _legible(place), "place_key": _digest(owner, place)}
        if title is not None:
            given["title"] = _legible(title)
        row = self._new_thread(owner, thread, last=0, updated=time.time(), **given)
        if given:
            await self._call(
                lambda connection: connection.execute(
                    row.on_conflict_do_update(index_elements=[_threads.c.key], set_=given)
                )
            )

    async def conversations(self, owner: str, *, place: str | None = None, words: Sequence[str] = ()) -> list[Summary]:
        query = _summaries(owner, place)
        wanted = [_legible(word.casefold()) for word in words]

        def read(connection: Connection) -> list[Summary]:
            rows = connection.execute(query).all()
            mine = [row for row in rows if row.key == _digest(owner, row.thread)]
            for word in wanted:
                holding = select(_messages.c.thread_key).where(_messages.c.said.contains(word, autoescape=True))
                keys = set(connection.scalars(holding.distinct().where(_of_places(owner, place))))
                mine = [row for row in mine if row.key in keys or word in (row.title or "").casefold()]
            return [_summary(row) for row in mine]

        return await self._call(read, write=False)

    async def check(self) -> None:
        await self._call(self._check_version, write=False)

    async def close(self) -> None:
        await _in_thread(self._database.close)

    def _new_thread(self, owner: str, thread: str, **values: Any) -> Any:
        names = {"owner": _legible(owner), "thread": _legible(thread)}
        return self._insert(_threads).values(key=_digest(owner, thread), **names, created=time.time(), **values)

    def _forget(self) -> None:
        with contextlib.suppress(StoreError), self._database.errors():
            self._database.forget()

    # ---- calls ------------------------------------------------------------------------------------------

    async def _call(self, work: Callable[[Connection], T], *, write: bool = True) -> T:
        """`work` in a transaction, in a thread."""

        def transact() -> T:
            with self._database.errors():
                self._prepare()
                with self._database.begin(write=write) as connection:
                    return work(connection)

        async with self._free:
            try:
                async with timeout(_ANSWER_SECONDS):
                    return await _in_thread(transact)
            except asyncio.TimeoutError:
                raise self._database.unavailable(f"no answer within {_ANSWER_SECONDS:g} seconds") from None

    def _prepare(self) -> None:
        """Once: see that the tables are there, and ours."""
        with self._preparing:
            if self._prepared:
                return
            try:
                with self._database.begin(write=False) as connection:
                    found = connection.scalar(select(_schema.c.version))
                if found == 1:
                    with self._database.begin() as connection:
                        self._bring_to_2(connection)
                with self._database.begin(write=False) as connection:
                    self._check_version(connection)
            except SQLAlchemyError as error:
                if not self._database.lacks_table(error):
                    raise
                with self._database.begin() as connection:
                    self._create(connection)
                    self._check_version(connection)
            self._prepared = True

    def _create(self, connection: Connection) -> None:
        """Make the tables, where no other process has been quicker; in one transaction, which SQLite serialises."""
        self._lock_schema(connection)
        _metadata.create_all(connection)
        if connection.scalar(select(_schema.c.version)) is None:
            connection.execute(_schema.insert().values(version=SCHEMA))

    def _bring_to_2(self, connection: Connection) -> None:
        """What version 1 has kept stays, and is listed nowhere: it does not say where it belongs."""
        self._lock_schema(connection)
        if connection.scalar(select(_schema.c.version)) != 1:
            return
        for table, names in _NEW_IN_2.items():
            for name in names:
                kind = table.c[name].type.compile(connection.dialect)
                connection.execute(text(f"alter table {table.name} add column {name} {kind}"))
        _by_place.create(connection)
        connection.execute(_schema.update().values(version=2))

    def _lock_schema(self, connection: Connection) -> None:
        if not self._database.is_sqlite:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _CREATION_LOCK})

    def _check_version(self, connection: Connection) -> None:
        found = connection.scalar(select(_schema.c.version))
        if found != SCHEMA:
            raise _other_version(self._database.address, found)


def _of_places(owner: str, place: str | None) -> Any:
    """The condition that a message's thread is listed at `place`, or at any place of the owner."""
    threads = select(_threads.c.key).where(_listed(owner, place))
    return _messages.c.thread_key.in_(threads)


def _listed(owner: str, place: str | None) -> Any:
    if place is not None:
        return _threads.c.place_key == _digest(owner, place)
    return _threads.c.place_key.is_not(None) & (_threads.c.owner == _legible(owner))


def _summaries(owner: str, place: str | None) -> Any:
    asked, answered = _messages.c.role == "user", _messages.c.role == "assistant"
    counted = (
        select(
            _messages.c.thread_key,
            func.sum(case((asked, 1), else_=0)).label("turns"),
            func.sum(_messages.c.cost).label("cost"),
            func.sum(case((answered & _messages.c.cost.is_(None), 1), else_=0)).label("unpriced"),
            func.max(case((_messages.c.model.is_not(None), _messages.c.position))).label("latest"),
        )
        .where(_of_places(owner, place))
        .group_by(_messages.c.thread_key)
        .subquery()
    )
    latest = _messages.alias()
    model = select(latest.c.model).where(latest.c.thread_key == _threads.c.key, latest.c.position == counted.c.latest)
    columns = (*(_threads.c[name] for name in ("key", "thread", "place", "title", "created", "updated")), counted)
    return (
        select(*columns, model.scalar_subquery().label("model"))
        .join(counted, counted.c.thread_key == _threads.c.key)
        .where(_listed(owner, place), counted.c.turns > 0)
        .order_by(_threads.c.updated.desc())
    )


def _summary(row: Any) -> Summary:
    return Summary(
        thread=row.thread,
        place=row.place,
        title=row.title or "",
        created=row.created or 0.0,
        updated=row.updated or 0.0,
        turns=int(row.turns),
        model=row.model or "",
        cost=None if row.unpriced else float(row.cost or 0.0),
    )


def _other_version(address: str, found: int | None) -> StoreError:
    newer = found is not None and found > SCHEMA
    return StoreError(
        f"The conversations in {address} have schema version {found}, and this copilot-widget knows version {SCHEMA}; "
        "nothing was changed.",
        hint="Update copilot-widget, or name another database in COPILOT_STORE."
        if newer
        else "Use the copilot-widget that wrote them, or name another database in COPILOT_STORE.",
        code="version",
    )


def _row(message: UIMessage) -> tuple[str, dict[str, Any]]:
    """A message's key, and what is kept of it. Raises StoreError too-large."""
    known = {"content": encode(message), "role": message.role, "cost": cost_of(message)}
    known |= {"model": _legible(model_of(message) or "") or None, "said": _legible(said(message))}
    return _digest(message.id), known


def _digest(*texts: str) -> str:
    """A key of fixed length: indexes take no long ones, and not every text can be in a column."""
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def _legible(name: str) -> str:
    """`name` in characters that a text column takes."""
    return name.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


async def _in_thread(function: Callable[[], T]) -> T:
    """In a daemon thread: a server that hangs keeps neither the loop nor the interpreter's exit waiting."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(value)  # type: ignore[arg-type]
        else:
            future.set_exception(error)

    def run() -> None:
        value: T | None = None
        failure: BaseException | None = None
        try:
            value = function()
        except BaseException as error:
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(settle, value, failure)

    threading.Thread(target=run, name="copilot-store", daemon=True).start()
    return await future


__all__ = ["SCHEMA", "SqlStore"]
