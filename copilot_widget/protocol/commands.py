"""What a view may ask of the kernel.

A command is `{id, page, n, widget, command, …arguments}`; `id` is "<page>-<n>", so that the same command that comes
by two routes is known again; `widget` is the model id of the view's widget. Each is answered by
`{id, ok: true, result}` or `{id, ok: false, error: {code, message, hint}}`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from ..errors import CopilotError, ProtocolError
from .chunks import Json


class CommandError(ProtocolError):
    """A command is refused. `code`: unknown-command or bad-arguments. `id` is the command's, where it has one."""

    def __init__(self, message: str, *, code: str, id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.id = id


class _Command(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, frozen=True, extra="forbid"
    )

    id: str = Field(min_length=1)
    page: str
    n: int = Field(ge=0)
    widget: str = ""


class Hello(_Command):
    """Result: the View."""

    command: Literal["hello"] = "hello"


class Cursor(BaseModel):
    """How far a page has come in a run: `after` is the number of the last event that it has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    after: int = Field(default=0, ge=0)


class Resume(_Command):
    """What came in these runs after what the page has. Result: {runs: {run: {envelopes, status}}}, of the first ones as
    many as one answer holds, one at least; null for a run that the view does not show (any more)."""

    command: Literal["resume"] = "resume"
    runs: list[Cursor] = Field(min_length=1)


class Attachment(BaseModel):
    """A file that goes with a message: as a data URL, or as the name of what was uploaded before."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, frozen=True)

    url: str = ""
    upload: str = ""
    media_type: str
    filename: str | None = None


class Selection(BaseModel):
    """What is selected in the page, and the number of its cell, as in [3]."""

    model_config = ConfigDict(frozen=True)

    text: str = Field(max_length=20_000)
    cell: int | None = None


class Upload(_Command):
    """A piece of a file's base64, in order: a websocket takes no message of 20 MB. Result: {received}, characters."""

    command: Literal["upload"] = "upload"
    upload: str = Field(pattern="^[0-9a-f]{32}$")
    at: int = Field(ge=0)
    """Characters that went before."""
    data: str = Field(max_length=2_000_000)


class Send(_Command):
    """Result: {turn}. While a run goes on the message is queued. A text that is a slash command acts as it does in
    %copilot; of one that only tells the result is {note}, in Markdown, which is no part of the conversation."""

    command: Literal["send"] = "send"
    text: str
    attachments: list[Attachment] = Field(default=[], max_length=20)
    selection: Selection | None = None
    """Where the text mentions @selection."""
    replaces: str | None = None
    """The run whose question is edited: the conversation's last one. Its turn gives way to the new one."""


class Regenerate(_Command):
    """Another answer to the conversation's last question, in the place of the one of this run. Result: {turn}."""

    command: Literal["regenerate"] = "regenerate"
    run: str


class Withdraw(_Command):
    """Take a message back that waits in the queue. Result: {status}; refused where its run has begun."""

    command: Literal["withdraw"] = "withdraw"
    run: str


class Stop(_Command):
    """Result: {status}."""

    command: Literal["stop"] = "stop"
    run: str


class Approve(_Command):
    """The user's answer to an approval request. Result: {status}."""

    command: Literal["approve"] = "approve"
    run: str
    approval_id: str
    approved: bool
    reason: str | None = None
    scope: Literal["once", "run", "session", "same"] = "once"
    """How far consent goes: this call · the tool's calls in this run · in this session · those with these arguments."""
    digest: str | None = None
    """Of what was shown, as the card has it."""
    input: dict[str, Json] | None = None
    """The arguments to run instead."""


class Answer(_Command):
    """The user's answer to a question of the model, the call of `ask_user`. Result: {status}."""

    command: Literal["answer"] = "answer"
    run: str
    call_id: str
    output: str = Field(max_length=100_000)


class Take(_Command):
    """The page is about to act on a request of the kernel, a message `{type: "request", id, page, op, …}` that names
    it. Refused (code withdrawn) where it may not, or no longer: then it does nothing. Result: {}."""

    command: Literal["take"] = "take"
    request: str


class Refusal(BaseModel):
    """Why a page did not do what it was asked for. `code` is one of: no-document, elsewhere, read-only, not-found,
    ambiguous, changed, bad-request, failed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    message: str = Field(max_length=2_000)


class Deliver(_Command):
    """What became of a request that the page has taken: its result, or why it did nothing. Result: {}."""

    command: Literal["deliver"] = "deliver"
    request: str
    result: Json = None
    error: Refusal | None = None


class Undo(_Command):
    """Undo a change of a cell that a call has made, or make it again where it is undone. Result: {request}, which the
    page then takes and delivers as any other; what has changed is told by a message of the type view."""

    command: Literal["undo"] = "undo"
    run: str
    call_id: str


class Attach(_Command):
    """Asked of a kernel that has not made `widget`, since it was started anew: a new widget, whose id shall be `heir`,
    goes on with those of the runs that are executed elsewhere. Result: {runs}, those that were found."""

    command: Literal["attach"] = "attach"
    runs: list[str] = Field(max_length=100)
    kind: Literal["turn", "panel"]
    heir: str = Field(pattern="^[0-9a-f]{32}$")


class Complete(_Command):
    """What can stand at the cursor of a composer's text. Result: {items: [{text, start, end, kind, detail}]}, at most
    100, the likeliest first; `cursor`, `start` and `end` count UTF-16 code units, as JavaScript does.

    `kind` is command, value, variable, column, attribute, key, file, folder, cell, error, selection or mention.
    """

    command: Literal["complete"] = "complete"
    text: str = Field(max_length=100_000)
    cursor: int = Field(ge=0)


class Reopen(_Command):
    """Go on with a conversation that was kept, in a view that has none yet; without `thread`: begin a new one, and
    offer the kept one no more. Result: {}."""

    command: Literal["reopen"] = "reopen"
    thread: str | None = None


class Asset(_Command):
    """A part of the front end that is loaded on demand. Result: {data}, base64 of the gzipped file."""

    command: Literal["asset"] = "asset"
    name: str


ViewCommand = Union[
    Union[Hello, Resume, Upload, Send, Regenerate, Withdraw, Stop, Approve, Answer],
    Union[Complete, Reopen, Take, Deliver, Undo, Asset],
]
"""A command to a widget."""
Command = Union[ViewCommand, Attach]
"""Any command."""

COMMANDS = (
    *("hello", "resume", "upload", "send", "regenerate", "withdraw", "stop", "approve", "answer"),
    *("complete", "reopen", "take", "deliver", "undo", "attach", "asset"),
)
_ADAPTER: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="command")])


def parse_command(wire: Any) -> Command:
    """The command that a dict holds. Raises CommandError, with a reason."""
    if not isinstance(wire, dict):
        raise CommandError("A command must be an object.", code="bad-arguments")
    fields = cast("dict[str, Any]", wire)
    name, given_id = fields.get("command"), fields.get("id")
    known_id = given_id if isinstance(given_id, str) else None
    if name not in COMMANDS:
        raise CommandError(f"There is no command {name!r}.", code="unknown-command", id=known_id)
    try:
        return _ADAPTER.validate_python(fields, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(step) for step in first["loc"][1:])
        raise CommandError(f"{name}: {field}: {first['msg']}", code="bad-arguments", id=known_id) from None


def accepted(id: str, result: Json = None) -> dict[str, Json]:
    """The reply to a command that was carried out."""
    return {"id": id, "ok": True, "result": result}


def refused(id: str | None, error: CopilotError) -> dict[str, Json]:
    """The reply to a command that was not."""
    return {
        "id": id,
        "ok": False,
        "error": error.told(),
    }
