"""What the tool chunks do to a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ProtocolError
from . import chunks as c
from .chunks import InputEncoding, Json, ProviderMetadata
from .reducer_state import PartialCall, State
from .tool_part import ABSENT, DYNAMIC_TOOL, STATIC_TOOL, ToolApproval, ToolPart, ToolState


def _update(
    part: ToolPart,
    state: ToolState,
    *,
    tool_name: str | None = None,
    input: Json = ABSENT,
    raw_input: Json = None,
    input_encoding: InputEncoding | None = None,
    output: Json = ABSENT,
    error_text: str | None = None,
    preliminary: bool | None = None,
    title: str | None = None,
    tool_metadata: dict[str, Json] | None = None,
    provider_executed: bool | None = None,
    provider_metadata: ProviderMetadata | None = None,
) -> None:
    """What is not given is emptied, but for the name and the last four, which then stay."""
    part.state = state
    if tool_name is not None:
        part.tool_name = tool_name
    part.input = input
    part.raw_input = raw_input
    part.input_encoding = input_encoding
    part.output = output
    part.error_text = error_text
    part.preliminary = preliminary
    if title is not None:
        part.title = title
    if tool_metadata is not None:
        part.tool_metadata = tool_metadata
    if provider_executed is not None:
        part.provider_executed = provider_executed
    if provider_metadata is None:
        return
    if state in ("output-available", "output-error"):
        part.result_provider_metadata = provider_metadata
    else:
        part.call_provider_metadata = provider_metadata


def _upsert(state: State, call_id: str, dynamic: bool, to: ToolState, *, tool_name: str, **fields: Any) -> ToolPart:
    """Update the call's part of this step and kind; where there is none, begin one."""
    part = state.find_in_step(call_id, dynamic=dynamic)
    if part is not None:
        _update(part, to, tool_name=tool_name, **fields)
        return part
    part = ToolPart(DYNAMIC_TOOL if dynamic else STATIC_TOOL + tool_name, call_id, to, tool_name=tool_name)
    _update(part, to, **fields)
    state.add(part)
    return part


def _input_start(state: State, chunk: c.ToolInputStart) -> None:
    state.calls[chunk.tool_call_id] = PartialCall(
        chunk.tool_name,
        dynamic=chunk.dynamic is True,
        encoding=chunk.input_encoding,
        title=chunk.title,
        tool_metadata=chunk.tool_metadata,
    )
    _upsert(
        state,
        chunk.tool_call_id,
        chunk.dynamic is True,
        "input-streaming",
        tool_name=chunk.tool_name,
        input_encoding=chunk.input_encoding,
        title=chunk.title,
        tool_metadata=chunk.tool_metadata,
        provider_executed=chunk.provider_executed,
        provider_metadata=chunk.provider_metadata,
    )


def _input_delta(state: State, chunk: c.ToolInputDelta) -> None:
    call = state.calls.get(chunk.tool_call_id)
    if call is None:
        raise ProtocolError(f'toolCallId: tool-input-delta without a tool-input-start of "{chunk.tool_call_id}"')
    part = call.part
    if part is not None and call.step != state.step_start:
        part.input = part.input_or_absent  # it keeps what it shows; the deltas go on in this step's part
    call.append(chunk.input_text_delta)
    if part is not None and call.step == state.step_start and part.state == "input-streaming":
        part.show_raw = True
        return
    begins = state.find_in_step(chunk.tool_call_id, dynamic=call.dynamic) is None
    part = _upsert(
        state,
        chunk.tool_call_id,
        call.dynamic,
        "input-streaming",
        tool_name=call.tool_name,
        input_encoding=call.encoding,
        title=call.title,
        tool_metadata=call.tool_metadata,
    )
    part.follow(call)
    part.show_raw = not (begins and call.dynamic)  # the client's new dynamic part has none before its next delta
    call.part, call.step = part, state.step_start


def _input_available(state: State, chunk: c.ToolInputAvailable) -> None:
    _upsert(
        state,
        chunk.tool_call_id,
        chunk.dynamic is True,
        "input-available",
        tool_name=chunk.tool_name,
        input=chunk.input,
        title=chunk.title,
        tool_metadata=chunk.tool_metadata,
        provider_executed=chunk.provider_executed,
        provider_metadata=chunk.provider_metadata,
    )


def _input_error(state: State, chunk: c.ToolInputError) -> None:
    begun = state.find_in_step(chunk.tool_call_id)
    _upsert(
        state,
        chunk.tool_call_id,
        chunk.dynamic is True if begun is None else begun.dynamic,
        "output-error",
        tool_name=chunk.tool_name,
        input=chunk.input,
        error_text=chunk.error_text,
        tool_metadata=chunk.tool_metadata,
        provider_executed=chunk.provider_executed,
        provider_metadata=chunk.provider_metadata,
    )


def _output_available(state: State, chunk: c.ToolOutputAvailable) -> None:
    part = state.find_call(chunk.tool_call_id)
    _update(
        part,
        "output-available",
        input=part.input_or_absent,
        output=chunk.output,
        preliminary=chunk.preliminary,
        tool_metadata=chunk.tool_metadata,
        provider_executed=chunk.provider_executed,
        provider_metadata=chunk.provider_metadata,
    )


def _output_error(state: State, chunk: c.ToolOutputError) -> None:
    part = state.find_call(chunk.tool_call_id)
    _update(
        part,
        "output-error",
        input=part.input_or_absent,
        raw_input=None if part.dynamic else part.raw_input,
        error_text=chunk.error_text,
        tool_metadata=chunk.tool_metadata,
        provider_executed=chunk.provider_executed,
        provider_metadata=chunk.provider_metadata,
    )


def _output_denied(state: State, chunk: c.ToolOutputDenied) -> None:
    state.find_call(chunk.tool_call_id).state = "output-denied"


def _approval_request(state: State, chunk: c.ToolApprovalRequest) -> None:
    part = state.find_call(chunk.tool_call_id)
    approval = ToolApproval(chunk.approval_id, request_reason=chunk.reason, is_automatic=chunk.is_automatic or None)
    wire = chunk.to_wire()
    for key, name in (
        ("approvalDescriptor", "descriptor"),
        ("inputSchemaInput", "inputSchemaInput"),
        ("signature", "signature"),
    ):
        if key in wire:
            approval.extra[name] = wire[key]
    part.approval = approval
    part.state = "approval-requested"


def _approval_response(state: State, chunk: c.ToolApprovalResponse) -> None:
    part = state.find_approval(chunk.approval_id)
    assert part.approval is not None
    part.approval.approved = chunk.approved
    part.approval.reason = part.approval.reason if chunk.reason is None else chunk.reason
    part.state = "approval-responded"
    if chunk.provider_executed is not None:
        part.provider_executed = chunk.provider_executed
    if chunk.provider_metadata is not None:
        part.call_provider_metadata = chunk.provider_metadata


HANDLERS: dict[type, Callable[[State, Any], None]] = {
    c.ToolInputStart: _input_start,
    c.ToolInputDelta: _input_delta,
    c.ToolInputAvailable: _input_available,
    c.ToolInputError: _input_error,
    c.ToolApprovalRequest: _approval_request,
    c.ToolApprovalResponse: _approval_response,
    c.ToolOutputAvailable: _output_available,
    c.ToolOutputError: _output_error,
    c.ToolOutputDenied: _output_denied,
}
