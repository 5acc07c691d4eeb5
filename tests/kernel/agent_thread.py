"""Runs inside a test's kernel: tools called from a thread with a loop of its own, as the agent calls them."""

from __future__ import annotations

import asyncio
import functools
import json
import threading
import time
from typing import Any

from IPython import get_ipython  # pyright: ignore[reportPrivateImportUsage]

from copilot_widget.notebook.capture import ToolCapture
from copilot_widget.notebook.kernel import MainThread
from copilot_widget.notebook.tools import notebook_tools
from copilot_widget.tools.base import ToolContext

shell: Any = get_ipython()
main = MainThread(shell)
tools = {tool.schema.name: tool for tool in notebook_tools(shell, main)}
loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, name="agent", daemon=True).start()
calls: dict[str, Call] = {}


class Call:
    """One tool call; its times are seconds on the clock `time.time`."""

    def __init__(self, key: str, tool: Any, input: dict[str, Any]) -> None:
        self.notes: list[str] = []
        self.previews: list[Any] = []
        self.output: Any = None
        self.display: Any = None
        self.error = ""
        self.began = time.time()
        self.ended = 0.0
        self.done = threading.Event()
        calls[key] = self
        self._future = asyncio.run_coroutine_threadsafe(self._run(tool, input), loop)

    async def _run(self, tool: Any, input: dict[str, Any]) -> None:
        deps = {"shell": shell, "main_thread": main, "capture": functools.partial(ToolCapture, shell)}
        context = ToolContext("c1", "r1", deps, self.notes.append)
        try:
            async for result in tool.call(tool.parse(json.dumps(input)), context):
                if result.preliminary:
                    self.previews.append(result.output)
                else:
                    self.output, self.display = result.output, result.display
        except asyncio.CancelledError:
            self.error = "cancelled"
            raise
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self.ended = time.time()
            self.done.set()

    def stop(self) -> None:
        self._future.cancel()

    def report(self) -> dict[str, Any]:
        kept = ("notes", "previews", "output", "error", "began", "ended")
        report: dict[str, Any] = {name: getattr(self, name) for name in kept}
        report["display"] = [sorted(bundle) for bundle in self.display or []]
        report["done"] = self.done.is_set()
        return report


def call(tool: Any, key: str = "", **input: Any) -> Call:
    """Start a call, by the name of one of the notebook's tools or with any tool."""
    found = tools[tool] if isinstance(tool, str) else tool
    return Call(key or found.schema.name, found, input)


def later(seconds: float, function: Any) -> None:
    """Do something in a while, whatever the main thread does then."""
    threading.Timer(seconds, function).start()
