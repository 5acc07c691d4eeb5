"""Providers: how their names look, where their keys are, and which of their models is taken when none is named.

Nothing here imports litellm; the catalogue of its models is read as the data file it is.
"""

from __future__ import annotations

import difflib
import functools
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Provider:
    """One provider. `variables`: where its key may be, first found first. `default`: its model when none is named."""

    name: str
    label: str
    variables: tuple[str, ...] = ()
    default: str = ""
    base_variables: tuple[str, ...] = ()
    base: str = ""
    """Default address of a server that runs on the user's machine; such a one needs no key."""


CLOUD: tuple[Provider, ...] = (
    Provider("openai", "OpenAI", ("OPENAI_API_KEY",), "gpt-5.6-terra", ("OPENAI_BASE_URL", "OPENAI_API_BASE")),
    Provider("anthropic", "Anthropic", ("ANTHROPIC_API_KEY",), "claude-sonnet-5-5", ("ANTHROPIC_BASE_URL",)),
    Provider("gemini", "Google Gemini", ("GEMINI_API_KEY", "GOOGLE_API_KEY"), "gemini-flash-latest"),
    Provider("openrouter", "OpenRouter", ("OPENROUTER_API_KEY",), "openrouter/auto", ("OPENROUTER_API_BASE",)),
    Provider("mistral", "Mistral", ("MISTRAL_API_KEY",), "mistral-medium-latest"),
    Provider("groq", "Groq", ("GROQ_API_KEY",), "openai/gpt-oss-120b"),
    Provider("xai", "xAI", ("XAI_API_KEY",), "grok-4.5-latest"),
    Provider("deepseek", "DeepSeek", ("DEEPSEEK_API_KEY",), "deepseek-v4-pro"),
    Provider("azure", "Azure OpenAI", ("AZURE_API_KEY", "AZURE_OPENAI_API_KEY"), "", ("AZURE_API_BASE",)),
    Provider("litellm_proxy", "LiteLLM", ("LITELLM_API_KEY", "LITELLM_PROXY_API_KEY"), "", ("LITELLM_API_BASE",)),
)
"""In the order in which keys are looked for. Azure and LiteLLM's proxy have no default: nobody knows their models."""

LOCAL: tuple[Provider, ...] = (
    Provider("ollama", "Ollama", (), "", ("OLLAMA_API_BASE", "OLLAMA_HOST"), "http://127.0.0.1:11434"),
    Provider("lm_studio", "LM Studio", (), "", ("LM_STUDIO_API_BASE",), "http://127.0.0.1:1234/v1"),
    Provider("llamacpp", "llama.cpp", (), "", ("LLAMACPP_API_BASE",), "http://127.0.0.1:8080/v1"),
    Provider("hosted_vllm", "vLLM", (), "", ("HOSTED_VLLM_API_BASE",), "http://127.0.0.1:8000/v1"),
    Provider("jan", "Jan", (), "", ("JAN_API_BASE",), "http://127.0.0.1:1337/v1"),
    Provider(
        "docker_model_runner",
        "Docker Model Runner",
        (),
        "",
        ("DOCKER_MODEL_RUNNER_API_BASE",),
        "http://127.0.0.1:12434/engines/v1",
    ),
)
BY_NAME: dict[str, Provider] = {provider.name: provider for provider in (*CLOUD, *LOCAL)}
LOCAL_NAMES = frozenset(provider.name for provider in LOCAL)
_ALIASES = {"ollama_chat": "ollama", "google": "gemini", "llama.cpp": "llamacpp", "vllm": "hosted_vllm"}


def provider_of(name: str) -> str:
    """The provider in front of a model's name ("openai/gpt-5" → "openai"), "" where there is none."""
    head, slash, _ = name.partition("/")
    return head if slash else ""


def find_key(provider: str, env: Mapping[str, str]) -> tuple[str, str]:
    """(variable, key) of a provider in the environment, ("", "") where none is set."""
    known = BY_NAME.get(provider)
    variables = known.variables if known else (f"{provider.upper()}_API_KEY",)
    return next(((name, env[name].strip()) for name in variables if env.get(name, "").strip()), ("", ""))


