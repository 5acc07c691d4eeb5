"""What every executor promises; each implementation is run through the same tests."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from copilot_widget.errors import LogError
from copilot_widget.protocol import UIMessage, reduce_chunks
from copilot_widget.protocol.messages import TextPart
from copilot_widget.runs.base import Event, Executor
from copilot_widget.runs.executor import KernelExecutor
from copilot_widget.runs.process import ProcessExecutor
from copilot_widget.state import Approval, RunRequest
from copilot_widget.store import MemoryStore
from copilot_widget.store.open import open_store
from tests.agents import make_agent

from .contract_app import act, hang

ROOT = Path(__file__).resolve().parents[2]


def call(name: str, call_id: str = "c1", /, **arguments: Any) -> dict[str, Any]:
    return {"type": "call", "toolCallId": call_id, "toolName": name, "input": arguments}


SCRIPTS: dict[str, Any] = {
    "text": [["one two three"]] * 9,
    "slow": [[{"type": "text", "text": "word " * 200, "tokensPerSecond": 200}]] * 9,
    "act": [[call("act", what="it")], ["done"]],
    "hang": [[call("hang")], ["done"]],
    "broken": [[{"type": "error", "code": "auth", "message": "No key.", "hint": "Set one."}]],
}


@pytest.fixture(params=["kernel", "process"])
async def make(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[str], Executor]]:
    """Makes the executor whose runs follow a script; all of a test's are one place."""
    made: list[Any] = []

    def kernel(script: str) -> Executor:
        async def agent_for(_request: RunRequest) -> Any:
            return make_agent(SCRIPTS[script], act, hang, approvals="ask")

        made.append(KernelExecutor(agent_for, MemoryStore()))
        return made[-1]

    def process(script: str) -> Executor:
        steps = [one[0] if isinstance(one[0], str) else one for one in SCRIPTS[script]]
        (tmp_path / "script.json").write_text(json.dumps({"steps": steps}))
        # Its worker, which it starts by itself, has this environment.
        monkeypatch.setenv("COPILOT_APP", "tests.contract.contract_app:copilot")
        monkeypatch.setenv("COPILOT_MODEL", f"script:{tmp_path / 'script.json'}")
        monkeypatch.setenv("COPILOT_STORE", f"sqlite:///{tmp_path / 'threads.sqlite3'}")
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        made.append(ProcessExecutor(open_store(), tmp_path / "pool"))
        return made[-1]

    yield {"kernel": kernel, "process": process}[request.param]
    for executor in made:
        await executor.close()
    for worker in psutil.process_iter(["cmdline"]):
        if str(tmp_path / "pool") in (worker.info["cmdline"] or []):
            worker.kill()


def ask(run: str = "r1", thread: str = "t1", prompt: str = "go") -> RunRequest:
    message = UIMessage(id=f"{run}-user", role="user", parts=[TextPart(text=prompt)])
    return RunRequest(run=run, thread=thread, message=message, message_id=f"{run}-answer", model="")


async def collect(executor: Executor, run: str, after: int = 0) -> list[Event]:
    return [event async for event in executor.subscribe(run, after)]


def terminal(events: list[Event]) -> list[str]:
    return [event["chunk"]["type"] for event in events if event["chunk"]["type"] in ("finish", "error", "abort")]


async def until(executor: Executor, run: str, kind: str) -> dict[str, Any]:
    async for event in executor.subscribe(run):
        if event["chunk"]["type"] == kind:
            return event["chunk"]
    raise AssertionError(f"{run} ended without {kind}")


async def test_a_run_is_a_numbered_log_with_one_ending(make: Callable[[str], Executor]):
    executor = make("text")
    await executor.submit(ask(), idempotency_key="k")
    events = await collect(executor, "r1")
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert terminal(events) == ["finish"]
    assert events[-1]["chunk"]["type"] == "finish"
    assert await executor.status("r1") == "completed"
    assert reduce_chunks([event["chunk"] for event in events]).id == "r1-answer"


async def test_the_same_key_twice_is_one_run(make: Callable[[str], Executor]):
    executor = make("text")
    first = await executor.submit(ask("r1"), idempotency_key="k")
    second = await executor.submit(ask("r2"), idempotency_key="k")
    assert first == second == "r1"


async def test_a_subscriber_dropped_at_any_place_gets_each_event_once(make: Callable[[str], Executor]):
    executor = make("slow")
    await executor.submit(ask(), idempotency_key="k")
    seen: list[int] = []
    while not seen or await executor.status("r1") not in ("completed", "failed", "stopped"):
        async for event in executor.subscribe("r1", len(seen)):
            seen.append(event["seq"])
            if len(seen) % 7 == 0:
                break
    seen += [event["seq"] for event in await collect(executor, "r1", len(seen))]
    assert seen == list(range(1, len(seen) + 1))


