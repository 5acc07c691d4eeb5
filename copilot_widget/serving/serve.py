"""`copilot-widget serve`: the process around the HTTP server."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..copilot import Copilot
from ..errors import UsageError
from ..host import host
from ..instructions import instructions_for
from ..runs.base import KEEP_SECONDS
from ..state import LOCAL, RunRequest
from ..store import Store
from ..store.open import open_store
from ..store.remote import RemoteStore
from ..store.routes import store_routes
from .app import keep_loaded, load_app
from .backends import open_backend
from .chat import ChatRequest
from .models import check_model
from .ports import HttpServer, listen
from .server import HEARTBEAT_SECONDS, Service, make_app
from .signals import on_signals

if TYPE_CHECKING:
    from starlette.routing import Route

logger = logging.getLogger(__name__)

_SHORTEST_TOKEN = 8
_HERE = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class ServeOptions:
    """How the server is started. `tokens` is token → owner."""

    host: str = "127.0.0.1"
    port: int = 8000
    app: str | None = None
    executor: str = "kernel"
    origins: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """Patterns of names that clients may give besides the models of the app's own provider."""
    tokens: Mapping[str, str] = field(default_factory=dict[str, str])
    service_token: str = ""
    """With it, workers reach the conversations through this server."""
    keep: float = KEEP_SECONDS
    """For how many seconds the log of a run that has ended in this process can be read."""
    heartbeat: float = HEARTBEAT_SECONDS
    """Seconds of silence after which a stream shows that it lives."""


def read_tokens(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """COPILOT_SERVE_TOKEN is everybody's; COPILOT_SERVE_TOKENS tells people apart: "owner=token,owner=token".

    Returns token → owner. Raises UsageError.
    """
    tokens: dict[str, str] = {}
    pairs = [pair.strip().partition("=") for pair in environment.get("COPILOT_SERVE_TOKENS", "").split(",") if pair]
    if any(not owner or not equals for owner, equals, _ in pairs):
        raise UsageError("COPILOT_SERVE_TOKENS is not understood.", hint="Write owner=token,owner=token.")
    if environment.get("COPILOT_SERVE_TOKEN"):
        pairs.append((LOCAL, "=", environment["COPILOT_SERVE_TOKEN"]))
    for owner, _, token in pairs:
        if len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
            raise UsageError(
                f"The token of {owner} has fewer than {_SHORTEST_TOKEN} characters, or other than ASCII's.",
                hint="openssl rand -hex 24 makes a good one.",
            )
        if token in tokens:
            raise UsageError(f"{tokens[token]} and {owner} have the same token.", hint="Give each one of their own.")
        tokens[token] = owner
    return tokens


def run_serve(options: ServeOptions) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code. Raises CopilotError where it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if options.host not in _HERE and not options.tokens:
        raise UsageError(
            f"Serving on {options.host} lets others in, and no token is set.",
            hint="Set COPILOT_SERVE_TOKEN, or COPILOT_SERVE_TOKENS for several people.",
        )
    return asyncio.run(_serve(options))


async def _serve(options: ServeOptions) -> int:
    copilot = load_app(options.app)
    store = open_store()
    more = _store_routes(store, options)
    listener = listen(options.host, options.port)
    await store.check()
    backend = open_backend(options.executor, copilot, store, app=options.app, keep=options.keep)
    await backend.check()
    service = Service(
        executor_of=backend.executor_of,
        prepare=lambda asked: _prepare(copilot, asked, options.models),
        tokens=options.tokens,
        origins=options.origins,
        checks={"runs": backend.check, "conversations": store.check},
        heartbeat=options.heartbeat,
    )
    server = HttpServer(make_app(service, more), listener)
    await server.start()
    keep_loaded()
    logger.info("serving on %s", server.address)
    await on_signals().wait()
    logger.info("ends")
    await backend.stop()
    service.closing.set()
    await server.close()
    await backend.close()
    await store.close()
    return 0


def _store_routes(store: Store, options: ServeOptions) -> list[Route]:
    """Routes by which workers reach the conversations. Raises UsageError."""
    if not options.service_token:
        return []
    if options.service_token in options.tokens:
        raise UsageError(
            "COPILOT_SERVICE_TOKEN is also a person's token, who could read everybody's conversations with it.",
            hint="Make another one for the workers.",
        )
    if isinstance(store, RemoteStore):
        raise UsageError(
            "This server would keep the conversations at the service of COPILOT_SERVICE_URL, and be one itself.",
            hint="Set COPILOT_STORE to the database URL, or leave COPILOT_SERVICE_TOKEN out.",
        )
    return store_routes(store, options.service_token)


def _prepare(copilot: Copilot, asked: ChatRequest, models: tuple[str, ...]) -> RunRequest:
    """The run of a message: by the app's own options, whatever the client would like beside the model, which must be
    one of those that are served."""
    run = f"run-{secrets.token_urlsafe(12)}"
    options = copilot.options()
    own = copilot.agents.model
    return RunRequest(
        run=run,
        thread=asked.thread,
        message=asked.message,
        message_id=f"{run}-answer",
        model=check_model(asked.model, copilot, models) or (own if isinstance(own, str) else ""),
        instructions=instructions_for(copilot.instructions, host(), copilot.agents.root),
        max_steps=options["max_steps"],
        budget=options["budget"],
        approvals=options["approvals"] if isinstance(options["approvals"], str) else "callable",
        client=True,
        anew=asked.kind == "anew",
    )


__all__ = ["ServeOptions", "read_tokens", "run_serve"]
