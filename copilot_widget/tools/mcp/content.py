"""What an MCP server answered, as what the model reads and what the card shows.

A server's content is foreign: it is shown as text or as a picture, never as HTML. The model reads texts and structured
content; a picture, a sound or a file is a few words to it, never base64.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from ...errors import ToolError, redact
from ...models.base import Json
from ..base import MimeBundle, ToolResult
from ..jsonable import OUTPUT_LIMIT, cut, cut_line
from ..kinds import is_a
from ..sizes import sized

if TYPE_CHECKING:
    from mcp.types import CallToolResult

_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""Pictures that every card and every record shows; others are named. An SVG is a document, which may hold more."""


def to_result(answer: CallToolResult, secrets: Sequence[str]) -> ToolResult:
    """The result of a call, not cut yet: it may be large. Raises ToolError where the server calls it an error."""
    blocks = [_Block(block) for block in answer.content]
    read = "\n".join(block.words for block in blocks if block.for_model)
    if answer.is_error:
        raise ToolError(cut(_clean(read, secrets), OUTPUT_LIMIT) or "The tool failed, and did not say why.")
    shown = [_clean_bundle(block.bundle, secrets) for block in blocks]
    if answer.structured_content is not None:
        output: Json = _clean(answer.structured_content, secrets)
        rich = any(block.is_rich for block in blocks)
        return ToolResult(output, shown if rich else None)
    output = _clean(read, secrets)
    if not output:
        output = "Done; the result is shown to the user." if shown else "Done, without output."
    plain = all(block.for_model and not block.is_rich for block in blocks)
    return ToolResult(output, None if plain else shown)


class _Block:
    """One block of an answer: `words` for the model, `bundle` for the card."""

    def __init__(self, block: Any) -> None:
        audience = getattr(getattr(block, "annotations", None), "audience", None)
        self.for_model = not audience or "assistant" in audience
        """False for what the server meant for the user alone."""
        self.is_rich = False
        kind = str(block.type)
        if kind == "text":
            self._set(block.text)
        elif kind in ("image", "audio"):
            self._set_data(kind, block.data, block.mime_type)
        elif kind == "resource_link":
            about = [block.title or block.name, block.mime_type, block.description]
            self._set(f"[resource {block.uri}: {', '.join(cut_line(one, 300) for one in about if one)}]")
        elif getattr(block.resource, "text", None) is not None:
            self._set(f"[resource {block.resource.uri}]\n{block.resource.text}")
        else:
            self._set_data(f"resource {block.resource.uri}", block.resource.blob, block.resource.mime_type)

    def _set(self, words: str) -> None:
        self.words = words
        self.bundle: MimeBundle = {"text/plain": words}

    def _set_data(self, what: str, data: str, mime: str | None) -> None:
        self._set(f"[{what}, {mime or 'of unknown type'}, {sized(len(data) * 3 // 4)}]")
        self.is_rich = True
        if mime in _PICTURES and _is_base64(data):
            self.bundle = {mime: data, "text/plain": self.words}


def _is_base64(data: str) -> bool:
    try:
        return bool(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        return False


def _clean(value: Json, secrets: Sequence[str]) -> Json:
    """Without the keys that the server was given: some tell their environment to whoever asks."""
    if not secrets:
        return value
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "…") if len(secret) >= 4 else value
        return value
    if is_a(value, list):
        return [_clean(item, secrets) for item in cast("list[Json]", value)]
    if is_a(value, dict):
        items = cast("dict[str, Json]", value).items()
        return {cast("str", _clean(key, secrets)): _clean(item, secrets) for key, item in items}
    return value


def _clean_bundle(bundle: MimeBundle, secrets: Sequence[str]) -> MimeBundle:
    return {mime: _clean(data, secrets) if mime == "text/plain" else data for mime, data in bundle.items()}


def clean_text(text: str, secrets: Sequence[str]) -> str:
    """A text of the server without keys, on its way to a row."""
    return redact(text, *secrets)


__all__ = ["clean_text", "to_result"]
