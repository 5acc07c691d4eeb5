"""Every implementation of each seam."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from copilot_widget.runs.executor import LogExecutor
from tests.servers import PostgresServer, RabbitServer, RedisServer

from .logs import Opener, memory, redis, sqlite
from .sites import Site, sites

LOGS: dict[str, Callable[..., Any]] = {
    "memory": lambda request: memory,
    "sqlite": lambda request: partial(sqlite, request.getfixturevalue("tmp_path") / "runs.sqlite3"),
    "redis": lambda request: partial(redis, request.getfixturevalue("redis_server").url),
}


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def rabbit_server() -> Iterator[RabbitServer]:
    with RabbitServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(params=["process", "broker"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """Each implementation that leaves the kernel, as its users would run it."""
    yield from sites(request, tmp_path)


@pytest.fixture
async def client(site: Site) -> AsyncIterator[LogExecutor]:
    executor = site.executor()
    yield executor
    await executor.close()
    await asyncio.sleep(0.05)  # aio-pika ends connections in tasks of its own, which the test's loop must outlive


@pytest.fixture(params=list(LOGS))
def opener(request: pytest.FixtureRequest) -> Callable[..., Opener]:
    """Makes a new log: opener(**options) returns a function that opens it, once or several times."""
    return LOGS[request.param](request)
