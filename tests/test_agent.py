import asyncio
import json
import subprocess
import sys
import threading
from typing import Any

import pytest

from copilot_widget.errors import ToolError
from copilot_widget.funnel import StopSignal
from copilot_widget.history import to_model_messages
from copilot_widget.models.base import AssistantMessage, Call, Image, ToolMessage
from copilot_widget.protocol import reduce_chunks
from copilot_widget.state import RunState
from copilot_widget.tools.base import ApprovalRequest, ToolContext, ToolResult
from copilot_widget.tools.function import tool

from .agents import begin, drive, kinds, make_agent, step


def call(name: str, call_id: str = "c1", /, **arguments: Any) -> dict[str, Any]:
    return {"type": "call", "toolCallId": call_id, "toolName": name, "input": arguments}


def lookup(order_id: int) -> dict[str, Any]:
    """Find an order by its number."""
    return {"order": order_id, "state": "shipped"}


TWO_STEPS = [[{"type": "text", "text": "Let me look. "}, call("lookup", order_id=17)], ["Order 17 was shipped."]]


async def test_a_run_of_two_steps_is_a_valid_stream_with_one_ending():
    chunks, state = await drive(make_agent(TWO_STEPS, lookup), begin())
    assert state.status == "completed"
    assert kinds(chunks)[0] == "start"
    assert kinds(chunks)[-1] == "finish"
    assert kinds(chunks).count("start-step") == kinds(chunks).count("finish-step") == 2
    message = reduce_chunks(chunks).to_wire()
    assert message == state.message.to_wire()
    tool_part = next(part for part in message["parts"] if part["type"] == "tool-lookup")
    assert tool_part["state"] == "output-available"
    assert tool_part["output"] == {"order": 17, "state": "shipped"}
    assert message["metadata"]["usage"]["totalTokens"] > 0
    assert message["metadata"]["steps"] == 2


async def test_the_second_request_carries_the_call_and_its_result():
    requests = []
    agent = make_agent(TWO_STEPS, lookup)
    stream = agent.model.stream
    agent.model.stream = lambda request: requests.append(request) or stream(request)  # type: ignore[method-assign]
    await drive(agent, begin())
    assert len(requests) == 2
    answered, result = requests[1].messages[-2:]
    assert isinstance(answered, AssistantMessage)
    assert Call("c1", "lookup", {"order_id": 17}) in answered.content
    assert result == ToolMessage("c1", "lookup", json.dumps({"order": 17, "state": "shipped"}))


async def test_parallel_calls_overlap_and_results_stay_in_call_order():
    running = 0
    most = 0

    @tool(parallel=True)
    async def slow(name: str, seconds: float) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(seconds)
        running -= 1
        return name

    first = [call("slow", "c1", name="a", seconds=0.2), call("slow", "c2", name="b", seconds=0.05)]
    chunks, state = await drive(make_agent([first, ["done"]], slow), begin())
    outputs = [chunk["toolCallId"] for chunk in chunks if chunk["type"] == "tool-output-available"]
    assert most == 2
    assert outputs == ["c2", "c1"]  # as they come
    results = [message for message in to_model_messages([state.message]) if isinstance(message, ToolMessage)]
    assert [result.call_id for result in results] == ["c1", "c2"]  # as they were called


async def test_calls_not_declared_parallel_run_one_after_the_other():
    log: list[str] = []

    @tool
    async def careful(name: str) -> str:
        log.append(f"{name} in")
        await asyncio.sleep(0.02)
        log.append(f"{name} out")
        return name

    await drive(
        make_agent([[call("careful", "c1", name="a"), call("careful", "c2", name="b")], ["x"]], careful), begin()
    )
    assert log == ["a in", "a out", "b in", "b out"]


