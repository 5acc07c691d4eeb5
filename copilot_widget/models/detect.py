"""Which model to use: what the user names, or the best that is at hand.

Values of a `.env` file count like those of the environment (models/dotenv.py says which).

The order: the argument, COPILOT_MODEL, the saved choice, a server the environment names, a provider whose key is in the
environment, a model server on this machine, the demo model. `ModelInfo.reason` says in words what decided, and
`ModelInfo.extra["found_by"]` as a word: argument, environment, saved, server, key, local, nothing. With "key" the user
has not said that data may go to that provider (or a `.env` file says so): ask before the first request.
"""

from __future__ import annotations

import asyncio
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from ..errors import ModelError, UsageError, redact
from .base import Model
from .dotenv import environment, without_addresses
from .names import normalise
from .probe import Server, list_models, probe_local, seen
from .providers import CLOUD, Provider, as_url, find_base, find_key, provider_of

if TYPE_CHECKING:
    from .demo import DemoModel

ModelLike = Union[str, Model, Callable[..., Any], None]


async def resolve(
    model: ModelLike = None,
    *,
    api_base: str | None = None,
    api_key: str | None = None,
    env: Mapping[str, str] | None = None,
    saved: str | None = None,
    key_model: str | None = None,
) -> Model:
    """`resolve_now` in a thread: files are read and servers asked without keeping the event loop."""
    return await asyncio.to_thread(
        resolve_now, model, api_base=api_base, api_key=api_key, env=env, saved=saved, key_model=key_model
    )


def resolve_now(
    model: ModelLike = None,
    *,
    api_base: str | None = None,
    api_key: str | None = None,
    env: Mapping[str, str] | None = None,
    saved: str | None = None,
    key_model: str | None = None,
) -> Model:
    """The Model for what a user gave, or for nothing. Takes up to 0.3 s (2 s with a proxy) where nothing is named.

    A key that was given with `key_model`, and without an address, is its provider's: another one never gets it. Raises
    UsageError for a name that means no model, ModelError where `api_base` alone is given and does not answer.
    """
    env = environment() if env is None else env
    api_base = api_base or env.get("COPILOT_API_BASE") or None
    api_key = api_key or env.get("COPILOT_API_KEY") or None
    if key_model and not api_base and isinstance(model, str) and model and _provider(model) != _provider(key_model):
        api_key = None
    if api_key:
        env = without_addresses(env)
    if model is None or model == "":
        return _first_named(env, saved, api_base, api_key) or _first_found(env, api_base, api_key)
    if isinstance(model, str):
        return _named(model, api_base, api_key, env, "", "argument")
    if isinstance(model, Model) and not isinstance(model, type):
        return model
    if callable(model):
        from .callable import CallableModel

        return CallableModel(model)
    raise UsageError(
        f"A model cannot be {type(model).__name__}.",
        hint='Give "provider/model", "demo", "script:FILE", "replay:FILE", a Model, or a function.',
    )


def _provider(name: str) -> str:
    try:
        return provider_of(normalise(name))
    except UsageError:  # demo, a script, a recording, or nothing at all: none has a use for a key
        return ""


def check(model: str, *, api_base: str | None = None) -> str:
    """The name as it is used from now on. Raises UsageError where it can mean no model; no server is asked."""
    env = environment()
    named = _named(model, api_base or env.get("COPILOT_API_BASE") or None, None, env, "", "argument")
    return model.strip() if model.strip().startswith(("script:", "replay:")) else named.info.name


def available(env: Mapping[str, str] | None = None) -> list[str]:
    """Names for a picker: the defaults of providers with a key, the models of local servers, demo."""
    env = environment() if env is None else env
    return _names(env, probe_local(env))


def known(env: Mapping[str, str] | None = None) -> list[str]:
    """The same without asking anybody: of local servers the models that were seen last."""
    return _names(environment() if env is None else env, seen)


def _names(env: Mapping[str, str], servers: Iterable[Server]) -> list[str]:
    names = [env["COPILOT_MODEL"]] if env.get("COPILOT_MODEL") else []
    names += [
        f"{provider.name}/{provider.default}" for provider in CLOUD if provider.default and _has_key(provider, env)
    ]
    names += [f"{server.provider.name}/{name}" for server in servers for name in server.models]
    return list(dict.fromkeys([*names, "demo"]))


def _first_named(env: Mapping[str, str], saved: str | None, base: str | None, key: str | None) -> Model | None:
    if env.get("COPILOT_MODEL", "").strip():
        found_by = "key" if _is_files("COPILOT_MODEL", env) else "environment"
        return _named(env["COPILOT_MODEL"].strip(), base, key, env, "COPILOT_MODEL names it", found_by)
    if saved:
        return _named(saved, base, key, env, "it was chosen before", "saved")
    return None


