"""`copilot-widget serve`: runs over HTTP, for any AI SDK client, in front of whatever executes them.

It keeps nothing of a run: any instance serves any run's stream, by its id and a cursor, from the log.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import CopilotError, UsageError, one_line
from ..protocol.sse import HEADERS
from ..runs.base import Event, RunInfo
from ..runs.executor import LogExecutor
from ..state import LOCAL, TERMINAL, Approval, RunRequest
from ..store.routes import read_body
from ..timing import timeout
from . import turns
from .chat import ChatRequest, parse_body
from .metrics import CONTENT_TYPE, ServeStats, serve_metrics
from .streams import sse

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
MAX_BODY_BYTES = 16_000_000
_READY_SECONDS = 5.0
_READY_FOR = 1.0
"""Seconds for which an answer to /ready holds: who asks often does not load what is asked about."""
_LISTED = 1_000
_STATUS = {
    "unauthorized": 401,
    "foreign": 403,
    "unknown-run": 404,
    "nothing-new": 409,
    "other-call": 409,
    "expired": 410,
    "too-large": 413,
    "credentials": 503,
    "full": 503,
    "unavailable": 503,
    "version": 503,
}


@dataclass
class Service:
    """What the routes need. `tokens` is token → owner; none: everybody is the same one, who sits at this machine."""

    executor_of: Callable[[str], LogExecutor]
    prepare: Callable[[ChatRequest], RunRequest]
    """Makes the request of a run of what a client sent. Raises UsageError."""
    tokens: Mapping[str, str] = field(default_factory=dict[str, str])
    origins: tuple[str, ...] = ()
    checks: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict[str, Any])
    """What must be fine for runs to be served, by name. Each raises CopilotError where it is not."""
    heartbeat: float = HEARTBEAT_SECONDS
    stats: ServeStats = field(default_factory=ServeStats)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server is about to end: streams break off, and can be gone on with elsewhere."""

    def owner(self, request: Request) -> str:
        """Whose request it is. Raises UsageError unauthorized."""
        if not self.tokens:
            return LOCAL
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            for token, owner in self.tokens.items():
                if hmac.compare_digest(token.encode(), given.strip().encode()):
                    return owner
        raise UsageError("A token is needed.", hint="Send it as Authorization: Bearer ….", code="unauthorized")


def make_app(service: Service, more: Sequence[Route] = ()) -> Starlette:
    """The application: its routes, for clients of the allowed origins only."""
    routes = _Routes(service)
    middleware: list[Middleware] = [Middleware(_Gate, origins=service.origins, here_only=not service.tokens)]
    if service.origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(service.origins),
                allow_methods=["GET", "POST"],
                allow_headers=["authorization", "content-type", "last-event-id"],
                expose_headers=["x-vercel-ai-ui-message-stream", "x-copilot-run"],
            )
        )
    return Starlette(
        routes=[
            Route("/api/chat", routes.chat, methods=["POST"]),
            # an id may hold anything, also slashes, which a client quotes
            Route("/api/chat/{thread:path}/stream", routes.resume),
            Route("/api/chat/{thread:path}/stop", routes.stop_chat, methods=["POST"]),
            Route("/api/chat/{thread:path}", routes.conversation),
            Route("/api/runs", routes.runs),
            Route("/api/runs/{run}", routes.run),
            Route("/api/runs/{run}/stream", routes.stream),
            Route("/api/runs/{run}/stop", routes.stop_run, methods=["POST"]),
            Route("/api/runs/{run}/approvals/{approval}", routes.approve, methods=["POST"]),
            Route("/health", routes.health),
            Route("/ready", routes.ready),
            Route("/metrics", routes.metrics),
            *more,
        ],
        middleware=middleware,
        exception_handlers={CopilotError: routes.refuse, ClientDisconnect: _gone},
    )


