"""Helpers of the tests of MCP: servers by name, and calls of their tools as an agent makes them."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from copilot_widget.tools.base import ToolContext, ToolResult
from copilot_widget.tools.mcp.tools import McpToolset

REPOSITORY = Path(__file__).parent.parent
NODE_BIN = REPOSITORY / "js" / "node_modules" / ".bin"
BIN = Path(sys.executable).parent


def everything(**fields: Any) -> dict[str, Any]:
    """The reference server that uses all of the protocol."""
    return {"command": str(NODE_BIN / "mcp-server-everything"), **fields}


def files(*folders: Path) -> dict[str, Any]:
    return {"command": str(NODE_BIN / "mcp-server-filesystem"), "args": [str(folder) for folder in folders]}


def clock(**fields: Any) -> dict[str, Any]:
    """mcp-server-time, which speaks the protocol's newest version."""
    return {"command": str(BIN / "mcp-server-time"), "args": ["--local-timezone", "Europe/Berlin"], **fields}


def git(repository: Path) -> dict[str, Any]:
    return {"command": str(BIN / "mcp-server-git"), "args": ["--repository", str(repository)]}


def bad(name: str, **fields: Any) -> dict[str, Any]:
    return {"command": sys.executable, "args": [str(REPOSITORY / "tests" / "bad_mcp.py"), name], **fields}


def config(**servers: Any) -> dict[str, Any]:
    return {"mcpServers": servers}


@contextlib.asynccontextmanager
async def toolset(**servers: Any) -> AsyncIterator[McpToolset]:
    """The servers, connected, and ended afterwards."""
    made = McpToolset(config(**servers))
    try:
        await made.ready()
        yield made
    finally:
        await made.close()


async def outputs(tools: McpToolset, name: str, **given: Any) -> list[ToolResult]:
    """All results of a call, the preliminary ones first."""
    tool = tools.tools()[name]
    results = tool.call(tool.parse(json.dumps(given)), ToolContext("c1", "r1"))
    return [result async for result in results]


async def result(tools: McpToolset, name: str, **given: Any) -> ToolResult:
    return (await outputs(tools, name, **given))[-1]


def children_of(pid: int) -> Iterator[int]:
    """Processes whose parent is `pid`, and theirs."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        yield from (child.pid for child in psutil.Process(pid).children(recursive=True))


def lives(pid: int) -> bool:
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
