"""What a rule sees of a request, and how it asks for more.

A rule is a plain function of a `Turn` that returns Markdown. Where it needs a tool's output it calls `turn.call(…)`,
which returns the output if the history has it, and otherwise raises `Need`: that ends the request with the call. The
next request runs the same rule from its beginning with one output more. So rules read straight on and keep no state.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ..base import AssistantMessage, Call, Json, ModelRequest, Text, ToolMessage, ToolSchema, UserMessage

NOTEBOOK_TOOLS = ("list_variables", "inspect_variable", "last_error", "run_code")
_REMARKS = re.compile(r"(?:\n[(\[][^\n]*[)\]])+\Z")
"""What a model is told of an output besides: how to see the rest, which pictures it has no longer."""
_CONTEXT = re.compile(r"\A\[([@/][^\]\n]+)\]\n(.*)\Z", re.DOTALL)
_MENTION = re.compile(r"(?<![\w@])@([A-Za-z_]\w*(?:\.\w+)*(?::[^\s,;?!]+)?)")


class Need(Exception):  # noqa: N818 - control flow, not an error
    """These calls have to be made first; `say` is shown before them."""

    def __init__(self, calls: Sequence[tuple[str, dict[str, Json]]], say: str) -> None:
        super().__init__(say)
        self.calls = list(calls)
        self.say = say


class NotOffered(Exception):  # noqa: N818 - control flow, not an error
    """A rule needs a tool that this request does not offer."""

    def __init__(self, tool: str) -> None:
        super().__init__(tool)
        self.tool = tool


@dataclass(frozen=True)
class Exchange:
    """A call and its result, as the history has them."""

    tool: str
    input: Json
    output: str
    is_error: bool

    @property
    def data(self) -> Any:
        """The output as JSON, also with remarks below it, or the text itself where it is none."""
        for text in (self.output, _REMARKS.sub("", self.output)):
            with contextlib.suppress(ValueError):
                return json.loads(text)
        return self.output

    @property
    def fields(self) -> dict[str, Any]:
        """The output's fields, {} where it is no JSON object."""
        data = self.data
        return cast("dict[str, Any]", data) if isinstance(data, dict) else {}

    @property
    def denied(self) -> bool:
        return self.is_error and "denied" in self.output.lower()


class Turn:
    """The user's question, what was mentioned, the tools, and the exchanges since the question and before it."""

    def __init__(self, request: ModelRequest) -> None:
        start = max((i for i, m in enumerate(request.messages) if isinstance(m, UserMessage)), default=-1)
        texts = _texts(request.messages[start]) if start >= 0 else []
        self.question, self.contexts = _split(texts)
        self.mentions = list(dict.fromkeys(_MENTION.findall(self.question)))
        self.command = next((name for name in self.contexts if name.startswith("/")), "")
        """The slash command that asked, whose instructions are not for rules."""
        for name in self.contexts:
            if name[1:] not in self.mentions and name != self.command:
                self.mentions.append(name[1:])
        self.tools: Mapping[str, ToolSchema] = {tool.name: tool for tool in request.tools}
        self.before = _exchanges(request.messages[: max(start, 0)])
        self.talk = _talk(request.messages[: max(start, 0)])
        """(role, text) of what was said before."""
        self.done = _exchanges(request.messages[start + 1 :])
        self._place = 0

    @property
    def text(self) -> str:
        """The question in lower case."""
        return self.question.lower()

    @property
    def variables(self) -> list[str]:
        """The mentioned names that can be variables: not @error, @file:…, @cell:…."""
        return [name for name in self.mentions if ":" not in name and name.lower() != "error"]

    def offers(self, tool: str) -> bool:
        return tool in self.tools

    def call(self, tool: str, input: dict[str, Json], say: str = "") -> Exchange:
        """The result of this call. Raises Need where it has not been made, NotOffered where it cannot be."""
        return self.call_all([(tool, input)], say)[0]

    def call_all(self, calls: Sequence[tuple[str, dict[str, Json]]], say: str = "") -> list[Exchange]:
        """The results of calls that are made at once.

        A rule makes the same calls in the same order each time, so the history answers by place. Inputs are
        not compared: a tool may have completed them.
        """
        for tool, _ in calls:
            if not self.offers(tool):
                raise NotOffered(tool)
        found = self.done[self._place : self._place + len(calls)]
        if [exchange.tool for exchange in found] != [tool for tool, _ in calls]:
            raise Need(calls, say)
        self._place += len(calls)
        return found


def _texts(message: Any) -> list[str]:
    content = message.content if isinstance(message, UserMessage) else ()
    return [part.text for part in content if isinstance(part, Text)]


def _split(texts: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The question, and what its mentions resolved to (blocks that begin with "[@name]")."""
    question: list[str] = []
    contexts: dict[str, str] = {}
    for text in texts:
        match = _CONTEXT.match(text)
        if match:
            contexts[match[1]] = match[2]
        else:
            question.append(text)
    return "\n".join(question).strip(), contexts


def _talk(messages: Sequence[Any]) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []
    for message in messages:
        if isinstance(message, UserMessage):
            said.append(("user", _split(_texts(message))[0]))
        elif isinstance(message, AssistantMessage):
            said.append(("assistant", "\n".join(part.text for part in message.content if isinstance(part, Text))))
    return said


def _exchanges(messages: Sequence[Any]) -> list[Exchange]:
    inputs: dict[str, Json] = {}
    found: list[Exchange] = []
    for message in messages:
        if isinstance(message, AssistantMessage):
            inputs.update({part.call_id: part.input for part in message.content if isinstance(part, Call)})
        elif isinstance(message, ToolMessage):
            found.append(Exchange(message.tool, inputs.get(message.call_id), message.output, message.is_error))
    return found


__all__ = ["NOTEBOOK_TOOLS", "Exchange", "Need", "NotOffered", "Turn"]
