"""Estimated token counts, for models that report none and for requests that ended before they could."""

from __future__ import annotations

import json
from collections.abc import Iterable

from .base import AssistantMessage, Call, Image, ModelMessage, ModelRequest, ModelUsage, Text, ToolMessage, ToolSchema

CHARACTERS_PER_TOKEN = 4
IMAGE_TOKENS = 765
"""What a screen-sized picture costs at most providers; small ones cost less."""


def estimate_tokens(text: str) -> int:
    """About how many tokens `text` has: a quarter of its UTF-8 bytes, at least one unless it is empty."""
    return -(-len(text.encode("utf-8", "replace")) // CHARACTERS_PER_TOKEN)


def estimate_prompt(request: ModelRequest) -> int:
    """About how many tokens a request has: instructions, tools, history."""
    return (
        estimate_tokens(request.instructions)
        + sum(_tool_tokens(tool) for tool in request.tools)
        + sum(_message_tokens(message) for message in request.messages)
    )


def estimate_usage(request: ModelRequest, answer: str, *, cost: float | None = None) -> ModelUsage:
    """The estimated usage of a request and what was answered so far."""
    return ModelUsage(
        prompt_tokens=estimate_prompt(request),
        completion_tokens=estimate_tokens(answer),
        cost=cost,
        estimated=True,
    )


def _tool_tokens(tool: ToolSchema) -> int:
    return estimate_tokens(tool.name + tool.description + json.dumps(tool.input_schema, default=str))


def _message_tokens(message: ModelMessage) -> int:
    if isinstance(message, ToolMessage):
        return estimate_tokens(message.output) + IMAGE_TOKENS * len(message.images) + 4
    if isinstance(message, AssistantMessage):
        pieces = (
            json.dumps(part.input, default=str) if isinstance(part, Call) else part.text for part in message.content
        )
        return estimate_tokens("".join(pieces)) + 4
    return _content_tokens(message.content) + 4


def _content_tokens(content: Iterable[Text | Image]) -> int:
    return sum(IMAGE_TOKENS if isinstance(part, Image) else estimate_tokens(part.text) for part in content)


__all__ = ["estimate_prompt", "estimate_tokens", "estimate_usage"]
