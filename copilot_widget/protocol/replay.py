"""A message as the chunks that make it: how a view shows a message that was kept, of which no log is left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from . import chunks as c
from .messages import UIMessage
from .parts import (
    CustomPart,
    DataPart,
    FilePart,
    Part,
    ReasoningFilePart,
    ReasoningPart,
    SourceDocumentPart,
    SourceUrlPart,
    SteeringMessagePart,
    StepStartPart,
    TextPart,
)
from .tool_part import ToolPart


def chunks_of(message: UIMessage) -> Iterator[c.Chunk]:
    """Chunks of which `reduce_chunks` makes the message again, but for what no chunk can say: parts of unknown types,
    and what a client of another kind has added to a part. No chunk ends the stream."""
    yield c.Start(message_id=message.id, message_metadata=message.metadata)
    in_step = False
    for number, part in enumerate(message.parts):
        if isinstance(part, StepStartPart):
            if in_step:
                yield c.FinishStep()
            in_step = True
            yield c.StartStep()
        elif isinstance(part, TextPart):
            yield from _text(f"text-{number}", part)
        elif isinstance(part, ReasoningPart):
            yield from _reasoning(part.id or f"reasoning-{number}", part)
        elif isinstance(part, ToolPart):
            yield from _call(part)
        else:
            yield from _other(part)
    if in_step:
        yield c.FinishStep()


def _text(part_id: str, part: TextPart) -> Iterator[c.Chunk]:
    yield c.TextStart(id=part_id, provider_metadata=part.provider_metadata)
    if part.text:
        yield c.TextDelta(id=part_id, delta=part.text)
    if part.state != "streaming":
        yield c.TextEnd(id=part_id, citations=part.citations)


def _reasoning(part_id: str, part: ReasoningPart) -> Iterator[c.Chunk]:
    yield c.ReasoningStart(id=part_id, provider_metadata=part.provider_metadata)
    if part.text:
        yield c.ReasoningDelta(id=part_id, delta=part.text)
    if part.state != "streaming":
        yield c.ReasoningEnd(id=part_id)


def _call(part: ToolPart) -> Iterator[c.Chunk]:
    call: dict[str, Any] = {
        "tool_call_id": part.tool_call_id,
        "provider_executed": part.provider_executed,
        "tool_metadata": part.tool_metadata,
        "dynamic": part.dynamic or None,
    }
    about: dict[str, Any] = {
        **call,
        "tool_name": part.tool_name,
        "title": part.title,
        "provider_metadata": part.call_provider_metadata,
    }
    if part.state == "input-streaming":
        yield c.ToolInputStart(**about, input_encoding=part.input_encoding)
        if isinstance(part.raw_input, str) and part.raw_input:
            yield c.ToolInputDelta(tool_call_id=part.tool_call_id, input_text_delta=part.raw_input)
        return
    yield c.ToolInputAvailable(**about, input=part.input)
    yield from _approval(part)
    result: dict[str, Any] = {**call, "provider_metadata": part.result_provider_metadata}
    if part.state == "output-available":
        yield c.ToolOutputAvailable(**result, output=part.output, preliminary=part.preliminary)
    elif part.state == "output-error":
        yield c.ToolOutputError(**result, error_text=part.error_text or "")
    elif part.state == "output-denied":
        yield c.ToolOutputDenied(tool_call_id=part.tool_call_id)


def _approval(part: ToolPart) -> Iterator[c.Chunk]:
    approval = part.approval
    if approval is None:
        return
    names = {
        "descriptor": "approval_descriptor",
        "inputSchemaInput": "input_schema_input",
        "signature": "signature",
    }
    more = {name: approval.extra[key] for key, name in names.items() if key in approval.extra}
    yield c.ToolApprovalRequest(
        approval_id=approval.id,
        tool_call_id=part.tool_call_id,
        reason=approval.request_reason,
        is_automatic=approval.is_automatic,
        **cast("Any", more),
    )
    if approval.approved is not None:
        yield c.ToolApprovalResponse(approval_id=approval.id, approved=approval.approved, reason=approval.reason)


def _other(part: Part) -> Iterator[c.Chunk]:
    metadata = getattr(part, "provider_metadata", None)
    if isinstance(part, FilePart):
        yield c.File(url=part.url, media_type=part.media_type, provider_metadata=metadata)
    elif isinstance(part, ReasoningFilePart):
        yield c.ReasoningFile(url=part.url, media_type=part.media_type, provider_metadata=metadata)
    elif isinstance(part, SourceUrlPart):
        yield c.SourceUrl(source_id=part.source_id, url=part.url, title=part.title, provider_metadata=metadata)
    elif isinstance(part, SourceDocumentPart):
        yield c.SourceDocument(
            source_id=part.source_id,
            media_type=part.media_type,
            title=part.title,
            filename=part.filename,
            provider_metadata=metadata,
        )
    elif isinstance(part, CustomPart):
        yield c.Custom(kind=part.kind, provider_metadata=metadata)
    elif isinstance(part, SteeringMessagePart):
        yield c.SteeringMessage(id=part.id, parts=cast("Any", part.parts))
    elif isinstance(part, DataPart):
        yield c.Data(type=part.type, data=part.data, id=part.id, **part.extra)


__all__ = ["chunks_of"]
