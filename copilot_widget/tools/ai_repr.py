"""What an object says of itself to a model: `_ai_repr_`. It is the object's code: it gets a time limit."""

from __future__ import annotations

import asyncio
import inspect
import re
from html import unescape
from typing import Any

from ..models.base import Json
from ..timing import timeout
from .kinds import DICT, has, is_a

_MIME = re.compile(r"[\w.+-]+/[\w.+-]+")
_HTML_LIMIT = 200_000  # characters of a document that are read


def ai_repr(value: Any) -> Json | None:
    """What `_ai_repr_()` of an object gives, as text or a MIME bundle, maybe asynchronously; None where its class has
    none, or it fails."""
    if not has(value, "_ai_repr_"):  # on the class: some objects answer to every attribute
        return None
    try:
        described = value._ai_repr_()
        if inspect.iscoroutine(described):
            described = _await_here(described)
    except Exception:
        return None
    if is_bundle(described):
        for mime in ("text/markdown", "text/plain", "application/json", "text/html"):
            if mime in described:
                return without_tags(described[mime]) if mime == "text/html" else described[mime]
        return None
    return described


def _await_here(coroutine: Any) -> Any:
    """The result of a coroutine, in a thread that has no running loop; elsewhere it is given up."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_within(5, coroutine))
    coroutine.close()
    return None


async def _within(seconds: float, coroutine: Any) -> Any:
    async with timeout(seconds):
        return await coroutine


def is_bundle(value: Any) -> bool:
    """Whether a dict's keys are all MIME types."""
    if not is_a(value, dict) or not DICT.__len__(value):
        return False
    return all(type(key) is str and _MIME.fullmatch(key) is not None for key in DICT.__iter__(value))


def without_tags(html: Any) -> str:
    """The words of an HTML document."""
    text = re.sub(r"(?is)<(script|style)\b.*?(?:</\1>|\Z)", " ", str(html)[:_HTML_LIMIT])
    end = text.rfind(">") + 1  # what opens after it is no tag, and would be looked at to the end from each "<"
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text[:end]) + text[end:]).split())


__all__ = ["ai_repr", "is_bundle", "without_tags"]
