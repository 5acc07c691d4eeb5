"""Runs on a worker whose tools are the kernel's: its gate, its answers, its absence."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from copilot_widget import Copilot, ToolResult, host, tool
from copilot_widget.agents import Agents
from copilot_widget.errors import LogError
from copilot_widget.host import PlainHost
from copilot_widget.models.base import ToolSchema
from copilot_widget.run import Run
from copilot_widget.runs import attempt, kernel_calls, loop
from copilot_widget.runs.executor import LogExecutor
from copilot_widget.runs.memory import MemoryBell, MemoryLog
from copilot_widget.runs.worker import Worker
from copilot_widget.state import TERMINAL
from copilot_widget.store import MemoryStore
from copilot_widget.tools.approval import Policy
from copilot_widget.tools.base import ApprovalRequest, ToolContext
from copilot_widget.tools.toolset import toolset
from tests.agents import make_agent


def call(name: str, call_id: str = "c1", /, **arguments: Any) -> dict[str, Any]:
    return {"type": "call", "toolCallId": call_id, "toolName": name, "input": arguments}


class Seen(PlainHost):
    """Somebody is there to be asked."""

    headless = False


@pytest.fixture(autouse=True)
def watched() -> Iterator[None]:
    host.install(Seen)
    yield
    host.install(PlainHost)


class Place(LogExecutor):
    """Workers that share nothing with the asking kernel but the log, the bell and the conversations."""

    def __init__(self, script: Any, *, tools: Any = (), **agents: Any) -> None:
        super().__init__(MemoryLog(), MemoryBell(), MemoryStore())
        own = Agents(tools=toolset(tools), **agents)

        async def agent_for(request: Any) -> Any:
            agent = make_agent(script)
            agent._policy = Policy(request.approvals if request.approvals != "callable" else "ask")
            request.model = "demo"
            agent._toolset = (await own.on_worker(request))._toolset
            return agent

        self.worker = Worker(self.log, self.bell, self.store, agent_for, lease=2.0)
        loop.start(self.worker.run())


def outputs(run: Run) -> dict[str, Any]:
    return {
        event["chunk"]["toolCallId"]: event["chunk"].get("output", event["chunk"].get("errorText"))
        for event in run.feed.events
        if event["chunk"]["type"] in ("tool-output-available", "tool-output-error")
    }


def until(condition: Callable[[], Any], seconds: float = 10) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return value


def asked(run: Run) -> list[dict[str, Any]]:
    return [event["chunk"] for event in run.feed.events if event["chunk"]["type"] == "tool-approval-request"]


def test_a_workers_run_uses_the_kernels_tools_and_its_slot_is_free_meanwhile():
    orders = {17: "shipped"}
    place = Place([[call("lookup", order_id=17)], ["It is shipped."]])
    held: list[int] = []

    @tool
    def lookup(order_id: int) -> str:
        """Find an order."""
        time.sleep(0.1)
        held.append(len(place.worker.held))
        return orders[order_id]

    run = Copilot(tools=[lookup], executor=place).ask("where is 17?").wait(10)
    assert run.status == "completed", run.error
    assert outputs(run) == {"c1": "shipped"}
    assert run.text == "It is shipped."
    assert held == [0]
    assert run.request.kernel_tools[0].name == "lookup"


def test_a_stop_that_reaches_nobody_says_so_and_can_be_tried_again(monkeypatch: pytest.MonkeyPatch):
    place = Place([[call("wait_long")], ["Done."]])
    gate = threading.Event()

    @tool
    def wait_long() -> str:
        """Wait."""
        gate.wait(10)
        return "waited"

    copilot = Copilot(tools=[wait_long], executor=place)
    told: list[str] = []
    copilot.notices.listen(told.append)
    run = copilot.ask("wait")
    until(lambda: run.feed.events)
    stop = place.log.stop

    async def away(run: str, reason: str) -> bool:
        raise LogError("The log cannot be reached.", hint="Is Redis running?", code="away")

    monkeypatch.setattr(place.log, "stop", away)
    run.stop()
    until(lambda: told)
    assert told == ["The run could not be stopped, and goes on. The log cannot be reached. Is Redis running?"]
    assert run.status not in TERMINAL
    monkeypatch.setattr(place.log, "stop", stop)
    run.stop()
    until(lambda: run.status == "stopped")
    gate.set()


def test_what_passes_while_a_call_runs_is_shown_here_and_stands_in_no_log():
    place = Place([[call("count", "c1")], ["Counted."]])
    said: list[dict[str, Any]] = []

    @tool
    def count(context: ToolContext) -> Iterator[int]:
        """Count."""
        context.notify("counting")
        yield 1
        yield 2
        yield 3

    copilot = Copilot(tools=[count], executor=place)
    copilot.on_turn(lambda run: run.feed.listen_aside(said.append))
    run = copilot.ask("count").wait(10)
    assert run.status == "completed", run.error
    assert outputs(run) == {"c1": 3}
    assert [chunk["output"] for chunk in said if chunk["type"] == "tool-output-available"] == [1, 2, 3]
    assert {"type": "data-tool-status", "id": "c1", "data": {"text": "counting"}, "transient": True} in said
    assert not [event for event in run.feed.events if event["chunk"] in said]


def test_what_is_displayed_while_a_call_runs_is_shown_here_and_stands_in_the_log_once():
    place = Place([[call("draw", "c1")], ["Drawn."]])
    said: list[dict[str, Any]] = []
    bars = [{"text/html": f"bar {n}"} for n in range(3)]

    @tool
    def draw() -> Iterator[Any]:
        """Draw."""
        for bar in bars:
            yield ToolResult("drawing", bar)
            time.sleep(0.15)

    copilot = Copilot(tools=[draw], executor=place)
    copilot.on_turn(lambda run: run.feed.listen_aside(said.append))
    run = copilot.ask("draw").wait(10)
    assert run.status == "completed", run.error
    assert [chunk["data"] for chunk in said if chunk["type"] == "data-display"] == [[bar] for bar in bars]
    logged = [event["chunk"] for event in run.feed.events if event["chunk"]["type"] == "data-display"]
    assert [chunk["data"] for chunk in logged] == [bars[2:]]


def test_what_acts_is_asked_by_the_kernels_gate_and_answered_from_any_view():
    done: list[str] = []

    @tool(approval=True)
    def send(text: str) -> str:
        """Send it."""
        done.append(text)
        return "sent"

    place = Place([[call("send", text="hello")], ["Done."]])
    copilot = Copilot(tools=[send], executor=place)
    run = copilot.ask("send hello")
    request = until(lambda: asked(run))[0]
    until(lambda: run.status == "waiting")
    assert not done
    another_view = Copilot(executor=place).attach(run.id)
    assert another_view.answer(request["approvalId"], True)
    assert not run.answer(request["approvalId"], False), "the first answer counts"
    run.wait(10)
    another_view.wait(10)
    assert done == ["hello"]
    assert outputs(run) == outputs(another_view) == {"c1": "sent"}


def test_what_a_tool_looks_at_first_is_looked_at_by_the_kernel():
    state = ["as it was"]

    def look(given: dict[str, Any], context: ToolContext) -> ApprovalRequest:
        return ApprovalRequest(title=f"change {state[0]} of {context.run_id}", basis=state[0])

    @tool(question=look)
    def change(context: ToolContext) -> str:
        """Change it."""
        return f"allowed {context.basis}, is {state[0]}"

    place = Place([[call("change")], ["Done."]])
    run = Copilot(tools=[change], executor=place).ask("change it")
    request = until(lambda: asked(run))[0]
    [card] = [event["chunk"]["data"] for event in run.feed.events if event["chunk"]["type"] == "data-approval"]
    assert (card["title"], "basis" in card) == (f"change as it was of {run.id}", False)
    state[0] = "another"
    assert run.answer(request["approvalId"], True)
    run.wait(10)
    assert outputs(run) == {"c1": "allowed as it was, is another"}


def test_a_policy_in_python_decides_in_the_kernel():
    @tool(approval=True)
    def send(text: str) -> str:
        """Send it."""
        return f"sent {text}"

    calls = [call("send", "c1", text="good"), call("send", "c2", text="bad")]
    place = Place([calls, ["Done."]])
    copilot = Copilot(tools=[send], executor=place, approvals=lambda name, arguments: arguments["text"] == "good")
    run = copilot.ask("send").wait(10)
    assert outputs(run) == {"c1": "sent good"}
    states = {part.tool_call_id: part.state for part in run.message.parts if hasattr(part, "tool_call_id")}
    assert states == {"c1": "output-available", "c2": "output-denied"}


def test_arguments_that_do_not_fit_are_told_to_the_model_and_the_run_goes_on():
    @tool
    def lookup(order_id: int) -> str:
        """Find an order."""
        return "x"

    place = Place([[call("lookup", order_id="many")], ["Sorry."]])
    run = Copilot(tools=[lookup], executor=place).ask("?").wait(10)
    assert "order_id" in outputs(run)["c1"]
    assert run.text == "Sorry."


class Broken:
    """A tool that is no function, and whose code for the arguments is faulty."""

    name, title, timeout, parallel = "act", "Act", 60.0, False
    schema = ToolSchema("act", "Act.", {"type": "object", "properties": {}})

    def parse(self, text: str) -> Any:
        raise ValueError("when: no such date")

    def approval(self, input: Any) -> None:
        return None

    async def call(self, input: Any, context: Any) -> AsyncIterator[ToolResult]:
        yield ToolResult("acted")


def test_a_fault_of_a_tools_own_code_is_told_to_the_model_at_once():
    place = Place([[call("act")], ["Sorry."]])
    run = Copilot(tools=[Broken()], executor=place).ask("?").wait(20)
    assert outputs(run) == {"c1": "ValueError: when: no such date"}
    assert run.text == "Sorry."
    assert not run.feed._listeners, "who serves a run's calls leaves when it has ended"


def test_no_kernel_before_the_deadline_is_an_error_and_other_tools_go_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(attempt, "PATIENCE_SECONDS", 0.5)
    mine: list[str] = []

    @tool
    def remember(text: str) -> str:
        """A tool of the worker's own."""
        mine.append(text)
        return "remembered"

    @tool
    def lookup() -> str:
        """A tool of a kernel that is gone."""
        raise AssertionError("a restarted kernel must not run it")

    script = [[call("lookup", "c1"), call("remember", "c2", text="it")], ["Done without it."]]
    place = Place(script, tools=[remember])
    copilot = Copilot(tools=[lookup], executor=place)
    monkeypatch.setattr("copilot_widget.copilot.KERNEL", "kernel-that-was-restarted")
    run = copilot.ask("?").wait(15)
    assert run.status == "completed"
    assert "Kernel unavailable" in outputs(run)["c1"]
    assert outputs(run)["c2"] == "remembered"
    assert mine == ["it"]
    assert run.text == "Done without it."


