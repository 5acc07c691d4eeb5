"""A command of the system's shell that is running: its output, its end, and the end of all that it has started.

It gets a session of its own (on POSIX), hence a process group that can be ended as a whole: SIGTERM, then SIGKILL for
what is left a second later. What the command leaves in the background ends with it. A process that takes a session of
its own (setsid, a daemon) gets away. Where this process dies, however it does, a small watcher ends the group: it waits
for the end of a pipe that only we hold. On Windows `taskkill /T` ends the tree, and only an orderly exit is noticed.
"""

from __future__ import annotations

import atexit
import concurrent.futures
import contextlib
import os
import re
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

GRACE_SECONDS = 1.0
"""From SIGTERM to SIGKILL."""
KEPT = 64_000
"""Bytes of output that are kept, of its beginning and of its end together."""

_POSIX = os.name == "posix"
_WATCH = 'read _; kill -KILL -"$1"'
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")

_alive: weakref.WeakSet[Command] = weakref.WeakSet()


class Output:
    """The beginning and the end of a stream of any length. Any thread may add and read."""

    def __init__(self, limit: int = KEPT) -> None:
        self._lock = threading.Lock()
        self._room = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self.size = 0
        """Bytes that have come."""

    def add(self, data: bytes) -> None:
        with self._lock:
            self.size += len(data)
            taken = self._room - len(self._head)
            self._head += data[:taken]
            self._tail += data[taken:]
            if len(self._tail) > 4 * self._room:  # not each time: it copies
                del self._tail[: -self._room]

    def text(self) -> str:
        """What was kept, without the escapes and the overwritten lines of a terminal; a marker says what is missing."""
        with self._lock:
            head, tail = bytes(self._head), bytes(self._tail[-self._room :])
            missing = self.size - len(head) - len(tail)
        if missing == 0:
            return _plain(head + tail)
        marker = f"\n… [{missing:,} of {self.size:,} bytes cut] …\n"
        return f"{_plain(head)}{marker}{_plain(tail)}"


def _plain(data: bytes) -> str:
    text = _ESCAPE.sub("", data.decode("utf-8", "replace")).replace("\r\n", "\n").replace("\0", "")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


class Command:
    """Starts at once. `exit_code` is done when it has ended, and what it left behind has, too.

    Raises OSError or ValueError where it cannot be started.
    """

    def __init__(self, text: str, folder: Path, environment: Mapping[str, str]) -> None:
        own: dict[str, Any] = {"start_new_session": True} if _POSIX else {"creationflags": 0x200}
        self.output = Output()
        self.exit_code: concurrent.futures.Future[int] = concurrent.futures.Future()
        """Negative: the signal that ended it."""
        self._lock = threading.Lock()
        self._over = False
        self._process = subprocess.Popen(
            text,
            shell=True,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **own,
        )
        self._watcher = _watcher(self._process.pid) if _POSIX else None
        self._reader = threading.Thread(target=self._read, name="copilot command output", daemon=True)
        self._reader.start()
        threading.Thread(target=self._wait, name="copilot command", daemon=True).start()
        _alive.add(self)

    def end(self) -> None:
        """End it and all that it has started; returns at once."""
        if self._signal(_TERMINATE):
            timer = threading.Timer(GRACE_SECONDS, self._signal, [_KILL])
            timer.daemon = True
            timer.start()

    def kill(self) -> None:
        """The same without grace."""
        self._signal(_KILL)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError), self._process.stdout as stream:
            while data := os.read(stream.fileno(), 65_536):
                self.output.add(data)

    def _wait(self) -> None:
        code = self._process.wait()
        self._end_rest()
        with self._lock:
            self._over = True
        self._reader.join(GRACE_SECONDS)  # who has got away may keep the pipe open
        if self._watcher is not None:
            self._watcher.kill()  # before its pipe is closed, which it would take for our end
            self._watcher.communicate()
        self.exit_code.set_result(code)

    def _end_rest(self) -> None:
        """What was left in the background. While any of it lives, its group's number is not given to others."""
        if not self._signal(_TERMINATE):
            return
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and self._signal(0):
            time.sleep(0.02)
        self._signal(_KILL)

    def _signal(self, number: int) -> bool:
        """Send a signal to the whole group. False where there is none any more."""
        with self._lock:
            if self._over:
                return False
            if not _POSIX:
                return self._end_tree()
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                return False
            except PermissionError:  # what is left of it runs as somebody else
                return False
            return True

    def _end_tree(self) -> bool:
        if self._process.poll() is not None:
            return False
        quiet = subprocess.DEVNULL
        subprocess.run(
            ["taskkill", "/F", "/T", "/PID", str(self._process.pid)], stdout=quiet, stderr=quiet, check=False
        )
        return True


_TERMINATE = int(signal.SIGTERM)
_KILL = int(getattr(signal, "SIGKILL", signal.SIGTERM))


def _watcher(group: int) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        ["/bin/sh", "-c", _WATCH, "sh", str(group)],
        stdin=subprocess.PIPE,
        stdout=quiet,
        stderr=quiet,
        start_new_session=True,
    )


@atexit.register
def _end_all() -> None:
    for command in list(_alive):
        command.kill()


__all__ = ["Command", "Output"]
