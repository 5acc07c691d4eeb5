"""`copilot-widget serve` where something is wrong: at its start, around it, and at its end."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from copilot_widget.protocol import UIMessage
from copilot_widget.protocol.messages import TextPart
from copilot_widget.runs.base import Commit, Log
from copilot_widget.runs.executor import LogExecutor
from copilot_widget.runs.memory import MemoryBell, MemoryLog
from copilot_widget.runs.redis import RedisLog
from copilot_widget.serving.ports import HttpServer, listen
from copilot_widget.serving.server import Service, make_app
from copilot_widget.state import RunRequest
from copilot_widget.store import MemoryStore
from copilot_widget.store.open import open_store

from .ports import free_port
from .servers import PostgresServer, RabbitServer, RedisServer
from .serving import COMMAND, ROOT, Client, chat_body, environment, serve, worker

KERNEL = {"COPILOT_EXECUTOR": "kernel"}


class Broker(NamedTuple):
    redis: RedisServer
    rabbit: RabbitServer

    @property
    def environment(self) -> dict[str, str]:
        return {"COPILOT_REDIS": self.redis.url, "COPILOT_AMQP": self.rabbit.url}


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with RedisServer() as redis, RabbitServer() as rabbit:
        yield Broker(redis, rabbit)


@pytest.fixture
def started() -> Iterator[contextlib.ExitStack]:
    """Processes that the test has started."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def thread() -> str:
    return f"thread-{secrets.token_hex(6)}"


# ---- its start --------------------------------------------------------------------------------------------------


