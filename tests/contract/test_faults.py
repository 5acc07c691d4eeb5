"""Workers that die, hang and are drained, logs and bells that go away: on every implementation that leaves the kernel,
with real processes and servers.

Executors of this kind have lost runs in these ways; each has its test:

    a dead worker's lock made its runs' second delivery be dropped    a_worker_is_killed_and_every_run_completes_once
    a poison message went round for ever                              a_run_that_kills_its_workers_is_given_up_…
    a full pool put tasks back in a hot loop                          what_a_full_worker_has_no_slot_for_waits_…
    errors of writing to the log were swallowed                       the_log_goes_away_and_comes_back_…
    a log's head was cut, its replay capped, its end invented         a_subscriber_dropped_anywhere_…
    a lock outlived its owner by 300 seconds                          a_dead_workers_run_does_not_hold_up_…
    Stop reached one worker of many, or none                          stop_reaches_every_run_… (test_faults_control.py)
    a follow-up was dropped as a duplicate                            a_follow_up_while_the_run_before_it_ends_…
    two ends; "running" from creation on                              check() in asking.py; a_client_that_dies_before_…
    a reader waited on a silent stream without a heartbeat            a_silent_stream_shows_that_it_lives
    a watchdog ended runs that were silent for long                   test_long_run.py
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import pytest

from copilot_widget.runs.base import Event
from copilot_widget.runs.executor import LogExecutor
from copilot_widget.state import TERMINAL, Approval

from .asking import (
    ENDS,
    all_of,
    begun_and_died,
    check,
    check_talk,
    collect,
    endless,
    metric,
    submit,
    talk,
    text_of,
    until,
    until_status,
)
from .sites import Site

SEEDS = [*range(2), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 20))]


# ---- workers that die ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_worker_is_killed_and_every_run_completes_once(site: Site, client: LogExecutor, seed: int):
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
    deadline = time.monotonic() + 30
    # A busy machine takes longer than a lease to start a worker.
    while (await client.log.info(run)).attempt == 1 and time.monotonic() < deadline:  # noqa: ASYNC110 - not told
        await asyncio.sleep(0.1)
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
    """Without a limit of attempts a poison message goes round for ever."""
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
    run, acted = await begun_and_died(site, client, headless=True)
    events = (await all_of(client, [run]))[0]
    assert text_of(check(events)) == "done"
    errors = [event["chunk"]["errorText"] for event in events if event["chunk"]["type"] == "tool-output-error"]
    assert len(errors) == 1
    assert "not run again" in errors[0]
    assert acted.read_text().split() == ["acted"]


async def test_a_worker_that_dies_between_a_side_effect_and_its_checkpoint_does_not_repeat_it_unasked(
    site: Site, client: LogExecutor
):
    run, acted = await begun_and_died(site, client)
    asked = await until(client, run, "tool-approval-request")
    await until_status(client, run, "waiting")
    assert acted.read_text().split() == ["acted"]
    assert await client.answer(run, asked["approvalId"], Approval(approved=False, reason="once is enough"))
    message = check((await all_of(client, [run]))[0])
    assert acted.read_text().split() == ["acted"]
    assert text_of(message) == "done"


async def test_a_call_that_only_reads_is_made_again_without_a_question(site: Site, client: LogExecutor):
    run, looked = await begun_and_died(site, client, "look")
    message = check((await all_of(client, [run]))[0])
    assert looked.read_text().split() == ["looked", "looked"]
    assert text_of(message) == "done"


# ---- the log and the bell --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_log_goes_away_and_comes_back_in_the_middle_of_runs(site: Site, client: LogExecutor, seed: int):
    """Where errors of writing are swallowed, events are gone, and nobody knows."""
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
    """Over 2,000 events: no cap of a replay, and no invented end."""
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
    swept = metric(worker, "copilot_swept_total")
    deadline = time.monotonic() + 30
    while worker.get("/ready").status_code != 200:
        assert time.monotonic() < deadline, worker.get("/ready").text
        await asyncio.sleep(0.1)
    (after,) = await submit(client, site.ask(site.script([["after"]])))
    check((await all_of(client, [after]))[0])
    assert swept >= 5
    assert metric(worker, "copilot_swept_total") == swept, "this one was rung for"


async def test_a_client_that_dies_before_it_rings_loses_no_run(site: Site, client: LogExecutor):
    request = site.ask(site.script([["found"]]))
    await client.log.create(request, key=request.run)
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
        assert metric(worker, "copilot_claims_total") == 10


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
