"""What is sent to a page: merged, numbered, without a gap or an overlap between replay and live."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from copilot_widget.notebook.transport import FLUSH_SECONDS, Transport
from copilot_widget.runs import loop
from copilot_widget.runs.base import Commit
from copilot_widget.runs.feed import Feed
from copilot_widget.runs.memory import MemoryLog
from tests.contract.logs import ask


class Log:
    """A feed that follows a real log, as an executor's would be."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.feed = Feed("r", "m")
        self.seq = 0

    async def start(self) -> None:
        await self.log.create(ask("r"), key="r")
        claim = await self.log.claim("r", "worker")
        assert claim is not None
        self.fence = claim.fence
        self.following = asyncio.ensure_future(self.feed.follow(self))  # type: ignore[arg-type]

    def subscribe(self, run: str, after: int = 0) -> Any:
        return self.log.read(run, after)

    async def say(self, *chunks: dict[str, Any], end: Any = None) -> None:
        commit = None if end is None else Commit(end)
        await self.log.append("r", self.fence, self.seq + 1, list(chunks), commit=commit)
        self.seq += len(chunks)
        await asyncio.sleep(0.001)  # the feed reads


def delta(text: str) -> dict[str, Any]:
    return {"type": "text-delta", "id": "t", "delta": text}


def test_a_replay_ends_where_the_next_envelope_begins():
    sent: list[dict[str, Any]] = []

    async def scenario() -> None:
        log = Log()
        await log.start()
        transport = Transport(sent.append)
        await log.say({"type": "start"}, {"type": "text-start", "id": "t"})
        transport.watch(log.feed)
        assert transport.sent(log.feed) == 2
        for word in "abcdefgh":
            await log.say(delta(word))
        behind = transport.sent(log.feed)
        await asyncio.sleep(0.2)
        assert transport.sent(log.feed) == 10
        starts = [envelope["from"] for envelope in sent]
        assert behind + 1 in starts
        await log.say({"type": "text-end", "id": "t"}, {"type": "finish"}, end="completed")
        await asyncio.sleep(0.2)

    loop.start(scenario()).result(20)
    ranges = [(envelope["from"], envelope["to"]) for envelope in sent]
    assert ranges[0][0] == 3
    assert ranges[-1][1] == 12
    assert all(after[0] == before[1] + 1 for before, after in itertools.pairwise(ranges))
    text = "".join(chunk.get("delta", "") for envelope in sent for chunk in envelope["chunks"])
    assert text == "abcdefgh"
    assert len(sent) < 10, "neighbours travel together"


def test_what_is_waited_for_waits_for_no_frame_and_takes_what_came_before_it_along():
    sent: list[dict[str, Any]] = []
    waits: list[float] = []
    came = asyncio.Event()

    def send(message: dict[str, Any]) -> None:
        sent.append(message)
        came.set()

    async def scenario() -> None:
        log = Log()
        await log.start()
        Transport(send).watch(log.feed)
        clock = asyncio.get_running_loop()
        picture = {"type": "data-display", "id": "c", "data": [{"text/plain": "a picture"}]}
        for chunks in (
            [picture],
            [{"type": "text-start", "id": "t"}, delta("a"), picture],
            [{"type": "text-end", "id": "t"}],
        ):
            await asyncio.sleep(2 * FLUSH_SECONDS)
            came.clear()
            began = clock.time()
            await log.say(*chunks)
            await came.wait()
            waits.append(clock.time() - began)

    loop.start(scenario()).result(20)
    soon, with_token, nothing_to_see = waits
    assert soon < nothing_to_see
    assert with_token < nothing_to_see
    assert [(envelope["from"], envelope["to"]) for envelope in sent] == [(1, 1), (2, 4), (5, 5)]


def test_what_passes_is_sent_once_a_frame_the_latest_of_each_call():
    sent: list[dict[str, Any]] = []

    async def scenario() -> None:
        feed = Feed("r", "m")
        Transport(sent.append).watch(feed)
        for number in range(50):
            feed.say_aside({"type": "tool-output-available", "toolCallId": "c", "output": number, "preliminary": True})
        feed.say_aside({"type": "data-tool-status", "id": "c", "data": {"text": "busy"}, "transient": True})
        await asyncio.sleep(3 * FLUSH_SECONDS)

    loop.start(scenario()).result(20)
    [message] = sent
    assert (message["type"], message["run"]) == ("aside", "r")
    assert [chunk.get("output") for chunk in message["chunks"]] == [49, None]
