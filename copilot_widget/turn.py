"""One answer of a model: its events become chunks, its calls are checked and collected."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .errors import ToolError, one_line
from .models import base as model
from .models.usage import TokenCounter, estimate_prompt
from .protocol.chunks import (
    Chunk,
    Data,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    TextDelta,
    TextEnd,
    TextStart,
    ToolInputAvailable,
    ToolInputDelta,
    ToolInputError,
    ToolInputStart,
)
from .state import PendingCall
from .tools.base import Tool


class ModelTurn:
    """The state of one answer while it streams. `step` numbers the request and makes part ids unique in a run."""

    def __init__(self, step: int, tools: Mapping[str, Tool]) -> None:
        self._step = step
        self._tools = tools
        self._open: tuple[str, str] | None = None  # kind ("text", "reasoning") and id of the part being streamed
        self._parts = 0
        self._inputs: dict[str, str] = {}  # calls whose arguments are streaming: id → tool
        self._streamed = TokenCounter()
        self.calls: list[PendingCall] = []
        self.rejected = 0
        """Calls that got an error result already: unknown tool, arguments that do not validate."""
        self.usage: model.ModelUsage | None = None
        self.finish_reason: model.FinishReason = "stop"
        self._handlers: dict[type, Callable[[Any], list[Chunk]]] = {
            model.TextDelta: self._text,
            model.ReasoningDelta: self._reasoning,
            model.ReasoningEnd: self._reasoning_end,
            model.ToolInputStart: self._input_start,
            model.ToolInputDelta: self._input_delta,
            model.ToolCall: self._call,
            model.ModelUsage: self._usage,
            model.Notice: self._notice,
            model.Finish: self._finish,
        }

    def chunks(self, event: model.ModelEvent) -> list[Chunk]:
        """The chunks for one event, in order."""
        return self._handlers[type(event)](event)

    def close(self) -> list[Chunk]:
        """Chunks that end whatever is still open; arguments that were cut off become an error."""
        chunks = self._close_part()
        for call_id, tool in self._inputs.items():
            error = "The call was cut off before its arguments were complete."
            chunks.append(ToolInputError(tool_call_id=call_id, tool_name=tool, input={}, error_text=error))
            self.rejected += 1
        self._inputs = {}
        return chunks

    @property
    def begun(self) -> bool:
        """True once a part of the answer has come."""
        return self._parts > 0 or bool(self.calls) or self.rejected > 0 or bool(self._inputs)

    @property
    def is_counted(self) -> bool:
        """True once the provider has said what the answer took: then it is complete."""
        return self.usage is not None and not self.usage.estimated

    @property
    def streamed_tokens(self) -> int:
        """Tokens of the answer so far, estimated."""
        return self._streamed.tokens

    def estimate(self, request: model.ModelRequest) -> model.ModelUsage:
        """What the request probably cost, where the provider had no time to say."""
        return model.ModelUsage(
            prompt_tokens=estimate_prompt(request), completion_tokens=self.streamed_tokens, estimated=True
        )

    # ---- text and reasoning ----------------------------------------------------------------------------

    def _text(self, event: model.TextDelta) -> list[Chunk]:
        if not event.delta:
            return []
        self._streamed.add(event.delta)
        chunks = self._ensure("text")
        chunks.append(TextDelta(id=self._part_id, delta=event.delta))
        return chunks

    def _reasoning(self, event: model.ReasoningDelta) -> list[Chunk]:
        if not event.delta:
            return []
        self._streamed.add(event.delta)
        chunks = self._ensure("reasoning")
        chunks.append(ReasoningDelta(id=self._part_id, delta=event.delta))
        return chunks

    def _reasoning_end(self, event: model.ReasoningEnd) -> list[Chunk]:
        if event.provider_metadata is None:
            return self._close_part() if self._open and self._open[0] == "reasoning" else []
        chunks = self._ensure("reasoning")  # a redacted block has metadata and no text
        chunks.append(ReasoningEnd(id=self._part_id, provider_metadata=event.provider_metadata))
        self._open = None
        return chunks

    @property
    def _part_id(self) -> str:
        assert self._open is not None
        return self._open[1]

    def _ensure(self, kind: str) -> list[Chunk]:
        if self._open is not None and self._open[0] == kind:
            return []
        chunks = self._close_part()
        self._parts += 1
        self._open = (kind, f"{kind}-{self._step}-{self._parts}")
        start = TextStart if kind == "text" else ReasoningStart
        chunks.append(start(id=self._part_id))
        return chunks

    def _close_part(self) -> list[Chunk]:
        if self._open is None:
            return []
        kind, part_id = self._open
        self._open = None
        return [TextEnd(id=part_id) if kind == "text" else ReasoningEnd(id=part_id)]

    # ---- calls -----------------------------------------------------------------------------------------

    def _input_start(self, event: model.ToolInputStart) -> list[Chunk]:
        if event.call_id in self._inputs:
            return []
        self._inputs[event.call_id] = event.tool
        chunks = self._close_part()
        chunks.append(ToolInputStart(tool_call_id=event.call_id, tool_name=event.tool, title=self._title(event.tool)))
        return chunks

    def _input_delta(self, event: model.ToolInputDelta) -> list[Chunk]:
        self._streamed.add(event.delta)
        return [ToolInputDelta(tool_call_id=event.call_id, input_text_delta=event.delta)]

    def _call(self, event: model.ToolCall) -> list[Chunk]:
        chunks = self._close_part()
        if self._inputs.pop(event.call_id, None) is None:
            self._streamed.add(event.input)
        tool = self._tools.get(event.tool)
        try:
            if tool is None:
                names = ", ".join(sorted(self._tools)) or "none"
                raise ToolError(f"There is no tool named {event.tool!r}. The tools are: {names}.")
            arguments = tool.parse(event.input)
        except ToolError as error:
            return [*chunks, self._reject(event, str(error))]
        except Exception as error:
            return [*chunks, self._reject(event, f"The arguments could not be read: {one_line(error)}")]
        self.calls.append(PendingCall(call_id=event.call_id, tool=event.tool, input=arguments))
        available = ToolInputAvailable(
            tool_call_id=event.call_id,
            tool_name=event.tool,
            input=arguments,
            title=self._title(event.tool),
            provider_metadata=event.provider_metadata,
        )
        return [*chunks, available]

    def _reject(self, event: model.ToolCall, text: str) -> Chunk:
        self.rejected += 1
        return ToolInputError(
            tool_call_id=event.call_id,
            tool_name=event.tool,
            input=_loads(event.input),
            error_text=text,
            title=self._title(event.tool),
        )

    def _title(self, name: str) -> str | None:
        tool = self._tools.get(name)
        return tool.title if tool is not None else None

    # ---- the rest --------------------------------------------------------------------------------------

    def _usage(self, event: model.ModelUsage) -> list[Chunk]:
        self.usage = event
        return []

    def _notice(self, event: model.Notice) -> list[Chunk]:
        return [Data(type="data-notice", data={"text": event.text}, transient=True)]

    def _finish(self, event: model.Finish) -> list[Chunk]:
        self.finish_reason = event.reason
        return []


def _loads(text: str) -> Any:
    """What the model wrote, as JSON where it is JSON, else as the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text
