"""The log in SQLite beyond the contract: several processes at one file, a file that is not ours, a full disk."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from copilot_widget.errors import LogError
from copilot_widget.runs.base import Commit, Event
from copilot_widget.runs.sqlite import SqliteLog
from copilot_widget.runs.sqlite_news import SqliteBell
from copilot_widget.state import Approval
from copilot_widget.timing import timeout
from tests.contract.logs import ask

DONE = Commit("completed")
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pool" / "runs.sqlite3"


@pytest.fixture
async def opened(path: Path) -> AsyncIterator[Callable[..., SqliteLog]]:
    """Opens the log of this test once more, as another process would."""
    logs = list[SqliteLog]()

    def opened(**options: Any) -> SqliteLog:
        logs.append(SqliteLog(path, **options))
        return logs[-1]

    yield opened
    for log in logs:
        await log.close()


def chunks(*numbers: int) -> list[dict[str, Any]]:
    return [{"type": "data-n", "data": number} for number in numbers]


async def started(log: SqliteLog, run: str = "r", **options: Any) -> int:
    await log.create(ask(run, **{"thread": run, **options}), key=run)
    claim = await log.claim(run, "w")
    assert claim is not None
    return claim.fence


async def read(log: SqliteLog, run: str = "r", after: int = 0) -> list[Event]:
    return [event async for event in log.read(run, after)]


async def refused(call: Any) -> LogError:
    with pytest.raises(LogError) as caught:
        await call
    return caught.value


def size(path: str) -> int:
    return Path(path).stat().st_size


PROCESS = """
import asyncio, sys
from pathlib import Path
from copilot_widget.runs.base import Commit
from copilot_widget.runs.sqlite import SqliteLog
from copilot_widget.timing import timeout
from tests.contract.logs import ask

async def main():
    log, name = SqliteLog(Path(sys.argv[1])), sys.argv[2]

    async def one(number):
        run = f"{name}-{number}"
        await log.create(ask(run, thread=run), key=run)
        claim = await log.claim(run, name)
        for seq in range(1, 31):
            await log.append(run, claim.fence, seq, [{"type": "data-n", "data": seq}])
        await log.append(run, claim.fence, 31, [], commit=Commit("completed"))

    await asyncio.gather(*(one(number) for number in range(10)))
    await log.close()

