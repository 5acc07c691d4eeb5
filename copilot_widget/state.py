"""The state of a run between two steps: all that is needed to go on in another process.

It is pydantic, so it is JSON at every boundary. The agent alone moves it forward; executors save it, load it,
and put users' answers into it.
"""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, PlainSerializer, PlainValidator

from .errors import UsageError
from .protocol.messages import UIMessage

Phase = Literal["start", "model", "tools", "done"]
RunStatus = Literal["queued", "running", "waiting", "completed", "failed", "stopped"]
TERMINAL: frozenset[str] = frozenset({"completed", "failed", "stopped"})

WireMessage = Annotated[
    UIMessage,
    PlainValidator(lambda value: value if isinstance(value, UIMessage) else UIMessage.from_wire(value)),
    PlainSerializer(lambda message: message.to_wire(), return_type=dict[str, Any]),
]
"""A UIMessage that is kept in its wire form, so that parts of a newer version survive a round trip."""


class Budget(BaseModel):
    """A hard limit of one run, in tokens or in US dollars."""

    tokens: int | None = None
    usd: float | None = None

    @classmethod
    def parse(cls, text: str | None) -> Budget | None:
        """`"0.50 USD"`, `"$0.50"` or `"20000 tokens"`; None for no budget. Raises UsageError."""
        if text is None or text.strip().lower() in ("", "none", "off"):
            return None
        words = text.strip().replace("$", " USD ").replace("_", "").replace(",", "").split()
        numbers = [word for word in words if word.replace(".", "", 1).isdigit()]
        units = [word.lower() for word in words if word not in numbers]
        if len(numbers) == 1 and len(units) == 1 and float(numbers[0]) > 0:
            if units[0] == "usd":
                return cls(usd=float(numbers[0]))
            if units[0] in ("token", "tokens") and "." not in numbers[0]:
                return cls(tokens=int(numbers[0]))
        raise UsageError(f"The budget {text!r} is not understood.", hint="Write '0.50 USD' or '20000 tokens'.")

    def __str__(self) -> str:
        return f"{self.usd:.2f} USD" if self.usd is not None else f"{self.tokens:,} tokens"


class Totals(BaseModel):
    """What a run has cost so far. Tokens are counts; `cost` is in US dollars, None once any part has no price."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost: float | None = 0.0

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class PendingCall(BaseModel):
    """A tool call of the current step that has no result yet.

    ready: decided, may run · asked: the user is being asked · approved, denied: the user's answer, not yet acted on.
    """

    call_id: str
    tool: str
    input: Any = None
    state: Literal["new", "ready", "asked", "approved", "denied"] = "new"
    approval_id: str | None = None
    reason: str | None = None


class RunRequest(BaseModel):
    """What somebody asked for: one turn. Serialisable; an executor turns it into a RunState when its turn comes."""

    version: Literal[1] = 1
    run: str
    thread: str
    message: WireMessage
    """The user's message."""
    message_id: str
    """The id that the assistant's message will have."""
    model: str
    instructions: str = ""
    max_steps: int = Field(default=20, ge=1)
    budget: Budget | None = None
    approvals: str = "ask"
    record: str | None = None
    """File that the model's answers are recorded in."""


class RunState(BaseModel):
    """Where a run stands. `message` is the assistant's message so far, `history` all before it."""

    version: Literal[1] = 1
    request: RunRequest
    history: list[WireMessage] = Field(default_factory=list[UIMessage])
    message: WireMessage
    status: RunStatus = "running"
    phase: Phase = "start"
    step: int = 0
    """Number of model requests that were made."""
    step_open: bool = False
    """True between start-step and finish-step."""
    totals: Totals = Field(default_factory=Totals)
    pending: list[PendingCall] = Field(default_factory=list[PendingCall])
    started: float = Field(default_factory=time.time)
    """Epoch seconds."""

    @classmethod
    def begin(cls, request: RunRequest, history: list[UIMessage]) -> RunState:
        """The state of a run that has not done anything; `history` ends with the user's message."""
        message = UIMessage(id=request.message_id, role="assistant", parts=[])
        return cls(request=request, history=history, message=message)

    def answer(self, approval_id: str, approved: bool, reason: str | None = None) -> bool:
        """Put the user's answer in. False where nobody asked, or the first answer has already been given."""
        for call in self.pending:
            if call.approval_id == approval_id and call.state == "asked":
                call.state = "approved" if approved else "denied"
                call.reason = reason
                self.status = "running"
                return True
        return False
