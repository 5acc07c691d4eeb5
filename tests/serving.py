"""Processes of ours for tests that speak HTTP: `copilot-widget serve`, `copilot-widget worker`, and a client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from typing_extensions import Self

from copilot_widget.protocol import UIMessage, reduce_chunks
from copilot_widget.protocol.sse import SseParser

from .servers import RabbitServer, RedisServer, die_with_parent

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-m", "copilot_widget"]
ANN, BOB = "token-of-ann", "token-of-bob"
TOKENS = {"COPILOT_SERVE_TOKENS": f"ann={ANN},bob={BOB}"}
KINDS = ["kernel", "process", "broker"]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Of a process that keeps all it keeps in `folder`."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith("COPILOT_")}
    store = f"sqlite:///{folder / 'threads.sqlite3'}"
    own = {
        "JUPYTER_DATA_DIR": str(folder / "jupyter"),
        "COPILOT_STORE": store,
        "COPILOT_APP": "tests.serve_app:copilot",
    }
    return {**rest, **own, **more}


class OurProcess:
    """One process; `ready` is what it says when it works."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str], output: Path, ready: str) -> None:
        self.output = output
        self._ready = ready
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [*COMMAND, *arguments],
                cwd=ROOT,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                preexec_fn=die_with_parent,
            )

    def wait_ready(self, seconds: float = 60) -> Self:
        until = time.monotonic() + seconds
        while self._ready not in self.log():
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"it did not start: {self.log()}")
            time.sleep(0.02)
        return self

    def log(self) -> str:
        return self.output.read_text(errors="replace")

    @property
    def address(self) -> str:
        return next(word for word in self.log().split() if word.startswith("http://"))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def term(self, seconds: float = 60) -> int:
        """As its system would end it; returns the exit code."""
        self.process.terminate()
        return self.process.wait(seconds)

    def close(self) -> None:
        """With the workers that it has started, and that would outlive it."""
        if self.process.poll() is None:
            children = psutil.Process(self.process.pid).children(recursive=True)
            self.kill()
            for child in children:
                child.kill()


def serve(env: Mapping[str, str], output: Path, *arguments: str) -> OurProcess:
    return OurProcess(["serve", "--port", "0", *arguments], env, output, "serving on http")


def worker(env: Mapping[str, str], output: Path, *arguments: str) -> OurProcess:
    return OurProcess(["worker", "--port", "0", "--lease", "2", *arguments], env, output, " runs at once")


class Site:
    """One or two servers over the same runs."""

    def __init__(self, servers: list[OurProcess], env: dict[str, str], redis: RedisServer | None) -> None:
        self.servers = servers
        self.env = env
        self.redis = redis

    @property
    def first(self) -> str:
        return self.servers[0].address

    @property
    def other(self) -> str:
        """Another instance, where there is one."""
        return self.servers[-1].address


def sites(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Servers on the kind of executor that a fixture's parameter names."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "broker":
        with RedisServer() as redis, RabbitServer() as rabbit:
            env = environment(folder, COPILOT_REDIS=redis.url, COPILOT_AMQP=rabbit.url, **TOKENS)
            yield from _started(folder, env, 2, redis)
    else:
        env = environment(folder, COPILOT_EXECUTOR=request.param, **TOKENS)
        yield from _started(folder, env, 1 if request.param == "kernel" else 2, None)


def _started(folder: Path, env: dict[str, str], instances: int, redis: RedisServer | None) -> Iterator[Site]:
    processes = [serve(env, folder / f"serve-{n}.log") for n in range(instances)]
    servers = list(processes)
    if redis is not None:
        processes.append(worker(env, folder / "worker.log", "--workers", "20"))
    try:
        for process in processes:
            process.wait_ready()
        yield Site(servers, env, redis)
        for server in servers:
            assert "Traceback" not in server.log(), server.log()
    finally:
        for process in processes:
            process.close()


# ---- a client -----------------------------------------------------------------------------------------------


async def anns(site: Site) -> AsyncIterator[Client]:
    """Ann's client at the first server, as a fixture."""
    client = Client(site.first, ANN)
    yield client
    await client.http.aclose()


def chat_body(text: str, thread: str, message: str = "m1", **more: Any) -> dict[str, Any]:
    """As the stock client sends it."""
    user = {"id": message, "role": "user", "parts": [{"type": "text", "text": text}]}
    return {"id": thread, "messages": [user], "trigger": "submit-message", **more}


class Stream:
    """What came on a response that is a stream: `ids` and `data`, and how it ended."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.ids: list[int] = []
        self.chunks: list[dict[str, Any]] = []
        self.comments = 0
        self.done = False
        self._pieces = response.aiter_text()
        self._parser = SseParser()

    @property
    def run(self) -> str:
        return self.response.headers["x-copilot-run"]

    @property
    def message(self) -> UIMessage:
        return reduce_chunks(self.chunks)

    @property
    def text(self) -> str:
        return self.message.text

    async def read(self, events: int | None = None, *, until: str = "", comments: int | None = None) -> Self:
        """To the end, or until there are so many events, one of that type, or so many comments; then goes on."""
        async for text in self._pieces:
            self.comments += sum(line.startswith(":") for line in text.split("\n"))
            for event in self._parser.feed(text):
                if event.data == "[DONE]":
                    self.done = True
                    continue
                self.ids.append(int(event.id or 0))
                self.chunks.append(json.loads(event.data))
            seen = {chunk["type"] for chunk in self.chunks}
            if (events and len(self.ids) >= events) or until in seen or (comments and self.comments >= comments):
                break
        return self


class Client:
    """One person's view of one server."""

    def __init__(self, address: str, token: str = "") -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.AsyncClient(base_url=address, headers=headers, timeout=60)

    @asynccontextmanager
    async def stream(self, method: str, path: str, **options: Any) -> AsyncIterator[Stream]:
        async with self.http.stream(method, path, **options) as response:
            if response.status_code == 200:
                yield Stream(response)
            else:
                await response.aread()
                raise AssertionError(f"{path}: {response.status_code} {response.text}")

    async def ask(self, text: str, thread: str, message: str = "m1", **more: Any) -> Stream:
        """A whole run."""
        async with self.stream("POST", "/api/chat", json=chat_body(text, thread, message, **more)) as stream:
            return await stream.read()

    async def follow(self, run: str, after: int = 0) -> Stream:
        async with self.stream("GET", f"/api/runs/{run}/stream?after={after}") as stream:
            return await stream.read()

    async def begin(self, text: str, thread: str, events: int = 5) -> Stream:
        """A run whose client leaves after some events."""
        async with self.stream("POST", "/api/chat", json=chat_body(text, thread)) as stream:
            return await stream.read(events)

    async def status(self, run: str) -> str:
        return (await self.http.get(f"/api/runs/{run}")).json()["status"]
