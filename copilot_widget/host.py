"""Where a Copilot lives: what a notebook offers that a plain program has not."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .tools.base import Tool

if TYPE_CHECKING:
    from .copilot import Copilot, Run

T = TypeVar("T")


class Host(Protocol):
    """The surroundings of a Copilot. The notebook installs its own; everywhere else it is `PlainHost`."""

    @property
    def headless(self) -> bool:
        """True where nobody can answer an approval."""
        ...

    @property
    def deps(self) -> Mapping[str, Any]:
        """Objects that tools may use, by name (ToolContext.deps)."""
        ...

    @property
    def folder(self) -> Path | None:
        """Where the user's files are, now; None where a Copilot is to have no file tools unless it is given a root."""
        ...

    @property
    def place(self) -> str | None:
        """What conversations are kept by: the notebook's path, else the working folder; None: they are not kept."""
        ...

    def recorded(self, place: str) -> Collection[str]:
        """Ids of the conversations whose record the notebook at `place` holds, as it was saved last; reads it."""
        ...

    def renamed(self, place: str, threads: Collection[str]) -> str | None:
        """What the notebook at `place` is called now, in the same folder: the one that holds a record of `threads`.
        None where it is still there, or that cannot be said."""
        ...

    @property
    def commands(self) -> Collection[str] | None:
        """Names of the slash commands that a view's composer has; None: all."""
        ...

    def tools(self) -> Sequence[Tool]:
        """Tools that every Copilot here has."""
        ...

    def mentions(
        self, prompt: str, root: Path | None, selection: Mapping[str, Any] | None = None
    ) -> list[dict[str, str]]:
        """What the @mentions of a prompt resolve to: {name, text}; files below `root`, None: the working folder;
        `selection` is what is selected in the page, {text, cell}.

        Raises UsageError for one that isn't there.
        """
        ...

    def wait(self, done: threading.Event, timeout: float | None) -> bool:
        """Wait on the calling thread, serving what tools need it for. False where the time was up first."""
        ...

    async def serve(self, awaitable: Awaitable[T]) -> T:
        """The same on an event loop of the caller's."""
        ...

    def show_run(self, run: Run) -> Any:
        """Display one run; returned is what the surroundings show in its place, where they ask for that."""
        ...

    def show_panel(self, copilot: Copilot) -> Any:
        """Display a whole conversation with its composer; returned is the like."""
        ...


class PlainHost:
    """A program without a notebook: no variables to look at, nobody to ask, text on standard output."""

    headless = True
    deps: Mapping[str, Any] = {}
    folder: Path | None = None
    place: str | None = None
    commands: Collection[str] | None = None

    def recorded(self, place: str) -> Collection[str]:
        return ()

    def renamed(self, place: str, threads: Collection[str]) -> str | None:
        return None

    def tools(self) -> Sequence[Tool]:
        return ()

    def mentions(
        self, prompt: str, root: Path | None, selection: Mapping[str, Any] | None = None
    ) -> list[dict[str, str]]:
        return []

    def wait(self, done: threading.Event, timeout: float | None) -> bool:
        return done.wait(timeout)

    async def serve(self, awaitable: Awaitable[T]) -> T:
        return await awaitable

    def show_run(self, run: Run) -> None:
        print(run.text)

    def show_panel(self, copilot: Copilot) -> None:
        print(repr(copilot))


_make: Callable[[], Host] | None = None
_host: Host | None = None


def install(make: Callable[[], Host]) -> None:
    """Say how this process's host is made; the notebook does, on first use of the package in IPython."""
    global _make, _host
    _make, _host = make, None


def host() -> Host:
    """The host of this process."""
    global _host
    if _host is None:
        _host = _make() if _make is not None else PlainHost()
    return _host
