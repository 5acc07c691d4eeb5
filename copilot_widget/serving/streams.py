"""A run's events as Server-Sent Events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Union, cast

from ..errors import CopilotError, LogError, one_line
from ..protocol.jsontext import dumps
from ..protocol.sse import COMMENT, DONE, to_sse
from ..protocol.wire import parse_chunk
from ..runs.base import Event

_AHEAD = 1_000
"""Events that are read before the client has taken those before them."""
_LEAVE_SECONDS = 0.5

Item = Union[Event, str, CopilotError, None]
"""An event, a comment, the reason why there are no more, or None: the run has ended."""


async def sse(
    events: AsyncIterator[Event],
    heartbeat: float,
    *,
    closing: asyncio.Event,
    count: Callable[[int], None] = lambda _: None,
    strict: bool = False,
) -> AsyncIterator[str]:
    """Events as they come, those that have come meanwhile in one piece; `id:` is an event's number in the log.

    A comment goes out after each `heartbeat` seconds in which nothing happened, so that no proxy takes the silence
    for the end. Chunks pass as they are: the client may know a type of a newer version. When `closing` is set, a run
    that is at its end still gets there; any other stream breaks off. `count` is told how many events went out.
    `strict`: see `to_sse`.
    """
    encode = _strict if strict else _plain
    queue: asyncio.Queue[Item] = asyncio.Queue(_AHEAD)
    reading = asyncio.ensure_future(_read(events, queue))
    leaving = asyncio.ensure_future(_after(closing, queue))
    try:
        while True:
            items = [await _next(queue, heartbeat)]
            if isinstance(items[0], str):
                yield items[0]
                continue
            while not queue.empty():
                items.append(queue.get_nowait())
            logged = [item for item in items if isinstance(item, dict)]
            ends = [item for item in items if item is None or isinstance(item, CopilotError)]
            count(len(logged))
            text = "".join(map(encode, logged))
            if not ends:
                yield text
                continue
            yield text + (DONE if ends[0] is None else _broken(ends[0]))
            return
    finally:
        reading.cancel()
        leaving.cancel()


def _plain(event: Event) -> str:
    return f"id: {event['seq']}\ndata: {dumps(event['chunk'])}\n\n"


def _strict(event: Event) -> str:
    return to_sse(parse_chunk(event["chunk"]), strict=True, event_id=event["seq"])


async def _next(queue: asyncio.Queue[Item], heartbeat: float) -> Item:
    """What comes next; a comment, where that takes so many seconds.

    A timer puts it into the queue, since `asyncio.wait_for` makes a task for each event before Python 3.12.
    """
    if not queue.empty():
        return queue.get_nowait()
    timer = asyncio.get_running_loop().call_later(heartbeat, _remark, queue)
    try:
        return await queue.get()
    finally:
        timer.cancel()


def _remark(queue: asyncio.Queue[Item]) -> None:
    if queue.empty():  # nothing has come in the last moment
        queue.put_nowait(COMMENT)


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
