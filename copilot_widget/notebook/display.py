"""What a cell shows: the record, and after it the live widget that hides it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..past import recorded
from ..record import render
from ..runs.base import Event
from ..runs.loop import start
from ..state import TERMINAL
from .kept import offer_earlier
from .record_display import RecordDisplay

if TYPE_CHECKING:
    from ..copilot import Copilot
    from ..run import Run
    from .host import NotebookHost
    from .widget import Kind

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def show(
    host: NotebookHost,
    copilot: Copilot,
    kind: Kind,
    runs: Sequence[Run],
    *,
    draft: str | None = None,
    notice: str | None = None,
    options: dict[str, Any] | None = None,
) -> None:
    """Display turns below the cell, live where somebody watches; headless, wait for them and keep the record only."""
    if host.kernel is None:
        _print(runs)
        return
    if host.headless:
        for run in runs:
            run.wait()
        RecordDisplay(_bundle(runs, beside=False)).show()
        return
    from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

    from .widget import ChatWidget

    widget = ChatWidget(copilot, kind=kind, runs=runs, draft=draft, notice=notice, options=options, kernel=host.kernel)
    view = {WIDGET_VIEW: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}}
    if host.is_app:  # its page is made anew for each visitor: there is no file for a record
        display(view, raw=True)
        return
    record = RecordDisplay(_bundle(runs, beside=True))
    keeper = _Keeper(widget, record)
    for run in runs:
        keeper.watch(run)
    widget.on_run.append(keeper.watch)
    record.show()
    display(view, raw=True)
    offer_earlier(copilot, widget, kind)


class _Keeper:
    """Sets the record anew at the end of each turn of a widget, and where one waits for an answer."""

    def __init__(self, widget: Any, record: RecordDisplay) -> None:
        self._widget = widget
        self._record = record

    def watch(self, run: Run) -> None:
        def follow(event: Event) -> None:
            if run.status in TERMINAL:
                unlisten()
                start(self._set())
            elif event["chunk"]["type"] == "tool-approval-request":
                start(self._set())

        unlisten = run.feed.listen(follow)
        if run.status in TERMINAL:
            unlisten()
            start(self._set())

    async def _set(self) -> None:
        # Rendering takes tens of milliseconds for a long turn; other runs stream on meanwhile.
        bundle = await asyncio.to_thread(_bundle, self._widget.runs, beside=True)
        self._record.update(bundle)


def _bundle(runs: Sequence[Run], *, beside: bool) -> dict[str, str]:
    return render(recorded(runs), beside=beside)


def _print(runs: Sequence[Run]) -> None:
    """In a terminal: the text, as it comes."""
    for run in runs:
        for event in run.events():
            chunk = event["chunk"]
            if chunk["type"] == "text-delta":
                print(chunk["delta"], end="", flush=True)
            elif chunk["type"] == "text-end":
                print("\n", flush=True)
            elif chunk["type"] == "tool-input-available":
                print(f"· {chunk['toolName']}", flush=True)
        if run.error is not None:
            print(run.error)
