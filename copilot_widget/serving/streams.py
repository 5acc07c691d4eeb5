"""A run's events as Server-Sent Events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Union, cast

from ..errors import CopilotError, LogError, one_line
from ..protocol.jsontext import dumps
from ..protocol.sse import COMMENT, DONE
from ..runs.base import Event

_AHEAD = 1_000
"""Events that are read before the client has taken those before them."""
_LEAVE_SECONDS = 0.5

Item = Union[Event, CopilotError, None]


async def sse(
    events: AsyncIterator[Event],
    heartbeat: float,
    *,
    closing: asyncio.Event,
    count: Callable[[int], None] = lambda _: None,
) -> AsyncIterator[str]:
    """Events as they come, those that have come meanwhile in one piece; `id:` is an event's number in the log.

    A comment goes out after each `heartbeat` seconds in which nothing happened, so that no proxy takes the silence
    for the end. Chunks pass as they are: the client may know a type of a newer version. When `closing` is set, a run
    that is at its end still gets there; any other stream breaks off. `count` is told how many events went out.
    """
    queue: asyncio.Queue[Item] = asyncio.Queue(_AHEAD)
    reading = asyncio.ensure_future(_read(events, queue))
    leaving = asyncio.ensure_future(_after(closing, queue))
    try:
        while True:
            try:
                items = [await asyncio.wait_for(queue.get(), heartbeat)]
            except asyncio.TimeoutError:
                yield COMMENT
                continue
            while not queue.empty():
                items.append(queue.get_nowait())
            logged = [item for item in items if isinstance(item, dict)]
            ends = [item for item in items if not isinstance(item, dict)]
            count(len(logged))
            text = "".join(f"id: {event['seq']}\ndata: {dumps(event['chunk'])}\n\n" for event in logged)
            if not ends:
                yield text
                continue
            yield text + (DONE if ends[0] is None else _broken(ends[0]))
            return
    finally:
        reading.cancel()
        leaving.cancel()


async def _after(closing: asyncio.Event, queue: asyncio.Queue[Item]) -> None:
    await closing.wait()
    await asyncio.sleep(_LEAVE_SECONDS)
    await queue.put(CopilotError("The server ends.", hint="The run goes on: come back with the last id."))


async def _read(events: AsyncIterator[Event], queue: asyncio.Queue[Item]) -> None:
    """The events, and then None, or the reason for which there are no more."""
    ending: CopilotError | None = None
    async with aclosing(cast("AsyncGenerator[Event, None]", events)):
        try:
            async for event in events:
                await queue.put(event)
        except CopilotError as error:
            ending = error
        except Exception as error:
            ending = CopilotError(f"Internal error: {one_line(error)}.", code="internal")
    await queue.put(ending)


def _broken(error: CopilotError) -> str:
    """The run may go on, or have ended well: nothing is said that a client could take for its end, unless there is
    nothing more to be had. Without `[DONE]` a client that knows cursors comes back."""
    gone = isinstance(error, LogError) and error.code in ("expired", "unknown-run")
    if not gone:
        return f": {' '.join(str(error).split())}\n\n"
    return f"data: {dumps({'type': 'error', 'errorText': str(error)})}\n\n{DONE}"


__all__ = ["sse"]
