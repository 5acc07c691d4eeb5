"""The seam: messages by owner and thread, wherever they are kept."""

from __future__ import annotations

from typing import Protocol

from ..errors import StoreError
from ..protocol.jsontext import dumps, loads
from ..protocol.messages import UIMessage

MAX_MESSAGE_BYTES = 64_000_000
"""Of a message as JSON: more than a request may have, with the answer's pictures and tables."""


class Store(Protocol):
    """Messages by owner and thread, in order. All methods may be awaited on the agent's loop only.

    Raises StoreError: unavailable (the database or the service cannot be reached, or does not answer), credentials
    (it refuses this user or token), version (it is of another version), too-large; store for all else.
    """

    async def messages(self, owner: str, thread: str) -> list[UIMessage]:
        """The oldest first; empty for a thread that nobody has written in."""
        ...

    async def put(self, owner: str, thread: str, message: UIMessage) -> None:
        """Keep a message: at the end, or in the place of the one with its id."""
        ...

    async def truncate(self, owner: str, thread: str, message_id: str) -> None:
        """Forget what follows a message; nothing where that is not kept."""
        ...

    async def clear(self, owner: str, thread: str) -> None: ...

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


__all__ = ["MAX_MESSAGE_BYTES", "Store", "decode", "encode"]
