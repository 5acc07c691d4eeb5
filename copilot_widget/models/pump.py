"""Reading litellm's stream in a task of its own, so that time limits cost nothing and closing is quick."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from .ending import EndWatch


class SilenceError(Exception):
    """Nothing came for `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"nothing came for {seconds} s")
        self.seconds = seconds


_END = object()


class Pump:
    """Opens a stream and reads it; `get` gives its chunks, `close` ends it and its HTTP request.

    A timer puts a mark into the queue instead of cancelling the reader: `asyncio.wait_for` makes a task for each chunk,
    and before Python 3.12 it can swallow a cancellation that comes together with the result.
    """

    def __init__(self, open_stream: Callable[[], Awaitable[Any]]) -> None:
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._stream: Any = None
        self._ending: EndWatch | None = None
        self._task = self._loop.create_task(self._run(open_stream))

    @property
    def finished(self) -> bool:
        """False where the stream has ended without a word that the answer is complete."""
        return self._ending is None or self._ending.said_so

    async def get(self, limit: float) -> Any:
        """The next chunk, None at the end. Raises SilenceError after `limit` seconds, and what the stream raised."""
        timer = (
            self._loop.call_later(limit, self._queue.put_nowait, SilenceError(limit)) if self._queue.empty() else None
        )
        try:
            item = await self._queue.get()
        finally:
            if timer is not None:
                timer.cancel()
        if isinstance(item, BaseException):
            raise item
        return None if item is _END else item

    async def close(self) -> None:
        """End the request; returns when its connection is closed."""
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()  # so that asyncio does not report it as never retrieved

    async def _run(self, open_stream: Callable[[], Awaitable[Any]]) -> None:
        try:
            self._stream = await open_stream()
            self._ending = EndWatch(self._stream)
            async for chunk in self._stream:
                self._queue.put_nowait(chunk)
            self._queue.put_nowait(_END)
        except Exception as error:
            self._queue.put_nowait(error)
        finally:
            if self._stream is not None:
                await self._stream.aclose()


__all__ = ["Pump", "SilenceError"]
