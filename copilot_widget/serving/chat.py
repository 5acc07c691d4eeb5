"""What the stock AI SDK client sends to `POST /api/chat`: all its messages, and which of them it is about."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from ..errors import CopilotError, UsageError, one_line
from ..protocol.jsontext import loads
from ..protocol.messages import UIMessage

_MAX_ID = 200
_MAX_DEPTH = 200
"""Levels of a body. Logs and stores take some more; where theirs end is nothing that a client could know."""
_FILES = ("script:", "replay:")
_TRIGGERS = ("submit-message", "regenerate-message")


@dataclass(frozen=True)
class ChatRequest:
    """A request in a conversation. `thread` is the client's chat id; `model` overrides the default.

    ask: answer `message`, the user's · anew: the same, in place of all that followed the message · go-on: `message` is
    the assistant's with what its run waits for, replies to approval requests and outputs of client-side tools.
    """

    thread: str
    message: UIMessage
    kind: Literal["ask", "anew", "go-on"] = "ask"
    model: str = ""
    before: list[Any] = field(default_factory=list[Any])
    """The messages before that, as the client knows them, not looked at yet."""

    @property
    def key(self) -> str:
        """The same message sent twice is one run; the same words in another message are another one. Who asks for
        another answer means another one each time."""
        about = ["chat", self.thread, self.message.id]
        return json.dumps(about if self.kind == "ask" else [*about, secrets.token_hex(16)])

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> ChatRequest:
        """Raises UsageError for a body that is no chat request."""
        thread, messages, model = body.get("id"), body.get("messages"), body.get("model") or ""
        trigger, about = body.get("trigger", "submit-message"), body.get("messageId")
        if not isinstance(thread, str) or not 0 < len(thread) <= _MAX_ID:
            raise UsageError(f"The body has no id of a conversation, of 1 to {_MAX_ID} characters.")
        if trigger not in _TRIGGERS:
            raise UsageError(f"{trigger!r} is not served.", hint=f"{' and '.join(_TRIGGERS)} are.")
        if not isinstance(messages, list) or not messages:
            raise UsageError("The body has no messages.")
        if not isinstance(about, str | None):
            raise UsageError("messageId must be the id of a message.")
        if not isinstance(model, str) or model.strip().startswith(_FILES):  # the server's files are not the client's
            raise UsageError("The model must be a name, as provider/model.")
        given = cast("list[Any]", messages)
        place = len(given) - 1
        if trigger == "submit-message" and about is not None:
            place = _place(given, about)
        elif trigger == "regenerate-message" and _role(given[place]) == "assistant" and place > 0:
            place -= 1  # the answer that is to be replaced; the stock client leaves it out
        message = _message(given[place])
        if message.role == "assistant" and trigger == "submit-message":
            return cls(thread, message, "go-on", model.strip(), given[:place])
        _check_question(message)
        kind = "ask" if trigger == "submit-message" and about is None else "anew"
        return cls(thread, message, kind, model.strip(), given[:place])

    def history(self) -> list[UIMessage]:
        """The messages before. Raises UsageError where they are none."""
        return [_message(wire) for wire in self.before]


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
    if _is_deeper(value, _MAX_DEPTH):
        raise UsageError(f"The body is nested more than {_MAX_DEPTH} levels deep.")
    return cast("dict[str, Any]", value)


def _is_deeper(value: Any, levels: int) -> bool:
    level: list[Any] = [value]
    for _ in range(levels):
        inside: Iterator[Any] = (child for each in level for child in _held(each))
        level = [child for child in inside if isinstance(child, (dict, list))]
        if not level:
            return False
    return True


def _held(value: Any) -> Iterable[Any]:
    return cast("dict[str, Any]", value).values() if isinstance(value, dict) else value


def _place(messages: list[Any], message_id: str) -> int:
    for place, wire in enumerate(messages):
        if isinstance(wire, dict) and cast("dict[str, Any]", wire).get("id") == message_id:
            return place
    raise UsageError(f"messageId is {message_id[:_MAX_ID]!r}, and no message has that id.")


def _role(wire: Any) -> Any:
    return cast("dict[str, Any]", wire).get("role") if isinstance(wire, dict) else None


def _message(wire: Any) -> UIMessage:
    try:
        message = UIMessage.from_wire(wire)
    except CopilotError as error:
        raise UsageError(f"A message is not a UIMessage: {error}") from None
    if not 0 < len(message.id) <= _MAX_ID:
        raise UsageError(f"A message has no id, of 1 to {_MAX_ID} characters.")
    return message


def _check_question(message: UIMessage) -> None:
    if message.role != "user":
        raise UsageError(f"The last message is of the role {message.role!r}.", hint="A run answers a user's message.")
    if not message.parts:
        raise UsageError("The message is empty.")


__all__ = ["ChatRequest", "parse_body"]
