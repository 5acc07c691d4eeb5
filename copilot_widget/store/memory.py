"""Conversations in memory: they live as long as the process."""

from __future__ import annotations

from ..protocol.messages import UIMessage


class MemoryStore:
    """A `Store` that nobody else can read."""

    def __init__(self) -> None:
        self._threads: dict[tuple[str, str], dict[str, UIMessage]] = {}

    async def messages(self, owner: str, thread: str) -> list[UIMessage]:
        return list(self._threads.get((owner, thread), {}).values())

    async def put(self, owner: str, thread: str, message: UIMessage) -> None:
        self._threads.setdefault((owner, thread), {})[message.id] = message

    async def truncate(self, owner: str, thread: str, message_id: str) -> None:
        messages = self._threads.get((owner, thread), {})
        if message_id in messages:
            for following in list(messages)[list(messages).index(message_id) + 1 :]:
                del messages[following]

    async def clear(self, owner: str, thread: str) -> None:
        self._threads.pop((owner, thread), None)

    async def check(self) -> None:
        """Nothing can be wrong with it."""

    async def close(self) -> None:
        """Nothing is open."""


__all__ = ["MemoryStore"]
