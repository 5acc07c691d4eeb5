"""What litellm, its clients and the network raise, as a ModelError: what happened, and what to do next.

Exceptions are told apart by status, class name and wording, so nothing has to be imported here.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import ModelError, redact
from .names import HOW_NAMES_LOOK
from .providers import BY_NAME, LOCAL_NAMES, catalogue, is_local

_LIMIT = 300
_READ = 20_000
"""Characters of a provider's error that are looked at: a server may answer with megabytes."""
_BRACES = 20
"""So many of them are tried as the beginning of an error's JSON."""
_PREFIX = re.compile(r"^(?:litellm\.)?[A-Za-z]*(?:Error|Exception|Timeout)\b[:\s-]*(?:[A-Za-z]+Exception\s*-\s*)?")
_OVERFLOW = (
    r"context.?(?:length|window|size)|maximum.{0,20}(?:context|tokens|prompt)|prompt is too long|too many tokens"
    r"|exceed.{0,30}context|input is too long|reduce the length"
)
_QUOTA = r"insufficient_quota|exceeded your current quota|credit balance|billing|payment"
_NO_KEY = r"api[_ ]key.{0,40}(?:must be set|not set|missing|required|is required)|missing .{0,80}api.?key"
_FILTER = r"content.?(?:policy|filter|management)|safety|flagged"
_BROKEN = r"payload is not completed|peer closed|incomplete (?:chunked )?read|server disconnected"
_NO_MODULE = r"No module named '([\w.]+)'"
_NO_MODEL = (
    r"model.{0,80}(?:not found|not exist|unknown|invalid model)|(?:invalid|unknown) model|LLM Provider NOT provided"
)
_REFUSED = (
    r"connection (?:error|refused)|cannot connect|connect call failed|name or service not known"
    r"|all connection attempts failed|nodename nor servname"
)
_START = {
    "ollama": "Start it with `ollama serve`",
    "lm_studio": "Start its server in LM Studio (Developer, Start server)",
    "llamacpp": "Start it with `llama-server -m MODEL.gguf`",
    "hosted_vllm": "Start it with `vllm serve MODEL`",
}


@dataclass(frozen=True)
class Source:
    """Whom a request went to. `model`: "provider/model"; `variable`: where the key was found, "" for an argument."""

    model: str
    api_base: str = ""
    api_key: str = ""
    variable: str = ""

    @property
    def provider(self) -> str:
        return self.model.partition("/")[0]

    @property
    def own(self) -> bool:
        """True for a server of the user's: not the provider's own address."""
        return bool(self.api_base) and (self.provider in LOCAL_NAMES or self.provider in ("openai", "litellm_proxy"))

    @property
    def label(self) -> str:
        if self.own and self.provider not in LOCAL_NAMES:
            return f"The server at {redact(self.api_base)}"
        known = BY_NAME.get(self.provider)
        return known.label if known else self.provider


def no_key(source: Source) -> ModelError:
    """The request cannot be made: there is no key."""
    known = BY_NAME.get(source.provider)
    variable = known.variables[0] if known and known.variables else f"{source.provider.upper()}_API_KEY"
    return ModelError(
        f"{source.label} needs an API key, and {variable} is not set.",
        hint=(
            f'Set it before Jupyter starts, or run: import os, getpass; os.environ["{variable}"] = getpass.getpass() — '
            'or try model="demo", which needs none.'
        ),
        code="auth",
    )


def explain(error: BaseException, source: Source, *, started: bool) -> ModelError:
    """The ModelError for whatever was raised. `started`: a part of the answer has already come."""
    if isinstance(error, ModelError):
        return error
    if type(error).__name__ == "MidStreamFallbackError":
        original = getattr(error, "original_exception", None)
        error = original if isinstance(original, BaseException) else error
    if started:
        return _interrupted(error, source)
    detail = _detail(error, source)
    status = _status(error)
    name = type(error).__name__
    for case in _CASES:
        if case.fits(status, name, detail):
            return case.make(source, detail, error)
    return ModelError(
        f"{source.label} could not answer: {detail or name}",
        hint="Ask again; if it stays so, choose another model with --model.",
        code="unknown",
    )


def truncated(source: Source) -> ModelError:
    """The stream ended without saying that the answer is complete."""
    return ModelError(
        f"{source.label} ended the answer in the middle.",
        hint="What came is kept; send “go on” to continue.",
        code="interrupted",
        retryable=True,
    )


def silent(source: Source, seconds: float, *, started: bool) -> ModelError:
    """Nothing came for `seconds`."""
    if started:
        return ModelError(
            f"{source.label} sent nothing for {seconds:.0f} s in the middle of the answer.",
            hint="What came is kept; send “go on” to continue.",
            code="interrupted",
            retryable=True,
        )
    return ModelError(
        f"{source.label} did not begin to answer within {seconds:.0f} s.",
        hint="Ask again, or choose another model with --model.",
        code="timeout",
        retryable=True,
    )


