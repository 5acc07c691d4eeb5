"""What goes wrong around runs, on every implementation that leaves the kernel, with real processes and servers.

A run is right when each event is there once and in order, it ends once, its answer is whole, and its usage is counted
once: whatever was killed meanwhile.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from copilot_widget.errors import LogError
from copilot_widget.protocol import UIMessage, reduce_chunks
from copilot_widget.protocol.messages import TextPart
from copilot_widget.runs.base import Event, RunId
from copilot_widget.runs.executor import LogExecutor
from copilot_widget.state import TERMINAL, Approval

from .sites import LEASE, Site, WorkerProcess, sites

SEEDS = [*range(2), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 20))]
ENDS = ("finish", "error", "abort")
PARTS = 3
"""Model requests of a run: what was finished before a crash is not done again."""


@pytest.fixture(params=["process", "broker"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    yield from sites(request, tmp_path)


@pytest.fixture
async def client(site: Site) -> Any:
    executor = site.executor()
    yield executor
    await executor.close()


def talk(tokens: int, *, per_second: float, path: str) -> list[Any]:
    """A run of several steps: text, a call that only looks, and text again."""
    text = {"type": "text", "text": "word " * (tokens // PARTS), "tokensPerSecond": per_second}
    call = {"type": "call", "toolName": "look", "input": {"path": path}}
    return [*[[text, call]] * (PARTS - 1), [text]]


def endless() -> list[Any]:
    return [[{"type": "text", "text": "word ", "tokens": 5000, "tokensPerSecond": 50}]]


async def collect(executor: LogExecutor, run: RunId, after: int = 0) -> list[Event]:
    return [event async for event in executor.subscribe(run, after)]


async def until(executor: LogExecutor, run: RunId, kind: str, seconds: float = 30) -> dict[str, Any]:
    """The first chunk of a kind."""

    async def look() -> dict[str, Any]:
        async for event in executor.subscribe(run):
            if event["chunk"]["type"] == kind:
                return event["chunk"]
        raise AssertionError(f"{run} ended without {kind}")

    return await asyncio.wait_for(look(), seconds)


async def until_status(executor: LogExecutor, run: RunId, *wanted: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while (status := await executor.status(run)) not in wanted:
        assert time.monotonic() < deadline, f"{run} is {status}"
        await asyncio.sleep(0.01)


def text_of(message: UIMessage) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, TextPart))


def check(events: list[Event], *, end: str = "finish") -> UIMessage:
    """Each event once, in order, one end; returns the message."""
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    kinds = [event["chunk"]["type"] for event in events]
    assert [kind for kind in kinds if kind in ENDS] == [end], [event["chunk"] for event in events[-3:]]
    assert kinds[-1] == end
    assert kinds.count("start") == 1
    attempts = [event["attempt"] for event in events]
    assert attempts == sorted(attempts)
    return reduce_chunks([event["chunk"] for event in events])


def check_talk(events: list[Event], tokens: int) -> None:
    message = check(events)
    assert text_of(message).split() == ["word"] * (tokens // PARTS * PARTS)
    usage = message.metadata["usage"]
    assert message.metadata["steps"] == PARTS
    completion = usage["completionTokens"]
    assert tokens * 0.8 < completion < tokens * 1.6, f"usage is counted once: {completion}"


async def submit(executor: LogExecutor, *requests: Any) -> list[RunId]:
    return list(await asyncio.gather(*(executor.submit(request, idempotency_key=request.run) for request in requests)))


async def all_of(executor: LogExecutor, runs: list[RunId], seconds: float = 120) -> list[list[Event]]:
    return list(await asyncio.wait_for(asyncio.gather(*(collect(executor, run) for run in runs)), seconds))


# ---- workers that die ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_worker_is_killed_and_every_run_completes_once(site: Site, client: LogExecutor, seed: int):
    """The first system lost 17 of 17: the dead worker's lock made the redelivery drop the task."""
    chance = random.Random(seed)
    workers = [site.start_worker("--workers", "8") for _ in range(2)]
    requests = [site.ask(site.script(talk(300, per_second=150, path=str(site.folder / f"{n}")))) for n in range(8)]
    runs = await submit(client, *requests)
    await until(client, runs[0], "text-delta")
    await asyncio.sleep(chance.uniform(0.1, 2.0))
    chance.choice(workers).kill()
    for events in await all_of(client, runs):
        check_talk(events, 300)


