"""Every provider that litellm knows, and every server that speaks OpenAI's chat completions.

This is the only module that imports litellm, and it does so on the first request, in a thread: the import takes seconds
and 200 MB. Retries and time limits are ours, since litellm's differ between providers.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import random
import sys
import warnings
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from ..errors import ModelError
from .base import AssistantMessage, Call, Finish, Json, ModelEvent, ModelInfo, ModelRequest, ModelUsage, Notice
from .incoming import ChunkReader, to_usage
from .outgoing import has_images, to_messages, to_tools
from .probe import list_models
from .providers import CLOUD, LOCAL_NAMES, catalogue, find_base, find_key, is_local
from .pump import Pump, SilenceError
from .refusals import Source, explain, no_key, silent, truncated
from .usage import estimate_prompt

MAX_RETRIES = 2
LONGEST_WAIT = 30.0
"""Seconds; where the other side asks for more, the user is told instead."""
FIRST_TOKEN = 60.0
FIRST_TOKEN_SLOW = 300.0
"""For servers on the user's machine, which load a model first, and for models that think before they say anything."""
IDLE = 60.0
ESTIMATE_EVERY = 0.25
"""Seconds between estimates of the usage while an answer streams; they count if it is stopped."""

_KEYED = frozenset(provider.name for provider in CLOUD if provider.default)
_litellm: Any = None


_OF_IMAGES = ("image", "vision", "multimodal", "mmproj", "must be a string", "be a valid string", "expected a string")
"""Words of refusals of pictures; some providers only say that the content of a message is no text."""