def _named(
    name: str, api_base: str | None, api_key: str | None, env: Mapping[str, str], reason: str, found_by: str
) -> Model:
    kind, colon, rest = name.strip().partition(":")
    if name.strip() == "demo":
        return _demo(reason, found_by)
    if colon and kind == "script":
        from .script import ScriptModel

        return ScriptModel(_existing(rest, kind))
    if colon and kind == "replay":
        from .replay import ReplayModel

        return ReplayModel(_existing(rest, kind))
    return _litellm(normalise(name, api_base=api_base), api_base, api_key, env, reason, found_by)


def _existing(text: str, kind: str) -> Path:
    path = Path(text.strip()).expanduser()
    if not text.strip() or not path.is_file():
        raise UsageError(
            f"{kind}:{text}: there is no such file in {Path.cwd()}.",
            hint=f"Write {kind}: and the path of a file that exists.",
        )
    return path


def _litellm(
    name: str, base: str | None, key: str | None, env: Mapping[str, str], reason: str, found_by: str, **extra: Any
) -> Model:
    from .litellm import LiteLLMModel

    return LiteLLMModel(name, api_base=base, api_key=key, env=env, reason=reason, extra={"found_by": found_by, **extra})


def _demo(reason: str, found_by: str) -> DemoModel:
    from .demo import DemoModel

    return DemoModel(reason=reason, extra={"found_by": found_by})


def _first_found(env: Mapping[str, str], api_base: str | None, api_key: str | None) -> Model:
    server = _named_server(env, api_base, api_key)
    if server is not None:
        return server
    for provider in CLOUD:
        variable, key = find_key(provider.name, env)
        if key and provider.default:
            name = f"{provider.name}/{provider.default}"
            return _litellm(name, None, key, env, f"{variable} is set", "key", variable=variable, label=provider.label)
    servers = probe_local(env)
    if servers:
        first = servers[0]
        return _litellm(
            f"{first.provider.name}/{first.models[0]}", first.base, None, env, _local_reason(first), "local"
        )
    return _demo(_nothing_found(env), "nothing")


def _local_reason(server: Server) -> str:
    count = len(server.models)
    return f"{server.provider.label} answers at {server.base} with {count} model{'' if count == 1 else 's'}"


def _is_files(variable: str, env: Mapping[str, str]) -> bool:
    """True for a value that the `.env` file gives, which may be somebody else's."""
    return isinstance(env, ChainMap) and variable not in env.maps[0]


def _named_server(env: Mapping[str, str], api_base: str | None, api_key: str | None) -> Model | None:
    """A server that api_base or the environment names: its first model."""
    proxy_key = find_key("litellm_proxy", env)[1]
    openai_base = find_base("openai", env)
    places = [
        (api_base or "", api_key or "", "openai", "api_base"),
        (find_base("litellm_proxy", env), proxy_key, "litellm_proxy", "LITELLM_API_BASE"),
        (
            openai_base if "api.openai.com" not in openai_base else "",
            find_key("openai", env)[1],
            "openai",
            "OPENAI_BASE_URL",
        ),
    ]
    for base, key, provider, variable in places:
        models = list_models(as_url(base), key=key) if base else ()
        if models:
            reason = f"{variable} names a server with {len(models)} model{'' if len(models) == 1 else 's'}"
            found_by = "key" if _is_files(variable, env) else "server"
            return _litellm(f"{provider}/{models[0]}", base, key or None, env, reason, found_by)
        if base and base == api_base:
            raise ModelError(
                f"No model server answers at {redact(base)}.",
                hint="Start it, correct api_base, or also give the model.",
                code="connection",
                retryable=True,
            )
    return None


def _nothing_found(env: Mapping[str, str]) -> str:
    """Why it is the demo, with what is nearly there."""
    if find_key("azure", env)[1]:
        return 'AZURE_API_KEY is set, but a deployment must be named: model="azure/DEPLOYMENT"'
    if env.get("AWS_ACCESS_KEY_ID") or env.get("AWS_BEARER_TOKEN_BEDROCK"):
        return 'AWS keys are set, but a model must be named: model="bedrock/MODEL"'
    if find_base("litellm_proxy", env):
        return "the server that LITELLM_API_BASE names does not list its models"
    return "no API key is in the environment and no model server answers on this machine"


def _has_key(provider: Provider, env: Mapping[str, str]) -> bool:
    return bool(find_key(provider.name, env)[1])


def ask_first(model: Model) -> str:
    """The provider's name where the user has to agree before data goes to it (found by its key only), "" otherwise."""
    extra = model.info.extra
    return str(extra.get("label") or model.info.name) if extra.get("found_by") == "key" else ""


__all__ = ["ModelLike", "ask_first", "available", "check", "known", "resolve", "resolve_now"]
