"""What is known of one request to an MCP server beside its answer, and what went wrong in words.

The SDK says neither which HTTP status an answer had nor how large it was, and logs what a log should not hold. It does
hand the context of who asks on to the tasks that send: there each request of ours has its `Exchange`.
"""

from __future__ import annotations

import contextvars
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ...errors import CopilotError, one_line, redact
from ..jsonable import cut_line
from .config import McpConfig
from .process import MESSAGE_LIMIT

if TYPE_CHECKING:
    import httpx2

VALUES_LIMIT = 400_000
"""Commas of one message. Its parsing holds all threads up, and many small values take far longer than a long text."""
TOO_LARGE = f"a message of more than {MESSAGE_LIMIT // 1_000_000} MB, or of more than {VALUES_LIMIT:,} values"
UNEXPLAINED = "Server returned an error response"
"""What the SDK says of an HTTP error without an explanation that it can read."""

_READ = 20_000
"""Characters of an error that are looked at: a server may write megabytes into one."""
_LOGGERS = (
    "client", "mcp.client.client", "mcp.client.streamable_http", "mcp.shared.jsonrpc_dispatcher", "httpx2",
    "httpcore2.connection", "httpcore2.http11", "httpcore2.http2", "httpcore2.proxy", "httpcore2.socks",
)  # fmt: skip


@dataclass
class Exchange:
    """One request."""

    status: int | None = None
    """Of its answer over HTTP."""
    too_large: bool = False
    heard: float = 0.0
    """When its server last gave a sign of life, by the loop's clock."""


exchange: contextvars.ContextVar[Exchange | None] = contextvars.ContextVar("copilot_mcp_exchange", default=None)
"""Set in whatever the SDK does for us."""


async def noted(response: httpx2.Response) -> None:
    """Keep an answer's status, and bound its body; a stream of events is bounded event by event."""
    import httpx2

    ours = exchange.get() or Exchange()
    ours.status = response.status_code
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise httpx2.DecodingError("the answer is compressed, which was not asked for", request=response.request)
    events = response.headers.get("content-type", "").lower().startswith("text/event-stream")
    response.stream = _bounded(cast("Any", response.stream), ours, events)


def _bounded(stream: Any, ours: Exchange, events: bool) -> Any:
    import httpx2

    class Bounded(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = values = 0
            async for chunk in stream:
                if events and (b"\n\n" in chunk or b"\n\r\n" in chunk):  # another event
                    size = values = 0
                size += len(chunk)
                values += chunk.count(b",")
                if size > MESSAGE_LIMIT or values > VALUES_LIMIT:
                    ours.too_large = True
                    raise httpx2.StreamError(TOO_LARGE)
                yield chunk

        async def aclose(self) -> None:
            await stream.aclose()

    return Bounded()


def keep_quiet() -> None:
    """Drop what the SDK logs of our requests: addresses and session ids, and tracebacks of what we say in words."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if _of_others not in logger.filters:
            logger.addFilter(_of_others)


def _of_others(_record: logging.LogRecord) -> bool:
    return exchange.get() is None


# ---- words -----------------------------------------------------------------------------------------------


def leaf(error: BaseException | None) -> BaseException | None:
    """The first error of a group of them."""
    while error is not None and getattr(error, "exceptions", None):
        error = cast("BaseException", cast("Any", error).exceptions[0])
    return error


def reason_of(error: BaseException | None, config: McpConfig) -> str:
    """Why, without its beginning ("The MCP server …") and without keys."""
    name = type(error).__name__
    if error is None:
        return "closed the connection"
    if isinstance(error, ImportError):
        return 'needs the MCP SDK 2.3 or newer: pip install "copilot-widget[mcp]"'
    if isinstance(error, CopilotError):
        return redact(error.message, *config.secrets)
    if name in ("ConnectError", "ConnectTimeout"):
        return f"cannot be reached: nothing answers at {config.place}"
    if told := nonsense(error):
        return told
    text = str(error) if name == "MCPError" else one_line(error)
    return cut_line(redact(cut_line(text, _READ), *config.secrets), 1_000).rstrip(".")


def nonsense(error: BaseException) -> str:
    """What a server sent in place of a message of MCP, in words of ours; "" where the error is another one.

    The SDK tells it in those of its parts: whole texts of pydantic, and addresses with their queries.
    """
    text = str(error)
    if type(error).__name__ == "ValidationError" or text.startswith(("Failed to parse ", "SSE stream ended without")):
        return "sent what is no message of MCP"
    if text.startswith("Unexpected content type: "):
        kind = cut_line(text.partition(": ")[2].partition(";")[0], 80) or "no content type"
        return f"answered with {kind}, which is no message of MCP; check its address, and whether it wants a login"
    if found := re.match(r"Redirect to ([^\s?#]+)\S* not followed", text):
        return f"is at another address, {redact(found[1])}; write that into its entry, if you trust it"
    return ""


def advice(status: int) -> str:
    """What to do about an HTTP status."""
    if status in (401, 403):
        return 'Check the "headers" of its entry, and whether the key is still valid.'
    return "Try it later, or look at the server's own log."


__all__ = [
    "TOO_LARGE",
    "UNEXPLAINED",
    "VALUES_LIMIT",
    "Exchange",
    "advice",
    "exchange",
    "keep_quiet",
    "leaf",
    "nonsense",
    "noted",
    "reason_of",
]
