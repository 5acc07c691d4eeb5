"""Every kind of stream that a run can make, judged by the real `ai` client: it must accept it, and see what we see."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from copilot_widget.funnel import StopSignal
from copilot_widget.protocol import parse_chunk, reduce_chunks, to_wire
from copilot_widget.tools.base import ToolResult
from copilot_widget.tools.function import tool
from tests.agents import begin, drive, make_agent, step
from tests.judge import Judge
from tests.streams import canonical, plain


@tool
def lookup(order_id: int) -> dict[str, Any]:
    """Find an order."""
    if order_id == 2:
        raise KeyError(order_id)
    return {"id": order_id, "price": 12.5, "note": None}


@tool
def nothing() -> None:
    """Return nothing."""


@tool
async def progress():
    """Tell how it goes."""
    yield "a tenth"
    yield "half"
    yield {"done": True}


@tool
def picture() -> ToolResult:
    """Show something."""
    return ToolResult("a picture", {"text/html": "<b>x</b>"})


@tool(approval=True)
def send(to: str) -> str:
    """Send a mail."""
    return f"sent to {to}"


def call(name: str, call_id: str = "c1", /, **arguments: Any) -> dict[str, Any]:
    return {"type": "call", "toolCallId": call_id, "toolName": name, "input": arguments}


TOOLS = (lookup, nothing, progress, picture, send)
USAGE = {"type": "usage", "promptTokens": 12, "completionTokens": 3}
SCRIPTS: dict[str, list[Any]] = {
    "text": [["Hello **you**, é 🧠"]],
    "reasoning": [[{"type": "reasoning", "text": "Let me think."}, {"type": "text", "text": "So: 4."}, USAGE]],
    "tool and text": [[{"type": "text", "text": "One moment."}, call("lookup", order_id=17)], ["It is a ring."]],
    "parallel calls": [[call("lookup", "a", order_id=1), call("nothing", "b"), call("picture", "c")], ["done"]],
    "a tool that raises": [[call("lookup", order_id=2)], ["It is not there."]],
    "a tool that reports": [[call("progress")], ["done"]],
    "an unknown tool": [[call("nobody", x=1)], ["So be it."]],
    "malformed arguments": [[{**call("lookup"), "input": '{"order_id": '}], ["Again."]],
    "wrong arguments": [[call("lookup", order_id="many")], ["Again."]],
    "an approval": [[call("send", to="ann"), call("lookup", "c2", order_id=1)], ["done"]],
    "two approvals": [[call("send", "a", to="ann"), call("send", "b", to="bob")], ["done"]],
    "an error at once": [[{"type": "error", "code": "auth", "message": "No key.", "hint": "Set one."}]],
    "an error in the middle": [[{"type": "text", "text": "Half an ans"}, {"type": "error", "message": "Gone."}]],
    "a limit": [[call("lookup", order_id=1)]] * 9,
    "nothing": [[]],
}


async def whole(name: str, *, approved: bool = True, approvals: str = "ask", **options: Any) -> list[dict[str, Any]]:
    agent = make_agent(SCRIPTS[name], *TOOLS, approvals=approvals)
    chunks, state = await drive(agent, begin(**options))
    while state.status == "waiting":
        for pending in list(state.pending):
            state.answer(pending.approval_id or "", approved, None if approved else "not now")
        more, state = await drive(agent, state)
        chunks += more
    return chunks


async def stopped(name: str, after: str) -> list[dict[str, Any]]:
    """A run that is stopped at its first chunk of a kind."""
    agent, state, stop, chunks = make_agent(SCRIPTS[name], *TOOLS, approvals="ask"), begin(), StopSignal(), []
    while state.status in ("running", "waiting"):
        if state.status == "waiting":
            stop.set("stopped by the user")
        if after == "":
            stop.set("stopped by the user")
        more, state = await step(agent, state, stop)
        chunks += more
        if any(chunk["type"] == after for chunk in chunks):
            stop.set("stopped by the user")
    return chunks


async def streams() -> dict[str, list[dict[str, Any]]]:
    found = {name: await whole(name, max_steps=3) for name in SCRIPTS}
    found["denied"] = await whole("two approvals", approved=False)
    found["denied by rule"] = await whole("two approvals", approvals="never")
    found["allowed by rule"] = await whole("two approvals", approvals="auto")
    for name, after in (
        ("text", ""),
        ("tool and text", "tool-input-available"),
        ("parallel calls", "tool-output-available"),
        ("an approval", "tool-approval-request"),
    ):
        found[f"{name}, stopped after {after or 'nothing'}"] = await stopped(name, after)
    return found


async def test_the_official_client_accepts_every_kind_of_run_and_sees_the_same_message():
    runs = await streams()
    where = os.environ.get("UI_STREAMS_TO")  # a folder: keep what was judged, to look at or for another checker
    if where:
        for name, chunks in runs.items():
            text = "".join(f"{json.dumps(chunk)}\n" for chunk in chunks)
            (Path(where) / f"{name.replace(' ', '-').replace(',', '')}.ndjson").write_text(text)
    with Judge() as judge:
        for name, chunks in runs.items():
            verdict = judge(chunks)
            assert verdict["violation"] is None, name
            assert verdict["refused"] is None, f"{name}: its message could not be sent again"
            ours = canonical(plain(reduce_chunks(chunks).to_wire()))
            assert ours == canonical(plain(verdict["final"])), name
            assert ours == canonical(plain(verdict["page"]["final"])), name
            assert chunks[-1]["type"] in ("finish", "error", "abort"), name


async def test_no_run_sends_a_field_that_its_chunk_has_not_or_leaves_a_text_open():
    for name, chunks in (await streams()).items():
        opened: set[str] = set()
        for chunk in chunks:
            assert to_wire(parse_chunk(chunk)) == chunk, name
            kind, _, what = chunk["type"].rpartition("-")
            if kind in ("text", "reasoning") and what in ("start", "end"):
                (opened.add if what == "start" else opened.remove)(chunk["id"])
            if chunk["type"] in ("start-step", "finish-step", "finish", "abort"):
                assert not opened, name


def test_the_judge_does_refuse():
    with Judge() as judge:
        verdict = judge([{"type": "start"}, {"type": "text-delta", "id": "t", "delta": "x"}])
    assert verdict["violation"]["layer"] == "reducer"
    assert verdict["page"]["failed"] == 1
