"""Where runs are executed: the kernel, a process of this machine, or workers behind a broker."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

from ..config import data_folder, setting
from ..errors import UsageError
from ..store import Store
from ..store.owner import owner_in
from .base import Executor
from .executor import LogExecutor

Kind = Literal["kernel", "process", "broker"]

_SCHEMES = ("amqp", "amqps")

_MANY = 10
"""Pools of this machine that are looked at; each is of another environment."""

_open: dict[tuple[str, ...], Executor] = {}
"""The executors of this process that leave it: Copilots share connections. The key is all that one is made of, so that
an address that is set right, or a key that is set, counts from then on."""


def check_place(place: str) -> Kind:
    """What kind of executor `place` names. Raises UsageError."""
    if place in ("kernel", "process"):
        return "kernel" if place == "kernel" else "process"
    parts = urlsplit(place)
    if parts.scheme in _SCHEMES and parts.hostname:
        redis_url()
        return "broker"
    raise UsageError(
        f"There is no executor {shown_place(place)!r}.",
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


def open_place(place: str, store: Callable[[], Store]) -> Executor:
    """The executor of a place outside this process; on the agent's loop. Raises UsageError."""
    if check_place(place) == "process":
        from .process import ProcessExecutor, pool_folder

        key = ("process", str(pool_folder()), *_kept())
        if key not in _open:
            _open[key] = ProcessExecutor(store(), owner=owner_in())
        return _open[key]
    from .broker import BrokerExecutor

    key = (place, redis_url(), *_kept())
    if key not in _open:
        _say_it_once("aiormq")
        _open[key] = BrokerExecutor(place, redis_url(), store(), owner=owner_in())
    return _open[key]


def _kept() -> tuple[str, ...]:
    """Where workers keep conversations, and whose."""
    store = setting("store", env="COPILOT_STORE", default="")
    return (store, os.environ.get("COPILOT_SERVICE_URL", ""), str(data_folder()), owner_in())


def other_pools(store: Callable[[], Store]) -> list[Executor]:
    """Pools of this machine that belong to other environments, the latest first; on the agent's loop.

    Their runs can be followed, stopped and answered. No worker is started for them: it would have our keys.
    """
    from .process import LOG_NAME, pool_folder, pools_folder
    from .sqlite import SqliteLog
    from .sqlite_news import SqliteBell

    own = pool_folder()
    found = [path for path in pools_folder().glob(f"*/{LOG_NAME}") if path.parent != own]
    found.sort(key=lambda path: -path.stat().st_mtime)
    keys = [("pool", str(path), *_kept()) for path in found[:_MANY]]
    for key, path in zip(keys, found, strict=False):
        if key not in _open:
            log = SqliteLog(path)
            _open[key] = LogExecutor(log, SqliteBell(log), store(), owner=owner_in())
    return [_open[key] for key in keys]


def _say_it_once(library: str) -> None:
    """What a library logs before it raises must not be printed into a cell as well; a log that is set up has it."""
    logging.getLogger(library).addHandler(logging.NullHandler())


def shown_place(place: str) -> str:
    """A place as an error may show it: a URL without what stands before its @."""
    scheme, separator, rest = place.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else place


__all__ = ["Kind", "check_place", "open_place", "other_pools", "redis_url", "shown_place"]