@pytest.mark.parametrize("seed", SEEDS)
async def test_all_workers_are_killed_and_one_is_started(site: Site, client: LogExecutor, seed: int):
    chance = random.Random(100 + seed)
    workers = [site.start_worker() for _ in range(2)]
    requests = [site.ask(site.script(talk(300, per_second=150, path=str(site.folder / f"{n}")))) for n in range(6)]
    runs = await submit(client, *requests)
    await until(client, runs[0], "text-delta")
    await asyncio.sleep(chance.uniform(0.1, 2.0))
    for worker in workers:
        worker.kill()
    site.start_worker("--workers", "6")
    for events in await all_of(client, runs):
        check_talk(events, 300)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_worker_that_was_stopped_for_longer_than_its_lease_is_fenced_off(
    site: Site, client: LogExecutor, seed: int
):
    chance = random.Random(200 + seed)
    zombie = site.start_worker()
    (run,) = await submit(client, site.ask(site.script(talk(300, per_second=100, path=str(site.folder / "looked")))))
    await until(client, run, "text-delta")
    await asyncio.sleep(chance.uniform(0.1, 1.0))
    zombie.pause()
    site.start_worker()
    await asyncio.sleep(LEASE + 1.5)
    zombie.resume()
    events = (await all_of(client, [run]))[0]
    check_talk(events, 300)
    assert len({event["attempt"] for event in events}) > 1


async def test_a_rolling_restart_loses_nothing_and_costs_no_attempt(site: Site, client: LogExecutor):
    """SIGTERM drains: each run goes on elsewhere at the end of its step."""
    old = [site.start_worker() for _ in range(2)]
    requests = [site.ask(site.script(talk(240, per_second=120, path=str(site.folder / f"{n}")))) for n in range(6)]
    runs = await submit(client, *requests)
    await until(client, runs[0], "text-delta")
    for worker in old:
        site.start_worker()
        worker.term()
        assert worker.wait() == 0, worker.log()
    for events in await all_of(client, runs):
        check_talk(events, 240)
        assert "reset-step" not in [event["chunk"]["type"] for event in events]


async def test_a_drain_does_not_wait_for_ever(site: Site, client: LogExecutor):
    """A step that outlasts the grace is given back in its middle, and begun again elsewhere."""
    old = site.start_worker("--grace", "0.3")
    (run,) = await submit(
        client, site.ask(site.script([[{"type": "text", "text": "word " * 150, "tokensPerSecond": 50}]]))
    )
    await until(client, run, "text-delta")
    at = time.monotonic()
    old.term()
    assert await asyncio.to_thread(old.wait) == 0, old.log()
    assert time.monotonic() - at < 2.5
    site.start_worker()
    events = (await all_of(client, [run]))[0]
    assert text_of(check(events)).split() == ["word"] * 150
    assert "reset-step" in [event["chunk"]["type"] for event in events]


