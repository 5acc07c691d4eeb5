"""Functions that decide on calls, or say what to ask: they may take their time, be async, or fail."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from copilot_widget import Copilot, tool
from copilot_widget.models.script import ScriptModel
from copilot_widget.protocol.tool_part import ToolPart
from copilot_widget.tools import approval
from copilot_widget.tools.base import ApprovalRequest, ToolContext
from copilot_widget.tools.toolset import ApprovedToolset

from .agents import begin, drive, make_agent
from .test_kernel_calls import Place

HELD = 30.0
"""Seconds for which a function holds whoever waits for it, unless the test lets it go: longer than any wait here."""


class Holding:
    """A function that does not return before it is let go."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.go = threading.Event()

    def __call__(self, *_: Any) -> bool:
        self.began.set()
        self.go.wait(HELD)
        return True


@pytest.fixture
def holding() -> Iterator[Holding]:
    held = Holding()
    yield held
    held.go.set()


def call(name: str, call_id: str = "c1", /, **arguments: Any) -> dict[str, Any]:
    return {"type": "call", "toolCallId": call_id, "toolName": name, "input": arguments}


def played(*steps: Any) -> ScriptModel:
    return ScriptModel({"steps": list(steps)})


def acts(**options: Any) -> Any:
    @tool(**{"approval": True, **options})
    def act(n: int = 1) -> str:
        """Act."""
        return f"did {n}"

    return act


async def decided(act: Any, approvals: Any, *inputs: int) -> tuple[dict[str, str], dict[str, str]]:
    """How each call ended, by its number, and why it was denied as the view tells."""
    calls = [call("act", f"c{n}", n=n) for n in inputs or (1,)]
    chunks, state = await drive(make_agent([calls, "Ok."], act, approvals=approvals), begin())
    states = {part.tool_call_id: part.state for part in state.message.parts if isinstance(part, ToolPart)}
    answers = [chunk for chunk in chunks if chunk["type"] == "tool-approval-response" and not chunk["approved"]]
    calls_of = {
        chunk["approvalId"]: chunk["toolCallId"] for chunk in chunks if chunk["type"] == "tool-approval-request"
    }
    return states, {calls_of[answer["approvalId"]]: answer["reason"] for answer in answers}


# ---- Stop, and others -----------------------------------------------------------------------------------------


def made(where: str, holding: Holding) -> dict[str, Any]:
    """Options of a Copilot in which something of the user's is held."""
    return {
        "approvals": {"tools": [acts()], "approvals": holding},
        "approval": {"tools": [acts(approval=holding)]},
        "question": {"tools": [acts(approval=False, question=holding)]},
        "toolset": {"tools": [ApprovedToolset(acts(approval=False), holding)]},
        "toolset of questions": {"tools": [ApprovedToolset(acts(approval=False, question=lambda *_: None), holding)]},
    }[where]


@pytest.mark.parametrize("where", ["approvals", "approval", "question", "toolset", "toolset of questions"])
@pytest.mark.parametrize("place", ["here", "elsewhere"])
def test_a_function_that_takes_its_time_holds_neither_stop_nor_other_runs(where: str, place: str, holding: Holding):
    options = made(where, holding)
    options |= {"executor": Place([[call("act")], ["Ok."]])} if place == "elsewhere" else {}
    run = Copilot(None if place == "elsewhere" else played([call("act")], "Ok."), **options).ask("go")
    assert holding.began.wait(10)
    assert Copilot(played("hello")).ask("hi").wait(HELD / 3).text == "hello"
    run.stop()
    assert run.wait(HELD / 3).status == "stopped"
    assert not holding.go.is_set()


async def test_what_is_given_up_is_interrupted():
    began, ended = threading.Event(), threading.Event()

    def endless(*_: Any) -> bool:
        began.set()
        try:
            while True:
                pass
        finally:
            ended.set()

    run = Copilot(played([call("act")], "Ok."), tools=[acts()], approvals=endless).ask("go")
    assert await asyncio.to_thread(began.wait, 10)
    run.stop()
    assert await asyncio.to_thread(ended.wait, 10)