def find_base(provider: str, env: Mapping[str, str]) -> str:
    """The address that the environment gives for a provider, or its default; "" where litellm knows it."""
    known = BY_NAME.get(provider)
    if known is None:
        return ""
    value = next((env[name].strip() for name in known.base_variables if env.get(name, "").strip()), "")
    return (as_url(value) if provider == "ollama" else value) or known.base


def as_url(host: str) -> str:
    """OLLAMA_HOST in all its forms ("", "0.0.0.0", ":11434", "host:port", a URL) as an address to connect to."""
    if not host:
        return ""
    parts = urlsplit(host if "://" in host else f"http://{host}")
    name = parts.hostname or "127.0.0.1"
    name = "127.0.0.1" if name in ("0.0.0.0", "::") else name
    port = parts.port or (443 if parts.scheme == "https" else 11434)
    return f"{parts.scheme}://{name}:{port}{parts.path.rstrip('/')}"


def is_local(address: str) -> bool:
    """True for a server on this machine."""
    return urlsplit(address).hostname in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "host.docker.internal")


@dataclass(frozen=True)
class Catalogue:
    """What litellm knows: its providers, and models → their entries."""

    providers: frozenset[str]
    models: Mapping[str, Mapping[str, Any]]

    def entry(self, name: str) -> Mapping[str, Any] | None:
        """The entry of "provider/model", under whichever of the two names litellm keeps it."""
        provider, _, model = name.partition("/")
        found = self.models.get(name)
        if found is None and model and self.models.get(model, {}).get("litellm_provider") == provider:
            found = self.models[model]
        return found

    def provider_of_bare(self, model: str) -> str:
        """The provider of a model that was named without one, "" where that is not certain."""
        owner = str(self.models.get(model, {}).get("litellm_provider", ""))
        if owner.startswith("vertex_ai"):
            return "vertex_ai"
        owner = {"bedrock_converse": "bedrock"}.get(owner, owner)
        return owner if owner in self.providers else ""

    def similar(self, model: str, provider: str = "") -> list[str]:
        """Up to three chat models with a similar name, as provider/model."""
        wanted = _plain(model)
        names: dict[str, str] = {}
        for key, entry in self.models.items():
            owner = provider_of(key) or self.provider_of_bare(key)
            bare = key[len(owner) + 1 :] if key.startswith(f"{owner}/") else key
            if entry.get("mode") in ("chat", "responses") and owner in ((provider,) if provider else _FAMOUS):
                names.setdefault(_plain(bare), f"{owner}/{bare}")
        close = difflib.get_close_matches(wanted, list(names), n=3, cutoff=0.6)
        return [names[key] for key in close]


_FAMOUS = ("openai", "anthropic", "gemini")


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


@functools.lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """litellm's catalogue, read from its data files in ~40 ms; the providers above where they are not there."""
    own = {*BY_NAME, *_ALIASES}
    spec = importlib.util.find_spec("litellm")
    folder = Path(next(iter(spec.submodule_search_locations or ()), "")) if spec else None
    if folder is None:
        return Catalogue(frozenset(own), {})
    models = {
        name: {key: entry[key] for key in _KEPT if key in entry}
        for name, entry in _read(folder / "model_prices_and_context_window_backup.json").items()
        if name != "sample_spec"
    }
    listed = _read(folder / "provider_endpoints_support_backup.json").get("providers", {})
    owners = {str(entry.get("litellm_provider")) for entry in models.values()}
    return Catalogue(frozenset({*own, *listed, *owners}), models)


_KEPT = ("litellm_provider", "mode", "input_cost_per_token", "supports_reasoning", "max_input_tokens")


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def alias(provider: str) -> str:
    """The name under which a provider is kept here."""
    return _ALIASES.get(provider, provider)


__all__ = [
    "BY_NAME",
    "CLOUD",
    "LOCAL",
    "LOCAL_NAMES",
    "Catalogue",
    "Provider",
    "alias",
    "as_url",
    "catalogue",
    "find_base",
    "find_key",
    "is_local",
    "provider_of",
]
