"""What every store of conversations promises; each implementation is run through the same tests."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from copilot_widget.errors import CopilotError, StoreError, UsageError
from copilot_widget.protocol import UIMessage
from copilot_widget.protocol.messages import TextPart
from copilot_widget.store import MemoryStore, base, sql
from copilot_widget.store.open import open_store
from copilot_widget.store.remote import RemoteStore
from copilot_widget.store.sql import SCHEMA, SqlStore

from .stores import TOKEN, Place, PostgresPlace, SqlitePlace, place, service

SHARED = ["sqlite", "postgres", "proxied sqlite", "proxied postgres"]


@pytest_asyncio.fixture(params=["memory", *SHARED])
async def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(request.param, request, tmp_path) as found:
        yield found


@pytest_asyncio.fixture(params=SHARED)
async def shared(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """Places that several processes can use."""
    async with place(request.param, request, tmp_path) as found:
        yield found


def said(text: str, message_id: str = "m", role: Any = "user") -> UIMessage:
    return UIMessage(message_id, role, [TextPart(text=text)])


async def texts(store: Any, owner: str = "ann", thread: str = "t") -> list[str]:
    return [message.text for message in await store.messages(owner, thread)]


# ---- what is kept -------------------------------------------------------------------------------------------


async def test_messages_are_kept_in_order(anywhere: Place):
    store = anywhere.open()
    assert await store.messages("ann", "t") == []
    for n in range(12):
        await store.put("ann", "t", said(f"text {n}", f"id {-n}"))
    assert await texts(anywhere.open()) == [f"text {n}" for n in range(12)]


async def test_a_message_that_is_put_again_keeps_its_place(anywhere: Place):
    store = anywhere.open()
    for name in ("a", "b", "c"):
        await store.put("ann", "t", said(name, name))
    await store.put("ann", "t", said("b, later", "b"))
    await store.put("ann", "t", said("d", "d"))
    await store.put("ann", "t", said("a, later", "a"))
    assert await texts(store) == ["a, later", "b, later", "c", "d"]


async def test_owners_and_threads_are_apart(anywhere: Place):
    store = anywhere.open()
    pairs = [("ann", "t"), ("bob", "t"), ("ann", "u"), ("ann t", ""), ("", "ann t"), ('ann", "t', ""), ("ANN", "t")]
    for owner, thread in pairs:
        await store.put(owner, thread, said(f"{owner}|{thread}"))
    for owner, thread in pairs:
        assert await texts(store, owner, thread) == [f"{owner}|{thread}"]
    await store.clear("ann", "t")
    assert [await texts(store, *pair) for pair in pairs] == [[], *([f"{o}|{t}"] for o, t in pairs[1:])]


async def test_a_thread_that_was_cleared_begins_anew(anywhere: Place):
    store = anywhere.open()
    await store.put("ann", "t", said("old", "a"))
    await store.clear("ann", "t")
    await store.clear("ann", "t")
    await store.put("ann", "t", said("new", "b"))
    await store.put("ann", "t", said("newer", "a"))
    assert await texts(store) == ["new", "newer"]


@pytest.mark.parametrize(
    "text",
    [
        "ümläut 日本語 🧠👩‍🔬",
        "nul \0 in it",
        "half a \ud83e pair",
        "\udde0\ud83e",
        "\u2028 \x1b \x7f \r\n '\";--",
        "\\u0000",
    ],
)
async def test_any_text_comes_back_as_it_was(anywhere: Place, text: str):
    store, message = anywhere.open(), said(text, f"id {text}")
    message.metadata = {text: [text]}
    await store.put(f"owner {text}", f"thread {text}", message)
    await store.put(f"owner {text}", f"thread {text}", said("next", "id"))
    assert (await anywhere.open().messages(f"owner {text}", f"thread {text}"))[0] == message
    await store.clear(f"owner {text}", f"thread {text}")
    assert await store.messages(f"owner {text}", f"thread {text}") == []


async def test_every_part_of_a_message_is_kept_also_of_a_newer_version(anywhere: Place):
    wire: dict[str, Any] = {
        "id": "a",
        "role": "assistant",
        "metadata": {"usage": {"promptTokens": 3}, "cost": 0.000_001},
        "parts": [
            {"type": "step-start"},
            {"type": "reasoning", "text": "hm", "state": "done"},
            {
                "type": "tool-lookup",
                "toolCallId": "c",
                "state": "output-available",
                "input": {"n": 10**20},
                "output": None,
                "approval": {"id": "p", "approved": True},
            },
            {"type": "data-display", "id": "c", "data": {"text/html": "<b>"}},
            {"type": "hologram", "depth": [1, {"x": None}]},
        ],
        "later": {"than": "us"},
    }
    await anywhere.open().put("ann", "t", UIMessage.from_wire(wire))
    [kept] = await anywhere.open().messages("ann", "t")
    assert kept.to_wire() == UIMessage.from_wire(wire).to_wire()


async def test_long_names_and_big_messages_are_kept(anywhere: Place):
    store, name = anywhere.open(), "x" * 10_000
    big = said("é" * 4_000_000, name)
    await store.put(name, name, big)
    await store.put(name, name + "y", said("other"))
    assert await store.messages(name, name) == [big]


async def test_a_message_that_is_too_large_is_refused_and_nothing_is_lost(
    shared: Place, monkeypatch: pytest.MonkeyPatch
):
    store = shared.open()
    await store.put("ann", "t", said("small"))
    monkeypatch.setattr(base, "MAX_MESSAGE_BYTES", 1_000)
    with pytest.raises(StoreError, match=r"up to 0\.001 MB") as refused:
        await store.put("ann", "t", said("x" * 1_000))
    assert refused.value.code == "too-large"
    assert await texts(store) == ["small"]


# ---- several at once ----------------------------------------------------------------------------------------


async def test_puts_at_once_all_count(anywhere: Place):
    stores = [anywhere.open() for _ in range(3)]
    await asyncio.gather(*(stores[n % 3].put("ann", "t", said(str(n), str(n))) for n in range(60)))
    kept = await texts(stores[0])
    assert sorted(kept, key=int) == [str(n) for n in range(60)]
    assert await texts(stores[1]) == kept


_WRITER = """
import asyncio, sys
from copilot_widget.protocol import UIMessage
from copilot_widget.protocol.messages import TextPart
from copilot_widget.store.open import open_store

