"""A server that runs as a child of this process: its lines, its last words, and its end.

A child gets a session of its own, so that an interrupt of the kernel does not reach it and its end takes its own
children along. It ends with its Copilot, or at exit; where this process is killed, the closed pipe tells it.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from ...errors import UsageError, redact

MESSAGE_LIMIT = 10_000_000
"""Bytes of one message of a server. An image that a card can show is smaller; more would cost memory for nothing."""

_CHUNK = 65_536
_GRACE = 1.0
"""Seconds that a child gets to end after its input was closed, and again after SIGTERM."""
_EXIT_GRACE = 0.4
"""The same while this process ends."""
_TAIL_LINES, _TAIL_WIDTH = 6, 300
_POSIX = os.name == "posix"
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)

_living: set[Child] = set()


class Child:
    """One running child; made by `start`."""

    def __init__(self, process: asyncio.subprocess.Process, secrets: Sequence[str]) -> None:
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._parent = os.getpid()
        self._secrets = secrets
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._listening = asyncio.ensure_future(self._listen())
        if not _living:
            atexit.unregister(_end_all)  # registered anew, to come before the end of the loop that serves the pipes
            atexit.register(_end_all)
        _living.add(self)

    @classmethod
    async def start(
        cls, command: str, args: Sequence[str], env: Mapping[str, str], cwd: str | None, secrets: Sequence[str] = ()
    ) -> Child:
        """Raises UsageError where there is no such program or folder."""
        program = shutil.which(command, path=env.get("PATH")) or command
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                *args,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=dict(env),
                cwd=cwd,
                limit=_CHUNK,
                start_new_session=_POSIX,
            )
        except (OSError, ValueError) as error:
            raise _not_started(command, cwd, error) from None
        return cls(process, secrets)

    async def lines(self) -> AsyncIterator[bytes | None]:
        """Lines of its standard output until that ends; None for one of more than MESSAGE_LIMIT bytes."""
        output = self._process.stdout
        assert output is not None
        held: list[bytes] = []
        size = 0
        while chunk := await output.read(_CHUNK):
            *ended, rest = chunk.split(b"\n")
            for end in ended:
                yield None if size + len(end) > MESSAGE_LIMIT else b"".join([*held, end])
                held.clear()
                size = 0
            size += len(rest)
            if size <= MESSAGE_LIMIT:
                held.append(rest)
            else:
                held.clear()  # what is too long is counted, not kept

    async def write(self, data: bytes) -> None:
        """Raises OSError where it reads no more."""
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def last_words(self) -> str:
        """The last lines of its standard error, without known keys."""
        return redact("\n".join(self._tail), *self._secrets)

    async def ended(self, timeout: float) -> str:
        """How it ended, in words ("exited with code 3"); "" where it has not within `timeout` seconds.

        Looked at, not awaited: asyncio also waits for the pipes, which a grandchild may hold open.
        """
        deadline = time.monotonic() + timeout
        while self._process.returncode is None and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return _ending(self._process.returncode)

    async def stop(self) -> None:
        """End it as the protocol asks: close its input, then SIGTERM, then SIGKILL. Cancelled, it is killed at once."""
        stopping = asyncio.ensure_future(self._stop())
        try:
            await asyncio.shield(stopping)
        except asyncio.CancelledError:
            self._signal(_KILL)
            await asyncio.wait({stopping}, timeout=_GRACE)
            raise

    async def _stop(self) -> None:
        try:
            self._close_input()
            for number in (signal.SIGTERM, _KILL):
                if not await self.ended(_GRACE):
                    self._signal(number)
            await self.ended(_GRACE)
        finally:
            self._signal(_KILL)  # also what it has left behind
            _living.discard(self)
            self._listening.cancel()
            transport = getattr(self._process, "_transport", None)  # asyncio closes it only after the pipes
            if transport is not None:
                with contextlib.suppress(PermissionError):
                    transport.close()

    async def _listen(self) -> None:
        """Keep the last lines of its standard error; a full pipe would hold it up."""
        errors = self._process.stderr
        assert errors is not None
        rest = ""
        while chunk := await errors.read(_CHUNK):
            *lines, rest = (rest + chunk.decode("utf-8", "replace")).split("\n")
            rest = rest[-_TAIL_WIDTH:]
            self._tail.extend(line.strip()[:_TAIL_WIDTH] for line in lines[-_TAIL_LINES:] if line.strip())
        if rest.strip():
            self._tail.append(rest.strip())

    def _close_input(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if _POSIX:
                os.killpg(self._process.pid, number)
            elif self._process.returncode is None:
                self._process.terminate()

    # ---- at exit, from the main thread ---------------------------------------------------------------------

    def begin_end(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._close_input)

    def force_end(self, number: int) -> None:
        self._signal(number)

    @property
    def is_ours(self) -> bool:
        """False in a fork of the process that started it."""
        return self._parent == os.getpid()

    @property
    def lives(self) -> bool:
        return self._process.returncode is None


def _end_all() -> None:
    """At the interpreter's exit: no child outlives it."""
    children = [child for child in _living if child.is_ours]
    for child in children:
        child.begin_end()
    for number in (signal.SIGTERM, _KILL):
        deadline = time.monotonic() + _EXIT_GRACE
        while any(child.lives for child in children) and time.monotonic() < deadline:
            time.sleep(0.01)
        for child in children:
            child.force_end(number)


def _ending(code: int | None) -> str:
    if code is None:
        return ""
    if code >= 0:
        return f"exited with code {code}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"


def _not_started(command: str, cwd: str | None, error: OSError | ValueError) -> UsageError:
    if cwd is not None and not Path(cwd).is_dir():
        return UsageError(f"its folder {cwd} is not there", hint='Correct "cwd" of its entry.')
    if isinstance(error, FileNotFoundError):
        return UsageError(
            f"there is no program {command!r} on PATH", hint='Install it, or give its whole path as "command".'
        )
    if isinstance(error, PermissionError):
        return UsageError(f"{command!r} may not be executed", hint="Check its permissions.")
    reason = error.strerror if isinstance(error, OSError) else "its arguments or variables hold a NUL byte"
    return UsageError(f"{command!r} could not be started: {reason}", hint=f"Try it in a terminal of {sys.platform}.")


__all__ = ["MESSAGE_LIMIT", "Child"]
