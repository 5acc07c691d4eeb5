"""Recorded model answers, played again. (Placeholder.)"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

from ..errors import UsageError
from .base import Finish, ModelEvent, ModelInfo, ModelRequest


class ReplayModel:
    info = ModelInfo("replay")

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        yield Finish()

    def __init__(self, path: str | Path) -> None:
        raise UsageError(f"Replaying {path} is not possible yet.")
