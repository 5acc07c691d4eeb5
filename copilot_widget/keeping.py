"""Where a Copilot's conversation is kept, under which id, and what it is called."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import hashlib
import os
import re
import secrets
import weakref
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Union, cast

from .config import data_folder, setting
from .errors import CopilotError, UsageError, redact
from .host import host
from .protocol.messages import UIMessage
from .runs import loop
from .runs.attempt import marked
from .runs.base import Executor
from .runs.executor import KernelExecutor, LogExecutor
from .store import MemoryStore, Store
from .store.base import Summary
from .store.behind import WriteBehind
from .store.owner import is_shared, owner_in

StoreGiven = Union[str, Literal[False], None]

TITLE_LENGTH = 60
_LOOK_SECONDS = 1.0
"""How long a question waits to know whether its conversation went on elsewhere."""
_EXIT_SECONDS = 2.0
"""How long a process that ends waits until all is written."""

_stores: dict[tuple[str, ...], Store] = {}
"""Those behind, which Copilots share. The key is all that one is made of."""
_told: set[str] = set()
"""What this process has said about them: once is enough."""
_renamed: dict[str, str] = {}
"""What this process's notebook is called now, by what it was called when it began."""
_open_ones: weakref.WeakSet[Keeping] = weakref.WeakSet()


def new_thread() -> str:
    """An id for a conversation."""
    return f"thread-{secrets.token_urlsafe(9)}"


