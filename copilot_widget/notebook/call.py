"""One function on its way to the main thread and through it, and what it takes to interrupt it there."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..errors import ToolError
from ..threads import as_ordinary

if TYPE_CHECKING:
    from .kernel import MainThread

T = TypeVar("T")

_RUNS_A_CELL = {"run_cell_async", "_run_cell", "run_ast_nodes"}


def interrupted() -> ToolError:
    return ToolError("The call was interrupted.", code="interrupted")


class Call:
    """One function on its way to the main thread and through it; made by `MainThread.submit`."""

    def __init__(self, main: MainThread, function: Callable[[], Any]) -> None:
        self._main = main
        self.function = function
        self.context = contextvars.copy_context()
        self.future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self.started = False
        self.given_up = False
        self.interrupted = False
        """A SIGINT was sent."""
        self.delivered = False
        """… and has arrived."""
        self.task: asyncio.Future[Any] | None = None
        self.handler: Any = None
        """What handled SIGINT before."""

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the function if it runs now; take it out of the queue if it waits."""
        self._main._interrupt(self)  # pyright: ignore[reportPrivateUsage]

    def finish(self, value: Any = None, error: BaseException | None = None) -> None:
        try:
            if error is not None:
                self.future.set_exception(as_ordinary(error))
            else:
                self.future.set_result(value)
        except concurrent.futures.InvalidStateError:
            pass  # whoever waited has gone


async def guarded(value: Awaitable[Any]) -> Any:
    """A KeyboardInterrupt must not reach the event loop, which would end the kernel."""
    try:
        return await value
    except (KeyboardInterrupt, SystemExit) as error:
        raise interrupted() if isinstance(error, KeyboardInterrupt) else as_ordinary(error) from None


def send_sigint() -> None:
    if hasattr(signal, "pthread_kill"):
        ident = threading.main_thread().ident
        assert ident is not None
        signal.pthread_kill(ident, signal.SIGINT)  # a real signal: it ends a time.sleep or a read as well
    else:
        import _thread

        _thread.interrupt_main()


def main_frame() -> FrameType | None:
    return sys._current_frames().get(threading.main_thread().ident or 0)  # pyright: ignore[reportPrivateUsage]


def cell_on_stack(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name in _RUNS_A_CELL and "IPython" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


def inside(frame: FrameType | None, function: Callable[..., Any]) -> bool:
    while frame is not None:
        if frame.f_code is function.__code__:
            return True
        frame = frame.f_back
    return False


_kept: set[asyncio.Task[Any]] = set()


def keep(coroutine: Coroutine[Any, Any, None]) -> None:
    """A task that is not collected before its end."""
    task = asyncio.ensure_future(coroutine)
    _kept.add(task)
    task.add_done_callback(_kept.discard)


def beside(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on `loop`, also where another loop of this thread is in the middle of a step."""
    outer = asyncio._get_running_loop()
    if outer is None:
        return loop.run_until_complete(coroutine)
    swap = cast(
        "Any", getattr(asyncio.tasks, "_swap_current_task", None)
    )  # Python 3.14 allows one current task a thread
    task = swap(outer, None) if swap else None
    asyncio._set_running_loop(None)
    try:
        return loop.run_until_complete(coroutine)
    finally:
        asyncio._set_running_loop(outer)
        if swap:
            swap(outer, task)


__all__ = ["Call", "beside", "cell_on_stack", "guarded", "inside", "interrupted", "keep", "main_frame", "send_sigint"]
