"""Cells as a model reads them: from the page's document, or where no page has it from the kernel's history."""

from __future__ import annotations

import re
import time
from typing import Any, cast

from ..errors import ToolError
from ..threads import within
from ..tools.jsonable import cut, safe_repr
from ..tools.kinds import is_a, type_name
from ..tools.line_page import page_of
from .describe import summary

AMONG_OTHERS = {"source": 6_000, "outputs": 2_000}
"""Characters of a cell's source, and of each of its outputs, where it is read among others."""
ALONE = {"source": 2_000_000, "outputs": 4_000}
"""The same of one that is named; its source is read by pages."""
LEFT_OUT = re.compile(
    r"… \[(?:lines [\d,]+ to [\d,]+ are left out|[\d,]+ (?:of [\d,]+ )?(?:more )?characters)[^\]\n]*\]"
)
"""A mark of what a model was not shown of a cell. Written back, it would stand in the place of that."""

_LIMIT = 17_000
"""Characters of one answer, below what a tool's output is cut to."""
_PAGE, _LINE, _OUTPUTS = 12_000, 8_000, 4_000
"""Of a cell that is named: characters of one page, of one line, and of all outputs."""
_SECONDS = 3.0
"""For what the values of cells make of themselves."""


def page_text(found: dict[str, Any], *, alone: bool, offset: int = 1) -> str:
    """The page's answer to "cells". Where not all fit, it ends with how to go on. `alone`: one was named, and is shown
    from the line `offset` on."""
    if alone and found["cells"]:
        return _alone(found["cells"][0], offset)
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
    source, outputs = cell["source"], cell.get("outputs", ())
    is_cut = len(source) > AMONG_OTHERS["source"]
    is_cut = is_cut or any(len(str(output["text"])) > AMONG_OTHERS["outputs"] for output in outputs)
    more = [f'(cut; cells="{cell["id"]}" reads more of this cell)'] if is_cut else []
    return "\n".join([_head(cell), source, *map(_output, outputs), *more])


def _alone(cell: dict[str, Any], offset: int) -> str:
    number = cell["executionCount"]
    source = part(cell["source"], offset, number)
    outputs = "\n".join(map(_output, cell.get("outputs", ())))
    texts = [_head(cell), source, *([cut(outputs, _OUTPUTS)] if outputs else [])]
    if number and (len(outputs) > _OUTPUTS or LEFT_OUT.search(outputs)):
        texts.append(f"(Of what it put out, run_code can print parts of Out[{number}], where that is there.)")
    return "\n".join(texts)


def part(source: str, offset: int, number: int | None) -> str:
    """A source from a line on, as far as it fits; it ends with how to go on. `number`: it ran as [number]."""
    rest = f"; run_code can print parts of In[{number}]" if number else ""

    def shortened(_number: int, line: str) -> str:
        missing = len(line) - _LINE
        return f"{line[:_LINE]}… [{missing:,} more characters of this line{rest}]" if missing > 0 else line

    return page_of("The cell", source.split("\n"), offset, shortened, size=_PAGE).text()


def _head(cell: dict[str, Any]) -> str:
    number = cell["executionCount"]
    label = f"[{number}]" if number else "[ ]" if cell["type"] == "code" else cell["type"]
    words = [f"{label} id={cell['id']} place={cell['index']}"]
    words += ["below which you answer"] if cell.get("isOwn") else []
    words += [f"tags: {', '.join(map(str, cell['tags']))}"] if cell.get("tags") else []
    return f"# {', '.join(words)}"


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


def history_text(shell: Any, cells: str, why: str, offset: int = 1) -> str:
    """What the kernel itself has: the cells that ran, as they were then, and their values."""
    note = f"({why} This is the kernel's history instead: what has run, as it was then; cells may have changed since.)"
    sources = _sources(shell)
    held: Any = getattr(shell, "user_ns", {}).get("Out")
    values = cast("dict[int, Any]", dict(held) if is_a(held, dict) else {})
    deadline = time.monotonic() + _SECONDS
    texts: list[str] = []
    left = _LIMIT
    numbers = _numbers(cells, sources)
    alone = len(numbers) == 1 and ":" not in cells
    for number in reversed(numbers):
        source = part(sources[number], offset, number) if alone else cut(sources[number], AMONG_OTHERS["source"])
        text = f"# [{number}]\n{source}"
        if not alone and len(sources[number]) > AMONG_OTHERS["source"]:
            text += f'\n(cut; cells="[{number}]" reads all of it)'
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


__all__ = ["ALONE", "AMONG_OTHERS", "LEFT_OUT", "history_text", "page_text", "part"]
