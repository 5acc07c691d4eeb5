"""One MCP server over time: connected when it is first needed, and again after it was lost.

Its connection lives on the loop that first needed it, the agent's; a call from another loop is taken there. The tools
that it listed are kept when it is lost, so that the next call brings it back, or says why it cannot.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from ...errors import ToolError, UsageError
from ...models.base import Json
from ...timing import timeout
from .config import McpConfig
from .connection import Link, LinkLostError
from .listed import ListedTool

if TYPE_CHECKING:
    from mcp.types import CallToolResult

T = TypeVar("T")

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds before the next attempt, after the first failure and after many; they double in between."""
_WAITED_FOR = 5.0
"""A call waits that long for the next attempt, and says so where it is later."""


class McpStatus(TypedDict):
    """How a server is: for people."""

    status: str
    """idle (not needed yet), connecting, ready, lost (connected anew when needed), or failed."""
    tools: int
    error: str
    """Why it is lost or failed; "" otherwise."""


class McpServer:
    """One server. `ready` and `call` connect where that is needed."""

    def __init__(self, config: McpConfig) -> None:
        self.config = config
        self.tools: tuple[ListedTool, ...] = ()
        """What it listed last."""
        self.trouble = ""
        """Why it is not connected, as a sentence; "" where it is, or has not been needed."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._link: Link | None = None
        self._life: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[Link] | None = None
        self._refresh: asyncio.Task[None] | None = None
        self._failures = 0
        self._not_before = 0.0
        self._answered = False

    @property
    def status(self) -> McpStatus:
        if self._link is not None and not self._link.ended.is_set():
            status = "ready"
        elif self._opened is not None and not self._opened.done():
            status = "connecting"
        elif self.trouble:
            status = "lost" if self.tools else "failed"
        else:
            status = "idle"
        return {"status": status, "tools": len(self.tools), "error": self.trouble}

    @property
    def is_due(self) -> bool:
        """Whether its tools are not known, and asking for them was not in vain just now."""
        status = self.status["status"]
        return status in ("idle", "connecting") or (status == "failed" and time.monotonic() >= self._not_before)

    async def ready(self) -> None:
        """Connect. What goes wrong is kept as `trouble`, not raised."""
        await self._at_home(self._ready)

    async def call(self, tool: str, arguments: Json, told: Callable[[str], None]) -> CallToolResult:
        """Call a tool; `told` gets what the server says meanwhile, on the server's loop. Raises ToolError."""
        return await self._at_home(lambda: self._call(tool, arguments, told))

    async def close(self) -> None:
        """End it; it connects again where it is needed again."""
        if self._life is not None:
            await self._at_home(self._close)

    def close_soon(self) -> None:
        """The same from any thread, without waiting."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._end)

    # ---- on its own loop -----------------------------------------------------------------------------------

    async def _at_home(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        here = asyncio.get_running_loop()
        if self._loop is None or not self._loop.is_running():
            self._loop, self._life, self._link, self._opened = here, None, None, None
        if self._loop is here:
            return await work()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), self._loop))

    async def _ready(self) -> None:
        try:
            await self._linked()
        except ToolError:
            logger.warning("%s", self.trouble)

    async def _call(self, tool: str, arguments: Json, told: Callable[[str], None]) -> CallToolResult:
        for attempt in (1, 2):
            link = await self._linked()
            try:
                result = await link.call(tool, arguments, told)
            except LinkLostError as lost:
                await self._wait_for_end()
                if lost.unheard and attempt == 1:
                    continue
                self.trouble = self._sentence(str(lost))
                raise ToolError(
                    self.trouble,
                    hint="Whether the call had its effect is not known. The next call connects to the server again.",
                ) from None
            self._answered, self._failures = True, 0
            return result
        raise AssertionError("the second attempt returns or raises")

    async def _linked(self) -> Link:
        """The connection, made where there is none. Raises ToolError."""
        if self._link is not None and self._link.ended.is_set():
            await self._wait_for_end()
        if self._opened is None:
            await self._pause()
        if self._opened is None:  # nobody was quicker meanwhile
            self._opened = asyncio.get_running_loop().create_future()
            self._life = asyncio.ensure_future(self._live(self._opened))
        return await asyncio.shield(self._opened)

    async def _pause(self) -> None:
        left = self._not_before - time.monotonic()
        if left > _WAITED_FOR:
            raise ToolError(
                f"{self.trouble} It was tried {self._failures} times.",
                hint=f"It is tried again in {left:.0f} s, with the next call.",
            )
        if left > 0:
            await asyncio.sleep(left)

    async def _live(self, opened: asyncio.Future[Link]) -> None:
        """One connection, from its opening to its end."""
        link = Link(self.config, self._changed)
        self._answered = False

        def settle(tools: tuple[ListedTool, ...]) -> None:
            late.cancel()
            self.tools, self.trouble, self._link = tools, "", link
            opened.set_result(link)

        def overdue() -> None:
            self._fail(opened, link.overdue())
            self._not_before = time.monotonic() + _LONGEST_PAUSE  # asking took long enough
            life.cancel()

        life = asyncio.ensure_future(link.live(settle))
        late = asyncio.get_running_loop().call_later(self.config.connect_timeout, overdue)
        try:
            await asyncio.wait({life})
            error = None if life.cancelled() else life.exception()
            if not opened.done() or error is not None:
                self._fail(opened, link.why(error))
            elif self._link is not None and not self._answered:
                self._count()
        finally:
            late.cancel()
            life.cancel()
            await asyncio.wait({life})
            if not opened.done():
                self._fail(opened, "was ended")
            self._link = self._opened = None

    def _fail(self, opened: asyncio.Future[Link], reason: str) -> None:
        self.trouble = self._sentence(reason)
        if opened.done():
            if not self._answered:
                self._count()
            return
        self._count()
        opened.set_exception(ToolError(self.trouble, hint="Check its entry, or start it by hand to see what it says."))
        opened.exception()  # who waited may have been stopped

    def _count(self) -> None:
        self._failures += 1
        pause = min(_FIRST_PAUSE * 2 ** min(self._failures - 1, 10), _LONGEST_PAUSE)
        self._not_before = time.monotonic() + pause

    def _sentence(self, reason: str) -> str:
        return f"The MCP server {self.config.name!r} ({self.config.place}) {reason.rstrip('.')}."

    # ---- its end, and its news --------------------------------------------------------------------------------

    async def _wait_for_end(self) -> None:
        if self._life is not None:
            await asyncio.wait({self._life})

    async def _close(self) -> None:
        self._end()
        await self._wait_for_end()

    def _end(self) -> None:
        if self._link is not None:
            self._link.ended.set()
        elif self._life is not None:
            self._life.cancel()

    def _changed(self) -> None:
        """Its tools are others now: list them anew, once for many such news."""
        if self._refresh is None or self._refresh.done():
            self._refresh = asyncio.ensure_future(self._list_anew())

    async def _list_anew(self) -> None:
        await asyncio.sleep(0.05)  # such news come in bursts
        link = self._link
        if link is None:
            return
        try:
            async with timeout(self.config.timeout):
                self.tools = await link.tools()
        except Exception as error:
            logger.warning("%s", self._sentence(f"did not list its tools anew: {link.why(error)}"))


def check_installed() -> None:
    """Raises UsageError where the SDK is missing. It is looked for, not imported."""
    from importlib.util import find_spec

    if find_spec("mcp") is None:
        raise UsageError("MCP servers need the MCP SDK.", hint='Install it: pip install "copilot-widget[mcp]".')


__all__ = ["McpServer", "McpStatus", "check_installed"]
