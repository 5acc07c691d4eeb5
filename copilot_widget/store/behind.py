"""Conversations in memory, and behind it in a store that nobody waits for.

A run of the kernel must not wait for a disk, nor fail with it. So all is answered from memory, and written from there
in order. What cannot be written stays in line and is tried again with whatever is to be written next; what is wrong is
told once.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Collection, Sequence

from ..errors import CopilotError, StoreError, one_line
from ..protocol.messages import UIMessage
from .base import Store, Summary
from .memory import MemoryStore

Opener = Callable[[], Awaitable[Store]]
Work = Callable[[Store], Awaitable[None]]

_HOPELESS = ("too-large", "protocol")
"""What no later try can write; nor can it where the error is none of ours. It must not hold up the rest."""
_FIRST_SECONDS = 0.2
"""Before the first write: the database's library may have to be imported, beside the first question's first paint."""
_PATIENCE_SECONDS = 10.0
"""How long somebody who looks at a cell waits for what is in line to be written."""


class WriteBehind:
    """A `Store` whose writes return at once. `open_store` gives the one behind, when it is needed first; `tell` is
    called on the agent's loop with the first thing that goes wrong with it, and again once it has worked meanwhile."""

    def __init__(self, open_store: Opener, tell: Callable[[CopilotError], None]) -> None:
        self._open = open_store
        self._tell = tell
        self._memory = MemoryStore()
        self._line: dict[tuple[object, ...], Work] = {}
        self._numbers = itertools.count()
        self._stale: set[tuple[str, str]] = set()
        self._writer: asyncio.Task[None] | None = None
        self._in_trouble = False
        self._has_begun = False
        self._is_known_elsewhere = False
        """True once others can have found in the store behind what is kept here."""

    # ---- what runs use ------------------------------------------------------------------------------------

    async def messages(self, owner: str, thread: str) -> list[UIMessage]:
        if (owner, thread) in self._stale:
            try:
                await self.load(owner, thread)
            except CopilotError as error:
                self._say(error)
        return await self._memory.messages(owner, thread)

    async def last(self, owner: str, thread: str) -> str | None:
        return await self._memory.last(owner, thread)

    async def put(self, owner: str, thread: str, *messages: UIMessage) -> None:
        await self._memory.put(owner, thread, *messages)
        key = ("put", owner, thread, *(message.id for message in messages))
        self._enqueue(key, lambda store: _put(store, owner, thread, messages))

    async def truncate(self, owner: str, thread: str, message_id: str) -> None:
        await self._memory.truncate(owner, thread, message_id)
        key = ("truncate", next(self._numbers))
        self._enqueue(key, lambda store: store.truncate(owner, thread, message_id))

    async def clear(self, owner: str, thread: str) -> None:
        await self._memory.clear(owner, thread)
        self._enqueue(("clear", next(self._numbers)), lambda store: store.clear(owner, thread))

    async def label(self, owner: str, thread: str, *, place: str | None = None, title: str | None = None) -> None:
        await self._memory.label(owner, thread, place=place, title=title)
        key = ("label", next(self._numbers))
        self._enqueue(key, lambda store: store.label(owner, thread, place=place, title=title))

    async def check(self) -> None:
        await (await self._open()).check()

    async def close(self) -> None:
        """The store behind is shared with others, and stays open."""
        await self.flush()

    # ---- what people ask for: these raise StoreError ----------------------------------------------------

    async def conversations(self, owner: str, *, place: str | None = None, words: Sequence[str] = ()) -> list[Summary]:
        await self.flush()
        return await (await self._open()).conversations(owner, place=place, words=words)

    async def load(self, owner: str, thread: str) -> list[UIMessage]:
        """What is kept of a conversation, which runs go on from then on."""
        await self.flush()
        kept = await (await self._open()).messages(owner, thread)
        self._is_known_elsewhere = True
        self._stale.discard((owner, thread))
        await self._memory.clear(owner, thread)
        await self._memory.put(owner, thread, *kept)
        return kept

    async def went_on(self, owner: str, thread: str, known: Collection[str]) -> bool:
        """Whether others have written last in a conversation. `known` are ids of messages that are not theirs, as are
        those that were written or read here."""
        if not self._is_known_elsewhere or self._in_trouble:
            return False
        await self.flush()
        last = await (await self._open()).last(owner, thread)
        return last is not None and last not in known and last not in await self._ids(owner, thread)

    async def copy(self, owner: str, thread: str, to: str, known: Collection[str]) -> None:
        """Keep what is known here of a conversation as another one."""
        known = {*known, *await self._ids(owner, thread)}
        await self.put(owner, to, *(each for each in await self.messages(owner, thread) if each.id in known))

    async def _ids(self, owner: str, thread: str) -> set[str]:
        return {message.id for message in await self._memory.messages(owner, thread)}

    def changed_elsewhere(self, owner: str, thread: str) -> None:
        """Others write in the conversation: what they wrote is read before it is used next."""
        self._stale.add((owner, thread))

    async def flush(self) -> None:
        """Wait until all has been written. Raises StoreError where it cannot be."""
        if self._line and (self._writer is None or self._writer.done()):
            self._begin()
        if self._writer is not None:
            await asyncio.wait([self._writer], timeout=_PATIENCE_SECONDS)
        if self._line:
            raise StoreError(
                "Not all of this conversation could be written to where conversations are kept.",
                hint="It is tried again with the next message.",
                code="unavailable",
            )

    # ---- writing --------------------------------------------------------------------------------------------

    def _enqueue(self, key: tuple[object, ...], work: Work) -> None:
        self._line[key] = work  # a message that waits to be written is replaced by its newer state
        if self._writer is None or self._writer.done():
            self._begin()

    def _begin(self) -> None:
        self._writer = asyncio.ensure_future(self._write())

    async def _write(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            await asyncio.sleep(_FIRST_SECONDS)
        while self._line:
            key, work = next(iter(self._line.items()))
            try:
                await work(await self._open())
            except Exception as error:
                self._say(error)
                if isinstance(error, CopilotError) and error.code not in _HOPELESS:
                    return
            else:
                self._in_trouble = False
                self._is_known_elsewhere = True
            if self._line.get(key) is work:
                del self._line[key]

    def _say(self, error: Exception) -> None:
        if self._in_trouble:
            return
        self._in_trouble = True
        if not isinstance(error, CopilotError):
            error = StoreError(f"Conversations cannot be kept: {one_line(error)}.")
        self._tell(error)


async def _put(store: Store, owner: str, thread: str, messages: Sequence[UIMessage]) -> None:
    """All in one go; where one of them is hopeless, the others."""
    try:
        await store.put(owner, thread, *messages)
    except CopilotError as error:
        if error.code not in _HOPELESS or len(messages) == 1:
            raise
        hopeless = error
        for message in messages:
            try:
                await store.put(owner, thread, message)
            except CopilotError as one:
                if one.code not in _HOPELESS:
                    raise
                hopeless = one
        raise hopeless from None


__all__ = ["WriteBehind"]
