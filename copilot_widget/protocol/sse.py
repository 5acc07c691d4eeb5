"""Chunks ↔ Server-Sent Events.

Each chunk is one event, `data: {…}`; `data: [DONE]` ends a stream; a comment line, `: heartbeat`, shows that the run
is alive; `id:`, where there is one, is the event's place in the run's log.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from . import chunks as c
from .chunks import Chunk, Json
from .jsontext import dumps
from .wire import Event, Heartbeat, parse_chunk

HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache",
    "x-vercel-ai-ui-message-stream": "v1",
    "x-accel-buffering": "no",
}
"""Of a response that carries a stream; the last one keeps nginx from holding it back."""

DONE = "data: [DONE]\n\n"
COMMENT = ": heartbeat\n\n"


def to_sse(chunk: Event, strict: bool = False, *, event_id: int | str | None = None) -> str:
    """The chunk as one event, the Heartbeat as a comment.

    `strict`: for clients that know only the first eleven chunk types and refuse unknown fields. Chunks that such a
    client cannot be told are left out ("" is returned); what it must know to finish a message takes the nearest old
    shape: a failed or denied call has its text as output, an abort is a finish.
    """
    if type(chunk) is Heartbeat:
        return COMMENT
    prefix = "" if event_id is None else f"id: {event_id}\n"
    if strict:
        return "".join(f"{prefix}data: {dumps(wire)}\n\n" for wire in _strict_wires(chunk))
    return f"{prefix}data: {dumps(chunk.to_wire())}\n\n"


# ---- the strict shapes ----------------------------------------------------------------------------------

_STRICT_FIELDS: dict[str, tuple[str, ...]] = {
    "start": ("messageId",),
    "finish": (),
    "start-step": (),
    "finish-step": (),
    "text-start": ("id",),
    "text-delta": ("id", "delta"),
    "text-end": ("id",),
    "tool-input-start": ("toolCallId", "toolName"),
    "tool-input-available": ("toolCallId", "toolName", "input"),
    "tool-output-available": ("toolCallId", "output"),
    "error": ("errorText",),
}


def _strict_wires(chunk: Event) -> list[dict[str, Json]]:
    wires: list[dict[str, Json]] = []
    for old in _in_old_types(chunk):
        wire = old.to_wire()
        if wire["type"] in _STRICT_FIELDS:
            keys = ("type", *_STRICT_FIELDS[wire["type"]])
            wires.append({key: wire[key] for key in keys if key in wire})
    return wires


def _in_old_types(chunk: Event) -> list[Event]:
    if isinstance(chunk, c.ToolInputError):
        call = chunk.tool_call_id
        return [
            c.ToolInputAvailable(tool_call_id=call, tool_name=chunk.tool_name, input=chunk.input),
            c.ToolOutputAvailable(tool_call_id=call, output=chunk.error_text),
        ]
    if isinstance(chunk, c.ToolOutputError):
        return [c.ToolOutputAvailable(tool_call_id=chunk.tool_call_id, output=chunk.error_text)]
    if isinstance(chunk, c.ToolOutputDenied):
        return [c.ToolOutputAvailable(tool_call_id=chunk.tool_call_id, output="denied by the user")]
    if isinstance(chunk, c.ToolOutputAvailable) and chunk.preliminary:
        return []
    return [c.Finish()] if isinstance(chunk, c.Abort) else [chunk]


# ---- reading --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SseEvent:
    """One event: its data lines, joined by newlines, and the id last seen."""

    data: str
    id: str | None = None


class SseParser:
    """Text in, in pieces of any size; complete events out. An event that is not ended by a blank line is none."""

    def __init__(self) -> None:
        self._rest = ""
        self._data: list[str] = []
        self._id: str | None = None
        self._begun = False

    def feed(self, text: str) -> list[SseEvent]:
        if not self._begun and text:
            self._begun = True
            text = text.removeprefix("\ufeff")
        events: list[SseEvent] = []
        for line in self._lines(text):
            if line:
                self._field(line)
            elif self._data:
                events.append(SseEvent("\n".join(self._data), self._id))
                self._data = []
        return events

    def _lines(self, text: str) -> list[str]:
        """Complete lines: they end with \\n, \\r\\n or \\r, which may come cut apart."""
        held, self._rest = self._rest + text, ""
        if held.endswith("\r"):  # perhaps half a line end
            held, self._rest = held[:-1], "\r"
        if "\r" in held:
            held = held.replace("\r\n", "\n").replace("\r", "\n")
        *lines, rest = held.split("\n")
        self._rest = rest + self._rest
        return lines

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")  # a comment's name is empty
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value


def parse_events(source: str | bytes | Iterable[str | bytes]) -> Iterator[SseEvent]:
    """The events of a stream, also of one that comes in pieces cut anywhere; without `[DONE]`."""
    pieces = [source] if isinstance(source, (str, bytes)) else source
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    parser = SseParser()
    for piece in pieces:
        for event in parser.feed(piece if isinstance(piece, str) else decode(piece)):
            if event.data != "[DONE]":
                yield event


def parse_sse(source: str | bytes | Iterable[str | bytes]) -> Iterator[Chunk]:
    """The chunks of a stream. Raises ProtocolError at an event that holds none."""
    for event in parse_events(source):
        yield parse_chunk(event.data)