def test_a_call_may_take_longer_than_the_patience_as_long_as_the_kernel_lives(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(attempt, "PATIENCE_SECONDS", 0.4)
    monkeypatch.setattr(kernel_calls, "PATIENCE_SECONDS", 0.4)
    monkeypatch.setattr(kernel_calls, "_SIGN_OF_LIFE_SECONDS", 0.1)

    @tool
    async def slow() -> str:
        """Take a while."""
        await asyncio.sleep(2.5)
        return "at last"

    run = Copilot(tools=[slow], executor=Place([[call("slow")], ["Done."]])).ask("?").wait(15)
    assert outputs(run) == {"c1": "at last"}


def test_a_result_waits_for_a_log_that_is_away(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kernel_calls, "_RETRY_SECONDS", 0.05)
    done: list[str] = []

    @tool
    def send(text: str) -> str:
        """Send it."""
        done.append(text)
        return "sent"

    place = Place([[call("send", text="hello")], ["Done."]])
    answer, refusals = place.answer, [LogError("Redis is away.", code="unavailable")] * 3

    async def sometimes(*arguments: Any) -> bool:
        if refusals:
            raise refusals.pop()
        return await answer(*arguments)

    monkeypatch.setattr(place, "answer", sometimes)
    run = Copilot(tools=[send], executor=place).ask("send hello").wait(10)
    assert outputs(run) == {"c1": "sent"}
    assert done == ["hello"], "what was done is not done again"


def test_stop_ends_a_call_in_the_kernel_within_a_second():
    begun, ended = [], []

    @tool
    async def hang() -> str:
        """Never return."""
        begun.append(1)
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(1)
        return "never"

    run = Copilot(tools=[hang], executor=Place([[call("hang")], ["x"]])).ask("?")
    until(lambda: begun)
    at = time.monotonic()
    run.stop()
    run.wait(5)
    until(lambda: ended)
    assert run.status == "stopped"
    assert time.monotonic() - at < 1


def test_a_post_with_other_arguments_than_were_shown_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("copilot_widget.elsewhere.digest", lambda *_: "of something else")

    @tool
    def lookup() -> str:
        """Find it."""
        raise AssertionError("it must not run")

    run = Copilot(tools=[lookup], executor=Place([[call("lookup")], ["Well."]])).ask("?").wait(10)
    assert "Refused" in outputs(run)["c1"]
