"""One connection to an MCP server, by the official SDK, whose only importer this module is.

Two things are done here that the SDK leaves to its users: a child process is our own (process.py), so that
its exit code and its last words are known and its messages are bounded; and HTTP answers are bounded, and their status
is kept. What the SDK logs about a connection of ours is dropped, since it may hold addresses and session ids.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import logging
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any

from ...errors import ToolError, one_line, redact
from ...models.base import Json
from ...threads import in_thread
from ...timing import timeout
from ..jsonable import cut_line
from .config import McpConfig
from .exchange import (
    TOO_LARGE,
    UNEXPLAINED,
    VALUES_LIMIT,
    Exchange,
    advice,
    exchange,
    keep_quiet,
    leaf,
    nonsense,
    noted,
    reason_of,
)
from .listed import ListedTool, listed
from .process import MESSAGE_LIMIT, Child
from .trim import TrimmedStream

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult

_PAGES, _TOOLS = 50, 500
"""What of a server's list is read: each tool costs tokens in every request."""
_PATIENCE = 10
"""How many timeouts a call may last in all, however often progress is told."""
_IN_THREAD = 200_000
"""Bytes of a message from which on it is parsed beside the loop."""
_GARBAGE = 20
"""Lines that are no messages after which a program that has said nothing else is no MCP server."""
_AGAIN_SECONDS = 5.0
_CONNECTION_CLOSED = -32000


class LinkLostError(Exception):
    """The connection is gone. `unheard`: the server has not taken the request, so that it may be sent again."""

    def __init__(self, reason: str, *, unheard: bool = False) -> None:
        super().__init__(reason)
        self.unheard = unheard