async def test_a_tools_error_goes_to_the_model_and_the_run_goes_on():
    def fails(order_id: int) -> str:
        raise ToolError(f"There is no order {order_id}.", hint="Orders begin at 100.")

    chunks, state = await drive(make_agent([[call("fails", order_id=1)], ["I see."]], fails), begin())
    assert state.status == "completed"
    error = next(chunk for chunk in chunks if chunk["type"] == "tool-output-error")
    assert error["errorText"] == "There is no order 1. Orders begin at 100."
    result = next(message for message in to_model_messages([state.message]) if isinstance(message, ToolMessage))
    assert result.is_error
    assert "no order 1" in result.output


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"type": "tool-call", "toolCallId": "c1", "toolName": "lookup", "input": '{"order_id": '}, "JSON"),
        ({"type": "tool-call", "toolCallId": "c1", "toolName": "lookup", "input": '{"order_id": "x"}'}, "order_id"),
        ({"type": "tool-call", "toolCallId": "c1", "toolName": "lookup", "input": "[]"}, "object"),
        ({"type": "tool-call", "toolCallId": "c1", "toolName": "look_up", "input": "{}"}, "lookup"),
    ],
)
async def test_a_call_that_cannot_be_is_told_to_the_model_and_the_run_goes_on(event: dict[str, Any], words: str):
    chunks, state = await drive(make_agent([[event], ["Sorry."]], lookup), begin())
    assert state.status == "completed"
    error = next(chunk for chunk in chunks if chunk["type"] == "tool-input-error")
    assert words in error["errorText"]
    calls = [message for message in to_model_messages([state.message]) if isinstance(message, ToolMessage)]
    assert len(calls) == 1
    assert words in calls[0].output


@tool(approval=True)
def send(text: str) -> str:
    """Send a message."""
    return f"sent {text}"


ASKING = [[call("send", "c1", text="a"), call("send", "c2", text="b")], ["done"]]


async def test_waiting_for_approval_ends_the_step_and_an_answer_goes_on():
    agent = make_agent(ASKING, send, approvals="ask")
    chunks, state = await drive(agent, begin())
    assert state.status == "waiting"
    assert kinds(chunks)[-1] == "finish-step"
    assert kinds(chunks).count("tool-approval-request") == 2
    asked = [chunk["approvalId"] for chunk in chunks if chunk["type"] == "tool-approval-request"]

    assert state.answer(asked[0], True)
    assert not state.answer(asked[0], False), "the first answer counts"
    assert not state.answer("another", True)
    more, state = await drive(agent, state)
    assert state.status == "waiting", "the second call is still asked for"
    assert kinds(more)[:2] == ["tool-approval-response", "tool-output-available"]

    assert state.answer(asked[1], False, "not now")
    last, state = await drive(agent, state)
    assert state.status == "completed"
    assert kinds(last)[:2] == ["tool-approval-response", "tool-output-denied"]
    results = [message for message in to_model_messages([state.message]) if isinstance(message, ToolMessage)]
    assert results[0].output == "sent a"
    assert results[1].is_error
    assert "not now" in results[1].output
    assert reduce_chunks(chunks + more + last).to_wire() == state.message.to_wire()


async def test_headless_asking_denies_at_once_and_says_so():
    chunks, state = await drive(make_agent(ASKING, send, approvals="ask", headless=True), begin())
    assert state.status == "completed"
    responses = [chunk for chunk in chunks if chunk["type"] == "tool-approval-response"]
    assert [response["approved"] for response in responses] == [False, False]
    assert all(response["reason"] for response in responses)


async def test_the_limit_of_steps_ends_the_run_without_an_error():
    endless = {"steps": [[call("lookup", order_id=1)]], "end": "loop"}
    chunks, state = await drive(make_agent(endless, lookup), begin(max_steps=3))
    assert state.status == "completed"
    assert state.step == 3
    assert chunks[-1]["type"] == "finish"
    assert chunks[-1]["messageMetadata"]["limit"]["code"] == "max-steps"
    assert "error" not in kinds(chunks)


