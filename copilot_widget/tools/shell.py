"""`shell`: commands of the system's shell, for a Copilot that is given it: `Copilot(tools=[shell])`.

It is a tool like any other that a user hands over: no option of a Copilot turns it on, and `tools=` alone says what a
model may do. It asks each time, with the exact command; only approvals="auto" and what the user has allowed beforehand
go without.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

from ..errors import ToolError
from ..models.base import Json
from .base import ApprovalRequest, ToolContext, ToolResult
from .command import Command
from .function import tool
from .jsonable import cut, cut_line
from .sensitive import without_secrets

_LONGEST_SECONDS = 3_600.0
_OUTPUT_LIMIT = 12_000  # characters that the model reads
_PREVIEW_LIMIT = 2_000
_UPDATE_SECONDS = 0.1  # between two previews at first; it grows, so that an hour of output does not fill the log
_SLOWEST_UPDATE_SECONDS = 1.0
_TERMINAL = {"TERM": "dumb", "NO_COLOR": "1", "PAGER": "cat", "GIT_PAGER": "cat", "GIT_TERMINAL_PROMPT": "0"}


def _ask(given: Json) -> ApprovalRequest:
    command = str(dict(given or {}).get("command", ""))
    return ApprovalRequest(title="run a shell command", code=command, language="bash")


@tool(name="shell", title="Run command", approval=_ask, parallel=False)
async def shell(command: str, context: ToolContext, timeout: float = 120) -> AsyncIterator[ToolResult]:
    """Run a command in a shell (sh) in the user's folder. The user is asked each time.

    It gets no input, and no environment variables that look like keys. What it leaves in the background ends with it.

    Args:
        command: The command.
        timeout: Seconds after which it is ended.
    """
    if not command.strip():
        raise ToolError("The command is empty.", hint="Give one.")
    seconds = min(timeout if timeout > 0 else _LONGEST_SECONDS, _LONGEST_SECONDS)
    running = _start(command, cast("Path | None", context.deps.get("root")) or Path.cwd())
    began, size, pause = time.monotonic(), 0, _UPDATE_SECONDS
    ended = asyncio.wrap_future(running.exit_code)
    try:
        while not ended.done():
            left = began + seconds - time.monotonic()
            if left <= 0:
                raise ToolError(f"TimeoutError: ended after {seconds:g} s{_printed(running)}")
            await asyncio.wait({ended}, timeout=min(pause, left))
            if not ended.done() and running.output.size != size:
                size, pause = running.output.size, min(pause * 1.1, _SLOWEST_UPDATE_SECONDS)
                yield ToolResult({"output": cut(running.output.text(), _PREVIEW_LIMIT)}, preliminary=True)
    finally:
        running.end()
    code = ended.result()
    output = cut(running.output.text(), _OUTPUT_LIMIT)
    result: dict[str, Json] = {"exit_code": code, "output": output}
    yield ToolResult(result, {"text/plain": output + ("" if code == 0 else f"\n[exit code {code}]")})


def _start(command: str, folder: Path) -> Command:
    try:
        return Command(command, folder, {**without_secrets(os.environ), **_TERMINAL})
    except (OSError, ValueError) as error:  # ValueError: a NUL in it; OSError: the folder has gone, it is too long
        why = getattr(error, "strerror", None) or str(error)
        raise ToolError(
            f"The command could not be started in {folder}: {cut_line(why, 200)}.", hint="Correct or shorten it."
        ) from None


def _printed(running: Command) -> str:
    text = cut(running.output.text(), _PREVIEW_LIMIT)
    return f"\n\nIt printed:\n{text}" if text else ""


__all__ = ["shell"]