async def test_a_run_that_kills_its_workers_is_given_up_and_the_next_worker_lives(site: Site, client: LogExecutor):
    """The first system had no attempt limit: a poison message looped for ever."""
    died = site.folder / "died"
    steps = [[{"type": "call", "toolName": "poison", "input": {"path": str(died)}}], ["done"]]
    (run,) = await submit(client, site.ask(site.script(steps)))
    deadline = time.monotonic() + 90
    worker = site.start_worker()
    while await client.status(run) not in TERMINAL:
        assert time.monotonic() < deadline
        if worker.process.poll() is not None:
            worker = site.start_worker()
        await asyncio.sleep(0.05)
    message = check((await all_of(client, [run]))[0], end="error")
    assert message.metadata["error"]["code"] == "given-up"
    assert died.read_text().split() == ["died"] * 3
    assert worker.process.poll() is None
    (after,) = await submit(client, site.ask(site.script([["still here"]])))
    assert text_of(check((await all_of(client, [after]))[0])) == "still here"


async def test_where_nobody_can_be_asked_a_side_effect_is_not_repeated_and_the_model_is_told(
    site: Site, client: LogExecutor
):
    acted = site.folder / "acted"
    steps = [[{"type": "call", "toolName": "act", "input": {"path": str(acted), "then_die": True}}], ["done"]]
    (run,) = await submit(client, site.ask(site.script(steps), headless=True))
    first = site.start_worker()
    await asyncio.to_thread(first.wait)
    site.start_worker()
    events = (await all_of(client, [run]))[0]
    assert text_of(check(events)) == "done"
    errors = [event["chunk"]["errorText"] for event in events if event["chunk"]["type"] == "tool-output-error"]
    assert len(errors) == 1
    assert "not run again" in errors[0]
    assert acted.read_text().split() == ["acted"]


async def test_a_worker_that_dies_between_a_side_effect_and_its_checkpoint_does_not_repeat_it_unasked(
    site: Site, client: LogExecutor
):
    acted = site.folder / "acted"
    steps = [[{"type": "call", "toolName": "act", "input": {"path": str(acted), "then_die": True}}], ["done"]]
    (run,) = await submit(client, site.ask(site.script(steps)))
    first = site.start_worker()
    await asyncio.to_thread(first.wait)
    site.start_worker()
    asked = await until(client, run, "tool-approval-request")
    await until_status(client, run, "waiting")
    assert acted.read_text().split() == ["acted"]
    assert await client.answer(run, asked["approvalId"], Approval(approved=False, reason="once is enough"))
    message = check((await all_of(client, [run]))[0])
    assert acted.read_text().split() == ["acted"]
    assert text_of(message) == "done"


async def test_a_call_that_only_reads_is_made_again_without_a_question(site: Site, client: LogExecutor):
    looked = site.folder / "looked"
    steps = [[{"type": "call", "toolName": "look", "input": {"path": str(looked), "then_die": True}}], ["done"]]
    (run,) = await submit(client, site.ask(site.script(steps)))
    first = site.start_worker()
    await asyncio.to_thread(first.wait)
    site.start_worker()
    message = check((await all_of(client, [run]))[0])
    assert looked.read_text().split() == ["looked", "looked"]
    assert text_of(message) == "done"


# ---- the log and the bell --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_log_goes_away_and_comes_back_in_the_middle_of_runs(site: Site, client: LogExecutor, seed: int):
    """The first system swallowed write errors: events were gone, and nobody knew."""
    chance = random.Random(300 + seed)
    site.start_worker()
    requests = [site.ask(site.script(talk(300, per_second=100, path=str(site.folder / f"{n}")))) for n in range(5)]
    runs = await submit(client, *requests)
    reading = asyncio.ensure_future(all_of(client, runs))
    await until(client, runs[0], "text-delta")
    await asyncio.sleep(chance.uniform(0.1, 1.5))
    await asyncio.to_thread(site.restart_log)
    for events in await reading:
        check_talk(events, 300)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_subscriber_dropped_anywhere_gets_each_event_once(site: Site, client: LogExecutor, seed: int):
    """The first system capped its replay at 1,000 events and then invented a finish."""
    chance = random.Random(400 + seed)
    site.start_worker()
    (run,) = await submit(
        client, site.ask(site.script([[{"type": "text", "text": "word ", "tokens": 2500, "tokensPerSecond": 2500}]]))
    )
    events: list[Event] = []
    while not events or events[-1]["chunk"]["type"] not in ENDS:
        left = chance.randrange(1, 400)
        async for event in client.subscribe(run, len(events)):
            events.append(event)
            left -= 1
            if not left:
                break
    check(events)
    again = await collect(client, run)
    assert again == events
    assert len(again) > 2000


