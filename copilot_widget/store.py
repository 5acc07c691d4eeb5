"""Threads: the conversations that runs belong to."""

from __future__ import annotations

from typing import Protocol

from .protocol.messages import UIMessage


class Store(Protocol):
    """Messages by thread, in order. All methods may be awaited on the agent's loop only."""

    async def messages(self, thread: str) -> list[UIMessage]: ...

    async def append(self, thread: str, message: UIMessage) -> None: ...

    async def clear(self, thread: str) -> None: ...


class MemoryStore:
    """A `Store` that lives as long as the process."""

    def __init__(self) -> None:
        self._threads: dict[str, list[UIMessage]] = {}

    async def messages(self, thread: str) -> list[UIMessage]:
        return list(self._threads.get(thread, ()))

    async def append(self, thread: str, message: UIMessage) -> None:
        self._threads.setdefault(thread, []).append(message)

    async def clear(self, thread: str) -> None:
        self._threads.pop(thread, None)
