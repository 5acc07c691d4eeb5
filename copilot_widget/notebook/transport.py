"""From a run's feed to the page: merged for a frame, numbered, sent as custom messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ..runs.base import Event
from ..runs.feed import Feed
from ..runs.loop import agent_loop
from .envelope import envelope

FLUSH_SECONDS = 0.033
"""A frame or two: short enough to look live, long enough that a fast model does not flood the websocket, whose
server drops messages without a trace above 1,000 a second."""

SOON_SECONDS = 0.004
"""What is looked at as it comes goes out this soon, where nothing went out just before it: tokens, a result, a picture,
a question. The few milliseconds gather what comes with it. All else waits for what follows: each message costs some
600 bytes."""
_SOON = (
    *("text-delta", "reasoning-delta", "tool-input-delta"),
    *("tool-output-", "tool-approval-request", "data-display", "data-approval", "data-client-call"),
)

BUSY_SECONDS = 0.06
"""While an envelope holds this many events or more the stream is faster than anybody reads, and the frame around each
message (some 600 bytes) is what it costs most: half as many do."""
BUSY_EVENTS = 8


class Transport:
    """Sends what feeds bring. `send` may be called from the agent's thread."""

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        self._send = send
        self._unlisten: list[Callable[[], None]] = []
        self._buffers: dict[str, list[Event]] = {}  # by run: what the next envelope will hold

    def sent(self, feed: Feed) -> int:
        """The seq up to which events were sent; those after it come with the next envelope.

        A replay ends there: one that went further would overlap with that envelope, which the page could then not
        use, and would have to ask for a replay again, and so on to the end of the run.
        """
        head = self._buffers.get(feed.run, [])[:1]  # a copy: another thread may be emptying it
        return head[0]["seq"] - 1 if head else len(feed.events)

    def watch(self, feed: Feed) -> None:
        """Send the events of `feed` from now on; what came before the page fetches itself."""
        buffer = self._buffers[feed.run] = list[Event]()
        clock = agent_loop()
        wait, last = FLUSH_SECONDS, 0.0
        timer: asyncio.TimerHandle | None = None

        def flush() -> None:
            nonlocal wait, last, timer
            events = buffer[:]
            del buffer[:]
            wait, last, timer = BUSY_SECONDS if len(events) >= BUSY_EVENTS else FLUSH_SECONDS, clock.time(), None
            self._send(envelope(events))

        def collect(event: Event) -> None:
            nonlocal timer
            buffer.append(event)
            now = clock.time()
            is_awaited = event["chunk"]["type"].startswith(_SOON)
            due = max(now + SOON_SECONDS, last + wait) if is_awaited else now + wait
            if timer is not None and timer.when() <= due:
                return
            if timer is not None:
                timer.cancel()
            timer = clock.call_at(due, flush)

        self._unlisten += [feed.listen(collect), feed.listen_aside(self._collect_asides(feed.run))]

    def _collect_asides(self, run: str) -> Callable[[dict[str, Any]], None]:
        """What passes, once a frame: of each kind and call the latest."""
        latest: dict[tuple[str, str], dict[str, Any]] = {}

        def flush() -> None:
            chunks = list(latest.values())
            latest.clear()
            self._send({"type": "aside", "run": run, "chunks": chunks})

        def collect(chunk: dict[str, Any]) -> None:
            if not latest:
                agent_loop().call_later(FLUSH_SECONDS, flush)
            latest[chunk["type"], str(chunk.get("toolCallId") or chunk.get("id"))] = chunk

        return collect

    def close(self) -> None:
        """Send nothing more."""
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten.clear()