@pytest.mark.parametrize("site", ["broker"], indirect=True)  # a pool has no bell that could fail
async def test_runs_that_are_asked_for_while_the_bell_is_down_are_found_and_it_rings_again_later(
    site: Site, client: LogExecutor
):
    rabbit: Any = getattr(site, "rabbit")  # noqa: B009 - of this site alone
    worker = site.start_worker()
    (before,) = await submit(client, site.ask(site.script([["before"]])))
    check((await all_of(client, [before]))[0])
    await asyncio.to_thread(rabbit.stop)
    try:
        runs = await submit(client, *(site.ask(site.script([["meanwhile"]])) for _ in range(5)))
        for events in await all_of(client, runs, seconds=30):
            assert text_of(check(events)) == "meanwhile"
    finally:
        await asyncio.to_thread(rabbit.start)
    swept = _metric(worker, "copilot_swept_total")
    deadline = time.monotonic() + 30
    while worker.get("/ready").status_code != 200:
        assert time.monotonic() < deadline, worker.get("/ready").text
        await asyncio.sleep(0.1)
    (after,) = await submit(client, site.ask(site.script([["after"]])))
    check((await all_of(client, [after]))[0])
    assert swept >= 5
    assert _metric(worker, "copilot_swept_total") == swept, "this one was rung for"


async def test_a_client_that_dies_before_it_rings_loses_no_run(site: Site, client: LogExecutor):
    request = site.ask(site.script([["found"]]))
    await client.log.create(request, key="k")
    assert await client.status(request.run) == "queued"
    await client.store.check()
    site.start_worker()
    assert text_of(check((await all_of(client, [request.run]))[0])) == "found"


async def test_what_a_full_worker_has_no_slot_for_waits_without_a_loop(site: Site, client: LogExecutor):
    """A pool that was full put tasks back, to get them again at once, in a hot loop."""
    worker = site.start_worker("--workers", "1")
    model = site.script([[{"type": "text", "text": "word " * 10, "tokensPerSecond": 50}]])
    runs = await submit(client, *(site.ask(model) for _ in range(10)))
    await until(client, runs[0], "text-delta")
    statuses = [await client.status(run) for run in runs]
    assert statuses.count("running") <= 1
    assert statuses.count("queued") >= 5
    for events in await all_of(client, runs):
        check(events)
    assert [(await client.info(run)).attempt for run in runs] == [1] * 10
    if site.name == "broker":
        assert _metric(worker, "copilot_claims_total") == 10


async def test_a_dead_workers_run_does_not_hold_up_its_conversation(site: Site, client: LogExecutor):
    """A lock outlived its owner by 300 seconds."""
    first = site.start_worker()
    (run,) = await submit(client, site.ask(site.script(endless()), thread="t"))
    await until(client, run, "text-delta")
    (following,) = await submit(client, site.ask(site.script([["next"]]), thread="t"))
    first.kill()
    site.start_worker()
    await client.stop(run)
    one, two = await all_of(client, [run, following], seconds=20)
    check(one, end="abort")
    check(two)


# ---- Stop ------------------------------------------------------------------------------------------------


async def test_stop_ends_a_queued_run_that_no_worker_ever_saw(site: Site, client: LogExecutor):
    (run,) = await submit(client, site.ask(site.script([["never"]])))
    at = time.monotonic()
    await client.stop(run)
    check((await all_of(client, [run], seconds=5))[0], end="abort")
    assert time.monotonic() - at < 1
    site.start_worker()
    (after,) = await submit(client, site.ask(site.script([["next"]])))
    check((await all_of(client, [after]))[0])
    assert len(await collect(client, run)) == len(await collect(client, run))


