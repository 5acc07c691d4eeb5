"""Code on the kernel's main thread, between cells, asked for by the agent's thread.

`MainThread.run(function)` waits its turn behind the running cell: ipykernel ≥ 7 guards its shell messages with an
asyncio lock, ipykernel 6 with a queue, and our call takes its place there like a cell, so that not even an async cell
that awaits is disturbed. A cell (or a plain program) that waits for a run serves such calls itself: `serve_until`,
`serve`.

Stop interrupts: a SIGINT to the main thread while, and only while, our call is what runs there. The kernel ignores
SIGINT between requests, hence a handler of our own for the time of the call; it raises only inside the call.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import math
import signal
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from types import FrameType
from typing import Any, TypeVar

from ..errors import ToolError
from .call import Call, beside, cell_on_stack, guarded, inside, interrupted, keep, main_frame, send_sigint

T = TypeVar("T")

_POLL_SECONDS = 0.02  # how late a served wait notices its end; a Condition cannot wait for two things
_STATUS_SECONDS = 0.1
_GRACE_SECONDS = 1.0  # that interrupted code has to end in, so that what it printed is not lost


def is_headless(shell: Any = None) -> bool:
    """Whether nobody can answer a question: nbclient, papermill, a plain program."""
    kernel = getattr(shell, "kernel", None)
    return kernel is None or getattr(kernel, "_allow_stdin", True) is False


class MainThread:
    """The kernel's main thread, or that of a plain program, as a place to run functions. Make one per process."""

    def __init__(self, shell: Any = None) -> None:
        self._shell = shell
        self._kernel: Any = getattr(shell, "kernel", None)
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._waiting: deque[Call] = deque()
        self._stack: list[Call] = []  # what runs on the main thread now; more than one only where code waits for a run
        self._armed: Call | None = None  # the call whose own code is on the Python stack
        self._serving = 0
        self._wakers: list[Callable[[], None]] = []
        self._own_loop: asyncio.AbstractEventLoop | None = None
        self._in_cell = cell_on_stack(main_frame())  # made in a cell, as a rule
        if shell is not None and hasattr(shell, "events"):
            shell.events.register("pre_run_cell", self._cell_begins)
            shell.events.register("post_run_cell", self._cell_ends)

    # ---- asking: from any thread ---------------------------------------------------------------------------

    async def run(
        self,
        function: Callable[[], T | Awaitable[T]],
        *,
        notify: Callable[[str], None] | None = None,
        timeout: float = math.inf,
    ) -> T:
        """Run a function (or coroutine function) on the main thread between cells and return its result.

        `notify` gets "waiting for cell [12]" while it waits and "" when it starts. Cancelling leaves at once and
        interrupts the function. `timeout` counts seconds from the start; then it is interrupted, and a ToolError
        raised if it has not ended by itself within a second.
        """
        call = self.submit(function)
        try:
            await self.started(call, notify)
            future = asyncio.wrap_future(call.future)
            done, _ = await asyncio.wait({future}, timeout=None if math.isinf(timeout) else timeout)
            if not done:
                call.interrupt()
                done, _ = await asyncio.wait({future}, timeout=_GRACE_SECONDS)
            if not done:
                raise ToolError(f"It took longer than {timeout:g} s and could not be interrupted.", code="timeout")
            return future.result()
        finally:
            self._give_up(call)

    def submit(self, function: Callable[[], Any]) -> Call:
        """Put a function in the queue; `Call.future` has its result."""
        call = Call(self, function)
        with self._lock:
            self._waiting.append(call)
            wakers = list(self._wakers)
        self._wake.set()
        for wake in wakers:
            wake()
        if self._kernel is not None:
            self._kernel.io_loop.asyncio_loop.call_soon_threadsafe(self._request_turn)
        return call

    async def started(self, call: Call, notify: Callable[[str], None] | None = None) -> None:
        """Return when the call runs or has ended; meanwhile tell what it waits for."""
        told = ""
        future = asyncio.wrap_future(call.future)
        future.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # read, so not complained about
        while not call.started and not call.future.done():
            await asyncio.wait({future}, timeout=_STATUS_SECONDS)
            status = "" if call.started or call.future.done() else self.waits_for()
            if notify is not None and status != told:
                notify(status)
                told = status
        if told and notify is not None:
            notify("")

    def waits_for(self) -> str:
        """What keeps the main thread from our next call, in words."""
        running = self._stack[-1] if self._stack else None
        if running is not None:
            return "waiting for code that does not stop" if running.interrupted else "waiting for another tool"
        if self.in_cell():
            number = self.cell_number()
            return f"waiting for cell [{number}]" if number else "waiting for a cell"
        return "waiting for the kernel" if self._kernel is not None else "waiting for the main thread"

    def cell_number(self) -> int | None:
        """The number of the running cell; where none runs, of the last one."""
        # Not execution_count: IPython 9 counts on before the cell runs, earlier ones after it.
        history = getattr(getattr(self._shell, "history_manager", None), "input_hist_parsed", None)
        return len(history) - 1 if history else None

    def in_cell(self) -> bool:
        """Whether a cell runs on the main thread now, be it awaiting."""
        return self._in_cell

    def _give_up(self, call: Call) -> None:
        if not call.future.done() or call.future.cancelled():
            self._interrupt(call)
            call.future.cancel()

    def _interrupt(self, call: Call) -> None:
        with self._lock:
            if call in self._waiting:
                call.given_up = True
                self._waiting.remove(call)
                call.finish(error=interrupted())
            elif call in self._stack:
                # Under the lock, so that the call cannot end and a cell begin between the look and the signal.
                if not call.interrupted:
                    call.interrupted = True
                    send_sigint()
            else:
                call.given_up = True

    # ---- serving: on the main thread -----------------------------------------------------------------------

    def serve_until(self, done: threading.Event | Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait on the main thread for `done` and run what is asked for meanwhile. False where the time was up first.

        On another thread it only waits. KeyboardInterrupt passes through to the caller.
        """
        is_done = done.is_set if isinstance(done, threading.Event) else done
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        here = threading.current_thread() is threading.main_thread()
        with self._served() if here else contextlib.nullcontext():
            return self._serve_until(is_done, deadline, here)

    def _serve_until(self, is_done: Callable[[], bool], deadline: float, here: bool) -> bool:
        while True:
            while here and (call := self._next()) is not None:
                self._execute_here(call)
            if is_done():
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if here:
                self._wake.wait(min(left, _POLL_SECONDS))
                self._wake.clear()
            else:
                time.sleep(min(left, _POLL_SECONDS))

    async def serve(self, awaitable: Awaitable[T]) -> T:
        """`await awaitable` in an async cell or program, and run what is asked of the main thread meanwhile."""
        if threading.current_thread() is not threading.main_thread():
            return await awaitable
        loop, wake = asyncio.get_running_loop(), asyncio.Event()
        task = asyncio.ensure_future(awaitable)

        def waker() -> None:
            loop.call_soon_threadsafe(wake.set)

        with self._lock:
            self._wakers.append(waker)
        try:
            with self._served():
                return await self._serve(task, wake)
        finally:
            with self._lock:
                self._wakers.remove(waker)
            task.cancel()

    async def _serve(self, task: asyncio.Future[T], wake: asyncio.Event) -> T:
        while not task.done():
            wake.clear()
            while (call := self._next()) is not None:
                await self._execute(call)
            woken = asyncio.ensure_future(wake.wait())
            await asyncio.wait({task, woken}, return_when=asyncio.FIRST_COMPLETED)
            woken.cancel()
        return await task

    @contextlib.contextmanager
    def _served(self) -> Generator[None, None, None]:
        self._serving += 1
        try:
            yield
        finally:
            self._serving -= 1

    @property
    def is_served(self) -> bool:
        """Whether a cell (or a plain program) waits for a run now, and serves calls meanwhile."""
        return self._serving > 0

    def _next(self) -> Call | None:
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    # ---- turns between cells -------------------------------------------------------------------------------

    def _request_turn(self) -> None:
        """On the kernel's loop: get in line behind the cells that were asked for before."""
        kernel = self._kernel
        if isinstance(getattr(kernel, "_main_asyncio_lock", None), asyncio.Lock):
            keep(self._locked_turn(kernel._main_asyncio_lock))
        elif hasattr(kernel, "msg_queue") and hasattr(kernel, "schedule_dispatch"):
            kernel.schedule_dispatch(self._turn)
        else:
            keep(self._patient_turn())

    async def _locked_turn(self, lock: asyncio.Lock) -> None:
        async with lock:
            await self._turn()

    async def _patient_turn(self) -> None:
        """For kernels whose way of ordering requests is unknown: look again until no cell runs."""
        while self.in_cell():  # noqa: ASYNC110 - an event would have to be set from IPython's callbacks in any thread
            await asyncio.sleep(_POLL_SECONDS)
        await self._turn()

    async def _turn(self) -> None:
        call = self._next()
        if call is not None:
            await self._execute(call)

    # ---- running -------------------------------------------------------------------------------------------

    async def _execute(self, call: Call) -> None:
        if not self._begin(call):
            return
        value, error = None, None
        try:
            value, error = self._call(call)
            if inspect.isawaitable(value):
                value, error = await self._awaited(call, value)
        finally:
            self._end(call)
            call.finish(value, error)

    def _execute_here(self, call: Call) -> None:
        """As `_execute`, inside a cell that blocks the thread's own loop: coroutines run on a loop beside it."""
        if not self._begin(call):
            return
        value, error = None, None
        try:
            value, error = self._call(call)
            if inspect.isawaitable(value):
                loop = self._own_loop = self._own_loop or asyncio.new_event_loop()
                value, error = beside(loop, self._awaited(call, value))
        finally:
            self._end(call)
            call.finish(value, error)

    def _call(self, call: Call) -> tuple[Any, BaseException | None]:
        """The function's value, or the error; a KeyboardInterrupt that was meant for it ends here."""
        outer = self._armed
        try:
            try:
                self._armed = call
                return call.context.run(call.function), None
            finally:
                self._armed = outer
        except KeyboardInterrupt:
            return None, interrupted()
        except BaseException as error:
            return None, error

    async def _awaited(self, call: Call, value: Awaitable[Any]) -> tuple[Any, BaseException | None]:
        call.task = task = call.context.run(asyncio.ensure_future, guarded(value))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:  # the cell that serves was interrupted
            task.cancel()
            raise
        finally:
            call.task = None
        if task.cancelled():
            return None, interrupted()
        error = task.exception()
        return (None, error) if error is not None else (task.result(), None)

    def _begin(self, call: Call) -> bool:
        """From here on the call can be interrupted. False where it was given up meanwhile."""
        if threading.current_thread() is threading.main_thread():
            call.handler = signal.getsignal(signal.SIGINT)
            if call.handler is not None:  # None: set by C code, which we could not put back
                signal.signal(signal.SIGINT, self._on_sigint)
        with self._lock:
            if not call.given_up:
                self._stack.append(call)
                call.started = True
        if not call.started:
            self._restore(call)
        return call.started

    def _restore(self, call: Call) -> None:
        if call.handler is not None:
            signal.signal(signal.SIGINT, call.handler)

    def _end(self, call: Call) -> None:
        with self._lock:
            self._stack.remove(call)
        # A signal sent before that must arrive while our handler is in place, and not in the next cell.
        deadline = time.monotonic() + 0.5
        while call.interrupted and not call.delivered and time.monotonic() < deadline:
            time.sleep(0.001)
        self._restore(call)

    def _on_sigint(self, signum: int, frame: FrameType | None) -> None:
        """Ours or the front end's interrupt button: both mean the code that runs."""
        for call in list(self._stack):
            call.delivered = True
        if self._armed is not None or inside(frame, guarded):
            raise KeyboardInterrupt
        task = self._stack[-1].task if self._stack else None
        if task is not None:
            task.get_loop().call_soon_threadsafe(task.cancel)

    # ---- cells ---------------------------------------------------------------------------------------------

    def _cell_begins(self, *_: Any) -> None:
        if threading.current_thread() is threading.main_thread():  # else a cell on a subshell
            self._in_cell = True

    def _cell_ends(self, *_: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            self._in_cell = cell_on_stack(main_frame())  # a cell may have run another one by run_cell

    def close(self) -> None:
        """Forget the shell. Calls that wait fail."""
        if self._shell is not None and hasattr(self._shell, "events"):
            self._shell.events.unregister("pre_run_cell", self._cell_begins)
            self._shell.events.unregister("post_run_cell", self._cell_ends)
        while (call := self._next()) is not None:
            call.finish(error=interrupted())


__all__ = ["Call", "MainThread", "is_headless"]
