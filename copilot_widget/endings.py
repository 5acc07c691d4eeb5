"""How a run ends, whoever ends it: the agent in its loop, or an executor for a run that nobody works on."""

from __future__ import annotations

import time
from typing import Any

from .errors import CopilotError
from .history import SO_FAR, SUMMARISE, SUMMARY, as_printed, mark_of
from .protocol.chunks import (
    Abort,
    Chunk,
    Error,
    Finish,
    FinishStep,
    MessageMetadata,
    ToolApprovalResponse,
    ToolInputError,
    ToolOutputDenied,
    ToolOutputError,
)
from .protocol.messages import ToolPart, UIMessage
from .state import RunState


def finish(state: RunState, reason: Any, extra: dict[str, Any] | None = None) -> list[Chunk]:
    """The run is completed."""
    state.status, state.phase = "completed", "done"
    closing: list[Chunk] = [FinishStep()] if state.step_open else []
    state.step_open = False
    metadata = {**_metadata(state), **(extra or {})}
    if reason == "stop" and mark_of(state.request.message) == SUMMARISE:
        metadata["history"] = SUMMARY
    return [*closing, Finish(finish_reason=reason, message_metadata=metadata)]


def fail(state: RunState, message: UIMessage, error: CopilotError) -> list[Chunk]:
    """The run has failed; `message` is the assistant's message as views see it now."""
    state.status, state.phase = "failed", "done"
    closing = _resolve_calls(state, message, "not run: the run failed before") + close_step(state)
    return [
        *closing,
        MessageMetadata(message_metadata={**_metadata(state), "error": error.told()}),
        Error(error_text=str(error)),
    ]


def abort(state: RunState, message: UIMessage, reason: str) -> list[Chunk]:
    """The run was stopped; `message` is the assistant's message as views see it now."""
    state.status, state.phase = "stopped", "done"
    closing = _resolve_calls(state, message, reason) + close_step(state)
    return [*closing, MessageMetadata(message_metadata=_metadata(state)), Abort(reason=reason)]


def close_step(state: RunState) -> list[Chunk]:
    """The end of a step after which the run goes on; nothing where none is open."""
    if not state.step_open:
        return []
    state.step_open = False
    return [MessageMetadata(message_metadata=_metadata(state)), FinishStep()]


def _metadata(state: RunState) -> dict[str, Any]:
    totals = state.totals
    usage = {
        "promptTokens": totals.prompt_tokens,
        "completionTokens": totals.completion_tokens,
        "totalTokens": totals.total_tokens,
        "cachedTokens": totals.cached_tokens,
        "reasoningTokens": totals.reasoning_tokens,
    }
    metadata: dict[str, Any] = {
        "usage": usage,
        "steps": state.step,
        "durationMs": max(0, round((time.time() - state.started) * 1000)),
    }
    if totals.cost is not None:
        metadata["cost"] = round(totals.cost, 8)
    return metadata


def _resolve_calls(state: RunState, message: UIMessage, why: str) -> list[Chunk]:
    state.pending = []
    return resolve_calls(message, why)


def resolve_calls(message: UIMessage, why: str) -> list[Chunk]:
    """A result for each call of this message that has none: a history with open calls is refused by providers."""
    chunks: list[Chunk] = []
    for part in message.parts:
        if not isinstance(part, ToolPart):
            continue
        if part.state == "input-streaming":
            error = ToolInputError(
                tool_call_id=part.tool_call_id,
                tool_name=part.tool_name,
                input=part.input,
                error_text=f"The call was cut off ({why}).",
            )
            chunks.append(error)
        elif part.state == "approval-requested" and part.approval is not None:
            # Clients do not take a message back in which a call has failed that was never allowed.
            chunks.append(ToolApprovalResponse(approval_id=part.approval.id, approved=False, reason=why))
            chunks.append(ToolOutputDenied(tool_call_id=part.tool_call_id))
        elif part.state in ("input-available", "approval-responded") or part.preliminary:
            told = f"No result: {why}."
            if part.preliminary and part.output is not None:
                told += f" {SO_FAR}\n{as_printed(part.output)}"
            chunks.append(ToolOutputError(tool_call_id=part.tool_call_id, error_text=told))
    return chunks


__all__ = ["abort", "close_step", "fail", "finish", "resolve_calls"]
