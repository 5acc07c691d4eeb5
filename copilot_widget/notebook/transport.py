"""From a run's feed to the page: merged for a frame, numbered, sent as custom messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..runs.base import Event
from ..runs.feed import Feed
from ..runs.loop import agent_loop
from .envelope import envelope

FLUSH_SECONDS = 0.033
"""A frame or two: short enough to look live, long enough that a fast model does not flood the websocket, whose
server drops messages without a trace above 1,000 a second."""


class Transport:
    """Sends what feeds bring. `send` may be called from the agent's thread."""

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        self._send = send
        self._unlisten: list[Callable[[], None]] = []

    def watch(self, feed: Feed) -> None:
        """Send the events of `feed` from now on; what came before the page fetches itself."""
        buffer: list[Event] = []

        def flush() -> None:
            if buffer:
                events = buffer[:]
                buffer.clear()
                self._send(envelope(events))

        def collect(event: Event) -> None:
            buffer.append(event)
            if len(buffer) == 1:
                agent_loop().call_later(FLUSH_SECONDS, flush)

        self._unlisten.append(feed.listen(collect))

    def close(self) -> None:
        """Send nothing more."""
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten.clear()
