"""Tools that run in the client that shows the conversation: the run waits for their output."""

from __future__ import annotations

from typing import Any

import pytest

from copilot_widget import Copilot, tool
from copilot_widget.errors import ToolError
from copilot_widget.funnel import StopSignal
from copilot_widget.protocol import reduce_chunks
from copilot_widget.protocol.tool_part import ToolPart
from copilot_widget.state import Approval, Output, RunRequest, RunState
from copilot_widget.tools.ask_user import ask_user
from copilot_widget.tools.base import ToolContext

from .agents import begin, drive, make_agent, request, step


@tool(client=True)
def locate(city: bool = False) -> str:
    """Where the user is."""
    raise AssertionError("it runs in the client")


@tool
def look() -> str:
    """Look."""
    return "seen"


CALL = {"type": "call", "toolCallId": "c1", "toolName": "locate", "input": {"city": True}}
LOOK = {"type": "call", "toolCallId": "c2", "toolName": "look", "input": {}}


def output(value: Any = "here") -> Output:
    return Output(chunks=[{"type": "tool-output-available", "toolCallId": "c1", "output": value}])


def asked(**options: Any) -> RunRequest:
    return request(**options).model_copy(update={"model": "demo"})


def call_of(chunks: list[dict[str, Any]]) -> ToolPart:
    [part] = [part for part in reduce_chunks(chunks).parts if isinstance(part, ToolPart)]
    return part


async def waiting(*calls: dict[str, Any]) -> tuple[Any, list[dict[str, Any]], RunState]:
    agent = make_agent([list(calls), ["done"]], locate, look)
    chunks, state = await drive(agent, begin(client=True))
    assert state.status == "waiting"
    return agent, chunks, state


async def test_the_run_waits_for_the_output_and_goes_on_with_it():
    agent, chunks, state = await waiting(CALL)
    [posted] = [chunk for chunk in chunks if chunk["type"] == "data-client-call"]
    assert posted == {"type": "data-client-call", "id": "c1", "transient": True, "data": {"reply": "c1@client"}}
    assert state.awaited == ["c1@client"]
    assert not state.waits_for_kernel, "a person may take their time"
    state = RunState.model_validate_json(state.model_dump_json())
    assert not state.take("c1@client", Approval(approved=True))
    assert not state.take("c1", output())
    assert state.take("c1@client", output({"lat": None}))
    assert not state.take("c1@client", output("again"))
    more, state = await drive(agent, state)
    assert state.status == "completed"
    part = call_of(chunks + more)
    assert (part.state, part.output) == ("output-available", {"lat": None})


async def test_calls_that_run_here_do_not_wait_for_the_client():
    _, chunks, state = await waiting(CALL, LOOK)
    assert "c2" in [chunk["toolCallId"] for chunk in chunks if chunk["type"] == "tool-output-available"]
    assert state.awaited == ["c1@client"]


async def test_stop_while_the_client_is_waited_for_closes_the_call():
    agent, chunks, state = await waiting(CALL)
    stop = StopSignal()
    stop.set("enough")
    state.status = "running"
    more, state = await step(agent, state, stop)
    assert state.status == "stopped"
    part = call_of(chunks + more)
    assert part.state == "output-error"


async def test_where_no_client_asks_nobody_is_offered_them():
    copilot = Copilot("demo", tools=[locate, look])
    plain = asked()
    assert set((await copilot.agents.on_worker(asked(client=True))).tools()) >= {"locate", "look"}
    for agent in (await copilot.agents.on_worker(plain), await copilot.agents.here(plain)):
        assert "locate" not in agent.tools()
        assert "look" in agent.tools()
    luggage = copilot.agents.luggage("demo")
    assert "locate" not in [each.name for each in luggage["kernel_tools"]]


async def test_a_question_to_the_user_is_offered_where_a_notebooks_view_can_show_it():
    copilot = Copilot("demo")
    watched, alone = asked(kernel="k"), asked(kernel="k", headless=True)
    assert "ask_user" in (await copilot.agents.on_worker(watched)).tools()
    assert "ask_user" not in (await copilot.agents.on_worker(alone)).tools()
    assert "ask_user" not in (await copilot.agents.on_worker(asked(client=True))).tools(), "a page may not know it"
    given = Copilot("demo", tools=[ask_user])
    assert "ask_user" in (await given.agents.on_worker(asked(client=True))).tools()


async def test_it_is_never_called_here():
    with pytest.raises(ToolError, match="runs in the client"):
        [each async for each in locate.call({}, ToolContext("c", "r"))]
    with pytest.raises(ToolError):
        locate.parse('{"city": 7}')
