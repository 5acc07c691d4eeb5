"""A model without AI: rules that really work on the user's notebook, through the tools that are offered.

It is stateless: each request is decided anew from its messages (see turn.py), so it may serve several runs and go on in
another process. It needs no key, no network and no weights; its badge says what it is.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator

from ...errors import one_line
from ..base import (
    AssistantMessage,
    Call,
    Finish,
    Json,
    ModelEvent,
    ModelInfo,
    ModelRequest,
    ModelUsage,
    TextDelta,
    ToolCall,
    ToolInputDelta,
    ToolInputStart,
)
from ..pace import Pace, split_tokens
from ..usage import estimate_usage
from .rules import answer
from .turn import Need, Turn

BADGE = "demo: rules, no AI"
MAX_CALLS = 12
"""Calls in one turn, after which a rule that goes on asking is ended: a guard against a rule's mistake."""


class DemoModel:
    """`tokens_per_second` is the pace of the answer; 0 for at once."""

    def __init__(
        self, *, reason: str = "", extra: dict[str, Json] | None = None, tokens_per_second: float = 120
    ) -> None:
        self._rate = tokens_per_second
        self._info = ModelInfo("demo", badge=BADGE, reason=reason, priced=True, extra=dict(extra or {}))

    @property
    def info(self) -> ModelInfo:
        return self._info

    def price(self, usage: ModelUsage) -> float:
        """US dollars: nothing."""
        return 0.0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        text, calls = decide(request)
        said = [text]
        pace = Pace()
        for token in split_tokens(text):
            await pace.tick(self._rate)
            yield TextDelta(token)
        first = _calls_so_far(request)
        for place, (tool, value) in enumerate(calls):
            call_id, arguments = f"demo-{first + place + 1}", json.dumps(value, ensure_ascii=False)
            said.append(arguments)
            yield ToolInputStart(call_id, tool)
            for token in split_tokens(arguments):
                await pace.tick(self._rate * 4)
                yield ToolInputDelta(call_id, token)
            yield ToolCall(call_id, tool, arguments)
        yield estimate_usage(request, "".join(said), cost=0.0)
        yield Finish("tool-calls" if calls else "stop")


def decide(request: ModelRequest) -> tuple[str, list[tuple[str, dict[str, Json]]]]:
    """The text to say and the calls to make next; without calls the turn ends."""
    turn = Turn(request)
    try:
        return answer(turn), []
    except Need as need:
        if len(turn.done) + len(need.calls) > MAX_CALLS:
            return f"I end here, after {len(turn.done)} calls without an answer.", []
        return need.say, need.calls
    except Exception as error:  # a rule that stumbles over unexpected data must not look like a broken program
        return f"My rule for this stumbled ({one_line(error)}). Ask in another way, or connect a model.", []


def _calls_so_far(request: ModelRequest) -> int:
    answers = [message for message in request.messages if isinstance(message, AssistantMessage)]
    return sum(isinstance(part, Call) for message in answers for part in message.content)


__all__ = ["BADGE", "DemoModel", "decide"]
