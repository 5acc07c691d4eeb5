"""Stop, answers, follow-ups and owners, whatever happens to the workers: with real processes and servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from copilot_widget.errors import LogError
from copilot_widget.runs.base import RunId
from copilot_widget.runs.executor import LogExecutor
from copilot_widget.state import Approval

from .asking import all_of, begun_and_died, check, collect, endless, metric, submit, text_of, until, until_status
from .sites import Site

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
    """Streaming, and in a silent tool. Each worker is told: on one shared queue the wrong one takes the word."""
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
    run, _ = await begun_and_died(site, client)
    asked = await until(client, run, "tool-approval-request")
    await until_status(client, run, "waiting")
    site.workers[-1].kill()
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
    first = await client.submit(request, idempotency_key=f"key of {request.run}")
    second = await another.submit(site.ask(site.script([["twice"]])), idempotency_key=f"key of {request.run}")
    assert first == second == request.run
    site.start_worker()
    assert text_of(check((await all_of(another, [first]))[0])) == "once"
    await another.close()


async def test_a_follow_up_while_the_run_before_it_ends_is_not_lost_and_sees_its_answer(
    site: Site, client: LogExecutor
):
    """It is no duplicate of the question before it."""
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
    run, _ = await begun_and_died(site, client)
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
    assert metric(worker, "copilot_worker_slots") == 3
    assert metric(worker, 'copilot_attempts_total{ending="completed"}') == 1


@pytest.mark.parametrize("site", ["broker"], indirect=True)
async def test_a_second_worker_of_the_same_name_does_not_start(site: Site, client: LogExecutor):
    first = site.start_worker("--name", "the-one")
    second = site.begin_worker("--name", "the-one")
    assert await asyncio.to_thread(second.wait) == 1
    assert "A worker named the-one lives already. Give this one another --name." in second.log()
    (run,) = await submit(client, site.ask(site.script([["hello"]])))
    check((await all_of(client, [run]))[0])
    assert first.process.poll() is None
