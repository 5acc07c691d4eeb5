"""Whether a cell was run with others: by Run All, as one of a selection, by opening a notebook.

No front end says so. A kernel sees when cells were asked for. A front end that asks for all at once (JupyterLab,
Notebook 7) does so within milliseconds, so the cell before or the one behind has nearly the same date. One that waits
for each cell (VS Code) asks for the next within milliseconds of its end.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

_APART = timedelta(seconds=0.1)
"""Two cells that were asked for closer than this were not run by a person, one after the other."""
_LOOK_SECONDS = 0.15
"""How long after a cell's beginning the requests behind it may come: they are on their way one by one. From JupyterLab
they took 30 ms on a busy machine; a question waits for as long."""
_POLL_SECONDS = 0.01
_LOOKS = 8
"""At the least: where each pause takes longer than it should, the requests do, too."""

RUN_ALL = "Run All does not send."
UNKNOWN = "This cell loads the extension, and others ran before it: that may be Run All, which does not send."


class CellRequests:
    """When cells were asked for, as far as that was seen. Made in the cell that loads the extension, or before any."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._previous: datetime | None = None
        self._current: datetime | None = None
        self._ended: datetime | None = None
        """When the previous cell ended."""
        self._begun = 0.0
        history = getattr(getattr(shell, "history_manager", None), "input_hist_parsed", ())
        self._is_late = len(history) > 2  # the first is no cell's, the last is the running one's
        self.begins()

    def begins(self) -> None:
        """A cell begins."""
        parent = _parent(self._kernel)
        date = parent.get("header", {}).get("date")
        self._previous, self._current = self._current, date if isinstance(date, datetime) else None
        self._begun = time.monotonic()

    def ends(self) -> None:
        """It has ended."""
        self._ended = datetime.now(timezone.utc)

    def why_not(self) -> str:
        """Why what the running cell asks is not sent; "" where a person has run it, as far as can be known."""
        current = self._current
        if current is None:
            return ""
        if self._previous is None and self._is_late:
            return UNKNOWN
        if self._previous is not None and abs(current - self._previous) < _APART:
            return RUN_ALL
        if self._ended is not None and timedelta(0) <= _aware(current) - self._ended < _APART:
            return RUN_ALL
        return RUN_ALL if self._is_followed(current) else ""

    @property
    def _kernel(self) -> Any:
        return getattr(self._shell, "kernel", None)

    def _is_followed(self, current: datetime) -> bool:
        """Whether another cell was asked for together with the running one."""
        own = _parent(self._kernel).get("header", {}).get("msg_id")
        for look in itertools.count(1):
            for header in _waiting(self._kernel):
                if header["msg_id"] != own and abs(_aware(_date(header["date"])) - _aware(current)) < _APART:
                    return True
            if look >= _LOOKS and time.monotonic() >= self._begun + _LOOK_SECONDS:
                break
            time.sleep(_POLL_SECONDS)
        return False


def _parent(kernel: Any) -> dict[str, Any]:
    try:
        return kernel.get_parent() or {}
    except Exception:  # no kernel, or ipykernel has moved it once more: there is no guard then, and no crash
        return {}


# ---- requests that wait ------------------------------------------------------------------------------------


def _waiting(kernel: Any) -> list[dict[str, Any]]:
    """Headers of the cells that the kernel was asked for and has not begun; that of the running one may be among them.

    ipykernel offers nothing for that. A version that has it elsewhere shows none.
    """
    if threading.current_thread() is not threading.main_thread():  # a cell on a subshell: the stream is not its own
        return []
    try:
        _shell_stream(kernel).flush(1)  # zmq.POLLIN: what has arrived is put in line behind the running cell
        headers = [_header(frames) for frames in _in_line(kernel)]
    except Exception:
        return []
    return [header for header in headers if header is not None]


def _shell_stream(kernel: Any) -> Any:
    """The stream that the main thread reads."""
    thread = getattr(kernel, "shell_channel_thread", None)
    return thread.manager.get_shell_channel_to_subshell_pair(None).to_stream if thread else kernel.shell_stream


def _in_line(kernel: Any) -> Iterator[list[Any]]:
    """The messages: in ipykernel 6 of a queue; from 7 on of tasks that wait for the running cell."""
    queue: Any = getattr(kernel, "msg_queue", None)
    if queue is not None:
        for _, _, arguments in list(queue._queue):
            yield from arguments[:1]
        return
    for task in asyncio.all_tasks():
        frame = getattr(task.get_coro(), "cr_frame", None)
        if frame is not None and frame.f_code.co_name.startswith("run_in_context"):
            yield from frame.f_locals["args"][-1:]


def _header(frames: list[Any]) -> dict[str, Any] | None:
    """The header of a message that asks for a cell, None of any other."""
    parts = [frame.bytes for frame in frames]
    signed = parts.index(b"<IDS|MSG>") + 1
    header = json.loads(parts[signed + 1])
    is_cell = header["msg_type"] == "execute_request" and not json.loads(parts[signed + 4]).get("silent")
    return header if is_cell else None


def _date(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _aware(date: datetime) -> datetime:
    return date if date.tzinfo is not None else date.astimezone()


__all__ = ["RUN_ALL", "UNKNOWN", "CellRequests"]
