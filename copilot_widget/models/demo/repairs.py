"""/fix: a change of the cell that failed, where a rule is sure of it. /compact: what was said, in lines."""

from __future__ import annotations

import ast
import json
import re
from typing import Any, cast

from .failure_rules import advise
from .failures import Failure, failure_of, headline, last_failure
from .tables import code
from .turn import Turn

_CELL = re.compile(r"\A@cell:(\d+)\Z")
_IN = re.compile(r"\AIn \[\d+\]:\n")
_MAX_TURNS, _MAX_LINE = 30, 200


def given_failure(turn: Turn) -> Failure | None:
    """The error that came with the command, or the one that the tool tells."""
    try:
        data: Any = json.loads(turn.contexts.get("@error", ""))
    except ValueError:
        data = None
    return failure_of(cast("dict[str, Any]", data)) if isinstance(data, dict) else last_failure(turn)


def fix(turn: Turn) -> str:
    """The answer to /fix: a call of edit_cell where it is offered, else the corrected cell."""
    failure = given_failure(turn)
    if failure is None:
        return "There is no error: nothing has failed in this session yet."
    advice = advise(failure, turn)
    said = f"{headline(failure)}\n\n{advice.text}"
    number, source = _failed_cell(turn)
    if advice.label == "Run" and advice.fixed:
        return f"{said}\n\nNo change of the cell can mend that. Run this, then the cell again:\n\n{code(advice.fixed)}"
    changed = corrected(source, failure, advice.fixed) if advice.fixed and source else ""
    if not changed:
        return f"{said}\n\nI have no rule that is sure of a change here, so I leave the cell as it is."
    if number is None or not turn.offers("edit_cell"):
        return f"{said}\n\nThe whole cell, corrected:\n\n{code(changed)}"
    done = turn.call("edit_cell", {"cell": f"[{number}]", "source": changed}, said + "\n\n")
    if done.denied:
        return f"You denied the change, so cell [{number}] is as it was."
    if done.is_error:
        return (
            f"Cell [{number}] could not be changed ({done.output.strip()}). This is it, corrected:\n\n{code(changed)}"
        )
    return f"Cell [{number}] is changed; run it again."


def _failed_cell(turn: Turn) -> tuple[int | None, str]:
    for name, text in turn.contexts.items():
        found = _CELL.match(name)
        if found:
            whole = _IN.match(text)  # of an excerpt nothing is made: the rest would be lost
            return int(found[1]), text[whole.end() :] if whole else ""
    return None, ""


def corrected(source: str, failure: Failure, fixed: str) -> str:
    """The cell with the failing line in its new form; "" where that line does not stand in it, or nothing changes.

    Imports that the new form begins with go to the cell's beginning.
    """
    lines = source.split("\n")
    *before, last = [line for line in fixed.splitlines() if line.strip()] or [""]
    at = (failure.line or 0) - 1
    if not 0 <= at < len(lines) or lines[at].strip() != failure.code.strip():
        places = [place for place, line in enumerate(lines) if line.strip() == failure.code.strip()]
        if len(places) != 1:
            return ""
        at = places[0]
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    lines[at] = indent + last.strip()
    if before and not all(line.startswith(("import ", "from ")) for line in before):
        return ""
    magic = 1 if lines[0].startswith("%%") else 0
    lines[magic:magic] = before
    changed = "\n".join(lines)
    return changed if changed != source and _is_python(changed) else ""


def _is_python(source: str) -> bool:
    """Whether it can be read; magics and ! lines are not looked at."""
    plain = "\n".join(re.sub(r"^(\s*)[%!].*", r"\1pass", line) for line in source.split("\n"))
    try:
        ast.parse(plain)
    except SyntaxError:
        return False
    return True


def summary(turn: Turn) -> str:
    """The answer to /compact: each question, and how its answer began."""
    lines: list[str] = []
    for role, text in turn.talk[-2 * _MAX_TURNS :]:
        first = _cut(next((line for line in text.splitlines() if line.strip()), ""))
        if first:
            lines.append(f"- asked: {first}" if role == "user" else f"  - answered: {first}")
    used = [exchange.tool for exchange in turn.before]
    counts = ", ".join(f"`{name}` × {used.count(name)}" for name in dict.fromkeys(used))
    head = "By rules, no AI: each question, and the first line of its answer."
    return "\n".join([head, "", *lines, *([f"- tools used: {counts}"] if counts else [])])


def _cut(line: str) -> str:
    line = " ".join(line.split())
    return line if len(line) <= _MAX_LINE else line[: _MAX_LINE - 1] + "…"


__all__ = ["corrected", "fix", "given_failure", "summary"]
