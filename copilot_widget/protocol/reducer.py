"""Chunks in, a UIMessage out, as the AI SDK's own client makes it, at a constant cost per chunk.

The twin of this module is js/src/reducer.ts; both read tests/fixtures/streams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Union, cast

from ..errors import ProtocolError
from . import chunks as c
from .messages import UIMessage
from .parts import (
    CustomPart,
    DataPart,
    FilePart,
    ReasoningFilePart,
    ReasoningPart,
    SourceDocumentPart,
    SourceUrlPart,
    SteeringMessagePart,
    TextPart,
)
from .reducer_state import State
from .reducer_tools import HANDLERS as TOOL_HANDLERS
from .wire import Event, Heartbeat, Usage, parse_chunk

Pushable = Union[Event, "dict[str, Any]"]


def reduce_chunks(chunks: Iterable[Pushable], initial: UIMessage | dict[str, Any] | None = None) -> UIMessage:
    """The message that `chunks` make of `initial`, which stays as it is.

    Raises ProtocolError, with the chunk's index, on a violation.
    """
    reducer = Reducer(initial)
    for index, chunk in enumerate(chunks):
        try:
            reducer.push(chunk)
        except ProtocolError as error:
            raise ProtocolError(error.reason, index=index) from None
    return reducer.message


class Reducer:
    """One message that grows by chunks. Not thread-safe: push and read under one lock, or in one thread."""

    def __init__(self, initial: UIMessage | dict[str, Any] | None = None) -> None:
        wire = initial.to_wire() if isinstance(initial, UIMessage) else initial
        self._state = State(None if wire is None else UIMessage.from_wire(wire))

    @property
    def message(self) -> UIMessage:
        """The same object for the reducer's whole life."""
        return self._state.message

    @property
    def finish_reason(self) -> c.FinishReason | None:
        """From the finish chunk."""
        return self._state.finish_reason

    @property
    def errors(self) -> list[str]:
        """The texts of the error chunks so far."""
        return self._state.errors

    @property
    def aborted(self) -> bool:
        """Whether an abort chunk came."""
        return self._state.aborted

    def push(self, chunk: Pushable) -> None:
        """Apply one chunk. Raises ProtocolError on a violation; the message is then what it was."""
        handle = _HANDLERS.get(type(chunk))
        if handle is None:
            chunk = parse_chunk(cast("dict[str, Any]", chunk))
            handle = _HANDLERS[type(chunk)]
        handle(self._state, chunk)


# ---- the run and its steps ------------------------------------------------------------------------------


def _start(state: State, chunk: c.Start) -> None:
    if chunk.message_id is not None and chunk.message_id != state.message.id:
        state.restart(chunk.message_id)
    _merge_metadata(state, chunk.message_metadata)


def _finish(state: State, chunk: c.Finish) -> None:
    state.finish_reason = chunk.finish_reason or state.finish_reason
    _merge_metadata(state, chunk.message_metadata)


def _message_metadata(state: State, chunk: c.MessageMetadata) -> None:
    _merge_metadata(state, chunk.message_metadata)


def _usage(state: State, chunk: Usage) -> None:
    _merge_metadata(state, {"usage": chunk.metadata()})


def _start_step(state: State, chunk: c.StartStep) -> None:
    state.begin_step()


def _reset_step(state: State, chunk: c.ResetStep) -> None:
    state.cut(state.step_start)


def _error(state: State, chunk: c.Error) -> None:
    state.errors.append(chunk.error_text)


def _abort(state: State, chunk: c.Abort) -> None:
    state.aborted = True


def _nothing(state: State, chunk: object) -> None:
    """finish-step: parts are closed by their own end chunks; a heartbeat only says that the run is alive."""


# ---- text and reasoning ---------------------------------------------------------------------------------


def _text_start(state: State, chunk: c.TextStart) -> None:
    part = TextPart(state="streaming", provider_metadata=chunk.provider_metadata)
    state.texts[chunk.id] = part
    state.add(part)


def _reasoning_start(state: State, chunk: c.ReasoningStart) -> None:
    part = ReasoningPart(id=chunk.id, state="streaming", provider_metadata=chunk.provider_metadata)
    state.reasonings[chunk.id] = part
    state.add(part)


def _text_delta(state: State, chunk: c.TextDelta) -> None:
    part = state.texts.get(chunk.id)
    if part is None:
        raise _not_open(chunk)
    part.append(chunk.delta)
    if chunk.provider_metadata is not None:
        part.provider_metadata = chunk.provider_metadata


def _reasoning_delta(state: State, chunk: c.ReasoningDelta) -> None:
    part = state.reasonings.get(chunk.id)
    if part is None:
        raise _not_open(chunk)
    part.append(chunk.delta)
    if chunk.provider_metadata is not None:
        part.provider_metadata = chunk.provider_metadata


