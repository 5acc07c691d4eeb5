"""What the stock AI SDK client sends to `POST /api/chat`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ..errors import CopilotError, UsageError, one_line
from ..protocol.jsontext import loads
from ..protocol.messages import UIMessage

_MAX_ID = 200
_FILES = ("script:", "replay:")


@dataclass(frozen=True)
class ChatRequest:
    """A message in a conversation. `thread` is the client's chat id; `model` overrides the default."""

    thread: str
    message: UIMessage
    model: str = ""

    @property
    def key(self) -> str:
        """The same message sent twice is one run; the same words in another message are another one."""
        return json.dumps(["chat", self.thread, self.message.id])

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> ChatRequest:
        """Raises UsageError for a body that is no chat request."""
        thread, messages, model = body.get("id"), body.get("messages"), body.get("model") or ""
        trigger = body.get("trigger", "submit-message")
        if not isinstance(thread, str) or not 0 < len(thread) <= _MAX_ID:
            raise UsageError(f"The body has no id of a conversation, of 1 to {_MAX_ID} characters.")
        if trigger != "submit-message":
            raise UsageError(f"{trigger!r} is not served.", hint="submit-message is.")
        if body.get("messageId") is not None:
            raise UsageError("A message that was sent cannot be changed.", hint="Send another one.")
        if not isinstance(messages, list) or not messages:
            raise UsageError("The body has no messages.")
        if not isinstance(model, str) or model.strip().startswith(_FILES):  # the server's files are not the client's
            raise UsageError("The model must be a name, as provider/model.")
        return cls(thread, _user_message(cast("list[Any]", messages)[-1]), model.strip())


def parse_body(text: bytes) -> dict[str, Any]:
    """A JSON object. Halves of surrogate pairs, which JavaScript lets through, are joined or replaced, since no log
    and no provider takes them. Raises UsageError."""
    try:
        value = loads(text)
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            halves = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
            value = loads(halves.decode("utf-16", "replace"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The body is not JSON: {one_line(error)}.") from None
    if not isinstance(value, dict):
        raise UsageError("The body must be a JSON object.")
    return cast("dict[str, Any]", value)


def _user_message(wire: Any) -> UIMessage:
    try:
        message = UIMessage.from_wire(wire)
    except CopilotError as error:
        raise UsageError(f"The last message is not a UIMessage: {error}") from None
    if message.role != "user":
        raise UsageError(f"The last message is of the role {message.role!r}.", hint="A run answers a user's message.")
    if not message.parts:
        raise UsageError("The message is empty.")
    if not 0 < len(message.id) <= _MAX_ID:
        raise UsageError(f"The message has no id, of 1 to {_MAX_ID} characters.")
    return message


__all__ = ["ChatRequest", "parse_body"]
