"""Conversations in memory: they live as long as the process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..protocol.messages import UIMessage
from .base import Summary, cost_of, model_of, said


@dataclass
class _Thread:
    messages: dict[str, UIMessage] = field(default_factory=dict[str, UIMessage])
    place: str | None = None
    title: str = ""
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)


class MemoryStore:
    """A `Store` that nobody else can read."""

    def __init__(self) -> None:
        self._threads: dict[tuple[str, str], _Thread] = {}

    async def messages(self, owner: str, thread: str) -> list[UIMessage]:
        held = self._threads.get((owner, thread))
        return list(held.messages.values()) if held is not None else []

    async def last(self, owner: str, thread: str) -> str | None:
        held = self._threads.get((owner, thread))
        return next(reversed(held.messages), None) if held is not None else None

    async def put(self, owner: str, thread: str, *messages: UIMessage) -> None:
        held = self._threads.setdefault((owner, thread), _Thread())
        held.messages.update((message.id, message) for message in messages)
        held.updated = time.time()

    async def truncate(self, owner: str, thread: str, message_id: str) -> None:
        held = self._threads.get((owner, thread))
        messages = held.messages if held is not None else {}
        if message_id in messages:
            for following in list(messages)[list(messages).index(message_id) + 1 :]:
                del messages[following]

    async def clear(self, owner: str, thread: str) -> None:
        self._threads.pop((owner, thread), None)

    async def label(self, owner: str, thread: str, *, place: str | None = None, title: str | None = None) -> None:
        held = self._threads.setdefault((owner, thread), _Thread())
        held.place = held.place if place is None else place
        held.title = held.title if title is None else title

    async def conversations(self, owner: str, *, place: str | None = None, words: Sequence[str] = ()) -> list[Summary]:
        found = [
            _summary(thread, held)
            for (of, thread), held in self._threads.items()
            if of == owner and held.place is not None and place in (None, held.place) and _has(held, words)
        ]
        return sorted((each for each in found if each.turns), key=lambda each: -each.updated)

    async def check(self) -> None:
        """Nothing can be wrong with it."""

    async def close(self) -> None:
        """Nothing is open."""


def _has(held: _Thread, words: Sequence[str]) -> bool:
    texts = [held.title.casefold(), *map(said, held.messages.values())]
    return all(any(word.casefold() in text for text in texts) for word in words)


def _summary(thread: str, held: _Thread) -> Summary:
    answers = [message for message in held.messages.values() if message.role == "assistant"]
    costs = [cost_of(answer) for answer in answers]
    known = [cost for cost in costs if cost is not None]
    return Summary(
        thread=thread,
        place=held.place or "",
        title=held.title,
        created=held.created,
        updated=held.updated,
        turns=sum(message.role == "user" for message in held.messages.values()),
        model=next(filter(None, map(model_of, reversed(answers))), ""),
        cost=sum(known) if len(known) == len(costs) else None,
    )


__all__ = ["MemoryStore"]