def _text_end(state: State, chunk: c.TextEnd) -> None:
    part = state.texts.pop(chunk.id, None)
    if part is None:
        raise _not_open(chunk)
    part.state = "done"
    if chunk.citations is not None:
        part.citations = cast("list[Any]", chunk.citations)
    if chunk.provider_metadata is not None:
        part.provider_metadata = chunk.provider_metadata


def _reasoning_end(state: State, chunk: c.ReasoningEnd) -> None:
    part = state.reasonings.pop(chunk.id, None)
    if part is None:
        raise _not_open(chunk)
    part.state = "done"
    if chunk.provider_metadata is not None:
        part.provider_metadata = chunk.provider_metadata


def _not_open(chunk: c.TextDelta | c.TextEnd | c.ReasoningDelta | c.ReasoningEnd) -> ProtocolError:
    start = chunk.type.rsplit("-", 1)[0] + "-start"
    return ProtocolError(f'id: {chunk.type} without an open {start} of "{chunk.id}"')


# ---- other parts ----------------------------------------------------------------------------------------


def _file(state: State, chunk: c.File) -> None:
    state.add(FilePart(chunk.media_type, chunk.url, provider_metadata=chunk.provider_metadata))


def _reasoning_file(state: State, chunk: c.ReasoningFile) -> None:
    state.add(ReasoningFilePart(chunk.media_type, chunk.url, chunk.provider_metadata))


def _source_url(state: State, chunk: c.SourceUrl) -> None:
    state.add(SourceUrlPart(chunk.source_id, chunk.url, chunk.title, chunk.provider_metadata))


def _source_document(state: State, chunk: c.SourceDocument) -> None:
    part = SourceDocumentPart(chunk.source_id, chunk.media_type, chunk.title, chunk.filename, chunk.provider_metadata)
    state.add(part)


def _custom(state: State, chunk: c.Custom) -> None:
    state.add(CustomPart(chunk.kind, chunk.provider_metadata))


def _steering_message(state: State, chunk: c.SteeringMessage) -> None:
    state.add(SteeringMessagePart(chunk.id, cast("list[Any]", chunk.parts)))


def _data(state: State, chunk: c.Data) -> None:
    if chunk.transient:
        return
    part = None if chunk.id is None else state.find_data(chunk.type, chunk.id)
    if part is not None:
        part.data = chunk.data
        return
    extra = dict(chunk.model_extra or {})
    if chunk.transient is not None:
        extra["transient"] = chunk.transient  # the client's part is the chunk, as it came
    state.add(DataPart(chunk.type, chunk.data, chunk.id, extra=extra))


# ---- metadata -------------------------------------------------------------------------------------------


def _merge_metadata(state: State, metadata: c.Json) -> None:
    if metadata is None:
        return
    message = state.message
    try:
        message.metadata = metadata if message.metadata is None else _merge(message.metadata, metadata)
    except RecursionError:
        raise ProtocolError("messageMetadata: nested too deeply") from None


_UNSAFE = ("__proto__", "constructor", "prototype")


def _merge(base: c.Json, news: c.Json) -> dict[str, c.Json]:
    """`base` with `news` in it: objects are merged key by key, all else is replaced."""
    merged = dict(_items(base))
    for key, value in _items(news):
        if key in _UNSAFE:
            continue
        if not isinstance(base, (dict, list)):
            raise ProtocolError("messageMetadata: cannot be merged into what is no object")
        held = merged.get(key)
        merged[key] = _merge(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return merged


def _items(value: c.Json) -> Iterable[tuple[str, c.Json]]:
    """As JavaScript has it: lists and strings are keyed by index, other values hold nothing."""
    if isinstance(value, dict):
        return cast("dict[str, c.Json]", value).items()
    if isinstance(value, (list, str)):
        return ((str(index), item) for index, item in enumerate(cast("list[c.Json]", value)))
    return ()


_HANDLERS: dict[type, Callable[[State, Any], None]] = {
    c.Start: _start,
    c.Finish: _finish,
    c.Abort: _abort,
    c.Error: _error,
    c.StartStep: _start_step,
    c.FinishStep: _nothing,
    c.ResetStep: _reset_step,
    c.MessageMetadata: _message_metadata,
    c.TextStart: _text_start,
    c.TextDelta: _text_delta,
    c.TextEnd: _text_end,
    c.ReasoningStart: _reasoning_start,
    c.ReasoningDelta: _reasoning_delta,
    c.ReasoningEnd: _reasoning_end,
    c.SourceUrl: _source_url,
    c.SourceDocument: _source_document,
    c.File: _file,
    c.ReasoningFile: _reasoning_file,
    c.Custom: _custom,
    c.SteeringMessage: _steering_message,
    c.Data: _data,
    **TOOL_HANDLERS,
    Usage: _usage,
    Heartbeat: _nothing,
}