class Keeping:
    """What is kept of one Copilot. `given` is its argument `store`; `tell` gets a sentence when something is wrong;
    `unfinished` are the answers that are being given now, with their threads.

    Raises UsageError for a `given` that cannot be.
    """

    def __init__(
        self,
        given: StoreGiven,
        tell: Callable[[str], None],
        unfinished: Callable[[], Iterable[tuple[str, UIMessage]]] = tuple,
    ) -> None:
        if given is not None and given is not False and not isinstance(cast("object", given), str):
            raise UsageError('store must be a database URL, "off", False or None.')
        self._given = "off" if given is False else given or None
        self._tell = tell
        self._unfinished = unfinished
        self.labelled: set[str] = set()
        """Threads that have a title by now."""

    @property
    def place(self) -> str | None:
        """The notebook or the folder that it belongs to; None: it is not kept."""
        return _renamed.get(self._place or "", self._place)

    @cached_property
    def _place(self) -> str | None:
        """As it was called at the first use."""
        chosen = setting("store", self._given, env="COPILOT_STORE")
        if chosen == "off":
            return None
        # A program keeps nothing on its own account.
        return host().place or (str(Path.cwd()) if chosen else None)

    @cached_property
    def owner(self) -> str:
        """Whose conversations they are: where several people share a database, it must tell them apart."""
        return owner_in(self._given)

    @cached_property
    def store(self) -> Store:
        """What runs in this process use."""
        if self.place is None:
            return MemoryStore()
        store = WriteBehind(self._behind, self._on_trouble)
        if not _open_ones:
            loop.agent_loop()  # which registers its own end: what is registered later is called earlier
            atexit.register(_write_the_rest)
        _open_ones.add(self)
        return store

    async def end(self) -> None:
        """Write what there is, also of answers that this process will not finish."""
        for thread, message in list(self._unfinished()):
            await self.store.put(self.owner, thread, marked(message, "running"))
        await self._kept.flush()
        if self.place is not None and self.labelled:
            await self._follow(host().renamed(self.place, self.labelled))  # threads are no longer to be had
            await self._kept.flush()

    async def _behind(self) -> Store:
        chosen = setting("store", self._given, env="COPILOT_STORE", default="")
        key = (chosen, os.environ.get("COPILOT_SERVICE_URL", ""), str(data_folder()))
        if key not in _stores:
            from .store.open import open_store

            _stores[key] = await asyncio.to_thread(open_store, self._given)  # it imports the databases' library
        return _stores[key]

    def _on_trouble(self, error: CopilotError) -> None:
        if str(error) not in _told:
            _told.add(str(error))
            self._tell(f"This conversation is in memory only, until the kernel ends. {error}")

    # ---- one conversation -------------------------------------------------------------------------------

    def thread_of(self, name: str) -> str:
        """The id of the conversation with that name: in each notebook another one. An id stays as it is."""
        if self.place is None or _IS_ID.fullmatch(name):
            return name
        return f"{name}@{hashlib.sha256(self.place.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"

    def begin(self, thread: str, title: str, where: Executor | None = None) -> None:
        """Keep a conversation under a title from now on, unless it has one. `where` is what answers in it next: another
        process than this one is to find all that was said here, and what it says is read before the next answer here.
        """
        store = self.store
        if not isinstance(store, WriteBehind):
            return
        owner = where.owner if isinstance(where, LogExecutor) else self.owner
        if thread not in self.labelled:
            self.labelled.add(thread)
            loop.start(store.label(owner, thread, place=self.place, title=title)).result()
        elif self.place is not None and is_gone(self.place):
            loop.start(self._look_for(self.place))
        if where is not None and not isinstance(where, KernelExecutor):
            loop.start(_written(store)).result()
            store.changed_elsewhere(self.owner, thread)

    async def _look_for(self, place: str) -> None:
        with contextlib.suppress(CopilotError):
            await self._follow(await asyncio.to_thread(host().renamed, place, frozenset(self.labelled)))

    async def _follow(self, now: str | None) -> None:
        """Keep by its new path, where it has one, all that the notebook has: another one may get its old name."""
        before = self.place
        if now is None or self._place is None:
            return
        _renamed[self._place] = now
        for each in await self._kept.conversations(self.owner, place=before):
            await self._kept.label(self.owner, each.thread, place=now)

    def fill(self, thread: str, title: str, messages: Sequence[UIMessage]) -> None:
        """Begin a conversation with what was said elsewhere."""
        self.begin(thread, title)
        loop.start(self.store.put(self.owner, thread, *messages)).result()

    def part(self, thread: str, known: Collection[str]) -> str | None:
        """Where others have gone on with a conversation, whose messages are `known` here: the id of a copy that has
        these. None where nobody has, or that cannot be read at once."""
        store = self.store
        if not isinstance(store, WriteBehind):
            return None
        return _at_once(self._part(store, thread, known))

    async def _part(self, store: WriteBehind, thread: str, known: Collection[str]) -> str | None:
        if not await store.went_on(self.owner, thread, known):
            return None
        title = await self._title(store, thread)
        copy = new_thread()
        await store.copy(self.owner, thread, copy, known)
        await store.label(self.owner, copy, place=self.place, title=title)
        self.labelled.add(copy)
        return copy

    def title(self, thread: str) -> str | None:
        """What it is called. None where it is not kept, or that cannot be read at once."""
        store = self.store
        if not isinstance(store, WriteBehind):
            return None
        return _at_once(self._title(store, thread))

    async def _title(self, store: WriteBehind, thread: str) -> str | None:
        found = await store.conversations(self.owner)
        return next((each.title for each in found if each.thread == thread), None)

    def rename(self, thread: str, title: str) -> None:
        async def label(kept: WriteBehind) -> None:
            await kept.label(self.owner, thread, title=title)
            await kept.flush()

        loop.start(label(self._kept)).result()

    def delete(self, thread: str) -> None:
        async def clear(kept: WriteBehind) -> None:
            await kept.clear(self.owner, thread)
            await kept.flush()

        self.labelled.discard(thread)
        loop.start(clear(self._kept)).result()

    def load(self, thread: str) -> list[UIMessage]:
        """What is kept of it; further runs of this process go on from there. Raises StoreError, or UsageError where
        nothing is kept at all."""
        return loop.start(self._kept.load(self.owner, thread)).result()

    # ---- all of them --------------------------------------------------------------------------------------

    def conversations(self, words: Sequence[str] = (), *, everywhere: bool = False) -> list[Summary]:
        """Those of this notebook, or of all; the latest first. Raises as `load` does."""
        return loop.start(self.find(words, everywhere=everywhere)).result()

    async def find(self, words: Sequence[str] = (), *, everywhere: bool = False) -> list[Summary]:
        """The same, on the agent's loop."""
        if everywhere:
            return await self._kept.conversations(self.owner, words=words)
        found = await self._kept.conversations(self.owner, place=self.place, words=words)
        return sorted([*found, *await self._left_behind(words)], key=lambda each: -each.updated)

    async def _left_behind(self, words: Sequence[str] = ()) -> list[Summary]:
        """Those of this notebook before it was renamed or moved: its file has their record, and the file that they are
        kept by is no longer there. A copy's are its original's, as long as that is there.

        In a database of several machines nobody can say what is no longer there.
        """
        if self.place is None or is_shared(self._given):
            return []
        recorded = await asyncio.to_thread(host().recorded, self.place)
        if not recorded:
            return []
        found = await self._kept.conversations(self.owner, words=words)
        mine = (each for each in found if each.thread in recorded)
        return [each for each in mine if each.place != self.place and is_gone(each.place)]

    def adopt(self, thread: str) -> None:
        """Keep a conversation by this notebook's path from now on, where it was left behind under another."""

        async def label() -> None:
            if any(each.thread == thread for each in await self._left_behind()):
                await self._kept.label(self.owner, thread, place=self.place)

        loop.start(label()).result()

    def named(self, name: str) -> str | None:
        """The id of this notebook's conversation that got its name when the notebook was called otherwise."""
        found = (each.thread for each in self.conversations())
        return next((each for each in found if _IS_ID.fullmatch(each) and each.rpartition("@")[0] == name), None)

    @property
    def _kept(self) -> WriteBehind:
        store = self.store
        if isinstance(store, WriteBehind):
            return store
        raise UsageError(
            "Conversations are not kept here.",
            hint='COPILOT_STORE, %config Copilot.store or Copilot(store=…) is "off".'
            if setting("store", self._given, env="COPILOT_STORE") == "off"
            else "Copilot(store=…) names a database.",
            code="off",
        )