async def main(me):
    store = open_store()
    sys.stdin.readline()
    for n in range(20):
        await store.put("ann", "t", UIMessage(f"{me} {n}", "user", [TextPart(text=f"{me} {n}")]))
        await store.put("ann", "t", UIMessage("everybody's", "user", [TextPart(text=f"by {me}")]))
    await store.close()

asyncio.run(main(sys.argv[1]))
"""


async def test_processes_that_begin_at_once_make_one_schema_and_lose_nothing(shared: Place):
    writers = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _WRITER,
            str(me),
            env=shared.environment,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for me in range(4)
    ]
    ended = await asyncio.gather(*(writer.communicate(b"\n") for writer in writers))
    assert [(writer.returncode, error.decode()) for writer, (_, error) in zip(writers, ended, strict=True)] == [
        (0, "")
    ] * 4
    kept = await texts(shared.open())
    assert len(kept) == 81
    for me in range(4):
        assert [text for text in kept if text.startswith(f"{me} ")] == [f"{me} {n}" for n in range(20)]
    assert shared.execute("select version from copilot_schema") == [(SCHEMA,)]


async def test_a_writer_that_is_held_up_gives_up_in_time_and_can_try_again(
    shared: Place, monkeypatch: pytest.MonkeyPatch
):
    store = shared.open()
    await store.put("ann", "t", said("one", "1"))
    holder = shared.hold()
    monkeypatch.setattr(sql, "_ANSWER_SECONDS", 0.3)
    with pytest.raises(StoreError, match="no answer within") as late:
        await store.put("ann", "t", said("two", "2"))
    assert late.value.code == "unavailable"
    assert await texts(store) == ["one"]  # readers do not wait for writers
    monkeypatch.undo()
    holder.close()
    await store.put("ann", "t", said("two", "2"))
    assert await texts(store) == ["one", "two"]


# ---- what can be wrong ----------------------------------------------------------------------------------------


async def test_a_schema_of_another_version_is_refused_and_left_alone(shared: Place):
    await shared.open().put("ann", "t", said("kept"))
    for other in (SCHEMA + 1, 0):
        shared.execute(f"update copilot_schema set version = {other}")
        with pytest.raises(StoreError) as refused:
            await shared.open().check()
        assert refused.value.code == "version"
        assert f"schema version {other}" in refused.value.message
        assert f"knows version {SCHEMA}" in refused.value.message
        assert "COPILOT_STORE" in refused.value.hint
    shared.execute(f"update copilot_schema set version = {SCHEMA}")
    assert await texts(shared.open()) == ["kept"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "cannot be read"),
        ("mysql://ann:s3cret-word@host/db", "cannot be kept in mysql"),
        ("postgresql://ann:s3cret-word@host:port/db", "cannot be read"),
        ("postgresql://ann:s3cret-word@host/db?pool_size=many", "pool_size"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_at_once(url: str, words: str):
    with pytest.raises(UsageError, match=words) as refused:
        open_store(url)
    assert "s3cret-word" not in str(refused.value)


async def test_a_database_that_cannot_be_reached_is_one_sentence_without_credentials():
    for store in (
        SqlStore("postgresql://some-user:s3cret-word@127.0.0.1:9/db"),
        RemoteStore("http://127.0.0.1:9", "s3cret-word"),
    ):
        with pytest.raises(StoreError, match=r"127\.0\.0\.1:9") as refused:
            await store.messages("ann", "t")
        assert refused.value.code == "unavailable"
        assert "s3cret-word" not in str(refused.value)
        assert "some-user" not in str(refused.value)
        assert refused.value.__cause__ is None
        assert refused.value.__suppress_context__
        await store.close()


async def test_a_wrong_password_is_said_without_telling_it(postgres_server: Any):
    address = postgres_server.url.partition("@")[2]
    for user in ("copilot", "nobody-here"):
        store = SqlStore(f"postgresql://{user}:s3cret-word@{address}")
        with pytest.raises(StoreError, match="refuses this user") as refused:
            await store.check()
        assert refused.value.code == "credentials"
        assert "s3cret-word" not in str(refused.value)
        await store.close()


async def test_files_that_are_no_database_are_left_alone(tmp_path: Path):
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but some notes " * 100)
    (tmp_path / "a-file").write_text("")
    for path in (text, tmp_path, tmp_path / "a-file" / "threads.sqlite3"):
        store = SqlStore(f"sqlite:///{path}")
        with pytest.raises(StoreError, match="cannot be used") as refused:
            await store.check()
        assert str(path) in refused.value.message
        await store.close()
    assert text.read_text().startswith("not a database")


async def test_a_wrong_token_is_refused_whatever_is_asked():
    store = MemoryStore()
    await store.put("ann", "t", said("secret"))
    async with service(store) as address:
        wrong = RemoteStore(address, "another-token")
        for call in (wrong.check(), wrong.messages("ann", "t"), wrong.clear("ann", "t")):
            with pytest.raises(StoreError, match="refuses this token") as refused:
                await call
            assert refused.value.code == "credentials"
            assert "another-token" not in str(refused.value)
        await wrong.close()
    assert await texts(store) == ["secret"]


async def test_the_service_answers_what_it_does_not_understand():
    import httpx

    async with service(MemoryStore()) as address, httpx.AsyncClient(base_url=address + "/service/threads") as client:
        good: dict[str, Any] = {"version": 1, "owner": "ann", "thread": "t"}
        client.headers["authorization"] = f"Bearer {TOKEN}"
        answers = {
            (await client.post("/messages", content=content)).status_code: name
            for name, content in {
                "no JSON": b"{",
                "another version": json.dumps({**good, "version": 2}).encode(),
                "fine": json.dumps(good).encode(),
            }.items()
        }
        assert answers == {400: "no JSON", 409: "another version", 200: "fine"}
        assert (await client.post("/messages", json={"version": 1, "owner": 3, "thread": "t"})).status_code == 400
        assert (await client.post("/put", json={**good, "message": {"role": "nobody"}})).status_code == 400
        assert (await client.post("/unheard-of", json=good)).status_code == 404
        assert (await client.post("/put", content=b"x" * 66_000_000)).status_code == 413
        del client.headers["authorization"]
        refused = await client.post("/messages", json=good)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthorized")


async def test_a_service_of_another_kind_or_version_is_said():
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, PlainTextResponse
    from starlette.routing import Route

    from copilot_widget.serving.ports import HttpServer, listen

    answers = {
        "/newer": (JSONResponse({"version": 2, "messages": []}), "store", "cannot be understood"),
        "/page": (PlainTextResponse("<html>"), "store", "cannot be understood"),
        "/down": (PlainTextResponse("", 502), "unavailable", "HTTP status 502"),
    }
    routes = [
        Route(f"{path}/service/threads/check", lambda _, answer=answer: answer, methods=["POST"])
        for path, (answer, *_) in answers.items()
    ]
    server = HttpServer(Starlette(routes=routes), listen("127.0.0.1", 0))
    await server.start()
    for path, code, words in [
        *((path, *expected) for path, (_, *expected) in answers.items()),
        ("", "store", "keeps no"),
    ]:
        store = RemoteStore(server.address + path, TOKEN)
        with pytest.raises(StoreError, match=words) as refused:
            await store.check()
        assert refused.value.code == code
        await store.close()
    await server.close()


async def test_the_database_may_go_away_and_come_back(request: pytest.FixtureRequest, postgres_server: Any):
    direct = PostgresPlace(postgres_server)
    store = direct.open()
    await store.put("ann", "t", said("before", "1"))
    postgres_server.kill()
    with pytest.raises(StoreError) as refused:
        await store.put("ann", "t", said("meanwhile", "2"))
    assert refused.value.code == "unavailable"
    postgres_server.start()
    await store.put("ann", "t", said("after", "3"))
    postgres_server.restart()  # connections of the pool are dead, and nobody has told it
    assert await texts(store) == ["before", "after"]
    await store.close()


async def test_a_process_keeps_as_many_connections_as_the_url_says(postgres_server: Any):
    direct = PostgresPlace(postgres_server)
    store = SqlStore(f"{direct.url}&application_name={direct.name}&pool_size=3")
    count = f"select count(*) from pg_stat_activity where application_name = '{direct.name}'"
    await asyncio.gather(*(store.put("ann", str(n), said(str(n))) for n in range(30)))
    assert direct.execute(count) == [(3,)]
    await store.close()
    while direct.execute(count) != [(0,)]:  # noqa: ASYNC110 - the server notices a moment later
        await asyncio.sleep(0.05)


async def test_a_new_file_is_its_users_alone(tmp_path: Path):
    found = SqlitePlace(tmp_path)
    store = found.open()
    await store.check()
    assert found.path.stat().st_mode & 0o077 == 0
    assert found.path.parent.stat().st_mode & 0o077 == 0
    await store.close()


# ---- which one it is --------------------------------------------------------------------------------------------


def test_the_surroundings_say_where_conversations_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("COPILOT_STORE", "COPILOT_SERVICE_URL", "COPILOT_SERVICE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    assert open_store()._database.address == str(tmp_path / "copilot" / "threads.sqlite3")  # type: ignore[attr-defined]
    monkeypatch.setenv("COPILOT_SERVICE_URL", "https://service")
    with pytest.raises(UsageError, match="no token"):
        open_store()
    monkeypatch.setenv("COPILOT_SERVICE_TOKEN", TOKEN)
    assert isinstance(open_store(), RemoteStore)
    monkeypatch.setenv("COPILOT_STORE", "postgresql://u:p@127.0.0.1:9/db")
    assert isinstance(open_store(), SqlStore)  # a database URL: direct
    monkeypatch.setenv("COPILOT_STORE", "off")
    assert isinstance(open_store(), MemoryStore)
    assert isinstance(open_store(f"sqlite:///{tmp_path}/x"), SqlStore)  # the argument goes first


@pytest.mark.parametrize(
    "url", ["ftp://service", "service:80", "https://ann:s3cret-word@service", "http://[", "http://h:x"]
)
def test_a_service_address_that_cannot_be_meant_is_refused_at_once(url: str):
    with pytest.raises(CopilotError) as refused:
        RemoteStore(url, TOKEN)
    assert "s3cret-word" not in str(refused.value)


def test_the_library_of_databases_waits_for_the_first_use():
    code = "import sys, copilot_widget.store; print({'sqlalchemy', 'psycopg', 'httpx'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
