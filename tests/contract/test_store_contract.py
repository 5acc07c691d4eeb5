"""What every store of conversations promises; each implementation is run through the same tests."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from copilot_widget.errors import StoreError, UsageError
from copilot_widget.protocol import UIMessage
from copilot_widget.store import MemoryStore, base, sql
from copilot_widget.store.open import open_store
from copilot_widget.store.remote import RemoteStore
from copilot_widget.store.sql import SCHEMA, SqlStore

from .stores import TOKEN, Place, place, said, texts

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
    await store.put("ann", "t", said("e", "e"), said("c, later", "c"), said("f", "f"))
    await store.put("ann", "t")
    assert await texts(anywhere.open()) == ["a, later", "b, later", "c, later", "d", "e", "f"]


async def test_the_end_of_a_conversation_is_known_without_the_rest(anywhere: Place):
    store = anywhere.open()
    assert await store.last("ann", "t") is None
    for name in ("a", "b \0 \ud800", "c"):
        await store.put("ann", "t", said(name, name))
    await anywhere.open().put("ann", "t", said("a, later", "a"))
    assert await store.last("ann", "t") == "c"
    await store.truncate("ann", "t", "b \0 \ud800")
    assert await anywhere.open().last("ann", "t") == "b \0 \ud800"
    await store.clear("ann", "t")
    assert await store.last("ann", "t") is None


async def test_what_follows_a_message_is_forgotten(anywhere: Place):
    store = anywhere.open()
    for name in ("a", "b", "c", "d"):
        await store.put("ann", "t", said(name, name))
    await store.put("ann", "u", said("d", "d"))
    await store.truncate("ann", "t", "nothing")
    await store.truncate("ann", "nothing", "a")
    assert await texts(store) == ["a", "b", "c", "d"]
    await store.truncate("ann", "t", "b")
    await store.truncate("ann", "t", "b")
    assert await texts(anywhere.open()) == ["a", "b"]
    await store.put("ann", "t", said("e", "e"))
    assert await texts(store) == ["a", "b", "e"]
    assert await texts(store, "ann", "u") == ["d"]


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


async def test_stores_that_begin_at_once_make_one_schema(shared: Place):
    await asyncio.gather(*(shared.open().check() for _ in range(8)))
    await asyncio.gather(*(shared.open().put("ann", "t", said(str(n), str(n))) for n in range(8)))
    assert len(await texts(shared.open())) == 8
    assert shared.execute("select version from copilot_schema") == [(SCHEMA,)]


async def test_new_files_that_several_open_at_once(tmp_path: Path):
    """SQLite refuses a second one at once, without waiting, while the first switches a new file to its log."""
    for n in range(40):
        stores = [SqlStore(tmp_path / f"{n}.sqlite3") for _ in range(4)]
        await asyncio.gather(*(store.check() for store in stores))
        for store in stores:
            await store.close()


_WRITER = """
import asyncio, sys
from copilot_widget.protocol import UIMessage
from copilot_widget.protocol.messages import TextPart
from copilot_widget.store.open import open_store

async def main(me):
    store = open_store()
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(20):
        await store.put("ann", "t", UIMessage(f"{me} {n}", "user", [TextPart(text=f"{me} {n}")]))
        await store.put("ann", "t", UIMessage("everybody's", "user", [TextPart(text=f"by {me}")]))
    await store.close()

