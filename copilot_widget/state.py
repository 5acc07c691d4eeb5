"""The state of a run between two steps: all that is needed to go on in another process.

It is pydantic, so it is JSON at every boundary. The agent alone moves it forward; executors save it, load it,
and put answers into it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Union, cast

from pydantic import BaseModel, Field, PlainSerializer, PlainValidator
from pydantic_core import PydanticSerializationError

from .errors import UsageError
from .protocol.chunks import Chunk, ResetStep, StartStep
from .protocol.jsontext import mend
from .protocol.messages import UIMessage
from .protocol.reducer import Reducer
from .tools.jsonable import well_formed

Phase = Literal["start", "model", "tools", "calls", "done"]
"""tools: decide on the calls of an answer · calls: run those that may. The state is saved between the two, so that
after a crash it is known which calls may have had their effect."""
LOCAL = "local"
"""The owner of runs where nobody tells people apart: one's own machine."""
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

    ready: decided, may run · asked: the user is being asked · approved, denied: the user's answer, not yet acted on ·
    started: running, or about to · elsewhere: asked of the notebook's kernel · client: asked of the client that shows
    the conversation · answered: its result is in `result`.
    """

    call_id: str
    tool: str
    input: Any = None
    state: Literal["new", "ready", "asked", "approved", "denied", "started", "elsewhere", "client", "answered"] = "new"
    approval_id: str | None = None
    asked: int = 0
    """How often the user was asked about it."""
    card: dict[str, Any] | None = None
    """What the user is to be asked, where the kernel wants consent first."""
    basis: str | None = None
    """What the question rested on besides the arguments (ApprovalRequest.basis)."""
    posted: int = 0
    """How often it was asked of the kernel."""
    reason: str | None = None
    result: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    edited: bool = False
    """The user has changed `input`, which is not checked yet."""

    @property
    def reply_id(self) -> str:
        """What the kernel's reply is filed under."""
        return f"{self.call_id}#{self.posted}"

    @property
    def awaits(self) -> str | None:
        """The id of the reply that would bring the call on; None where it waits for nobody."""
        if self.state == "client":
            return client_reply(self.call_id)
        return {"asked": self.approval_id, "elsewhere": self.reply_id}.get(self.state)


def client_reply(call_id: str) -> str:
    """What a client's output for a call is filed under."""
    return f"{call_id}@client"


class Grant(BaseModel):
    """Consent given beforehand: to calls of a tool, to those whose arguments match, or to one call again.

    `arguments` is name → pattern of the argument's text, where * stands for anything and ? for one character; but not
    for what leads elsewhere: a `..` in a path, and in a `command` what joins commands to one another. Arguments that it
    does not name may be anything. `digest` is that of a call: the same tool with all the same arguments, and no others.
    """

    tool: str
    arguments: dict[str, str] = Field(default_factory=dict[str, str])
    digest: str | None = None

    def covers(self, tool: str, input: Any) -> bool:
        if tool != self.tool or self.digest not in (None, digest(tool, input)):
            return False
        given = cast("dict[str, Any]", input) if isinstance(input, dict) else {}
        return all(
            name in given and _matches(name, argument_text(given[name]), pattern)
            for name, pattern in self.arguments.items()
        )


def covered(grants: Iterable[Grant], tool: str, input: Any) -> bool:
    """Whether one of the grants covers a call."""
    return any(grant.covers(tool, input) for grant in grants)


_JOINS = frozenset(";&|<>`$()\n\r")
"""What makes more than one command of a command, or sends its output elsewhere."""


def _matches(name: str, text: str, pattern: str) -> bool:
    if not fnmatchcase(text, pattern):
        return False
    steps = text.replace("\\", "/").split("/")
    leads_out = ".." in steps and ".." not in pattern.replace("\\", "/").split("/")
    joins = name == "command" and not _JOINS.intersection(text) <= _JOINS.intersection(pattern)
    return not leads_out and not joins


def argument_text(value: Any) -> str:
    """An argument as a grant's patterns see it: a string as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def digest(tool: str, input: Any) -> str:
    """What binds an answer, or a post, to the arguments that were shown."""
    text = json.dumps([tool, input], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Approval(BaseModel):
    """An answer to an approval request; its id is the approval's."""

    kind: Literal["approval"] = "approval"
    approved: bool
    reason: str | None = None
    grant: Grant | None = None
    """Calls like this one are allowed for the rest of the run, too."""
    digest: str | None = None
    """Of the call that was shown; an answer to another one does not count."""
    input: dict[str, Any] | None = None
    """The arguments to run instead of those that the model gave."""


class Output(BaseModel):
    """The result of a call that ran in the kernel, or in a client, as chunks."""

    kind: Literal["output"] = "output"
    chunks: list[dict[str, Any]]


class Ask(BaseModel):
    """The kernel runs the call only when the user has allowed it; `card` is what the user is to be shown."""

    kind: Literal["ask"] = "ask"
    card: dict[str, Any] = Field(default_factory=dict[str, Any])


Reply = Annotated[Union[Approval, Output, Ask], Field(discriminator="kind")]
"""What a waiting run is told; the first one for an id counts."""


class KernelTool(BaseModel):
    """A tool that only the asking process can run, as a worker needs to know it."""

    name: str
    description: str = ""
    input_schema: dict[str, Any] = Field(default_factory=dict[str, Any])
    title: str = ""


