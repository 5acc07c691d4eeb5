"""Cells as a model reads them: from the page's document, or where no page has it from the kernel's history."""

from __future__ import annotations

import time
from typing import Any, cast

from ..errors import ToolError
from ..threads import within
from ..tools.jsonable import cut, safe_repr
from ..tools.kinds import is_a, type_name
from .describe import summary

_LIMIT = 17_000
"""Characters of one answer, below what a tool's output is cut to."""
_SECONDS = 3.0
"""For what the values of cells make of themselves."""


def page_text(found: dict[str, Any], *, alone: bool) -> str:
    """The page's answer to "cells". Where not all fit, it ends with how to go on. `alone`: one was named."""
    texts: list[str] = []
    left = _LIMIT
    cells = cast("list[dict[str, Any]]", found["cells"])
    total = found["total"]
    end = cells[0]["index"] if cells else 0
    for cell in cells:
        text = _cell(cell)
        left -= len(text) + 2
        if left < 0 and texts:
            break
        texts.append(cut(text, _LIMIT))
        end = cell["index"] + 1
    if not alone and end < total:
        texts.append(f'({total:,} cells in all; go on with cells="{end}:")')
    return "\n\n".join(texts) or f"(no cell there; the notebook has {total:,})"


def _cell(cell: dict[str, Any]) -> str:
    number = cell["executionCount"]
    label = f"[{number}]" if number else "[ ]" if cell["type"] == "code" else cell["type"]
    words = [f"{label} id={cell['id']} place={cell['index']}"]
    words += ["below which you answer"] if cell.get("isOwn") else []
    words += [f"tags: {', '.join(map(str, cell['tags']))}"] if cell.get("tags") else []
    return "\n".join([f"# {', '.join(words)}", cell["source"], *map(_output, cell.get("outputs", ()))])


def _output(output: dict[str, Any]) -> str:
    kind, text = output["type"], str(output["text"]).rstrip()
    if kind == "stream":
        return f"→ {output.get('name') or 'stdout'}:\n{text}"
    if kind == "error":
        return f"→ error:\n{text}"
    mimes = [mime for mime in output.get("mimes", ()) if mime != "text/plain"]
    label = f"→ output ({', '.join(mimes)})" if mimes else "→ output"
    return f"{label}:\n{text}" if text else label


# ---- without a page ------------------------------------------------------------------------------------


def history_text(shell: Any, cells: str, why: str) -> str:
    """What the kernel itself has: the cells that ran, as they were then, and their values."""
    note = f"({why} This is the kernel's history instead: what has run, as it was then; cells may have changed since.)"
    sources = _sources(shell)
    held: Any = getattr(shell, "user_ns", {}).get("Out")
    values = cast("dict[int, Any]", dict(held) if is_a(held, dict) else {})
    deadline = time.monotonic() + _SECONDS
    texts: list[str] = []
    left = _LIMIT
    for number in reversed(_numbers(cells, sources)):
        text = f"# [{number}]\n{cut(sources[number], 6_000)}"
        if number in values:
            text += f"\n→ output:\n{_value(values[number], deadline)}"
        left -= len(text) + 2
        if left < 0 and texts:
            texts.append("(earlier ones are left out; ask for one by its number)")
            break
        texts.append(text)
    return "\n\n".join([note, *reversed(texts)] if texts else [note, "(nothing has run yet)"])


def _value(value: Any, deadline: float) -> str:
    """A cell's value as its own code tells it; when the time for all of them is up, in our words."""
    left = deadline - time.monotonic()
    if left > 0:
        try:
            return within(left, lambda: safe_repr(value, 1_000), "output")
        except Exception:  # it takes too long, or raises what no repr may
            pass
    return f"({type_name(value)}: {summary(value)})"


def _sources(shell: Any) -> dict[int, str]:
    manager = getattr(shell, "history_manager", None)
    raw: list[str] = list(getattr(manager, "input_hist_raw", ()) or getattr(shell, "user_ns", {}).get("In", ()))
    return {number: source for number, source in enumerate(raw) if number and source}


def _numbers(cells: str, sources: dict[int, str]) -> list[int]:
    name = cells.strip().strip("[]").strip()
    if not name:
        return list(sources)
    first, colon, last = name.partition(":")
    if colon and all(part.strip().isdigit() or not part.strip() for part in (first, last)):
        return list(sources)[int(first or 0) : int(last) if last.strip() else None]
    if name.isdigit() and int(name) in sources:
        return [int(name)]
    raise ToolError(
        f"No cell has run as {cells!r}, and no page is there to look at the notebook itself.",
        hint=f"Cells that ran: {min(sources)} to {max(sources)}." if sources else "",
    )


__all__ = ["history_text", "page_text"]
