"""The Copilot behind the chat page of docs/clients.md: that of tests/serve_app.py, and what the page shows besides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from copilot_widget import Copilot, tool
from copilot_widget.errors import ModelError
from copilot_widget.models.base import ModelRequest, UserMessage

from ..serve_app import obey, send


@tool(client=True)
def time_zone() -> str:
    """The user's time zone."""
    raise NotImplementedError


@tool
async def nap() -> None:
    """Sleep."""
    await asyncio.sleep(3600)


_CALLS = {"where": "time_zone", "nap": "nap"}


async def answer(request: ModelRequest) -> AsyncIterator[Any]:
    """`where` calls the tool in the page, `nap` one that takes long, `fail` fails; else as in tests/serve_app.py."""
    last = request.messages[-1]
    said = "".join(str(getattr(piece, "text", "")) for piece in last.content) if isinstance(last, UserMessage) else ""
    if said in _CALLS:
        yield {"type": "tool-call", "toolCallId": "c2", "toolName": _CALLS[said], "input": "{}"}
    elif said == "fail":
        raise ModelError("The key was refused.", hint="Set another one.", code="auth")
    else:
        async for event in obey(request):
            yield event


copilot = Copilot(answer, tools=[send, time_zone, nap])
