"""How a function's code becomes results: its value, what it yields on the way, and what it prints."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from dataclasses import replace
from typing import Any, Protocol, cast

from ..errors import ToolError, one_line
from .base import MimeBundle, ToolContext, ToolResult
from .jsonable import cut, json_text
from .result import to_output

Run = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a function of no arguments, and awaits what it returns, wherever it belongs."""

_PREVIEW_SECONDS = 0.1
_PREVIEWS_KEPT = 20  # of a generator that yields faster than it is read, the newest
_PRINTED_LIMIT = 10_000


def _result(value: Any, preliminary: bool = False) -> ToolResult:
    output, display = to_output(value)
    return ToolResult(output, display or None, preliminary, sees=isinstance(value, ToolResult) and value.sees)


def finish(start: Callable[[], Any]) -> Any:
    """Call the function and convert what it returns in the same thread, since drawing a figure takes a while."""
    value = start()
    return _convert(value) if inspect.isawaitable(value) else _result(value)


async def _convert(value: Awaitable[Any]) -> ToolResult:
    return _result(await value)


async def awaited(function: Callable[[], Any]) -> Any:
    value = function()
    return await value if inspect.isawaitable(value) else value


def advance(generator: Generator[Any, Any, Any]) -> tuple[ToolResult | None, bool]:
    """The next value as a preliminary result, or what the generator returned and True."""
    try:
        return _result(next(generator), preliminary=True), False
    except StopIteration as stop:
        return (None if stop.value is None else _result(stop.value)), True


def drain(start: Callable[[], Any], previews: Previews) -> ToolResult:
    generator = start()
    last: ToolResult | None = None
    while not previews.closed:
        result, done = advance(generator)
        if done:
            last = result or last
            break
        last = result
        previews.put(cast("ToolResult", result))
    else:
        generator.close()
    return replace(last or ToolResult(), preliminary=False)


async def drain_async(start: Callable[[], Any], previews: Previews) -> ToolResult:
    last = ToolResult()
    generator = start()
    try:
        async for value in generator:
            last = _result(value, preliminary=True)
            previews.put(last)
    finally:
        await generator.aclose()
    return replace(last, preliminary=False)


class Captured(Protocol):
    """What the host keeps of a call's output where it can (ToolContext.deps["capture"]() makes one)."""

    def active(self) -> contextlib.AbstractContextManager[None]:
        """Within, and in contexts copied within, output is kept. May be entered again and again, in any thread."""
        ...

    @property
    def text(self) -> str:
        """What was printed."""
        ...

    @property
    def displays(self) -> list[MimeBundle]: ...


class Prints:
    """What a function prints and displays while it runs. No host that can keep it: it goes where it always goes."""

    def __init__(self, context: ToolContext) -> None:
        make: Callable[[], Captured] | None = context.deps.get("capture")
        self._captured = make() if make is not None else None

    def within(self, function: Callable[[], Any]) -> Callable[[], Any]:
        """`function`, so that its output, and that of what it returns to be awaited, is kept."""
        captured = self._captured
        if captured is None:
            return function

        async def rest(value: Awaitable[Any]) -> Any:
            with captured.active():
                return await value

        def run() -> Any:
            with captured.active():
                value = function()
            return rest(value) if inspect.isawaitable(value) else value

        return run

    def added_to(self, result: ToolResult) -> ToolResult:
        """The result with what was displayed and printed below it."""
        if self._captured is None or not (self._captured.text or self._captured.displays):
            return result
        text = cut(self._captured.text, _PRINTED_LIMIT)
        display: list[MimeBundle] = list(result.display or [])
        if not display and result.output is not None:
            output = result.output if isinstance(result.output, str) else json_text(result.output)
            display.append({"text/plain": output})
        display += self._captured.displays
        if text:
            display.append({"text/plain": text})
        return replace(result, output=text if result.output is None and text else result.output, display=display)

    def added_to_error(self, error: Exception) -> Exception:
        """The error, telling also what was printed before it."""
        text = self._captured.text if self._captured is not None else ""
        if not text:
            return error
        hint = error.hint if isinstance(error, ToolError) else ""
        words = error.message if isinstance(error, ToolError) else one_line(error, limit=2_000)
        return ToolError(words, hint=f"{hint}\nIt printed:\n{cut(text, 2_000)}".strip())


class Previews:
    """Preliminary results on their way from any thread to the agent's loop; bounded where the reader is slower."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._waiting: deque[ToolResult] = deque(maxlen=_PREVIEWS_KEPT)
        self.closed = False

    def put(self, result: ToolResult) -> None:
        self._waiting.append(result)
        if not self.closed:
            self._loop.call_soon_threadsafe(self._arrived.set)

    async def read(self, final: Any) -> AsyncIterator[ToolResult]:
        """Preliminary results as they come, then the result of the coroutine `final`."""
        task = asyncio.ensure_future(final)
        try:
            while not task.done():
                arrived = asyncio.ensure_future(self._arrived.wait())
                try:
                    await asyncio.wait({task, arrived}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    arrived.cancel()
                self._arrived.clear()
                while self._waiting:
                    yield self._waiting.popleft()
                await asyncio.wait({task}, timeout=_PREVIEW_SECONDS)
            while self._waiting:
                yield self._waiting.popleft()
            yield task.result()
        finally:
            self.closed = True
            task.cancel()


__all__ = ["Captured", "Previews", "Prints", "Run", "advance", "awaited", "drain", "drain_async", "finish"]
