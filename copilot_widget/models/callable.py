"""A function as a model: `Copilot(model=my_function)`.

The function gets the ModelRequest and returns, or yields, text and model events (models/base.py; also as JSON objects).
It may be an async generator function, a coroutine function, a function or a generator function; the latter two run in a
thread of their own, so they may block: Stop interrupts them, and nobody else waits for them.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, cast

from ..errors import CopilotError, ModelError, one_line
from ..threads import as_ordinary, in_thread
from .base import (
    Finish,
    ModelEvent,
    ModelInfo,
    ModelRequest,
    ModelUsage,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolInputDelta,
)
from .events import EVENT_TYPES, from_json
from .usage import estimate_usage

_END = object()


class CallableModel:
    """Answers with what `function(request)` returns or yields. Anything it raises becomes a ModelError."""

    def __init__(self, function: Callable[[ModelRequest], Any], *, name: str | None = None) -> None:
        self._function = function
        self._info = ModelInfo(name=name or getattr(function, "__name__", "") or type(function).__name__)

    @property
    def info(self) -> ModelInfo:
        return self._info

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        said: list[str] = []
        has_usage = has_finish = has_calls = False
        async with aclosing(self._events(request)) as events:
            async for event in events:
                if isinstance(event, (TextDelta, ReasoningDelta, ToolInputDelta)):
                    said.append(event.delta)
                has_usage = has_usage or isinstance(event, ModelUsage)
                has_finish = has_finish or isinstance(event, Finish)
                has_calls = has_calls or isinstance(event, ToolCall)
                yield event
        if not has_usage:
            yield estimate_usage(request, "".join(said))
        if not has_finish:
            yield Finish("tool-calls" if has_calls else "stop")

    async def _events(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        try:
            async with aclosing(_pieces(self._function, request)) as pieces:
                async for piece in pieces:
                    if piece is not None and piece != "":
                        yield _event(piece)
        except ModelError:
            raise
        except CopilotError as error:
            raise ModelError(f"The model function {self._info.name} failed: {error}", code="bad-request") from error
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            raise ModelError(
                f"The model function {self._info.name} failed: {one_line(as_ordinary(error))}",
                hint="Correct the function and ask again.",
            ) from error


async def _pieces(function: Callable[[ModelRequest], Any], request: ModelRequest) -> AsyncGenerator[Any, None]:
    """What the function gives, piece by piece, whatever kind of function it is."""
    call: Any = function if inspect.isroutine(function) else type(function).__call__
    if inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call):
        result = function(request)
    else:
        result = await in_thread(partial(function, request), "model")
    if inspect.isawaitable(result):
        result = await result
    if isinstance(result, AsyncIterable):
        iterator = cast("AsyncIterable[Any]", result).__aiter__()
        try:
            async for piece in iterator:
                yield piece
        finally:
            close = getattr(iterator, "aclose", None)
            if close is not None:
                await close()
    elif isinstance(result, Iterable) and not isinstance(result, (str, Mapping)):
        pieces = iter(cast("Iterable[Any]", result))
        while (piece := await in_thread(partial(next, pieces, _END), "model")) is not _END:
            yield piece
    else:
        yield result


def _event(piece: Any) -> ModelEvent:
    if isinstance(piece, str):
        return TextDelta(piece)
    if isinstance(piece, Mapping):
        return from_json(piece, "what it yielded")
    if isinstance(piece, tuple(EVENT_TYPES.values())):
        return piece
    raise TypeError(f"it should give text or model events, not {type(piece).__name__}")


__all__ = ["CallableModel"]
