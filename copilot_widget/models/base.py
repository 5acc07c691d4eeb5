"""What a model is to the agent: a request in, a stream of events out.

A `Model` is anything with a `name` and a `stream` method. It knows nothing of threads, tools' code, the wire
or the notebook. It raises `ModelError` (copilot_widget.errors) and nothing else for what can go wrong outside;
it has already redacted the message. Closing the iterator (`aclose`) must close the HTTP request at once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Union, runtime_checkable

Json = Any
"""A value that `json.dumps` takes: None, bool, int, float, str, list, dict."""

FinishReason = Literal["stop", "length", "content-filter", "tool-calls", "error", "interrupted", "other"]


# ---- the request ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Text:
    """A piece of text in a message."""

    text: str


@dataclass(frozen=True)
class Image:
    """An image in a message: `data` is base64 without a prefix."""

    media_type: str
    data: str


@dataclass(frozen=True)
class Thought:
    """Reasoning that the model gave earlier; `provider_metadata` carries what must be sent back (signatures)."""

    text: str
    provider_metadata: dict[str, Json] | None = None


@dataclass(frozen=True)
class Call:
    """A tool call that the model made earlier; `input` is the parsed arguments."""

    call_id: str
    tool: str
    input: Json
    provider_metadata: dict[str, Json] | None = None


@dataclass(frozen=True)
class UserMessage:
    content: tuple[Text | Image, ...]


@dataclass(frozen=True)
class AssistantMessage:
    content: tuple[Text | Thought | Call, ...]


@dataclass(frozen=True)
class ToolMessage:
    """The result of one call, as the model reads it. Every `Call` of the message before has exactly one."""

    call_id: str
    tool: str
    output: str
    is_error: bool = False
    images: tuple[Image, ...] = ()


ModelMessage = Union[UserMessage, AssistantMessage, ToolMessage]


@dataclass(frozen=True)
class ToolSchema:
    """A tool as the model sees it; `input_schema` is JSON Schema of type object."""

    name: str
    description: str
    input_schema: dict[str, Json]


@dataclass(frozen=True)
class ModelRequest:
    """One request. `messages` is always valid: no call without its result, no result without its call."""

    messages: tuple[ModelMessage, ...]
    instructions: str = ""
    tools: tuple[ToolSchema, ...] = ()


# ---- the events ----------------------------------------------------------------------------------------
# In JSON (script files, recordings) each is an object with `type` and the fields in camelCase, e.g.
# {"type": "tool-call", "toolCallId": "c1", "toolName": "lookup", "input": "{\"order_id\": 17}"}.


@dataclass(frozen=True)
class TextDelta:
    """`text-delta`: the next piece of the answer."""

    delta: str


@dataclass(frozen=True)
class ReasoningDelta:
    """`reasoning-delta`: the next piece of the model's reasoning."""

    delta: str


@dataclass(frozen=True)
class ReasoningEnd:
    """`reasoning-end`: a block of reasoning is complete; only needed where it has metadata or another follows."""

    provider_metadata: dict[str, Json] | None = None


@dataclass(frozen=True)
class ToolInputStart:
    """`tool-input-start`: the model begins a call; its arguments follow as deltas."""

    call_id: str
    tool: str


@dataclass(frozen=True)
class ToolInputDelta:
    """`tool-input-delta`: the next piece of the arguments' JSON text."""

    call_id: str
    delta: str


@dataclass(frozen=True)
class ToolCall:
    """`tool-call`: the call is complete; `input` is the arguments' JSON text as the model wrote it."""

    call_id: str
    tool: str
    input: str
    provider_metadata: dict[str, Json] | None = None


@dataclass(frozen=True)
class ModelUsage:
    """`usage`: what the request has cost so far; later ones replace earlier ones of the same request.

    Tokens are counts; `prompt_tokens` includes `cached_tokens`, `completion_tokens` includes
    `reasoning_tokens`. `cost` is in US dollars, None where no price is known.
    `estimated` is true where the provider gave no count.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost: float | None = None
    estimated: bool = False


@dataclass(frozen=True)
class Notice:
    """`notice`: something the user should see while waiting ("rate limited, trying again in 3 s"); never history."""

    text: str


@dataclass(frozen=True)
class Finish:
    """`finish`: the answer is complete. Calls are run by their presence, not by the reason."""

    reason: FinishReason = "stop"


ModelEvent = Union[
    TextDelta, ReasoningDelta, ReasoningEnd, ToolInputStart, ToolInputDelta, ToolCall, ModelUsage, Notice, Finish
]


@dataclass(frozen=True)
class ModelInfo:
    """What a view tells the user about a model. `badge` is lasting ("demo: rules, no AI"); empty for real models."""

    name: str
    badge: str = ""
    reason: str = ""
    """Why this model was chosen, in words, where the user did not name it."""
    priced: bool | None = None
    """True or False where it is known whether a price is known; None where it is not known yet."""
    extra: dict[str, Json] = field(default_factory=dict[str, Json])


@runtime_checkable
class Model(Protocol):
    """One model. Instances are used from the agent's event loop only and may serve several runs at once."""

    @property
    def info(self) -> ModelInfo: ...

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """The events of one answer. Raises ModelError; `aclose()` ends the request at once."""
        ...
