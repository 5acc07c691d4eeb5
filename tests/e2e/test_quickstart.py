"""The quickstart as a new user goes through it: cell after cell, and the click that lets the copilot act."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Page, expect

from .jupyter import JupyterServer
from .notebook import NotebookPage

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"


def test_the_quickstart_with_its_approval_clicked(page: Page, server: JupyterServer) -> None:
    shutil.copy(QUICKSTART, server.files / QUICKSTART.name)
    notebook = NotebookPage(page, server, "lab", QUICKSTART.name).open()
    run = notebook.run_source

    for beginning in ("%load_ext", "from palmerpenguins"):
        run(beginning)
    described = notebook.view(run("%copilot what is in @penguins"))
    described.expect_text("344")
    described.wait_ended()

    heaviest = notebook.view(run("%copilot which species"))
    expect(heaviest.approval).to_be_visible(timeout=60_000)
    expect(heaviest.approval).to_contain_text("groupby")
    heaviest.expect_state("run_code", "approval-requested")
    heaviest.button("Allow once").click()
    heaviest.expect_state("run_code", "output-available")
    heaviest.expect_text("Gentoo")
    heaviest.wait_ended()

    run('penguins["body_mas_g"]')
    explained = notebook.view(run("%copilot explain"))
    explained.expect_text("body_mass_g")
    explained.wait_ended()

    run("from copilot_widget import tool")
    order = notebook.view(run("%copilot where is order 17"))
    order.expect_state("lookup", "output-available")
    order.expect_text("shipped")
    order.wait_ended()
