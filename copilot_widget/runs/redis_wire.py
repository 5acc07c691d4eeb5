"""The log's two connections to Redis: one for commands, one for what is appended to logs that somebody reads.

Any number of tasks share each. Commands are written one behind the other without waiting for replies, which Redis
gives in the same order; a pool costs ten times the CPU for small commands and a connection for each of them.

New events come by SUBSCRIBE and not by XREAD BLOCK: that would name every stream again after each event, which takes
a millisecond for 200 of them. A message that is lost loses nothing: its reader sees the gap and reads the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from redis.exceptions import ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ..errors import one_line
from ..timing import timeout
from .base import RunId
from .followers import Batch, Follower, Followers
from .written import events_of

logger = logging.getLogger(__name__)

_PATIENCE = 5.0
"""Seconds for a connection or a reply."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_LOOK_SECONDS = 15.0
"""How often readers look at the log though no message came, and whether the connection still lives."""


class Connection(Protocol):
    """What is used of redis-py's connections."""

    async def connect(self) -> None: ...
    async def disconnect(self, nowait: bool = False) -> None: ...
    def pack_command(self, *args: Any) -> list[bytes]: ...
    async def send_packed_command(self, command: list[bytes], check_health: bool = True) -> None: ...
    async def read_response(self) -> Any: ...


async def _open(make: Callable[[], Connection]) -> Connection:
    connection = make()
    try:
        async with timeout(_PATIENCE):
            await connection.connect()
    except BaseException as error:
        await connection.disconnect(nowait=True)
        if isinstance(error, asyncio.TimeoutError):
            raise RedisTimeoutError(f"no answer within {_PATIENCE:g} s") from None
        raise
    return connection


class Wire:
    """Commands of all tasks over one connection, which is opened when it is needed and again when it broke."""

    def __init__(self, make: Callable[[], Connection]) -> None:
        self._make = make
        self._opening = asyncio.Lock()
        self._connection: Connection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._asked: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._outbox: list[bytes] = []
        self._filled = asyncio.Event()
        self._refused: tuple[float, Exception] | None = None

    async def call(self, *args: Any) -> Any:
        """The reply to a command. Raises RedisError or OSError; whether the command was executed is then not known."""
        connection = self._connection or await self._opened()
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._outbox += connection.pack_command(*args)
        self._asked.append((future, time.monotonic()))
        self._filled.set()
        return await future

    async def close(self) -> None:
        tasks = self._tasks
        await self._break(RedisError("The log was closed."))
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _opened(self) -> Connection:
        async with self._opening:
            if self._connection is not None:
                return self._connection
            if self._refused is not None and time.monotonic() - self._refused[0] < _FIRST_PAUSE:
                raise self._refused[1]
            try:
                connection = await _open(self._make)
            except Exception as error:
                self._refused = time.monotonic(), error
                raise
            works = (self._send(connection), self._receive(connection), self._watch())
            self._connection = connection
            self._tasks = [asyncio.ensure_future(self._until_broken(work)) for work in works]
            return connection

    async def _until_broken(self, work: Any) -> None:
        try:
            await work
        except Exception as error:
            await self._break(error)

    async def _break(self, error: Exception) -> None:
        """Everybody who waits is told; the next call opens a new connection."""
        connection, self._connection = self._connection, None
        tasks, self._tasks = self._tasks, []
        asked, self._asked = self._asked, deque()
        self._outbox.clear()
        for future, _ in asked:
            if not future.done():
                future.set_exception(error)
        for task in tasks:
            if task is not asyncio.current_task():
                task.cancel()
        if connection is not None:
            await connection.disconnect(nowait=True)

    async def _send(self, connection: Connection) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            if self._outbox:
                commands, self._outbox = self._outbox, []
                await connection.send_packed_command(commands, check_health=False)

    async def _receive(self, connection: Connection) -> None:
        while True:
            try:
                reply = await connection.read_response()
            except ResponseError as error:
                reply = error
            future, _ = self._asked.popleft()
            if future.done():
                pass  # whoever asked has left
            elif isinstance(reply, ResponseError):
                future.set_exception(reply)
            else:
                future.set_result(reply)
            if isinstance(reply, ReadOnlyError):  # a replica by now: the address may lead to the new master
                raise reply

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_PATIENCE / 5)
            if self._asked and time.monotonic() - self._asked[0][1] > _PATIENCE:
                raise RedisTimeoutError(f"no reply within {_PATIENCE:g} s")


