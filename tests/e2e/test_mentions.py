"""What a person mentions: a selection in the page, and what Tab completes in a cell."""

from __future__ import annotations

from playwright.sync_api import expect

from .conftest import OpenNotebook
from .jupyter import Front

PANEL = """
from copilot_widget import Copilot

def echo(request):
    return "The model read: " + " / ".join(part.text for part in request.messages[-1].content)

Copilot(model=echo)
"""

SELECTED = """
async (text) => {
  if (!document.getSelection().toString().includes(text)) return false;
  // The page hears of it in a task of its own, which a person's hands leave it the time for.
  await new Promise((resolve) => setTimeout(resolve, 200));
  return true;
}
"""


def test_a_selection_is_sent_where_it_is_mentioned_and_tab_completes(open_notebook: OpenNotebook, front: Front) -> None:
    notebook = open_notebook("%load_ext copilot_widget", "rows = 40 + 2\nrows", PANEL, "", front=front)
    for index in range(3):
        notebook.run(index)
    view = notebook.view(2)
    expect(view.message).to_be_visible(timeout=60_000)

    view.ask("what is @selection?")
    expect(view.root).to_contain_text("nothing is selected")
    notebook.cell(1).locator(".cm-content").click()
    expect(notebook.cell(1).locator(".cm-focused")).to_have_count(1)
    notebook.page.keyboard.press("Control+a")
    notebook.page.wait_for_function(SELECTED, arg="rows = 40 + 2")
    view.ask("and now: @selection")
    view.expect_text("[@selection] Selected in cell [2]: rows = 40 + 2")
    notebook.output(1).locator(".jp-OutputArea-executeResult pre").dblclick(position={"x": 6, "y": 8})
    notebook.page.wait_for_function(SELECTED, arg="42")
    view.ask("this one: @selection")
    view.expect_text("[@selection] Selected in cell [2]: 42")
    view.ask("nothing mentioned")
    view.wait_ended(runs=3)
    expect(view.log).not_to_contain_text("nothing mentioned / ")

    notebook.cell(3).locator(".cm-content").click()
    notebook.page.keyboard.type("%copilot why is @ro")
    expect(notebook.cell(3).locator(".jp-mod-completer-enabled")).to_have_count(1)  # Jupyter's Tab completes now
    notebook.page.keyboard.press("Tab")
    expect(notebook.page.locator(".jp-Completer-item", has_text="@rows")).to_be_visible()
    notebook.page.keyboard.press("Enter")
    expect(notebook.cell(3).locator(".cm-content")).to_have_text("%copilot why is @rows")