class Link:
    """A connection. `live` opens and keeps it; calls may be made while it does."""

    def __init__(self, config: McpConfig, changed: Callable[[], None]) -> None:
        self.config = config
        self.ended = asyncio.Event()
        """Set when it is over; setting it ends it."""
        self._changed = changed
        self._client: Client | None = None
        self._child: Child | None = None
        self._calls: set[_Call] = set()
        self._exit = ""
        """How the child ended, where it did so by itself."""
        self._garbage: list[str] = []
        self._messages = 0
        self._opening = Exchange()
        self._failure: BaseException | None = None

    async def live(self, opened: Callable[[tuple[ListedTool, ...]], None]) -> None:
        """Connect, say with which tools, and stay until `ended`. Raises what went wrong: see `why`."""
        exchange.set(self._opening)
        listening: asyncio.Task[None] | None = None
        try:
            await in_thread(_load, "import mcp")  # it takes a while, and this loop serves others
            async with self._make_client() as self._client:
                opened(await self.tools())
                listening = asyncio.ensure_future(self._listen(self._client))
                await self.ended.wait()
        except BaseException as error:
            self._failure = error
            raise
        finally:
            self._client = None
            self.ended.set()
            if listening is not None:
                listening.cancel()

    async def tools(self) -> tuple[ListedTool, ...]:
        """The server's tools as they are now."""
        from mcp.types import PaginatedRequestParams

        client = self._connected()
        if client.server_capabilities.tools is None:
            return ()
        found: dict[str, ListedTool] = {}
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await client.session.list_tools(params=PaginatedRequestParams(cursor=cursor))
            for tool in page.tools:
                found.setdefault(tool.name, listed(tool))
            cursor = page.next_cursor
            if not cursor:
                break
        return tuple(found.values())[:_TOOLS]

    async def call(self, name: str, arguments: Json, progress: Callable[[str], None]) -> CallToolResult:
        """Call a tool; `progress` gets what the server tells meanwhile. Cancelling tells the server.

        Raises ToolError, or LinkLostError where the connection broke.
        """
        call = _Call(self._connected(), self.config, name, arguments, progress)
        self._calls.add(call)
        try:
            return await call.result()
        except Exception as error:
            raise await self._translated(error, call.exchange) from None
        finally:
            self._calls.discard(call)

    def why(self, error: BaseException | None = None) -> str:
        """Why there is no connection, in one sentence without its beginning, and with the server's last words."""
        error = leaf(self._failure if error is None else error)
        said = f"; its last words: {self._child.last_words}" if self._child and self._child.last_words else ""
        if self._opening.too_large:
            return f"sent {TOO_LARGE}"
        status = self._opening.status or 0
        if status >= 400:
            return f"answered HTTP {status}. {advice(status)}"
        return f"{self._exit or self._nonsense() or reason_of(error, self.config)}{said}"

    def overdue(self) -> str:
        """What to say where connecting took too long."""
        said = self._child.last_words if self._child is not None else ""
        late = f"did not answer within {self.config.connect_timeout:g} s"
        nonsense = self._nonsense()
        return f"{late}{f': it {nonsense}' if nonsense else ''}{f'; its last words: {said}' if said else ''}"

    def _nonsense(self) -> str:
        if not self._garbage:
            return ""
        first = redact(cut_line(self._garbage[0], 120), *self.config.secrets)
        return f"printed what is no MCP message ({first!r})"

    def _connected(self) -> Client:
        if self._client is None:
            raise LinkLostError("was not connected", unheard=True)
        return self._client

    async def _translated(self, error: Exception, exchange: Exchange) -> Exception:
        """An error of a call in the user's words."""
        from mcp import MCPError

        name = self.config.name
        if isinstance(error, LinkLostError) or (isinstance(error, ToolError) and not exchange.too_large):
            return error
        if exchange.too_large or TOO_LARGE in str(error) or "byte limit" in str(error):
            return ToolError(
                f"The MCP server {name!r} sent {TOO_LARGE}, which was not read.", hint="Ask it for less at a time."
            )
        if isinstance(error, MCPError) and error.code == _CONNECTION_CLOSED and error.message == "Connection closed":
            with contextlib.suppress(asyncio.TimeoutError):
                async with timeout(1.0):
                    await self.ended.wait()
            return LinkLostError(self.why())
        status, reason = exchange.status or 0, reason_of(error, self.config)
        if status in (400, 404) and (UNEXPLAINED in reason or "session" in reason.lower()):
            self.ended.set()  # the session is not known there any more, and so the call was not run
            return LinkLostError(f"does not know this session (HTTP {status})", unheard=True)
        if status >= 400:
            return ToolError(f"The MCP server {name!r} answered HTTP {status}: {reason}.", hint=advice(status))
        said = reason if nonsense(error) else f"answered with an error: {reason}"
        return ToolError(f"The MCP server {name!r} {said}.")

    # ---- the two transports --------------------------------------------------------------------------------

    def _make_client(self) -> Client:
        from importlib.metadata import version

        from mcp import Client
        from mcp.types import Implementation

        transport = self._stdio() if self.config.command else self._http()
        info = Implementation(name="copilot-widget", version=version("copilot-widget"))
        return Client(transport, client_info=info, message_handler=self._hear, cache=None)

    @contextlib.asynccontextmanager
    async def _http(self) -> AsyncGenerator[Any]:
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        client = httpx2.AsyncClient(
            # Compressed, a small answer could be a large one.
            headers={"Accept-Encoding": "identity", **self.config.headers},
            timeout=httpx2.Timeout(self.config.connect_timeout, read=None),  # calls have a clock of their own
            event_hooks={"response": [noted]},
        )
        transport = streamable_http_client(self.config.url, http_client=client, max_sse_event_size=MESSAGE_LIMIT)
        async with client, transport as (from_server, to_server):
            yield TrimmedStream(from_server), to_server

    @contextlib.asynccontextmanager
    async def _stdio(self) -> AsyncGenerator[Any]:
        import anyio
        from mcp.client.stdio import get_default_environment
        from mcp.shared.message import SessionMessage

        config = self.config
        env = {**get_default_environment(), **config.env}  # never the whole environment, which holds others' keys
        self._child = child = await Child.start(config.command, config.args, env, config.cwd, config.secrets)
        to_session, from_server = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        to_server, from_session = anyio.create_memory_object_stream[SessionMessage](0)

        async def read() -> None:
            async with to_session:
                with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                    async for line in child.lines():
                        message = await self._parsed(line)
                        if message is not None:
                            await to_session.send(SessionMessage(message))
                        elif not self._messages and len(self._garbage) >= _GARBAGE:
                            break
                    else:
                        self._exit = await child.ended(0.5)
            self.ended.set()

        async def write() -> None:
            async with from_session:
                with contextlib.suppress(OSError):  # it reads no more: its output will end, too
                    async for message in from_session:
                        text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                        await child.write(text.encode() + b"\n")

        tasks = [asyncio.ensure_future(read()), asyncio.ensure_future(write())]
        try:
            yield TrimmedStream(from_server), to_server
        finally:
            from_server.close()
            to_server.close()
            await asyncio.wait(tasks, timeout=0.2)  # what has been accepted is sent: a last cancellation
            for task in tasks:
                task.cancel()
            await child.stop()

    async def _parsed(self, line: bytes | None) -> Any:
        """The message of a line, None for a line that is none. One that is too long refuses the calls under way."""
        from mcp.types import jsonrpc_message_adapter

        if line is None or (len(line) > _IN_THREAD and line.count(b",") > VALUES_LIMIT):
            for call in list(self._calls):
                call.refuse()
            self._garbage.append(TOO_LARGE)
            return None
        if not line.strip():
            return None
        try:
            parse = functools.partial(jsonrpc_message_adapter.validate_json, line, by_name=False)
            message = await in_thread(parse, "MCP message") if len(line) > _IN_THREAD else parse()
        except ValueError:
            if len(self._garbage) < _GARBAGE:
                self._garbage.append(line[:500].decode("utf-8", "replace"))
            return None
        self._messages += 1
        return message

    # ---- what the server tells unasked -----------------------------------------------------------------------

    async def _hear(self, message: Any) -> None:
        from mcp.types import ToolListChangedNotification

        if isinstance(message, ToolListChangedNotification):
            self._changed()

    async def _listen(self, client: Client) -> None:
        """Since the protocol of 2026 news are asked for; older servers just send them (`_hear`)."""
        from mcp import MCPError
        from mcp.client.subscriptions import ListenNotSupportedError

        while not self.ended.is_set():
            try:
                async with client.listen(tools_list_changed=True) as news:
                    async for _ in news:
                        self._changed()
            except (ListenNotSupportedError, MCPError):
                return
            except Exception as error:
                logging.getLogger(__name__).debug("the news of an MCP server: %s", one_line(error))
            await asyncio.sleep(_AGAIN_SECONDS)
            self._changed()  # what was missed meanwhile


