"""What goes to the page: events of one run in one message, neighbouring deltas of one part merged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..runs.base import Event

Envelope = dict[str, Any]
"""{run, from, to, chunks, at?}: the chunks are worth the events `from` to `to`, both included."""

_DELTAS = {
    "text-delta": ("id", "delta"),
    "reasoning-delta": ("id", "delta"),
    "tool-input-delta": ("toolCallId", "inputTextDelta"),
}


def envelope(events: Sequence[Event], *, times: bool = False) -> Envelope:
    """One envelope of events that follow each other in one run. `events` must not be empty.

    `times` adds `at`, epoch seconds of each chunk: a view that replays knows when what happened; live ones do anyway.
    """
    merged = _merged([event["chunk"] for event in events])
    result: Envelope = {
        "run": events[0]["run"],
        "from": events[0]["seq"],
        "to": events[-1]["seq"],
        "chunks": [chunk for _, chunk in merged],
    }
    if times and events[-1]["ts"]:  # of a turn that was kept, nobody knows when what happened
        result["at"] = [round(events[first]["ts"], 3) for first, _ in merged]
    return result


def merge(chunks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same stream in fewer chunks. The chunks given are not changed: a log keeps them."""
    return [chunk for _, chunk in _merged(chunks)]


def _merged(chunks: Sequence[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """Each chunk with the index of the first that is in it."""
    result: list[tuple[int, dict[str, Any]]] = []
    pieces: list[str] = []

    def flush() -> None:
        if len(pieces) > 1:
            first, last = result[-1]
            result[-1] = (first, {**last, _DELTAS[last["type"]][1]: "".join(pieces)})
        pieces.clear()

    for index, chunk in enumerate(chunks):
        fields = _DELTAS.get(chunk["type"])
        if pieces and fields is not None and _same_part(result[-1][1], chunk, fields[0]):
            pieces.append(chunk[fields[1]])
            continue
        flush()
        result.append((index, chunk))
        if fields is not None and len(chunk) == 3:  # no provider metadata: nothing is lost by merging
            pieces.append(chunk[fields[1]])
    flush()
    return result


def _same_part(one: dict[str, Any], other: dict[str, Any], id_field: str) -> bool:
    return one["type"] == other["type"] and one[id_field] == other[id_field] and len(other) == 3
