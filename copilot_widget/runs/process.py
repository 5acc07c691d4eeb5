"""Runs that outlive the kernel without any server: workers of this machine, over a log in SQLite.

Kernels with the same Python and the same environment share a pool: a folder with the log, and the signs of life and
the output of the workers that serve it. A worker is started when there is a run and nobody works, belongs to no
kernel, and ends when it has had nothing to do for a while. Kernels with other keys have another pool: a worker uses
the keys it was started with.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

from ..config import data_folder
from ..errors import LogError, one_line
from ..state import LOCAL, TERMINAL, RunRequest
from ..store import Store
from .base import Event, RunId
from .executor import LogExecutor
from .sqlite import SqliteLog
from .sqlite_news import SqliteBell

logger = logging.getLogger(__name__)

LOG_NAME = "runs.sqlite3"
IDLE_SECONDS = 60.0
"""How long a worker waits for another run before it ends."""
_WATCH_SECONDS = 1.0
_TOUCH_SECONDS, _SILENT_SECONDS = 1.0, 5.0
_RESTARTS = 10
"""Workers that are started in vain before no more are."""
_KEYS = ("_API_KEY", "_TOKEN", "_API_BASE", "_BASE_URL", "COPILOT_")


def pools_folder() -> Path:
    return data_folder() / "runs"


def pool_folder() -> Path:
    """The folder of this process's pool: by its Python, and a digest of what it may use of the environment."""
    names = sorted(name for name in os.environ if any(key in name for key in _KEYS))
    text = "\0".join([sys.executable, *(f"{name}={os.environ[name]}" for name in names)])
    return pools_folder() / hashlib.sha256(text.encode()).hexdigest()[:16]


class ProcessExecutor(LogExecutor):
    """An `Executor` over the pool of this process, or of `folder`."""

    def __init__(self, store: Store, folder: Path | None = None, *, owner: str = LOCAL) -> None:
        self._folder = folder or pool_folder()
        log = SqliteLog(self._folder / LOG_NAME)
        super().__init__(log, SqliteBell(log), store, owner=owner)
        self._cared: set[RunId] = set()
        self._caring: asyncio.Task[None] | None = None

    def of(self, owner: str) -> ProcessExecutor:
        return ProcessExecutor(self.store, self._folder, owner=owner)

    async def submit(self, request: RunRequest, *, idempotency_key: str) -> RunId:
        run = await super().submit(request, idempotency_key=idempotency_key)
        self._care(run)
        return run

    async def subscribe(self, run: RunId, after: int = 0) -> AsyncIterator[Event]:
        self._care(run)
        async for event in super().subscribe(run, after):
            yield event

    def _care(self, run: RunId) -> None:
        """See to it that somebody works on a run, as long as this process lives."""
        self._cared.add(run)
        if self._caring is None or self._caring.done():
            self._caring = asyncio.ensure_future(self._keep_working())

    async def _keep_working(self) -> None:
        started = 0
        while self._cared:
            await self._forget_ended()
            if self._cared and started < _RESTARTS and not worker_lives(self._folder):
                start_worker(self._folder)
                started += 1
                await self._until_alive()
            await asyncio.sleep(_WATCH_SECONDS)

    async def _until_alive(self) -> None:
        deadline = time.monotonic() + 15
        while not worker_lives(self._folder) and time.monotonic() < deadline:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)

    async def _forget_ended(self) -> None:
        for run in list(self._cared):
            try:
                info = await self.log.info(run)
            except LogError as error:
                if error.code == "unavailable":
                    logger.warning("the log: %s", one_line(error))
                    continue
                self._cared.discard(run)
            else:
                if info.status in TERMINAL:
                    self._cared.discard(run)


# ---- the worker's process --------------------------------------------------------------------------------


class SignOfLife:
    """A file that a worker locks, so that its death is seen at once, and touches, so that a worker that is stopped
    (SIGSTOP, a debugger) is seen within seconds. The system drops the lock with the process, however that ends."""

    def __init__(self, folder: Path, name: str) -> None:
        folder = folder / "workers"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / f"{name}.lock"
        self._connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        self._ended = threading.Event()

    def begin(self) -> bool:
        """False where a worker of that name lives."""
        if not _lock(self._connection):
            return False
        threading.Thread(target=self._touch, name="copilot-life", daemon=True).start()
        return True

    def end(self) -> None:
        self._ended.set()
        self._connection.close()
        self._path.unlink(missing_ok=True)

    def _touch(self) -> None:
        while not self._ended.wait(_TOUCH_SECONDS):
            os.utime(self._path)


def worker_lives(folder: Path) -> bool:
    """True where a worker serves the pool."""
    return any(_lives(path) for path in (folder / "workers").glob("*.lock"))


def _lives(path: Path) -> bool:
    try:
        connection = sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=0, isolation_level=None)
        try:
            if _lock(connection):
                path.unlink(missing_ok=True)
                return False
        finally:
            connection.close()
        return time.time() - path.stat().st_mtime < _SILENT_SECONDS
    except (sqlite3.Error, OSError):  # it is just being taken away
        return False


def _lock(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        return False
    return True


def start_worker(folder: Path) -> None:
    """Start a worker that goes on when this process, its terminal and its process group are gone."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = [sys.executable, "-m", "copilot_widget", "worker", "--pool", str(folder)]
    with (folder / "worker.log").open("ab") as output:
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )


__all__ = ["IDLE_SECONDS", "LOG_NAME", "ProcessExecutor", "SignOfLife", "pool_folder", "start_worker", "worker_lives"]
