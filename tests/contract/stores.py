"""The places that the store's suite runs through: direct and proxied, in memory, in SQLite and in PostgreSQL."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
from starlette.applications import Starlette

from copilot_widget.protocol import UIMessage
from copilot_widget.protocol.messages import TextPart
from copilot_widget.serving.ports import HttpServer, listen
from copilot_widget.store import MemoryStore, Store
from copilot_widget.store.remote import RemoteStore
from copilot_widget.store.routes import store_routes
from copilot_widget.store.sql import SqlStore
from tests.servers import PostgresServer

TOKEN = "token-of-the-service"


class Place:
    """Somewhere conversations are kept; `open` is another process's view of it."""

    def __init__(self, **environment: str) -> None:
        self.opened: list[Store] = []
        self._environment = environment

    def open(self) -> Store:
        store = self._open()
        self.opened.append(store)
        return store

    def _open(self) -> Store:
        raise NotImplementedError

    @property
    def environment(self) -> dict[str, str]:
        """Of a process that shall use it."""
        rest = {name: value for name, value in os.environ.items() if not name.startswith("COPILOT_")}
        return {**rest, **self._environment}

    def execute(self, statement: str) -> list[Any]:
        """As its administrator, in the database itself."""
        raise NotImplementedError

    def hold(self) -> Any:
        """Keep the database from being written; `close` of what is returned ends it."""
        raise NotImplementedError


class MemoryPlace(Place):
    def __init__(self) -> None:
        super().__init__()
        self._store = MemoryStore()

    def _open(self) -> Store:
        return self._store


class SqlitePlace(Place):
    def __init__(self, folder: Path) -> None:
        self.path = folder / "new" / "threads.sqlite3"
        self.url = f"sqlite:///{self.path}"
        super().__init__(COPILOT_STORE=self.url)

    def _open(self) -> Store:
        return SqlStore(self.url)

    def execute(self, statement: str) -> list[Any]:
        with sqlite3.connect(self.path) as connection:
            return connection.execute(statement).fetchall()

    def hold(self) -> Any:
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("begin immediate")
        return connection


class PostgresPlace(Place):
    """Tables of its own in a server that all tests share."""

    def __init__(self, server: PostgresServer) -> None:
        self.name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"create schema {self.name}")  # type: ignore[arg-type]
        self.url = f"{server.url}?options=-csearch_path%3D{self.name}"
        super().__init__(COPILOT_STORE=self.url)

    def _open(self) -> Store:
        return SqlStore(self.url)

    def execute(self, statement: str) -> list[Any]:
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(statement)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def hold(self) -> Any:
        connection = psycopg.connect(self.url)
        connection.execute("lock table copilot_threads in exclusive mode")
        return connection


class ProxiedPlace(Place):
    """The same, behind a service."""

    def __init__(self, direct: Place, address: str) -> None:
        super().__init__(COPILOT_SERVICE_URL=address, COPILOT_SERVICE_TOKEN=TOKEN)
        self._direct = direct
        self.url = address
        self.execute = direct.execute
        self.hold = direct.hold

    def _open(self) -> Store:
        return RemoteStore(self.url, TOKEN)


@asynccontextmanager
async def service(store: Store) -> AsyncIterator[str]:
    """The address of a server of the store."""
    server = HttpServer(Starlette(routes=store_routes(store, TOKEN)), listen("127.0.0.1", 0))
    await server.start()
    try:
        yield server.address
    finally:
        await server.close()


@asynccontextmanager
async def place(kind: str, request: Any, folder: Path) -> AsyncIterator[Place]:
    """The place that a test's parameter names."""
    if kind == "memory":
        yield MemoryPlace()
        return
    in_sqlite = kind.endswith("sqlite")
    direct = SqlitePlace(folder) if in_sqlite else PostgresPlace(request.getfixturevalue("postgres_server"))
    found: Place = direct
    try:
        if kind.startswith("proxied"):
            async with service(direct.open()) as address:
                found = ProxiedPlace(direct, address)
                yield found
        else:
            yield found
    finally:
        for store in [*found.opened, *direct.opened]:
            await store.close()


def said(text: str, message_id: str = "m", role: Any = "user") -> UIMessage:
    return UIMessage(message_id, role, [TextPart(text=text)])


async def texts(store: Any, owner: str = "ann", thread: str = "t") -> list[str]:
    return [message.text for message in await store.messages(owner, thread)]
