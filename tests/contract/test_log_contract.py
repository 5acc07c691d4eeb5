"""What every event log promises; each implementation is run through the same tests."""

import asyncio
from collections.abc import Callable

import pytest

from copilot_widget.errors import LogError
from copilot_widget.runs.base import Event, Log
from copilot_widget.runs.memory import MemoryLog

LOGS: dict[str, Callable[[], Log]] = {"memory": MemoryLog}


@pytest.fixture(params=LOGS)
def log(request: pytest.FixtureRequest) -> Log:
    return LOGS[request.param]()


def chunks(*numbers: int) -> list[dict]:
    return [{"type": "data-n", "data": number} for number in numbers]


async def read(log: Log, after: int = 0) -> list[Event]:
    return [event async for event in log.read("r", after)]


async def started(log: Log) -> int:
    assert await log.create("r")
    return await log.claim("r")


async def test_events_are_numbered_from_one_and_read_from_any_cursor(log: Log):
    fence = await started(log)
    await log.append("r", fence, 1, chunks(1, 2))
    await log.append("r", fence, 3, chunks(3), "completed")
    events = await read(log)
    assert [(event["seq"], event["chunk"]["data"]) for event in events] == [(1, 1), (2, 2), (3, 3)]
    assert [event["seq"] for event in await read(log, 2)] == [3]
    assert await read(log, 3) == []


async def test_a_reader_gets_what_is_there_and_then_what_comes_until_the_end(log: Log):
    fence = await started(log)
    await log.append("r", fence, 1, chunks(1))
    reading = asyncio.ensure_future(read(log))
    for seq in range(2, 50):
        await asyncio.sleep(0)
        await log.append("r", fence, seq, chunks(seq))
    await log.append("r", fence, 50, chunks(50), "failed")
    assert [event["seq"] for event in await reading] == list(range(1, 51))


async def test_what_is_there_already_is_skipped(log: Log):
    fence = await started(log)
    await log.append("r", fence, 1, chunks(1, 2, 3))
    await log.append("r", fence, 2, chunks(20, 30, 4), "completed")
    assert [event["chunk"]["data"] for event in await read(log)] == [1, 2, 3, 4]


async def test_a_gap_is_refused(log: Log):
    fence = await started(log)
    with pytest.raises(LogError) as caught:
        await log.append("r", fence, 2, chunks(2))
    assert caught.value.code == "gap"


async def test_an_earlier_writer_is_fenced_off(log: Log):
    old = await started(log)
    new = await log.claim("r")
    with pytest.raises(LogError) as caught:
        await log.append("r", old, 1, chunks(1))
    assert caught.value.code == "stale"
    await log.append("r", new, 1, chunks(1), "completed")
    assert [event["attempt"] for event in await read(log)] == [new]


async def test_nothing_follows_a_terminal_status(log: Log):
    fence = await started(log)
    await log.append("r", fence, 1, chunks(1), "stopped")
    with pytest.raises(LogError) as caught:
        await log.append("r", fence, 2, chunks(2))
    assert caught.value.code == "ended"
    assert await log.status("r") == "stopped"


async def test_a_run_is_created_once_and_an_unknown_one_is_an_error(log: Log):
    assert await log.create("r")
    assert not await log.create("r")
    assert await log.status("r") == "queued"
    for unknown in (log.status("x"), log.claim("x"), log.append("x", 1, 1, chunks(1))):
        with pytest.raises(LogError) as caught:
            await unknown
        assert caught.value.code == "unknown-run"
    with pytest.raises(LogError):
        _ = [event async for event in log.read("x")]


async def test_several_readers_get_everything_each(log: Log):
    fence = await started(log)
    readers = [asyncio.ensure_future(read(log, after)) for after in (0, 0, 1)]
    await asyncio.sleep(0)
    await log.append("r", fence, 1, chunks(1))
    await log.append("r", fence, 2, chunks(2), "completed")
    assert [len(events) for events in await asyncio.gather(*readers)] == [2, 2, 1]
