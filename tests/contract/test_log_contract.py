"""What every event log promises; each implementation is run through the same tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from copilot_widget.errors import LogError
from copilot_widget.runs.base import Claim, Commit, Event, Log
from copilot_widget.state import Approval, Output

from .logs import Opener, ask

DONE = Commit("completed")
Open = Callable[..., Opener]


@pytest.fixture
async def log(opener: Open) -> AsyncIterator[Log]:
    log = opener()()
    yield log
    await log.close()


def chunks(*numbers: int) -> list[dict[str, Any]]:
    return [{"type": "data-n", "data": number} for number in numbers]


async def read(log: Log, after: int = 0, run: str = "r") -> list[Event]:
    return [event async for event in log.read(run, after)]


async def claimed(log: Log, run: str = "r", **options: Any) -> Claim:
    claim = await log.claim(run, "w1", **options)
    assert claim is not None
    return claim


async def started(log: Log, run: str = "r", **request: Any) -> int:
    assert await log.create(ask(run, **request), key=run) == run
    return (await claimed(log, run)).fence


async def refused(call: Any) -> str:
    with pytest.raises(LogError) as caught:
        await call
    assert str(caught.value)
    return caught.value.code


# ---- events ----------------------------------------------------------------------------------------------


async def test_events_are_numbered_from_one_and_read_from_any_cursor(log: Log):
    fence = await started(log)
    await log.append("r", fence, 1, chunks(1, 2))
    await log.append("r", fence, 3, chunks(3), commit=DONE)
    events = await read(log)
    assert [(event["seq"], event["chunk"]["data"]) for event in events] == [(1, 1), (2, 2), (3, 3)]
    assert all(event["run"] == "r" and event["attempt"] == fence for event in events)
    assert abs(events[0]["ts"] - time.time()) < 60
    assert [event["seq"] for event in await read(log, 1)] == [2, 3]
    assert [event["seq"] for event in await read(log, 2)] == [3]
    assert await read(log, 3) == []


async def test_a_chunk_comes_back_as_it_was(log: Log):
    """Unknown types, null, empty lists and objects, every character, long ints and floats: the log is no judge."""
    fence = await started(log)
    chunk = {
        "type": "from-a-newer-version",
        "null": None,
        "empty": [[], {}],
        "text": 'ä\u0000\u2028"\\\n🐧',
        "numbers": [2**53 + 1, 1e300, 0.1, -0.0, True],
    }
    await log.append("r", fence, 1, [chunk], commit=DONE)
    assert [event["chunk"] for event in await read(log)] == [chunk]


async def test_a_reader_gets_what_is_there_and_then_what_comes_until_the_end(log: Log):
    fence = await started(log)
    await log.append("r", fence, 1, chunks(1))
    reading = asyncio.ensure_future(read(log))
    for seq in range(2, 50):
        await asyncio.sleep(0)
        await log.append("r", fence, seq, chunks(seq))
    await log.append("r", fence, 50, chunks(50), commit=Commit("failed"))
    assert [event["seq"] for event in await asyncio.wait_for(reading, 10)] == list(range(1, 51))


async def test_several_readers_get_everything_each(opener: Open):
    open_log = opener()
    log, other = open_log(), open_log()
    fence = await started(log)
    readers = [asyncio.ensure_future(read(each, after)) for each, after in ((log, 0), (other, 0), (other, 1))]
    await asyncio.sleep(0.05)
    await log.append("r", fence, 1, chunks(1))
    await log.append("r", fence, 2, chunks(2), commit=DONE)
    assert [len(events) for events in await asyncio.wait_for(asyncio.gather(*readers), 10)] == [2, 2, 1]
    await other.close()
    await log.close()


async def test_a_reader_who_leaves_disturbs_nobody(log: Log):
    fence = await started(log)
    staying = asyncio.ensure_future(read(log))
    for seq in range(1, 20):
        leaving = asyncio.ensure_future(read(log, seq - 1))
        await asyncio.sleep(0.002)
        leaving.cancel()
        await log.append("r", fence, seq, chunks(seq))
    await log.append("r", fence, 20, chunks(20), commit=DONE)
    assert len(await asyncio.wait_for(staying, 10)) == 20


async def test_a_slow_reader_gets_everything(log: Log, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("copilot_widget.runs.followers._ROOM", 3)
    fence = await started(log)
    seen: list[int] = []

    async def slowly() -> None:
        async for event in log.read("r"):
            seen.append(event["seq"])
            await asyncio.sleep(0.005)

    reading = asyncio.ensure_future(slowly())
    await asyncio.sleep(0.1)
    for seq in range(1, 100):
        await log.append("r", fence, seq, chunks(seq))
    await log.append("r", fence, 100, chunks(100), commit=DONE)
    await asyncio.wait_for(reading, 20)
    assert seen == list(range(1, 101))


async def test_large_logs_are_read_in_pages(log: Log, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("copilot_widget.runs.sqlite._PAGE", 7)
    fence = await started(log)
    await log.append("r", fence, 1, chunks(*range(1, 5001)))
    for seq in range(5001, 7501, 100):
        await log.append("r", fence, seq, chunks(*range(seq, seq + 100)))
    await log.append("r", fence, 7501, chunks(7501), commit=DONE)
    assert [event["chunk"]["data"] for event in await read(log)] == list(range(1, 7502))
    assert [event["seq"] for event in await read(log, after=4321)] == list(range(4322, 7502))


# ---- writers ---------------------------------------------------------------------------------------------


async def test_what_is_there_already_is_skipped(log: Log):
    fence = await started(log)
    await log.append("r", fence, 1, chunks(1, 2, 3))
    await log.append("r", fence, 1, chunks(1, 2, 3))
    await log.append("r", fence, 2, chunks(20, 30, 4), commit=DONE)
    assert [event["chunk"]["data"] for event in await read(log)] == [1, 2, 3, 4]


async def test_a_gap_is_refused(log: Log):
    fence = await started(log)
    assert await refused(log.append("r", fence, 2, chunks(2))) == "gap"
    await log.append("r", fence, 1, chunks(1), commit=DONE)
    assert len(await read(log)) == 1


async def test_an_earlier_writer_is_fenced_off(log: Log):
    old = await started(log)
    await log.append("r", old, 1, chunks(1))
    new = await claimed(log, takeover=True)
    assert await refused(log.append("r", old, 2, chunks(2))) == "stale"
    assert await refused(log.append("r", old, 2, chunks(2), commit=DONE)) == "stale"
    assert new.fence > old
    await log.append("r", new.fence, 2, chunks(2), commit=DONE)
    assert [event["attempt"] for event in await read(log)] == [old, new.fence]


async def test_nothing_follows_the_end(log: Log):
    fence = await started(log)
    await log.append("r", fence, 1, chunks(1), commit=Commit("stopped"))
    assert await refused(log.append("r", fence, 2, chunks(2))) == "ended"
    assert (await log.info("r")).status == "stopped"
    assert await log.claim("r", "w2", takeover=True) is None
    assert not await log.stop("r", "late")
    assert len(await read(log)) == 1


async def test_an_unknown_run_is_an_error(log: Log):
    for call in (
        log.info("x"),
        log.claim("x", "w"),
        log.append("x", 1, 1, chunks(1)),
        log.answer("x", "a", Approval(approved=True)),
        log.stop("x", "why"),
        read(log, run="x"),
    ):
        assert await refused(call) == "unknown-run"


async def test_a_question_over_the_limit_is_refused(log: Log):
    assert await refused(log.create(ask(prompt="x" * 17_000_000), key="k")) == "too-large"
    assert await refused(log.info("r")) == "unknown-run"


# ---- creation and order ----------------------------------------------------------------------------------


async def test_the_same_key_is_the_same_run_for_one_owner(log: Log):
    assert await log.create(ask("a"), key="k") == "a"
    assert await log.create(ask("b"), key="k") == "a"
    assert await log.create(ask("c", owner="other"), key="k") == "c"
    assert await refused(log.info("b")) == "unknown-run"
    claim = await claimed(log, "a")
    assert claim.request.message.id == "a-user"


async def test_runs_of_a_thread_are_claimed_one_after_the_other(log: Log):
    for run in ("a", "b", "c"):
        await log.create(ask(run), key=run)
    await log.create(ask("x", thread="another"), key="x")
    await log.create(ask("y", owner="another"), key="y")
    fence = (await claimed(log, "a")).fence
    assert await log.claim("b", "w") is None
    await claimed(log, "x")
    await claimed(log, "y")
    appended = await log.append("a", fence, 1, chunks(1), commit=DONE)
    assert list(appended.ring) == ["b"]
    assert await log.claim("c", "w") is None
    ending = await claimed(log, "c", ending=True)  # a queued run can be ended out of turn
    await log.append("c", ending.fence, 1, chunks(1), commit=Commit("stopped"))
    fence = (await claimed(log, "b")).fence
    assert list((await log.append("b", fence, 1, chunks(1), commit=DONE)).ring) == []


async def test_an_owner_has_no_more_at_work_than_allowed(opener: Open):
    log = opener(owner_limit=2)()
    for run in ("a", "b", "c", "d"):
        await log.create(ask(run, thread=run), key=run)
    await log.create(ask("x", owner="another"), key="x")
    fences = {run: (await claimed(log, run)).fence for run in ("a", "b")}
    assert await log.claim("c", "w") is None
    await claimed(log, "x")
    appended = await log.append("a", fences["a"], 1, chunks(1), commit=DONE)
    assert list(appended.ring) == ["c"]
    fences["c"] = (await claimed(log, "c")).fence
    assert await log.claim("d", "w") is None
    waiting = Commit("waiting", state="{}", awaited=["z"])  # who waits is not at work
    assert list((await log.append("c", fences["c"], 1, chunks(1), opened=["z"], commit=waiting)).ring) == ["d"]
    await claimed(log, "d")
    await log.close()


async def test_runs_are_listed_by_owner_the_newest_first(log: Log):
    await log.create(ask("a", thread="t1", prompt="first"), key="a")
    await asyncio.sleep(0.002)
    await log.create(ask("b", thread="t2", prompt="long " * 100), key="b")
    await log.create(ask("c", owner="another"), key="c")
    await claimed(log, "a")
    assert (await log.request("a")).message.id == "a-user"
    first, second = await log.runs("local")
    assert (first.run, first.status, first.thread) == ("b", "queued", "t2")
    assert len(first.prompt) == 80
    assert (second.run, second.status, second.prompt, second.worker) == ("a", "running", "first", "w1")
    assert [info.run for info in await log.runs("local", limit=1)] == ["b"]
    assert await log.runs("nobody") == []


# ---- claims, leases, attempts ------------------------------------------------------------------------------


async def test_a_held_run_is_left_alone_until_its_lease_lapses(log: Log):
    await log.create(ask(), key="k")
    first = await claimed(log, lease=0.3)
    assert await log.claim("r", "w2") is None
    assert log.renew({"r": first.fence}, lease=0.6) == {"r": None}
    await asyncio.sleep(0.35)
    assert await log.claim("r", "w2") is None
    assert await log.due(10) == []
    await asyncio.sleep(0.35)
    assert await log.due(10) == ["r"]
    second = await log.claim("r", "w2")
    assert second is not None
    assert second.fence > first.fence
    assert log.renew({"r": first.fence}) == {}
    assert (await log.info("r")).worker == "w2"


async def test_an_attempt_goes_on_from_the_last_finished_step(log: Log):
    fence = await started(log)
    await log.append("r", fence, 1, chunks(1, 2))
    await log.append("r", fence, 3, chunks(3), commit=Commit("running", state='{"at": 3}'))
    await log.append("r", fence, 4, chunks(4))
    await log.append("r", fence, 5, chunks(5, 6))
    claim = await claimed(log, takeover=True)
    assert (claim.state, claim.last_seq) == ('{"at": 3}', 6)
    assert [chunk["data"] for chunk in claim.tail] == [4, 5, 6]


async def test_attempts_are_counted_until_a_step_is_finished(log: Log):
    await log.create(ask(), key="k")
    assert [(await claimed(log, takeover=True)).tries for _ in range(3)] == [1, 2, 3]
    fence = (await claimed(log, takeover=True)).fence
    await log.append("r", fence, 1, chunks(1), commit=Commit("running", state="{}"))
    claim = await claimed(log, takeover=True)
    assert claim.tries == 2, "the attempt before it had begun that step"
    await log.append("r", claim.fence, 2, chunks(2), commit=Commit("queued", state="{}"))
    assert (await claimed(log)).tries == 1


async def test_a_run_that_is_given_back_can_be_claimed_at_once(log: Log):
    fence = await started(log)
    await log.append("r", fence, 1, chunks(1), commit=Commit("queued", state="{}"))
    assert (await log.info("r")).status == "queued"
    assert (await claimed(log)).tail == []
    assert await refused(log.append("r", fence, 2, chunks(2))) == "stale"


async def test_a_queued_run_that_nobody_heard_of_is_found(log: Log):
    await log.create(ask("a"), key="a")
    await log.create(ask("b"), key="b")  # the same thread: not yet
    await log.create(ask("c", thread="another"), key="c")
    until = time.monotonic() + 5
    while await log.due(10) != ["a", "c"]:
        assert time.monotonic() < until, await log.due(10)
        await asyncio.sleep(0.05)
    assert await log.due(1) == ["a"]


async def test_two_claims_at_once_give_one_writer(opener: Open):
    open_log = opener()
    logs = [open_log() for _ in range(4)]
    await logs[0].create(ask(), key="k")
    claims = await asyncio.gather(*(log.claim("r", f"w{n}") for n, log in enumerate(logs)))
    assert len([claim for claim in claims if claim is not None]) == 1
    for log in logs:
        await log.close()


# ---- waiting, replies, Stop --------------------------------------------------------------------------------


async def waiting(log: Log, *awaited: str, due: float | None = None) -> int:
    fence = await started(log)
    await log.append("r", fence, 1, chunks(1), opened=awaited)
    commit = Commit("waiting", state='{"waits": true}', awaited=awaited, due=due)
    assert not (await log.append("r", fence, 2, chunks(2), commit=commit)).replies
    return fence


async def test_a_run_that_waits_is_in_nobodys_hands_until_a_reply_comes(log: Log):
    fence = await waiting(log, "a1", "a2")
    assert (await log.info("r")).status == "waiting"
    assert await log.claim("r", "w2") is None
    assert await log.due(10) == []
    assert await refused(log.append("r", fence, 3, chunks(3))) == "stale"
    assert await log.answer("r", "a1", Approval(approved=False, reason="no ä"))
    assert not await log.answer("r", "a1", Approval(approved=True)), "the first one counts"
    assert not await log.answer("r", "other", Approval(approved=True)), "nobody asked"
    assert await log.due(10) == ["r"]
    claim = await claimed(log)
    assert claim.replies == {"a1": Approval(approved=False, reason="no ä")}
    assert claim.state == '{"waits": true}'
    assert not claim.overdue
    assert claim.last_seq == 2


async def test_consent_to_another_call_is_refused_in_words_and_the_right_answer_still_counts(log: Log):
    fence = await started(log)
    await log.append("r", fence, 1, chunks(1), opened=["a1", "a2"], shown={"a1": "d1"})
    assert await refused(log.answer("r", "a1", Approval(approved=True, digest="d2"))) == "other-call"
    commit = Commit("waiting", state="{}", awaited=["a1", "a2"])
    assert not (await log.append("r", fence, 2, chunks(2), commit=commit)).replies
    for approved in (True, False):
        assert await refused(log.answer("r", "a1", Approval(approved=approved, digest="d2"))) == "other-call"
    assert not await log.answer("r", "a3", Approval(approved=True, digest="d2")), "nobody asked"
    assert await log.due(10) == [], "nothing has come"
    assert await log.claim("r", "w2") is None
    assert await log.answer("r", "a1", Approval(approved=True, digest="d1"))
    assert not await log.answer("r", "a1", Approval(approved=True, digest="d2")), "it is answered"
    assert await log.answer("r", "a2", Approval(approved=True, digest="d2")), "nothing was shown"
    assert set((await claimed(log)).replies) == {"a1", "a2"}


async def test_an_answer_without_a_digest_counts_also_where_one_was_shown(log: Log):
    fence = await started(log)
    await log.append("r", fence, 1, chunks(1), opened=["a1"], shown={"a1": "d1"})
    assert await log.answer("r", "a1", Approval(approved=True))


async def test_a_reply_that_comes_before_the_wait_ends_it(log: Log):
    fence = await started(log)
    await log.append("r", fence, 1, chunks(1), opened=["c1#1"])
    output = Output(chunks=[{"type": "tool-output-available", "toolCallId": "c1", "output": None}])
    assert await log.answer("r", "c1#1", output)
    commit = Commit("waiting", state="{}", awaited=["c1#1"])
    appended = await log.append("r", fence, 2, chunks(2), commit=commit)
    assert appended.replies == {"c1#1": output}
    assert (await log.info("r")).status == "running"
    await log.append("r", fence, 3, chunks(3), commit=DONE)
    assert not await log.answer("r", "c1#1", output)


async def test_a_name_that_is_no_utf8_hinders_nothing(log: Log):
    """As `os.listdir` gives one: half of a surrogate pair stands for the byte."""
    name = "b\udce4r.csv"
    fence = await started(log, prompt=f"what is in {name}")
    (await log.runs("local"))[0].prompt.encode()
    chunk = {"type": "tool-output-error", "toolCallId": "c1", "errorText": f"no file {name}"}
    await log.append("r", fence, 1, [chunk], opened=["c1#1"])
    assert await log.answer("r", "c1#1", Output(chunks=[chunk]))
    appended = await log.append("r", fence, 2, chunks(2), commit=Commit("waiting", state="{}", awaited=["c1#1"]))
    [reply] = appended.replies.values()
    assert isinstance(reply, Output)
    assert reply.chunks[0]["errorText"] in (f"no file {name}", "no file b?r.csv")
    await log.append("r", fence, 3, chunks(3), commit=DONE)
    assert (await read(log))[0]["chunk"] == chunk


async def test_a_run_that_waits_is_due_at_its_time_unless_it_is_postponed(log: Log):
    await waiting(log, "c1#1", due=time.time() + 0.3)
    await log.postpone("r", time.time() + 0.7)
    await asyncio.sleep(0.4)
    assert await log.due(10) == []
    await asyncio.sleep(0.4)
    assert await log.due(10) == ["r"]
    claim = await claimed(log)
    assert claim.overdue
    assert not claim.replies


async def test_the_writer_is_told_of_stop_by_each_route(log: Log):
    fence = await started(log)
    assert await log.stop("r", "enough")
    assert await log.stop("r", "another reason")
    assert (await log.append("r", fence, 1, chunks(1))).stop == "enough"
    assert log.renew({"r": fence}) == {"r": "enough"}
    assert (await claimed(log, takeover=True)).stop == "enough"


async def test_who_waits_can_be_ended(log: Log):
    await waiting(log, "a1")
    assert await log.stop("r", "enough")
    claim = await claimed(log, ending=True)
    assert claim.stop == "enough"
    await log.append("r", claim.fence, 3, chunks(3), commit=Commit("stopped"))
    assert not await log.answer("r", "a1", Approval(approved=True))


async def test_stop_before_the_wait_keeps_the_run_in_hand(log: Log):
    fence = await started(log)
    assert await log.stop("r", "enough")
    commit = Commit("waiting", state="{}", awaited=["a"])
    assert (await log.append("r", fence, 1, chunks(1), opened=["a"], commit=commit)).stop == "enough"
    assert (await log.info("r")).status == "running"
    await log.append("r", fence, 2, chunks(2), commit=Commit("stopped"))


# ---- time to live ------------------------------------------------------------------------------------------


async def test_a_log_is_kept_for_a_while_after_its_end_and_then_says_so(opener: Open):
    log = opener(keep=0.5)()
    fence = await started(log)
    await log.append("r", fence, 1, chunks(1))
    await asyncio.sleep(0.6)
    assert log.renew({"r": fence}) == {"r": None}
    await log.append("r", fence, 2, chunks(2), commit=DONE)
    assert len(await read(log)) == 2, "the time counts from the end"
    await asyncio.sleep(0.6)
    assert await refused(read(log)) == "expired"
    assert await refused(log.info("r")) == "expired"
    assert await log.runs("local") == []
    await log.close()
