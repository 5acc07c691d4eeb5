"""A worker and its attempts where something goes wrong: a run is worked on once, and ends whatever happens."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from copilot_widget import Copilot, tool
from copilot_widget.agent import Agent
from copilot_widget.errors import StoreError
from copilot_widget.models.base import AssistantMessage, ModelRequest, Text, ToolCall
from copilot_widget.protocol import UIMessage, reduce_chunks
from copilot_widget.protocol.messages import TextPart
from copilot_widget.runs import attempt
from copilot_widget.runs.executor import LogExecutor
from copilot_widget.runs.memory import MemoryBell, MemoryLog
from copilot_widget.runs.worker import Worker
from copilot_widget.state import TERMINAL, Approval, RunRequest
from copilot_widget.store import MemoryStore
from copilot_widget.timing import timeout


@tool(approval=True)
def act() -> str:
    """Act."""
    return "acted"


def ask(run: str, thread: str = "t") -> RunRequest:
    message = UIMessage(f"{run}-user", "user", [TextPart(text=run)])
    return RunRequest(run=run, thread=thread, message=message, message_id=f"{run}-answer", model="")


class Site:
    """One worker in this process, and who asks it."""

    def __init__(self, agent_for: Callable[[RunRequest], Awaitable[Agent]], store: MemoryStore, slots: int) -> None:
        self.log, self.bell = MemoryLog(), MemoryBell()
        self.client = LogExecutor(self.log, self.bell, store)
        self.worker = Worker(self.log, self.bell, store, agent_for, slots=slots)
        self.working = asyncio.ensure_future(self.worker.run())

    async def submit(self, run: str, thread: str = "t") -> None:
        await self.client.submit(ask(run, thread), idempotency_key=run)

    async def until(self, condition: Callable[[], Awaitable[Any]]) -> None:
        async with timeout(20):
            while not await condition():  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)

    async def until_status(self, run: str, *wanted: str) -> None:
        async def there() -> bool:
            return await self.client.status(run) in wanted

        await self.until(there)

    async def message(self, run: str) -> UIMessage:
        """Of a run, once it has ended."""
        await self.until_status(run, *TERMINAL)
        return reduce_chunks([event["chunk"] async for event in self.client.subscribe(run)])


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., Site]]:
    sites: list[Site] = []

    def site(
        model: Any = None, store: MemoryStore | None = None, slots: int = 2, agent_for: Any = None, tools: Any = ()
    ) -> Site:
        agent_for = agent_for or Copilot(model or (lambda _: "hello"), tools=tools, store=False).agents.on_worker
        sites.append(Site(agent_for, store or MemoryStore(), slots))
        return sites[-1]

    yield site
    for each in sites:
        each.working.cancel()
        await asyncio.wait([each.working])


# ---- a store that refuses -------------------------------------------------------------------------------


class Refusing(MemoryStore):
    """Takes no answers."""

    def __init__(self, code: str = "too-large") -> None:
        super().__init__()
        self.code = code

    async def put(self, owner: str, thread: str, *messages: UIMessage) -> None:
        if any(message.role == "assistant" for message in messages):
            raise StoreError("The message has 70 MB.", code=self.code)
        await super().put(owner, thread, *messages)


async def test_a_run_whose_answer_the_store_refuses_ends_and_says_so(make: Callable[..., Site]):
    site = make(store=Refusing())
    await site.submit("r1")
    await site.submit("r2")
    for run in ("r1", "r2"):  # the next question of the conversation, too
        message = await site.message(run)
        assert await site.client.status(run) == "completed"
        assert message.text == "hello"
        assert message.metadata[attempt.NOT_KEPT] == "The message has 70 MB."
        assert (await site.client.info(run)).attempt == 1


async def test_a_store_that_stays_away_ends_the_run_in_time_and_stop_sooner(
    make: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(attempt, "_STORE_SECONDS", 0.2)
    site = make(store=Refusing("unavailable"))
    await site.submit("r1")
    assert (await site.message("r1")).metadata[attempt.NOT_KEPT]
    assert await site.client.status("r1") == "completed"
    monkeypatch.setattr(attempt, "_STORE_SECONDS", 600.0)
    monkeypatch.setattr(attempt, "_STORE_SECONDS_STOPPED", 0.2)
    await site.submit("r2")

    async def answered() -> bool:
        return (await site.client.info("r2")).last_seq > 3

    await site.until(answered)
    await site.client.stop("r2")
    await site.message("r2")


# ---- Stop before there is an agent -----------------------------------------------------------------------


async def test_stop_does_not_wait_for_an_agent_that_is_being_made(make: Callable[..., Site]):
    begun, left = asyncio.Event(), asyncio.Event()

    async def agent_for(_request: RunRequest) -> Agent:
        begun.set()
        try:
            await asyncio.sleep(600)
        finally:
            left.set()
        raise AssertionError

    site = make(agent_for=agent_for)
    await site.submit("r1")
    async with timeout(20):
        await begun.wait()
        await site.client.stop("r1", "enough")
        message = await site.message("r1")
        await left.wait()
    assert await site.client.status("r1") == "stopped"
    assert message.parts == []


# ---- a run is taken once ---------------------------------------------------------------------------------


async def test_a_run_that_waits_for_a_slot_is_taken_once(make: Callable[..., Site]):
    """It is rung for while it works, and again by its user's answer while all slots are taken."""
    gates: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
    asked: list[str] = []

    async def model(request: ModelRequest) -> AsyncIterator[Any]:
        [first, *_] = request.messages[0].content
        assert isinstance(first, Text)
        name = f"{first.text}{sum(isinstance(message, AssistantMessage) for message in request.messages)}"
        asked.append(name)
        await gates[name].wait()
        yield ToolCall("c1", "act", "{}") if name == "R0" else "done"

    async def has_asked(name: str) -> None:
        async def there() -> bool:
            return name in asked

        await site.until(there)

    troubles: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: troubles.append(context))
    site = make(model, slots=2, tools=[act])
    await site.submit("R", "r")
    await site.submit("B", "b")
    await has_asked("R0")
    await has_asked("B0")
    await site.bell.ring(["R"])
    await site.submit("C", "c")  # which gets the slot that R leaves
    gates["R0"].set()
    await site.until_status("R", "waiting")
    await has_asked("C0")
    assert await site.client.answer("R", "R-c1", Approval(approved=True))
    gates["B0"].set()
    gates["C0"].set()
    await has_asked("R1")
    await site.until_status("B", "completed")
    await site.until_status("C", "completed")
    await asyncio.sleep(0.1)  # whoever took it a second time has looked at it by now
    assert list(site.worker.held) == ["R"]
    assert site.worker.idle_seconds == 0
    draining = asyncio.ensure_future(site.worker.drain())
    await asyncio.sleep(0.1)
    assert not draining.done()
    gates["R1"].set()
    async with timeout(20):
        await draining
    await site.until_status("R", "completed", "queued")
    assert troubles == []


