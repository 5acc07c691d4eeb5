"""Streams for tests: those that the official client has judged, and random ones."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from copilot_widget.errors import ProtocolError
from copilot_widget.protocol.chunks import Data
from copilot_widget.protocol.reducer import Reducer
from copilot_widget.protocol.wire import CHUNK_CLASSES, parse_chunk

FIXTURES = Path(__file__).parent / "fixtures"


def fixtures(folder: Path) -> list[dict[str, Any]]:
    """The streams of a folder; a file holds one, or a list of them."""
    read = (json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json")))
    streams = [stream for held in read for stream in (held if isinstance(held, list) else [held])]
    for stream in streams:
        stream.setdefault("violation", stream.get("expect", {}).get("violation"))
    return streams


def all_fixtures() -> list[dict[str, Any]]:
    """Our own, and those of the folder that UI_STREAM_VECTORS names."""
    outside = os.environ.get("UI_STREAM_VECTORS")
    return fixtures(FIXTURES / "streams") + (fixtures(Path(outside)) if outside else [])


def plain(message: dict[str, Any] | None) -> dict[str, Any]:
    """Without trailing step boundaries: the official client does not report those, nor an empty message."""
    parts = list(message["parts"]) if message else []
    while parts and parts[-1]["type"] == "step-start":
        parts.pop()
    return {**(message or {"id": "", "role": "assistant"}), "parts": parts}


def canonical(value: Any) -> str:
    """Text that is the same for equal JSON only: 1 and True differ, 1 and 1.0 do not, as in JavaScript."""
    return json.dumps(json.loads(json.dumps(value), parse_float=_number), sort_keys=True)


def _number(text: str) -> float:
    value = float(text)
    return int(value) if value.is_integer() else value


# ---- random streams -------------------------------------------------------------------------------------

Wire = dict[str, Any]
SIGNED = {"lab": {"signature": "s"}}
VALUES = [None, 0, True, "out", {"a": 1, "b": [True, None]}, [], {"deep": {"er": {"x": "y"}}}]
METADATA = [{"a": 1}, {"a": {"b": 2}}, {"a": {"c": [1]}, "d": None}, {"usage": {"totalTokens": 7}}, {"a": [2]}]
CITED = {"type": "source", "sourceType": "url", "id": "s", "url": "https://example.org/"}
PAPER = {"type": "source", "sourceType": "document", "id": "d", "mediaType": "text/plain", "title": "T"}
POOLS: dict[str, list[Any]] = {
    "id": ["t1", "t2", "t3"],
    "delta": ["a", "Hello ", "", "né ", "\ud83e", "\udde0", '"', "\n\ndata: x", "\u2028", "x" * 200],
    "messageId": ["m", "m", "m", "m2"],
    "messageMetadata": METADATA,
    "finishReason": ["stop", "length", "tool-calls", "interrupted"],
    "providerMetadata": [SIGNED, {"lab": {"other": 1}}, {"q": {}}],
    "citations": [[], [{"source": CITED, "startIndex": 0, "endIndex": 4}], [{"source": PAPER, "citedText": "c"}]],
    "toolCallId": ["c1", "c2", "c3", "__proto__"],
    "toolName": ["run", "look-up"],
    "inputTextDelta": [
        '{"code": "1',
        ' + 1"',
        ', "n": [1, -2.5e',
        "3, tr",
        'ue], "s": "\\u00e',
        '9"}',
        " ",
        "nul",
        "x",
    ],
    "input": VALUES,
    "output": VALUES,
    "toolMetadata": [{"k": 1}, {}],
    "inputEncoding": ["json", "text", "text"],
    "approvalId": ["a1", "a2", "a3"],
    "approvalDescriptor": VALUES,
    "inputSchemaInput": VALUES,
    "parts": [[], [{"type": "text", "text": "shorter"}, {"type": "file", "url": "data:,", "mediaType": "text/plain"}]],
    "data": VALUES,
}
FLAGS = ("dynamic", "providerExecuted", "preliminary", "transient", "isAutomatic", "approved")
RARE = ("start", "finish", "abort", "error", "reset-step")
LIKELY = ("text-delta", "tool-input-delta", "tool-output-available", "tool-input-start", "tool-approval-response")
KINDS = [
    *(name for name in CHUNK_CLASSES for _ in range(1 if name in RARE else 6 if name in LIKELY else 3)),
    *["data-x", "data-display"] * 3,
]
NOISE = [None, 7, "x", True, [], {}, {"lab": 1}]


class _Writer:
    """Any chunk, of few ids, so that they meet; what may not come where it stands is left to the reducer to refuse."""

    def __init__(self, choices: Iterable[int]) -> None:
        self._choices = iter(choices)

    def pick(self, values: Sequence[Any]) -> Any:
        return values[next(self._choices) % len(values)]

    def chunk(self) -> Wire:
        kind = self.pick(KINDS)
        wire: Wire = {"type": kind}
        for _, key, required in CHUNK_CLASSES.get(kind, Data).wire_fields:
            if required or self.pick(range(5)) == 0:
                wire[key] = self._value(kind, key)
        return wire

    def _value(self, kind: str, key: str) -> Any:
        if key in FLAGS:
            return self.pick([True, False])
        if key == "id" and kind.startswith("data-"):
            return self.pick(["d1", "d2"])
        return self.pick(POOLS[key]) if key in POOLS else "text"

    def spoil(self, wire: Wire) -> Wire:
        """The chunk with one field changed, left out or added."""
        key = self.pick([*wire, "dynamic", "transient", "providerMetadata", "more"])
        if self.pick(range(3)) == 0:
            return {name: value for name, value in wire.items() if name != key}
        return {**wire, key: self.pick(NOISE)}


def random_wires(choices: Iterable[int], *, faults: bool = False) -> Iterator[Wire]:
    """The stream that numbers spell: the same for the same numbers.

    It breaks no rule as far as our reducer knows; with `faults` one chunk in twenty may, and a stream ends with that.
    """
    writer, reducer = _Writer(choices), Reducer()
    try:
        while True:
            wire = writer.chunk()
            meant = faults and writer.pick(range(20)) == 0
            if meant and writer.pick(range(2)):
                wire = writer.spoil(wire)
            try:
                reducer.push(wire)
            except ProtocolError:
                if meant:
                    yield wire
                    return
                continue
            yield wire
    except StopIteration:
        return


_choices = st.lists(st.integers(0, 255), max_size=400)
random_streams = _choices.map(lambda choices: [parse_chunk(wire) for wire in random_wires(choices)])
"""Hypothesis's strategy of valid streams, as chunks."""
spoilt_streams = _choices.map(lambda choices: list(random_wires(choices, faults=True)))
"""Of streams, as dicts, of which many end with a chunk that breaks a rule."""