asyncio.run(main())
"""


async def test_processes_that_open_a_new_file_at_once_and_write_into_it_lose_nothing(
    path: Path, opened: Callable[..., SqliteLog]
):
    def run(name: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", PROCESS, str(path), name]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)

    for done in await asyncio.gather(*(asyncio.to_thread(run, name) for name in "abcd")):
        assert (done.returncode, done.stderr) == (0, "")
    log = opened()
    assert len(await log.runs("local", 1000)) == 40
    for name in "abcd":
        for number in range(10):
            events = await read(log, f"{name}-{number}")
            assert [event["chunk"]["data"] for event in events] == list(range(1, 31))


async def test_what_one_process_writes_reaches_a_reader_in_another_soon(opened: Callable[..., SqliteLog]):
    log, other = opened(), opened()
    fence = await started(log)
    arrived: list[float] = []

    async def follow() -> None:
        async for event in other.read("r"):
            arrived.append(time.time() - event["ts"])

    reading = asyncio.ensure_future(follow())
    await asyncio.sleep(1)  # by now it looks seldom
    for seq in range(1, 40):
        await log.append("r", fence, seq, chunks(seq))
        await asyncio.sleep(0.01)
    await log.append("r", fence, 40, chunks(40), commit=DONE)
    await asyncio.wait_for(reading, 10)
    assert len(arrived) == 40
    assert sorted(arrived)[20] < 0.2


async def test_a_large_question_does_not_make_events_dear(path: Path, opened: Callable[..., SqliteLog]):
    """What is written with each append must not grow with the question or the state."""
    log = opened()
    fence = await started(log, prompt="x" * 5_000_000)
    await log.append("r", fence, 1, chunks(1), commit=Commit("running", state="y" * 5_000_000))
    before = size(f"{path}-wal")
    for seq in range(2, 52):
        await log.append("r", fence, seq, chunks(seq))
    assert size(f"{path}-wal") - before < 2_000_000


async def test_what_was_written_is_moved_into_the_file(
    path: Path, opened: Callable[..., SqliteLog], monkeypatch: pytest.MonkeyPatch
):
    """The write-ahead log is begun anew now and then; it would grow for as long as the pool lives."""
    monkeypatch.setattr("copilot_widget.runs.sqlite_database._CHECKPOINT", 20)
    monkeypatch.setattr("copilot_widget.runs.sqlite_database._LONG", 500)
    log = opened()
    fence = await started(log)
    # When its thread gets its turn is the machine's business: the writing goes on until it had two.
    for seq in range(1, 20_001):
        await log.append("r", fence, seq, [{"type": "data-n", "data": "x" * 2000}])
        if times_begun(Path(f"{path}-wal")) >= 2:
            break
    else:
        pytest.fail(f"the write-ahead log has {size(f'{path}-wal')} bytes and was never begun anew")


def times_begun(wal: Path) -> int:
    """How often a write-ahead log began anew: the checkpoint sequence number of its header.

    Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
    """
    with wal.open("rb") as file:
        return int.from_bytes(file.read(16)[12:], "big")


async def test_another_version_of_the_file_is_left_alone(path: Path, opened: Callable[..., SqliteLog]):
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (n)")
        connection.execute("PRAGMA user_version = 17")
    for call in (opened().info("r"), opened().create(ask("r"), key="k")):
        error = await refused(call)
        assert error.code == "version"
        assert "layout 17; this program knows 1" in str(error)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


@pytest.fixture
def notes(path: Path) -> Iterator[None]:
    path.parent.mkdir()
    path.write_text("not a database, but somebody's notes " * 100)
    yield
    assert path.read_text().startswith("not a database")


async def test_a_file_that_is_no_database_is_said_and_left_alone(notes: None, opened: Callable[..., SqliteLog]):
    error = await refused(opened().create(ask("r"), key="k"))
    assert error.code == "unavailable"
    assert "not a database" in str(error)
    assert error.hint


async def test_a_full_disk_takes_all_or_nothing(opened: Callable[..., SqliteLog]):
    log = opened()
    fence = await started(log)
    await log.append("r", fence, 1, chunks(1))

    def shrink(db: sqlite3.Connection) -> None:
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")

    await log._database.run(shrink)
    error = await refused(log.append("r", fence, 2, [{"type": "data-n", "data": "x" * 100_000}], commit=DONE))
    assert error.code == "full"
    assert "nothing was written" in str(error)
    assert (await log.info("r")).status == "running"
    await log._database.run(lambda db: db.execute("PRAGMA max_page_count = 1000000").fetchone())
    await log.append("r", fence, 2, chunks(2), commit=DONE)
    assert [event["chunk"]["data"] for event in await read(log)] == [1, 2]


async def test_one_refusal_undoes_no_other_step_of_its_transaction(opened: Callable[..., SqliteLog]):
    log = opened()
    fence = await started(log)
    appends = [log.append("r", fence, seq, chunks(seq)) for seq in (1, 2, 9, 3)]
    answer = log.answer("r", "nobody asked", Approval(approved=True))
    results = await asyncio.gather(*appends, answer, return_exceptions=True)
    assert [getattr(result, "code", "ok") for result in results[:4]] == ["ok", "ok", "gap", "ok"]
    assert results[4] is False
    assert (await log.info("r")).last_seq == 3


async def test_a_step_that_fails_in_itself_is_told_and_holds_no_other(opened: Callable[..., SqliteLog]):
    log = opened()
    await started(log)

    def wrong(db: sqlite3.Connection) -> None:
        db.execute("UPDATE runs SET stop = 'never'")
        db.execute("UPDATE runs SET stop = ?", ("half a pair: \udce4",))

    async with timeout(20):
        steps = [log.info("r"), log._database.run(wrong), log.stop("r", "enough")]
        _, error, stopped = await asyncio.gather(*steps, return_exceptions=True)
        assert isinstance(error, UnicodeEncodeError)
        assert stopped is True
        with pytest.raises(UnicodeEncodeError):
            log._database.now(wrong)
        claim = await log.claim("r", "w2", takeover=True)
    assert claim is not None
    assert claim.stop == "enough"


async def test_the_bell_tells_of_a_run_once_until_it_is_done(opened: Callable[..., SqliteLog]):
    log, other = opened(), opened()
    bell = SqliteBell(other)
    rings = bell.rings(5)
    first = asyncio.ensure_future(anext(rings))
    await asyncio.sleep(0.2)
    await log.create(ask("a", thread="a"), key="a")
    ring = await asyncio.wait_for(first, 5)
    assert ring.run == "a"
    again = asyncio.ensure_future(anext(rings))
    await asyncio.sleep(0.5)
    assert not again.done(), "it is in somebody's hands"
    await ring.done()
    assert (await asyncio.wait_for(again, 5)).run == "a", "nobody has claimed it"
