"""A cell that failed, put right by /fix: the difference first, then the cell, which works."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import OpenNotebook
from .view import LONG

SETUP = "%load_ext copilot_widget\nprices = {'apple': 2, 'pear': 3}"
BROKEN = "total = 0\nfor name in ('apple', 'pear'):\n    total += prics[name]  # cents\ntotal"
FIXED = BROKEN.replace("prics", "prices")


@pytest.mark.parametrize("place", ["cell", "composer"])
def test_fix_changes_the_cell_that_failed_once_it_is_allowed(open_notebook: OpenNotebook, place: str) -> None:
    fix = "%copilot --model demo /fix" if place == "cell" else "%copilot --model demo hello"
    notebook = open_notebook(SETUP, BROKEN, fix)
    for index in range(3):
        notebook.run(index)
    view = notebook.view(2)
    if place == "composer":
        view.wait_ended()
        view.ask("/fix")
    expect(view.parts("prompt").last).to_contain_text("/fix")
    expect(view.approval).to_contain_text("total += prices[name]", timeout=LONG)
    name = view.approval.locator("dt").first.bounding_box()
    assert name
    assert name["height"] < 30  # on one line, whatever the notebook's styles make of such lists
    assert notebook.source(1) == BROKEN
    view.button("Allow once").click()
    view.expect_text("run it again")
    record = notebook.record(2)
    expect(record).to_contain_text("run it again")
    said = record.text_content() or ""
    assert [said.count(f"{sign}    total += {name}[name]") for sign, name in (("-", "prics"), ("+", "prices"))] == [
        1,
        1,
    ]
    assert said.count("prices[name]") == 1, "in its diff, and nowhere else"
    expect(record.locator("details:not([open]) > summary", has_text="/fix · as the model read it")).to_have_count(1)
    assert notebook.source(1) == FIXED
    notebook.run(1)
    expect(notebook.output(1)).to_contain_text("5")