class Hub:
    """Tells readers of what is appended to their runs, all of them over one connection."""

    def __init__(self, make: Callable[[], Connection], channel_of: Callable[[RunId], bytes]) -> None:
        self._make = make
        self._channel_of = channel_of
        self._followers = Followers()
        self._channels: dict[bytes, RunId] = {}
        """What is subscribed to, or about to be."""
        self._changed = asyncio.Event()
        self._heard = True
        self._pause = _FIRST_PAUSE
        self._task: asyncio.Task[None] | None = None

    def follow(self, run: RunId) -> Follower:
        """What is appended from soon on: the follower says when it is time to look at what came before."""
        follower = self._followers.add(run)
        if self._channel_of(run) in self._channels:
            follower.look()
        self._changed.set()
        if self._task is None:
            self._task = asyncio.ensure_future(self._run())
        return follower

    def leave(self, follower: Follower) -> None:
        self._followers.discard(follower)
        self._changed.set()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._followers.look()

    async def _run(self) -> None:
        complained = False
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                if not complained:
                    logger.warning("readers of the log: %s", one_line(error))
            complained = self._pause > _FIRST_PAUSE
            self._followers.look()
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    async def _listen(self) -> None:
        connection = await _open(self._make)
        tasks = [asyncio.ensure_future(work) for work in (self._tell(connection), self._hear(connection))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await connection.disconnect(nowait=True)

    async def _tell(self, connection: Connection) -> None:
        """Keep Redis told of which runs are read here."""
        subscribed = self._channels
        subscribed.clear()
        self._changed.set()
        look = time.monotonic() + _LOOK_SECONDS
        while True:
            with contextlib.suppress(asyncio.TimeoutError):
                async with timeout(max(0.0, look - time.monotonic())):
                    await self._changed.wait()
            if time.monotonic() >= look:
                if not self._heard:
                    raise RedisTimeoutError(f"silent for {_LOOK_SECONDS:g} s")
                self._heard = False
                look = time.monotonic() + _LOOK_SECONDS
                await connection.send_packed_command(connection.pack_command("PING"), check_health=False)
                self._followers.look()
            self._changed.clear()
            wanted = {self._channel_of(run): run for run in self._followers}
            come, gone = wanted.keys() - subscribed.keys(), subscribed.keys() - wanted.keys()
            subscribed.update(wanted)
            for command, channels in (("SUBSCRIBE", come), ("UNSUBSCRIBE", gone)):
                if channels:
                    packed = connection.pack_command(command, *channels)
                    await connection.send_packed_command(packed, check_health=False)
            for channel in gone:
                del subscribed[channel]

    async def _hear(self, connection: Connection) -> None:
        while True:
            message: list[Any] = await connection.read_response()
            self._heard = True
            kind, channel = message[0], message[1]
            run = self._channels.get(channel, "")
            if kind == b"message":
                self._followers.put(run, lambda run=run, text=message[2]: _batch(run, text))
            elif kind == b"subscribe":
                self._pause = _FIRST_PAUSE
                self._followers.look(run)


def _batch(run: RunId, message: bytes) -> Batch:
    about, _, chunks = message.partition(b"\n")
    first, attempt, ts, ended = about.split(b" ")
    return Batch(events_of(run, int(first), int(attempt), float(ts), chunks), int(first), bool(ended))


__all__ = ["Connection", "Hub", "Wire"]