@pytest.mark.parametrize("kind", ["text-delta", "tool-input-available"])
async def test_stop_reaches_every_run_whoever_works_on_it(site: Site, client: LogExecutor, kind: str):
    """Streaming, and in a silent tool. The first system lost 19 of 22 Stops on one shared queue."""
    answers = {
        "text-delta": [{"type": "text", "text": "word ", "tokens": 5000, "tokensPerSecond": 50}],
        "tool-input-available": [{"type": "call", "toolName": "hang", "input": {}}],
    }
    for _ in range(3):
        site.start_worker()
    runs = await submit(client, *(site.ask(site.script([answers[kind]])) for _ in range(11)))
    for run in runs:
        await until(client, run, kind)
    at = time.monotonic()
    await asyncio.gather(*(client.stop(run) for run in runs))
    for events in await all_of(client, runs, seconds=10):
        check(events, end="abort")
    assert time.monotonic() - at < 3


async def test_stop_ends_a_run_that_waits_for_an_answer(site: Site, client: LogExecutor):
    acted = site.folder / "acted"
    steps = [[{"type": "call", "toolName": "act", "input": {"path": str(acted), "then_die": True}}], ["done"]]
    (run,) = await submit(client, site.ask(site.script(steps)))
    first = site.start_worker()
    await asyncio.to_thread(first.wait)
    worker = site.start_worker()
    asked = await until(client, run, "tool-approval-request")
    await until_status(client, run, "waiting")
    worker.kill()
    await client.stop(run)
    check((await all_of(client, [run], seconds=5))[0], end="abort")
    assert not await client.answer(run, asked["approvalId"], Approval(approved=True))


async def test_stop_after_a_takeover_reaches_the_new_worker(site: Site, client: LogExecutor):
    first = site.start_worker()
    (run,) = await submit(client, site.ask(site.script(endless())))
    await until(client, run, "text-delta")
    first.kill()
    site.start_worker()
    await until(client, run, "reset-step")
    at = time.monotonic()
    await client.stop(run, "enough")
    events = (await all_of(client, [run], seconds=10))[0]
    check(events, end="abort")
    assert events[-1]["chunk"]["reason"] == "enough"
    assert time.monotonic() - at < 2


async def test_stop_while_its_worker_is_dead_is_kept_for_the_next_one(site: Site, client: LogExecutor):
    first = site.start_worker()
    (run,) = await submit(client, site.ask(site.script(endless())))
    await until(client, run, "text-delta")
    first.kill()
    await client.stop(run)
    site.start_worker()
    check((await all_of(client, [run], seconds=20))[0], end="abort")


# ---- what is asked, and when -----------------------------------------------------------------------------


async def test_the_same_key_twice_is_one_run_from_any_client(site: Site, client: LogExecutor):
    another = site.executor()
    request = site.ask(site.script([["once"]]))
    first = await client.submit(request, idempotency_key="k")
    second = await another.submit(site.ask(site.script([["twice"]])), idempotency_key="k")
    assert first == second == request.run
    site.start_worker()
    assert text_of(check((await all_of(another, [first]))[0])) == "once"
    await another.close()


async def test_a_follow_up_while_the_run_before_it_ends_is_not_lost_and_sees_its_answer(
    site: Site, client: LogExecutor
):
    """The first system dropped follow-ups as duplicates."""
    for _ in range(2):
        site.start_worker()
    model = site.script([["answer one"], ["answer two"], ["answer three"], ["answer four"]])
    runs: list[RunId] = []
    for _ in range(4):
        runs += await submit(client, site.ask(model, thread="t"))
        await asyncio.sleep(0.01)
    logs = await all_of(client, runs)
    assert [text_of(check(events)) for events in logs] == ["answer one", "answer two", "answer three", "answer four"]
    kept = await client.store.messages("local", "t")
    assert [message.role for message in kept] == ["user", "assistant"] * 4