class _Gate:
    """Refuses requests of a foreign page: a browser sends them with the user's network, unasked.

    `here_only`: without tokens whoever reaches the server is trusted, so the address must be this machine's by name,
    too. A page whose name was made to point here asks for its own name.
    """

    def __init__(self, app: ASGIApp, origins: tuple[str, ...], here_only: bool) -> None:
        self._app = app
        self._origins = origins
        self._hosts = {_netloc(origin) for origin in origins}
        self._here_only = here_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            origin, host = headers.get("origin"), headers.get("host", "")
            error = None
            if origin is not None and origin not in self._origins and _netloc(origin) != host:
                hint = "copilot-widget serve --allow-origin names a page that may ask."
                error = UsageError(f"Requests from {origin} are not allowed.", hint=hint, code="foreign")
            elif self._here_only and host not in self._hosts and not _is_here(host):
                hint = "Set COPILOT_SERVE_TOKEN, or let --allow-origin name the address."
                error = UsageError(f"Requests to {host} are not allowed without a token.", hint=hint, code="foreign")
            if error is not None:
                await _answer(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _netloc(origin: str) -> str:
    return origin.partition("://")[2]


def _is_here(host: str) -> bool:
    try:
        return urlsplit(f"//{host}").hostname in ("localhost", "127.0.0.1", "::1")
    except ValueError:
        return False


class _Routes:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._stats = service.stats
        self._metrics = serve_metrics(service.stats)
        self._readiness: dict[str, str] = {}
        self._looked = -_READY_FOR

    def _executor(self, request: Request) -> LogExecutor:
        return self._service.executor_of(self._service.owner(request))

    # ---- by conversation --------------------------------------------------------------------------------

    async def chat(self, request: Request) -> Response:
        """What the stock client sends: a run, or more of the one that waited; and its stream. Who goes away does not
        end it."""
        executor = self._executor(request)
        asked = ChatRequest.parse(parse_body(await read_body(request, MAX_BODY_BYTES)))
        strict = _strict(request)
        self._stats.asked += 1
        if asked.kind == "go-on":
            run = await turns.run_of(executor, asked.thread, asked.message)
            replied = await turns.reply(executor, run, asked.message)
            # A stock client would send the same again as soon as it has an answer, for ever.
            if not await turns.goes_on(executor, run, replied):
                raise UsageError(
                    "The message holds nothing new for its run, which waits or has ended.",
                    hint="Answer what it asks for (each approval request, each call of a tool of the client), or ask.",
                    code="nothing-new",
                )
            return await self._turn(executor, run, strict, replied)
        await self._keep_history(executor, asked)
        run = await executor.submit(self._service.prepare(asked), idempotency_key=asked.key)
        await self._make_way(executor, asked, run)
        return await self._turn(executor, run, strict)

    async def _keep_history(self, executor: LogExecutor, asked: ChatRequest) -> None:
        """A conversation that the client has begun elsewhere goes on here; one that is kept here is as it is here."""
        if asked.before and not await executor.store.messages(executor.owner, asked.thread):
            for message in asked.history():
                await executor.store.put(executor.owner, asked.thread, message)

    async def _make_way(self, executor: LogExecutor, asked: ChatRequest, run: str) -> None:
        """End what would hold up a new run for ever: what waits for a client that has gone on without it; and what
        answers a question that is asked anew."""
        for info in await _going_on(executor, asked.thread):
            if info.run == run:
                return
            if asked.kind == "anew" or info.status == "waiting":
                await executor.stop(info.run, "the conversation went on without it")

    async def conversation(self, request: Request) -> Response:
        """The messages that are kept, as a page needs them when it is opened; the answer of a run is there from its
        end on."""
        executor, thread = self._executor(request), request.path_params["thread"]
        messages = await executor.store.messages(executor.owner, thread)
        return JSONResponse({"id": thread, "messages": [message.to_wire() for message in messages]})

    async def resume(self, request: Request) -> Response:
        """The stream of the run that goes on in a conversation, from its beginning; 204 where none does."""
        executor = self._executor(request)
        going_on = await _going_on(executor, request.path_params["thread"])
        if not going_on:
            return Response(status_code=204)
        return await self._turn(executor, going_on[0].run, _strict(request))

    async def stop_chat(self, request: Request) -> Response:
        """Ends all that goes on in a conversation, the last first: what was queued is not begun."""
        executor = self._executor(request)
        going_on = await _going_on(executor, request.path_params["thread"])
        for info in reversed(going_on):
            await executor.stop(info.run)
        return Response(status_code=204 if going_on else 404)

    # ---- by run -----------------------------------------------------------------------------------------

    async def runs(self, request: Request) -> Response:
        return JSONResponse([vars(info) for info in await self._executor(request).runs()])

    async def run(self, request: Request) -> Response:
        return JSONResponse(vars(await self._executor(request).info(request.path_params["run"])))

    async def stream(self, request: Request) -> Response:
        """Events after a cursor: `?after=N`, or the Last-Event-ID of a client that comes back.

        204 tells such a client that it has them all: an EventSource would come back for ever.
        """
        executor, run = self._executor(request), request.path_params["run"]
        last = request.headers.get("last-event-id")
        text = last or request.query_params.get("after") or "0"
        if not text.isdecimal() or len(text) > 18:
            raise UsageError(f"after is {text!r}.", hint="It is the number of the last event that is known.")
        if last:
            info = await executor.info(run)
            if info.status in TERMINAL and int(text) >= info.last_seq:
                return Response(status_code=204)
        await executor.info(run)  # what is wrong is a status, as long as nothing was sent
        return self._events(run, executor.subscribe(run, int(text)), _strict(request))

    async def stop_run(self, request: Request) -> Response:
        await self._executor(request).stop(request.path_params["run"])
        return Response(status_code=204)

    async def approve(self, request: Request) -> Response:
        """`{"approved": true, "reason": "…", "digest": "…"}`; 409 where it was answered before, nobody asked, or the
        digest is of another call than the question's."""
        executor = self._executor(request)
        body = parse_body(await read_body(request, MAX_BODY_BYTES))
        approved, texts = body.get("approved"), [body.get(name) for name in ("reason", "digest")]
        if not isinstance(approved, bool) or not all(text is None or isinstance(text, str) for text in texts):
            raise UsageError("An answer is {approved: true or false, reason and digest: text or nothing}.")
        reply = Approval(approved=approved, reason=texts[0], digest=texts[1])
        taken = await executor.answer(request.path_params["run"], request.path_params["approval"], reply)
        return JSONResponse({"taken": taken}, 200 if taken else 409)

    async def _turn(
        self, executor: LogExecutor, run: str, strict: bool, replied: turns.Replied | None = None
    ) -> Response:
        await executor.info(run)
        return self._events(run, turns.turn(executor, run, replied), strict)

    def _events(self, run: str, events: AsyncIterator[Event], strict: bool) -> Response:
        return StreamingResponse(self._followed(events, strict), headers={**HEADERS, "x-copilot-run": run})

    async def _followed(self, events: AsyncIterator[Event], strict: bool) -> AsyncIterator[str]:
        def count(events: int) -> None:
            self._stats.events += events

        self._stats.streams += 1
        try:
            service = self._service
            async for text in sse(events, service.heartbeat, closing=service.closing, count=count, strict=strict):
                yield text
        finally:
            self._stats.streams -= 1

    # ---- how it is --------------------------------------------------------------------------------------

    async def health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """503 while runs cannot be served, and what it is about; the reason, which names servers, is in the log."""
        if time.monotonic() - self._looked > _READY_FOR:
            found = await asyncio.gather(*(_state(name, check) for name, check in self._service.checks.items()))
            self._readiness = dict(zip(self._service.checks, found, strict=True))
            self._looked = time.monotonic()
        fine = all(state == "ok" for state in self._readiness.values())
        return JSONResponse({"status": "ok" if fine else "not ready", **self._readiness}, 200 if fine else 503)

    async def metrics(self, _request: Request) -> Response:
        return Response(self._metrics.text(), media_type=CONTENT_TYPE)

    async def refuse(self, _request: Request, error: Exception) -> Response:
        assert isinstance(error, CopilotError)
        self._stats.refused[error.code] = self._stats.refused.get(error.code, 0) + 1
        return _answer(error)


async def _going_on(executor: LogExecutor, thread: str) -> list[RunInfo]:
    """The runs of a conversation that have not ended, in the order in which they are executed."""
    infos = await executor.runs(_LISTED)
    return [info for info in reversed(infos) if info.thread == thread and info.status not in TERMINAL]


def _strict(request: Request) -> bool:
    """`?strict=true`: for clients that refuse what they do not know."""
    given = request.query_params.get("strict", "false")
    if given not in ("true", "false"):
        raise UsageError(f"strict is {given[:20]!r}.", hint="It is true or false.")
    return given == "true"


async def _state(name: str, check: Callable[[], Awaitable[None]]) -> str:
    try:
        async with timeout(_READY_SECONDS):
            await check()
    except asyncio.TimeoutError:
        logger.warning("%s: no answer within %g seconds", name, _READY_SECONDS)
        return "unavailable"
    except CopilotError as error:
        logger.warning("%s: %s", name, one_line(error))
        return error.code
    return "ok"


async def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it: the client has left in the middle of its request


def _answer(error: CopilotError) -> Response:
    status = _STATUS.get(error.code, 400)
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"error": error.told()}, status, headers)


__all__ = ["Service", "make_app"]
