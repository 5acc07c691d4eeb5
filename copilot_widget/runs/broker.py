"""Runs on workers: RabbitMQ tells them what there is to do, Redis Streams hold the logs."""

from __future__ import annotations

import asyncio

from ..state import LOCAL, RunRequest
from ..store import Store
from ..timing import timeout
from .amqp import AmqpBell
from .base import RunId
from .executor import LogExecutor
from .redis import RedisLog
from .servers import unavailable

_CHECK_SECONDS = 5.0
"""How long a broker that says nothing is waited for: somebody looks at the cell."""


class BrokerExecutor(LogExecutor):
    """An `Executor` for one owner. Addresses may hold credentials: neither is ever shown, stored or sent.

    Raises LogError unavailable or credentials at the first use.
    """

    def __init__(self, amqp: str, redis: str, store: Store, *, owner: str = LOCAL) -> None:
        self._redis = RedisLog(redis)
        self._amqp = AmqpBell(amqp)
        self._address = amqp
        self._checked = False
        super().__init__(self._redis, self._amqp, store, owner=owner)

    async def submit(self, request: RunRequest, *, idempotency_key: str) -> RunId:
        await self.check()
        return await super().submit(request, idempotency_key=idempotency_key)

    async def check(self) -> None:
        """See that both can be reached, once: later a run is safe in the log also while the broker is away."""
        if not self._checked:
            await self._redis.check()
            try:
                async with timeout(_CHECK_SECONDS):
                    await self._amqp.check()
            except asyncio.TimeoutError:
                raise unavailable("RabbitMQ", self._address, f"no answer within {_CHECK_SECONDS:g} s") from None
            self._checked = True


__all__ = ["BrokerExecutor"]
