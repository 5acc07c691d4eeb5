"""Goals, and a table that says which are met."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured value against its goal: `value` must not be above `goal`, both in `unit`."""

    name: str
    value: float
    goal: float
    unit: str

    @property
    def is_met(self) -> bool:
        return self.value <= self.goal

    def __str__(self) -> str:
        word = "pass" if self.is_met else "FAIL"
        return f"{word}  {self.name}: {number(self.value)} {self.unit} (goal: at most {number(self.goal)})"


def number(value: float | None) -> str:
    """Three significant digits, or a dash for what was not measured."""
    if value is None or math.isinf(value):
        return "–"
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns, the first one to the left and the others to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        return "  ".join(cells).rstrip()

    return "\n".join([line(head), line(["-" * width for width in widths]), *map(line, rows)])