def retry_after(error: BaseException) -> float | None:
    """Seconds that the other side asks to wait, None where it says nothing."""
    for owner in (error, getattr(error, "original_exception", None)):
        response = getattr(owner, "response", None)
        for headers in (getattr(owner, "litellm_response_headers", None), getattr(response, "headers", None)):
            seconds = _seconds(headers)
            if seconds is not None:
                return seconds
    return None


def _seconds(headers: Any) -> float | None:
    if headers is None or not hasattr(headers, "get"):
        return None
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0), ("llm_provider-retry-after", 1.0)):
        try:
            return max(float(headers.get(name)) * unit, 0.0)
        except (TypeError, ValueError):
            continue
    return None


def _says(words: str, error: BaseException) -> bool:
    return re.search(words, str(error)[:_READ], re.IGNORECASE) is not None


# ---- one maker a kind ----------------------------------------------------------------------------------------


def _interrupted(error: BaseException, source: Source) -> ModelError:
    detail = _detail(error, source)
    why = (
        f": {detail}"
        if detail and not re.search(_BROKEN, detail, re.IGNORECASE) and "connection" not in detail.lower()
        else ""
    )
    return ModelError(
        f"{source.label} broke off in the middle of the answer{why}".rstrip(".") + ".",
        hint="What came is kept; send “go on” to continue.",
        code="interrupted",
        retryable=True,
    )


def _wrong_key(source: Source, detail: str, error: BaseException) -> ModelError:
    if not source.api_key and _says(_NO_KEY, error):
        return no_key(source)
    where = (
        f"the key in {source.variable}" if source.variable else "the key (api_key)" if source.api_key else "the request"
    )
    return ModelError(
        f"{source.label} refused {where}.",
        hint=(
            "Check that it is complete, still valid and this provider's; a new one takes effect with the next question."
        ),
        code="auth",
    )


def _unknown_model(source: Source, detail: str, error: BaseException) -> ModelError:
    model = source.model.partition("/")[2]
    if source.provider == "ollama":
        hint = f"Get it with `ollama pull {model}`, or see what is there with `ollama list`."
    elif source.own:
        hint = "Ask the server for its models: GET /v1/models lists them."
    else:
        similar = [name for name in catalogue().similar(model, source.provider) if name != source.model]
        hint = f"Did you mean {' or '.join(similar)}?" if similar else HOW_NAMES_LOOK
    return ModelError(f"{source.label} has no model {model!r}.", hint=hint, code="not-found")


def _forbidden(source: Source, detail: str, error: BaseException) -> ModelError:
    return ModelError(
        f"{source.label} does not allow this: {detail or 'permission denied'}",
        hint="The key may not have access to this model, or not from this place; choose another model or key.",
        code="permission",
    )


def _limited(source: Source, detail: str, error: BaseException) -> ModelError:
    if _says(_QUOTA, error):
        return ModelError(
            f"The account at {source.label.replace('The', 'the')} has no credit left.",
            hint="Add credit there, or choose another model with --model.",
            code="rate-limit",
        )
    seconds = retry_after(error)
    when = f" in {seconds:.0f} s" if seconds else " in a while"
    return ModelError(
        f"{source.label} has limited the rate of requests.",
        hint=f"Ask again{when}, or choose another model with --model.",
        code="rate-limit",
        retryable=True,
        retry_after=seconds,
    )


def _too_long(source: Source, detail: str, error: BaseException) -> ModelError:
    return ModelError(
        f"The conversation is longer than {source.model} can read.",
        hint="Start anew with --new, shorten it with /compact, or choose a model that reads more.",
        code="context-overflow",
    )


def _slow(source: Source, detail: str, error: BaseException) -> ModelError:
    return ModelError(
        f"{source.label} did not answer in time.",
        hint="Ask again, or choose another model with --model.",
        code="timeout",
        retryable=True,
    )


def _unreachable(source: Source, detail: str, error: BaseException) -> ModelError:
    at = f" at {redact(source.api_base)}" if source.api_base and source.provider in LOCAL_NAMES else ""
    if is_local(source.api_base):
        start = _START.get(source.provider, "Start the server")
        return ModelError(
            f"{source.label}{at} does not answer.",
            hint=f"{start}, or correct the address (api_base).",
            code="connection",
        )
    return ModelError(
        f"{source.label}{at} cannot be reached.",
        hint="Check the network, and api_base where one is set; then ask again.",
        code="connection",
        retryable=True,
    )


def _broken(source: Source, detail: str, error: BaseException) -> ModelError:
    return ModelError(
        f"{source.label} closed the connection before it answered.",
        hint="Ask again, or choose another model with --model.",
        code="connection",
        retryable=True,
    )


def _down(source: Source, detail: str, error: BaseException) -> ModelError:
    return ModelError(
        f"{source.label} is overloaded or down ({detail or type(error).__name__}).",
        hint="Ask again in a while, or choose another model with --model.",
        code="unavailable",
        retryable=True,
        retry_after=retry_after(error),
    )