class LiteLLMModel:
    """A model by its name, "provider/model" (names.normalise makes one of what users write).

    `env` is where keys and addresses are looked up when they are not given; nothing is written to it. `options` go
    to litellm as they are (temperature, reasoning_effort, …). Times are in seconds.
    """

    def __init__(
        self,
        name: str,
        *,
        api_base: str | None = None,
        api_key: str | None = None,
        env: Mapping[str, str] | None = None,
        reason: str = "",
        extra: dict[str, Json] | None = None,
        options: Mapping[str, Any] | None = None,
        first_token: float | None = None,
        idle: float = IDLE,
    ) -> None:
        self._name = name
        self._api_base, self._api_key = api_base, api_key
        self._env = os.environ if env is None else env
        self._reason, self._extra = reason, dict(extra or {})
        self._options = dict(options or {})
        self._first_token, self._idle = first_token, idle
        self._info: ModelInfo | None = None
        self._without: set[str] = set()
        """What this model has refused: "images", "tools"."""

    @property
    def info(self) -> ModelInfo:
        if self._info is None:
            priced = self._is_free or bool((catalogue().entry(self._name) or {}).get("input_cost_per_token"))
            # A provider's gateway reports the cost with the answer, so the catalogue does not decide.
            unknown = self._provider in ("openrouter", "litellm_proxy", "vercel_ai_gateway")
            self._info = ModelInfo(
                self._name, reason=self._reason, priced=priced or (None if unknown else False), extra=self._extra
            )
        return self._info

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        source = self._source()
        if self._provider in _KEYED and not source.api_key and not source.own:
            raise no_key(source)
        if _litellm is None:
            yield Notice("loading litellm …")
            await _load()
        for attempt in range(MAX_RETRIES + 1):
            answer = _Answer(self, request, source)
            try:
                async with aclosing(answer.events()) as events:
                    async for event in events:
                        yield event
                return
            except ModelError as error:
                if answer.started:
                    raise
                without = self._next_without(error, request)
                if without:
                    self._without.add(without)
                    yield Notice(f"{self._name} cannot take {without}; going on without")
                    continue
                wait = _wait(error, attempt)
                if wait is None:
                    raise await _with_models(error, source) from error.__cause__
                yield Notice(f"{error.message.rstrip('.')}; trying again in {max(wait, 1):.0f} s")
            await asyncio.sleep(wait)

    def price(self, usage: ModelUsage) -> float | None:
        """US dollars for these tokens, None where no price is known or litellm is not loaded."""
        if self._is_free:
            return 0.0
        if _litellm is None:
            return usage.cost
        try:
            counted = _litellm.Usage(
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
                prompt_tokens_details={"cached_tokens": usage.cached_tokens},
                cache_creation_input_tokens=usage.cache_write_tokens,
                cache_read_input_tokens=usage.cached_tokens,
            )
            return self._price_of(counted)
        except Exception:  # litellm raises all kinds of things for a model that it does not know
            return None

    # ---- what a request needs ----------------------------------------------------------------------------

    @property
    def _provider(self) -> str:
        return self._name.partition("/")[0]

    @property
    def _is_free(self) -> bool:
        """True for a model that runs on the user's machine: its tokens cost nothing."""
        return (
            self._provider in LOCAL_NAMES and is_local(self._base()) and not self._name.endswith(("-cloud", ":cloud"))
        )

    def _base(self) -> str:
        base = self._api_base or find_base(self._provider, self._env)
        speaks_openai = self._provider == "openai" or (self._provider in LOCAL_NAMES and self._provider != "ollama")
        if speaks_openai and is_local(base) and urlsplit(base).path in ("", "/"):
            return base.rstrip("/") + "/v1"  # what everybody forgets
        return base

    def _source(self) -> Source:
        base = self._base()
        if self._api_key:
            return Source(self._name, base, self._api_key)
        variable, key = find_key(self._provider, self._env)
        return Source(self._name, base, key, variable)

    @property
    def first_token_seconds(self) -> float:
        if self._first_token is not None:
            return self._first_token
        thinks = (catalogue().entry(self._name) or {}).get("supports_reasoning") is True
        return FIRST_TOKEN_SLOW if thinks or is_local(self._base()) else FIRST_TOKEN

    @property
    def idle_seconds(self) -> float:
        return self._idle

    def arguments(self, request: ModelRequest, source: Source) -> dict[str, Any]:
        """The arguments of litellm.acompletion."""
        model = source.model.partition("/")[2]
        if source.provider == "ollama":
            target = f"ollama_chat/{model}"
        elif source.provider in LOCAL_NAMES:
            target = f"openai/{model}"
        else:
            target = source.model
        arguments: dict[str, Any] = {
            **self._options,
            "model": target,
            "messages": to_messages(request, source.model, images="images" not in self._without),
            "stream": True,
            "stream_options": {"include_usage": True},
            "drop_params": True,
            "max_retries": 0,
            "timeout": importlib.import_module("httpx").Timeout(self.first_token_seconds + 60, connect=10),
        }
        if request.tools and "tools" not in self._without:
            arguments["tools"] = to_tools(request.tools)
        if source.provider == "ollama":
            arguments.setdefault("num_ctx", _ollama_context(estimate_prompt(request)))
        if source.api_base:
            arguments["api_base"] = source.api_base
        if source.api_key or source.own:
            arguments["api_key"] = source.api_key or "none"
        return arguments

    def _next_without(self, error: ModelError, request: ModelRequest) -> str:
        """What to leave out after a refusal that names it, "" where that would not help."""
        text = error.message.lower()
        if error.code not in ("bad-request", "not-found", "unavailable", "unknown"):
            return ""
        images = any(word in text for word in _OF_IMAGES)
        if images and has_images(request) and "images" not in self._without:
            return "images"
        if "tool" in text and "support" in text and request.tools and "tools" not in self._without:
            return "tools"
        return ""

    # ---- cost --------------------------------------------------------------------------------------------

    def usage(self, counted: Any) -> ModelUsage:
        """litellm's usage as ours, with its cost."""
        cost = getattr(counted, "cost", None)
        if not isinstance(cost, (int, float)):
            cost = 0.0 if self._is_free else self._price_of(counted)
        return to_usage(counted, cost)

    def estimate(self, prompt_tokens: int, completion_tokens: int) -> ModelUsage:
        """The usage of an answer that is still streaming, of which so many tokens have come."""
        usage = ModelUsage(prompt_tokens=prompt_tokens, completion_tokens=completion_tokens, estimated=True)
        return replace(usage, cost=self.price(usage))

    def _price_of(self, counted: Any) -> float | None:
        if self._provider in LOCAL_NAMES:
            return None
        try:
            parts = _litellm.cost_per_token(
                model=self._name.partition("/")[2], custom_llm_provider=self._provider, usage_object=counted
            )
        except Exception:  # see price
            return None
        total = float(parts[0]) + float(parts[1])
        known = (catalogue().entry(self._name) or {}).get("input_cost_per_token")
        return total if total > 0 or known is not None else None


