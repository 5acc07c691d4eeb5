"""The log in Redis beyond the contract: a server that dies, that is full, that is not ours; many readers."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import redis

from copilot_widget.errors import LogError, UsageError
from copilot_widget.funnel import StopSignal
from copilot_widget.runs.base import Commit, Event
from copilot_widget.runs.redis import RedisLog
from copilot_widget.runs.writer import Writer
from copilot_widget.state import Approval
from tests.contract.logs import ask
from tests.servers import RedisServer

DONE = Commit("completed")


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def admin(server: RedisServer) -> Iterator[Any]:
    client = redis.Redis.from_url(server.url)
    yield client
    client.config_set("maxmemory", 0)
    client.close()


@pytest.fixture
async def opened(server: RedisServer) -> AsyncIterator[Callable[..., RedisLog]]:
    """Opens the log of this test once more."""
    prefix, logs = secrets.token_hex(8), list[RedisLog]()

    def opened(url: str = server.url, **options: Any) -> RedisLog:
        logs.append(RedisLog(url, **{"prefix": prefix, **options}))
        return logs[-1]

    yield opened
    for log in logs:
        await log.close()


def chunks(*numbers: int, **more: Any) -> list[dict[str, Any]]:
    return [{"type": "data-n", "data": number, **more} for number in numbers]


async def started(log: RedisLog, run: str = "r", **options: Any) -> int:
    await log.create(ask(run, **{"thread": run, **options}), key=run)
    claim = await log.claim(run, "w")
    assert claim is not None
    return claim.fence


async def read(log: RedisLog, run: str = "r", after: int = 0) -> list[Event]:
    return [event async for event in log.read(run, after)]


async def refused(call: Any) -> LogError:
    with pytest.raises(LogError) as caught:
        await call
    return caught.value


async def test_a_redis_that_dies_in_the_middle_costs_no_event(server: RedisServer, opened: Callable[..., RedisLog]):
    log, other = opened(), opened()
    writer = Writer(log, "r", await started(log), 0, StopSignal())
    readers = [asyncio.ensure_future(read(each)) for each in (log, other, other)]

    async def die_twice() -> None:
        for _ in range(2):
            await asyncio.sleep(0.4)
            server.kill()
            await asyncio.sleep(0.5)
            server.start()

    dying, number = asyncio.ensure_future(die_twice()), 0
    while not dying.done():
        number += 1
        await writer.put(chunks(number)[0])
        await asyncio.sleep(0.0005)
    await dying
    await writer.commit(chunks(number + 1), DONE)
    for events in await asyncio.wait_for(asyncio.gather(*readers), 30):
        assert [event["chunk"]["data"] for event in events] == list(range(1, number + 2))
    assert writer.troubles > 0
    assert [event["seq"] for event in await read(opened(), after=number)] == [number + 1]


async def test_a_full_redis_takes_all_or_nothing(opened: Callable[..., RedisLog], admin: Any):
    log = opened()
    fence = await started(log)
    await log.append("r", fence, 1, chunks(1), opened=["a"])
    before = await log.info("r")
    admin.config_set("maxmemory", "1mb")
    keys = sorted(admin.keys())
    error = await refused(log.append("r", fence, 2, chunks(2), commit=DONE))
    assert error.code == "full"
    assert error.hint
    for call in (
        log.create(ask("s", thread="another"), key="s"),
        log.answer("r", "a", Approval(approved=True)),
        log.claim("r", "w2", takeover=True),
    ):
        assert (await refused(call)).code == "full"
    assert await log.info("r") == before
    assert sorted(admin.keys()) == keys
    assert log.renew({"r": fence}) == {"r": None}, "no lease is lost"
    assert await log.stop("r", "enough"), "and each run can be stopped"
    admin.config_set("maxmemory", 0)
    assert (await log.append("r", fence, 2, chunks(2), commit=DONE)).stop == "enough"
    assert len(await read(log)) == 2


async def test_a_log_that_lost_its_beginning_is_expired(opened: Callable[..., RedisLog], admin: Any):
    log = opened()
    fence = await started(log)
    for seq in (1, 2, 3):
        await log.append("r", fence, seq, chunks(seq))
    (stream,) = [key for key in admin.keys("*}:log:r") if log._base in key]
    admin.xtrim(stream, maxlen=1, approximate=False)
    assert (await refused(read(log))).code == "expired"
    assert (await refused(read(log, after=1))).code == "expired"
    live = asyncio.ensure_future(read(log, after=2))
    await asyncio.sleep(0.1)
    admin.delete(stream)
    await log.append("r", fence, 4, chunks(4), commit=DONE)
    assert [event["seq"] for event in await live] == [3, 4]
    assert (await refused(read(log))).code == "expired"


async def test_a_run_that_nobody_can_go_on_with_does_not_hold_up_its_thread(
    opened: Callable[..., RedisLog], admin: Any
):
    log = opened()
    fence = await started(log, "a", thread="t")
    await log.create(ask("b"), key="b")
    await log.append("a", fence, 1, chunks(1))
    admin.delete(*[key for key in admin.keys("*}:log:a") if log._base in key])
    assert (await refused(log.claim("a", "w2", takeover=True))).code == "expired"
    assert (await refused(log.info("a"))).code == "expired"
    assert await log.claim("b", "w2") is not None


async def test_what_somebody_deleted_holds_up_nobody(opened: Callable[..., RedisLog], admin: Any):
    log = opened(owner_limit=1)
    await started(log, "a", thread="t")
    await log.create(ask("b"), key="b")
    await log.create(ask("c", thread="another"), key="c")
    admin.delete(*[key for key in admin.keys("*}:run:a") if log._base in key])
    assert [info.run for info in await log.runs("local")] == ["c", "b"]
    claim = await log.claim("b", "w")
    assert claim is not None
    assert await log.claim("c", "w") is None
    assert list((await log.append("b", claim.fence, 1, chunks(1), commit=DONE)).ring) == ["c"]


async def test_many_readers_share_one_connection(opened: Callable[..., RedisLog], admin: Any):
    log, other = opened(), opened()
    runs = [f"r{number}" for number in range(100)]
    fences = {run: await started(log, run) for run in runs}
    before = len(admin.client_list())
    readers = [asyncio.ensure_future(read(other, run)) for run in [*runs, *runs, *runs[:20]]]
    await asyncio.sleep(0.5)
    assert len(admin.client_list()) - before <= 2
    for seq in (1, 2, 3):
        await asyncio.gather(*(log.append(run, fences[run], seq, chunks(seq)) for run in runs))
    await asyncio.gather(*(log.append(run, fences[run], 4, chunks(4), commit=DONE) for run in runs))
    for events in await asyncio.wait_for(asyncio.gather(*readers), 20):
        assert [event["seq"] for event in events] == [1, 2, 3, 4]
    assert not other._hub._followers


async def test_readers_who_are_told_nothing_find_out(opened: Callable[..., RedisLog], monkeypatch: pytest.MonkeyPatch):
    """Messages that are lost cost time, no event."""
    monkeypatch.setattr("copilot_widget.runs.redis_wire._LOOK_SECONDS", 0.3)
    log, deaf = opened(), opened()
    fence = await started(log)
    monkeypatch.setattr(deaf._hub, "_channel_of", lambda run: b"another channel")
    reading = asyncio.ensure_future(read(deaf))
    await asyncio.sleep(0.1)
    await log.append("r", fence, 1, chunks(1), commit=DONE)
    assert len(await asyncio.wait_for(reading, 5)) == 1


async def test_every_character_comes_back(opened: Callable[..., RedisLog]):
    log = opened()
    fence = await started(log)
    chunk = {"type": "text-delta", "delta": "".join(map(chr, range(0x2100))) + "\ud83d", "nan": [float("inf")]}
    await log.append("r", fence, 1, [chunk, chunk], commit=DONE)
    assert [event["chunk"] for event in await read(log)] == [chunk, chunk]


async def test_scripts_that_redis_forgot_are_given_again(opened: Callable[..., RedisLog], admin: Any):
    log = opened()
    fence = await started(log)
    admin.script_flush()
    await log.append("r", fence, 1, chunks(1))
    admin.script_flush()
    assert log.renew({"r": fence}) == {"r": None}


async def test_a_wrong_password_is_said_and_not_shown(server: RedisServer, admin: Any, opened: Callable[..., RedisLog]):
    admin.config_set("requirepass", "the-right-one")
    try:
        for url in (server.url, server.url.replace("//", "//:the-wrong-one@")):
            log = opened(url)
            for call in (log.check(), log.info("r")):
                error = await refused(call)
                assert error.code == "credentials"
                assert "wrong-one" not in str(error)
                assert error.hint
            with pytest.raises(LogError) as caught:
                log.renew({"r": 1})
            assert caught.value.code == "credentials"
        await opened(server.url.replace("//", "//:the-right-one@")).check()
    finally:
        admin.execute_command("AUTH", "the-right-one")
        admin.config_set("requirepass", "")


async def test_a_redis_that_is_not_there_is_said(opened: Callable[..., RedisLog]):
    log = opened("redis://user:secret-word@127.0.0.1:1/0")
    for call in (log.check(), log.create(ask(), key="k")):
        error = await refused(call)
        assert error.code == "unavailable"
        assert "127.0.0.1:1" in str(error)
        assert "secret-word" not in str(error)
    with pytest.raises(LogError):
        log.renew({"r": 1})
    with pytest.raises(UsageError):
        opened("http://user:secret-word@127.0.0.1")


async def test_a_redis_that_does_not_answer_is_not_waited_for(
    server: RedisServer, opened: Callable[..., RedisLog], admin: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("copilot_widget.runs.redis_wire._PATIENCE", 0.5)
    log = opened()
    await log.check()
    admin.client_pause(2000)
    assert (await refused(log.info("r"))).code == "unavailable"
    admin.client_unpause()
    assert (await refused(log.info("r"))).code == "unknown-run"


async def test_another_version_of_the_keys_is_left_alone(opened: Callable[..., RedisLog], admin: Any):
    log = opened()
    await log.check()
    (key,) = [key for key in admin.keys("*:version") if log._base in key]
    admin.set(key, "99")
    error = await refused(opened().create(ask(), key="k"))
    assert error.code == "version"
    assert "99" in str(error)
