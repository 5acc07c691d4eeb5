"""Helpers of the agent's tests: drive an agent by hand, step after step, as an executor does."""

from __future__ import annotations

from typing import Any

from copilot_widget.agent import Agent
from copilot_widget.funnel import StopSignal
from copilot_widget.models.script import ScriptModel
from copilot_widget.protocol import UIMessage, to_wire
from copilot_widget.protocol.messages import TextPart
from copilot_widget.state import RunRequest, RunState
from copilot_widget.tools.approval import Policy
from copilot_widget.tools.function import FunctionTool
from copilot_widget.tools.toolset import StaticToolset


def make_agent(script: Any, *tools: Any, approvals: Any = "auto", headless: bool = False, model: Any = None) -> Agent:
    """An agent on a scripted model: `script` is what a script file holds, or just its steps."""
    source = dict(script) if isinstance(script, dict) else {"steps": script}
    # a list that holds a single string is that text: shorter to write in a test
    source["steps"] = [one[0] if len(one) == 1 and isinstance(one[0], str) else one for one in source["steps"]]
    chosen = [tool if hasattr(tool, "schema") else FunctionTool(tool) for tool in tools]
    return Agent(model or ScriptModel(source), StaticToolset(chosen), policy=Policy(approvals, headless=headless))


def request(prompt: str = "go", **options: Any) -> RunRequest:
    message = UIMessage(id="u1", role="user", parts=[TextPart(text=prompt)])
    return RunRequest(run="r1", thread="t1", message=message, message_id="m1", model="script", **options)


def begin(prompt: str = "go", history: list[UIMessage] | None = None, **options: Any) -> RunState:
    asked = request(prompt, **options)
    return RunState.begin(asked, [*(history or []), asked.message])


async def step(agent: Agent, state: RunState, stop: StopSignal | None = None) -> tuple[list[dict[str, Any]], RunState]:
    """The chunks of one step, as wire JSON, and the next state."""
    items = [item async for item in agent.step(state, stop)]
    assert isinstance(items[-1], RunState)
    return [to_wire(item) for item in items[:-1]], items[-1]


async def drive(agent: Agent, state: RunState, *, through_json: bool = False) -> tuple[list[dict[str, Any]], RunState]:
    """All chunks until the run waits or has ended; with `through_json` the state is saved and loaded at each step."""
    chunks: list[dict[str, Any]] = []
    while state.status == "running":
        more, state = await step(agent, state)
        chunks += more
        if through_json:
            state = RunState.model_validate_json(state.model_dump_json())
    return chunks, state


def kinds(chunks: list[dict[str, Any]]) -> list[str]:
    return [chunk["type"] for chunk in chunks]
