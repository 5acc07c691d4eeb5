"""litellm's stream chunks as model events. Chunks are read as the duck-typed objects they are."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from .base import (
    FinishReason,
    Json,
    ModelEvent,
    ModelUsage,
    ReasoningDelta,
    ReasoningEnd,
    TextDelta,
    ToolCall,
    ToolInputDelta,
    ToolInputStart,
)
from .usage import TokenCounter

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
    "function_call": "tool-calls",
}
_SIGNATURE_MARK = "__thought__"  # litellm puts Gemini's signatures into the ids of calls behind this


class ChunkReader:
    """Reads the chunks of one answer. `used_ids`: call ids of the history, which no new call may have."""

    def __init__(self, used_ids: Iterable[str] = ()) -> None:
        self._used_ids = set(used_ids)
        self._calls: dict[int, _OpenCall] = {}
        self._think = ThinkSplitter()
        self._thought = ""  # the text of the block of thinking that is open
        self.finish_reason: FinishReason | None = None
        self.usage: Any = None
        """The last usage object, as litellm has it."""
        self.said = TokenCounter()
        """Text, reasoning and arguments so far."""
        self.has_calls = False

    def read(self, chunk: Any) -> list[ModelEvent]:
        """The events of one chunk."""
        usage = getattr(chunk, "usage", None)
        if usage is not None:
            self.usage = usage
        events: list[ModelEvent] = []
        for choice in getattr(chunk, "choices", None) or ():
            reason = getattr(choice, "finish_reason", None)
            if reason:
                self.finish_reason = _FINISH.get(str(reason), "other")
            delta = getattr(choice, "delta", None)
            if delta is not None:
                events += self._delta(delta)
        for event in events:
            if isinstance(event, (TextDelta, ReasoningDelta, ToolInputDelta)):
                self.said.add(event.delta)
        return events

    def close(self) -> list[ModelEvent]:
        """What is still open at the end of a complete answer: held back text, calls."""
        events = self._texts(self._think.close())
        for call in self._calls.values():
            events += self._complete(call)
        self._calls = {}
        return events

    # ---- text and reasoning ------------------------------------------------------------------------------

    def _delta(self, delta: Any) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        blocks: Sequence[Any] = getattr(delta, "thinking_blocks", None) or ()
        reasoning = getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None)
        if isinstance(reasoning, str) and reasoning:
            self._thought += reasoning
            events.append(ReasoningDelta(reasoning))
        for block in blocks:
            events += self._block(block, told=bool(reasoning))
        content = getattr(delta, "content", None)
        if isinstance(content, str) and content:
            events += self._texts(self._think.feed(content))
        for call in getattr(delta, "tool_calls", None) or ():
            events += self._texts(self._think.close())
            events += self._call(call)
        return events

    def _block(self, block: Any, *, told: bool) -> list[ModelEvent]:
        """Anthropic's block of thinking: its text comes as reasoning_content too, its signature last, and in some
        versions of litellm with the whole text again."""
        kind, text, signature = _field(block, "type"), _field(block, "thinking"), _field(block, "signature")
        if kind == "redacted_thinking":
            return [ReasoningEnd({"anthropic": {"redactedData": _field(block, "data")}})]
        events: list[ModelEvent] = []
        if isinstance(text, str) and not told:
            rest = text[len(self._thought) :] if text.startswith(self._thought) else text
            self._thought += rest
            events += [ReasoningDelta(rest)] if rest else []
        if signature:
            self._thought = ""
            events.append(ReasoningEnd({"anthropic": {"signature": signature}}))
        return events

    def _texts(self, pieces: Iterable[tuple[bool, str]]) -> list[ModelEvent]:
        return [ReasoningDelta(text) if thought else TextDelta(text) for thought, text in pieces if text]

    # ---- calls -------------------------------------------------------------------------------------------

    def _call(self, delta: Any) -> list[ModelEvent]:
        function = getattr(delta, "function", None)
        name, text = _field(function, "name") or "", _arguments(_field(function, "arguments"))
        index = _field(delta, "index")
        index = index if isinstance(index, int) else len(self._calls) - (0 if name else 1)
        given, _, signature = str(_field(delta, "id") or "").partition(_SIGNATURE_MARK)
        open_call = self._calls.get(index)
        events: list[ModelEvent] = []
        if open_call is not None and _is_another(open_call, given, name):
            events += self._complete(open_call)
            open_call = None
        if open_call is None:
            if not name and not text and not given:
                return events
            open_call = _OpenCall(given=given)
            self._calls[index] = open_call
        open_call.given = open_call.given or given
        open_call.name = open_call.name or name
        open_call.signature = open_call.signature or signature or _signature(delta, function)
        open_call.text += text
        return events + self._progress(open_call, text)

    def _progress(self, call: _OpenCall, text: str) -> list[ModelEvent]:
        """The start of a call as soon as its name is known, then its arguments."""
        if not call.name:
            return []
        if call.call_id:
            return [ToolInputDelta(call.call_id, text)] if text else []
        call.call_id = self._new_id(call.given)
        self.has_calls = True
        start = ToolInputStart(call.call_id, call.name)
        return [start, ToolInputDelta(call.call_id, call.text)] if call.text else [start]

    def _complete(self, call: _OpenCall) -> list[ModelEvent]:
        if not call.name:
            return []
        metadata: dict[str, Json] | None = None
        if call.signature:
            metadata = {"google": {"thoughtSignature": call.signature}}
        return [ToolCall(call.call_id, call.name, _once(call.text.strip()) or "{}", metadata)]

    def _new_id(self, given: str) -> str:
        """The provider's id where it is new, else one of our own: some number their calls anew in each answer."""
        call_id = given if given and given not in self._used_ids else f"call_{uuid.uuid4().hex[:20]}"
        self._used_ids.add(call_id)
        return call_id


