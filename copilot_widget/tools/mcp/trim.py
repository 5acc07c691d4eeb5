"""Answers of many parts, made small before they are looked at.

The SDK checks each answer on the agent's loop, which takes seconds for millions of small values. A model reads
OUTPUT_LIMIT characters of them, so the rest is left out first; what is left says so.
"""

from __future__ import annotations

from typing import Any, cast

from ..jsonable import OUTPUT_LIMIT, to_json
from ..kinds import is_a

_BLOCKS = 1_000


def trim(result: dict[str, Any]) -> None:
    """Make the result of a call small where it has more parts than a model reads characters."""
    structured = result.get("structuredContent")
    if _has_more_than(structured, OUTPUT_LIMIT):
        result["structuredContent"] = to_json(structured, OUTPUT_LIMIT * 9 // 10)  # so that it is not cut twice
    content: Any = result.get("content")
    if is_a(content, list) and len(content) > _BLOCKS:
        more = f"… {len(content) - _BLOCKS:,} more of {len(content):,} pieces"
        result["content"] = [*content[:_BLOCKS], {"type": "text", "text": more}]


def _has_more_than(value: Any, limit: int) -> bool:
    """Whether there are more than `limit` values in it; looks at about that many."""
    rest, count = [value], 0
    while rest:
        held = rest.pop()
        if isinstance(held, dict):
            held = list(cast("dict[str, Any]", held).values())
        if isinstance(held, list):
            items = cast("list[Any]", held)
            count += len(items)
            if count > limit:
                return True
            rest += items
    return False


class TrimmedStream:
    """A stream of messages from a server, whose answers are trimmed on the way."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def receive(self) -> Any:
        return self._trimmed(await self._inner.receive())

    async def aclose(self) -> None:
        await self._inner.aclose()

    def __aiter__(self) -> TrimmedStream:
        return self

    async def __anext__(self) -> Any:
        return self._trimmed(await self._inner.__anext__())

    async def __aenter__(self) -> TrimmedStream:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._inner.__aexit__(*error)

    def _trimmed(self, item: Any) -> Any:
        result: Any = getattr(getattr(item, "message", None), "result", None)
        if is_a(result, dict):
            trim(result)
        return item


__all__ = ["TrimmedStream", "trim"]
