"""The notebook's own cells, edited through the page that has them: a diff first, once, undone, and saved."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from .conftest import OpenNotebook
from .jupyter import DEFAULT_KERNEL, OLDER_KERNELS, Front, JupyterServer
from .notebook import NotebookPage
from .view import LONG, View

SETUP = '%load_ext copilot_widget\nfrom copilot_widget import Copilot\ncopilot = Copilot(model="script:cells.json")'
BROKEN = "price = 10\nqty = 3\nprice * qy"
FIXED = "price = 10\nqty = 3\nprice * qty"
PLOT = """
from IPython.display import SVG, display
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" width="4000" height="2000"><circle r="900" /></svg>'))
"""
TOTAL = "total = price * qty\ntotal"


def _call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "call", "toolName": tool, "input": arguments}


TALK = {
    "turns": [
        {
            "match": "fix",
            "steps": [
                [_call("edit_cell", cell="[2]", source=FIXED)],
                [_call("insert_cell", source=TOTAL), _call("insert_cell", source="# Total", type="markdown")],
                "Run both.",
            ],
        },
        {"match": "change", "steps": [[_call("edit_cell", cell="2", source="price = 11")], "I tried."]},
        {"match": "look", "steps": [[_call("read_cells"), _call("get_output_image", cell="[4]")], "I looked."]},
    ]
}


@pytest.fixture
def script(server: JupyterServer) -> None:
    (server.files / "cells.json").write_text(json.dumps(TALK))


def _allow(view: View, title: str, diff: list[str]) -> None:
    card = view.root.get_by_role("group", name=f"Approval needed: {title}", exact=True)
    expect(card).to_be_visible(timeout=LONG)
    for line in diff:
        expect(card.get_by_label("Code, diff")).to_contain_text(line)
    card.get_by_role("button", name="Allow once").click()
    expect(card).to_have_count(0)


def _saved(notebook: NotebookPage, server: JupyterServer) -> list[str]:
    notebook.save()
    cells = json.loads((server.files / notebook.name).read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells]


def _expect_sources(notebook: NotebookPage, *sources: str) -> None:
    for _ in range(100):
        if notebook.sources() == list(sources):
            return
        notebook.page.wait_for_timeout(100)
    assert notebook.sources() == list(sources)


@pytest.mark.parametrize(("front", "kernel"), [("lab", DEFAULT_KERNEL), ("notebook", OLDER_KERNELS[-1])])
def test_cells_are_edited_inserted_undone_and_saved(
    open_notebook: OpenNotebook, front: Front, kernel: str, server: JupyterServer, script: None
) -> None:
    ask, sleep = 'copilot.ask("fix it")', "import time; time.sleep(30)"
    notebook = open_notebook(SETUP, BROKEN, ask, sleep, front=front, kernel=kernel)
    notebook.run(0)
    notebook.run(1)
    notebook.run(2)
    view = notebook.view(2)
    notebook.run(3, wait=False)  # all that follows happens while a cell runs
    _allow(view, "edit cell [2]", ["-price * qy", "+price * qty"])
    _expect_sources(notebook, SETUP, FIXED, ask, sleep)
    _allow(view, "insert a cell below this one", ["+total = price * qty"])
    _allow(view, "insert a markdown cell below this one", ["+# Total"])
    view.wait_ended()
    _expect_sources(notebook, SETUP, FIXED, ask, TOTAL, "# Total", sleep)

    edited, inserted = view.tool("edit_cell"), view.tool("insert_cell").first
    expect(edited).to_contain_text("+price * qty")
    edited.get_by_role("button", name="Undo").press("Enter")
    expect(edited).to_contain_text("Undone")
    _expect_sources(notebook, SETUP, BROKEN, ask, TOTAL, "# Total", sleep)
    edited.get_by_role("button", name="Redo").click()
    expect(edited.get_by_role("button", name="Undo")).to_be_visible()
    inserted.get_by_role("button", name="Undo").click()
    _expect_sources(notebook, SETUP, FIXED, ask, "# Total", sleep)
    inserted.get_by_role("button", name="Redo").click()
    _expect_sources(notebook, SETUP, FIXED, ask, TOTAL, "# Total", sleep)
    assert notebook.prompt(5) == "[*]:", "the cell had ended: nothing was blocked"
    assert _saved(notebook, server) == [SETUP, FIXED, ask, TOTAL, "# Total", sleep]

    notebook.set_source(3, "total = 0")
    inserted.get_by_role("button", name="Undo").click()
    expect(inserted).to_contain_text("has changed since, so it was not removed")
    assert notebook.source(3) == "total = 0"


def test_one_of_two_tabs_acts_and_a_cell_that_changed_is_left_alone(
    open_notebook: OpenNotebook, server: JupyterServer, script: None
) -> None:
    asks = [f'copilot.ask("{what}")' for what in ("fix it", "change it", "look")]
    notebook = open_notebook(SETUP, BROKEN, *asks, PLOT)
    notebook.run(0)
    notebook.run(1)
    notebook.run(2)
    expect(notebook.view(2).approval).to_be_visible(timeout=LONG)
    notebook.save()
    other = NotebookPage(notebook.page.context.new_page(), server, "lab", notebook.name).open()
    expect(other.view(2).approval).to_be_visible(timeout=LONG)
    _allow(notebook.view(2), "edit cell [2]", ["+price * qty"])
    _allow(notebook.view(2), "insert a cell below this one", ["+total"])
    _allow(notebook.view(2), "insert a markdown cell below this one", ["+# Total"])
    other.view(2).wait_ended()
    assert (notebook.source(1), other.source(1)) == (FIXED, BROKEN)
    assert (len(notebook.sources()), len(other.sources())) == (8, 6)
    expect(other.view(2).tool("edit_cell").get_by_role("button", name="Undo")).to_be_visible()
    other.page.close()

    notebook.run(7)  # as [4]
    notebook.run(5)
    view = notebook.view(5)
    expect(view.approval).to_be_visible(timeout=LONG)
    notebook.set_source(1, "price = 12  # mine")
    view.button("Allow once").click()
    view.wait_ended()
    view.expect_text("Cell [2] has changed since its change was shown")
    view.expect_state("edit_cell", "output-error")
    assert notebook.source(1) == "price = 12  # mine"

    notebook.run(6)
    view = notebook.view(6)
    view.wait_ended()
    view.tool("read_cells").get_by_role("button").first.click()
    expect(view.tool("read_cells")).to_contain_text("price = 12  # mine")
    expect(view.tool("read_cells")).to_contain_text("NameError: name 'qy' is not defined")
    picture = view.tool("get_output_image").locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [1024, 512]
