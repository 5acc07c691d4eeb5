"""Reading a script file (its format is in models/script.py): every mistake is named with its place."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union, cast

from ..errors import ModelError, UsageError
from .base import ModelEvent, ModelUsage
from .events import EVENT_TYPES, from_json
from .pace import split_tokens

ENDS = ("fail", "loop", "last")


@dataclass(frozen=True)
class Emit:
    event: ModelEvent


@dataclass(frozen=True)
class Say:
    """Text or reasoning, one delta a token."""

    tokens: tuple[str, ...]
    reasoning: bool
    rate: float | None


@dataclass(frozen=True)
class CallAction:
    call_id: str | None
    tool: str
    input: str


@dataclass(frozen=True)
class Wait:
    seconds: float


@dataclass(frozen=True)
class Fail:
    code: str
    message: str
    hint: str
    retryable: bool
    retry_after: float | None

    def error(self) -> ModelError:
        return ModelError(
            self.message, hint=self.hint, code=self.code, retryable=self.retryable, retry_after=self.retry_after
        )


@dataclass(frozen=True)
class Repeat:
    times: int
    actions: tuple[Action, ...]


Action = Union[Emit, Say, CallAction, Wait, Fail, Repeat]


@dataclass(frozen=True)
class Step:
    """The answer to one request; `rate` is in deltas a second, None for at once."""

    actions: tuple[Action, ...]
    rate: float | None


@dataclass(frozen=True)
class Turn:
    match: str | None
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Script:
    model: str
    end: str
    steps: tuple[Step, ...]
    turns: tuple[Turn, ...] | None

    @property
    def priced(self) -> bool:
        """False where a usage event leaves its cost out: such a script plays a model without a known price."""
        steps = [*self.steps, *(step for turn in self.turns or () for step in turn.steps)]
        return not any(_unpriced(step.actions) for step in steps)


def read_script(source: str | Path | Mapping[str, Any] | Sequence[Any]) -> tuple[Script, str]:
    """The script, and a name for it. Raises UsageError with the line or the field of the first mistake."""
    if not isinstance(source, (str, Path)):
        return _script(source, "script"), "script"
    path = Path(source).expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(
            f"The script {path} cannot be read: {reason}.", hint="Write script:FILE with the path of a JSON file."
        ) from None
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(
            f"The script {path} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}.",
            hint="Correct that line and ask again.",
        ) from None
    return _script(data, path.name), f"script:{path.name}"


class _Fields:
    """Checked access to the fields of one object; `where` names it in errors."""

    def __init__(self, data: Any, where: str, names: str) -> None:
        if not isinstance(data, Mapping):
            raise UsageError(f"{where} should be an object, not {type(data).__name__}.", hint=f"It may have {names}.")
        self.data = cast("Mapping[str, Any]", data)
        self.where = where
        known = [*names.split(), "type"]
        for name in self.data:
            if name not in known:
                raise UsageError(f"{where}.{name} is no field that a script has here.", hint=f"It may have {names}.")

    def text(self, name: str, default: str | None = None) -> str:
        value = self.data.get(name, default)
        return self._checked(name, value, isinstance(value, str), "a string")

    def number(self, name: str, default: float | None = None, *, least: float = 0) -> float:
        value = self.data.get(name, default)
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= least
        return self._checked(name, value, good, f"a number, at least {least}")

    def optional_number(self, name: str) -> float | None:
        return None if self.data.get(name) is None else self.number(name)

    def count(self, name: str, default: int | None = None) -> int:
        value = self.data.get(name, default)
        good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        return self._checked(name, value, good, "a whole number")

    def items(self, name: str) -> list[Any]:
        value = self.data.get(name)
        return self._checked(name, value, isinstance(value, list), "a list")

    def _checked(self, name: str, value: Any, good: bool, words: str) -> Any:
        if name not in self.data and not good:
            raise UsageError(f"{self.where}.{name} is missing.", hint=f"It should be {words}.")
        if not good:
            raise UsageError(f"{self.where}.{name} should be {words}, not {json.dumps(value)[:40]}.")
        return value


def _script(data: Any, where: str) -> Script:
    if isinstance(data, list):
        data = {"steps": cast("list[Any]", data)}
    top = _Fields(data, where, "model tokensPerSecond end steps turns")
    if ("steps" in top.data) == ("turns" in top.data):
        raise UsageError(f"{where} needs either steps or turns.", hint="steps is a list of lists of events.")
    end = top.text("end", "fail")
    if end not in ENDS:
        raise UsageError(f"{where}.end should be one of {', '.join(ENDS)}, not {end!r}.")
    rate = top.optional_number("tokensPerSecond")
    steps: tuple[Step, ...] = ()
    turns: tuple[Turn, ...] | None = None
    if "steps" in top.data:
        steps = _steps(top.items("steps"), f"{where}: steps", rate)
    else:
        turns = tuple(_turn(item, f"{where}: turns[{i}]", rate) for i, item in enumerate(top.items("turns")))
    return Script(top.text("model", ""), end, steps, turns)


def _turn(data: Any, where: str, rate: float | None) -> Turn:
    if isinstance(data, str):
        return Turn(None, (_step(data, where, rate),))
    if isinstance(data, list):
        items = cast("list[Any]", data)
        one_step = all(isinstance(item, Mapping) and "type" in item for item in items)
        return Turn(None, (_step(items, where, rate),) if one_step else _steps(items, where, rate))
    fields = _Fields(data, where, "match tokensPerSecond steps")
    rate = fields.number("tokensPerSecond") if "tokensPerSecond" in fields.data else rate
    match = fields.text("match") if "match" in fields.data else None
    return Turn(match, _steps(fields.items("steps"), f"{where}.steps", rate))


def _steps(items: list[Any], where: str, rate: float | None) -> tuple[Step, ...]:
    return tuple(_step(item, f"{where}[{i}]", rate) for i, item in enumerate(items))


def _step(data: Any, where: str, rate: float | None) -> Step:
    if isinstance(data, str):
        data = [{"type": "text", "text": data}]
    if isinstance(data, Mapping):
        fields = _Fields(data, where, "tokensPerSecond events")
        rate = fields.number("tokensPerSecond") if "tokensPerSecond" in fields.data else rate
        return Step(_actions(fields.items("events"), f"{where}.events"), rate)
    if not isinstance(data, list):
        raise UsageError(f"{where} should be a list of events, not {type(data).__name__}.")
    return Step(_actions(cast("list[Any]", data), where), rate)


def _actions(items: list[Any], where: str) -> tuple[Action, ...]:
    return tuple(_action(item, f"{where}[{i}]") for i, item in enumerate(items))


def _action(data: Any, where: str) -> Action:
    kind = cast("Mapping[str, Any]", data).get("type") if isinstance(data, Mapping) else None
    if isinstance(kind, str) and kind in _CONVENIENCES:
        return _CONVENIENCES[kind](data, where)
    if isinstance(kind, str) and kind not in EVENT_TYPES:
        names = ", ".join([*_CONVENIENCES, *EVENT_TYPES])
        raise UsageError(f"{where}.type is {kind!r}, which is no event.", hint=f"Events are {names}.")
    return Emit(from_json(data, where))


def _say(data: Any, where: str) -> Say:
    fields = _Fields(data, where, "text tokens tokensPerSecond")
    tokens = split_tokens(fields.text("text"))
    if "tokens" in fields.data:
        count = fields.count("tokens")
        if not tokens and count:
            raise UsageError(f"{where}.text is empty, so it cannot be repeated to {count} tokens.")
        tokens = list(itertools.islice(itertools.cycle([*tokens, "\n\n"]), count))
    return Say(tuple(tokens), fields.data["type"] == "reasoning", fields.optional_number("tokensPerSecond"))


def _call(data: Any, where: str) -> CallAction:
    fields = _Fields(data, where, "toolName toolCallId input")
    value = fields.data.get("input", {})
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return CallAction(fields.text("toolCallId") if "toolCallId" in fields.data else None, fields.text("toolName"), text)


def _fail(data: Any, where: str) -> Fail:
    fields = _Fields(data, where, "code message hint retryable retryAfter")
    return Fail(
        code=fields.text("code", "unknown"),
        message=fields.text("message", "The script says that this request fails."),
        hint=fields.text("hint", ""),
        retryable=fields.data.get("retryable") is True,
        retry_after=fields.optional_number("retryAfter"),
    )


def _repeat(data: Any, where: str) -> Repeat:
    fields = _Fields(data, where, "times events")
    return Repeat(fields.count("times"), _actions(fields.items("events"), f"{where}.events"))


def _wait(data: Any, where: str) -> Wait:
    return Wait(_Fields(data, where, "seconds").number("seconds"))


_CONVENIENCES: dict[str, Callable[[Any, str], Action]] = {
    "text": _say,
    "reasoning": _say,
    "call": _call,
    "wait": _wait,
    "error": _fail,
    "repeat": _repeat,
}


def _unpriced(actions: Sequence[Action]) -> bool:
    return any(
        (isinstance(action, Emit) and isinstance(action.event, ModelUsage) and action.event.cost is None)
        or (isinstance(action, Repeat) and _unpriced(action.actions))
        for action in actions
    )


__all__ = ["Action", "CallAction", "Emit", "Fail", "Repeat", "Say", "Script", "Step", "Turn", "Wait", "read_script"]
