"""Every provider that litellm knows. (Placeholder until the transport is in place: it raises a ModelError.)"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping

from ..errors import ModelError
from .base import Json, ModelEvent, ModelInfo, ModelRequest, Notice


class LiteLLMModel:
    """`name` is "provider/model" (models/names.py normalises what users write)."""

    def __init__(
        self,
        name: str,
        *,
        api_base: str | None = None,
        api_key: str | None = None,
        env: Mapping[str, str] | None = None,
        reason: str = "",
        extra: dict[str, Json] | None = None,
    ) -> None:
        self._api_base, self._api_key, self._env = api_base, api_key, os.environ if env is None else env
        self._info = ModelInfo(name=name, reason=reason, extra=dict(extra or {}))

    @property
    def info(self) -> ModelInfo:
        return self._info

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        yield Notice("loading litellm …")
        raise ModelError("litellm is not connected yet.", code="unavailable")
