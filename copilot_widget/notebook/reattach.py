"""After a restart the page still shows the old kernel's views. What is executed elsewhere goes on, so they do, too.

The page asks, once the extension is here: for the runs that it shows, by their ids. Those that the logs of this owner
know are followed by a new widget, whose place in the page is the old one's. Nothing is asked of a model by that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..protocol.commands import Attach
    from .magic import Extension

COMM_TARGET = "copilot_widget.commands"

_extension: Extension | None = None


def listen(extension: Extension) -> None:
    """Let the page ask. %load_ext does it: what it takes is imported when the page does ask."""
    global _extension
    _extension = extension
    kernel: Any = getattr(extension.shell, "kernel", None)
    manager = getattr(kernel, "comm_manager", None)
    if manager is None:
        return

    def opened(comm: Any, message: Any) -> None:
        from .router import router

        router(kernel).on_open(comm, message)

    manager.register_target(COMM_TARGET, opened)


def go_on(command: Attach) -> dict[str, Any]:
    """Make the widget; the runs that nobody here knows are left out, and without any no widget is made."""
    if _extension is None:
        return {"runs": []}
    from ..agents import KERNEL
    from ..copilot import Copilot, alive
    from .runs import find_runs, notice_of
    from .widget import ChatWidget

    rows = {row.info.run: row for row in find_runs(list(alive) or [Copilot()], None).rows}
    found = [rows[run] for run in command.runs if run in rows]
    if found:
        runs = [_extension.follow(row) for row in found]
        gone = notice_of(runs[-1].request, KERNEL, found[-1].info.status) or ""
        # The record beside the view was the old kernel's; no message of ours reaches that output.
        notice = f"{gone} To keep the answer in the notebook, run %copilot /runs {runs[-1].id}.".strip()
        kernel = _extension.host.kernel
        ChatWidget(runs[-1].copilot, kind=command.kind, runs=runs, notice=notice, kernel=kernel, heir=command.heir)
    return {"runs": [row.info.run for row in found]}


__all__ = ["COMM_TARGET", "go_on", "listen"]
