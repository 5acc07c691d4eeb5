"""Where runs are executed: the kernel, a process of this machine, or workers behind a broker."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

from ..config import setting
from ..errors import UsageError
from ..state import LOCAL
from ..store import Store
from .base import Executor

Kind = Literal["kernel", "process", "broker"]

_SCHEMES = ("amqp", "amqps")

_open: dict[str, Executor] = {}
"""The executors of this process that leave it, by place: Copilots share connections."""


def check_place(place: str) -> Kind:
    """What kind of executor `place` names. Raises UsageError."""
    if place in ("kernel", "process"):
        return "kernel" if place == "kernel" else "process"
    parts = urlsplit(place)
    if parts.scheme in _SCHEMES and parts.hostname:
        redis_url()
        return "broker"
    raise UsageError(
        f"There is no executor {_shown(place)!r}.",
        hint='It is "kernel", "process" or an address of RabbitMQ: amqp://host, with COPILOT_REDIS for the logs.',
    )


def redis_url() -> str:
    """The address of the logs. Raises UsageError where none is set."""
    url = setting("redis", env="COPILOT_REDIS")
    if url:
        return url
    raise UsageError(
        "Workers keep their logs in Redis, and no address is set.", hint="Set COPILOT_REDIS, e.g. redis://host:6379/0."
    )


def owner() -> str:
    """Whose runs this process asks for, where several people share workers."""
    return os.environ.get("COPILOT_OWNER") or os.environ.get("JUPYTERHUB_USER") or LOCAL


def open_place(place: str, store: Callable[[], Store]) -> Executor:
    """The executor of a place outside this process; on the agent's loop."""
    kind = check_place(place)
    if place not in _open:
        if kind == "process":
            from .process import ProcessExecutor

            _open[place] = ProcessExecutor(store())
        else:
            from .broker import BrokerExecutor

            _open[place] = BrokerExecutor(place, redis_url(), store(), owner=owner())
    return _open[place]


def _shown(place: str) -> str:
    """A place as an error may show it: a URL without what stands before its @."""
    scheme, separator, rest = place.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else place


__all__ = ["Kind", "check_place", "open_place", "owner", "redis_url"]
