"""`%copilot /runs`: what runs, waits or has ended, and where; and following one of them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..config import setting
from ..errors import CopilotError, UsageError
from ..runs.base import Executor, RunInfo
from ..runs.loop import start
from ..runs.places import other_pools, shown_place
from ..state import TERMINAL, RunStatus
from ..store.open import shared_store
from ..timing import timeout
from .note import Code, Note, Table, note

if TYPE_CHECKING:
    from ..copilot import Copilot
    from ..run import Run
    from .slash import Here

_SHOWN = 20
_PATIENCE_SECONDS = 8.0
"""How long one place may take to list its runs: somebody looks at the cell."""
_COLUMNS = ("question", "status", "where", "since", "run")


@dataclass(frozen=True)
class Listed:
    """A run, and the executor that has it. `place` is what --executor would be given; "" for the pool of another
    environment, which takes no questions from here."""

    place: str
    executor: Executor
    info: RunInfo

    @property
    def where(self) -> str:
        if self.place in ("kernel", "process"):
            return self.place
        if not self.place:
            return "process (other settings)"
        return f"workers ({self.info.worker})" if self.info.worker else "workers"


@dataclass(frozen=True)
class Found:
    """The newest run first; `troubles` are sentences on places that were left out."""

    rows: list[Listed]
    troubles: list[str]


def find_runs(copilots: Iterable[Copilot], asked: str | None) -> Found:
    """The runs of this kernel's Copilots and those of other places.

    Raises CopilotError for a place that was asked for and cannot be reached; others are left out.
    """
    copilots = list(copilots)
    found = Found([], [])
    for copilot in copilots:
        here = copilot.executor("kernel")
        found.rows.extend(Listed("kernel", here, info) for info in start(here.runs()).result())
    for place in _places(asked):
        try:
            executor = copilots[0].executor(place)
            found.rows.extend(Listed(place, executor, info) for info in start(_runs(executor, place)).result())
        except CopilotError as error:
            if place == asked:
                raise
            if place != "process":  # where nobody has asked for it, it is only a folder that is there
                found.troubles.append(f"Not listed: the runs at {shown_place(place)}. {error}")
    found.rows.extend(start(_of_other_pools()).result())
    found.rows.sort(key=lambda row: -row.info.created)
    return found


def _places(asked: str | None) -> list[str]:
    """Where runs may be, besides this kernel: what was asked for, what is set, and this machine's pool."""
    from ..runs.process import pool_folder

    found = [asked, setting("executor", env="COPILOT_EXECUTOR"), os.environ.get("COPILOT_AMQP")]
    found.append("process" if pool_folder().exists() else None)
    return list(dict.fromkeys(place for place in found if place and place != "kernel"))


async def _runs(executor: Executor, place: str) -> list[RunInfo]:
    try:
        async with timeout(_PATIENCE_SECONDS):
            return await executor.runs()
    except asyncio.TimeoutError:
        text = f"{shown_place(place)} did not list its runs within {_PATIENCE_SECONDS:g} s."
        raise CopilotError(text, hint="Try again.", code="unavailable") from None


async def _of_other_pools() -> list[Listed]:
    rows: list[Listed] = []
    try:
        for executor in other_pools(shared_store):
            rows.extend(Listed("", executor, info) for info in await _runs(executor, "process"))
    except CopilotError:
        pass  # left behind by another version, or conversations are kept in this process only
    return rows


def choose(rows: Sequence[Listed], word: str) -> Listed:
    """The run whose id begins with `word`, or the newest for "latest". Raises UsageError."""
    if word == "latest" and rows:
        return rows[0]
    found = [row for row in rows if row.info.run.startswith((word, f"run-{word}"))]
    if len(found) == 1:
        return found[0]
    why = "several runs begin so" if found else "there is no such run here"
    raise UsageError(f"{word!r} names no run: {why}.", hint="%copilot /runs lists them.")


def show_runs(here: Here, word: str) -> Note | Run:
    """/runs [ID]: list the runs, or follow one."""
    from ..copilot import alive

    known = {id(each): each for each in (here.copilot, *alive)}.values()
    found = find_runs(known, here.options.get("executor"))
    return here.notebook.follow(choose(found.rows, word)) if word else table(found)


def table(found: Found) -> Note:
    """The list."""
    rows = [_cells(row) for row in found.rows[:_SHOWN]]
    older = len(found.rows) - _SHOWN
    return note(
        Table(_COLUMNS, rows) if rows else "No runs yet.",
        f"{older} older ones are not shown." if older > 0 else "",
        *found.troubles,
        "Follow one: /runs ID (its first letters are enough, or: latest)." if rows else "",
    )


def _cells(row: Listed) -> tuple[str, ...]:
    info = row.info
    since = info.created if info.status not in TERMINAL else info.updated
    return (info.prompt, info.status, row.where, _ago(time.time() - since), Code(info.run))


def _ago(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def notice_of(request: Any, kernel: str, status: RunStatus) -> str | None:
    """What somebody who follows another kernel's run should know."""
    if request.kernel in (None, kernel) or status in TERMINAL:
        return None
    return (
        "Asked by another kernel. If that one was restarted or closed, its variables are gone: "
        "calls of its tools end in an error, and the run goes on."
    )


__all__ = ["Found", "Listed", "choose", "find_runs", "notice_of", "show_runs", "table"]