async def test_a_run_that_waited_for_its_slot_while_the_worker_began_to_drain_is_not_taken(make: Callable[..., Site]):
    gate, asked = asyncio.Event(), list[str]()

    async def model(request: ModelRequest) -> AsyncIterator[str]:
        asked.append("once")
        await gate.wait()
        yield "done"

    site = make(model, slots=1)
    await site.submit("r1", "one")

    async def begun() -> bool:
        return bool(asked)

    await site.until(begun)
    await site.submit("r2", "two")
    await asyncio.sleep(0.05)  # it stands in line
    draining = asyncio.ensure_future(site.worker.drain())
    await asyncio.sleep(0)
    gate.set()
    async with timeout(20):
        await draining
    await asyncio.sleep(0.05)
    assert (await site.client.info("r2")).attempt == 0
    assert asked == ["once"]


# ---- texts that UTF-8 cannot hold ------------------------------------------------------------------------


def test_a_name_that_is_no_utf8_fails_no_run():
    """As `os.listdir` gives one; in a question, in a table that a tool returns, and in an error."""
    pandas = pytest.importorskip("pandas")
    name = "b\udce4r.csv"

    @tool
    def table() -> Any:
        """A table."""
        return pandas.DataFrame({"file": [name]})

    @tool
    def fails() -> None:
        """No file."""
        raise FileNotFoundError(name)

    async def model(request: ModelRequest) -> AsyncIterator[Any]:
        if any(isinstance(message, AssistantMessage) for message in request.messages):
            yield "done"
        else:
            yield ToolCall("c1", "table", "{}")
            yield ToolCall("c2", "fails", "{}")

    run = Copilot(model, tools=[table, fails], store=False).ask(f"what is in {name}?").wait(20)
    assert (run.status, run.text) == ("completed", "done")
    assert run.prompt.text == "what is in b?r.csv?"
