"""The agent's own thread and event loop: nothing that a cell does can stall it, and it stalls no cell."""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from ..errors import UsageError, one_line

T = TypeVar("T")

logger = logging.getLogger(__name__)

_GRACE = 0.5
"""Seconds that tasks get to end when the process does."""

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None


def agent_loop() -> asyncio.AbstractEventLoop:
    """The loop, started on first use in a daemon thread named "copilot-agent"; one a process."""
    global _loop, _thread
    with _lock:
        if _loop is None or _thread is None or not _thread.is_alive():  # not alive: after a fork
            _loop = asyncio.new_event_loop()
            _thread = threading.Thread(target=_serve, args=(_loop,), name="copilot-agent", daemon=True)
            _thread.start()
            atexit.register(_end, _loop, _thread)
        return _loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    while True:
        try:
            loop.run_forever()
            break
        except BaseException as error:  # a task's SystemExit ends that task, not everybody's answers
            logger.exception("the agent's loop goes on: %s", one_line(error))
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.wait(tasks, timeout=_GRACE)) if tasks else None


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    """At the interpreter's exit: what is pending is cancelled, not destroyed with a complaint on standard error."""
    loop.call_soon_threadsafe(loop.stop)
    thread.join(2 * _GRACE)


class Started(Future[T]):
    """What runs on the agent's loop, for other threads. Raises UsageError where that thread itself waits for it."""

    def result(self, timeout: float | None = None) -> T:
        if not self.done() and threading.current_thread() is _thread:
            self.cancel()
            raise UsageError(
                "The agent's own thread would wait for itself.",
                hint="Ask a Copilot from a cell or from a tool's function, not from a callable that the agent calls.",
            )
        return super().result(timeout)


def start(coroutine: Coroutine[Any, Any, T]) -> Started[T]:
    """Run a coroutine on the agent's loop; from any thread."""
    loop, started = agent_loop(), Started[T]()

    def begin() -> None:
        if started.cancelled():
            coroutine.close()
            return
        task = loop.create_task(coroutine)
        started.add_done_callback(lambda _: loop.call_soon_threadsafe(task.cancel) if started.cancelled() else None)
        task.add_done_callback(lambda _: _hand_over(task, started))

    loop.call_soon_threadsafe(begin)
    return started


def _hand_over(task: asyncio.Task[T], started: Started[T]) -> None:
    error = None if task.cancelled() else task.exception()
    if task.cancelled():
        started.cancel()
    elif not started.set_running_or_notify_cancel():
        return  # whoever asked has left
    elif error is not None:
        started.set_exception(error)
    else:
        started.set_result(task.result())


__all__ = ["Started", "agent_loop", "start"]
