"""The Copilot that the workers of the fault suite serve: tools that act, hang, or end their process."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from copilot_widget import Copilot, tool


@tool
def act(path: str, then_die: bool = False) -> str:
    """Add a line to a file: a side effect that can be counted."""
    with Path(path).open("a") as file:
        file.write("acted\n")
    if then_die:
        os.kill(os.getpid(), signal.SIGKILL)
    return "acted"


@tool(read_only=True)
def look(path: str, then_die: bool = False) -> str:
    """Count the lines of a file; changes nothing but for the test, which counts the calls."""
    first = not Path(path).exists()
    with Path(path).open("a") as file:
        file.write("looked\n")
    if then_die and first:
        os.kill(os.getpid(), signal.SIGKILL)
    return "looked"


@tool
async def hang() -> str:
    """Say nothing for an hour."""
    await asyncio.sleep(3600)
    return "never"


@tool(read_only=True)
def poison(path: str) -> str:
    """End the worker, whichever it is."""
    with Path(path).open("a") as file:
        file.write("died\n")
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


copilot = Copilot("demo", tools=[act, look, hang, poison])