def refused(env: dict[str, str], *arguments: str, command: str = "serve") -> str:
    """What a process says that does not start: one line, without a traceback."""
    done = subprocess.run(
        [*COMMAND, command, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode in (1, 2), done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("copilot-widget: ")]
    assert len(said) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stderr
    return said[0]


def test_a_port_that_is_taken_is_said(tmp_path: Path):
    env = environment(tmp_path, **KERNEL)
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert f"The port {port} on 127.0.0.1 cannot be used: Address already in use" in refused(
            env, "--port", str(port)
        )
        said = refused(env, "--port", str(port), command="worker")
        assert f"The port {port} on 127.0.0.1 cannot be used: Address already in use" in said
    assert "COPILOT_SERVE_PORT is '-4'" in refused(env, "--port", "-4")
    assert "The port 70000 on 127.0.0.1 cannot be used" in refused(env, "--port", "70000")
    assert "COPILOT_SERVE_PORT is 'http'" in refused({**env, "COPILOT_SERVE_PORT": "http"})


def test_nobody_is_let_in_without_tokens_from_elsewhere(tmp_path: Path):
    env = environment(tmp_path, **KERNEL)
    assert "no token is set" in refused(env, "--host", "0.0.0.0", "--port", "0")
    both = {**env, "COPILOT_SERVE_TOKEN": "the-s3cret-one", "COPILOT_SERVICE_TOKEN": "the-s3cret-one"}
    assert "also a person's token" in refused(both, "--port", "0")


def test_an_app_that_is_not_there_is_said(tmp_path: Path):
    env = environment(tmp_path, **KERNEL)
    assert "no Copilot named 'nobody'" in refused(env, "--port", "0", "--app", "tests.serve_app:nobody")
    assert "could not be imported" in refused(env, "--port", "0", "--app", "no_such_module:copilot")


def test_servers_that_cannot_be_used_are_said_without_credentials(tmp_path: Path, broker: Broker):
    env, port = environment(tmp_path), free_port()
    away = f"127.0.0.1:{port}"
    good = broker.environment
    found = {
        "Redis": {**good, "COPILOT_REDIS": f"redis://:s3cret-word@{away}/0"},
        "RabbitMQ": {**good, "COPILOT_AMQP": f"amqp://user:s3cret-word@{away}/"},
        "refuses this user": {**good, "COPILOT_AMQP": broker.rabbit.url.replace("guest:guest", "guest:s3cret-word")},
        "conversations": {**good, "COPILOT_STORE": f"postgresql://user:s3cret-word@{away}/db"},
        "no address is set": {"COPILOT_AMQP": broker.rabbit.url},
        "COPILOT_STORE is off": {**good, "COPILOT_STORE": "off"},
    }
    for words, change in found.items():
        assert words in refused({**env, **change}, "--port", "0")
        if "COPILOT_REDIS" in change:
            assert words in refused({**env, **change}, "--port", "0", command="worker")


def test_conversations_of_another_schema_version_are_not_touched(tmp_path: Path):
    import sqlite3

    env = environment(tmp_path, **KERNEL)
    with sqlite3.connect(tmp_path / "threads.sqlite3") as database:
        database.execute("create table copilot_schema (version integer)")
        database.execute("insert into copilot_schema values (7)")
    assert "schema version 7" in refused(env, "--port", "0")
    with sqlite3.connect(tmp_path / "threads.sqlite3") as database:
        assert database.execute("select name from sqlite_master").fetchall() == [("copilot_schema",)]


# ---- streams ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def served(log: Log, **options: Any) -> AsyncIterator[Client]:
    executor = LogExecutor(log, MemoryBell(), MemoryStore())
    service = Service(executor_of=executor.of, prepare=lambda asked: request(asked.thread), **options)
    server = HttpServer(make_app(service), listen("127.0.0.1", 0))
    await server.start()
    client = Client(server.address)
    try:
        yield client
    finally:
        await client.http.aclose()
        await server.close()


def request(run: str) -> RunRequest:
    message = UIMessage(f"{run}-user", "user", [TextPart(text="x")])
    return RunRequest(run=run, thread=run, message=message, message_id=f"{run}-answer", model="demo")


@pytest.fixture(params=["memory", "redis"])
async def log(request: pytest.FixtureRequest) -> AsyncIterator[Callable[..., Log]]:
    opened: list[Log] = []

    def make(**options: Any) -> Log:
        if request.param == "memory":
            opened.append(MemoryLog(**options))
        else:
            url = request.getfixturevalue("broker").redis.url
            opened.append(RedisLog(url, prefix=secrets.token_hex(6), **options))
        return opened[-1]

    yield make
    for each in opened:
        await each.close()


async def test_a_silent_stream_shows_that_it_lives(log: Callable[..., Log]):
    runs = log()
    await runs.create(request("r"), key="r")
    async with served(runs, heartbeat=0.1) as client, client.stream("GET", "/api/runs/r/stream") as stream:
        await stream.read(comments=3)
        assert (stream.comments, stream.chunks, stream.done) == (3, [], False)
        claim = await runs.claim("r", "w")
        assert claim is not None
        newer = {"type": "hologram-of-a-newer-version", "depth": [1]}
        await runs.append("r", claim.fence, 1, [newer, {"type": "finish"}], commit=Commit("completed"))
    async with served(runs, heartbeat=0.1) as client:
        whole = await client.follow("r")
        assert whole.chunks == [newer, {"type": "finish"}]  # passed through as it is


async def test_an_expired_run_is_gone_not_unknown(log: Callable[..., Log]):
    runs = log(keep=3.0)
    await runs.create(request("r"), key="r")
    claim = await runs.claim("r", "w")
    assert claim is not None
    await runs.append("r", claim.fence, 1, [{"type": "finish"}], commit=Commit("completed"))
    async with served(runs) as client:
        assert (await client.http.get("/api/runs/r/stream")).status_code == 200
        await asyncio.sleep(3.2)
        for path in ("/api/runs/r", "/api/runs/r/stream", "/api/runs/r/stream?after=1"):
            gone = await client.http.get(path)
            assert (gone.status_code, gone.json()["error"]["code"]) == (410, "expired")
        assert (await client.http.get("/api/runs/another")).status_code == 404


async def test_pages_of_other_names_do_not_reach_a_server_without_tokens():
    async with served(MemoryLog(), origins=("https://app.example",)) as client:
        assert (await client.http.get("/api/runs")).status_code == 200
        assert (await client.http.get("/api/runs", headers={"host": "localhost:1"})).status_code == 200
        assert (await client.http.get("/api/runs", headers={"host": "app.example"})).status_code == 200
        for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "["):
            assert (await client.http.get("/api/runs", headers={"host": host})).status_code == 403
        asked = {"origin": "https://app.example", "access-control-request-method": "POST"}
        allowed = await client.http.options("/api/chat", headers=asked)
        assert allowed.headers["access-control-allow-origin"] == "https://app.example"
        assert (
            await client.http.options("/api/chat", headers={**asked, "origin": "https://b.example"})
        ).status_code == 403


# ---- around it, and its end -----------------------------------------------------------------------------------


@pytest.mark.parametrize("properly", [True, False])
async def test_an_instance_ends_and_its_clients_go_on_at_another(
    tmp_path: Path, broker: Broker, started: contextlib.ExitStack, thread: str, properly: bool
):
    env = environment(tmp_path, **broker.environment)
    ours = [serve(env, tmp_path / "a.log"), serve(env, tmp_path / "b.log"), worker(env, tmp_path / "worker.log")]
    for process in ours:
        started.callback(process.close)
        process.wait_ready()
    one, two = Client(ours[0].address), Client(ours[1].address)
    async with one.stream("POST", "/api/chat", json=chat_body("count 100", thread)) as stream:
        await stream.read(10)
        run = stream.run
        if properly:
            ended = asyncio.ensure_future(asyncio.to_thread(ours[0].term))
            await stream.read()
            assert await ended == 0
            assert "Traceback" not in ours[0].log()
        else:
            ours[0].kill()
            with pytest.raises(httpx.HTTPError):
                await stream.read()
        assert not stream.done  # nothing that a client could take for the end of the run
        assert {chunk["type"] for chunk in stream.chunks} <= {"start", "start-step", "text-start", "text-delta"}
        with pytest.raises(httpx.HTTPError):
            await one.status(run)
    rest = await two.follow(run, after=stream.ids[-1])
    assert stream.ids + rest.ids == list(range(1, len(stream.ids + rest.ids) + 1))
    assert (await two.follow(run)).text.split() == [str(n) for n in range(100)]


