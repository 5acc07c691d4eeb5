"""The same view where the page is not Jupyter's: a panel is asked, streams, asks back, stops, and survives a reload."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .hosts import served
from .scripts import SETUP
from .tabs import watched
from .view import LONG, View

Open = Callable[..., Page]


@pytest.fixture
def open_page(context: BrowserContext, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Start `python -m *command` where the notebook is, and open its page."""
    with ExitStack() as stack:

        def open_(*command: str) -> Page:
            host = stack.enter_context(served(tmp_path, command))
            page = stack.enter_context(watched(context, request, host.log))
            page.goto(host.url, wait_until="domcontentloaded")
            return page

        yield open_


def _view(page: Page, nth: int = 0) -> View:
    return View(page.locator(".copilot-widget").nth(nth))


def _expect_no_promises(view: View) -> None:
    """Of commands, variables and other models, which visitors have not."""
    expect(view.message).to_have_attribute("placeholder", "Ask…")
    expect(view.root.locator(".cw-header")).to_have_text("copilotscript:talk.json")
    expect(view.root.locator(".cw-header").get_by_role("button")).to_have_count(0)


MARIMO = """
import marimo

app = marimo.App()


@app.cell
def _():
    {setup}
    return (copilot,)


@app.cell
def _(copilot):
    copilot
    return


@app.cell
def _(copilot):
    run = copilot.runs[0] if copilot.runs else None
    run
    return


@app.cell
def _():
    price = 12.5
    return
"""


SERVED = ("--headless", "--no-token", "--host=127.0.0.1", "--port=PORT")


def _write_marimo(folder: Path, setup: str) -> None:
    setup = setup.replace("%load_ext copilot_widget", "").strip()
    (folder / "notebook.py").write_text(MARIMO.format(setup=setup.replace("\n", "\n    ")))


def test_marimo(open_page: Open, tmp_path: Path) -> None:
    _write_marimo(tmp_path, SETUP.replace("approval=True", "approval=True, main_thread=True"))
    (tmp_path / "pyproject.toml").write_text("[tool.marimo.runtime]\nauto_instantiate = true\n")
    page = open_page("marimo", "edit", "notebook.py", *SERVED, "--skip-update-check")
    view = _view(page)
    expect(view.message).to_be_visible(timeout=LONG)
    expect(view.root.locator(".cw-header")).to_have_css("height", "28px")  # styles reach into marimo's shadow tree
    expect(view.parts("prompt")).to_have_count(0)  # the cells ran since the page was opened, and nothing was asked

    view.message.press_sequentially("Where is order 17? @pri")
    view.root.get_by_role("option", name="@price").click(timeout=LONG)
    view.message.press("Enter")
    expect(view.approval).to_be_visible(timeout=LONG)
    page.reload(wait_until="domcontentloaded")
    view.button("Allow once").click(timeout=LONG)
    view.wait_ended()
    view.expect_state("refund", "output-available")
    view.expect_text("All done with the order.")

    view.ask("slow")
    view.expect_text("w20 ")
    view.stop.click()
    view.wait_ended(runs=2)
    view.ask("a follow-up about @prise")
    view.expect_text("@prise is not a variable.")
    view.ask("/runs")
    view.expect_text("/runs does not work here.")

    cell = page.locator(".marimo-cell").nth(2)
    cell.hover()
    cell.get_by_test_id("run-button").first.click()
    run = _view(page, 1)
    run.expect_text("All done with the order.")
    expect(run.parts("prompt")).to_have_count(1)


def test_marimo_app(open_page: Open, tmp_path: Path) -> None:
    _write_marimo(tmp_path, SETUP)
    page = open_page("marimo", "run", "notebook.py", *SERVED)
    view = _view(page)
    expect(view.message).to_be_visible(timeout=LONG)
    expect(view.root.locator(".cw-header")).to_have_css("height", "28px")

    _expect_no_promises(view)
    view.ask("Where is order 17? @price")
    expect(view.approval).to_contain_text("12.5", timeout=LONG)
    view.expect_state("lookup", "output-available")
    view.button("Allow once").click()
    view.wait_ended()
    view.expect_state("refund", "output-available")
    view.expect_text("All done with the order.")

    view.ask("snoop")  # what the author's notebook has, the model cannot call for a visitor
    view.wait_ended(runs=2)
    view.expect_state("list_variables", "output-error")
    view.expect_text("There is no tool named 'list_variables'. The tools are: ask_user, lookup, refund.")
    view.expect_text("There is no tool named 'read_file'.")
    view.ask("/tools")
    view.expect_text("/tools does not work here.")

    other = page.context.new_page()
    other.goto(page.url, wait_until="domcontentloaded")
    theirs = _view(other)
    theirs.ask("slow")
    theirs.expect_text("w20 ")
    expect(theirs.parts("prompt")).to_have_count(1)
    expect(theirs.root.get_by_role("button", name=re.compile("^Resume"))).to_have_count(0)
    view.ask("a follow-up")  # one visitor waits for no other
    view.wait_ended(runs=3)
    expect(view.parts("prompt")).to_have_count(3)
    theirs.stop.click()
    theirs.wait_ended()


def test_voila(open_page: Open, tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "python3", "language": "python"}
    cells = (SETUP, "copilot", "%copilot --model script:talk.json a follow-up")
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in cells]
    nbformat.write(notebook, tmp_path / "notebook.ipynb")
    page = open_page("voila", "notebook.ipynb", "--no-browser", "--port=PORT", "--Voila.ip=127.0.0.1")
    view, draft = _view(page), _view(page, 1)
    expect(view.message).to_be_visible(timeout=LONG)
    _expect_no_promises(view)
    view.ask("Where is order 17?")
    view.button("Allow once").click(timeout=LONG)
    view.wait_ended()
    view.expect_text("All done with the order.")
    view.ask("slow")
    view.expect_text("w20 ")
    view.stop.click()
    view.wait_ended(runs=2)

    view.ask("/model demo")  # visitors choose no model for the author
    view.expect_text("/model does not work here.")

    expect(draft.message).to_have_value("a follow-up")  # opening a page sends nothing
    expect(draft.usage).to_have_count(0)
    draft.send.click()
    draft.wait_ended()
    expect(page.get_by_text("This is the second answer.").filter(visible=True)).to_have_count(1)
    expect(page.locator(".copilot-record")).to_have_count(0)
