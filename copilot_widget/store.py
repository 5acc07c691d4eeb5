"""Threads: the conversations that runs belong to."""

from __future__ import annotations

from typing import Protocol

from .protocol.messages import UIMessage


class Store(Protocol):
    """Messages by owner and thread, in order. All methods may be awaited on the agent's loop only."""

    async def messages(self, owner: str, thread: str) -> list[UIMessage]: ...

    async def put(self, owner: str, thread: str, message: UIMessage) -> None:
        """Keep a message: at the end, or in the place of the one with its id."""
        ...

    async def clear(self, owner: str, thread: str) -> None: ...


class MemoryStore:
    """A `Store` that lives as long as the process."""

    def __init__(self) -> None:
        self._threads: dict[tuple[str, str], dict[str, UIMessage]] = {}

    async def messages(self, owner: str, thread: str) -> list[UIMessage]:
        return list(self._threads.get((owner, thread), {}).values())

    async def put(self, owner: str, thread: str, message: UIMessage) -> None:
        self._threads.setdefault((owner, thread), {})[message.id] = message

    async def clear(self, owner: str, thread: str) -> None:
        self._threads.pop((owner, thread), None)
