"""What the record is made of: turns as they come in, and the plain parts that all its written forms share.

`read` turns messages of the wire (dicts or UIMessage) into parts with words in them, so that the html, the markdown and
the plain text say the same. Nothing here knows a markup language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Union

from ..protocol.displays import DISPLAY, displayed
from .text import clean, first_line
from .wire import Wire, joined, mapping, mappings, text
from .words import call_state, duration, seconds_of


class WireMessage(Protocol):
    """A UIMessage: anything that can write itself as a wire dict."""

    def to_wire(self) -> dict[str, Any]: ...


Message = Union[Wire, WireMessage]


@dataclass(frozen=True)
class RecordTurn:
    """One turn: what was asked, what came back (None before the first chunk), and how it stands.

    `status` is a run's status (queued, running, waiting, completed, failed, stopped) or "interrupted".
    `seconds` maps ids of tool calls and of reasoning to how long they took, where that is known. `divider` is the line
    above the turn, where the model read nothing of what stands higher up.
    """

    user: Message
    assistant: Message | None = None
    status: str = "completed"
    seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    divider: str = ""


# ---- the parts -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prompt:
    """What the user asked or added, as it was typed."""

    text: str


@dataclass(frozen=True)
class Prose:
    """A piece of the answer, in markdown."""

    text: str


@dataclass(frozen=True)
class Thought:
    """A piece of reasoning, in markdown; `seconds` is None where unknown."""

    text: str
    seconds: float | None = None


@dataclass(frozen=True)
class Approval:
    """What the user was asked before a call and why, and the answer and why. `answer` is "" while it is open.

    `edits` names the argument that the diff came from.
    """

    title: str = ""
    code: str = ""
    language: str = ""
    diff: str = ""
    edits: str = ""
    why: str = ""
    answer: str = ""
    reason: str = ""
    automatic: bool = False


@dataclass(frozen=True)
class Call:
    """One tool call. `output` is None where there is none; `displays` are MIME bundles.

    Input and displays are without what the diff of the approval shows.
    """

    title: str
    state: str
    seconds: float | None
    input: Any
    output: Any
    error: str
    approval: Approval | None
    displays: tuple[Wire, ...]
    failed: bool


@dataclass(frozen=True)
class File:
    """An attachment or a file the model made; `url` may be a data: URL."""

    name: str
    media_type: str
    url: str


@dataclass(frozen=True)
class Source:
    """Something the answer refers to; `url` is empty for a document."""

    title: str
    url: str


@dataclass(frozen=True)
class Context:
    """What an @mention resolved to, or the instructions that a /command gives: the text that the model read."""

    name: str
    text: str

    @property
    def is_instructions(self) -> bool:
        """Words of ours, the same each time."""
        return self.name.startswith("/")


@dataclass(frozen=True)
class Other:
    """A part of a kind that has no form of its own: shown as data rather than dropped."""

    kind: str
    data: Any


Part = Union[Prompt, Prose, Thought, Call, File, Source, Context, Other]


@dataclass(frozen=True)
class Read:
    """A turn, read. `asked` and `answered` are in the order of the wire; `metadata` is the assistant's.

    `divider` is the line above it, or "".
    """

    asked: tuple[Part, ...]
    answered: tuple[Part, ...]
    status: str
    metadata: Wire
    divider: str


def wired(message: Message | None) -> Wire:
    """The message as a wire dict; an empty one for None."""
    if message is None:
        return {}
    return mapping(message) if isinstance(message, Mapping) else message.to_wire()


def read(turn: RecordTurn) -> Read:
    """The parts of a turn."""
    assistant = wired(turn.assistant)
    return Read(
        asked=_parts(wired(turn.user), {}, typed=True),
        answered=_parts(assistant, turn.seconds),
        status=turn.status,
        metadata=mapping(assistant.get("metadata")),
        divider=turn.divider,
    )


def call_words(call: Call) -> list[str]:
    """What a call's row says after its title: `allowed`, `failed: No order 17.`, `2.1 s`."""
    state = f"{call.state}: {first_line(call.error)}" if call.error else call.state
    answer = call.approval.answer if call.approval else ""
    words = [answer if answer not in state else "", state, duration(call.seconds)]
    return [word for word in words if word]


def asked_words(call: Call, approval: Approval) -> str:
    """What the user was asked, and why."""
    return f"{approval.title or call.title} ({approval.why})" if approval.why else approval.title or call.title


def answer_words(approval: Approval) -> str:
    """How the user answered."""
    answer = (approval.answer or "not answered").capitalize() + (" without asking" if approval.automatic else "")
    return f"{answer}: {approval.reason}" if approval.reason else f"{answer}."


# ---- from the wire -------------------------------------------------------------------------------------

_HIDDEN = frozenset({"step-start", "data-notice", "data-tool-status"})
"""Marks and passing notices: they say nothing once the turn is over."""
_OF_CALLS = frozenset({DISPLAY, "data-approval", "data-seen"})
"""What belongs to a call's row."""


