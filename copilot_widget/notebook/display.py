"""What a cell shows: the record, and after it the live widget that hides it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..past import recorded
from ..protocol.jsontext import dumps
from ..record import render
from ..runs.base import Event
from ..runs.loop import start
from ..state import TERMINAL
from .document import document
from .kept import offer_earlier
from .record_display import RecordDisplay

if TYPE_CHECKING:
    from ..copilot import Copilot
    from ..run import Run
    from .host import NotebookHost
    from .widget import Kind

_RECORD_SIZE = 40_000
"""Characters of the messages whose record stands beside a live view; it is written anew with each turn, and a front end
takes about 2 us for each character of its html, with all the page waiting. A turn is never cut, and never the last."""

_CALM = 1.0
"""Seconds after which the view of a conversation that goes on has been drawn: its record would only delay that."""

_MOST_PAGES = 3

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
        RecordDisplay(render(recorded(runs)), _threads(runs)).show()
        return
    from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

    from .widget import ChatWidget

    widget = ChatWidget(copilot, kind=kind, runs=runs, draft=draft, notice=notice, options=options, kernel=host.kernel)
    view = {WIDGET_VIEW: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}}
    if host.is_app:  # its page is made anew for each visitor: there is no file for a record
        display(view, raw=True)
        return
    # As long as no live view stands beside it, it is laid out: a long one would be for seconds.
    record = RecordDisplay(_bundle(runs, size=0), _threads(runs))
    keeper = _Keeper(widget, record)
    record.show()
    display(view, raw=True)
    for run in runs:
        keeper.watch(run)
    widget.on_run.append(keeper.watch)
    widget.on_page.append(keeper.catch_up)
    host.shown.add(host.kernel.get_parent(), keeper.close)
    offer_earlier(copilot, widget, kind)


class _Keeper:
    """Sets the record anew at the end of each turn of a widget, and where one waits for an answer."""

    def __init__(self, widget: Any, record: RecordDisplay) -> None:
        self._widget = widget
        self._record = record
        self._pause = _CALM if len(widget.runs) > 1 else 0.0
        self._is_due = self._is_at_it = False  # both on the agent's loop alone
        self._followed: dict[str, Callable[[], None]] = {}
        self._is_closed = False

    def close(self) -> None:
        """Nobody sees them any more; the runs go on."""
        self._is_closed = True
        self._widget.close()
        for unlisten in list(self._followed.values()):
            unlisten()

    def watch(self, run: Run) -> None:
        def follow(event: Event) -> None:
            if run.status in TERMINAL:
                over()
                start(self._set())
            elif event["chunk"]["type"] == "tool-approval-request":
                start(self._set())

        def over() -> None:
            unlisten()
            self._followed.pop(run.id, None)

        unlisten = self._followed[run.id] = run.feed.listen(follow)
        if run.status in TERMINAL:
            over()
            start(self._set())

    def catch_up(self, page: str) -> None:
        """Let a page that was loaded later have the record as it is now: it may have been set meanwhile."""
        record = {"data": self._record.bundle, "metadata": self._record.metadata}
        request = document().hand_over(page, {"op": "record", "record": record}, lambda _: None)
        self._widget.send_to_pages(request)

    def _late_pages(self) -> list[str]:
        """Those that know nothing of the record's display id; the last few: others have gone."""
        pages = self._widget.pages
        return sorted(list(pages)[1:], key=lambda page: -pages[page])[:_MOST_PAGES]

    async def _set(self) -> None:
        """Once for all that has happened since the last time began."""
        self._is_due = True
        if self._is_at_it:
            return
        self._is_at_it = True
        try:
            await asyncio.sleep(self._pause)
            self._pause = 0.0
            while self._is_due and not self._is_closed:
                self._is_due = False
                runs = self._widget.runs
                # Rendering takes tens of milliseconds for a long turn; other runs stream on meanwhile.
                self._record.update(await asyncio.to_thread(_bundle, runs), _threads(runs))
                for page in self._late_pages():
                    self.catch_up(page)
        finally:
            self._is_at_it = False


def _bundle(runs: Sequence[Run], size: int = _RECORD_SIZE) -> dict[str, str]:
    """The record of the last runs, as many as `size` allows."""
    first = len(runs)
    while first > 0 and (size > 0 or first == len(runs)):
        first -= 1
        size -= sum(len(dumps(message.to_wire())) for message in (runs[first].prompt, runs[first].message))
    return render(recorded(runs, first), beside=True, earlier=first)


def _threads(runs: Sequence[Run]) -> list[str]:
    """The conversations that are kept."""
    return list(dict.fromkeys(run.request.thread for run in runs if run.copilot.keeping.place is not None))


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