class _OpenCall:
    """A call whose arguments are still coming. `call_id` is "" until it has been announced."""

    def __init__(self, given: str) -> None:
        self.given = given
        self.call_id = ""
        self.name = ""
        self.text = ""
        self.signature = ""


def _is_another(call: _OpenCall, given: str, name: str) -> bool:
    """True where a delta at the same index begins another call: a new id, or a whole call without any id."""
    if given:
        return bool(call.given) and given != call.given
    return bool(name) and bool(call.name) and _is_json(call.text)


def _once(text: str) -> str:
    """The arguments once, where they came twice: whole and then in pieces (litellm's imitation of a stream)."""
    half = text[: len(text) // 2]
    return half if text == half + half and _is_json(half) else text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _arguments(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _signature(delta: Any, function: Any) -> str:
    for owner in (delta, function):
        found = _field(owner, "provider_specific_fields")
        if isinstance(found, dict) and found.get("thought_signature"):  # pyright: ignore[reportUnknownMemberType]
            return str(found["thought_signature"])  # pyright: ignore[reportUnknownArgumentType]
    return ""


def _field(owner: Any, name: str) -> Any:
    """A field of an object or of a dict: litellm has both, in different versions and providers."""
    return owner.get(name) if isinstance(owner, dict) else getattr(owner, name, None)  # pyright: ignore


class ThinkSplitter:
    """Splits `<think>…</think>` off the beginning of an answer, across pieces. Gives (is thought, text) pairs.

    Only at the beginning: further on the tag is the answer's own text, for example in code about such tags.
    """

    TAGS = ("think", "thinking", "thought", "reasoning")

    def __init__(self) -> None:
        self._state = "start"
        self._held = ""
        self._end = ""
        self._strip = False

    def feed(self, text: str) -> list[tuple[bool, str]]:
        if self._state == "text":
            return self._text(text)
        self._held += text
        if self._state == "start":
            begun = self._held.lstrip()
            tag = next((tag for tag in self.TAGS if begun.startswith(f"<{tag}>")), None)
            if tag is None:
                if any(f"<{name}>".startswith(begun) for name in self.TAGS):
                    return []
                self._state, held, self._held = "text", self._held, ""
                return [(False, held)]
            self._state, self._end, self._strip = "thought", f"</{tag}>", True
            self._held = begun[len(tag) + 2 :]
        return self._thought()

    def close(self) -> list[tuple[bool, str]]:
        """What was held back, at the end of the text."""
        thought, held, self._held = self._state == "thought", self._held, ""
        if not thought:
            self._state = "text"
        return [(thought, held)] if held else []

    def _thought(self) -> list[tuple[bool, str]]:
        """The thought, without the white space at its ends, as far as it cannot be the beginning of its end."""
        if self._strip:
            self._held = self._held.lstrip()
            self._strip = not self._held
        before, end, after = self._held.partition(self._end)
        if end:
            self._state, self._held, self._strip = "text", "", True
            return [(True, before.rstrip()), *self._text(after)]
        cut = next((n for n in range(len(self._end) - 1, 0, -1) if before.endswith(self._end[:n])), 0)
        shown = before[: len(before) - cut].rstrip()
        self._held = before[len(shown) :]
        return [(True, shown)] if shown else []

    def _text(self, text: str) -> list[tuple[bool, str]]:
        if self._strip:  # the line breaks between the thought and the answer belong to neither
            text = text.lstrip()
            self._strip = not text
        return [(False, text)] if text else []


def to_usage(usage: Any, cost: float | None) -> ModelUsage:
    """litellm's usage object as ours."""
    prompt = _field(usage, "prompt_tokens_details")
    completion = _field(usage, "completion_tokens_details")
    written = _field(usage, "cache_creation_input_tokens") or _field(prompt, "cache_creation_tokens")
    return ModelUsage(
        prompt_tokens=_count(_field(usage, "prompt_tokens")),
        completion_tokens=_count(_field(usage, "completion_tokens")),
        cached_tokens=_count(_field(prompt, "cached_tokens") or _field(usage, "cache_read_input_tokens")),
        cache_write_tokens=_count(written),
        reasoning_tokens=_count(_field(completion, "reasoning_tokens")),
        cost=cost,
    )


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


__all__ = ["ChunkReader", "ThinkSplitter", "to_usage"]
