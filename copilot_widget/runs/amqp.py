"""The bell in RabbitMQ: a ring is a message with a run's name in it.

Rings wait in a quorum queue, and each stays the worker's until the run is out of its hands: the rings of a worker that
dies come to others at once, marked as delivered before. Cancels go to every worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from ..errors import LogError, UsageError
from ..timing import timeout
from .base import LEASE_SECONDS, Ring, RunId
from .servers import bare, forbidden, missing, unavailable

try:
    import aio_pika
    from aio_pika.abc import (
        AbstractChannel,
        AbstractConnection,
        AbstractExchange,
        AbstractIncomingMessage,
        AbstractQueue,
    )
    from aio_pika.exceptions import AMQPError, AuthenticationError, ProbableAuthenticationError
    from aiormq.exceptions import (
        ChannelAccessRefused,
        ChannelLockedResource,
        ChannelPreconditionFailed,
        ConnectionNotAllowed,
    )
except ImportError:
    raise missing("aio-pika") from None

logger = logging.getLogger(__name__)

_VERSION = 1
_MAX_BYTES = 2_000
_DELIVERIES = 20
"""How often a ring is delivered before it is put aside."""
_PATIENCE = 10.0
"""Seconds for a connection or a confirm."""
_WINDOW = 500
"""Messages on their way at a time."""
_LOOK_SECONDS = 30.0
ACK_SECONDS = 20 * 60.0
"""RabbitMQ closes the channel of a message that is not acknowledged for 30 minutes; a run may take longer."""
_FAILURES = (AMQPError, OSError, RuntimeError, asyncio.TimeoutError, asyncio.InvalidStateError)


@dataclass(frozen=True)
class _HeldRing(Ring):
    """A ring that RabbitMQ keeps for this worker until it is done."""

    held: _Held | None = None

    async def done(self) -> None:
        if self.held is not None:
            await self.held.done()


class _Held:
    """A message in this worker's hands; after a reconnect the same message comes again, in another channel."""

    def __init__(self, message: AbstractIncomingMessage, forget: Callable[[], object], patience: float) -> None:
        self.message = message
        self._forget = forget
        self._timer = asyncio.get_running_loop().call_later(patience, self._lose_patience)
        self._late: asyncio.Task[None] | None = None
        self._over = False

    async def done(self) -> None:
        if self._over:
            return
        self._over = True
        self._timer.cancel()
        self._forget()
        with contextlib.suppress(*_FAILURES):  # its channel broke: it comes again, and the log knows better
            await self.message.ack()

    def _lose_patience(self) -> None:
        self._late = asyncio.ensure_future(self.done())


class _Publisher(NamedTuple):
    connection: AbstractConnection
    channel: AbstractChannel
    rings: AbstractExchange
    cancels: AbstractExchange


