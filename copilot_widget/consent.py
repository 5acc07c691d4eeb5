"""What is said of a call and the consent to it: to views, as chunks, and to the user, as a card."""

from __future__ import annotations

import json
from typing import Any

from .errors import one_line
from .protocol.chunks import Chunk, ToolApprovalResponse, ToolInputAvailable, ToolOutputError
from .protocol.wire import to_wire
from .state import PendingCall
from .tools.approval import Decision
from .tools.base import ApprovalRequest, Tool


def response(call: PendingCall) -> ToolApprovalResponse:
    return ToolApprovalResponse(approval_id=call.approval_id or "", approved=call.state != "denied", reason=call.reason)


def edited(call: PendingCall, tool: Tool | None) -> list[Chunk]:
    """The arguments that the user wrote, as all views and the record shall have them; or why they cannot be."""
    call.edited = False
    if tool is None:
        return []
    try:
        call.input = tool.parse(json.dumps(call.input))
    except Exception as error:
        failed(call, f"Not run: the arguments that the user wrote are not valid ({one_line(error)}).")
        return []
    return [
        ToolInputAvailable(tool_call_id=call.call_id, tool_name=call.tool, input=call.input, title=tool.title),
    ]


def failed(call: PendingCall, why: str) -> None:
    """Nobody need be asked about a call that cannot succeed."""
    call.state = "answered"
    call.result = [to_wire(ToolOutputError(tool_call_id=call.call_id, error_text=why))]


def gone(call: PendingCall) -> ToolOutputError:
    return ToolOutputError(tool_call_id=call.call_id, error_text=f"The tool {call.tool} is no longer there.")


def fields(request: ApprovalRequest | None) -> dict[str, Any]:
    return {key: value for key, value in vars(request).items() if value} if request else {}


def card(decision: Decision | None) -> ApprovalRequest:
    """What the card of a call shows besides its input, where the user is asked whatever is decided."""
    if decision is not None and decision.kind in ("allow", "ask"):
        return decision.request or ApprovalRequest(title="")
    return ApprovalRequest(title="", basis="unknown")  # it cannot be told: the consent rests on nothing


__all__ = ["card", "edited", "failed", "fields", "gone", "response"]
