"""Cells as a model reads them: what does not fit says how to read on, and nothing that was cut is written back."""

from __future__ import annotations

import re
from typing import Any

import pytest

from copilot_widget.errors import ToolError
from copilot_widget.notebook.cell_text import AMONG_OTHERS, page_text
from copilot_widget.notebook.cells import _diff


def cell(source: str, *outputs: str) -> dict[str, Any]:
    put_out = [{"type": "stream", "name": "stdout", "text": text} for text in outputs]
    return {"id": "c-1", "index": 0, "type": "code", "executionCount": 3, "source": source, "outputs": put_out}


def answer(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"total": len(cells), "own": 0, "cells": list(cells)}


def test_a_cell_that_is_named_is_read_whole_by_pages():
    source = "\n".join(f"value_{number} = {number}  # a line of a long cell" for number in range(2_000))
    read: list[str] = []
    offset, pages = 1, 0
    while offset:
        text = page_text(answer(cell(source)), alone=True, offset=offset)
        assert len(text) < 18_000, "no later cut takes anything from its middle"
        head, *lines, told = text.split("\n")
        assert head == "# [3] id=c-1 place=0"
        assert told.startswith(f"(lines {offset:,} to ")
        read += lines
        found = re.search(r"; go on with offset=(\d+)\)$", told)
        offset = int(found[1]) if found else 0
        pages += 1
    assert "\n".join(read) == source
    assert pages > 3
    with pytest.raises(ToolError, match="has 2,000 lines, and none from 2,001 on"):
        page_text(answer(cell(source)), alone=True, offset=2_001)


def test_a_short_cell_is_as_it_is():
    assert page_text(answer(cell("a = 1\nb", "7")), alone=True) == "# [3] id=c-1 place=0\na = 1\nb\n→ stdout:\n7"


def test_a_line_that_fits_nowhere_says_what_has_it():
    text = page_text(answer(cell(f"data = '{'x' * 2_000_000}'\nrest = 1")), alone=True)
    assert len(text) < 18_000
    assert "more characters of this line; run_code can print parts of In[3]]\nrest = 1" in text


def test_what_is_cut_among_other_cells_says_what_reads_more():
    limit = AMONG_OTHERS["source"]
    long, short = cell("x" * limit + "\n… [94,000 characters cut] …\n"), cell("a = 1")
    told = '(cut; cells="c-1" reads more of this cell)'
    assert page_text(answer(long, short), alone=False).count(told) == 1
    assert told in page_text(answer(cell("a", "x" * (AMONG_OTHERS["outputs"] + 20))), alone=False)
    assert "cut" not in page_text(answer(short, cell("b" * limit)), alone=False)


def test_long_outputs_of_a_cell_that_is_named_say_what_has_them():
    text = page_text(answer(cell("a = 1", "x" * 9_000)), alone=True)
    assert len(text) < 6_000
    assert text.endswith("run_code can print parts of Out[3], where that is there.)")


@pytest.mark.parametrize(
    "mark",
    [
        "… [lines 1 to 4,711 are left out] …",
        "… [60,060 of 80,000 characters cut] …",
        "… [94,000 characters cut] …",
        "… [7 more characters of this line; run_code can print parts of In[3]]",
    ],
)
def test_a_mark_of_what_was_left_out_is_not_written_into_a_cell(mark: str):
    with pytest.raises(ToolError, match="holds a mark of what you were not shown") as raised:
        _diff("a = 1\nb = 2", f"a = 1\n{mark}\nc = 3", cell(""))
    assert "read_cells" in raised.value.hint
    assert _diff(f"a = 1\n# {mark}", f"a = 2\n# {mark}", cell("")), "it may be the cell's own text"