def _parts(message: Wire, seconds: Mapping[str, float], *, typed: bool = False) -> tuple[Part, ...]:
    """`typed`: the message's text is what a user wrote, not markdown."""
    wired_parts = mappings(message.get("parts"))
    by_call = _data_by_call(wired_parts)
    parts: list[Part] = []
    for part in wired_parts:
        if part.get("type") == "steering-message":
            parts += _parts(part, {}, typed=True)
        elif read_part := _part(part, by_call, seconds, typed):
            parts.append(read_part)
    return tuple(parts)


def _part(part: Wire, by_call: Mapping[tuple[str, str], Any], seconds: Mapping[str, float], typed: bool) -> Part | None:
    kind = text(part.get("type"))
    if kind in _HIDDEN or (kind in _OF_CALLS and "id" in part):
        return None
    if kind == "text":
        words = text(part.get("text"))
        return None if not words.strip() else Prompt(words.strip("\n")) if typed else Prose(words)
    if kind == "reasoning":
        words = text(part.get("text"))
        took = seconds.get(text(part.get("id")), seconds_of(part))
        return Thought(words, took) if words.strip() else None
    if kind == "dynamic-tool" or kind.startswith("tool-"):
        return _call(part, by_call, seconds)
    if kind in ("file", "reasoning-file"):
        return File(text(part.get("filename")), text(part.get("mediaType")), text(part.get("url")))
    if kind in ("source-url", "source-document"):
        url = text(part.get("url"))
        return Source(text(part.get("title")) or text(part.get("filename")) or url, url)
    data = part.get("data")
    if kind == "data-context" and mapping(data):
        return Context(text(mapping(data).get("name")), text(mapping(data).get("text")))
    return Other(kind, data if kind.startswith("data-") else {k: v for k, v in part.items() if k != "type"})


def _data_by_call(parts: Sequence[Wire]) -> dict[tuple[str, str], Any]:
    """The data parts that belong to a call's row, by (type, call id)."""
    return {(text(part.get("type")), text(part.get("id"))): part.get("data") for part in parts if "id" in part}


def _call(part: Wire, by_call: Mapping[tuple[str, str], Any], seconds: Mapping[str, float]) -> Call:
    call_id = text(part.get("toolCallId"))
    name = text(part.get("toolName")) or text(part.get("type")).removeprefix("tool-")
    shown = tuple(mappings(displayed(lambda part_id: by_call.get((DISPLAY, part_id)), call_id)))
    approval = _approval(part.get("approval"), by_call.get(("data-approval", call_id)))
    state = text(part.get("state"))
    given = part.get("input") if part.get("input") is not None else part.get("rawInput")
    displays = tuple(bundle for bundle in shown if not _is_diff(approval, bundle))
    # What was allowed may be the user's own words, of which the diff knows nothing: then the call shows another one.
    is_as_asked = approval is not None and (approval.answer != "allowed" or displays != shown)
    return Call(
        title=text(part.get("title")) or name,
        state=call_state(state, preliminary=bool(part.get("preliminary")), approval=mapping(part.get("approval"))),
        seconds=seconds.get(call_id, seconds_of(part)),
        input=_not_in_diff(approval, given, is_as_asked) if approval and approval.diff else given,
        output=part.get("output") if state == "output-available" else None,
        error=text(part.get("errorText")),
        approval=approval,
        displays=displays,
        failed=state == "output-error",
    )


def _approval(asked: Any, card: Any) -> Approval | None:
    asked, card = mapping(asked), mapping(card)
    if not asked:
        return None
    approved = asked.get("approved")
    return Approval(
        title=text(card.get("title")),
        code=text(card.get("code")),
        language=text(card.get("language")),
        diff=text(card.get("diff")),
        edits=text(card.get("edits")),
        answer="" if approved is None else "allowed" if approved else "denied",
        why=text(asked.get("requestReason")),
        reason=text(asked.get("reason")),
        automatic=bool(asked.get("isAutomatic")),
    )


def _is_diff(approval: Approval | None, bundle: Wire) -> bool:
    """Whether what a call shows is what the user was asked about."""
    return approval is not None and approval.diff != "" and clean(joined(bundle.get("text/plain", ""))) == approval.diff


def _not_in_diff(approval: Approval, given: Any, is_as_asked: bool) -> Any:
    """The arguments without what the diff shows: the one that it was made from, and texts whose every line it has."""
    lines = {line[1:] for line in approval.diff.split("\n")}

    def is_seen(name: str, value: Any) -> bool:
        if name == approval.edits and is_as_asked:
            return True
        return isinstance(value, str) and "\n" in value and lines.issuperset(filter(None, clean(value).split("\n")))

    if not isinstance(given, Mapping):
        return given
    return {name: value for name, value in mapping(given).items() if not is_seen(name, value)}
