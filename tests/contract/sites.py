"""Whole sites for the fault suite: a log, a bell, conversations, and workers in processes of their own.

Each site is what its users would run: the workers are `copilot-widget worker`, the servers are real.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from copilot_widget.protocol import UIMessage
from copilot_widget.protocol.messages import TextPart
from copilot_widget.runs.executor import LogExecutor
from copilot_widget.runs.process import LOG_NAME
from copilot_widget.state import RunRequest

ROOT = Path(__file__).resolve().parents[2]
LEASE = 2.0
_WORKER = [sys.executable, "-m", "copilot_widget", "worker"]


class WorkerProcess:
    """One `copilot-widget worker`."""

    def __init__(self, arguments: list[str], env: dict[str, str], output: Path) -> None:
        self.output = output
        with output.open("ab") as file:
            self.process = subprocess.Popen(
                [*_WORKER, "--lease", str(LEASE), *arguments],
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    def wait_ready(self) -> WorkerProcess:
        until = time.monotonic() + 30
        while " runs at once" not in self.log():
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"the worker did not start: {self.log()}")
            time.sleep(0.02)
        return self

    def log(self) -> str:
        return self.output.read_text(errors="replace")

    @property
    def address(self) -> str:
        """Where it serves health and metrics."""
        return next(word for word in self.log().split() if word.startswith("http://"))

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.address + path, timeout=5)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def term(self) -> None:
        self.process.terminate()

    def wait(self, seconds: float = 60) -> int:
        return self.process.wait(seconds)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(10)


class Site:
    """What the suite needs of an implementation."""

    name = ""
    app = "tests.contract.fault_app:copilot"
    """What its workers serve."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workers: list[WorkerProcess] = []
        self._numbers = itertools.count()
        self.env = {
            **os.environ,
            "COPILOT_STORE": f"sqlite:///{folder / 'threads.sqlite3'}",
            "JUPYTER_DATA_DIR": str(folder / "jupyter"),
        }

    def executor(self, owner: str = "local") -> LogExecutor:
        """A client's view of the site; each call is another client."""
        raise NotImplementedError

    def start_worker(self, *arguments: str) -> WorkerProcess:
        worker = self.begin_worker(*arguments)
        return worker.wait_ready()

    def begin_worker(self, *arguments: str) -> WorkerProcess:
        """Start one, without waiting until it works."""
        output = self.folder / f"worker-{next(self._numbers)}.log"
        worker = WorkerProcess(["--app", self.app, *self.worker_arguments(), *arguments], self.env, output)
        self.workers.append(worker)
        return worker

    def worker_arguments(self) -> list[str]:
        return []

    def restart_log(self) -> None:
        """Take the log away for a moment, as roughly as it can be, and bring it back with its data."""
        raise NotImplementedError

    def close(self) -> None:
        for worker in self.workers:
            worker.close()

    # ---- what is asked ----------------------------------------------------------------------------------

    def script(self, steps: list[Any]) -> str:
        """A model that answers from a script; in a step, a string is text."""
        steps = [[{"type": "text", "text": each} if isinstance(each, str) else each for each in step] for step in steps]
        path = self.folder / f"{secrets.token_hex(6)}.json"
        path.write_text(json.dumps({"steps": steps, "end": "last"}))  # an answer that was cut may count as one
        return f"script:{path}"

    def ask(self, model: str, *, run: str | None = None, thread: str | None = None, **options: Any) -> RunRequest:
        run = run or f"run-{secrets.token_urlsafe(8)}"
        message = UIMessage(id=f"{run}-user", role="user", parts=[TextPart(text="go")])
        thread = thread or f"thread-of-{run}"
        return RunRequest(run=run, thread=thread, message=message, message_id=f"{run}-answer", model=model, **options)


class ProcessSite(Site):
    """Detached processes of this machine over SQLite."""

    name = "process"

    def executor(self, owner: str = "local") -> LogExecutor:
        from copilot_widget.runs.sqlite import SqliteLog
        from copilot_widget.runs.sqlite_news import SqliteBell
        from copilot_widget.store.open import open_store

        log = SqliteLog(self.folder / "pool" / LOG_NAME)
        return LogExecutor(log, SqliteBell(log), open_store(self.env["COPILOT_STORE"]), owner=owner)

    def worker_arguments(self) -> list[str]:
        return ["--pool", str(self.folder / "pool")]

    def restart_log(self) -> None:
        """There is no server to restart: another process holds the database for longer than its users wait."""
        import sqlite3

        connection = sqlite3.connect(self.folder / "pool" / LOG_NAME, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(2)
        connection.execute("ROLLBACK")
        connection.close()


class BrokerSite(Site):
    """Workers behind RabbitMQ, logs in Redis, conversations in SQLite."""

    name = "broker"

    def __init__(self, folder: Path, redis: Any, rabbit: Any) -> None:
        super().__init__(folder)
        self.redis, self.rabbit = redis, rabbit
        self.env |= {"COPILOT_REDIS": redis.url, "COPILOT_AMQP": rabbit.url, "COPILOT_WORKER_PORT": "0"}

    def executor(self, owner: str = "local") -> LogExecutor:
        from copilot_widget.runs.amqp import AmqpBell
        from copilot_widget.runs.redis import RedisLog
        from copilot_widget.store.open import open_store

        store = open_store(self.env["COPILOT_STORE"])
        return LogExecutor(RedisLog(self.redis.url), AmqpBell(self.rabbit.url), store, owner=owner)

    def restart_log(self) -> None:
        self.redis.kill()
        time.sleep(0.5)
        self.redis.start()


def sites(request: Any, folder: Path) -> Iterator[Site]:
    """The site that a test's parameter names."""
    if request.param == "process":
        site: Site = ProcessSite(folder)
    else:
        redis, rabbit = request.getfixturevalue("redis_server"), request.getfixturevalue("rabbit_server")
        site = BrokerSite(folder, redis, rabbit)
    try:
        yield site
    finally:
        site.close()