async def test_a_budget_of_tokens_ends_the_run_in_the_middle_of_the_answer():
    long = [{"type": "text", "text": "word " * 50, "tokens": 3000}]
    chunks, state = await drive(make_agent([long]), begin(budget={"tokens": 200}))
    assert state.status == "failed"
    assert chunks[-1]["type"] == "error"
    assert state.message.metadata["error"]["code"] == "budget"
    assert len(state.message.parts[-1].text) < 1_500


async def test_a_models_error_keeps_what_came_and_names_the_next_step():
    script = [
        [
            {"type": "text", "text": "Half an "},
            {"type": "error", "code": "connection", "message": "Gone.", "hint": "Again?"},
        ]
    ]
    chunks, state = await drive(make_agent(script), begin())
    assert state.status == "failed"
    assert kinds(chunks)[-5:] == ["text-end", "message-metadata", "finish-step", "message-metadata", "error"]
    assert chunks[-1]["errorText"] == "Gone. Again?"
    assert state.message.metadata["error"] == {"code": "connection", "message": "Gone.", "hint": "Again?"}


@pytest.mark.parametrize(("code", "counts"), [("auth", False), ("connection", False), ("timeout", True)])
async def test_a_request_that_was_refused_costs_nothing(code: str, counts: bool):
    script = [[{"type": "error", "code": code, "message": "No.", "hint": "Ask again."}]]
    chunks, state = await drive(make_agent(script), begin("a question of some length"))
    assert state.status == "failed"
    assert (state.message.metadata["usage"]["totalTokens"] > 0) is counts
    assert reduce_chunks(chunks).metadata["usage"] == state.message.metadata["usage"]


async def test_what_a_tool_showed_before_it_failed_stays_in_its_card():
    @tool
    async def draw():
        """Draw, then fail."""
        yield ToolResult("half a figure", {"text/html": "<b>half</b>"})
        raise ValueError("out of ink")

    chunks, _ = await drive(make_agent([[call("draw")], ["Sorry."]], draw), begin())
    shown = [chunk for chunk in chunks if chunk["type"] in ("data-display", "tool-output-error")]
    assert [chunk["type"] for chunk in shown] == ["data-display", "tool-output-error"]
    assert shown[0]["data"] == [{"text/html": "<b>half</b>"}]
    assert shown[1]["errorText"] == "ValueError: out of ink"


async def test_a_picture_that_a_tool_shows_the_model_is_sent_as_one():
    @tool
    def look(seen: bool):
        """Draw."""
        return ToolResult("a plot", {"image/png": "aGk=", "text/plain": "a plot"}, sees=seen)

    chunks, state = await drive(
        make_agent([[call("look", seen=True), call("look", "c2", seen=False)], "Ok."], look), begin()
    )
    assert [chunk["type"] for chunk in chunks].count("data-seen") == 1
    results = [message for message in to_model_messages([state.message]) if isinstance(message, ToolMessage)]
    assert [(one.output, one.images) for one in results] == [("a plot", (Image("image/png", "aGk="),)), ("a plot", ())]


LONG = {
    "a text": "x" * 80_000,
    "a list": list(range(100_000)),
    "a dict": {f"key {number}": number for number in range(5_000)},
    "long texts in a list": ["x" * 30_000] * 3,
}


@pytest.mark.parametrize("kind", LONG)
async def test_what_is_cut_of_an_output_says_once_how_to_see_it(kind: str):
    @tool
    def dump(whole: bool) -> Any:
        """Dump."""
        return LONG[kind] if whole else "5 of 7 items"

    _, state = await drive(
        make_agent([[call("dump", whole=True), call("dump", "c2", whole=False)], "Ok."], dump), begin()
    )
    long, short = [one.output for one in to_model_messages([state.message]) if isinstance(one, ToolMessage)]
    assert long.count("ask for less at a time") == 1
    assert long.endswith("print parts of it.)")
    assert len(long) < 21_000
    assert short == "5 of 7 items"


