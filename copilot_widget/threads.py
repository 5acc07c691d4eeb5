"""Users' functions off the agent's loop: sync ones each in a thread, async ones in a loop of their own.

A function that blocks must not delay Stop, so none of them runs on the agent's own loop. Stop abandons the wait at
once; the thread then gets a KeyboardInterrupt, as a cell would, which ends pure Python code at its next bytecode.
Threads are daemons: a function that cannot be stopped does not keep the interpreter from exiting.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import ctypes
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_BLOCKED_SECONDS = 1.0


class Worker:
    """One call in a thread of its own, with a copy of the caller's ContextVars."""

    def __init__(self, function: Callable[[], Any], name: str) -> None:
        self.future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._function = function
        self._context = contextvars.copy_context()
        self._lock = threading.Lock()
        self._inside = False
        self._thread = threading.Thread(target=self._run, name=f"copilot tool {name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the function, if it still runs."""
        with self._lock:
            if self._inside and self._thread.ident is not None:
                _raise_in(self._thread.ident)

    def _run(self) -> None:
        try:
            self._call()
        except BaseException as error:
            if not self.future.done():
                self.future.set_exception(as_ordinary(error))

    def _call(self) -> None:
        with self._lock:
            self._inside = True
        try:
            value = self._context.run(self._function)
        except BaseException as error:
            self._leave()
            self.future.set_exception(as_ordinary(error))
        else:
            self._leave()
            self.future.set_result(value)

    def _leave(self) -> None:
        with self._lock:
            self._inside = False


def as_ordinary(error: BaseException) -> Exception:
    """`error` as one that a task may carry: SystemExit or a foreign CancelledError would tear down the agent's loop."""
    if isinstance(error, asyncio.CancelledError) or not isinstance(error, Exception):
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return RuntimeError(text)
    # StopIteration cannot be set on a future
    return RuntimeError("StopIteration") if isinstance(error, StopIteration) else error


def _raise_in(ident: int) -> None:
    """Raise KeyboardInterrupt in a thread, at its next bytecode."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(KeyboardInterrupt))


def within(seconds: float, function: Callable[[], T], name: str = "") -> T:
    """What `function` returns, called in a thread. Raises concurrent.futures.TimeoutError, and interrupts the function,
    when the time is up."""
    worker = Worker(function, name)
    worker.start()
    try:
        return worker.future.result(seconds)
    except concurrent.futures.TimeoutError:
        worker.interrupt()
        raise


async def in_thread(function: Callable[[], T], name: str = "") -> T:
    """Run `function` in a thread. Cancelling leaves at once and interrupts the function."""
    worker = Worker(function, name)
    worker.start()
    try:
        return await asyncio.wrap_future(worker.future)
    except asyncio.CancelledError:
        worker.interrupt()
        raise


class _Loop:
    """The loop for users' coroutines, started on first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def get(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._thread is None or not self._thread.is_alive():  # not alive: after a fork
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="copilot async tools", daemon=True)
                self._thread.start()
            return self._loop

    def rescue(self, loop: asyncio.AbstractEventLoop) -> None:
        """See whether `loop` still turns after a call was given up; a coroutine that blocks it is interrupted."""
        turned = threading.Event()
        loop.call_soon_threadsafe(turned.set)

        def look() -> None:
            if turned.wait(_BLOCKED_SECONDS):
                return
            with self._lock:
                if loop is self._loop and self._thread is not None and self._thread.ident is not None:
                    _raise_in(self._thread.ident)
                    self._loop = self._thread = None  # later calls get a new one

        threading.Thread(target=look, name="copilot async tools watch", daemon=True).start()


_users_loop = _Loop()


async def on_users_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await `coroutine` on the loop that only users' async functions share; cancellation reaches it."""
    loop = _users_loop.get()
    given_up = threading.Event()
    future = asyncio.run_coroutine_threadsafe(_ordinary(coroutine, given_up), loop)
    try:
        return await asyncio.shield(asyncio.wrap_future(future))
    except asyncio.CancelledError:
        given_up.set()  # before the coroutine hears of it
        future.cancel()
        _users_loop.rescue(loop)
        raise


async def _ordinary(coroutine: Coroutine[Any, Any, T], given_up: threading.Event) -> T:
    try:
        return await coroutine
    except (KeyboardInterrupt, SystemExit, asyncio.CancelledError) as error:
        if given_up.is_set():
            raise asyncio.CancelledError from error
        raise as_ordinary(error) from error


async def aside(function: Callable[[], Any], name: str = "") -> Any:
    """What `function` returns, which is run in a thread; a coroutine that it returns is awaited on the users' loop."""
    value = await in_thread(function, name)
    return await on_users_loop(_awaited(value)) if inspect.isawaitable(value) else value


async def _awaited(value: Awaitable[T]) -> T:
    return await value


__all__ = ["Worker", "as_ordinary", "aside", "in_thread", "on_users_loop", "within"]
