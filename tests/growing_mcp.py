"""A server by the official SDK, in the protocol's newest version, whose tool adds another."""

from __future__ import annotations

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("growing")


def grown() -> str:
    return "grown done"


@server.tool()
async def grow(context: Context) -> str:
    server.add_tool(grown)
    await context.notify_tools_changed()
    return "grow done"


if __name__ == "__main__":
    server.run()
