"""The notebook as a Copilot's host."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Awaitable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..tools.base import Tool
from .capture import ToolCapture
from .kernel import MainThread, is_headless
from .shown import Shown

if TYPE_CHECKING:
    from ..copilot import Copilot
    from ..run import Run
    from .completion import Surroundings

T = TypeVar("T")


class NotebookHost:
    """IPython's shell: its variables, its main thread, its displays."""

    is_app = False
    """Whether those who see the page are visitors, to whom the notebook does not belong."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.main_thread = MainThread(shell)
        self.shown = Shown()
        self._tools: list[Tool] | None = None

    @property
    def headless(self) -> bool:
        return is_headless(self.shell)

    @property
    def kernel(self) -> Any:
        """The ipykernel, or None in a terminal."""
        return getattr(self.shell, "kernel", None)

    @property
    def deps(self) -> Mapping[str, Any]:
        capture = functools.partial(ToolCapture, self.shell)
        return {"shell": self.shell, "main_thread": self.main_thread, "capture": capture}

    @property
    def folder(self) -> Path | None:
        """The kernel's working folder, which front ends set to the notebook's; the whole disk is nobody's."""
        try:
            here = Path.cwd()
        except OSError:  # it has been deleted
            return None
        return here if here != Path(here.anchor) else None

    @property
    def place(self) -> str | None:
        return notebook_path(self.shell.user_ns) or str(self.folder or "") or None

    def recorded(self, place: str) -> Collection[str]:
        from .record_display import threads_in

        return threads_in(place)

    def renamed(self, place: str, threads: Collection[str]) -> str | None:
        from .record_display import renamed

        return renamed(place, threads)

    @property
    def commands(self) -> Collection[str] | None:
        return None

    def tools(self) -> Sequence[Tool]:
        if self._tools is None:
            from .tools import notebook_tools

            self._tools = notebook_tools(self.shell, self.main_thread)
        return self._tools

    def mentions(
        self, prompt: str, root: Path | None, selection: Mapping[str, Any] | None = None
    ) -> list[dict[str, str]]:
        from .context import Selection, resolve_mentions

        selected = Selection(**selection) if selection is not None else None
        return resolve_mentions(prompt, self.shell.user_ns, self.shell, root, selection=selected)

    def surroundings(self, copilot: Copilot | None, *, options: bool = False) -> Surroundings:
        """What a prompt can name: in a cell, where it has `options`, or in a composer, where there is a selection."""
        from .completion import Surroundings

        def models() -> list[str]:
            from ..models.detect import known

            return list(dict.fromkeys([*([copilot.model_info.name] if copilot is not None else []), *known()]))

        return Surroundings(
            namespace=self.shell.user_ns,
            hidden=self.shell.user_ns_hidden,
            root=(copilot.root if copilot is not None else None) or self.folder,
            models=models,
            options=options,
            selection=not options,
            error=_last_error(),
        )

    def wait(self, done: threading.Event, timeout: float | None) -> bool:
        return self.main_thread.serve_until(done, timeout)

    async def serve(self, awaitable: Awaitable[T]) -> T:
        return await self.main_thread.serve(awaitable)

    def show_run(self, run: Run, notice: str | None = None) -> None:
        from .display import show

        show(self, run.copilot, "turn", [run], notice=notice)

    def show_panel(self, copilot: Copilot) -> None:
        from .display import show

        show(self, copilot, "panel", copilot.turns)


class AppHost(NotebookHost):
    """Voilà, whose pages are for visitors. They get the tools that the notebook's author gives a Copilot, and none that
    reads the kernel's variables or the server's files, or runs code there; no commands, so no other model, and no
    conversation but their own.

    nbclient executes the cells, before there is a page: a run that asks waits for it.
    """

    is_app = True

    @property
    def headless(self) -> bool:
        return False

    @property
    def folder(self) -> Path | None:
        return None

    @property
    def place(self) -> str | None:
        return None

    @property
    def commands(self) -> Collection[str]:
        return ()

    def tools(self) -> Sequence[Tool]:
        from ..tools.ask_user import ask_user

        return [ask_user]

    def mentions(
        self, prompt: str, root: Path | None, selection: Mapping[str, Any] | None = None
    ) -> list[dict[str, str]]:
        return []

    def surroundings(self, copilot: Copilot | None, *, options: bool = False) -> Surroundings:
        from .completion import Surroundings

        return Surroundings(commands={}, cells=False)


def host_of(shell: Any) -> NotebookHost:
    """The host for this shell: Voilà tells its kernels where its pages are."""
    return AppHost(shell) if "VOILA_BASE_URL" in os.environ else NotebookHost(shell)


def _last_error() -> str:
    from .describe import summary_of
    from .failure import last_exception

    error = last_exception()
    return summary_of("error", error) if error is not None else ""


def notebook_path(namespace: Mapping[str, Any]) -> str | None:
    """The notebook's absolute path, as the front end that started the kernel has told it; None where none has."""
    told = (
        namespace.get("__vsc_ipynb_file__"),  # VS Code
        namespace.get("__session__"),  # ipykernel, from the variable below
        os.environ.get("JPY_SESSION_NAME"),  # Jupyter Server
    )
    for path in told:
        if isinstance(path, str) and path.strip():
            try:
                return str(Path(path).absolute())
            except OSError:  # a relative one, and the working folder has been deleted
                return None
    return None
