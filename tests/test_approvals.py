"""How far consent goes: this call, the run, the session; to what was shown, or to what the user wrote instead."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from copilot_widget import Copilot, Run, host, tool
from copilot_widget.errors import LogError
from copilot_widget.host import PlainHost
from copilot_widget.models.base import AssistantMessage, ModelRequest, ToolMessage
from copilot_widget.models.script import ScriptModel
from copilot_widget.protocol import reduce_chunks
from copilot_widget.protocol.tool_part import ToolPart
from copilot_widget.state import Approval, Grant, RunState, digest

from .agents import begin, drive, make_agent

ran: list[str] = []


@tool(approval=True)
def write(path: str, text: str = "") -> str:
    """Write a file."""
    ran.append(path)
    return f"wrote {path}"


@tool(approval=True)
def send(to: str) -> str:
    """Send a mail."""
    ran.append(to)
    return "sent"


@pytest.fixture(autouse=True)
def nothing_ran():
    ran.clear()


class _Seen(PlainHost):
    """Somebody can be asked."""

    headless = False


@pytest.fixture
def seen() -> Iterator[None]:
    host.install(_Seen)
    yield
    host.install(PlainHost)


def call(name: str, call_id: str, /, **arguments: Any) -> dict[str, Any]:
    return {"type": "call", "toolCallId": call_id, "toolName": name, "input": arguments}


async def asked(*steps: list[dict[str, Any]], **options: Any) -> tuple[Any, list[dict[str, Any]], RunState]:
    agent = make_agent([*map(list, steps), ["done"]], write, send, approvals="ask")
    chunks, state = await drive(agent, begin(**options))
    return agent, chunks, state


def approval_of(state: RunState, call_id: str) -> str:
    return next(pending.approval_id or "" for pending in state.pending if pending.call_id == call_id)


def card_of(chunks: list[dict[str, Any]], call_id: str) -> dict[str, Any]:
    return next(chunk["data"] for chunk in chunks if chunk["type"] == "data-approval" and chunk["id"] == call_id)


# ---- how far it goes ----------------------------------------------------------------------------------------


async def test_once_is_once():
    agent, _, state = await asked([call("write", "a", path="x")], [call("write", "b", path="x")])
    assert state.take(approval_of(state, "a"), Approval(approved=True))
    _, state = await drive(agent, state)
    assert (state.status, ran) == ("waiting", ["x"]), "the same call again is asked for again"


async def test_for_the_run_it_holds_for_the_tools_further_calls_and_for_no_other():
    agent, chunks, state = await asked(
        [call("write", "a", path="x"), call("write", "b", path="y"), call("send", "c", to="ann")],
        [call("write", "d", path="z"), call("send", "e", to="bob")],
    )
    grant = Grant(tool="write")
    assert state.take(approval_of(state, "a"), Approval(approved=True, grant=grant))
    state = RunState.model_validate_json(state.model_dump_json())
    more, state = await drive(agent, state)
    assert ran == ["x", "y"], "what was asked beside it is allowed, too"
    assert [pending.call_id for pending in state.pending] == ["c"]
    assert state.take(approval_of(state, "c"), Approval(approved=False))
    again, state = await drive(agent, state)
    assert ran == ["x", "y", "z"]
    assert [pending.call_id for pending in state.pending] == ["e"]
    reduce_chunks(chunks + more + again)


async def test_a_denial_grants_nothing():
    agent, _, state = await asked([call("write", "a", path="x")], [call("write", "b", path="x")])
    assert state.take(approval_of(state, "a"), Approval(approved=False, grant=Grant(tool="write")))
    _, state = await drive(agent, state)
    assert (state.status, ran) == ("waiting", [])


async def test_what_was_allowed_before_the_run_is_not_asked_for():
    grants = [Grant(tool="write", arguments={"path": "out/*"})]
    _, _, state = await asked([call("write", "a", path="out/x"), call("write", "b", path="/etc/x")], grants=grants)
    assert ran == ["out/x"]
    assert [pending.call_id for pending in state.pending] == ["b"]


@pytest.mark.parametrize(
    ("arguments", "input", "covered"),
    [
        ({}, {"path": "x"}, True),
        ({}, None, True),
        ({"path": "out/*"}, {"path": "out/a/b"}, True),
        ({"path": "out/*"}, {"path": "OUT/a"}, False),
        ({"path": "out/*"}, {}, False),
        ({"path": "out/*"}, "out/a", False),
        ({"n": "[[]1, 2]"}, {"n": [1, 2]}, True),
        ({"n": "7"}, {"n": 7}, True),
        ({"n": "7"}, {"n": True}, False),
        ({"a": "x", "b": "y"}, {"a": "x", "b": "z"}, False),
        ({"path": "out/*"}, {"path": "out/../in/a"}, False),
        ({"path": "out/*"}, {"path": "out\\..\\a"}, False),
        ({"path": "../*"}, {"path": "../a"}, True),
        ({"path": "out/*"}, {"path": "out/a..b"}, True),
        ({"command": "git *"}, {"command": "git log -3"}, True),
        ({"command": "git *"}, {"command": "git log; rm -r ."}, False),
        ({"command": "git *"}, {"command": "git log\nrm -r ."}, False),
        ({"command": "git *"}, {"command": "git log $(rm -r .)"}, False),
        ({"command": "git * | head"}, {"command": "git log | head"}, True),
        ({"command": "git log; ls"}, {"command": "git log; ls"}, True),
    ],
)
def test_a_grant_covers_what_matches(arguments: dict[str, str], input: Any, covered: bool):
    assert Grant(tool="write", arguments=arguments).covers("write", input) is covered
    assert not Grant(tool="write", arguments=arguments).covers("other", input)


@pytest.mark.parametrize(
    ("allowed", "input", "covered"),
    [
        ({"path": "x"}, {"path": "x"}, True),
        ({"a": 1, "b": "[*]"}, {"b": "[*]", "a": 1}, True),
        ({"path": "x"}, {"path": "x", "force": True}, False),
        ({}, {"path": "production", "force": True}, False),
        ({"path": "*"}, {"path": "y"}, False),
        ({"n": "7"}, {"n": 7}, False),
    ],
)
def test_the_same_call_is_one_with_all_the_same_arguments_and_no_others(allowed: Any, input: Any, covered: bool):
    grant = Grant(tool="write", digest=digest("write", allowed))
    assert grant.covers("write", input) is covered
    assert not grant.covers("other", input)


@pytest.mark.usefixtures("seen")
def test_the_same_is_not_the_same_with_more_arguments():
    """What a call leaves to its defaults was shown as that, and was allowed as that."""
    calls = [{"path": "x"}, {"path": "x", "text": "all"}]

    async def model(request: ModelRequest) -> AsyncIterator[Any]:
        done = sum(isinstance(message, ToolMessage) for message in request.messages)
        if done == len(calls):
            yield "done"
            return
        yield {"type": "tool-call", "toolCallId": f"c{done}", "toolName": "write", "input": json.dumps(calls[done])}

    run = Copilot(model, tools=[write]).ask("go")
    _until_asked(run)
    [pending] = [part for part in run.message.parts if isinstance(part, ToolPart)]
    assert pending.approval is not None
    assert run.answer(pending.approval.id, True, scope="same")
    asked = sum(event["chunk"]["type"] == "tool-approval-request" for event in _until_waiting(run))
    assert asked == 2
    assert ran == ["x"]
    run.stop()
    run.wait(10)


def _until_waiting(run: Run) -> list[Any]:
    """The run's events until it asks for the second time, or has ended."""
    seen: list[Any] = []
    for event in run.events():
        seen.append(event)
        if sum(each["chunk"]["type"] == "tool-approval-request" for each in seen) == 2:
            break
    return seen


