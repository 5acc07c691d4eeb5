"""One class a chunk of the UI message stream, and their union.

Attributes are snake_case, fields on the wire camelCase. An optional field that is None is left out of the wire; a
required one (`output`, `input`, `data`) is always there, also when it is None.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, core_schema
from typing_extensions import NotRequired, TypedDict

Json = Any
"""A value that JSON can say: None, bool, int, float, str, list, dict."""

ProviderMetadata = dict[str, dict[str, Json]]
"""Provider's name → what that provider wants kept with a part."""

FinishReason = Literal["stop", "length", "content-filter", "tool-calls", "error", "interrupted", "other"]
InputEncoding = Literal["json", "text"]


class _AbsentNotNull:
    """None in Python means "not there"; on the wire (where validation is strict) a null is a violation."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        assert schema["type"] == "nullable"
        return core_schema.lax_or_strict_schema(lax_schema=schema, strict_schema=schema["schema"])


_T = TypeVar("_T")
Maybe = Annotated[_T | None, _AbsentNotNull()]


class WireModel(BaseModel):
    """What all chunks share: they are immutable, and know how their fields are called on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, frozen=True)

    wire_fields: ClassVar[tuple[tuple[str, str, bool], ...]] = ()
    """(attribute, key on the wire, required) of every field but `type`."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        cls.wire_fields = tuple(
            (name, to_camel(name), field.is_required()) for name, field in cls.model_fields.items() if name != "type"
        )

    def to_wire(self) -> dict[str, Json]:
        """The chunk as it travels. Values are not copied."""
        values = self.__dict__
        wire: dict[str, Json] = {"type": values["type"]}
        for name, key, required in self.wire_fields:
            value = values[name]
            if required or value is not None:
                wire[key] = value
        return wire


# ---- the run and its steps -----------------------------------------------------------------------------


class Start(WireModel):
    """The message begins. The same `message_id` in a replay lets a client know the message again."""

    type: Literal["start"] = "start"
    message_id: Maybe[str] = None
    message_metadata: Json = None


class Finish(WireModel):
    """The message is complete."""

    type: Literal["finish"] = "finish"
    finish_reason: Maybe[FinishReason] = None
    message_metadata: Json = None


class Abort(WireModel):
    """The run was stopped."""

    type: Literal["abort"] = "abort"
    reason: Maybe[str] = None


class Error(WireModel):
    """The run failed. A stock client stops reading here."""

    type: Literal["error"] = "error"
    error_text: str


class StartStep(WireModel):
    type: Literal["start-step"] = "start-step"


class FinishStep(WireModel):
    type: Literal["finish-step"] = "finish-step"


class ResetStep(WireModel):
    """Drop the parts of the current step: sent before a step that was cut is run again."""

    type: Literal["reset-step"] = "reset-step"


class MessageMetadata(WireModel):
    """Merged, key by key, into the message's metadata; also allowed after finish."""

    type: Literal["message-metadata"] = "message-metadata"
    message_metadata: Json


# ---- text and reasoning --------------------------------------------------------------------------------


class UrlSource(TypedDict):
    type: Literal["source"]
    sourceType: Literal["url"]
    id: str
    url: str
    title: NotRequired[str]
    providerMetadata: NotRequired[ProviderMetadata]


class DocumentSource(TypedDict):
    type: Literal["source"]
    sourceType: Literal["document"]
    id: str
    mediaType: str
    title: str
    filename: NotRequired[str]
    providerMetadata: NotRequired[ProviderMetadata]


class Citation(TypedDict):
    """What backs a piece of a text; indices count UTF-16 units, as JavaScript does."""

    source: Annotated[Union[UrlSource, DocumentSource], Field(discriminator="sourceType")]
    startIndex: NotRequired[Annotated[int, Field(ge=0)]]
    endIndex: NotRequired[Annotated[int, Field(ge=0)]]
    citedText: NotRequired[str]


class TextStart(WireModel):
    type: Literal["text-start"] = "text-start"
    id: str
    provider_metadata: Maybe[ProviderMetadata] = None


class _Delta(WireModel):
    id: str
    delta: str
    provider_metadata: Maybe[ProviderMetadata] = None

    def to_wire(self) -> dict[str, Json]:  # nearly all chunks of a stream are deltas: this is 4 times as fast
        if self.provider_metadata is None:
            return {"type": self.__dict__["type"], "id": self.id, "delta": self.delta}
        return super().to_wire()


class TextDelta(_Delta):
    type: Literal["text-delta"] = "text-delta"


class TextEnd(WireModel):
    type: Literal["text-end"] = "text-end"
    id: str
    citations: Maybe[list[Citation]] = None
    provider_metadata: Maybe[ProviderMetadata] = None


class ReasoningStart(WireModel):
    type: Literal["reasoning-start"] = "reasoning-start"
    id: str
    provider_metadata: Maybe[ProviderMetadata] = None


class ReasoningDelta(_Delta):
    type: Literal["reasoning-delta"] = "reasoning-delta"


class ReasoningEnd(WireModel):
    type: Literal["reasoning-end"] = "reasoning-end"
    id: str
    provider_metadata: Maybe[ProviderMetadata] = None


# ---- tools ---------------------------------------------------------------------------------------------


