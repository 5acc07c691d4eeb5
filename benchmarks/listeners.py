"""HTTP clients that cost next to nothing while they listen: what came, and when, is looked at only afterwards."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from copilot_widget.protocol.sse import SseParser


class Listener(asyncio.Protocol):
    """Sends one request and keeps what comes: the bytes, and the epoch second of each piece of them.

    Two flat lists, since of a hundred thousand objects the collector would have its client stop.
    """

    def __init__(self, request: bytes) -> None:
        self.times: list[float] = []
        self.pieces: list[bytes] = []
        self.closed = asyncio.get_running_loop().create_future()
        self._request = request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self.times.append(time.time())
        self.pieces.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)

    def body(self) -> Iterator[tuple[float, bytes]]:
        """The chunks of the response's body, each with the time at which the last of it came. Raises AssertionError for
        a response that is no stream."""
        rest, in_body = b"", False
        for at, piece in zip(self.times, self.pieces, strict=True):
            rest += piece
            if not in_body:
                head, blank, rest_of_it = rest.partition(b"\r\n\r\n")
                if not blank:
                    continue
                assert head.startswith(b"HTTP/1.1 200 "), rest.decode(errors="replace")
                rest, in_body = rest_of_it, True
            while (chunk := _chunk(rest)) is not None:
                data, rest = chunk
                yield at, data


def _chunk(text: bytes) -> tuple[bytes, bytes] | None:
    """The first chunk of a chunked body, and what follows it; None where it is not there as a whole."""
    size, line_end, rest = text.partition(b"\r\n")
    length = int(size, 16) if line_end else 0
    if not line_end or len(rest) < length + 2:
        return None
    return rest[:length], rest[length + 2 :]


def post(path: str, body: Mapping[str, Any], host: str) -> bytes:
    """A request whose connection ends with its response."""
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(content)}\r\n\r\n".encode() + content


@dataclass
class Heard:
    """A stream of the clock model, as its listener has heard it. Times are epoch seconds, by token."""

    ids: list[int] = field(default_factory=list[int])
    kinds: list[str] = field(default_factory=list[str])
    made: list[float] = field(default_factory=list[float])
    came: list[float] = field(default_factory=list[float])
    is_done: bool = False

    @classmethod
    def of(cls, listener: Listener) -> Heard:
        heard, parser = cls(), SseParser()
        for at, data in listener.body():
            for event in parser.feed(data.decode()):
                if event.data == "[DONE]":
                    heard.is_done = True
                    continue
                chunk = json.loads(event.data)
                heard.ids.append(int(event.id or 0))
                heard.kinds.append(chunk["type"])
                if chunk["type"] == "text-delta":
                    heard.made.append(float(chunk["delta"]))
                    heard.came.append(at)
        return heard

    def misplaced(self, tokens: int) -> int:
        """Events that were lost, came twice or out of order; of a stream with so many tokens that should have ended."""
        breaks = sum(after != before + 1 for before, after in zip([0, *self.ids], self.ids, strict=False))
        missing = abs(tokens - len(self.made)) + sum(a > b for a, b in zip(self.made, self.made[1:], strict=False))
        return breaks + missing + (self.kinds[-1:] != ["finish"]) + (not self.is_done)

    @property
    def begun(self) -> float:
        """When the first token came; inf where none did."""
        return self.came[0] if self.came else math.inf

    @property
    def ended(self) -> float:
        """When the last one came."""
        return self.came[-1] if self.came else -math.inf
