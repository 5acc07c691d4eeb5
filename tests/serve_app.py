"""The Copilot that the tests of `copilot-widget serve` and of its workers serve: it does what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from copilot_widget import Copilot, tool
from copilot_widget.models.base import ModelRequest, Text, ToolMessage, UserMessage


@tool(approval=True)
def send(to: str) -> str:
    """Send a mail."""
    return f"sent to {to}"


async def obey(request: ModelRequest) -> AsyncIterator[Any]:
    """`count N` counts, 50 a second; `send X` calls the tool; `hang` is silent; `recall` tells what it was asked."""
    asked = [_text(message) for message in request.messages if isinstance(message, UserMessage)]
    word, _, rest = asked[-1].partition(" ")
    if isinstance(request.messages[-1], ToolMessage):
        yield f"The tool said: {request.messages[-1].output}"
    elif word == "count":
        for number in range(int(rest)):
            yield f"{number} "
            await asyncio.sleep(0.02)
    elif word == "send":
        yield {"type": "tool-call", "toolCallId": "c1", "toolName": "send", "input": f'{{"to": "{rest}"}}'}
    elif word == "hang":
        await asyncio.sleep(3600)
    else:
        yield " | ".join(asked)


def _text(message: UserMessage) -> str:
    return "".join(piece.text for piece in message.content if isinstance(piece, Text))


copilot = Copilot(obey, tools=[send])