class _ToolCall(WireModel):
    tool_call_id: str
    provider_executed: Maybe[bool] = None
    tool_metadata: Maybe[dict[str, Json]] = None
    dynamic: Maybe[bool] = None
    provider_metadata: Maybe[ProviderMetadata] = None


class ToolInputStart(_ToolCall):
    """The model begins a call; its input follows as deltas."""

    type: Literal["tool-input-start"] = "tool-input-start"
    tool_name: str
    input_encoding: Maybe[InputEncoding] = None
    title: Maybe[str] = None


class ToolInputDelta(WireModel):
    """The next piece of the input's text."""

    type: Literal["tool-input-delta"] = "tool-input-delta"
    tool_call_id: str
    input_text_delta: str


class ToolInputAvailable(_ToolCall):
    """The call's input is complete and valid."""

    type: Literal["tool-input-available"] = "tool-input-available"
    tool_name: str
    input: Json
    title: Maybe[str] = None


class ToolInputError(_ToolCall):
    """The call cannot be made: its input is invalid, or there is no such tool."""

    type: Literal["tool-input-error"] = "tool-input-error"
    tool_name: str
    input: Json
    error_text: str
    title: Maybe[str] = None


class ToolApprovalRequest(WireModel):
    """The call waits for the user's answer; `reason` says why it is asked for."""

    type: Literal["tool-approval-request"] = "tool-approval-request"
    approval_id: str
    tool_call_id: str
    approval_descriptor: Json = None
    input_schema_input: Json = None
    reason: Maybe[str] = None
    is_automatic: Maybe[bool] = None
    signature: Maybe[str] = None

    def to_wire(self) -> dict[str, Json]:
        wire = super().to_wire()
        if "input_schema_input" in self.model_fields_set:  # the client keeps a null here
            wire["inputSchemaInput"] = self.input_schema_input
        return wire


class ToolApprovalResponse(WireModel):
    """The answer, told to all views."""

    type: Literal["tool-approval-response"] = "tool-approval-response"
    approval_id: str
    approved: bool
    reason: Maybe[str] = None
    provider_executed: Maybe[bool] = None
    provider_metadata: Maybe[ProviderMetadata] = None


class ToolOutputAvailable(_ToolCall):
    """The call's result; a `preliminary` one is shown until the next one replaces it."""

    type: Literal["tool-output-available"] = "tool-output-available"
    output: Json
    preliminary: Maybe[bool] = None


class ToolOutputError(_ToolCall):
    type: Literal["tool-output-error"] = "tool-output-error"
    error_text: str


class ToolOutputDenied(WireModel):
    type: Literal["tool-output-denied"] = "tool-output-denied"
    tool_call_id: str


# ---- other parts ---------------------------------------------------------------------------------------


class SourceUrl(WireModel):
    type: Literal["source-url"] = "source-url"
    source_id: str
    url: str
    title: Maybe[str] = None
    provider_metadata: Maybe[ProviderMetadata] = None


class SourceDocument(WireModel):
    type: Literal["source-document"] = "source-document"
    source_id: str
    media_type: str
    title: str
    filename: Maybe[str] = None
    provider_metadata: Maybe[ProviderMetadata] = None


class File(WireModel):
    type: Literal["file"] = "file"
    url: str
    media_type: str
    provider_metadata: Maybe[ProviderMetadata] = None


class ReasoningFile(WireModel):
    type: Literal["reasoning-file"] = "reasoning-file"
    url: str
    media_type: str
    provider_metadata: Maybe[ProviderMetadata] = None


class Custom(WireModel):
    """A part of one provider's own; `kind` is "provider.type"."""

    type: Literal["custom"] = "custom"
    kind: str
    provider_metadata: Maybe[ProviderMetadata] = None


class Data(WireModel):
    """A part of ours, `type` is "data-NAME". A later one with the same type and id replaces its data; a transient one
    is for whoever watches the stream and never becomes a part."""

    model_config = ConfigDict(extra="allow")  # a client keeps in the part what else is in the chunk

    type: Annotated[str, Field(pattern="^data-")]
    data: Json
    id: Maybe[str] = None
    transient: Maybe[bool] = None


class _SteeringText(TypedDict):
    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]
    type: Literal["text"]
    text: str
    providerMetadata: NotRequired[ProviderMetadata]


class _SteeringFile(TypedDict):
    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]
    type: Literal["file"]
    mediaType: str
    url: str
    filename: NotRequired[str]
    providerReference: NotRequired[dict[str, str]]
    providerMetadata: NotRequired[ProviderMetadata]


SteeringPart = Annotated[Union[_SteeringText, _SteeringFile], Field(discriminator="type")]


class SteeringMessage(WireModel):
    """What the user added while the run went on."""

    type: Literal["steering-message"] = "steering-message"
    id: str
    parts: list[SteeringPart]


Chunk = Union[
    Start, Finish, Abort, Error, StartStep, FinishStep, ResetStep, MessageMetadata,
    TextStart, TextDelta, TextEnd, ReasoningStart, ReasoningDelta, ReasoningEnd,
    ToolInputStart, ToolInputDelta, ToolInputAvailable, ToolInputError, ToolApprovalRequest, ToolApprovalResponse,
    ToolOutputAvailable, ToolOutputError, ToolOutputDenied,
    SourceUrl, SourceDocument, File, ReasoningFile, Custom, Data, SteeringMessage,
]  # fmt: skip
"""Any chunk."""