@pytest.mark.usefixtures("seen")
def test_the_python_api_gives_consent_for_further_runs():
    copilot = Copilot(_writes_twice, tools=[write, send])
    first = copilot.ask("go")
    _until_asked(first)
    [pending] = [part for part in first.message.parts if isinstance(part, ToolPart)]
    assert pending.approval is not None
    assert first.answer(pending.approval.id, True, scope="same")
    first.wait(10)
    assert (first.status, len(ran)) == ("completed", 2), "the second one was the same"
    second = copilot.ask("go")
    second.wait(10)
    assert (second.status, len(ran)) == ("completed", 4)
    copilot.grants.clear()
    third = copilot.ask("go")
    _until_asked(third)
    third.stop()
    third.wait(10)
    copilot.allow("write", path="out/*")
    fourth = copilot.ask("go")
    fourth.wait(10)
    assert (fourth.status, len(ran)) == ("completed", 6)


@pytest.mark.usefixtures("seen")
def test_consent_to_another_call_is_refused_in_words_grants_nothing_and_is_not_used_up():
    copilot = Copilot(ScriptModel({"steps": [[call("write", "a", path="x")], "ok"]}), tools=[write])
    run = copilot.ask("go")
    _until_asked(run)
    [pending] = [part for part in run.message.parts if isinstance(part, ToolPart)]
    assert pending.approval is not None
    approval = pending.approval.id
    for scope in ("once", "run", "session"):
        with pytest.raises(LogError, match=r"another call.*nothing was allowed.*Look at the question again"):
            run.answer(approval, True, scope=scope, digest="0" * 64)
    assert not copilot.grants
    shown = card_of([event["chunk"] for event in run.feed.events], "a")["digest"]
    assert run.answer(approval, True, digest=shown)
    assert run.wait(10).status == "completed"
    assert ran == ["x"]
    assert not run.answer(approval, True, digest="0" * 64), "it has been answered"