async def test_the_log_goes_away_and_comes_back(
    tmp_path: Path, broker: Broker, started: contextlib.ExitStack, thread: str
):
    env = environment(tmp_path, **broker.environment)
    server, works = serve(env, tmp_path / "serve.log"), worker(env, tmp_path / "worker.log")
    for process in (server, works):
        started.callback(process.close)
        process.wait_ready()
    client = Client(server.address)
    async with client.stream("POST", "/api/chat", json=chat_body("count 100", thread)) as stream:
        await stream.read(10)
        broker.redis.kill()
        await asyncio.sleep(1.5)
        ready = await client.http.get("/ready")
        assert (ready.status_code, ready.json()) == (503, _NOT_READY)
        assert (await client.http.get("/health")).status_code == 200
        asked = await client.http.get(f"/api/runs/{stream.run}")
        assert (asked.status_code, asked.json()["error"]["code"]) == (503, "unavailable")
        broker.redis.start()
    whole = await client.follow(stream.run)
    assert whole.text.split() == [str(n) for n in range(100)]
    await asyncio.sleep(1.1)
    assert (await client.http.get("/ready")).status_code == 200


_NOT_READY = {"status": "not ready", "runs": "unavailable", "conversations": "ok"}


async def test_workers_reach_the_conversations_through_the_server_alone(
    tmp_path: Path, broker: Broker, started: contextlib.ExitStack, thread: str
):
    with PostgresServer() as postgres:
        secret = {"COPILOT_SERVICE_TOKEN": "token-of-the-service", "COPILOT_SERVE_TOKEN": "token-of-people"}
        env = environment(tmp_path, **broker.environment, **secret, COPILOT_STORE=postgres.url)
        server = serve(env, tmp_path / "serve.log")
        started.callback(server.close)
        server.wait_ready()
        proxied = {**env, "COPILOT_SERVICE_URL": server.address}
        del proxied["COPILOT_STORE"]
        works = worker(proxied, tmp_path / "worker.log")
        started.callback(works.close)
        works.wait_ready()
        client = Client(server.address, "token-of-people")
        await client.ask("one", thread)
        assert (await client.ask("two", thread, "m2")).text == "one | two"
        store = open_store(postgres.url)
        kept = await store.messages("local", thread)
        assert [message.text for message in kept] == ["one", "one", "two", "one | two"]
        await store.close()
        assert (await client.http.post("/service/threads/check", json={})).status_code == 401  # a person's token
        assert not (tmp_path / "jupyter").exists() or not list((tmp_path / "jupyter").rglob("threads*"))


def test_a_worker_with_a_wrong_service_token_does_not_start(
    tmp_path: Path, broker: Broker, started: contextlib.ExitStack
):
    env = environment(tmp_path, **broker.environment, COPILOT_SERVICE_TOKEN="token-of-the-service")
    server = serve(env, tmp_path / "serve.log")
    started.callback(server.close)
    server.wait_ready()
    wrong = {**env, "COPILOT_SERVICE_URL": server.address, "COPILOT_SERVICE_TOKEN": "another-s3cret"}
    del wrong["COPILOT_STORE"]
    done = subprocess.run(
        [*COMMAND, "worker", "--port", "0"],
        cwd=ROOT,
        env=wrong,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "refuses this token" in done.stderr
    assert "s3cret" not in done.stderr


async def test_runs_of_the_server_itself_are_brought_to_an_end(
    tmp_path: Path, started: contextlib.ExitStack, thread: str
):
    env = environment(tmp_path, **KERNEL)
    server = serve(env, tmp_path / "serve.log")
    started.callback(server.close)
    server.wait_ready()
    client = Client(server.address)
    async with client.stream("POST", "/api/chat", json=chat_body("count 5000", thread)) as stream:
        await stream.read(10)
        ended = asyncio.ensure_future(asyncio.to_thread(server.term))
        await stream.read()
        assert stream.chunks[-1] == {"type": "abort", "reason": "the server was shut down"}
        assert stream.done
    assert await ended == 0
    store = open_store(env["COPILOT_STORE"])
    asked, answered = await store.messages("local", thread)
    assert asked.text == "count 5000"
    assert answered.text.startswith("0 1 2 ")  # what was said is kept
    await store.close()


async def test_a_server_keeps_the_logs_of_its_own_runs_for_as_long_as_it_is_told(
    tmp_path: Path, started: contextlib.ExitStack, thread: str
):
    server = serve(environment(tmp_path, **KERNEL, COPILOT_KEEP="0"), tmp_path / "serve.log")
    started.callback(server.close)
    server.wait_ready()
    client = Client(server.address)
    answer = await client.ask("count 5", thread)
    assert answer.done
    gone = await client.http.get(f"/api/runs/{answer.run}/stream")
    assert (gone.status_code, gone.json()["error"]["code"]) == (410, "expired")
    assert "Traceback" not in server.log()
