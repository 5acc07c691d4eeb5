"""A conversation from a file of UIMessages: one of our own exports, or what an AI SDK client has saved.

What is in it was written by anybody. So only what a conversation is made of is taken: texts, calls with their results,
files, sources. Nothing in it waits for an answer, nothing in it speaks for a provider, and its figures are figures.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from .errors import ProtocolError, UsageError, one_line
from .export import ABOUT
from .keeping import title_of
from .past import take
from .protocol.jsontext import loads
from .protocol.messages import UIMessage, metadata_of
from .protocol.parts import Part, UnknownPart
from .protocol.replay import chunks_of
from .protocol.tool_part import ToolPart

if TYPE_CHECKING:
    from .copilot import Copilot

MAX_BYTES = 64_000_000
_MAX_MESSAGES = 20_000


@dataclass(frozen=True)
class Imported:
    """`left_out` says what was not taken, in words; "" where all was."""

    name: str
    """The file's."""
    title: str
    messages: list[UIMessage]
    left_out: str


def read_messages(path: str | os.PathLike[str]) -> Imported:
    """The conversation in a JSON file: a list of UIMessages, or an object with such a list under "messages".

    Raises UsageError, which says what is wrong with the file and where.
    """
    source = Path(path).expanduser()
    wires = _list(source, _parsed(source))
    if len(wires) > _MAX_MESSAGES:
        raise UsageError(f"{source} has {len(wires):,} messages; a conversation has at most {_MAX_MESSAGES:,}.")
    taken: list[UIMessage] = []
    title, system, unknown = "", 0, 0
    for number, wire in enumerate(wires, 1):
        message = _message(source, number, wire)
        title = title or _title(message)
        if message.role == "system":
            system += 1
            continue
        known = [_cleaned(part) for part in message.parts if not isinstance(part, UnknownPart)]
        unknown += len(message.parts) - len(known)
        new_id = f"{secrets.token_urlsafe(12)}-{message.role}"  # theirs may be those of another conversation
        taken.append(UIMessage(new_id, message.role, known, _figures(message)))
    if not taken:
        raise UsageError(f"{source} holds no message.")
    left_out = [_count(system, "system message"), _count(unknown, "part") + " of unknown types" if unknown else ""]
    return Imported(source.name, title, taken, " and ".join(filter(None, left_out)))


def fill(copilot: Copilot, imported: Imported) -> None:
    """Make it the conversation of a Copilot that has none yet. Raises UsageError."""
    if copilot.runs:
        raise UsageError(f"The conversation {copilot.thread!r} has begun already.", hint="Give it another name.")
    first = next((message.text for message in imported.messages if message.text), "")
    copilot.keeping.fill(copilot.thread, imported.title or title_of(first), imported.messages)
    take(copilot, imported.messages)
    if imported.left_out:
        copilot.notices.say(f"Left out of {imported.name}: {imported.left_out}.")


def _parsed(source: Path) -> Any:
    try:
        size = source.stat().st_size
        if size > MAX_BYTES:
            raise UsageError(
                f"{source} has {size / 1e6:.0f} MB; a conversation has at most {MAX_BYTES / 1e6:.0f} MB.",
                hint="Take pictures and large outputs out of it.",
                code="too-large",
            )
        return loads(source.read_bytes())
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{source} is not JSON: {one_line(error)}.", hint=_WANTED) from None


_WANTED = "A conversation is a JSON list of UIMessages, as copilot.export('chat.json') writes it."


def _list(source: Path, held: Any) -> list[Any]:
    found = cast("dict[str, Any]", held).get("messages") if isinstance(held, dict) else held
    if not isinstance(found, list):
        raise UsageError(f"{source} holds no list of messages.", hint=_WANTED)
    return cast("list[Any]", found)


def _message(source: Path, number: int, wire: Any) -> UIMessage:
    try:
        message = UIMessage.from_wire(wire)
        if message.role == "assistant":
            for _ in chunks_of(message):
                pass  # what could not be shown is refused here, in words
    except (ProtocolError, ValidationError, TypeError, AttributeError, RecursionError) as error:
        why = error.message if isinstance(error, ProtocolError) else one_line(error)
        raise UsageError(f"Message {number} of {source} is not a UIMessage: {why}.", hint=_WANTED) from None
    return message


def _cleaned(part: Part) -> Part:
    """Without what providers want back: it would be sent to whichever is asked next."""
    for name in ("provider_metadata", "call_provider_metadata", "result_provider_metadata", "provider_reference"):
        if getattr(part, name, None) is not None:
            setattr(part, name, None)
    if isinstance(part, ToolPart) and part.state == "output-available":
        part.preliminary = None
    return part


def _figures(message: UIMessage) -> dict[str, Any] | None:
    """Of its metadata what a view shows, each in the type that it must have."""
    held: object = message.metadata
    if message.role != "assistant" or not isinstance(held, dict):
        return None
    metadata = cast("dict[str, Any]", held)
    kept: dict[str, Any] = {}
    for name in ("model", "createdAt", "status", "badge"):
        if isinstance(value := metadata.get(name), str):
            kept[name] = value[:200]
    for name in ("cost", "steps", "durationMs"):
        if _is_number(value := metadata.get(name)):
            kept[name] = value
    usage, error = metadata.get("usage"), metadata.get("error")
    if isinstance(usage, dict):
        counts = cast("dict[str, Any]", usage).items()
        kept["usage"] = {name: int(value) for name, value in counts if _is_number(value)}
    if isinstance(error, dict):
        words = cast("dict[str, Any]", error)
        kept["error"] = {name: str(words.get(name) or "")[:2000] for name in ("code", "message", "hint")}
    return kept


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e15


def _title(message: UIMessage) -> str:
    about: object = metadata_of(message).get(ABOUT)
    title = cast("dict[str, Any]", about).get("title") if isinstance(about, dict) else None
    return " ".join(title.split())[:200] if isinstance(title, str) else ""


def _count(number: int, what: str) -> str:
    return "" if not number else f"1 {what}" if number == 1 else f"{number} {what}s"


__all__ = ["MAX_BYTES", "Imported", "fill", "read_messages"]