async def _writes_twice(request: ModelRequest) -> AsyncIterator[Any]:
    done = 0
    while isinstance(request.messages[-1 - done], ToolMessage | AssistantMessage):
        done += 1
    if done == 4:
        yield "done"
        return
    arguments = json.dumps({"path": "out/[1].csv", "text": "t"})
    yield {"type": "tool-call", "toolCallId": f"call-{done}", "toolName": "write", "input": arguments}


def _until_asked(run: Any) -> None:
    for event in run.events():
        if event["chunk"]["type"] == "tool-approval-request":
            return
    raise AssertionError("it was not asked for")


# ---- what it is for -----------------------------------------------------------------------------------------


async def test_an_answer_to_other_arguments_does_not_count():
    _, chunks, state = await asked([call("write", "a", path="x")])
    approval = approval_of(state, "a")
    shown = card_of(chunks, "a")["digest"]
    assert shown == digest("write", {"path": "x", "text": ""}) or shown == digest("write", {"path": "x"})
    assert not state.take(approval, Approval(approved=True, digest=digest("write", {"path": "y"})))
    assert state.take(approval, Approval(approved=True, digest=shown))
    assert not state.take(approval, Approval(approved=True, digest=shown)), "it is used once"


async def test_what_the_user_wrote_is_run_and_shown():
    agent, chunks, state = await asked([call("write", "a", path="x")])
    assert state.take(approval_of(state, "a"), Approval(approved=True, input={"path": "y"}))
    more, state = await drive(agent, state)
    assert (state.status, ran) == ("completed", ["y"])
    [part] = [part for part in reduce_chunks(chunks + more).parts if isinstance(part, ToolPart)]
    assert part.input["path"] == "y"
    assert (part.state, part.output) == ("output-available", "wrote y")


async def test_what_the_user_wrote_is_checked_like_the_models():
    agent, chunks, state = await asked([call("write", "a", path="x")])
    assert state.take(approval_of(state, "a"), Approval(approved=True, input={"path": 7, "more": 1}))
    more, state = await drive(agent, state)
    assert (state.status, ran) == ("completed", [])
    [part] = [part for part in reduce_chunks(chunks + more).parts if isinstance(part, ToolPart)]
    assert part.state == "output-error"
    assert "the user wrote" in (part.error_text or "")


def test_what_was_allowed_beforehand_runs_where_nobody_can_be_asked() -> None:
    steps = [[call("write", "a", path="x"), call("write", "b", path="y")], "Done."]
    copilot = Copilot(ScriptModel({"steps": steps}), tools=[write])
    copilot.allow("write", path="x")
    run = copilot.ask("go").wait(10)
    assert ran == ["x"]
    states = [part.state for part in run.message.parts if isinstance(part, ToolPart)]
    assert states == ["output-available", "output-denied"]