class RunRequest(BaseModel):
    """What somebody asked for: one turn. Serialisable; an executor turns it into a RunState when its turn comes."""

    version: Literal[1] = 1
    run: str
    thread: str
    owner: str = LOCAL
    message: WireMessage
    """The user's message."""
    message_id: str
    """The id that the assistant's message will have."""
    model: str
    instructions: str = ""
    max_steps: int = Field(default=20, ge=1)
    budget: Budget | None = None
    approvals: str = "ask"
    headless: bool = False
    """Nobody can be asked."""
    record: str | None = None
    """File that the model's answers are recorded in."""
    api_base: str | None = None
    kernel: str | None = None
    """The process that runs the calls of `kernel_tools`; another one, also a restarted kernel, never does."""
    kernel_tools: list[KernelTool] = Field(default_factory=list[KernelTool])
    grants: list[Grant] = Field(default_factory=list[Grant])
    """What the user has allowed beforehand."""
    client: bool = False
    """An AI SDK client asked, which runs client-side tools."""
    anew: bool = False
    """What was kept of the conversation after `message` is dropped: this run's answer takes its place."""


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
    grants: list[Grant] = Field(default_factory=list[Grant])
    """What the user has allowed for the rest of the run."""
    interrupted: bool = False
    """The attempt before this one was cut while calls ran."""
    started: float = Field(default_factory=time.time)
    """Epoch seconds."""

    @classmethod
    def begin(cls, request: RunRequest, history: list[UIMessage]) -> RunState:
        """The state of a run that has not done anything; `history` ends with the user's message."""
        message = UIMessage(id=request.message_id, role="assistant", parts=[])
        return cls(request=request, history=history, message=message)

    def answer(self, approval_id: str, approved: bool, reason: str | None = None) -> bool:
        """Put the user's answer in. False where nobody asked, or the first answer has already been given."""
        return self.take(approval_id, Approval(approved=approved, reason=reason))

    def take(self, reply_id: str, reply: Reply) -> bool:
        """Put a reply in. False where nobody waits for it."""
        for call in self.pending:
            if call.awaits != reply_id or isinstance(reply, Approval) != (call.state == "asked"):
                continue
            if isinstance(reply, Approval):
                if reply.digest not in (None, digest(call.tool, call.input)):
                    continue
                self._take_approval(call, reply)
            elif isinstance(reply, Output):
                call.state, call.result = "answered", reply.chunks
            elif call.state == "elsewhere":
                call.state, call.card = "new", reply.card
            else:
                continue
            self.status = "running"
            return True
        return False

    def _take_approval(self, call: PendingCall, reply: Approval) -> None:
        call.state, call.reason = "approved" if reply.approved else "denied", reply.reason
        if not reply.approved:
            return
        if reply.input is not None and reply.input != call.input:
            call.input, call.edited = reply.input, True
        if reply.grant is not None:
            self.grants.append(reply.grant)
            for other in self.pending:
                if other.state == "asked" and reply.grant.covers(other.tool, other.input):
                    other.state = "approved"

    def granted(self, call: PendingCall) -> bool:
        """Whether the user has allowed such a call beforehand."""
        return covered((*self.request.grants, *self.grants), call.tool, call.input)

    def expire(self, result: Callable[[PendingCall], dict[str, Any]]) -> None:
        """Nobody answered in time for the kernel: its calls get `result`, a chunk as wire JSON."""
        for call in self.pending:
            if call.state == "elsewhere":
                call.state, call.result = "answered", [result(call)]
                self.status = "running"

    @property
    def awaited(self) -> list[str]:
        """Ids of the replies that would bring the run on."""
        return [awaits for call in self.pending if (awaits := call.awaits) is not None]

    @property
    def waits_for_kernel(self) -> bool:
        return any(call.state == "elsewhere" for call in self.pending)

    def recover(self, tail: list[dict[str, Any]]) -> list[Chunk]:
        """Go on after an attempt that was cut: `tail` is what it had logged after this state.

        Returns the chunks to log first. Results that came count; what a cut answer had streamed is taken back; a call
        that had begun and has no result is marked, since it may have had its effect (`interrupted`).
        """
        if not tail:
            self.interrupted = self.phase == "calls"
            return []
        reducer = Reducer(self.message)
        if self.phase == "model":
            if not self.step_open:
                if all(chunk["type"] != "start-step" for chunk in tail):
                    return []
                reducer.push(StartStep())
                self.message, self.step_open = reducer.message, True
            return [ResetStep()]
        for chunk in tail:
            reducer.push(chunk)
        self.message = reducer.message
        if self.phase == "start":
            self.phase = "model"
        elif self.phase == "calls":
            self.interrupted = True
            ended = {chunk.get("toolCallId") for chunk in tail if is_final(chunk)}
            self.pending = [call for call in self.pending if call.call_id not in ended]
        return []


def is_final(chunk: dict[str, Any]) -> bool:
    """True for the chunk that ends a call, as wire JSON."""
    kind = chunk["type"]
    return kind in ("tool-output-error", "tool-output-denied") or (
        kind == "tool-output-available" and not chunk.get("preliminary")
    )


def json_of(model: BaseModel, *, exclude: set[str] | None = None) -> str:
    """The model as JSON that UTF-8 can hold. Half of a surrogate pair, as in the name of a file that is no UTF-8,
    becomes a question mark."""
    try:
        return model.model_dump_json(exclude=exclude)
    except PydanticSerializationError:
        text = json.dumps(model.model_dump(mode="json", exclude=exclude), ensure_ascii=False, separators=(",", ":"))
        return well_formed(mend(text))
