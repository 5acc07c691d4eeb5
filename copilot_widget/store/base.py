"""The seam: messages by owner and thread, wherever they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..errors import StoreError
from ..protocol.jsontext import dumps, loads
from ..protocol.messages import UIMessage, metadata_of

MAX_MESSAGE_BYTES = 64_000_000
"""Of a message as JSON: more than a request may have, with the answer's pictures and tables."""


_SAID_LIMIT = 20_000
"""Characters of a message that a search looks through."""


@dataclass(frozen=True)
class Summary:
    """What a list of conversations shows. Times are epoch seconds; `cost` is in US dollars, None: not known."""

    thread: str
    place: str
    """Where it belongs: a notebook's path, or a folder."""
    title: str
    created: float
    updated: float
    turns: int
    """The user's messages."""
    model: str
    """Of the latest answer; "" where none has come."""
    cost: float | None


class Store(Protocol):
    """Messages by owner and thread, in order. All methods may be awaited on the agent's loop only.

    Raises StoreError: unavailable (the database or the service cannot be reached, or does not answer), credentials
    (it refuses this user or token), version (it is of another version), too-large; store for all else.
    """

    async def messages(self, owner: str, thread: str) -> list[UIMessage]:
        """The oldest first; empty for a thread that nobody has written in."""
        ...

    async def last(self, owner: str, thread: str) -> str | None:
        """The id of the message at its end; None for a thread that has none."""
        ...

    async def put(self, owner: str, thread: str, *messages: UIMessage) -> None:
        """Keep messages: each at the end, or in the place of the one with its id."""
        ...

    async def truncate(self, owner: str, thread: str, message_id: str) -> None:
        """Forget what follows a message; nothing where that is not kept."""
        ...

    async def clear(self, owner: str, thread: str) -> None:
        """Forget the conversation: its messages and its label."""
        ...

    async def label(self, owner: str, thread: str, *, place: str | None = None, title: str | None = None) -> None:
        """Say where a conversation belongs, and what it is called; None leaves what was said before."""
        ...

    async def conversations(self, owner: str, *, place: str | None = None, words: Sequence[str] = ()) -> list[Summary]:
        """Those of the owner that have a place and a message of the user, the latest first: of `place`, or of all.

        With `words`, those that have each of them in their title or texts, whatever its case.
        """
        ...

    async def check(self) -> None:
        """See that it can be used now; a new database is made ready. The other methods do so at their first call."""
        ...

    async def close(self) -> None: ...


def encode(message: UIMessage) -> str:
    """The message's wire as JSON without NUL, in characters that UTF-8 has. Raises StoreError too-large."""
    text = dumps(message.to_wire())
    size = len(text.encode())
    if size > MAX_MESSAGE_BYTES:
        raise StoreError(
            f"A message has {size / 1e6:.0f} MB; conversations keep messages of up to {MAX_MESSAGE_BYTES / 1e6:g} MB.",
            hint="Attach less, or let tools return less.",
            code="too-large",
        )
    return text


def decode(text: str) -> UIMessage:
    """What `encode` made. Raises ProtocolError where it is no message."""
    return UIMessage.from_wire(loads(text))


def said(message: UIMessage) -> str:
    """What a search looks through: the message's text, without regard to case."""
    return message.text[:_SAID_LIMIT].casefold()


def model_of(message: UIMessage) -> str | None:
    """The model that wrote it, where the message says so."""
    model = metadata_of(message).get("model")
    return model if isinstance(model, str) else None


def cost_of(message: UIMessage) -> float | None:
    """What it has cost in US dollars, where the message says so."""
    cost = metadata_of(message).get("cost")
    return float(cost) if isinstance(cost, (int, float)) and not isinstance(cost, bool) else None


__all__ = ["MAX_MESSAGE_BYTES", "Store", "Summary", "cost_of", "decode", "encode", "model_of", "said"]
