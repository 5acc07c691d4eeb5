"""The Copilot that measured workers serve: a model whose every token says when it was made, and a tool that hangs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

from copilot_widget import Copilot, tool
from copilot_widget.models.base import (
    Finish,
    ModelEvent,
    ModelInfo,
    ModelRequest,
    ModelUsage,
    Text,
    TextDelta,
    ToolCall,
    UserMessage,
)
from copilot_widget.models.pace import Pace


class Clock:
    """Answers "N RATE" with N tokens, RATE a second (0: as fast as it can), each the epoch second it was made at; and
    "hang" with a call of the tool that hangs."""

    info = ModelInfo(name="clock")

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        question = next(message for message in reversed(request.messages) if isinstance(message, UserMessage))
        words = "".join(part.text for part in question.content if isinstance(part, Text)).split()
        if words == ["hang"]:
            yield ToolCall("call-1", "hang", "{}")
            yield Finish("tool-calls")
            return
        tokens, rate = int(words[0]), float(words[1])
        pace = Pace()
        for _ in range(tokens):
            await pace.tick(rate)
            yield TextDelta(f"{time.time():.6f} ")
        yield ModelUsage(prompt_tokens=1, completion_tokens=tokens)
        yield Finish("stop")


@tool
async def hang() -> str:
    """Say nothing for an hour."""
    await asyncio.sleep(3600)
    return "never"


copilot = Copilot(Clock(), tools=[hang])
