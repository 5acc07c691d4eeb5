"""A ModelRequest as the messages and tools that litellm takes (OpenAI's shapes, with its extensions)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, cast

from .base import (
    AssistantMessage,
    Call,
    Image,
    Json,
    ModelMessage,
    ModelRequest,
    Text,
    Thought,
    ToolMessage,
    ToolSchema,
    UserMessage,
)

Wire = dict[str, Any]

NO_IMAGES = "[an image was left out: this model cannot read images]"
_KEEPS_REASONING = frozenset(
    {"deepseek", "moonshot", "zai"}
)  # they want it back within a turn; others refuse the field
_GOOGLE = frozenset({"gemini", "vertex_ai"})
_GOOD_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")


def to_messages(request: ModelRequest, model: str, *, images: bool = True) -> list[Wire]:
    """The request's messages for `model` ("provider/model"). Without `images` a note stands in their place."""
    writer = _Writer(model, images)
    messages: list[Wire] = []
    if request.instructions:
        messages.append({"role": "system", "content": request.instructions})
    pending: list[tuple[str, Image]] = []
    for message in request.messages:
        if not isinstance(message, ToolMessage) and pending:
            messages.append(writer.tool_images(pending))
            pending = []
        messages.extend(writer.write(message))
        if isinstance(message, ToolMessage):
            pending += [(message.tool, image) for image in message.images]
    if pending:
        messages.append(writer.tool_images(pending))
    if is_claude(model):
        _mark_for_cache(messages)
    return messages


def to_tools(tools: Sequence[ToolSchema]) -> list[Wire]:
    """The tools as OpenAI's functions."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.input_schema},
        }
        for tool in tools
    ]


def has_images(request: ModelRequest) -> bool:
    """True where a message holds an image."""
    for message in request.messages:
        if isinstance(message, ToolMessage) and message.images:
            return True
        if isinstance(message, UserMessage) and any(isinstance(part, Image) for part in message.content):
            return True
    return False


def is_claude(model: str) -> bool:
    """True for Anthropic's models, wherever they are hosted: those whose cache must be asked for."""
    return "claude" in model and not model.startswith(("openai/", "litellm_proxy/"))


class _Writer:
    def __init__(self, model: str, images: bool) -> None:
        self._provider = model.partition("/")[0]
        self._claude = is_claude(model)
        self._images = images

    def write(self, message: ModelMessage) -> list[Wire]:
        if isinstance(message, UserMessage):
            return [{"role": "user", "content": self._user_content(message.content)}]
        if isinstance(message, ToolMessage):
            text = message.output or "(no output)"
            if message.is_error and not text.lower().startswith(("error", "the user denied")):
                text = f"Error: {text}"
            return [{"role": "tool", "tool_call_id": self._id(message.call_id), "content": text}]
        wire = self._assistant(message)
        return [wire] if wire else []

    def tool_images(self, pending: Sequence[tuple[str, Image]]) -> Wire:
        """A user message with the images of the tool results before it: tool messages may hold only text."""
        if not self._images:
            return {"role": "user", "content": NO_IMAGES}
        content: list[Wire] = []
        for tool, image in pending:
            content += [{"type": "text", "text": f"[image made by the tool {tool}]"}, _image(image)]
        return {"role": "user", "content": content}

    def _user_content(self, parts: Sequence[Text | Image]) -> str | list[Wire]:
        if all(isinstance(part, Text) for part in parts):
            return "\n\n".join(part.text for part in parts if isinstance(part, Text))
        content: list[Wire] = []
        for part in parts:
            if isinstance(part, Text):
                content.append({"type": "text", "text": part.text})
            else:
                content.append(_image(part) if self._images else {"type": "text", "text": NO_IMAGES})
        return content

    def _assistant(self, message: AssistantMessage) -> Wire | None:
        text = "".join(part.text for part in message.content if isinstance(part, Text))
        calls = [self._call(part) for part in message.content if isinstance(part, Call)]
        if not text and not calls:
            return None
        wire: Wire = {"role": "assistant", "content": text or None}
        if calls:
            wire["tool_calls"] = calls
        thoughts = [part for part in message.content if isinstance(part, Thought)]
        blocks = [block for block in map(_thinking_block, thoughts) if block] if self._claude else []
        if blocks:
            wire["thinking_blocks"] = blocks
        if thoughts and self._provider in _KEEPS_REASONING:
            wire["reasoning_content"] = "".join(thought.text for thought in thoughts)
        return wire

    def _call(self, call: Call) -> Wire:
        wire: Wire = {
            "id": self._id(call.call_id),
            "type": "function",
            "function": {"name": call.tool, "arguments": json.dumps(call.input, ensure_ascii=False)},
        }
        signature = _metadata(call.provider_metadata, "google").get("thoughtSignature")
        if signature and self._provider in _GOOGLE:
            wire["provider_specific_fields"] = {"thought_signature": signature}
        return wire

    def _id(self, call_id: str) -> str:
        """An id that this provider takes: a history may hold another provider's."""
        if self._provider in ("mistral", "codestral"):
            good = re.fullmatch(r"[A-Za-z0-9]{9}", call_id)
            return call_id if good else hashlib.sha1(call_id.encode()).hexdigest()[:9]
        if _GOOD_ID.fullmatch(call_id):
            return call_id
        return "call_" + hashlib.sha1(call_id.encode()).hexdigest()[:24]


def _image(image: Image) -> Wire:
    return {"type": "image_url", "image_url": {"url": f"data:{image.media_type};base64,{image.data}"}}


def _metadata(metadata: dict[str, Json] | None, provider: str) -> dict[str, Json]:
    found = (metadata or {}).get(provider)
    return cast("dict[str, Json]", found) if isinstance(found, dict) else {}


def _thinking_block(thought: Thought) -> Wire | None:
    """Anthropic takes back only what it has signed."""
    signed = _metadata(thought.provider_metadata, "anthropic")
    if signed.get("redactedData"):
        return {"type": "redacted_thinking", "data": signed["redactedData"]}
    if signed.get("signature"):
        return {"type": "thinking", "thinking": thought.text, "signature": signed["signature"]}
    return None


def _mark_for_cache(messages: list[Wire]) -> None:
    """Ask Anthropic to cache up to the instructions and up to the last message: the next step sends the same again."""
    for message in {id(m): m for m in (messages[0], messages[-1])}.values():
        if message["role"] == "tool":
            message["cache_control"] = {"type": "ephemeral"}
        elif message["role"] in ("system", "user"):
            content = message["content"]
            blocks: list[Wire] = [{"type": "text", "text": content}] if isinstance(content, str) else content
            blocks[-1] = {**blocks[-1], "cache_control": {"type": "ephemeral"}}
            message["content"] = blocks


__all__ = ["NO_IMAGES", "has_images", "is_claude", "to_messages", "to_tools"]
