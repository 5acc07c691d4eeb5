"""The demo model (first version: it only says what it is)."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from ..base import Finish, Json, ModelEvent, ModelInfo, ModelRequest, TextDelta
from ..usage import estimate_usage

BADGE = "demo: rules, no AI"


class DemoModel:
    def __init__(
        self, *, reason: str = "", extra: dict[str, Json] | None = None, tokens_per_second: float = 120
    ) -> None:
        self._info = ModelInfo("demo", badge=BADGE, reason=reason, priced=True, extra=dict(extra or {}))

    @property
    def info(self) -> ModelInfo:
        return self._info

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        text = "I am a demo: rules, no AI."
        yield TextDelta(text)
        yield estimate_usage(request, text, cost=0.0)
        yield Finish()
