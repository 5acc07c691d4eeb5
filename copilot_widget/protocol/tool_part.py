"""The part that shows a tool call: its input as it comes, the approval, the output."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, get_args

from pydantic.alias_generators import to_camel

from .chunks import InputEncoding, Json, ProviderMetadata
from .parts import Part

ToolState = Literal[
    "input-streaming",
    "input-available",
    "approval-requested",
    "approval-responded",
    "output-available",
    "output-error",
    "output-denied",
]
TOOL_STATES: tuple[str, ...] = get_args(ToolState)
DYNAMIC_TOOL = "dynamic-tool"
STATIC_TOOL = "tool-"
"""How the type of a static tool part begins; the tool's name follows."""


class _Absent:
    """Not there, where None would be a value: a null. There is one of it, also after a copy or a pickle."""

    def __reduce__(self) -> str:
        return "ABSENT"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()


@dataclass
class ToolApproval:
    """What the user was asked about a call, and the answer (`approved` is None until there is one)."""

    id: str
    approved: bool | None = None
    reason: str | None = None
    """Why the user answered so."""
    request_reason: str | None = None
    """Why the user was asked."""
    is_automatic: bool | None = None
    extra: dict[str, Json] = field(default_factory=dict[str, Json])
    """descriptor, signature, inputSchemaInput."""

    def to_wire(self) -> dict[str, Json]:
        wire: dict[str, Json] = {"id": self.id, **self.extra}
        for name in ("approved", "reason", "request_reason", "is_automatic"):
            value = getattr(self, name)
            if value is not None:
                wire[to_camel(name)] = value
        return wire


class StreamingInput(Protocol):
    """A tool call whose input is still coming: the text so far, and the value that it makes."""

    @property
    def text(self) -> str: ...
    @property
    def value(self) -> Json | _Absent: ...


class ToolPart(Part):
    """A tool call; `type` is "tool-NAME", or "dynamic-tool" where the name is a field of its own.

    `input` and `output` are None where there is none; `has_input`, `has_output` tell that from a null.
    """

    wire_fields = (
        ("tool_call_id", "toolCallId", True),
        ("state", "state", True),
        ("title", "title", False),
        ("tool_metadata", "toolMetadata", False),
        ("provider_executed", "providerExecuted", False),
        ("raw_input", "rawInput", False),
        ("input_encoding", "inputEncoding", False),
        ("preliminary", "preliminary", False),
        ("error_text", "errorText", False),
        ("call_provider_metadata", "callProviderMetadata", False),
        ("result_provider_metadata", "resultProviderMetadata", False),
    )

    def __init__(
        self,
        type: str,
        tool_call_id: str,
        state: ToolState,
        *,
        tool_name: str = "",
        input: Json | _Absent = ABSENT,
        output: Json | _Absent = ABSENT,
        error_text: str | None = None,
        approval: ToolApproval | None = None,
        preliminary: bool | None = None,
        raw_input: Json = None,
        input_encoding: InputEncoding | None = None,
        title: str | None = None,
        tool_metadata: dict[str, Json] | None = None,
        provider_executed: bool | None = None,
        call_provider_metadata: ProviderMetadata | None = None,
        result_provider_metadata: ProviderMetadata | None = None,
        extra: dict[str, Json] | None = None,
    ) -> None:
        super().__init__(type, extra=extra or {})
        self._name = tool_name
        self._streaming: StreamingInput | None = None
        self.show_raw = True
        """Whether the raw text of a streaming input shows."""
        self._input = input
        self._output = output
        self._raw_input = raw_input
        self.tool_call_id = tool_call_id
        self.state: ToolState = state
        self.error_text = error_text
        self.approval = approval
        self.preliminary = preliminary
        self.input_encoding: InputEncoding | None = input_encoding
        self.title = title
        self.tool_metadata = tool_metadata
        self.provider_executed = provider_executed
        self.call_provider_metadata = call_provider_metadata
        self.result_provider_metadata = result_provider_metadata

    @property
    def dynamic(self) -> bool:
        return self.type == DYNAMIC_TOOL

    @property
    def tool_name(self) -> str:
        return self._name if self.dynamic else self.type[len(STATIC_TOOL) :]

    @tool_name.setter
    def tool_name(self, name: str) -> None:
        if self.dynamic:
            self._name = name
        else:
            self.type = STATIC_TOOL + name

    @property
    def input(self) -> Json:
        """The arguments; while they stream, what there is of them (it is parsed when it is read)."""
        value = self.input_or_absent
        return None if value is ABSENT else value

    @input.setter  # noqa: A003
    def input(self, value: Json | _Absent) -> None:
        self._raw_input = self.raw_input
        self._streaming = None
        self._input = value

    @property
    def input_or_absent(self) -> Json | _Absent:
        return self._input if self._streaming is None else self._streaming.value

    @property
    def has_input(self) -> bool:
        return self.input_or_absent is not ABSENT

    @property
    def raw_input(self) -> Json:
        """The text of the input so far."""
        return self._streaming.text if self._streaming is not None and self.show_raw else self._raw_input

    @raw_input.setter
    def raw_input(self, text: Json) -> None:
        self._input = self.input_or_absent
        self._streaming = None
        self._raw_input = text

    @property
    def output(self) -> Json:
        return None if self._output is ABSENT else self._output

    @output.setter
    def output(self, value: Json | _Absent) -> None:
        self._output = value

    @property
    def has_output(self) -> bool:
        return self._output is not ABSENT

    def follow(self, source: StreamingInput) -> None:
        """Take `input` and `raw_input` from `source`, which grows, until one of them is set."""
        self._streaming = source

    def to_wire(self) -> dict[str, Json]:
        wire = super().to_wire()
        if self.dynamic:
            wire["toolName"] = self._name
        if self.has_input:
            wire["input"] = self.input
        if self.has_output:
            wire["output"] = self.output
        if self.approval is not None:
            wire["approval"] = self.approval.to_wire()
        return wire
