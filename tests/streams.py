"""Streams for tests: those that the official client has judged, and random valid ones."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from copilot_widget.protocol.chunks import (
    Chunk,
    Data,
    Finish,
    FinishStep,
    MessageMetadata,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    ResetStep,
    SourceUrl,
    Start,
    StartStep,
    TextDelta,
    TextEnd,
    TextStart,
    ToolApprovalRequest,
    ToolApprovalResponse,
    ToolInputAvailable,
    ToolInputDelta,
    ToolInputError,
    ToolInputStart,
    ToolOutputAvailable,
    ToolOutputDenied,
    ToolOutputError,
)

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


TEXT = ["a", "Hello ", "", "né ", "\ud83e", "\udde0", '"', "\n\ndata: x", "\u2028", "x" * 200]
PIECES = ['{"code": "1', ' + 1"', ', "n": [1, -2.5e', "3, tr", 'ue], "s": "\\u00e', '9"}', " ", "nul", "x"]
VALUES = [None, 0, True, "out", {"a": 1, "b": [True, None]}, [], {"deep": {"er": {"x": "y"}}}]
METADATA = [{"a": 1}, {"a": {"b": 2}}, {"a": {"c": [1]}, "d": None}, {"usage": {"totalTokens": 7}}]


class _Writer:
    """Follows only what makes a chunk valid: which parts are open, which calls and approvals are known."""

    def __init__(self, choices: Iterable[int]) -> None:
        self.choices = iter(choices)
        self.ids = 0
        self.texts: list[str] = []
        self.reasonings: list[str] = []
        self.before: list[str] = []  # calls of earlier steps
        self.calls: list[str] = []  # calls of this step
        self.streaming: list[str] = []
        self.asked: dict[str, str] = {}

    def pick(self, values: Any) -> Any:
        return values[next(self.choices) % len(values)]

    def new_id(self) -> str:
        self.ids += 1
        return f"i{self.ids}"

    def chunk(self) -> Chunk | None:
        actions = [self.text, self.text, self.reasoning, self.tool, self.tool, self.delta, self.delta, self.result]
        return self.pick([*actions, self.result, self.approval, self.step, self.data])()

    def text(self) -> Chunk:
        if not self.texts or self.pick(range(4)) == 0:
            self.texts.append(self.new_id())
            return TextStart(id=self.texts[-1], provider_metadata=self.pick([None, {"p": {"s": 1}}]))
        part = self.pick(self.texts)
        if self.pick(range(4)) == 0:
            self.texts.remove(part)
            return TextEnd(id=part)
        return TextDelta(id=part, delta=self.pick(TEXT))

    def reasoning(self) -> Chunk:
        if not self.reasonings:
            self.reasonings.append(self.new_id())
            return ReasoningStart(id=self.reasonings[-1])
        if self.pick(range(4)) == 0:
            return ReasoningEnd(id=self.reasonings.pop(), provider_metadata=self.pick([None, {"p": {"s": 1}}]))
        return ReasoningDelta(id=self.reasonings[-1], delta=self.pick(TEXT))

    def tool(self) -> Chunk:
        call: str = self.calls[-1] if self.calls and self.pick(range(2)) else self.new_id()
        self.calls += [call] if call not in self.calls else []
        kind, dynamic = self.pick(range(5)), self.pick([None, None, True, False])
        fields: dict[str, Any] = {"tool_call_id": call, "tool_name": self.pick(["run", "look-up"]), "dynamic": dynamic}
        if kind < 3:
            self.streaming.append(call)
            return ToolInputStart(**fields, input_encoding=self.pick([None, None, "json", "text"]))
        if kind == 3:
            return ToolInputAvailable(**fields, input=self.pick(VALUES), title=self.pick([None, "T"]))
        return ToolInputError(**fields, input=self.pick(VALUES), error_text="bad")

    def delta(self) -> Chunk | None:
        if not self.streaming:
            return None
        call = self.streaming[-1]
        self.calls += [call] if call not in self.calls else []
        return ToolInputDelta(tool_call_id=call, input_text_delta=self.pick(PIECES))

    def result(self) -> Chunk | None:
        known = self.before + self.calls
        if not known:
            return None
        call, kind = self.pick(known), self.pick(range(4))
        if kind == 0:
            return ToolOutputError(tool_call_id=call, error_text="failed")
        if kind == 1:
            return ToolOutputDenied(tool_call_id=call)
        return ToolOutputAvailable(tool_call_id=call, output=self.pick(VALUES), preliminary=self.pick([None, True]))

    def approval(self) -> Chunk | None:
        if self.asked and self.pick(range(2)):
            approval = self.asked.pop(next(iter(self.asked)))
            return ToolApprovalResponse(approval_id=approval, approved=self.pick([True, False]), reason="so")
        if not self.calls:
            return None
        call = self.pick(self.calls)
        self.asked[call] = self.new_id()
        return ToolApprovalRequest(approval_id=self.asked[call], tool_call_id=call, reason=self.pick([None, "why"]))

    def step(self) -> Chunk:
        kind = self.pick(range(6))
        if kind == 0:
            for open_ids in (self.texts, self.reasonings, self.calls, self.streaming):
                open_ids.clear()
            self.asked.clear()
            return ResetStep()
        if kind < 3:
            return FinishStep()
        self.before += self.calls
        self.calls = []
        return StartStep()

    def data(self) -> Chunk:
        return self.pick(
            [
                MessageMetadata(message_metadata=self.pick(METADATA)),
                Data(
                    type="data-x", data=self.pick(VALUES), id=self.pick([None, "d"]), transient=self.pick([None, True])
                ),
                SourceUrl(source_id="s", url="https://example.org/", title=self.pick([None, "T"])),
                Start(message_id="m"),
            ]
        )


def stream_from(choices: Iterable[int]) -> Iterator[Chunk]:
    """The valid stream that numbers spell: the same for the same numbers."""
    writer = _Writer(choices)
    yield Start(message_id="m", message_metadata={"model": "random"})
    while True:
        try:
            chunk = writer.chunk()
        except StopIteration:
            break
        if chunk is not None:
            yield chunk
    yield Finish(finish_reason="stop", message_metadata={"steps": 1})


random_streams = st.lists(st.integers(0, 255), max_size=150).map(lambda choices: list(stream_from(choices)))
"""Hypothesis's strategy of valid streams, as chunks."""
