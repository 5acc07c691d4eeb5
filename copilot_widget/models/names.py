"""Names of models as users write them: `provider/model`, `provider:model`, or a famous model's name alone."""

from __future__ import annotations

import difflib

from ..errors import UsageError
from .providers import BY_NAME, alias, catalogue, provider_of

HOW_NAMES_LOOK = (
    "Write provider/model, for example openai/gpt-5.6-terra, anthropic/claude-sonnet-5-5 or ollama/llama3.2."
)


def normalise(name: str, *, api_base: str | None = None) -> str:
    """`provider/model` for what the user wrote. With an `api_base`, a name without a provider is OpenAI's kind.

    Raises UsageError where the name belongs to no provider.
    """
    text = name.strip()
    known = catalogue().providers
    head, colon, tail = text.partition(":")
    if colon and "/" not in head and head.lower() in known and tail:
        text = f"{head}/{tail}"
    provider = provider_of(text)
    model = text[len(provider) + 1 :] if provider else text
    if provider.lower() in known:
        if not model:
            raise UsageError(f"The model name {name!r} ends after the provider.", hint=_with_default(provider.lower()))
        return f"{alias(provider.lower())}/{model}"
    if api_base and text:
        return f"openai/{text}"
    if not provider:
        owner = catalogue().provider_of_bare(text)
        if owner:
            return f"{owner}/{text}"
        raise UsageError(f"{name!r} is not a model that is known by its name alone.", hint=_did_you_mean(text))
    raise UsageError(f"{name!r}: {provider!r} is not a provider.", hint=_provider_hint(provider, model))


def _with_default(provider: str) -> str:
    known = BY_NAME.get(alias(provider))
    return f"Write {provider}/{known.default}." if known and known.default else f"Write {provider}/ and a model's name."


def _did_you_mean(text: str) -> str:
    if alias(text.lower()) in BY_NAME:
        return _with_default(text.lower())
    similar = catalogue().similar(text)
    return f"Did you mean {' or '.join(similar)}?" if similar else HOW_NAMES_LOOK


def _provider_hint(provider: str, model: str) -> str:
    close = difflib.get_close_matches(provider.lower(), list(catalogue().providers), n=1, cutoff=0.75)
    if close:
        return f"Did you mean {close[0]}/{model}?"
    return f"{HOW_NAMES_LOOK} For a server of your own also give api_base."


__all__ = ["HOW_NAMES_LOOK", "normalise"]
