"""The Copilot that the tests of `copilot-widget serve` and of its workers serve: it does what it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from copilot_widget import Copilot, tool
from copilot_widget.models.base import ModelRequest, Text, ToolMessage, UserMessage


@tool(approval=True)
def send(to: str) -> str:
    """Send a mail."""
    return f"sent to {to}"


@tool(client=True)
def locate(city: bool = False) -> str:
    """Where the user is, as their browser says."""
    raise AssertionError("it runs in the client")


@tool(client=True, approval=True, name="open")
def open_page(to: str) -> str:
    """Open a page in the user's browser."""
    raise AssertionError("it runs in the client")


@tool(read_only=True)
def look() -> None:
    """Look at nothing."""


async def obey(request: ModelRequest) -> AsyncIterator[Any]:
    """`count N` counts, 50 a second; `send X Y` calls the tool for each; `where` asks the client, `all X` does all of
    that at once; `hang` is silent, `fail` fails; `recall` tells what it was asked, `show` what came with it."""
    asked = [_text(message) for message in request.messages if isinstance(message, UserMessage)]
    word, _, rest = asked[-1].partition(" ")
    results = _results(request)
    if results:
        yield f"The tool said: {' & '.join(results)}"
        async for number in _count(60 if rest.endswith("slowly") else 0):
            yield f" {number}"
    elif word == "count":
        async for number in _count(int(rest)):
            yield f"{number} "
    elif word in ("send", "open", "where", "all"):
        for call in _calls(word, rest.split()):
            yield call
    elif word == "show":
        yield " | ".join(_shown(piece) for piece in _last_user(request).content)
    elif word == "fail":
        raise RuntimeError("the connection to https://user:sk-aaaaaaaaaaaaaaaaaaaaaaaa@host failed")
    elif word == "hang":
        await asyncio.sleep(3600)
    else:
        yield " | ".join(asked)


async def _count(end: int) -> AsyncIterator[int]:
    for number in range(end):
        yield number
        await asyncio.sleep(0.02)


def _calls(word: str, names: list[str]) -> list[dict[str, Any]]:
    calls: list[tuple[str, str, dict[str, Any]]] = []
    if word in ("where", "all"):
        calls.append(("here", "locate", {"city": True}))
    if word == "all":
        calls.append(("there", "look", {}))
    other = "open" if word == "open" else "send"
    calls += [(f"c{number}", other, {"to": name}) for number, name in enumerate(names, 1) if name != "slowly"]
    return [
        {"type": "tool-call", "toolCallId": call, "toolName": tool, "input": json.dumps(arguments)}
        for call, tool, arguments in calls
    ]


def _results(request: ModelRequest) -> list[str]:
    """What the tools said since the last question or answer."""
    found: list[str] = []
    for message in reversed(request.messages):
        if not isinstance(message, ToolMessage):
            break
        found.insert(0, message.output)
    return found


def _last_user(request: ModelRequest) -> UserMessage:
    return next(message for message in reversed(request.messages) if isinstance(message, UserMessage))


def _shown(piece: Any) -> str:
    return piece.text if isinstance(piece, Text) else f"{piece.media_type} of {len(piece.data)}"


def _text(message: UserMessage) -> str:
    """What was typed, without what is attached before it."""
    return [piece.text for piece in message.content if isinstance(piece, Text)][-1]


copilot = Copilot(obey, tools=[send, locate, look, open_page])