async def test_runs_of_one_thread_follow_each_other_and_see_each_others_answers(make: Callable[[str], Executor]):
    executor = make("slow")
    for number in (1, 2, 3):
        await executor.submit(ask(f"r{number}"), idempotency_key=f"k{number}")
    assert await executor.status("r3") == "queued"
    logs = [await collect(executor, f"r{number}") for number in (1, 2, 3)]
    assert [terminal(log) for log in logs] == [["finish"]] * 3
    assert logs[0][-1]["ts"] <= logs[1][1]["ts"] <= logs[1][-1]["ts"] <= logs[2][1]["ts"]


async def test_runs_of_different_threads_overlap(make: Callable[[str], Executor]):
    executor = make("slow")
    await executor.submit(ask("r1", "t1"), idempotency_key="k1")
    await executor.submit(ask("r2", "t2"), idempotency_key="k2")
    one, two = await asyncio.gather(collect(executor, "r1"), collect(executor, "r2"))
    assert one[0]["ts"] < two[-1]["ts"]
    assert two[0]["ts"] < one[-1]["ts"]


@pytest.mark.parametrize("script", ["slow", "hang", "act"])
async def test_stop_ends_a_run_once_wherever_it_stands(make: Callable[[str], Executor], script: str):
    executor = make(script)
    await executor.submit(ask(), idempotency_key="k")
    await until(
        executor, "r1", {"slow": "text-delta", "hang": "tool-input-available", "act": "tool-approval-request"}[script]
    )
    await executor.stop("r1")
    await executor.stop("r1")
    events = await collect(executor, "r1")
    assert terminal(events) == ["abort"]
    assert await executor.status("r1") == "stopped"
    await executor.stop("r1")  # no error where it has ended


async def test_a_queued_run_can_be_stopped_and_the_next_one_still_comes(make: Callable[[str], Executor]):
    executor = make("slow")
    for number in (1, 2, 3):
        await executor.submit(ask(f"r{number}"), idempotency_key=f"k{number}")
    await until(executor, "r1", "text-delta")
    await executor.stop("r2")
    assert terminal(await collect(executor, "r2")) == ["abort"]
    assert await executor.status("r1") == "running"
    assert terminal(await collect(executor, "r3")) == ["finish"]


async def test_an_approval_is_answered_once(make: Callable[[str], Executor]):
    executor = make("act")
    await executor.submit(ask(), idempotency_key="k")
    asked = await until(executor, "r1", "tool-approval-request")
    while await executor.status("r1") != "waiting":  # noqa: ASYNC110 - the interface tells no other way
        await asyncio.sleep(0.005)
    assert not await executor.answer("r1", "another", Approval(approved=True))
    assert await executor.answer("r1", asked["approvalId"], Approval(approved=True))
    assert not await executor.answer("r1", asked["approvalId"], Approval(approved=False))
    events = await collect(executor, "r1")
    outputs = [event["chunk"] for event in events if event["chunk"]["type"] == "tool-output-available"]
    assert [output["output"] for output in outputs] == ["did it"]
    assert terminal(events) == ["finish"]
    assert not await executor.answer("r1", asked["approvalId"], Approval(approved=True))


async def test_consent_to_another_call_is_refused_and_the_right_answer_still_counts(make: Callable[[str], Executor]):
    executor = make("act")
    await executor.submit(ask(), idempotency_key="k")
    shown = (await until(executor, "r1", "data-approval"))["data"]["digest"]
    asked = await until(executor, "r1", "tool-approval-request")
    while await executor.status("r1") != "waiting":  # noqa: ASYNC110 - the interface tells no other way
        await asyncio.sleep(0.005)
    with pytest.raises(LogError, match="another call") as refusal:
        await executor.answer("r1", asked["approvalId"], Approval(approved=True, digest="0" * 64))
    assert refusal.value.code == "other-call"
    assert await executor.status("r1") == "waiting"
    assert await executor.answer("r1", asked["approvalId"], Approval(approved=True, digest=shown))
    events = await collect(executor, "r1")
    outputs = [event["chunk"] for event in events if event["chunk"]["type"] == "tool-output-available"]
    assert [output["output"] for output in outputs] == ["did it"]


async def test_a_failing_run_ends_with_an_error_and_the_next_one_works(make: Callable[[str], Executor]):
    executor = make("broken")
    await executor.submit(ask("r1"), idempotency_key="k1")
    await executor.submit(ask("r2"), idempotency_key="k2")
    for run in ("r1", "r2"):
        events = await collect(executor, run)
        assert terminal(events) == ["error"]
        assert events[-1]["chunk"]["errorText"] == "No key. Set one."
        assert await executor.status(run) == "failed"
