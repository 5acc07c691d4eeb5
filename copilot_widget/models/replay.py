"""A recording played again, as if its model answered (models/recording.py says how a recording looks).

The same question gets the same answer, as fast as it was recorded or at once. A question that is asked more often
than it was recorded gets its last recording. One that was never recorded fails plainly.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from ..errors import ModelError, UsageError
from .base import (
    AssistantMessage,
    Call,
    ModelEvent,
    ModelInfo,
    ModelRequest,
    ToolCall,
    ToolInputDelta,
    ToolInputStart,
)
from .events import from_json
from .pace import Pace
from .recording import Key, key_of


@dataclass(frozen=True)
class _Answer:
    events: tuple[tuple[float, ModelEvent], ...]
    error: ModelError | None


class ReplayModel:
    """Plays `path`. `speed`: 1.0 as recorded, 2.0 twice as fast, 0 at once; default COPILOT_REPLAY_SPEED, then 1.0."""

    def __init__(self, path: str | Path, *, speed: float | None = None) -> None:
        self._path = Path(path).expanduser()
        self._answers, models = _read(self._path)
        self._speed = _speed(os.environ.get("COPILOT_REPLAY_SPEED")) if speed is None else max(speed, 0.0)
        name = " + ".join(dict.fromkeys(models)) or f"replay:{self._path.name}"
        self._info = ModelInfo(name, badge="replay: recorded, not live", priced=True)

    @property
    def info(self) -> ModelInfo:
        return self._info

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        answer = self._find(key_of(request))
        renamed = _new_ids(answer, request)
        pace, passed = Pace(), 0.0
        for at, event in answer.events:
            if self._speed and at > passed:
                await pace.wait((at - passed) / self._speed)
            passed = max(at, passed)
            await pace.tick(None)
            if isinstance(event, (ToolInputStart, ToolInputDelta, ToolCall)) and event.call_id in renamed:
                event = replace(event, call_id=renamed[event.call_id])
            yield event
        if answer.error is not None:
            raise answer.error

    def _find(self, key: Key) -> _Answer:
        for occurrence in range(key.occurrence, -1, -1):
            found = self._answers.get(Key(key.asked, occurrence, key.step))
            if found is not None:
                return found
        asked = list(dict.fromkeys(known.asked for known in self._answers))
        shown = key.asked if len(key.asked) <= 80 else key.asked[:79] + "…"
        if key.asked in asked:
            raise ModelError(
                f"The recording {self._path.name} has no answer for step {key.step + 1} of {shown!r}.",
                hint="The tools went another way than when it was recorded; record the turn again with --record.",
                code="not-found",
            )
        raise ModelError(
            f"The recording {self._path.name} has no answer to {shown!r}.",
            hint="Ask what it holds: " + "; ".join(asked[:6]) + (" …" if len(asked) > 6 else ""),
            code="not-found",
        )


def _new_ids(answer: _Answer, request: ModelRequest) -> dict[str, str]:
    """New ids for calls whose recorded id is already in the history: the same turn was played before."""
    answers = [message for message in request.messages if isinstance(message, AssistantMessage)]
    used = {part.call_id for message in answers for part in message.content if isinstance(part, Call)}
    recorded = {event.call_id for _, event in answer.events if isinstance(event, (ToolCall, ToolInputStart))}
    return {call_id: f"{call_id}-{len(answers)}" for call_id in recorded & used}


def _speed(text: str | None) -> float:
    try:
        return max(float(text), 0.0) if text else 1.0
    except ValueError:
        raise UsageError(
            f"COPILOT_REPLAY_SPEED is {text!r}, which is not a number.", hint="1 is as recorded, 0 is at once."
        ) from None


def _read(path: Path) -> tuple[dict[Key, _Answer], list[str]]:
    """The answers by key, and the models' names. Raises UsageError naming the line of the first mistake."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # splitlines would split at U+2028, too
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(
            f"The recording {path} cannot be read: {reason}.", hint="Write replay:FILE with the path of a recording."
        ) from None
    answers: dict[Key, _Answer] = {}
    models: list[str] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            key, answer, model = _line(line, f"{path.name}, line {number}")
            answers[key] = answer
            models.append(model)
    if not answers:
        raise UsageError(f"The recording {path} is empty.", hint="Record something first: %copilot --record FILE …")
    return answers, models


def _line(line: str, where: str) -> tuple[Key, _Answer, str]:
    try:
        parsed: Any = json.loads(line)
        data = cast("dict[str, Any]", parsed)
        key = Key(str(data["asked"]), int(data["occurrence"]), int(data["step"]))
        pairs = [(float(at), event) for at, event in data["events"]]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{where} is no recorded answer ({error}).", hint="Leave the line out, or record anew."
        ) from None
    events = tuple((at, from_json(event, f"{where}: events[{i}]")) for i, (at, event) in enumerate(pairs))
    return key, _Answer(events, _error(data)), str(data.get("model") or "")


def _error(data: dict[str, Any]) -> ModelError | None:
    told = data.get("error")
    if isinstance(told, dict):
        fields = cast("dict[str, Any]", told)
        message = str(fields.get("message") or "The recorded answer failed.")
        return ModelError(message, hint=str(fields.get("hint") or ""), code=str(fields.get("code") or "unknown"))
    if data.get("stopped"):
        return ModelError("The recorded answer was stopped here.", hint="Record it again.", code="interrupted")
    return None


__all__ = ["ReplayModel"]
