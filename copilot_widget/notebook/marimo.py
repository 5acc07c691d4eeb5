"""marimo as a Copilot's host: its kernel has no IPython, its page no widget manager of Jupyter's.

A notebook that is edited has a process of its own, whose main thread runs the cells; its variables can be looked at.
In an app (`marimo run`) all visitors share one process, as threads, and none of them is its author: no variables, no
files, no commands, nothing kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

from .. import host
from ..errors import UsageError
from ..tools.ask_user import ask_user
from ..tools.base import Tool
from .call import Call, keep
from .kernel import MainThread
from .tools import variable_tools

if TYPE_CHECKING:
    from ..copilot import Copilot
    from ..run import Run
    from .completion import Surroundings
    from .widget import ChatWidget, Kind

T = TypeVar("T")


def attach() -> None:
    """Make marimo the host, where this is a notebook or an app of its; a script has nobody to ask."""
    marimo = sys.modules["marimo"]
    context = _context() if marimo.running_in_notebook() else None
    if context is not None and marimo.app_meta().mode in ("edit", "run"):
        editing = marimo.app_meta().mode == "edit"
        if editing:
            # What keeps conversations imports it in a thread. But after each cell marimo looks for it in sys.modules
            # and imports a part of it, and of two threads in the middle of one package Python fails one.
            importlib.import_module("sqlalchemy")
        made = MarimoHost(Between(context) if editing else None, context.globals if editing else {})
        host.install(lambda: made)


def _context() -> Any:
    """marimo's own idea of where this thread is: it has no public name."""
    with contextlib.suppress(Exception):
        from marimo._runtime.context import get_context  # pyright: ignore

        return get_context()  # pyright: ignore
    return None


class Between(MainThread):
    """The main thread of a notebook that is edited, between cells. Make it there, while marimo's loop runs."""

    def __init__(self, context: Any) -> None:
        super().__init__()
        self._context = context
        self._loop = asyncio.get_running_loop()

    def submit(self, function: Callable[[], Any]) -> Call:
        call = super().submit(function)
        self._loop.call_soon_threadsafe(lambda: keep(self._patient_turn()))
        return call

    def in_cell(self) -> bool:
        return self._context.execution_context is not None


class MarimoHost:
    """`main_thread` and `variables` are those of a notebook that is edited; an app has none."""

    def __init__(self, main_thread: MainThread | None, variables: Mapping[str, Any]) -> None:
        self.main_thread = main_thread
        self.variables = variables
        self._tools: list[Tool] | None = None
        self._widgets: list[ChatWidget] = []

    headless = False

    @property
    def deps(self) -> Mapping[str, Any]:
        return {"main_thread": self.main_thread} if self.main_thread is not None else {}

    @property
    def folder(self) -> Path | None:
        """The notebook's, where it is edited; the whole disk is nobody's."""
        file = self.place
        here = Path(file).parent if file is not None else None
        return here if here is not None and here != Path(here.anchor) else None

    @property
    def place(self) -> str | None:
        file = self.variables.get("__file__")
        return str(Path(file).absolute()) if isinstance(file, str) else None

    def recorded(self, place: str) -> Collection[str]:
        return ()  # its notebooks hold code only

    def renamed(self, place: str, threads: Collection[str]) -> str | None:
        return None

    @property
    def commands(self) -> Collection[str]:
        """Without those of IPython's last error, and of cells that ask."""
        if self.main_thread is None:
            return ()
        from .slash import BY_NAME

        return BY_NAME.keys() - {"fix", "explain", "runs", "import"}

    def tools(self) -> Sequence[Tool]:
        """Those that look. None runs code: what it defined would be unknown to marimo's graph of cells."""
        if self._tools is None:
            self._tools = [*variable_tools(self._shell), ask_user] if self.main_thread is not None else [ask_user]
        return self._tools

    def mentions(
        self, prompt: str, root: Path | None, selection: Mapping[str, Any] | None = None
    ) -> list[dict[str, str]]:
        if self.main_thread is None:
            return []
        from .context import find_mentions, resolve_mentions

        strange = [each.name for each in find_mentions(prompt) if each.kind in ("cell", "error")]
        if strange and strange[0].lstrip("@") not in self.variables:
            raise UsageError(
                f"{strange[0]} cannot be mentioned in marimo, whose cells have no numbers and keep no last error.",
                hint="Mention variables and files, or paste the text.",
            )
        return resolve_mentions(prompt, self.variables, self._shell, root or self.folder)

    def surroundings(self, copilot: Copilot | None) -> Surroundings:
        """What a prompt in a composer can name."""
        from .completion import Surroundings
        from .slash import offered

        if self.main_thread is None:
            return Surroundings(commands={}, cells=False)
        return Surroundings(
            namespace=self.variables,
            commands={f"/{command.name}": command.summary for command in offered()},
            root=(copilot.root if copilot is not None else None) or self.folder,
            cells=False,
        )

    @property
    def _shell(self) -> Any:
        return SimpleNamespace(user_ns=self.variables, user_ns_hidden={})

    def wait(self, done: threading.Event, timeout: float | None) -> bool:
        return self.main_thread.serve_until(done, timeout) if self.main_thread is not None else done.wait(timeout)

    async def serve(self, awaitable: Awaitable[T]) -> T:
        return await (self.main_thread.serve(awaitable) if self.main_thread is not None else awaitable)

    # ---- views -----------------------------------------------------------------------------------------

    def show_run(self, run: Run) -> ChatWidget:
        return self._view(run.copilot, "turn", [run])

    def show_panel(self, copilot: Copilot) -> ChatWidget:
        return self._view(copilot, "panel", copilot.runs)

    def _view(self, copilot: Copilot, kind: Kind, runs: Sequence[Run]) -> ChatWidget:
        from .kept import offer_earlier
        from .widget import ChatWidget

        self._sweep()
        widget = ChatWidget(copilot, kind=kind, runs=runs, whole=True)
        self._widgets.append(widget)
        if self.main_thread is not None:  # in an app it may be another visitor's
            offer_earlier(copilot, widget, kind)
        return widget

    def _sweep(self) -> None:
        """marimo closes the comm of a widget whose cell runs again, and tells nobody: such a view follows no more."""
        for widget in self._widgets:
            if getattr(widget.comm, "_closed", False):
                widget.close()
        self._widgets = [widget for widget in self._widgets if widget.comm is not None]


__all__ = ["MarimoHost", "attach"]
