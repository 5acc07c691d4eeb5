"""The last error: where it happened, what it means, what to change."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from .frames import frame_of
from .tables import cell, code, table
from .turn import Turn

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_ARROW = re.compile(r"^-+>\s*(\d+)\s?(.*)$", re.MULTILINE)
_FILE_LINE = re.compile(r'^[ \t]*File "[^"]*", line (\d+).*\n\s+(.+)$', re.MULTILINE)


@dataclass(frozen=True)
class Failure:
    """An error as last_error tells it. `line` and `code` are of the user's own code, None and "" where unknown."""

    kind: str
    message: str
    line: int | None
    code: str
    traceback: str
    locals: Mapping[str, Any]


@dataclass(frozen=True)
class Advice:
    """What it means, and corrected code where the rules can be sure of it."""

    text: str
    fixed: str = ""
    label: str = "Corrected"


def last_failure(turn: Turn) -> Failure | None:
    """The last error, None where there is none. May raise Need or NotOffered."""
    return failure_of(turn.call("last_error", {}).fields)


def failure_of(data: Mapping[str, Any]) -> Failure | None:
    """The error that `data` tells of, None where it tells of none."""
    nested = data.get("error")
    if isinstance(nested, dict):
        data = cast("dict[str, Any]", nested)
    if not data.get("type"):
        return None
    traceback = _ANSI.sub("", str(data.get("traceback") or ""))
    line, text = _place(data, traceback)
    found = data.get("locals")
    return Failure(
        kind=str(data["type"]).rsplit(".", 1)[-1],
        message=str(data.get("message") or ""),
        line=line,
        code=text,
        traceback=traceback,
        locals=cast("dict[str, Any]", found) if isinstance(found, dict) else {},
    )


def _place(data: Mapping[str, Any], traceback: str) -> tuple[int | None, str]:
    """The number and the text of the user's line that failed."""
    at = data.get("line")
    line = at if isinstance(at, int) else None
    given = str(data.get("code") or "")
    lines = given.splitlines()
    if len(lines) == 1:
        return line, lines[0].strip()
    if lines and line is not None and line <= len(lines):
        return line, lines[line - 1].strip()
    cells = [
        part
        for part in re.split(r"(?=^(?:Cell In|File |Input In))", traceback, flags=re.MULTILINE)
        if "Cell In" in part
    ]
    arrows = _ARROW.findall(cells[-1] if cells else traceback)
    if arrows:
        return int(arrows[-1][0]), arrows[-1][1].strip()
    plain = _FILE_LINE.findall(traceback)
    if plain:
        return int(plain[-1][0]), plain[-1][1].strip()
    return line, given.strip() if len(lines) <= 3 else ""


def explain(turn: Turn) -> str:
    """The answer to "explain the error"."""
    from .failure_rules import advise

    failure = last_failure(turn)
    if failure is None:
        return "There is no error: nothing has failed in this session yet. When a cell fails, ask me again."
    advice = advise(failure, turn)
    text = headline(failure)
    if failure.code:
        where = f" in line {failure.line}" if failure.line else ""
        text += f"\n\nIt happened{where}:\n\n{code(failure.code)}"
    text += f"\n\n{advice.text}"
    if advice.fixed and advice.fixed != failure.code:
        text += f"\n\n{advice.label}:\n\n{code(advice.fixed)}"
    shown = _involved(failure)
    return text + (f"\n\nAt that point:\n\n{shown}" if shown else "")


def headline(failure: Failure) -> str:
    """Type and message."""
    return f"**`{failure.kind}`**" + (f": {_quote(failure.message)}" if failure.message else "")


def _quote(message: str) -> str:
    first = message.strip().splitlines()[0] if message.strip() else ""
    text = first if len(first) <= 200 else first[:199] + "…"
    return text if text.startswith("`") else f"`{text}`" if "`" not in text else text


def _involved(failure: Failure) -> str:
    """The values of the names that stand in the failing line."""
    names = dict.fromkeys(re.findall(r"[A-Za-z_]\w*", failure.code))
    rows = [[f"`{name}`", cell(_summary(failure.locals[name]), 90)] for name in names if name in failure.locals]
    return table(["name", "value"], rows[:6]) if rows else ""


def _summary(value: Any) -> Any:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        told = fields.get("summary") or fields.get("value") or fields.get("repr")
        return f"{fields.get('type', '')} {told}".strip() if told else fields
    return value


def a(kind: str) -> str:
    """A type with its article: a `str`, an `int`."""
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} `{kind}`"


# ---- near names ------------------------------------------------------------------------------------------


def nearest(name: str, names: Sequence[str], count: int = 3, cutoff: float = 0.6) -> list[str]:
    """The most similar of `names`; case and underscores count little."""
    plain = {_plain(candidate): candidate for candidate in reversed(names)}
    if _plain(name) in plain:
        return [plain[_plain(name)]]
    close = difflib.get_close_matches(_plain(name), list(plain), n=count, cutoff=cutoff)
    if cutoff > 0.6:
        return [plain[key] for key in close]
    within = [
        key
        for key in plain
        if len(_plain(name)) >= 4 and (_plain(name) in key or (key in _plain(name) and len(key) >= 4))
    ]
    return [plain[key] for key in dict.fromkeys([*close, *within])][:count]


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


def variable_names(turn: Turn) -> list[str]:
    """The names in the namespace, [] where they cannot be listed."""
    if not turn.offers("list_variables"):
        return []
    listed = turn.call("list_variables", {}).data
    entries = cast("list[Any]", listed) if isinstance(listed, list) else []
    names = [str(cast("dict[str, Any]", entry).get("name")) for entry in entries if isinstance(entry, dict)]
    return [name for several in names for name in several.split(", ")]  # modules share one entry


def columns_of(turn: Turn, name: str) -> list[str]:
    """The columns of a DataFrame, or the keys of a mapping; [] where they cannot be read."""
    if not turn.offers("inspect_variable"):
        return []
    exchange = turn.call("inspect_variable", {"name": name})
    frame = frame_of(exchange)
    if frame is not None:
        return [column.name for column in frame.columns]
    value = exchange.fields.get("value")
    return list(cast("dict[str, Any]", value)) if isinstance(value, dict) else []


__all__ = [
    "Advice",
    "Failure",
    "a",
    "columns_of",
    "explain",
    "failure_of",
    "headline",
    "last_failure",
    "nearest",
    "variable_names",
]
