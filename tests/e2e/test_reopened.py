"""The record survives: a reopened notebook shows the transcript, whatever has become of kernel and widget."""

from __future__ import annotations

from typing import Any

import nbconvert
import pytest
from playwright.sync_api import expect

from .conftest import OpenNotebook
from .jupyter import Front
from .notebook import NotebookPage
from .scripts import SETUP


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