def _at_once(reading: Coroutine[Any, Any, str | None]) -> str | None:
    """What it finds; None where it fails or takes long. No answer and no export waits for it, or fails with it."""
    started = loop.start(reading)
    try:
        return started.result(_LOOK_SECONDS)
    except (CopilotError, FutureTimeout):
        started.cancel()
        return None


_IS_ID = re.compile(r"thread-[\w-]{12}|.*@[0-9a-f]{12}", re.DOTALL)


_READ = 20_000
"""Characters of a question in which its title is looked for."""


def title_of(question: str) -> str:
    """A title from a question: its first words, without markup and mentions' signs."""
    text = re.sub(r"(?s)(^|\n)[ \t]*(```|~~~).*?(\n[ \t]*\2[^\n]*|$)", "\n", question[:_READ])
    text = re.sub(r"(?m)^[ \t]*(?:[#>]+|[-*+]|\d+[.)])[ \t]+", "", text)
    text = re.sub(r"!?\[([^\[\]\n]*)\]\([^)\n]{0,2000}\)", r"\1", text)
    text = re.sub(r"(?<![\w@.\\/])@(?:file:|cell:)?\"?(?=[\w./~-])", "", text)
    text = re.sub(r"(\*\*|__|~~|`{1,4})(?=\S)(.{1,200}?)(?<=\S)\1", r"\2", text)
    text = " ".join(redact(text if text.strip() else question[:_READ]).split())
    if len(text) <= TITLE_LENGTH:
        return text
    head = text[: TITLE_LENGTH - 1]
    whole = head.rpartition(" ")[0] if text[TITLE_LENGTH - 1] != " " else head
    return (whole if len(whole) > TITLE_LENGTH // 2 else head).rstrip(" ,;:-") + "…"


def is_gone(path: str) -> bool:
    """Whether there is no such file. False where that cannot be said."""
    try:
        Path(path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        pass
    return False


async def _written(store: WriteBehind) -> None:
    with contextlib.suppress(CopilotError):  # it has been told
        await store.flush()


def _write_the_rest() -> None:
    """At the interpreter's exit, before the agent's loop ends."""

    async def write() -> None:
        await asyncio.gather(*(each.end() for each in list(_open_ones)), return_exceptions=True)

    try:
        loop.start(write()).result(_EXIT_SECONDS)
    except Exception:
        return  # there is nobody left to tell


__all__ = ["Keeping", "StoreGiven", "is_gone", "new_thread", "title_of"]