async def test_answers_twice_late_or_to_another_call_change_nothing(site: Site, client: LogExecutor):
    acted = site.folder / "acted"
    steps = [[{"type": "call", "toolName": "act", "input": {"path": str(acted), "then_die": True}}], ["done"]]
    (run,) = await submit(client, site.ask(site.script(steps)))
    first = site.start_worker()
    await asyncio.to_thread(first.wait)
    site.start_worker()
    asked = await until(client, run, "tool-approval-request")
    another = site.executor()
    assert not await another.answer(run, "another", Approval(approved=True))
    replies = [Approval(approved=False), Approval(approved=True)]
    taken = await asyncio.gather(
        *(each.answer(run, asked["approvalId"], reply) for each, reply in zip((client, another), replies, strict=True))
    )
    assert sorted(taken) == [False, True]
    message = check((await all_of(client, [run]))[0])
    assert not await client.answer(run, asked["approvalId"], Approval(approved=True)), "it has ended"
    states = [part.state for part in message.parts if hasattr(part, "tool_call_id")]
    assert states in (["output-denied"], ["output-available"])
    await another.close()


async def test_another_owner_sees_nothing_of_a_run(site: Site, client: LogExecutor):
    stranger = site.executor("somebody else")
    (run,) = await submit(client, site.ask(site.script([["private"]])))
    calls: list[Callable[[], Coroutine[Any, Any, Any]]] = [
        lambda: stranger.status(run),
        lambda: stranger.stop(run),
        lambda: stranger.request(run),
        lambda: collect(stranger, run),
        lambda: stranger.answer(run, "a", Approval(approved=True)),
    ]
    for call in calls:
        with pytest.raises(LogError) as caught:
            await call()
        assert caught.value.code == "unknown-run"
    assert await stranger.runs() == []
    await stranger.close()


async def test_the_owners_limit_holds_over_all_workers(site: Site, client: LogExecutor):
    for _ in range(2):
        site.start_worker("--owner-limit", "2")
    model = site.script([[{"type": "text", "text": "word ", "tokens": 40, "tokensPerSecond": 40}]])
    runs = await submit(client, *(site.ask(model) for _ in range(6)))
    most = 0
    reading = asyncio.ensure_future(all_of(client, runs))
    while not reading.done():
        most = max(most, len([info for info in await client.runs() if info.status == "running"]))
        await asyncio.sleep(0.02)
    for events in reading.result():
        check(events)
    assert most == 2


@pytest.mark.parametrize("site", ["broker"], indirect=True)  # a worker of a pool serves no HTTP: nothing is installed
async def test_a_worker_says_how_it_is(site: Site, client: LogExecutor):
    worker = site.start_worker("--workers", "3")
    (run,) = await submit(client, site.ask(site.script([["hello"]])))
    await all_of(client, [run])
    assert worker.get("/health").json()["status"] == "ok"
    assert worker.get("/ready").status_code == 200
    assert _metric(worker, "copilot_worker_slots") == 3
    assert _metric(worker, 'copilot_attempts_total{ending="completed"}') == 1


@pytest.mark.parametrize("site", ["broker"], indirect=True)
async def test_a_second_worker_of_the_same_name_does_not_start(site: Site, client: LogExecutor):
    first = site.start_worker("--name", "the-one")
    second = site.begin_worker("--name", "the-one")
    assert await asyncio.to_thread(second.wait) == 1
    assert "A worker named the-one lives already. Give this one another --name." in second.log()
    (run,) = await submit(client, site.ask(site.script([["hello"]])))
    check((await all_of(client, [run]))[0])
    assert first.process.poll() is None


def _metric(worker: WorkerProcess, name: str) -> float:
    lines = worker.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).rpartition(" ")[2])
