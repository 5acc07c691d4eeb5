"""The agent's own thread and event loop: nothing that a cell does can stall it, and it stalls no cell."""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_GRACE = 0.5
"""Seconds that tasks get to end when the process does."""

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def agent_loop() -> asyncio.AbstractEventLoop:
    """The loop, started on first use in a daemon thread named "copilot-agent"; one a process."""
    global _loop
    with _lock:
        if _loop is None or _loop.is_closed():
            loop = asyncio.new_event_loop()
            thread = threading.Thread(target=_serve, args=(loop,), name="copilot-agent", daemon=True)
            thread.start()
            atexit.register(_end, loop, thread)
            _loop = loop
        return _loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.wait(tasks, timeout=_GRACE)) if tasks else None


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    """At the interpreter's exit: what is pending is cancelled, not destroyed with a complaint on standard error."""
    loop.call_soon_threadsafe(loop.stop)
    thread.join(2 * _GRACE)


def start(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Run a coroutine on the agent's loop; from any thread."""
    return asyncio.run_coroutine_threadsafe(coroutine, agent_loop())
