"""What a page of the documentation holds: its code, its tables."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def code_blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def table(page: str, *columns: str) -> list[list[str]]:
    """The rows, as cells, of the only table whose first columns have these names."""
    heading = re.escape("| " + " | ".join(columns) + " |")
    [rows] = re.findall(rf"^{heading}.*\n\|[-|]+\|\n((?:\|.*\n)+)", page, re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows.splitlines()]


def names(cell: str) -> list[str]:
    """What a cell has in `backticks`."""
    return re.findall(r"`([^`]+)`", cell)
