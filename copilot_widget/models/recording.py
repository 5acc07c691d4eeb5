"""A model's answers kept in a file, so that they can be played again (models/replay.py).

The file is JSON Lines, one line for each answer, in the order in which they ended:

    {"asked": "why are there nulls in @df?", "occurrence": 0, "step": 1, "model": "openai/gpt-5.6-terra",
     "events": [[0.412, {"type": "text-delta", "delta": "Two"}], …], "error": {"code", "message", "hint"}}

What was asked is the key: the text of the user's message (its spaces made equal, without the descriptions of what it
mentions), how many times the same was asked before in the thread (`occurrence`), and how many answers the turn already
had (`step`). Tool results are no part of it: they may differ in times and addresses when a lesson is played again.
Times are seconds since the request. Whatever looks like a key or password is scrubbed, also across pieces. `error` is
there where the answer failed, `"stopped": true` where it was stopped.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from ..errors import ModelError, UsageError, redact
from .base import (
    AssistantMessage,
    Json,
    Model,
    ModelEvent,
    ModelInfo,
    ModelRequest,
    ModelUsage,
    Notice,
    ReasoningDelta,
    Text,
    TextDelta,
    ToolInputDelta,
    UserMessage,
)
from .events import to_json

Timed = tuple[float, ModelEvent]
_DELTAS = (TextDelta, ReasoningDelta, ToolInputDelta)
_writing = threading.Lock()


@dataclass(frozen=True)
class Key:
    """What was asked."""

    asked: str
    occurrence: int
    step: int


def key_of(request: ModelRequest) -> Key:
    """The key of a request, from its history."""
    asked = [_asked(message) for message in request.messages if isinstance(message, UserMessage)]
    last = max((i for i, message in enumerate(request.messages) if isinstance(message, UserMessage)), default=-1)
    step = sum(isinstance(message, AssistantMessage) for message in request.messages[last + 1 :])
    question = asked[-1] if asked else ""
    return Key(question, asked[:-1].count(question), step)


def _asked(message: UserMessage) -> str:
    texts = [part.text for part in message.content if isinstance(part, Text)]
    spoken = [text for text in texts if not re.match(r"\[@[^\]\n]+\]\n", text)]
    return redact(" ".join(" ".join(spoken).split()))


class Recorder:
    """A model whose answers are kept in a file while they stream. `secrets` are scrubbed wherever they occur."""

    def __init__(self, model: Model, path: str | Path, *, secrets: Sequence[str] = ()) -> None:
        self._model = model
        self._path = Path(path).expanduser()
        self._secrets = tuple(secrets)
        folder = self._path.absolute().parent
        if self._path.is_dir() or not folder.is_dir():
            raise UsageError(
                f"The recording {self._path} cannot be written: {folder} is no folder."
                if not folder.is_dir()
                else f"The recording {self._path} is a folder.",
                hint="Give the path of a file in a folder that exists.",
            )

    @property
    def info(self) -> ModelInfo:
        info = self._model.info
        return replace(info, extra={**info.extra, "recording": str(self._path)})

    def price(self, usage: ModelUsage) -> float | None:
        """What the recorded model says."""
        price = getattr(self._model, "price", None)
        return price(usage) if price is not None else None

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        start = time.monotonic()
        timed: list[Timed] = []
        ending: dict[str, Json] = {"stopped": True}
        try:
            async with aclosing(self._model.stream(request)) as events:
                async for event in events:
                    timed.append((round(time.monotonic() - start, 3), event))
                    yield event
            ending = {}
        except ModelError as error:
            ending = {"error": error.told()}
            raise
        finally:
            self._write(request, timed, ending)

    def _write(self, request: ModelRequest, timed: Sequence[Timed], ending: dict[str, Json]) -> None:
        key = key_of(request)
        line = {
            "asked": redact(key.asked, *self._secrets),
            "occurrence": key.occurrence,
            "step": key.step,
            "model": self._model.info.name,
            "events": [[at, to_json(event)] for at, event in scrubbed(timed, self._secrets)],
            **cast("dict[str, Json]", _scrub(ending, self._secrets)),
        }
        text = json.dumps(line, ensure_ascii=False) + "\n"
        with _writing, self._path.open("a", encoding="utf-8") as file:
            file.write(text)


def scrubbed(timed: Sequence[Timed], secrets: Sequence[str]) -> Iterator[Timed]:
    """The events without notices and without secrets. A secret that is split over pieces is found, too: pieces of one
    part that hold one are joined."""
    for run in _runs([item for item in timed if not isinstance(item[1], Notice)]):
        at, first = run[0]
        if not isinstance(first, _DELTAS):
            yield at, _scrub_event(first, secrets)
            continue
        whole = "".join(cast("TextDelta", event).delta for _, event in run)
        clean = redact(whole, *secrets)
        if clean == whole:
            yield from run
        else:
            yield at, replace(first, delta=clean)


def _runs(timed: Sequence[Timed]) -> Iterator[list[Timed]]:
    """Neighbouring deltas of the same part together, every other event alone."""
    run: list[Timed] = []
    for item in timed:
        if run and not (_part(item[1]) and _part(item[1]) == _part(run[-1][1])):
            yield run
            run = []
        run.append(item)
    if run:
        yield run


def _part(event: ModelEvent) -> tuple[Any, ...]:
    if isinstance(event, ToolInputDelta):
        return (ToolInputDelta, event.call_id)
    return (type(event),) if isinstance(event, _DELTAS) else ()


def _scrub_event(event: ModelEvent, secrets: Sequence[str]) -> ModelEvent:
    values = {name: _scrub(value, secrets) for name, value in vars(event).items() if name not in ("call_id", "tool")}
    return replace(event, **values)


def _scrub(value: Json, secrets: Sequence[str]) -> Json:
    if isinstance(value, str):
        return redact(value, *secrets)
    if isinstance(value, dict):
        return {key: _scrub(item, secrets) for key, item in cast("dict[str, Json]", value).items()}
    if isinstance(value, list):
        return [_scrub(item, secrets) for item in cast("list[Json]", value)]
    return value


__all__ = ["Key", "Recorder", "key_of"]