# ---- async ------------------------------------------------------------------------------------------------------


async def test_an_async_function_decides():
    async def decide(name: str, arguments: Any) -> bool | None:
        await asyncio.sleep(0)
        return {1: True, 2: False, 3: None}[arguments["n"]]

    states, _ = await decided(acts(), decide, 1, 2, 3)
    assert states == {"c1": "output-available", "c2": "output-denied", "c3": "approval-requested"}


async def test_an_async_function_decides_on_a_call_from_elsewhere():
    async def decide(name: str, arguments: Any) -> bool:
        await asyncio.sleep(0)
        return arguments["n"] == 1

    place = Place([[call("act", n=1), call("act", "c2", n=2)], ["Ok."]])
    run = await Copilot(tools=[acts()], executor=place, approvals=decide).ask("go")
    states = [part.state for part in run.message.parts if isinstance(part, ToolPart)]
    assert states == ["output-available", "output-denied"]


async def large(arguments: Any, context: ToolContext | None = None) -> ApprovalRequest | None:
    await asyncio.sleep(0)
    return ApprovalRequest(title="that many") if arguments["n"] > 1 else None


class Large:
    async def __call__(self, arguments: Any) -> bool:
        return arguments["n"] > 1


@pytest.mark.parametrize(
    "act",
    [
        acts(approval=large),
        acts(approval=Large()),
        acts(approval=False, question=large),
        ApprovedToolset(acts(approval=False), large).tools()["act"],
        ApprovedToolset(acts(approval=large), lambda arguments: False).tools()["act"],
        ApprovedToolset(acts(approval=False, question=large), large).tools()["act"],
    ],
)
async def test_an_async_function_says_what_to_ask(act: Any):
    states, _ = await decided(act, "ask", 1, 2)
    assert states == {"c1": "output-available", "c2": "approval-requested"}


# ---- what fails denies, in words -----------------------------------------------------------------------------------


async def test_what_is_too_late_denies_in_words_that_the_user_and_the_model_read(
    monkeypatch: pytest.MonkeyPatch, holding: Holding
):
    monkeypatch.setattr(approval, "PATIENCE_SECONDS", 0.1)
    states, reasons = await decided(acts(), holding)
    assert states == {"c1": "output-denied"}
    assert reasons == {"c1": "Not allowed: the approvals function gave no answer within 0.1 s."}
    told: list[str] = []

    async def model(request: Any) -> Any:
        told.append(str(request.messages[-1]))
        yield "Ok." if len(told) > 1 else {"type": "tool-call", "toolCallId": "c", "toolName": "act", "input": "{}"}

    run = await Copilot(model, tools=[acts()], approvals=holding).ask("go")
    assert run.status == "completed"
    assert "gave no answer within 0.1 s" in told[-1]


async def never(*_: Any) -> None:
    await asyncio.sleep(HELD)


@pytest.mark.parametrize(
    "late",
    [
        lambda holding: acts(approval=holding, timeout=0.1),
        lambda holding: acts(approval=False, question=holding, timeout=0.1),
        lambda _: acts(approval=never, timeout=0.1),
        lambda _: acts(approval=False, question=never, timeout=0.1),
    ],
)
@pytest.mark.parametrize("approvals", ["ask", "auto"])
async def test_a_question_has_the_time_of_its_call(late: Any, approvals: str, holding: Holding):
    states, reasons = await decided(late(holding), approvals)
    assert states == {"c1": "output-denied"}
    assert reasons == {"c1": "Not allowed: what to ask could not be told, since act gave no answer within 0.1 s."}


async def test_what_raises_denies_in_words():
    async def broken(*_: Any) -> bool:
        raise TimeoutError("the server of rules is away")

    _, reasons = await decided(acts(), broken)
    why = "TimeoutError: the server of rules is away"
    assert reasons == {"c1": f"Not allowed: the approvals function failed with {why}."}
    for act in (acts(approval=broken), acts(approval=False, question=broken)):
        states, reasons = await decided(act, "auto")
        assert states == {"c1": "output-denied"}
        assert reasons == {"c1": f"Not allowed: what to ask could not be told ({why})."}