class _Answer:
    """One attempt at a request."""

    def __init__(self, model: LiteLLMModel, request: ModelRequest, source: Source) -> None:
        self._model = model
        self._request = request
        self._source = source
        self._prompt_tokens: int | None = None
        self.started = False
        """True once a part of the answer has been given on: from then on nothing is tried again."""

    async def events(self) -> AsyncGenerator[ModelEvent, None]:
        reader = ChunkReader(_call_ids(self._request))
        pump = Pump(self._open)
        next_estimate = 0.0
        clock = asyncio.get_running_loop().time
        try:
            while True:
                limit = self._model.idle_seconds if self.started else self._model.first_token_seconds
                chunk = await pump.get(limit)
                if chunk is None:
                    break
                events = reader.read(chunk)
                self.started = self.started or bool(events)
                for event in events:
                    yield event
                if events and clock() >= next_estimate:
                    next_estimate = clock() + ESTIMATE_EVERY
                    yield self._estimate(reader)
        except SilenceError as silence:
            raise silent(self._source, silence.seconds, started=self.started) from None
        except Exception as error:
            raise explain(error, self._source, started=self.started) from error
        finally:
            await pump.close()
        if not pump.finished:
            self.started = self.started or reader.said.tokens > 0
            raise truncated(self._source)
        for event in reader.close():
            yield event
        yield self._last_usage(reader)
        yield Finish(reader.finish_reason or ("tool-calls" if reader.has_calls else "stop"))

    def _last_usage(self, reader: ChunkReader) -> ModelUsage:
        if reader.usage is None:
            return self._estimate(reader)
        return self._model.usage(reader.usage)

    def _estimate(self, reader: ChunkReader) -> ModelUsage:
        if self._prompt_tokens is None:
            self._prompt_tokens = estimate_prompt(self._request)
        return self._model.estimate(self._prompt_tokens, reader.said.tokens)

    async def _open(self) -> Any:
        return await _litellm.acompletion(**self._model.arguments(self._request, self._source))


def _call_ids(request: ModelRequest) -> list[str]:
    answers = [message for message in request.messages if isinstance(message, AssistantMessage)]
    return [part.call_id for answer in answers for part in answer.content if isinstance(part, Call)]


def _ollama_context(prompt_tokens: int) -> int:
    """Tokens that Ollama should read. Its own default is so small that it would silently cut off the instructions."""
    needed = prompt_tokens * 4 // 3 + 2048
    return next((size for size in (8192, 16_384, 32_768, 65_536) if needed <= size), 131_072)


async def _with_models(error: ModelError, source: Source) -> ModelError:
    """The error, with the models that a server of the user's has where it does not have the one that was named."""
    if error.code != "not-found" or not source.own:
        return error
    path = "/api/tags" if source.provider == "ollama" else "/models"
    names = await asyncio.to_thread(list_models, source.api_base, key=source.api_key, timeout=1.0, paths=(path,))
    if names:
        shown = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
        error.hint = f"It has {shown}." + (f" {error.hint}" if source.provider == "ollama" else "")
    return error


def _wait(error: ModelError, attempt: int) -> float | None:
    """Seconds before the next attempt, None where there is none."""
    if not error.retryable or attempt >= MAX_RETRIES or (error.code == "timeout" and attempt >= 1):
        return None
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= LONGEST_WAIT else None
    return 2**attempt * random.uniform(0.8, 1.2)


# ---- loading ----------------------------------------------------------------------------------------------------


async def _load() -> None:
    """Import litellm in a thread. Raises ModelError where that fails."""
    try:
        await asyncio.to_thread(_import)
    except ImportError as error:
        raise ModelError(
            f"litellm cannot be imported: {error}.",
            hint="Run %pip install 'copilot-widget', restart the kernel, and ask again.",
            code="unavailable",
        ) from error


def _import() -> None:
    """Import litellm quietly: no price list from the network, no `.env` into the environment, no advertising."""
    global _litellm
    if "litellm" not in sys.modules:
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
    # Filters that stay: litellm warns again with its first answer, and catch_warnings would undo what others set.
    warnings.filterwarnings("ignore", message=r"Item '.*' on TypedDict class 'ChatCompletion")
    warnings.filterwarnings("ignore", message=r"(?s)Pydantic serializer warnings:.*Expected `ResponseAPIUsage`")
    warnings.filterwarnings("ignore", module=r"litellm(\.|$)")
    module: Any = importlib.import_module("litellm")
    module.suppress_debug_info = True
    module.disable_hf_tokenizer_download = True
    for name in ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    _litellm = module


_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "REPEATED_STREAMING_CHUNK_LIMIT": "1000000",  # a table of zeros is no loop
}

__all__ = ["LiteLLMModel"]
