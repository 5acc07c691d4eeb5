"""Text that a program prints, as much of it as is kept."""

from __future__ import annotations

import threading
from collections import deque

STREAM_LIMIT = 60_000
"""Characters kept of the beginning, and of the end, of a stream."""


class Stream:
    """Text that arrives in pieces: its beginning and its end, and a count of what lies between. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._head: list[str] = []
        self._head_length = 0
        self._tail: deque[str] = deque()  # in pieces, since programs print a few characters at a time
        self._tail_length = 0
        self.length = 0

    def write(self, text: str) -> None:
        with self._lock:
            self.length += len(text)
            room = STREAM_LIMIT - self._head_length
            if room > 0:
                self._head.append(text[:room])
                self._head_length += len(self._head[-1])
                text = text[room:]
            if not text:
                return
            self._tail.append(text[-STREAM_LIMIT:])
            self._tail_length += len(self._tail[-1])
            while self._tail_length - len(self._tail[0]) >= STREAM_LIMIT:
                self._tail_length -= len(self._tail.popleft())

    def text(self) -> str:
        """The text as a terminal would leave it: a line overwritten with a carriage return is what it was last."""
        with self._lock:
            head, tail = "".join(self._head), "".join(self._tail)
            missing = self.length - len(head) - len(tail)
        text = f"{head}\n… [{missing:,} characters not kept] …\n{tail}" if missing else head + tail
        return "\n".join(map(_overwritten, text.split("\n"))) if "\r" in text else text


def _overwritten(line: str) -> str:
    if "\r" not in line:
        return line
    return next((part for part in reversed(line.split("\r")) if part), "")


__all__ = ["STREAM_LIMIT", "Stream"]