async def test_a_tool_that_must_look_first_is_asked_with_time():
    def ahead(given: dict[str, Any], context: ToolContext) -> ApprovalRequest:
        if given["n"] < 0:
            raise ToolError("There is no such cell.")
        return ApprovalRequest(title=f"change {given['n']} of {context.run_id}", basis="b1")

    @tool(question=ahead)
    def change(n: int, context: ToolContext) -> str:
        """Change."""
        return f"changed, by {context.basis}"

    state = begin()
    script = [[call("change", n=1), call("change", "c2", n=-1)], "Ok."]
    chunks, state = await drive(make_agent(script, change, approvals="ask"), state)
    assert state.status == "waiting"
    [card] = [chunk["data"] for chunk in chunks if chunk["type"] == "data-approval"]
    assert card["title"] == f"change 1 of {state.request.run}"
    assert [chunk["errorText"] for chunk in chunks if chunk["type"] == "tool-output-error"] == [
        "There is no such cell."
    ]
    [pending] = state.pending
    assert pending.basis == "b1"


async def test_stop_while_text_streams_closes_the_part_and_counts_what_came():
    agent = make_agent([[{"type": "text", "text": "word " * 500, "tokensPerSecond": 1000}]])
    stop = StopSignal()
    _, state = await step(agent, begin())
    chunks = []
    async for item in agent.step(state, stop):
        chunks.append(item)
        if len(chunks) == 20:
            stop.set()
    state = chunks.pop()
    assert state.status == "stopped"
    assert [chunk.type for chunk in chunks[-5:]] == [
        "text-end",
        "message-metadata",
        "finish-step",
        "message-metadata",
        "abort",
    ]
    assert state.message.metadata["usage"]["completionTokens"] > 0
    assert state.message.metadata["cost"] == 0, "what is free when it ends is free when it is cut"


async def test_stop_in_a_silent_tool_leaves_a_history_without_open_calls():
    started = threading.Event()

    @tool
    async def hang() -> str:
        started.set()
        await asyncio.sleep(3600)
        return "never"

    agent = make_agent([[call("hang")], ["x"]], hang)
    stop = StopSignal()
    state = begin()
    for _ in range(3):  # start, the model's answer, what is decided on its call
        _, state = await step(agent, state)
    stopping = asyncio.ensure_future(asyncio.to_thread(started.wait, 10))
    stopping.add_done_callback(lambda _: stop.set())
    chunks, state = await step(agent, state, stop)
    assert state.status == "stopped"
    assert kinds(chunks) == ["tool-output-error", "message-metadata", "finish-step", "message-metadata", "abort"]
    assert_valid(state)


async def test_stop_while_waiting_for_approval_resolves_the_calls():
    agent = make_agent(ASKING, send, approvals="ask")
    _, state = await drive(agent, begin())
    stop = StopSignal()
    stop.set()
    chunks, state = await step(agent, state, stop)
    assert state.status == "stopped"
    assert kinds(chunks).count("tool-output-denied") == 2, "what was never allowed has not failed"
    assert_valid(state)


def assert_valid(state: RunState) -> None:
    """Each call has exactly one result, right after the message that made it."""
    open_calls: list[str] = []
    for message in to_model_messages([*state.history, state.message]):
        if isinstance(message, ToolMessage):
            assert message.call_id in open_calls
            open_calls.remove(message.call_id)
        else:
            assert not open_calls
            if isinstance(message, AssistantMessage):
                open_calls = [piece.call_id for piece in message.content if isinstance(piece, Call)]
    assert not open_calls


