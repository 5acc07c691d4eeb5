"""Writes that nobody waits for: in order, of each message only the newest state, tried again, and told once."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from copilot_widget.errors import CopilotError, StoreError
from copilot_widget.protocol import UIMessage
from copilot_widget.protocol.messages import TextPart
from copilot_widget.store import MemoryStore, Store
from copilot_widget.store.behind import WriteBehind
from copilot_widget.store.sql import SqlStore


def said(text: str, message_id: str) -> UIMessage:
    return UIMessage(message_id, "user", [TextPart(text=text)])


class Slow(MemoryStore):
    """Behind a gate, and out of order while `broken`."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.broken: Exception | None = None
        self.written: list[str] = []

    async def put(self, owner: str, thread: str, *messages: UIMessage) -> None:
        await self.gate.wait()
        texts = [message.text for message in messages]
        is_hopeless = isinstance(self.broken, ValueError) or getattr(self.broken, "code", "") == "too-large"
        if self.broken is not None and (not is_hopeless or "bad" in texts):
            raise self.broken
        self.written += texts
        await super().put(owner, thread, *messages)


def behind(store: Store) -> tuple[WriteBehind, list[str]]:
    told: list[str] = []

    async def opened() -> Store:
        return store

    def tell(error: CopilotError) -> None:
        told.append(str(error))

    return WriteBehind(opened, tell), told


async def texts(store: Store, thread: str = "t") -> list[str]:
    return [message.text for message in await store.messages("ann", thread)]


async def test_nobody_waits_and_only_the_newest_state_is_written() -> None:
    slow = Slow()
    store, told = behind(slow)
    await store.put("ann", "t", said("question", "1"))
    for length in range(50):
        await store.put("ann", "t", said("w" * length, "2"))
    assert await texts(store) == ["question", "w" * 49]
    assert slow.written == []
    slow.gate.set()
    await store.flush()
    assert slow.written == ["question", "w" * 49]
    assert told == []


async def test_what_fails_is_told_once_and_written_later_in_its_order() -> None:
    slow = Slow()
    slow.gate.set()
    slow.broken = StoreError("The disk is full.", code="unavailable")
    store, told = behind(slow)
    for number in range(5):
        await store.put("ann", "t", said(str(number), str(number)))
        await asyncio.sleep(0)
    with pytest.raises(StoreError, match="Not all of this conversation"):
        await store.flush()
    assert told == ["The disk is full."]
    assert await texts(store) == list("01234")
    slow.broken = None
    await store.truncate("ann", "t", "2")
    await store.flush()
    assert await texts(slow) == await texts(store) == list("012")
    slow.broken = StoreError("It is full again.", code="unavailable")
    await store.put("ann", "t", said("5", "5"))
    with pytest.raises(StoreError):
        await store.flush()
    assert told == ["The disk is full.", "It is full again."]


@pytest.mark.parametrize("error", [StoreError("It has 70 MB.", code="too-large"), ValueError("a bug")])
async def test_one_message_that_can_never_be_written_holds_up_no_other(error: Exception) -> None:
    slow = Slow()
    slow.gate.set()
    store, told = behind(slow)
    slow.broken = ValueError("a bug") if isinstance(error, ValueError) else error
    await store.put("ann", "t", said("bad", "1"))
    with contextlib.suppress(StoreError):
        await store.flush()
    slow.broken = None
    await store.put("ann", "t", said("good", "2"))
    await store.flush()
    assert slow.written == ["good"]
    assert len(told) == 1


async def test_of_many_messages_that_come_at_once_the_good_ones_are_written() -> None:
    slow = Slow()
    slow.gate.set()
    store, told = behind(slow)
    await store.put("ann", "t", *(said(str(number), str(number)) for number in range(5)))
    await store.flush()
    slow.broken = StoreError("It has 70 MB.", code="too-large")
    await store.put("ann", "t", *(said(text, text) for text in ("5", "bad", "6")))
    await store.flush()
    assert await texts(slow) == ["0", "1", "2", "3", "4", "5", "6"]
    assert told == ["It has 70 MB."]


async def test_what_others_wrote_last_is_noticed_and_what_is_known_is_copied(tmp_path: Path) -> None:
    path = tmp_path / "threads.sqlite3"
    (here, told), (there, _) = behind(SqlStore(path)), behind(SqlStore(path))
    assert not await here.went_on("ann", "t", ())  # nothing was written yet: nothing is waited for
    await here.put("ann", "t", said("asked here", "1"))
    await here.flush()
    assert not await here.went_on("ann", "t", ())
    await there.load("ann", "t")
    await there.put("ann", "t", said("asked there", "2"))
    await there.flush()
    assert await here.went_on("ann", "t", ())
    assert not await here.went_on("ann", "t", ["2"])  # a run of ours that others have executed
    assert not await there.went_on("ann", "t", ())
    await here.copy("ann", "t", "copy", ())
    await here.flush()
    assert await texts(here, "copy") == await texts(SqlStore(path), "copy") == ["asked here"]
    assert await texts(SqlStore(path)) == ["asked here", "asked there"]
    assert told == []


async def test_what_others_wrote_is_read_before_the_next_answer(tmp_path: Path) -> None:
    path = tmp_path / "threads.sqlite3"
    here, told = behind(SqlStore(path))
    other = SqlStore(path)
    await here.put("ann", "t", said("asked here", "1"))
    await here.flush()
    await other.put("ann", "t", said("answered there", "2"))
    assert await texts(here) == ["asked here"]
    here.changed_elsewhere("ann", "t")
    assert await texts(here) == ["asked here", "answered there"]
    fresh, _ = behind(other)
    assert await texts(fresh) == []
    assert [message.text for message in await fresh.load("ann", "t")] == ["asked here", "answered there"]
    assert await texts(fresh) == ["asked here", "answered there"]
    assert told == []
    await other.close()