class _Call:
    """One call under way."""

    def __init__(
        self, client: Client, config: McpConfig, name: str, arguments: Json, progress: Callable[[str], None]
    ) -> None:
        self.exchange = Exchange(heard=asyncio.get_running_loop().time())
        self._config = config
        self._progress = progress
        self._task = asyncio.ensure_future(self._ask(client, name, arguments))

    def refuse(self) -> None:
        """Its answer may be the one that was too long."""
        self.exchange.too_large = True
        self._task.cancel()

    async def result(self) -> CallToolResult:
        """Raises ToolError where time is up. Cancelled, it cancels the request, of which the SDK tells the server."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        limit = self._config.timeout
        try:
            while not self._task.done():
                left = min(self.exchange.heard + limit, begun + _PATIENCE * limit) - clock()
                if left <= 0:
                    raise ToolError(
                        f"The MCP server {self._config.name!r} gave no answer within {clock() - begun:.0f} s.",
                        hint=f'The call was cancelled. A larger "timeout" in its entry waits longer than {limit:g} s.',
                    )
                await asyncio.wait({self._task}, timeout=left)
            if self.exchange.too_large:
                raise ToolError(TOO_LARGE)
            return self._task.result()
        finally:
            self._task.cancel()

    async def _ask(self, client: Client, name: str, arguments: Json) -> CallToolResult:
        """The request by itself: the SDK's `call_tool` would also check the answer against the server's schema, in
        Python on this loop, which a large answer would hold up."""
        from mcp.types import CallToolRequest, CallToolRequestParams, CallToolResult

        exchange.set(self.exchange)
        params = CallToolRequestParams(name=name, arguments=arguments)
        result = await client.session.send_request(
            CallToolRequest(params=params), _result_adapter(), progress_callback=self._tell
        )
        if not isinstance(result, CallToolResult):
            raise ToolError(
                f"{name} of the MCP server {self._config.name!r} asks back, which is not supported here.",
                hint="Give it all that it needs in the arguments.",
            )
        return result

    async def _tell(self, progress: float, total: float | None, message: str | None) -> None:
        self.exchange.heard = asyncio.get_running_loop().time()
        count = f"{progress:g} of {total:g}" if total else f"{progress:g}"
        self._progress(f"{count}: {cut_line(message, 200)}" if message else count)


# ---- the SDK ---------------------------------------------------------------------------------------------


def _load() -> None:
    """Import what a connection needs, and keep quiet what it logs about ours."""
    for name in ("mcp", "mcp.client.streamable_http", "mcp.client.subscriptions"):
        importlib.import_module(name)
    keep_quiet()


@functools.cache
def _result_adapter() -> Any:
    from mcp.types import CallToolResult, InputRequiredResult
    from pydantic import TypeAdapter

    return TypeAdapter(CallToolResult | InputRequiredResult)


__all__ = ["Link", "LinkLostError"]