class AmqpBell:
    """A `Bell` over RabbitMQ 3.10 or later. Used from one event loop.

    `rings` and `cancels` raise LogError unavailable when their connection breaks; call them again to go on. Rings that
    are in hand stay so. `name` is the worker's: no other one that lives may have it; "": no worker's bell.
    Beside the codes of `Bell`: credentials, version, name.
    """

    def __init__(self, url: str, *, prefix: str = "copilot", patience: float = ACK_SECONDS, name: str = "") -> None:
        if urlsplit(url).scheme not in ("amqp", "amqps"):
            raise UsageError(
                f"{bare(url)!r} is not the address of a RabbitMQ.", hint="Write amqp://user:password@host:5672/vhost."
            )
        self._url = url
        self._prefix = prefix
        self._patience = patience
        self._name = name
        self._held: dict[str, _Held] = {}
        self._believed: float | None = None
        """Monotonic time until which a second delivery is no sign that a worker has died."""
        self._opening = asyncio.Lock()
        self._window = asyncio.Semaphore(_WINDOW)
        self._publisher: _Publisher | None = None

    async def check(self) -> None:
        """Raises LogError where RabbitMQ cannot be used: unavailable, credentials, version, name."""
        connection = await self._connect("check")
        with self._translated():
            try:
                async with timeout(_PATIENCE):
                    channel = connection.channel()
                    await channel.initialize()
                    await self._declare(channel)
                    if self._name:
                        await self._own_queue(channel)
            finally:
                await connection.close()

    # ---- ringing ------------------------------------------------------------------------------------------

    async def ring(self, runs: Sequence[RunId]) -> None:
        messages = [self._message(run) for run in runs]
        if messages:
            rings = (await self._publishing()).rings
            await self._confirmed(self._publish(rings, message, f"{self._prefix}.runs") for message in messages)

    async def cancel(self, run: RunId) -> None:
        message = self._message(run)
        await self._confirmed([self._publish((await self._publishing()).cancels, message, None)])

    def _message(self, run: RunId) -> aio_pika.Message:
        body = json.dumps({"v": _VERSION, "run": run}).encode()
        if len(body) > _MAX_BYTES:
            raise LogError(f"The name of run {run[:40]!r}… is too long.", code="too-large")
        return aio_pika.Message(
            body,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=uuid.uuid4().hex,
        )

    async def _publish(self, exchange: AbstractExchange, message: aio_pika.Message, key: str | None) -> None:
        async with self._window:
            await exchange.publish(message, key or "", mandatory=key is not None, timeout=_PATIENCE)

    async def _confirmed(self, publications: Iterable[Awaitable[None]]) -> None:
        results = await asyncio.gather(*publications, return_exceptions=True)
        failed = [result for result in results if result is not None]
        if failed:
            await self.close()
            lost = isinstance(failed[0], asyncio.CancelledError)  # what aiormq makes of a confirm that never came
            raise unavailable("RabbitMQ", self._url, "the connection was lost") if lost else self._refusal(failed[0])

    async def _publishing(self) -> _Publisher:
        async with self._opening:
            if self._publisher is not None and not self._publisher.channel.is_closed:
                return self._publisher
            await self.close()
            connection = await self._connect("ringing")
            try:
                with self._translated():
                    async with timeout(_PATIENCE):
                        channel = connection.channel(on_return_raises=True)
                        await channel.initialize()
                        rings, cancels, _ = await self._declare(channel)
            except BaseException:
                await connection.close()
                raise
            self._publisher = _Publisher(connection, channel, rings, cancels)
            return self._publisher

    # ---- listening ----------------------------------------------------------------------------------------

    async def rings(self, slots: int) -> AsyncIterator[Ring]:
        async with contextlib.aclosing(self._arrivals("rings", slots)) as arrivals:
            async for message in arrivals:
                run = _run_in(message)
                if run is None:
                    logger.warning("the bell: a message that is not understood was put aside (%s.dead)", self._prefix)
                    with contextlib.suppress(*_FAILURES):
                        await message.reject(requeue=False)
                    continue
                name = message.message_id or uuid.uuid4().hex
                known = self._held.get(name)
                if known is not None:
                    known.message = message
                    continue
                held = self._held[name] = _Held(message, lambda name=name: self._held.pop(name, None), self._patience)
                again = bool(message.redelivered) and time.monotonic() >= (self._believed or 0.0)
                yield _HeldRing(run, again=again, held=held)

    async def cancels(self) -> AsyncIterator[RunId]:
        async with contextlib.aclosing(self._arrivals("cancels", None)) as arrivals:
            async for message in arrivals:
                run = _run_in(message)
                if run is not None:
                    yield run

    async def _arrivals(self, what: str, slots: int | None) -> AsyncGenerator[AbstractIncomingMessage, None]:
        """Messages over a connection of their own; with `slots` rings, else cancels."""
        arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()

        def broke(*_: object) -> None:
            arrived.put_nowait(None)

        connection = await self._connect(what)
        try:
            with self._translated():
                async with timeout(_PATIENCE):
                    channel, tag = await self._consume(connection, arrived, slots)
                channel.close_callbacks.add(broke)
                underlay = cast("Any", await channel.get_underlay_channel())
            while True:
                try:
                    async with timeout(_LOOK_SECONDS):
                        message = await arrived.get()
                except asyncio.TimeoutError:
                    if tag in underlay.consumers:
                        continue
                    message = None  # RabbitMQ cancelled it: somebody deleted the queue
                if message is None or channel.is_closed:
                    raise unavailable("RabbitMQ", self._url, "the connection was lost")
                yield message
        finally:
            with contextlib.suppress(*_FAILURES):
                await connection.close()

    async def _consume(
        self, connection: AbstractConnection, arrived: asyncio.Queue[AbstractIncomingMessage | None], slots: int | None
    ) -> tuple[AbstractChannel, str]:
        """Messages go into `arrived` from now on; the channel and the consumer's name."""
        channel = connection.channel(publisher_confirms=False)
        await channel.initialize()
        _, cancels, queue = await self._declare(channel)
        if slots is None:
            queue = await self._own_queue(channel)
            await queue.bind(cancels)
        else:
            await channel.set_qos(prefetch_count=slots)
            # A broker that was restarted delivers all again though the workers live: their leases count.
            self._believed = 0.0 if self._believed is None else time.monotonic() + LEASE_SECONDS
        return channel, await queue.consume(arrived.put, no_ack=slots is None)

    async def _own_queue(self, channel: AbstractChannel) -> AbstractQueue:
        """The queue of this worker's cancels, which lives as long as its connection and shuts out its namesakes."""
        name = f"{self._prefix}.worker.{self._name}" if self._name else None
        return await channel.declare_queue(name, exclusive=True, auto_delete=True)

    async def close(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            with contextlib.suppress(*_FAILURES):
                await publisher.connection.close()

    # ---- RabbitMQ -----------------------------------------------------------------------------------------

    async def _connect(self, what: str) -> AbstractConnection:
        properties: Any = {"connection_name": f"{self._prefix} {what}"}
        with self._translated():
            async with timeout(_PATIENCE):
                return await aio_pika.connect(self._url, client_properties=properties)

    async def _declare(self, channel: AbstractChannel) -> tuple[AbstractExchange, AbstractExchange, AbstractQueue]:
        """What all of a prefix share: the exchanges of rings and of cancels, and the queue of rings."""
        dead, runs = f"{self._prefix}.dead", f"{self._prefix}.runs"
        aside = await channel.declare_exchange(dead, aio_pika.ExchangeType.FANOUT, durable=True)
        dead_queue = await channel.declare_queue(dead, durable=True, arguments={"x-queue-type": "quorum"})
        await dead_queue.bind(aside)
        rings = await channel.declare_exchange(runs, aio_pika.ExchangeType.DIRECT, durable=True)
        queue = await channel.declare_queue(
            runs,
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-delivery-limit": _DELIVERIES,
                "x-dead-letter-exchange": dead,
            },
        )
        await queue.bind(rings, runs)
        cancels = await channel.declare_exchange(f"{self._prefix}.cancel", aio_pika.ExchangeType.FANOUT, durable=True)
        return rings, cancels, queue

    @contextlib.contextmanager
    def _translated(self) -> Generator[None, None, None]:
        try:
            yield
        except _FAILURES as error:
            raise self._refusal(error) from None

    def _refusal(self, error: BaseException) -> BaseException:
        """What RabbitMQ, or the way to it, says, in the words of the seam."""
        if isinstance(error, AuthenticationError | ProbableAuthenticationError | ChannelAccessRefused):
            return forbidden("RabbitMQ", self._url, error)
        vhost = urlsplit(self._url).path[1:] or "/"
        # aiormq reads a refusal where it expects the virtual host to be opened, and keeps no word of it.
        if isinstance(error, ConnectionNotAllowed) or "Connection.OpenOk" in str(error):
            return forbidden("RabbitMQ", self._url, f"there is no virtual host {vhost!r} for it")
        if isinstance(error, ChannelLockedResource):
            return LogError(
                f"A worker named {self._name} lives already.", hint="Give this one another --name.", code="name"
            )
        if isinstance(error, ChannelPreconditionFailed):
            return LogError(
                f"RabbitMQ at {bare(self._url)} has queues {self._prefix}.… that were declared otherwise.",
                hint="Use another prefix, or delete them when no run waits.",
                code="version",
            )
        if isinstance(error, asyncio.TimeoutError):
            return unavailable("RabbitMQ", self._url, f"no answer within {_PATIENCE:g} s")
        if isinstance(error, _FAILURES):
            return unavailable("RabbitMQ", self._url, error)
        return error


def _run_in(message: AbstractIncomingMessage) -> RunId | None:
    """The run that a message tells of; None where it is not one of ours."""
    if len(message.body) > _MAX_BYTES:
        return None
    try:
        body = json.loads(message.body)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    content = cast("dict[str, Any]", body)
    run = content.get("run")
    return run if content.get("v") == _VERSION and isinstance(run, str) else None


__all__ = ["ACK_SECONDS", "AmqpBell"]
