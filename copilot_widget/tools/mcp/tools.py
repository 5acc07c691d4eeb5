"""The tools of MCP servers as tools of an agent: "search" of the server "docs" is `docs_search`.

Whether a tool only reads is what its server says (`readOnlyHint`); nobody else knows. It is believed by default, since
the user chose the server: a program that lies about a hint has the user's rights anyway, and could do its harm without
being called. A remote server has not, but it gets the arguments that the model writes. Where that is not enough,
`"approve": "always"` in its entry asks before each call. A tool that says nothing, or that it destroys, whatever else
it says, asks; the card shows the arguments as they are sent, and that the tool may delete or overwrite, unless its
server denies that.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import math
import re
import weakref
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

from ...errors import ToolError
from ...models.base import Json, ToolSchema
from ...threads import in_thread
from ..base import ApprovalRequest, Tool, ToolContext, ToolResult
from ..jsonable import cut, cut_line, safe_repr
from ..kinds import is_a
from ..running import Previews
from .config import McpGiven, read_servers
from .content import clean_text, to_result
from .server import McpServer, McpStatus, check_installed

_NAME_LENGTH = 64
_DESCRIPTION_LIMIT = 8_000
_PREVIEW_SECONDS = 0.1


class McpToolset:
    """The tools of several servers. What they list may change at any time; `tools` gives what was listed last.

    Raises UsageError for servers that cannot be, and where the SDK is missing. It ends them when it is collected.
    """

    def __init__(self, given: McpGiven = None) -> None:
        self._servers = [McpServer(config) for config in read_servers(given)]
        self._listed: list[Any] = []
        self._tools: dict[str, Tool] = {}
        if self._servers:
            check_installed()
            collected = weakref.finalize(self, _close_all, self._servers)
            collected.atexit = False  # the children's own end comes with the process's

    def tools(self) -> Mapping[str, Tool]:
        listed = [server.tools for server in self._servers]
        if listed != self._listed:
            self._tools = {tool.name: tool for tool in _named(self._servers)}
            self._listed = listed
        return self._tools

    async def ready(self) -> None:
        """Connect to the servers that have not listed their tools yet. One that cannot be is in `troubles`."""
        await asyncio.gather(*(server.ready() for server in self._servers if server.is_due))

    async def prepare(self) -> AsyncIterator[str]:
        """The same, yielding what the user should know."""
        due = [server.config.name for server in self._servers if server.is_due]
        if due:
            yield f"connecting to {', '.join(due)}"
            await self.ready()
        for trouble in self.troubles():
            yield trouble

    def troubles(self) -> list[str]:
        """Why servers are not connected, a sentence each."""
        failed = [server for server in self._servers if server.status["status"] == "failed"]
        return [f"{server.trouble} Its tools are missing." for server in failed]

    def status(self) -> dict[str, McpStatus]:
        """How each server is, by name."""
        return {server.config.name: server.status for server in self._servers}

    async def close(self) -> None:
        """End all connections; what is needed again is connected again."""
        await asyncio.gather(*(server.close() for server in self._servers))


def _close_all(servers: Sequence[McpServer]) -> None:
    for server in servers:
        server.close_soon()


class McpTool:
    """One tool of a server, as a Tool (see tools/base.py)."""

    timeout = math.inf
    """The server's own clock is kept with the call, since progress sets it back."""

    def __init__(self, server: McpServer, number: int, name: str) -> None:
        listed = server.tools[number]
        self._server = server
        self._tool = listed.name
        self.name = name
        self.title = listed.title or listed.name.replace("_", " ").replace("-", " ").strip().capitalize() or name
        self.parallel = listed.read_only
        self.read_only = listed.read_only and not server.config.ask_always
        self._may_destroy = listed.destructive
        schema: dict[str, Json] = {"type": "object", "properties": {}, **listed.input_schema}
        self.schema = ToolSchema(name, cut(listed.description, _DESCRIPTION_LIMIT), schema)

    def parse(self, text: str) -> Json:
        return parse_arguments(text, self.schema.input_schema)

    def approval(self, input: Json) -> ApprovalRequest | None:
        if self.read_only:
            return None
        arguments = json.dumps(input, ensure_ascii=False, indent=2)
        warning = ", which may delete or overwrite" if self._may_destroy else ""
        title = f"call {self._tool} of the MCP server {self._server.config.name}{warning}"
        return ApprovalRequest(title=title, code=arguments, language="json")

    async def call(self, input: Json, context: ToolContext) -> AsyncIterator[ToolResult]:
        previews = Previews()
        loop = asyncio.get_running_loop()
        last = -math.inf

        def told(text: str) -> None:
            nonlocal last
            if loop.time() - last >= _PREVIEW_SECONDS:
                last = loop.time()
                previews.put(ToolResult(clean_text(text, self._server.config.secrets), preliminary=True))

        if self._server.status["status"] != "ready":
            context.notify(f"connecting to {self._server.config.name}")
        async for result in previews.read(self._result(input, told)):
            yield result

    async def _result(self, input: Json, told: Any) -> ToolResult:
        answer = await self._server.call(self._tool, input, told)
        convert = functools.partial(to_result, answer, self._server.config.secrets)
        return await in_thread(convert, self.name)  # it may be large, and this loop serves others


