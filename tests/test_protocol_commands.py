"""What a view may ask for, and what it is told."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from copilot_widget.errors import UsageError
from copilot_widget.protocol.commands import (
    COMMANDS,
    Approve,
    Asset,
    Attach,
    Command,
    CommandError,
    Complete,
    Cursor,
    Deliver,
    Hello,
    Refusal,
    Resume,
    Send,
    Stop,
    Take,
    Undo,
    accepted,
    parse_command,
    refused,
)

ROUTE = {"id": "p-1", "page": "p", "n": 1, "widget": "w"}


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ({"command": "hello"}, Hello(id="p-1", page="p", n=1, widget="w")),
        (
            {"command": "resume", "runs": [{"run": "r", "after": 3}]},
            Resume(id="p-1", page="p", n=1, widget="w", runs=[Cursor(run="r", after=3)]),
        ),
        (
            {"command": "complete", "text": "why @d", "cursor": 6},
            Complete(id="p-1", page="p", n=1, widget="w", text="why @d", cursor=6),
        ),
        ({"command": "asset", "name": "math.js"}, Asset(id="p-1", page="p", n=1, widget="w", name="math.js")),
        (
            {"command": "attach", "runs": ["r"], "kind": "turn", "heir": "0a" * 16},
            Attach(id="p-1", page="p", n=1, widget="w", runs=["r"], kind="turn", heir="0a" * 16),
        ),
        ({"command": "take", "request": "q-1"}, Take(id="p-1", page="p", n=1, widget="w", request="q-1")),
        (
            {"command": "deliver", "request": "q-1", "error": {"code": "changed", "message": "No."}},
            Deliver(id="p-1", page="p", n=1, widget="w", request="q-1", error=Refusal(code="changed", message="No.")),
        ),
        (
            {"command": "undo", "run": "r", "callId": "c"},
            Undo(id="p-1", page="p", n=1, widget="w", run="r", call_id="c"),
        ),
        ({"command": "stop", "run": "r"}, Stop(id="p-1", page="p", n=1, widget="w", run="r")),
        (
            {"command": "approve", "run": "r", "approvalId": "a", "approved": False, "reason": "no", "scope": "once"},
            Approve(id="p-1", page="p", n=1, widget="w", run="r", approval_id="a", approved=False, reason="no"),
        ),
    ],
)
def test_commands(arguments: dict[str, Any], command: Any) -> None:
    assert parse_command({**ROUTE, **arguments}) == command


def test_attachments() -> None:
    sent = {"url": "data:text/plain,x", "mediaType": "text/plain"}
    command = parse_command({**ROUTE, "command": "send", "text": "hi", "attachments": [sent]})
    assert isinstance(command, Send)
    assert command.attachments[0].media_type == "text/plain"


@pytest.mark.parametrize(
    ("wire", "code", "reason"),
    [
        ([], "bad-arguments", "must be an object"),
        ({**ROUTE, "command": "reboot"}, "unknown-command", "no command 'reboot'"),
        ({**ROUTE, "command": ["send"]}, "unknown-command", "no command"),
        (ROUTE, "unknown-command", "no command None"),
        ({**ROUTE, "command": "stop"}, "bad-arguments", "stop: run: Field required"),
        ({**ROUTE, "command": "attach", "runs": [], "kind": "turn", "heir": "../x"}, "bad-arguments", "attach: heir"),
        ({**ROUTE, "command": "stop", "run": 5}, "bad-arguments", "stop: run: "),
        ({**ROUTE, "command": "hello", "id": ""}, "bad-arguments", "hello: id: "),
        (
            {**ROUTE, "command": "resume", "runs": [{"run": "r", "after": -1}]},
            "bad-arguments",
            "resume: runs.0.after: ",
        ),
        ({**ROUTE, "command": "resume", "runs": []}, "bad-arguments", "resume: runs: "),
        ({**ROUTE, "command": "deliver", "request": "q", "error": {"code": "x"}}, "bad-arguments", "deliver: error"),
        ({**ROUTE, "command": "hello", "more": 1}, "bad-arguments", "hello: more: "),
        (
            {**ROUTE, "command": "approve", "run": "r", "approvalId": "a", "approved": "yes"},
            "bad-arguments",
            "approve: approved: ",
        ),
        (
            {**ROUTE, "command": "approve", "run": "r", "approvalId": "a", "approved": True, "scope": "always"},
            "bad-arguments",
            "approve: scope: ",
        ),
    ],
)
def test_what_is_refused_and_why(wire: Any, code: str, reason: str) -> None:
    with pytest.raises(CommandError, match=reason) as raised:
        parse_command(wire)
    assert raised.value.code == code


def test_a_refusal_knows_whom_to_answer() -> None:
    with pytest.raises(CommandError) as raised:
        parse_command({**ROUTE, "command": "reboot"})
    reply = refused(raised.value.id, raised.value)
    assert reply["id"] == "p-1"
    assert (reply["ok"], reply["error"]["code"]) == (False, "unknown-command")


def test_replies() -> None:
    assert accepted("p-1", {"status": "running"}) == {"id": "p-1", "ok": True, "result": {"status": "running"}}
    assert refused("p-2", UsageError("No.", hint="Ask again.")) == {
        "id": "p-2",
        "ok": False,
        "error": {"code": "usage", "message": "No.", "hint": "Ask again."},
    }


def test_every_command_is_in_the_union() -> None:
    assert {command.model_fields["command"].default for command in get_args(Command)} == set(COMMANDS)
