"""Which model servers answer on this machine. Standard library only; nobody waits longer than the deadline."""

from __future__ import annotations

import http.client
import json
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from .providers import LOCAL, Provider, find_base

TIMEOUT = 0.25
"""Seconds that a server on this machine has to list its models."""

_LIMIT = 1_000_000
_NOT_FOR_CHAT = ("embed", "bge-", "rerank", "whisper", "tts", "moderation", "dall-e", "image", "clip", "minilm")


@dataclass(frozen=True)
class Server:
    """A server that answered: its provider's entry, its address, and its models that can chat, at least one."""

    provider: Provider
    base: str
    models: tuple[str, ...]


def probe_local(env: Mapping[str, str], *, timeout: float = TIMEOUT) -> list[Server]:
    """The servers that answer, in the order of providers.LOCAL. Takes at most `timeout` seconds."""
    answers: queue.Queue[Server] = queue.Queue()
    bases = [(provider, find_base(provider.name, env)) for provider in LOCAL]
    threads = [
        threading.Thread(target=_probe, args=(provider, base, timeout, answers), name="probe", daemon=True)
        for provider, base in bases
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + timeout
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))
    found = [answers.get_nowait() for _ in range(answers.qsize())]
    seen[:] = sorted(found, key=lambda server: LOCAL.index(server.provider))
    return list(seen)


seen: list[Server] = []
"""What `probe_local` found last, for who may not ask servers now."""


def list_models(
    base: str, *, key: str = "", timeout: float = 2.0, paths: Sequence[str] = ("/models", "/v1/models")
) -> tuple[str, ...]:
    """The chat models that a server at `base` lists at one of `paths`; none where it does not answer in time."""
    base = base.rstrip("/")
    for path in paths:
        models = _models(_get(base + path, timeout, key))
        if models:
            return models
    return ()


def _probe(provider: Provider, base: str, timeout: float, answers: queue.Queue[Server]) -> None:
    path = "/api/tags" if provider.name == "ollama" else "/models"
    models = _models(_get(base.rstrip("/") + path, timeout))
    if models:
        answers.put(Server(provider, base, models))


def _get(address: str, timeout: float, key: str = "") -> Any:
    """The JSON at `address`, None for anything else. Follows no redirect: a probe goes nowhere else."""
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    try:
        headers = {"Accept": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers=headers)
        response = connection.getresponse()
        return json.loads(response.read(_LIMIT)) if response.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def _models(answer: Any) -> tuple[str, ...]:
    """Model names of `{"data": [{"id"}]}` (OpenAI) or `{"models": [{"name"}]}` (Ollama), those for chat only."""
    if not isinstance(answer, dict):
        return ()
    fields = cast("dict[str, Any]", answer)
    entries = fields.get("data") or fields.get("models")
    if not isinstance(entries, list):
        return ()
    found: list[str] = []
    for entry in cast("list[Any]", entries):
        if isinstance(entry, dict):
            named = cast("dict[str, Any]", entry)
            name = named.get("id") or named.get("name")
            if isinstance(name, str) and not any(word in name.lower() for word in _NOT_FOR_CHAT):
                found.append(name)
    return tuple(found)


__all__ = ["Server", "list_models", "probe_local"]