asyncio.run(main(sys.argv[1]))
"""


async def test_processes_that_begin_at_once_make_one_schema_and_lose_nothing(shared: Place):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    start = asyncio.create_subprocess_exec
    writers = [await start(sys.executable, "-c", _WRITER, str(me), env=shared.environment, **pipes) for me in range(4)]
    for writer in writers:
        assert writer.stdout is not None
        assert await writer.stdout.readline() == b"ready\n"
    ended = await asyncio.gather(*(writer.communicate(b"\n") for writer in writers))
    assert [error.decode() for _, error in ended] == [""] * 4
    assert [writer.returncode for writer in writers] == [0] * 4
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


# ---- lists ------------------------------------------------------------------------------------------------------


def answered(text: str, message_id: str, **metadata: Any) -> UIMessage:
    message = said(text, message_id, "assistant")
    message.metadata = metadata or None
    return message


async def listed(store: Any, owner: str = "ann", **asked: Any) -> list[str]:
    return [each.thread for each in await store.conversations(owner, **asked)]


async def test_conversations_are_listed_by_place_and_found_by_words(anywhere: Place):
    store = anywhere.open()
    for owner, thread, where, title in (
        ("ann", "t1", "/a/x.ipynb", "Sales of May"),
        ("ann", "t2", "/b/x.ipynb", "Äpfel 100%"),
        ("bob", "t1", "/a/x.ipynb", "Bob's"),
        ("ann", "unasked", "/a/x.ipynb", "Nothing was asked"),
    ):
        await store.label(owner, thread, place=where, title=title)
        if thread != "unasked":
            await store.put(owner, thread, said(f"{title} please", "q1"))
    await store.put("ann", "t0", said("not labelled", "q1"))
    await store.put("ann", "t1", answered("First ÄRGER.", "a1", model="m/one", cost=0.25))
    await store.put("ann", "t1", answered("First, better.", "a1", model="m/one", cost=0.5))
    await store.put("ann", "t1", said("And then?", "q2"))
    await store.put("ann", "t1", answered("The_end of ÄRGER.", "a2", model="m/two", cost=0.25))
    await store.put("ann", "t2", answered("So.", "a1", model="m/one"))
    assert await listed(store) == ["t2", "t1"]  # the latest first
    assert await listed(store, place="/a/x.ipynb") == ["t1"]
    assert await listed(store, "bob") == ["t1"]
    assert await listed(store, "eve") == []
    (first,) = await store.conversations("ann", place="/a/x.ipynb")
    told = (first.title, first.place, first.turns, first.model, first.cost)
    assert told == ("Sales of May", "/a/x.ipynb", 2, "m/two", 0.75)
    assert 0 <= first.updated - first.created < 60
    (second,) = await store.conversations("ann", place="/b/x.ipynb")
    assert (second.turns, second.cost) == (1, None)  # an answer without a price
    for words, found in (
        (["ärger"], ["t1"]),
        (["SALES", "the_end"], ["t1"]),
        (["the%end"], []),
        (["100%"], ["t2"]),
        (["äpfel", "so."], ["t2"]),
        (["sales", "so."], []),
        (["first ärger"], []),  # it was replaced
        (["bob"], []),
    ):
        assert await listed(store, words=words) == found, words


async def test_a_label_is_changed_in_part_and_goes_with_its_conversation(anywhere: Place):
    store = anywhere.open()
    await store.label("ann", "t", place="/a", title="first")
    await store.put("ann", "t", said("a question", "q"))
    await store.label("ann", "t", title="second \0 \ud800")
    await store.label("ann", "t")
    (held,) = await store.conversations("ann", place="/a")
    assert held.title.startswith("second ")
    await store.clear("ann", "t")
    assert await store.conversations("ann") == []
    assert await store.messages("ann", "t") == []


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_what_version_1_has_kept_is_brought_along(kind: str, request: pytest.FixtureRequest, tmp_path: Path):
    async with place(kind, request, tmp_path) as found:
        await found.open().put("ann", "t", said("kept", "1"))
        found.execute("drop index copilot_threads_by_place")
        for table, names in sql._NEW_IN_2.items():
            for name in names:
                found.execute(f"alter table {table.name} drop column {name}")
        found.execute("update copilot_schema set version = 1")
        stores = [found.open(), found.open()]
        await asyncio.gather(*(store.label("ann", "t", place="/a", title="old") for store in stores))
        await stores[0].put("ann", "t", said("new", "2"))
        assert await texts(stores[1]) == ["kept", "new"]
        assert await listed(stores[1], place="/a", words=["new"]) == ["t"]
        assert found.execute("select version from copilot_schema") == [(SCHEMA,)]


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


def test_the_library_of_databases_waits_for_the_first_use():
    code = "import sys, copilot_widget.store; print({'sqlalchemy', 'psycopg', 'httpx'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
