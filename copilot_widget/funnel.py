"""Several producers, one consumer, and a Stop that needs nobody's consent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Generic, TypeVar

from .threads import as_ordinary

T = TypeVar("T")

_GRACE = 0.5
"""Seconds that a cancelled producer gets to close what it holds; then it is left behind, and the run goes on."""


class StopSignal:
    """Set once; tells whoever asked to be told. Used from one event loop only."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self._callbacks: list[Callable[[], None]] = []

    @property
    def is_set(self) -> bool:
        return self.reason is not None

    def set(self, reason: str = "stopped by the user") -> None:
        """Stop; only the first reason counts."""
        if self.reason is None:
            self.reason = reason
            for callback in list(self._callbacks):
                callback()

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` when stopped (at once where that has happened). Returns the function that unsubscribes."""
        if self.is_set:
            callback()
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback) if callback in self._callbacks else None


class StoppedError(Exception):
    """What was waited for is no longer wanted."""


async def unless_stopped(stop: StopSignal, work: Awaitable[T]) -> T:
    """What `work` gives. Raises StoppedError at once when `stop` is set first; `work` is cancelled, and left behind."""
    task = asyncio.ensure_future(work)
    stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    unsubscribe = stop.subscribe(lambda: None if stopped.done() else stopped.set_result(None))
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise StoppedError
        return task.result()
    finally:
        unsubscribe()
        if not task.done():
            task.add_done_callback(lambda left: left.cancelled() or left.exception())  # nobody else reads it
            task.cancel()


class Funnel(Generic[T]):
    """Iterates what its producers yield, as it comes, until all have ended or `stop` is set.

    A producer's exception is raised to the consumer, as one that a task may carry. A producer that swallows its
    cancellation, or hangs in C, cannot hold the consumer: on Stop the iteration ends at once.
    """

    def __init__(self, stop: StopSignal) -> None:
        self._stop = stop
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = 0
        self._has_left = False
        """The consumer has: who still produces is cancelled."""

    def add(self, source: AsyncIterator[T]) -> None:
        """Start to consume `source`."""
        self._running += 1
        self._tasks.add(asyncio.ensure_future(self._pump(source)))

    def put_threadsafe(self, item: T) -> None:
        """Put an item in from any thread; it is lost if the iteration has ended."""
        self._loop.call_soon_threadsafe(self._queue.put_nowait, ("item", item))

    async def _pump(self, source: AsyncIterator[T]) -> None:
        try:
            try:
                async for item in source:
                    self._queue.put_nowait(("item", item))
            finally:
                close = getattr(source, "aclose", None)
                if close is not None:
                    await close()
        except BaseException as error:
            if not await self.is_ours(error):
                self._queue.put_nowait(("error", as_ordinary(error)))
        finally:
            self._queue.put_nowait(("end", None))

    async def is_ours(self, error: BaseException) -> bool:
        """Whether a producer's exception is its cancellation by this funnel, or by who ends the loop: a task of its own
        that it awaits may have been cancelled, and that is an error like any other."""
        if not isinstance(error, asyncio.CancelledError):
            return False
        await asyncio.sleep(0)  # who cancels all tasks cancels the consumer, too, which may have its turn after us
        return self._has_left

    async def __aiter__(self) -> AsyncIterator[T]:
        unsubscribe = self._stop.subscribe(lambda: self._queue.put_nowait(("stop", None)))
        try:
            while self._running:
                kind, item = await self._queue.get()
                if kind == "item":
                    yield item
                elif kind == "error":
                    raise item
                elif kind == "stop":
                    return
                else:
                    self._running -= 1
        finally:
            unsubscribe()
            await self._cancel()

    async def _cancel(self) -> None:
        self._has_left = True
        pending = {task for task in self._tasks if not task.done()}
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending, timeout=_GRACE)