def _named(servers: Sequence[McpServer]) -> list[McpTool]:
    """All tools under names that providers take and that no two share; the same each time they are listed the same.

    A plain name belongs to one server, whether it lists such a tool or not: consent to it never goes to another one's.
    """
    found: dict[str, McpTool] = {}
    prefixes = [_clean(server.config.name) + "_" for server in servers]
    for place, server in enumerate(servers):
        listed = sorted(range(len(server.tools)), key=lambda number: server.tools[number].name)
        names: dict[int, str] = {}
        for number in listed:
            whole = f"{server.config.name}_{server.tools[number].name}"
            name = _short(whole)
            fitting = [prefix for prefix in prefixes if name.startswith(prefix)]
            is_others = fitting and prefixes.index(max(fitting, key=len)) != place  # google and google_drive
            if is_others or name in found or name in names.values():
                name = _marked(whole)
            names[number] = name
        for number in range(len(server.tools)):  # in the server's order, which is often a sensible one
            found[names[number]] = McpTool(server, number, names[number])
    return list(found.values())


def _short(whole: str) -> str:
    """`whole` in letters, digits, _ and -; where it is too long, its end is a digest of it."""
    name = _clean(whole)
    return name if len(name) <= _NAME_LENGTH else _marked(whole)


def _marked(whole: str) -> str:
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return f"{_clean(whole)[: _NAME_LENGTH - 9]}_{digest}"


def _clean(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name)


# ---- arguments -------------------------------------------------------------------------------------------

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,),
    "object": (dict,), "array": (list,), "null": (type(None),),
}  # fmt: skip


def parse_arguments(text: str, schema: Mapping[str, Json]) -> Json:
    """Arguments as an object with what the schema requires, each of a type that it names; the rest is the server's to
    check. Raises ToolError in words for the model."""
    try:
        given: Any = json.loads(text, strict=False) if text.strip() else {}
        if isinstance(given, str):  # some models encode the object twice
            given = json.loads(given, strict=False)
    except (ValueError, RecursionError) as error:
        raise ToolError(f"The arguments are not valid JSON: {error}.") from None
    if not is_a(given, dict):
        raise ToolError(f"The arguments must be an object, got {cut_line(safe_repr(given, 80), 80)}.")
    fields = cast("dict[str, Any]", given)
    properties: Any = schema.get("properties")
    required: Any = schema.get("required")
    known: dict[str, Any] = properties if is_a(properties, dict) else {}
    needed: list[str] = required if is_a(required, list) else []
    wrong = [f"{name}: is required" for name in needed if name not in fields]
    for name, value in fields.items():
        if name not in known and schema.get("additionalProperties") is False:
            wrong.append(f"{name}: is not an argument of this tool")
        elif name in known:
            fields[name], fault = _checked(value, known[name])
            wrong += [f"{name}: {fault}"] if fault else []
    if wrong:
        raise ToolError("\n".join([*wrong[:10], f"Expected: {', '.join(known) or 'no arguments'}"]))
    return fields


def _checked(value: Any, schema: Any) -> tuple[Any, str]:
    """The value, and what is wrong with it. An object or list that came as its JSON text is taken out of it."""
    kinds: Any = schema.get("type") if is_a(schema, dict) else None
    names = [kinds] if isinstance(kinds, str) else kinds if is_a(kinds, list) else []
    wanted = [name for name in names if name in _TYPES]
    if not wanted or any(_fits(value, name) for name in wanted):
        return value, ""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            unpacked = json.loads(value)
        except (ValueError, RecursionError):
            unpacked = None
        if any(_fits(unpacked, name) for name in wanted):
            return unpacked, ""
    return value, f"should be {' or '.join(wanted)}, got {cut_line(safe_repr(value, 80), 80)}"


def _fits(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])


__all__ = ["McpTool", "McpToolset", "parse_arguments"]
