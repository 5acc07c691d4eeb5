"""What the model is asked by /fix, /explain and /compact: the transcript shows the command, the model reads more."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..history import SUMMARISE, mark_of
from ..models.base import Json
from ..protocol.messages import DataPart
from ..tools.jsonable import cut
from .context import Described, as_json, within_budget
from .failure import FailedCell, failed_cell, last_exception
from .note import Note, note
from .tools import error_within

if TYPE_CHECKING:
    from ..run import Run
    from .slash import Here

_LINE = 300
"""Characters of a line in an excerpt; the one that failed gets half of it all."""

_FIX = """\
The user wants the last error fixed. It stands below as [@error]; [@cell:N] is the cell that failed, as it ran as [N].
What the user wrote after /fix, if anything, says what they want besides.
- The fix is a change of that cell. If the tool edit_cell is offered, call it once for that cell, with the cell's whole
  source as it should be: the user is shown the difference and decides. Without that tool answer with the whole
  corrected cell as one fenced code block.
- Where [@cell:N] says that parts of the cell are left out, do neither, since the rest would be lost: show the lines to
  change, as they are and as they should be.
- Change what the error needs and what the user asked for; leave everything else as it is, comments and names too.
- Where it depends on the user's data, look at it first. Don't run the cell.
- Before the change say in one or two sentences what was wrong.
- If no change of this cell can fix it (a package or a file is missing, another cell is wrong), change nothing, and say
  what to do."""

_EXPLAIN = """\
The user wants the last error explained. It stands below as [@error]; [@cell:N] is the cell that failed, as it ran as
[N]. What the user wrote after /explain, if anything, is what they want to know.
- Say first what went wrong, in words for somebody who may not know this library, then where, then why with these
  values.
- You may look at variables. Change nothing, and run nothing: explain only. End with what the user could do, as a short
  piece of code where that helps."""

_COMPACT = """\
The user wants to go on with less to read. Your answer to this message takes the place of all that was said before: in
further requests you will read nothing else of it. So write a summary for yourself that loses nothing you will need:
- what the user wants, and what they have decided or ruled out;
- what was found, with the figures, names of variables, columns, files and cells, as they were;
- what was changed or run, and what came of it; what is still open.
Write it as short Markdown lists, without an introduction. Call no tools. What the user wrote after /compact, if
anything, says what matters most to them."""


def fix(here: Here, wish: str) -> Run:
    """Ask for a change of the cell that failed last. Raises UsageError where none has."""
    return here.ask("/fix", wish, _context(here, "/fix", _FIX))


def explain(here: Here, question: str) -> Run:
    """Ask what the last error means; what acts is not allowed in this run. Raises UsageError where there is none."""
    return here.ask("/explain", question, _context(here, "/explain", _EXPLAIN), approvals="never")


def compact(here: Here, focus: str) -> Run | Note:
    """Ask for a summary in the place of the conversation so far; one request, so no tool's result is waited for."""
    turns = here.copilot.turns
    if not turns or here.copilot.forgets:
        return note("There is nothing to sum up.")
    if mark_of(turns[-1].message):
        return note("Nothing was said since the last summary.")
    instructions = [_block("/compact", _COMPACT)]
    return here.ask("/compact", focus, instructions, mark=SUMMARISE, max_steps=1)


def _context(here: Here, name: str, instructions: str) -> list[DataPart]:
    shell = here.notebook.shell
    error = last_exception()
    if error is None:
        raise UsageError(
            "No cell has failed in this session.",
            hint=f"When one fails, {name} looks at it. Nothing was sent.",
            code="no-error",
        )
    told = [as_json("@error", error_within(shell))]
    cell = failed_cell(error, shell)
    if cell is not None:
        whole = f"In [{cell.number}]:\n{cell.source}"
        told.append(Described(f"@cell:{cell.number}", whole, functools.partial(_excerpt, cell)))
    texts = within_budget(told)
    return [_block(name, instructions), *(_block(each.name, texts[each.name]) for each in told)]


def _excerpt(cell: FailedCell, characters: int) -> str:
    """The lines around the one that failed, each shortened where it is long; it says that it is no whole cell."""
    lines = cell.source.split("\n")
    at = min(max(cell.line, 1), len(lines)) - 1
    head = f"In [{cell.number}], of which parts are left out here; line {at + 1} of {len(lines):,} failed:"
    shown = [cut(lines[at], max(characters // 2, _LINE))]
    first, last, left = at, at, characters - len(head) - len(shown[0]) - 2 * _LINE
    while left > 0 and (first > 0 or last < len(lines) - 1):
        if first > 0:
            first -= 1
            shown.insert(0, cut(lines[first], _LINE))
            left -= len(shown[0]) + 1
        if left > 0 and last < len(lines) - 1:
            last += 1
            shown.append(cut(lines[last], _LINE))
            left -= len(shown[-1]) + 1
    before = [f"… [lines 1 to {first:,} are left out] …"] if first else []
    after = [f"… [lines {last + 2:,} to {len(lines):,} are left out] …"] if last < len(lines) - 1 else []
    return "\n".join([head, *before, *shown, *after])


def _block(name: str, text: str) -> DataPart:
    data: dict[str, Json] = {"name": name, "text": text}
    return DataPart(type="data-context", id=name, data=data)


__all__ = ["compact", "explain", "fix"]
