"""A model that says what a file tells it to: for tests, demonstrations, lessons and load.

    {"model": "scripted",                       name to show; default: script:FILE
     "tokensPerSecond": 120,                    pace of every delta; default: all at once
     "end": "fail" | "loop" | "last",           past the last entry: fail (default), start over, or repeat the last
     "steps": [STEP, …]}                        or "turns": [TURN, …]

A STEP is the answer to one model request: a list of events, or a string (that text), or
`{"tokensPerSecond": 500, "events": […]}`. An event is one of the model's events (models/events.py: `text-delta`,
`reasoning-delta`, `tool-call`, `usage`, `finish`, …), or one of these:

    {"type": "text", "text": "…", "tokens": 2000, "tokensPerSecond": 500}
        text in tokens; with `tokens` repeated or cut to that many
    {"type": "reasoning", "text": "…"}
        the same as reasoning
    {"type": "call", "toolName": "lookup", "input": {"order_id": 17}}
        a whole tool call, its input in deltas; `toolCallId` is made up where it is not given
    {"type": "wait", "seconds": 1.5}
    {"type": "error", "code": "rate-limit", "message": "…", "hint": "…", "retryable": true, "retryAfter": 3}
    {"type": "repeat", "times": 100, "events": […]}

A usage (estimated) and a finish are added where a step has none.

Which entry a request gets depends on its history only, so several runs may use one model at the same time, and a run
that goes on in another process gets the right entry:
- `steps`: the entry's index is the number of assistant messages in the whole history, that is of requests answered.
  A request that failed before it said anything is not in the history, so its repetition gets the same entry.
- `turns`: a TURN is one STEP list (its steps are counted since the last user message), or
  `{"match": "order", "steps": [STEP, …]}`. A user message that contains `match` (case does not count) gets that turn,
  wherever it stands; the other messages get the turns without `match`, in order, also after a turn that failed.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ModelError
from .base import (
    AssistantMessage,
    Call,
    Finish,
    ModelEvent,
    ModelInfo,
    ModelRequest,
    ModelUsage,
    ReasoningDelta,
    Text,
    TextDelta,
    ToolCall,
    ToolInputDelta,
    ToolInputStart,
    UserMessage,
)
from .pace import Pace, split_tokens
from .script_file import Action, CallAction, Emit, Fail, Repeat, Say, Script, Step, Turn, Wait, read_script
from .usage import estimate_usage


class ScriptModel:
    """Answers from a script: a path of a JSON file, or what such a file holds. Raises UsageError for a bad one."""

    def __init__(self, source: str | Path | Mapping[str, Any] | Sequence[Any]) -> None:
        self._script, default_name = read_script(source)
        self._info = ModelInfo(
            name=self._script.model or default_name, badge="scripted, no AI", priced=self._script.priced
        )

    @property
    def info(self) -> ModelInfo:
        return self._info

    def price(self, usage: ModelUsage) -> float | None:
        """US dollars: nothing, also for an answer that was cut; None where the script plays a model without a price."""
        return 0.0 if self._script.priced else None

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        step = find_step(self._script, request)
        pace = Pace()
        said: list[str] = []
        ids = _Ids(request)
        has_usage = has_finish = False
        for action, rate in _flatten(step.actions, step.rate):
            if isinstance(action, Wait):
                await pace.wait(action.seconds)
            elif isinstance(action, Fail):
                raise action.error()
            else:
                for event in _events(action, ids):
                    if isinstance(event, (TextDelta, ReasoningDelta, ToolInputDelta)):
                        await pace.tick(rate)
                        said.append(event.delta)
                    has_usage = has_usage or isinstance(event, ModelUsage)
                    has_finish = has_finish or isinstance(event, Finish)
                    yield event
        if not has_usage:
            yield estimate_usage(request, "".join(said), cost=0.0)
        if not has_finish:
            yield Finish("tool-calls" if ids.calls else "stop")


def find_step(script: Script, request: ModelRequest) -> Step:
    """The step that answers a request, by its history. Raises ModelError where the script has none."""
    if script.turns is None:
        answered = sum(isinstance(message, AssistantMessage) for message in request.messages)
        return _pick(script.steps, answered, script.end, "step")
    users = [(i, _user_text(m)) for i, m in enumerate(request.messages) if isinstance(m, UserMessage)]
    start, text = users[-1] if users else (-1, "")
    turn = _matching(script.turns, text)
    if turn is None:
        place = sum(_matching(script.turns, earlier) is None for _, earlier in users) - 1
        turn = _pick([turn for turn in script.turns if turn.match is None], max(place, 0), script.end, "turn")
    answered = sum(isinstance(message, AssistantMessage) for message in request.messages[start + 1 :])
    return _pick(turn.steps, answered, script.end, "step")


def _pick(entries: Sequence[Any], place: int, end: str, noun: str) -> Any:
    if place >= len(entries) > 0 and end != "fail":
        place = place % len(entries) if end == "loop" else len(entries) - 1
    if place >= len(entries):
        raise ModelError(
            f"The script has {len(entries)} {noun}{'' if len(entries) == 1 else 's'}, and this is number {place + 1}.",
            hint='Add one, or set "end" to "loop" or "last".',
            code="not-found",
        )
    return entries[place]


def _matching(turns: Sequence[Turn], text: str) -> Turn | None:
    lowered = text.lower()
    return next((turn for turn in turns if turn.match is not None and turn.match.lower() in lowered), None)


def _user_text(message: UserMessage) -> str:
    return "\n".join(part.text for part in message.content if isinstance(part, Text))


def _flatten(actions: Sequence[Action], rate: float | None) -> Iterator[tuple[Action, float | None]]:
    for action in actions:
        if isinstance(action, Repeat):
            for _ in range(action.times):
                yield from _flatten(action.actions, rate)
        elif isinstance(action, Say) and action.rate is not None:
            yield action, action.rate
        else:
            yield action, rate


class _Ids:
    """Call ids that no call of the history has, the same ones for the same request."""

    def __init__(self, request: ModelRequest) -> None:
        answers = [message for message in request.messages if isinstance(message, AssistantMessage)]
        self._used = {part.call_id for answer in answers for part in answer.content if isinstance(part, Call)}
        self._answered = len(answers)
        self.calls = 0

    def new(self) -> str:
        return f"script-{self._answered}-{self.calls}"

    def unused(self, call_id: str) -> str:
        """`call_id`, made different where an earlier answer has used it (a script that starts over)."""
        return f"{call_id}-{self._answered}" if call_id in self._used else call_id


def _events(action: Action, ids: _Ids) -> Iterator[ModelEvent]:
    if isinstance(action, Say):
        kind = ReasoningDelta if action.reasoning else TextDelta
        yield from (kind(token) for token in action.tokens)
    elif isinstance(action, CallAction):
        call_id = ids.unused(action.call_id) if action.call_id else ids.new()
        ids.calls += 1
        yield ToolInputStart(call_id, action.tool)
        yield from (ToolInputDelta(call_id, token) for token in split_tokens(action.input))
        yield ToolCall(call_id, action.tool, action.input)
    elif isinstance(action, Emit):
        event = action.event
        if isinstance(event, ToolCall):
            ids.calls += 1
            event = ToolCall(ids.unused(event.call_id), event.tool, event.input, event.provider_metadata)
        elif isinstance(event, ToolInputStart):
            event = ToolInputStart(ids.unused(event.call_id), event.tool)
        elif isinstance(event, ToolInputDelta):
            event = ToolInputDelta(ids.unused(event.call_id), event.delta)
        yield event


def example() -> str:
    """A script to start from, as JSON text."""
    steps = [
        [
            {"type": "reasoning", "text": "The order is in the shop's table."},
            {"type": "call", "toolName": "lookup", "input": {"order_id": 17}},
        ],
        [{"type": "text", "text": "Order 17 has been **shipped**.", "tokensPerSecond": 60}],
    ]
    return json.dumps({"model": "scripted", "end": "loop", "steps": steps}, indent=2)


__all__ = ["ScriptModel", "example", "find_step"]
