"""What a reduction knows: the message, and what of it is still open."""

from __future__ import annotations

from ..errors import ProtocolError
from .chunks import FinishReason, InputEncoding, Json
from .jsontext import mend
from .messages import UIMessage
from .partial_json import parse_partial_json
from .parts import DataPart, Part, ReasoningPart, StepStartPart, TextPart
from .tool_part import ABSENT, ToolPart


class PartialCall:
    """A tool call whose input streams. It outlives its part: in a new step the same call gets a part of its own.

    The pieces of the input are joined, and what there is of its JSON is parsed, when somebody reads, once for each
    length: doing so at every delta would cost the square of the input's length.
    """

    def __init__(
        self,
        tool_name: str,
        *,
        dynamic: bool = False,
        encoding: InputEncoding | None = None,
        title: str | None = None,
        tool_metadata: dict[str, Json] | None = None,
        text: str = "",
    ) -> None:
        self.tool_name = tool_name
        self.dynamic = dynamic
        self.encoding: InputEncoding | None = encoding
        self.title = title
        self.tool_metadata = tool_metadata
        self.part: ToolPart | None = None
        """The part that shows the text so far; None until the first delta."""
        self.step = -1
        """The step of that part: its State's `step_start`."""
        self._pieces = [text]
        self._parsed: str | None = None
        self._value: Json = ABSENT

    def append(self, delta: str) -> None:
        self._pieces.append(delta)

    @property
    def text(self) -> str:
        if len(self._pieces) > 1:
            self._pieces[:] = [mend("".join(self._pieces))]
        return self._pieces[0]

    @property
    def value(self) -> Json:
        """What the text makes; ABSENT where it makes nothing."""
        text = self.text
        if self.encoding == "text":
            return text
        if self._parsed is not text:
            self._parsed, self._value = text, parse_partial_json(text)
        return self._value


class State:
    def __init__(self, initial: UIMessage | None = None) -> None:
        self.message = UIMessage("" if initial is None else initial.id, "assistant")
        if initial is not None and initial.role == "assistant":
            self.message = initial
        self.texts: dict[str, TextPart] = {}
        self.reasonings: dict[str, ReasoningPart] = {}
        self.calls: dict[str, PartialCall] = {}
        self.finish_reason: FinishReason | None = None
        self.errors: list[str] = []
        self.aborted = False
        parts = self.message.parts
        steps = (index for index in range(len(parts), 0, -1) if parts[index - 1].type == "step-start")
        self.step_start = next(steps, 0)
        """The index of the current step's first part."""
        self._data: dict[tuple[str, str | None], DataPart] = {}
        self._calls_of_step: dict[str, list[ToolPart]] = {}
        self._file_all()
        for part in parts[self.step_start :]:
            self._reopen(part)

    def add(self, part: Part) -> None:
        self._file(part, len(self.message.parts))
        self.message.parts.append(part)

    def begin_step(self) -> None:
        self.message.parts.append(StepStartPart())
        self.step_start = len(self.message.parts)
        self._calls_of_step.clear()

    def _file_all(self) -> None:
        self._data.clear()
        self._calls_of_step.clear()
        for index, part in enumerate(self.message.parts):
            self._file(part, index)

    def _file(self, part: Part, index: int) -> None:
        """Remember where a part is: data parts are looked for by type and id, the current step's calls by id."""
        if isinstance(part, DataPart):
            self._data.setdefault((part.type, part.id), part)
        elif isinstance(part, ToolPart) and index >= self.step_start:
            self._calls_of_step.setdefault(part.tool_call_id, []).append(part)

    def _reopen(self, part: Part) -> None:
        """A tool input that streamed when the message was kept goes on streaming."""
        if isinstance(part, ToolPart) and part.state == "input-streaming":
            self.calls[part.tool_call_id] = PartialCall(
                part.tool_name,
                dynamic=part.dynamic,
                encoding=part.input_encoding,
                title=part.title,
                tool_metadata=part.tool_metadata,
                text=part.raw_input if isinstance(part.raw_input, str) else "",
            )

    def find_in_step(self, call_id: str, *, dynamic: bool | None = None) -> ToolPart | None:
        """The call's part in this step, of one kind or of any."""
        for part in self._calls_of_step.get(call_id, ()):
            if dynamic in (None, part.dynamic):
                return part
        return None

    def find_data(self, kind: str, data_id: str) -> DataPart | None:
        """The first data part of a type and an id."""
        return self._data.get((kind, data_id))

    def find_call(self, call_id: str) -> ToolPart:
        """The call's part in this step, or else its last one in the whole message."""
        here = self.find_in_step(call_id)
        if here is not None:
            return here
        for part in reversed(self.message.parts):
            if isinstance(part, ToolPart) and part.tool_call_id == call_id:
                return part
        raise ProtocolError(f'toolCallId: no tool call "{call_id}" is known')

    def find_approval(self, approval_id: str) -> ToolPart:
        for part in self.message.parts:
            if isinstance(part, ToolPart) and part.approval is not None and part.approval.id == approval_id:
                return part
        raise ProtocolError(f'approvalId: no approval "{approval_id}" was asked for')

    def cut(self, start: int) -> None:
        """Forget the parts from `start` on, and all that was open."""
        self.texts.clear()
        self.reasonings.clear()
        self.calls.clear()
        if start < len(self.message.parts):
            del self.message.parts[start:]
            self._file_all()

    def restart(self, message_id: str) -> None:
        """Another message begins, in the same object."""
        self.step_start = 0
        self.cut(0)
        self.finish_reason = None
        self.message.id = message_id
        self.message.metadata = None
        self.message.extra = {}