def _filtered(source: Source, detail: str, error: BaseException) -> ModelError:
    return ModelError(
        f"{source.label} refused the content: {detail}",
        hint="Say it in another way, or start anew.",
        code="content-filter",
    )


def _refused(source: Source, detail: str, error: BaseException) -> ModelError:
    return ModelError(
        f"{source.label} refused the request: {detail or type(error).__name__}",
        hint="Choose another model with --model, or report this if the request looks right.",
        code="bad-request",
    )


def _not_installed(source: Source, detail: str, error: BaseException) -> ModelError:
    match = re.search(_NO_MODULE, str(error))
    package = {"google": "google-auth"}.get(match[1].split(".")[0], match[1].split(".")[0]) if match else "litellm"
    return ModelError(
        f"{source.label} needs the package {package}, which is not installed.",
        hint=f"Run %pip install {package}, then ask again.",
        code="unavailable",
    )


_Maker = Callable[[Source, str, BaseException], ModelError]


@dataclass(frozen=True)
class _Case:
    """Fits an exception of one of the class `names`, or one with one of the `statuses` and the `words` in its text.

    Statuses or words that are not given do not count.
    """

    make: _Maker
    names: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()
    words: str = ""

    def fits(self, status: int | None, name: str, text: str) -> bool:
        if name in self.names:
            return True
        if not self.statuses and not self.words:
            return False
        if self.statuses and status not in self.statuses:
            return False
        return not self.words or re.search(self.words, text, re.IGNORECASE) is not None


_CASES = (
    _Case(_not_installed, ("ModuleNotFoundError", "ImportError"), words=_NO_MODULE),
    _Case(_too_long, ("ContextWindowExceededError",), (400, 413, 422, 500), _OVERFLOW),
    _Case(_filtered, ("ContentPolicyViolationError",), (400,), _FILTER),
    _Case(_wrong_key, ("AuthenticationError",), (401,)),
    _Case(_wrong_key, words=_NO_KEY),
    _Case(_limited, ("RateLimitError",), (402, 429)),
    _Case(_limited, (), (400, 403), _QUOTA),
    _Case(_slow, ("Timeout", "APITimeoutError", "ReadTimeout", "ConnectTimeout", "TimeoutError"), (408,)),
    _Case(_broken, words=_BROKEN),
    _Case(_unreachable, ("ConnectError", "ConnectionRefusedError", "ClientConnectorError", "gaierror"), (), _REFUSED),
    _Case(_unknown_model, ("NotFoundError", "LiteLLMUnknownProvider"), (404,)),
    _Case(_unknown_model, (), (400,), _NO_MODEL),
    _Case(_forbidden, ("PermissionDeniedError",), (403,)),
    _Case(_down, ("InternalServerError", "ServiceUnavailableError", "BadGatewayError"), (500, 502, 503, 504, 529)),
    _Case(_unreachable, ("APIConnectionError",)),
    _Case(_refused, ("BadRequestError", "UnsupportedParamsError"), tuple(range(400, 500))),
)
"""The first that fits is taken."""


def _status(error: BaseException) -> int | None:
    for owner in (error, getattr(error, "response", None)):
        value = getattr(owner, "status_code", None)
        if isinstance(value, int):
            return value
    return None


def _detail(error: BaseException, source: Source) -> str:
    """The provider's own words on one line: without litellm's prefixes, JSON wrapping and keys."""
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)) and not str(error):
        return "timeout"
    try:
        text = str(getattr(error, "message", "") or error)
    except Exception:
        return type(error).__name__
    text = text[:_READ]
    found = _message_in(text)
    for _ in range(4):
        text, before = _PREFIX.sub("", text.strip(), count=1), text
        if text == before:
            break
    text = found or text.partition("\n")[0]
    text = re.split(r"\s*(?:Received Model Group|LiteLLM Retried|Available Model Group|Model:|Traceback)", text)[0]
    text = redact(" ".join(text.split()), source.api_key)
    return text if len(text) <= _LIMIT else text[: _LIMIT - 1] + "…"


def _message_in(text: str) -> str:
    """The `message` of a JSON error body in the text, "" where there is none."""
    start = text.find("{")
    for _ in range(_BRACES):
        if start < 0:
            break
        try:
            data, _ = json.JSONDecoder().raw_decode(text[start:])
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
            continue
        return _find_message(data)
    match = re.search(r"'message': (['\"])(.{1,2000}?)\1[,}]", text)
    return match[2] if match else ""


def _find_message(data: Any) -> str:
    if isinstance(data, dict):
        for key in ("message", "error", "detail"):
            value: Any = data.get(key)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            if isinstance(value, str):
                return value
            if isinstance(value, (dict, list)):
                found = _find_message(value)
                if found:
                    return found
    if isinstance(data, list) and data:
        return _find_message(data[0])
    return ""


__all__ = ["Source", "explain", "no_key", "retry_after", "silent", "truncated"]
