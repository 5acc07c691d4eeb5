"""What the record is made of: turns as they come in, and the plain parts that all its written forms share.

`read` turns messages of the wire (dicts or UIMessage) into parts with words in them, so that the html, the markdown and
the plain text say the same. Nothing here knows a markup language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Union

from .text import first_line
from .wire import Wire, mapping, mappings, text
from .words import call_state, duration, seconds_of


class WireMessage(Protocol):
    """A UIMessage: anything that can write itself as a wire dict."""

    def to_wire(self) -> dict[str, Any]: ...


Message = Union[Wire, WireMessage]


@dataclass(frozen=True)
class RecordTurn:
    """One turn: what was asked, what came back (None before the first chunk), and how it stands.

    `status` is a run's status (queued, running, waiting, completed, failed, stopped) or "interrupted".
    `seconds` maps tool call ids to how long the call took, where that is known.
    """

    user: Message
    assistant: Message | None = None
    status: str = "completed"
    seconds: Mapping[str, float] = field(default_factory=dict[str, float])


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
    """What the user was asked before a call and why, and the answer and why. `answer` is "" while it is open."""

    title: str = ""
    code: str = ""
    language: str = ""
    diff: str = ""
    why: str = ""
    answer: str = ""
    reason: str = ""
    automatic: bool = False


@dataclass(frozen=True)
class Call:
    """One tool call. `output` is None where there is none; `displays` are MIME bundles."""

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
    """What an @mention resolved to: the text that the model read."""

    name: str
    text: str


@dataclass(frozen=True)
class Other:
    """A part of a kind that has no form of its own: shown as data rather than dropped."""

    kind: str
    data: Any


Part = Union[Prompt, Prose, Thought, Call, File, Source, Context, Other]


@dataclass(frozen=True)
class Read:
    """A turn, read. `asked` and `answered` are in the order of the wire; `metadata` is the assistant's."""

    asked: tuple[Part, ...]
    answered: tuple[Part, ...]
    status: str
    metadata: Wire


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
    if kind in _HIDDEN or (kind in ("data-display", "data-approval") and "id" in part):
        return None
    if kind == "text":
        words = text(part.get("text"))
        return None if not words.strip() else Prompt(words.strip("\n")) if typed else Prose(words)
    if kind == "reasoning":
        words = text(part.get("text"))
        return Thought(words, seconds_of(part)) if words.strip() else None
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
    shown = by_call.get(("data-display", call_id))
    approval = _approval(part.get("approval"), by_call.get(("data-approval", call_id)))
    state = text(part.get("state"))
    raw = part.get("rawInput")
    return Call(
        title=text(part.get("title")) or name,
        state=call_state(state, preliminary=bool(part.get("preliminary")), approval=mapping(part.get("approval"))),
        seconds=seconds.get(call_id, seconds_of(part)),
        input=part.get("input") if part.get("input") is not None else raw,
        output=part.get("output") if state == "output-available" else None,
        error=text(part.get("errorText")),
        approval=approval,
        displays=tuple(mappings(shown)),
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
        answer="" if approved is None else "allowed" if approved else "denied",
        why=text(asked.get("requestReason")),
        reason=text(asked.get("reason")),
        automatic=bool(asked.get("isAutomatic")),
    )
