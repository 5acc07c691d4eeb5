"""What logs outside this process write down, and how it is read again: versioned JSON, never pickle."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..errors import LogError, one_line
from ..state import Reply, RunRequest
from .base import Event, RunId

_REPLY: TypeAdapter[Reply] = TypeAdapter(Reply)


def chunks_text(chunks: Sequence[dict[str, Any]]) -> str:
    """One batch as a JSON array that UTF-8 can hold."""
    text = json.dumps(chunks, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(chunks, separators=(",", ":"))
    return text


def chunks_of(batches: Iterable[bytes]) -> list[dict[str, Any]]:
    """The chunks of many batches, in one go: parsed one by one a thousand of a single chunk take thrice as long."""
    together: list[list[dict[str, Any]]] = json.loads(b"[%b]" % b",".join(batches))
    return [chunk for batch in together for chunk in batch]


def events_of(run: RunId, first: int, attempt: int, ts: float, chunks: str | bytes) -> list[Event]:
    """The events of one batch."""
    return [
        Event(run=run, seq=seq, attempt=attempt, ts=ts, chunk=chunk)
        for seq, chunk in enumerate(json.loads(chunks), first)
    ]


def read_request(run: RunId, text: str | bytes) -> RunRequest:
    """Raises LogError version."""
    try:
        return RunRequest.model_validate_json(text)
    except ValidationError as error:
        raise LogError(
            f"Run {run!r} was asked for by another version: {one_line(error)}.",
            hint="Let workers have the version of those who ask them.",
            code="version",
        ) from None


def read_reply(text: str | bytes) -> Reply:
    return _REPLY.validate_json(text)


__all__ = ["chunks_of", "chunks_text", "events_of", "read_reply", "read_request"]
