"""The Copilot of the executors' contract: a tool that asks before it acts, and one that hangs."""

from __future__ import annotations

import asyncio

from copilot_widget import Copilot, tool


@tool(approval=True)
def act(what: str) -> str:
    """Do something."""
    return f"did {what}"


@tool
async def hang() -> str:
    """Never return."""
    await asyncio.sleep(3600)
    return "never"


copilot = Copilot(tools=[act, hang])