@pytest.mark.parametrize("cut", range(12))
async def test_a_model_that_breaks_at_any_point_leaves_a_valid_history(cut: int):
    events: list[Any] = [
        {"type": "reasoning-delta", "delta": "hm"},
        {"type": "text-delta", "delta": "a"},
        {"type": "tool-input-start", "toolCallId": "c1", "toolName": "lookup"},
        {"type": "tool-input-delta", "toolCallId": "c1", "delta": '{"order_id"'},
        {"type": "tool-input-delta", "toolCallId": "c1", "delta": ": 1}"},
        {"type": "tool-call", "toolCallId": "c1", "toolName": "lookup", "input": '{"order_id": 1}'},
        {"type": "tool-input-start", "toolCallId": "c2", "toolName": "nobody"},
        {"type": "tool-call", "toolCallId": "c2", "toolName": "nobody", "input": "{}"},
        {"type": "tool-call", "toolCallId": "c3", "toolName": "lookup", "input": "nonsense"},
        {"type": "text-delta", "delta": "b"},
        {"type": "tool-call", "toolCallId": "c4", "toolName": "lookup", "input": '{"order_id": 4}'},
    ]
    script = [[*events[:cut], {"type": "error", "code": "connection", "message": "cut"}]]
    chunks, state = await drive(make_agent(script, lookup), begin())
    assert state.status == "failed"
    assert_valid(state)
    parts = state.message.to_wire()["parts"]
    assert not [part for part in parts if part.get("state") in ("streaming", "input-streaming", "input-available")]
    assert reduce_chunks(chunks).to_wire() == state.message.to_wire()


async def test_the_state_is_json_at_every_boundary():
    for script, tools in ((TWO_STEPS, [lookup]), (ASKING, [send])):
        plain, end = await drive(make_agent(script, *tools), begin())
        saved, end_of_saved = await drive(make_agent(script, *tools), begin(), through_json=True)
        assert kinds(plain) == kinds(saved)
        assert end_of_saved.message.to_wire()["parts"] == end.message.to_wire()["parts"]


async def test_a_step_leaves_the_state_it_was_given_as_it_was():
    agent = make_agent(TWO_STEPS, lookup)
    _, state = await step(agent, begin())
    before = state.model_dump_json()
    await step(agent, state)
    assert state.model_dump_json() == before


RESUME = """
import asyncio, json, sys
from tests.agents import drive, make_agent
from tests.test_agent import SCRIPTS
from copilot_widget.state import RunState

script, tools = SCRIPTS[sys.argv[1]]
async def main():
    state = RunState.model_validate_json(sys.stdin.read())
    for call in state.pending:
        if call.state == "asked":
            state.answer(call.approval_id, True)
    chunks, state = await drive(make_agent(script, *tools, approvals="ask"), state)
    while state.status == "waiting":
        for call in list(state.pending):
            state.answer(call.approval_id, True)
        more, state = await drive(make_agent(script, *tools, approvals="ask"), state)
        chunks += more
    print(json.dumps({"chunks": chunks, "status": state.status, "message": state.message.to_wire()}))
asyncio.run(main())
"""

SCRIPTS: dict[str, Any] = {
    "two steps": (TWO_STEPS, [lookup]),
    "approvals": (ASKING, [send]),
    "errors": ([[call("nobody")], [call("lookup", order_id=2)], ["done"]], [lookup]),
    "reasoning": ([[{"type": "reasoning", "text": "Let me think."}, {"type": "text", "text": "So: 4."}]], []),
}


@pytest.mark.parametrize("name", SCRIPTS)
async def test_a_run_resumed_from_any_boundary_in_a_new_process_ends_the_same(name: str):
    script, tools = SCRIPTS[name]
    agent = make_agent(script, *tools, approvals="ask")
    state = begin()
    boundaries: list[tuple[int, RunState]] = []
    chunks: list[dict[str, Any]] = []
    while state.status in ("running", "waiting"):
        boundaries.append((len(chunks), state.model_copy(deep=True)))
        for pending in list(state.pending):
            if pending.state == "asked":
                state.answer(pending.approval_id or "", True)
        more, state = await step(agent, state)
        chunks += more
    assert len(boundaries) >= 2
    for cut, boundary in boundaries:
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", RESUME, name],
            input=boundary.model_dump_json(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        resumed = json.loads(done.stdout)
        assert resumed["status"] == "completed"
        assert resumed["message"]["parts"] == state.message.to_wire()["parts"]
        whole = reduce_chunks(chunks[:cut] + resumed["chunks"]).to_wire()
        assert whole["parts"] == state.message.to_wire()["parts"]
