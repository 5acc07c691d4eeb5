"""The notebook about tools and approvals, as its reader goes through it: what runs unasked, and each click."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Page, expect

from .jupyter import JupyterServer
from .notebook import NotebookPage
from .view import View

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "tools-and-approvals.ipynb"


def test_the_notebook_with_its_questions_answered(page: Page, server: JupyterServer) -> None:
    shutil.copy(NOTEBOOK, server.files / NOTEBOOK.name)
    notebook = NotebookPage(page, server, "lab", NOTEBOOK.name).open()
    run = notebook.run_source

    def ended(beginning: str) -> View:
        view = notebook.view(run(beginning))
        view.wait_ended()
        return view

    for beginning in ("%load_ext", "from palmerpenguins"):
        run(beginning)
    ended("%copilot what is in @penguins.species").expect_text("Adelie")
    run("from enum import Enum")
    ended("packing = Copilot").expect_state("pack", "output-available", nth=1)
    shown = ended("import asyncio")
    expect(shown.tool("plot").get_by_role("img")).to_be_visible()

    run("from copilot_widget.tools.toolset")
    selling = notebook.view(run("asking = Copilot"))
    selling.expect_state("shop_stock", "output-available")
    expect(selling.approval).to_contain_text("ring")
    selling.button("Allow once").click()
    selling.expect_state("shop_sell", "output-available")
    selling.wait_ended()

    asked = notebook.view(run("question = call"))
    asked.root.get_by_role("button", name="Dream").click()
    asked.wait_ended()

    index = run('penguins["body_mas_g"]')
    fixing = notebook.view(run("%copilot /fix"))
    expect(fixing.approval).to_contain_text("body_mass_g", timeout=60_000)
    assert "body_mas_g" in notebook.source(index)
    fixing.button("Allow once").click()
    fixing.wait_ended()
    assert notebook.source(index) == 'penguins["body_mass_g"].mean()'
    notebook.run(index)
    expect(notebook.output(index)).to_contain_text("4201.75")
