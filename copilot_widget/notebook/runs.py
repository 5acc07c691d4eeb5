"""`%copilot /runs`: what runs, waits or has ended, and where; and following one of them."""

from __future__ import annotations

import html
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..config import setting
from ..errors import CopilotError, UsageError
from ..runs.base import RunInfo
from ..runs.loop import start
from ..state import TERMINAL

if TYPE_CHECKING:
    from ..copilot import Copilot

_SHOWN = 20
_COLUMNS = ("question", "status", "where", "since", "run")


@dataclass(frozen=True)
class Listed:
    """A run, and the executor that has it."""

    place: str
    info: RunInfo

    @property
    def where(self) -> str:
        name = self.place if self.place in ("kernel", "process") else "workers"
        return f"{name} ({self.info.worker})" if self.info.worker and name == "workers" else name


def places(asked: str | None) -> list[str]:
    """Where runs may be, besides this kernel: what was asked for, what is set, and the pool of this machine if there
    is one."""
    found = [asked, setting("executor", env="COPILOT_EXECUTOR"), os.environ.get("COPILOT_AMQP")]
    from ..runs.process import pool_folder

    found.append("process" if pool_folder().exists() else None)
    return list(dict.fromkeys(place for place in found if place and place != "kernel"))


def find_runs(copilots: Iterable[Copilot], asked: str | None) -> list[Listed]:
    """This kernel's runs and those of other places, the newest first. Raises CopilotError for a place that was asked
    for and cannot be reached; another one is left out."""
    copilots = list(copilots)
    rows = [
        Listed("kernel", info) for copilot in copilots for info in start(copilot.executor("kernel").runs()).result()
    ]
    for place in places(asked):
        try:
            rows += [Listed(place, info) for info in start(copilots[0].executor(place).runs()).result(15)]
        except (CopilotError, TimeoutError):
            if place == asked:
                raise
    return sorted(rows, key=lambda row: -row.info.created)


def choose(rows: list[Listed], word: str) -> Listed:
    """The run whose id begins with `word`. Raises UsageError."""
    found = [row for row in rows if row.info.run.startswith(word) or row.info.run.startswith(f"run-{word}")]
    if len(found) == 1:
        return found[0]
    why = "several runs begin so" if found else "there is no such run here"
    raise UsageError(f"{word!r} names no run: {why}.", hint="%copilot /runs lists them.")


def table(rows: list[Listed]) -> dict[str, str]:
    """The list as a MIME bundle."""
    lines = [_cells(row) for row in rows[:_SHOWN]]
    if not lines:
        text = "No runs yet."
        return {"text/plain": text, "text/html": f"<p>{text}</p>"}
    how = "Follow one: %copilot /runs ID (its first letters are enough)."
    widths = [max(len(line[column]) for line in (*lines, _COLUMNS)) for column in range(len(_COLUMNS))]
    plain = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in (_COLUMNS, *lines)
    ]
    head = "".join(f'<th style="text-align:left">{name}</th>' for name in _COLUMNS)
    body = "".join(f"<tr>{''.join(_cell(text) for text in line)}</tr>" for line in lines)
    markup = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{html.escape(how)}</p>"
    return {"text/plain": "\n".join([*plain, how]), "text/html": markup}


def _cell(text: str) -> str:
    return f'<td style="text-align:left">{html.escape(text)}</td>'


def _cells(row: Listed) -> tuple[str, ...]:
    info = row.info
    since = info.created if info.status not in TERMINAL else info.updated
    return (info.prompt, info.status, row.where, _ago(time.time() - since), info.run)


def _ago(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def notice_of(request: Any, kernel: str) -> str | None:
    """What somebody who follows another kernel's run should know."""
    if request.kernel in (None, kernel):
        return None
    return "Asked by another kernel. If that one is gone, so are its variables: calls of its tools end in an error."


__all__ = ["Listed", "choose", "find_runs", "notice_of", "table"]
