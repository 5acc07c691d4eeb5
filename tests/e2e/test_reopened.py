"""The record survives: a reopened notebook shows the transcript, whatever has become of kernel and widget."""

from __future__ import annotations

import json
from typing import Any

import nbconvert
import pytest
from playwright.sync_api import expect

from .conftest import OpenNotebook
from .jupyter import Front
from .notebook import NotebookPage
from .scripts import LOAD, SETUP


@pytest.fixture
def finished(open_notebook: OpenNotebook, front: Front) -> NotebookPage:
    """A notebook with a finished run, saved; its kernel is gone."""
    notebook = open_notebook(SETUP, 'copilot.ask("Where is order 17?")', front=front)
    notebook.run(0)
    notebook.run(1)
    view = notebook.view(1)
    view.button("Allow once").click(timeout=60_000)
    view.wait_ended()
    expect(notebook.record(1)).to_be_attached()
    expect(notebook.record(1)).to_be_hidden()
    expect(notebook.record(1)).to_contain_text("All done with the order.")
    notebook.save()
    notebook.page.goto("about:blank")
    notebook.server.shut_kernels_down()
    return notebook


def _expect_record_only(notebook: NotebookPage) -> None:
    record = notebook.record(1)
    expect(record).to_be_visible()
    for text in ("Where is order 17?", "I will look at the order.", "refunded 12.50", "All done with the order."):
        expect(record).to_contain_text(text)
    expect(notebook.output(1).locator("[data-part], [data-tool], [data-usage]")).to_have_count(0)
    expect(notebook.broken()).to_have_count(0)


def test_the_record_is_what_a_reopened_notebook_shows(finished: NotebookPage, front: Front) -> None:
    finished.open()
    # Jupyter has given the widget up, and says so, when this text is there; only then is "not seen" worth something.
    expect(finished.output(1)).to_contain_text("model not found", timeout=30_000)
    _expect_record_only(finished)

    finished.page.goto("about:blank")
    finished.server.shut_kernels_down()
    saved: Any = finished.server.read(finished.name)
    saved.metadata["kernelspec"] = {"name": "not-installed", "display_name": "not installed", "language": "python"}
    finished.server.rewrite(finished.name, saved)
    finished.page.goto(finished.server.address(front, finished.name))
    dialog = finished.page.get_by_role("dialog").filter(has_text="Select Kernel")
    dialog.get_by_role("button", name="No Kernel").click(timeout=60_000)
    _expect_record_only(finished)

    html, _ = nbconvert.HTMLExporter().from_notebook_node(saved)
    for text in ("Where is order 17?", "refund", "All done with the order."):
        assert text in html
    assert "data-usage" not in html


CELLS = 6
VIEW, STATE = "application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json"
SAVE_STATE = "@jupyter-widgets/jupyterlab-manager:saveWidgetState"


def test_saved_with_its_widgets_state_a_notebook_is_small_and_reopens_as_its_records(
    open_notebook: OpenNotebook,
) -> None:
    """Settings > Save Widget State Automatically. The cells are line magics that end in a question mark."""
    asked = [f"is {number} a follow-up?" for number in range(CELLS)]
    notebook = open_notebook(LOAD, *(f"%copilot --model script:talk.json {question}" for question in asked))
    notebook.run(0)
    for cell, question in enumerate(asked, 1):
        notebook.run(cell)
        notebook.view(cell).expect_text(question)
        notebook.view(cell).expect_text("This is the second answer.")
        notebook.view(cell).wait_ended()
        expect(notebook.record(cell)).to_contain_text("This is the second answer.")
    notebook.command(SAVE_STATE)
    try:
        notebook.save()
    finally:
        notebook.command(SAVE_STATE)
    saved: Any = notebook.server.read(notebook.name)
    models: Any = saved.metadata["widgets"][STATE]["state"]
    for cell, question in zip(saved.cells[1:], asked, strict=True):
        [view] = [output.data[VIEW]["model_id"] for output in cell.outputs if VIEW in output.data]
        size = len(json.dumps([cell.outputs, models.pop(view)]))
        assert size <= 3 * len(question + "This is the second answer.") + 8_000
    assert len(json.dumps(models)) <= 100_000, (
        "what is left is there once: the bundle, in base64, where it can be saved"
    )

    notebook.page.goto("about:blank")
    notebook.server.shut_kernels_down()
    notebook.open()
    # Jupyter makes the views from the file, so they are in the DOM; that they cannot be shown is out of sight.
    told = notebook.page.get_by_text("view cannot be shown")
    expect(told).to_have_count(CELLS, timeout=30_000)
    notebook.page.wait_for_timeout(1_000)  # Jupyter gives them their layout after that
    expect(told.filter(visible=True)).to_have_count(0)
    for cell, question in enumerate(asked, 1):
        expect(notebook.record(cell)).to_be_visible()
        expect(notebook.record(cell)).to_contain_text(question)
