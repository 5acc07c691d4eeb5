"""What stores say where something is wrong: addresses, credentials, servers that are away, services of another kind."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from copilot_widget.errors import CopilotError, StoreError, UsageError
from copilot_widget.store import MemoryStore
from copilot_widget.store.open import open_store
from copilot_widget.store.remote import RemoteStore
from copilot_widget.store.sql import SqlStore

from .stores import TOKEN, PostgresPlace, SqlitePlace, said, service, texts


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
        assert user not in str(refused.value)
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


@pytest.mark.parametrize(
    "url", ["ftp://service", "service:80", "https://ann:s3cret-word@service", "http://[", "http://h:x"]
)
def test_a_service_address_that_cannot_be_meant_is_refused_at_once(url: str):
    with pytest.raises(CopilotError) as refused:
        RemoteStore(url, TOKEN)
    assert "s3cret-word" not in str(refused.value)
