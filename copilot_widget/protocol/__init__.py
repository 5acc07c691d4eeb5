"""The wire: the AI SDK's UI message stream, version 1.

Chunks (`chunks`) make messages (`messages`) by reduction (`reducer`); they travel as Server-Sent Events (`sse`); a
view asks for things by commands (`commands`). Names are loaded when they are first used, since pydantic is not light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .chunks import (
        Abort,
        Chunk,
        Custom,
        Data,
        Error,
        File,
        Finish,
        FinishStep,
        MessageMetadata,
        ReasoningDelta,
        ReasoningEnd,
        ReasoningFile,
        ReasoningStart,
        ResetStep,
        SourceDocument,
        SourceUrl,
        Start,
        StartStep,
        SteeringMessage,
        TextDelta,
        TextEnd,
        TextStart,
        ToolApprovalRequest,
        ToolApprovalResponse,
        ToolInputAvailable,
        ToolInputDelta,
        ToolInputError,
        ToolInputStart,
        ToolOutputAvailable,
        ToolOutputDenied,
        ToolOutputError,
    )
    from .commands import (
        parse_command,
    )
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
        UnknownPart,
    )
    from .reducer import (
        Reducer,
        reduce_chunks,
    )
    from .sse import (
        parse_sse,
        to_sse,
    )
    from .tool_part import (
        ToolApproval,
        ToolPart,
    )
    from .wire import (
        Event,
        Heartbeat,
        Usage,
        parse_chunk,
        to_wire,
    )

__all__ = [
    "Abort",
    "Chunk",
    "Custom",
    "CustomPart",
    "Data",
    "DataPart",
    "Error",
    "Event",
    "File",
    "FilePart",
    "Finish",
    "FinishStep",
    "Heartbeat",
    "MessageMetadata",
    "Part",
    "ReasoningDelta",
    "ReasoningEnd",
    "ReasoningFile",
    "ReasoningFilePart",
    "ReasoningPart",
    "ReasoningStart",
    "Reducer",
    "ResetStep",
    "SourceDocument",
    "SourceDocumentPart",
    "SourceUrl",
    "SourceUrlPart",
    "Start",
    "StartStep",
    "SteeringMessage",
    "SteeringMessagePart",
    "StepStartPart",
    "TextDelta",
    "TextEnd",
    "TextPart",
    "TextStart",
    "ToolApproval",
    "ToolApprovalRequest",
    "ToolApprovalResponse",
    "ToolInputAvailable",
    "ToolInputDelta",
    "ToolInputError",
    "ToolInputStart",
    "ToolOutputAvailable",
    "ToolOutputDenied",
    "ToolOutputError",
    "ToolPart",
    "UIMessage",
    "UnknownPart",
    "Usage",
    "parse_chunk",
    "parse_command",
    "parse_sse",
    "reduce_chunks",
    "to_sse",
    "to_wire",
]

_HOMES = {
    "commands": "parse_command",
    "messages": "UIMessage",
    "parts": (
        "CustomPart DataPart FilePart Part ReasoningFilePart ReasoningPart SourceDocumentPart SourceUrlPart "
        "SteeringMessagePart StepStartPart TextPart UnknownPart"
    ),
    "reducer": "Reducer reduce_chunks",
    "sse": "parse_sse to_sse",
    "tool_part": "ToolApproval ToolPart",
    "wire": "Event Heartbeat Usage parse_chunk to_wire",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}  # all others: chunks


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME.get(name, 'chunks')}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
