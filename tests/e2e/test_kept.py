"""A conversation outlives its kernel: the panel of the next one offers it, shows it, and goes on with it."""

from __future__ import annotations

import re

import nbformat
from playwright.sync_api import expect

from copilot_widget.notebook.record_display import threads_in

from .conftest import OpenNotebook
from .jupyter import JupyterServer
from .scripts import WORDS

LOAD = """
%load_ext copilot_widget
%config Copilot.store = "sqlite:///{}/kept.sqlite3"
%config Copilot.model = "script:talk.json"
"""


def test_a_restarted_kernel_offers_the_conversation_and_goes_on_with_it(
    open_notebook: OpenNotebook, server: JupyterServer
) -> None:
    notebook = open_notebook(LOAD.format(server.files), "%copilot a **follow-up**", "%copilot")
    for cell in (0, 1, 2):
        notebook.run(cell)
    panel = notebook.view(2)
    panel.wait_ended()
    expect(panel.button("New conversation")).to_have_count(0)
    panel.ask("slow")
    panel.expect_text("w20 ")
    notebook.restart_kernel()
    expect(panel.message).to_be_disabled()

    notebook.run(0)
    notebook.run(2)
    panel = notebook.view(2)
    panel.root.get_by_role("button", name=re.compile("^Resume: a follow-up · 2 turns, today ")).click(timeout=20_000)
    panel.wait_ended(runs=2)
    expect(panel.root).to_contain_text("The variables of the kernel before are gone")
    assert panel.parts("prompt").all_inner_texts() == ["a **follow-up**", "slow"]
    panel.expect_text("This is the second answer.")
    words = [word for word in panel.parts("text").nth(1).inner_text().split() if word in set(WORDS)]
    assert words == WORDS[: len(words)]
    assert len(words) > 20
    expect(panel.usage.nth(1)).to_contain_text("Interrupted")
    panel.ask("a follow-up")
    panel.wait_ended(runs=3)
    expect(panel.log.get_by_text("This is the second answer.")).to_have_count(2)
    expect(notebook.record(2)).to_contain_text("Interrupted: the kernel ended")
    expect(notebook.record(2).get_by_text("This is the second answer.")).to_have_count(2)
    notebook.save()
    saved = nbformat.read(server.files / notebook.name, as_version=4)
    outputs = [output for cell in saved.cells[1:3] for output in cell.outputs]
    told = [output.metadata.copilot_widget.threads for output in outputs if "copilot_widget" in output.metadata]
    assert len(told) == 2  # the question's cell, and the panel that had nothing to show at first
    assert told[0] == told[1] == list(threads_in(server.files / notebook.name))
    notebook.reload()
    notebook.view(2).wait_ended(runs=3)
    expect(notebook.broken()).to_have_count(0)

    notebook.restart_kernel()
    notebook.run(0)
    notebook.run(2)
    panel = notebook.view(2)
    expect(panel.root.get_by_role("button", name=re.compile("^Resume: a follow-up · 3 turns"))).to_be_visible()
    panel.button("New conversation").click()
    expect(panel.button("New conversation")).to_have_count(0)
    panel.ask("a follow-up")
    panel.wait_ended()
    assert panel.parts("prompt").count() == 1
