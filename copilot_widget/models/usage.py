"""Estimated token counts, for models that report none and for requests that ended before they could."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import cast

from .base import (
    AssistantMessage,
    Call,
    Image,
    Json,
    ModelMessage,
    ModelRequest,
    ModelUsage,
    Text,
    ToolMessage,
    ToolSchema,
)

IMAGE_TOKENS = 765
"""What a screen-sized picture costs at most providers; small ones cost less."""
_MESSAGE_TOKENS = 4
"""What surrounds each message."""
_TOOL_TOKENS = 8

_PIECES = re.compile(
    r"[ ]?(?:[A-Z]?[a-z]{1,10}|[A-Z]{1,4})"  # a word, a part of a camelCase name
    r"|[0-9]{1,3}"
    r"|[ \t\r]+(?=[ ])|[ ]?[^\sA-Za-z0-9\x80-\U0010ffff]{1,3}\n*|\n+|[ \t\r]+"
    r"|[ ]?[\u0370-\u04ff]{1,3}|[\u0530-\u07ff]{1,2}|[\u0900-\u0dff]{1,2}|[ ]?[\u00c0-\u024f]"
    r"|[^\x00-\x7f]"  # Chinese, Japanese, Korean, emoji: about one each
)
_WHOLE = 200_000  # characters; of longer texts three parts are counted
_PART = 30_000
_TAIL = 200


def estimate_tokens(text: str) -> int:
    """About how many tokens `text` has, by pieces as tokenizers cut them; 0.1 µs a character, no library.

    Against OpenAI's cl100k within 20 % for English, German, code, tables, JSON, digits, Russian, Chinese, Japanese and
    Korean; up to a third too few for other scripts, emoji and base64. Newer tokenizers need less beside English.
    """
    if len(text) <= _WHOLE:
        return len(_PIECES.findall(text))
    middle = len(text) // 2
    parts = (text[:_PART], text[middle : middle + _PART], text[-_PART:])
    return sum(len(_PIECES.findall(part)) for part in parts) * len(text) // (3 * _PART)


class TokenCounter:
    """`estimate_tokens` of a text that comes in pieces: each character is counted once, or twice at the end so far."""

    def __init__(self) -> None:
        self._counted = 0
        self._tail = ""

    def add(self, text: str) -> None:
        self._tail += text
        if len(self._tail) > _TAIL:
            self._counted += estimate_tokens(self._tail)
            self._tail = ""

    @property
    def tokens(self) -> int:
        return self._counted + estimate_tokens(self._tail)


def cut_to_tokens(text: str, tokens: int, cut: Callable[[str, int], str]) -> str:
    """`text`, or what `cut(text, characters)` leaves of it, of about `tokens` at most."""
    counted, result = estimate_tokens(text), text
    characters = len(text)
    for _ in range(4):
        if counted <= tokens:
            break
        characters = min(characters * tokens // counted, characters - 1)
        result = cut(text, characters)
        counted = estimate_tokens(result)
    return result


def estimate_prompt(request: ModelRequest) -> int:
    """About how many tokens a request has: instructions, tools, history."""
    return (
        estimate_tokens(request.instructions)
        + sum(tool_tokens(tool) for tool in request.tools)
        + sum(message_tokens(message) for message in request.messages)
    )


def estimate_usage(request: ModelRequest, answer: str, *, cost: float | None = None) -> ModelUsage:
    """The estimated usage of a request and what was answered so far."""
    return ModelUsage(
        prompt_tokens=estimate_prompt(request),
        completion_tokens=estimate_tokens(answer),
        cost=cost,
        estimated=True,
    )


def tool_tokens(tool: ToolSchema) -> int:
    """About what a tool's schema costs, in each request: models read it as a function with commented parameters."""
    return estimate_tokens(f"{tool.name} {tool.description}\n{_signature(tool.input_schema)}") + _TOOL_TOKENS


def _signature(schema: Json) -> str:
    """The words of a JSON Schema: names, types, values, descriptions; its braces and quotes cost next to nothing."""
    if isinstance(schema, list):
        return " | ".join(map(_signature, cast("list[Json]", schema)))
    if not isinstance(schema, dict):
        return str(schema)
    lines: list[str] = []
    for key, value in cast("dict[str, Json]", schema).items():
        if key in ("properties", "$defs") and isinstance(value, dict):
            fields = cast("dict[str, Json]", value)
            lines += [f"{name}: {_signature(inner)}," for name, inner in fields.items()]
        elif key in ("description", "type", "enum", "const", "anyOf", "oneOf", "allOf", "items", "$ref"):
            lines.append(_signature(value))
    return " ".join(lines)


def message_tokens(message: ModelMessage) -> int:
    """About what a message of the history costs, in each request."""
    if isinstance(message, ToolMessage):
        return estimate_tokens(message.output) + IMAGE_TOKENS * len(message.images) + _MESSAGE_TOKENS
    if isinstance(message, AssistantMessage):
        pieces = (
            part.tool + json.dumps(part.input, default=str, ensure_ascii=False) if isinstance(part, Call) else part.text
            for part in message.content
        )
        return estimate_tokens("".join(pieces)) + _MESSAGE_TOKENS
    return sum(map(part_tokens, message.content)) + _MESSAGE_TOKENS


def part_tokens(part: Text | Image) -> int:
    """About what a part of a user's message costs."""
    return IMAGE_TOKENS if isinstance(part, Image) else estimate_tokens(part.text)


__all__ = [
    "IMAGE_TOKENS",
    "TokenCounter",
    "cut_to_tokens",
    "estimate_prompt",
    "estimate_tokens",
    "estimate_usage",
    "message_tokens",
    "part_tokens",
    "tool_tokens",
]
