"""What a call shows while it runs and afterwards: sent when it is new, kept when the call ends badly, never twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from copilot_widget.funnel import StopSignal
from copilot_widget.history import to_model_messages
from copilot_widget.models.base import Image, ToolMessage, ToolSchema
from copilot_widget.protocol.chunks import ToolOutputAvailable
from copilot_widget.protocol.displays import displayed
from copilot_widget.protocol.messages import DataPart, ToolPart, UIMessage
from copilot_widget.record.turn import Call as RecordCall
from copilot_widget.record.turn import Prose, RecordTurn, read
from copilot_widget.state import RunState
from copilot_widget.tools.base import ToolContext, ToolResult
from copilot_widget.tools.function import tool
from copilot_widget.tools.result import Converted

from .agents import begin, drive, make_agent, step


def call(name: str) -> dict[str, Any]:
    return {"type": "call", "toolCallId": "c1", "toolName": name, "input": {}}


class Draws:
    """A tool that gives these results."""

    schema, title, timeout, parallel = ToolSchema("draws", "", {"type": "object"}), "Draws", 60.0, False

    def __init__(self, *results: ToolResult) -> None:
        self._results = results

    def parse(self, text: str) -> Any:
        return {}

    def approval(self, input: Any) -> None: ...

    async def call(self, input: Any, context: ToolContext) -> AsyncIterator[ToolResult]:
        for result in self._results:
            yield result


async def test_displays_come_while_the_tool_runs_and_none_of_them_twice():
    figures = [{"image/png": "aGk=" * n, "text/plain": f"figure {n}"} for n in range(1, 4)]
    previews = [ToolResult({"stdout": text}, figures[:n], preliminary=True) for n in (1, 2, 3) for text in ("a", "ab")]
    draws = Draws(*previews, ToolResult("done", [{"text/plain": "printed"}, *figures, {"text/plain": "value"}]))
    chunks, state = await drive(make_agent([[call("draws")], ["Ok."]], draws), begin())
    shown = [(chunk["id"], chunk["data"]) for chunk in chunks if chunk["type"] == "data-display"]
    assert shown == [
        ("c1", figures[:1]),
        ("c1 1", figures[1:2]),
        ("c1 2", figures[2:]),
        ("c1", [{"text/plain": "printed"}, figures[0]]),
        ("c1 3", [{"text/plain": "value"}]),
    ]
    kept = {part.id: part.data for part in state.message.parts if isinstance(part, DataPart)}
    assert displayed(kept.get, "c1") == [{"text/plain": "printed"}, *figures, {"text/plain": "value"}]
    whole = read(RecordTurn({"role": "user", "parts": []}, state.message))
    [row] = [part for part in whole.answered if isinstance(part, RecordCall)]
    assert row.displays == (({"text/plain": "printed"}), *figures, {"text/plain": "value"})
    assert [type(part) for part in whole.answered] == [RecordCall, Prose], "and stand nowhere else"


async def test_a_display_that_is_replaced_or_cleared_leaves_nothing_of_the_old_one():
    @tool
    def bars():
        """Show progress, then no longer."""
        for n in range(3):
            yield ToolResult(n, [{"text/html": f"bar {n}"}, {"text/html": "below"}])
            time.sleep(0.15)
        yield "done"

    chunks, state = await drive(make_agent([[call("bars")], ["Ok."]], bars), begin())
    first = [chunk["data"] for chunk in chunks if chunk["type"] == "data-display" and chunk["id"] == "c1"]
    assert first == [[{"text/html": "bar 0"}], [{"text/html": "bar 1"}], [{"text/html": "bar 2"}], []]
    kept = {part.id: part.data for part in state.message.parts if isinstance(part, DataPart)}
    assert displayed(kept.get, "c1") == []


async def test_what_was_shown_and_printed_before_stop_stays():
    stop = StopSignal()
    figure = {"image/png": "aGk="}

    @tool
    async def draw():
        """Draw, and go on."""
        yield ToolResult({"stdout": "epoch 1\n"}, [figure])
        await asyncio.sleep(60)

    agent, state = make_agent([[call("draw")], ["Ok."]], draw), begin()
    while state.status == "running":
        async for item in agent.step(state, stop):
            if isinstance(item, RunState):
                state = item
            elif isinstance(item, ToolOutputAvailable):
                stop.set()
    assert state.status == "stopped"
    [part] = [part for part in state.message.parts if isinstance(part, ToolPart)]
    assert part.error_text == "No result: stopped by the user. It had printed so far:\nepoch 1\n"
    assert [part.data for part in state.message.parts if isinstance(part, DataPart)] == [[figure]]
    [read_by_model] = [one for one in to_model_messages([state.message]) if isinstance(one, ToolMessage)]
    assert "epoch 1" in read_by_model.output


async def test_a_tool_that_took_too_long_says_what_it_had_given():
    @tool(timeout=0.3)
    async def slow():
        """Be slow."""
        yield ToolResult("half-way", {"image/png": "aGk="})
        await asyncio.sleep(60)

    chunks, _ = await drive(make_agent([[call("slow")], ["Ok."]], slow), begin())
    [error] = [chunk["errorText"] for chunk in chunks if chunk["type"] == "tool-output-error"]
    assert error.endswith("It had printed so far:\nhalf-way")
    assert [chunk["data"] for chunk in chunks if chunk["type"] == "data-display"] == [[{"image/png": "aGk="}]]


async def test_a_call_that_runs_again_begins_with_an_empty_card():
    @tool(read_only=True)
    def draw():
        """Draw."""
        return ToolResult("new", {"image/png": "bmV3"})

    agent, state = make_agent([[call("draw")], ["Ok."]], draw), begin()
    while state.phase != "calls":
        _, state = await step(agent, state)
    old = [{"type": "data-display", "id": one, "data": [{"image/png": "b2xk"}]} for one in ("c1", "c1 1")]
    state.recover(old)
    _, state = await drive(agent, state)
    kept = {part.id: part.data for part in state.message.parts if isinstance(part, DataPart)}
    assert displayed(kept.get, "c1") == [{"image/png": "bmV3"}]


async def test_of_many_pictures_that_nobody_asked_for_the_latest_are_sent():
    draws = Draws(Converted("drawn", [{"image/png": "aGk="}], sees=True, seen=(0,)))
    history: list[UIMessage] = []
    counts: list[int] = []
    for _ in range(10):
        _, state = await drive(make_agent([[call("draws")], ["Ok."]], draws), begin())
        history = [*history, state.request.message, state.message]
        results = [message for message in to_model_messages(history) if isinstance(message, ToolMessage)]
        seen = [bool(result.images) for result in results]
        counts.append(sum(seen))
        assert seen == sorted(seen), "the latest"
        assert ["no longer sent" in result.output for result in results] == [not one for one in seen]
    assert counts == [1, 2, 3, 4, 5, 6, 4, 5, 6, 4]


async def test_the_model_sees_the_pictures_that_are_chosen_for_it():
    large, small = {"image/png": "bGFyZ2U="}, {"image/png": "c21hbGw="}
    display = [{"text/plain": "printed"}, {"image/png": "Zmlyc3Q="}, {"image/jpeg": "c2Vjb25k"}, large]
    draws = Draws(Converted("drawn", display, sees=True, seen=(2, small, 9)))
    _, state = await drive(make_agent([[call("draws")], ["Ok."]], draws), begin())
    [result] = [message for message in to_model_messages([state.message]) if isinstance(message, ToolMessage)]
    assert result.images == (Image("image/jpeg", "c2Vjb25k"), Image("image/png", "c21hbGw="))
