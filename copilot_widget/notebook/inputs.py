"""`search_history`: what has run in this notebook's kernel, and in earlier sessions of IPython."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ToolError, redact
from ..models.base import Json
from ..tools.function import FunctionTool, tool
from ..tools.jsonable import cut

_MOST = 50
_INPUT = 1_500  # characters of one input
_ANSWER = 16_000
_SECONDS = 3.0  # for a database that another process is writing to


@dataclass(frozen=True)
class _Past:
    where: str
    source: str
    rest: str
    """What reads all of it, where it is long."""


def search_tool(shell: Any) -> FunctionTool[..., Any]:
    """`search_history`. It reads IPython's own record of inputs; outputs are not in it."""

    @tool(name="search_history", title="Search history", read_only=True, approval=_ask, timeout=30.0)
    def search_history(query: str, limit: int = 10, earlier: bool = False) -> str:
        """Search what the user ran before: the inputs of this session.

        Args:
            query: A text that the input holds, in any case.
            limit: How many at most, the latest first.
            earlier: Also IPython's earlier sessions, in any notebook. The user is asked first.
        """
        if not query.strip():
            raise ToolError("query is empty.", hint="Give a name or a piece of code to look for.")
        most = max(1, min(limit, _MOST))
        found = list(_here(shell, query))[:most]
        note = "" if earlier else "earlier sessions were not searched"
        if earlier and len(found) < most:
            before, note = _before(shell, query, most - len(found))
            found += before
        return _text(found, query, note)

    return search_history


def _ask(given: Json) -> str:
    """Other notebooks of the user are not what this conversation is about: nobody reads them unasked."""
    arguments = dict(given or {})
    return f"search what you ran in earlier sessions for {arguments.get('query')!r}" if arguments.get("earlier") else ""


def _text(found: list[_Past], query: str, note: str) -> str:
    if not found:
        return " ".join([f"Nothing that ran holds {query!r}.", *([f"({note})"] if note else [])])
    texts: list[str] = []
    left = _ANSWER
    for one in found:
        text = f"# {one.where}\n{redact(cut(one.source, _INPUT))}"
        text += f"\n(cut; {one.rest})" if len(one.source) > _INPUT else ""
        left -= len(text)
        if left < 0 and texts:
            note = "more was found than fits here: narrow it down"
            break
        texts.append(text)
    return "\n\n".join([*texts, *([f"({note})"] if note else [])])


def _here(shell: Any, query: str) -> Iterator[_Past]:
    manager = getattr(shell, "history_manager", None)
    sources: list[str] = list(getattr(manager, "input_hist_raw", ()))
    wanted = query.lower()
    for number in range(len(sources) - 1, 0, -1):
        if wanted in sources[number].lower():
            yield _Past(f"[{number}] of this session", sources[number], f"In[{number}] holds all of it")


def _before(shell: Any, query: str, most: int) -> tuple[list[_Past], str]:
    """Inputs of earlier sessions, and a note where they could not be had."""
    manager = getattr(shell, "history_manager", None)
    file = str(getattr(manager, "hist_file", "") or "")
    if not getattr(manager, "enabled", False) or not file or file.startswith(":") or not Path(file).is_file():
        return [], "IPython keeps no history of earlier sessions here"
    try:
        with contextlib.closing(
            sqlite3.connect(f"{Path(file).absolute().as_uri()}?mode=ro", uri=True, timeout=_SECONDS)
        ) as database:
            rows = database.execute(
                "select history.session, line, source_raw, start from history left join sessions using (session) "
                "where session != ? and instr(lower(source_raw), ?) order by history.session desc, line desc limit ?",
                (getattr(manager, "session_number", -1), query.lower(), most),
            ).fetchall()
    except sqlite3.Error as error:
        return [], f"earlier sessions could not be read: {error}"
    return [
        _Past(
            f"[{line}] of session {session}, begun {_day(start)}", text, f"%history {session}/{line} prints all of it"
        )
        for session, line, text, start in rows
    ], ""


def _day(start: Any) -> str:
    return str(start)[:16] if start else "at an unknown time"


__all__ = ["search_tool"]
