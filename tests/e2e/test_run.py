"""A run as its user sees it: question, answer, tool rows, approval, usage, the next question."""

from __future__ import annotations

from playwright.sync_api import expect

from .conftest import OpenNotebook
from .jupyter import Front
from .scripts import LOAD, SETUP


def test_from_the_question_to_the_next_question(open_notebook: OpenNotebook, front: Front) -> None:
    notebook = open_notebook(SETUP, 'copilot.ask("Where is order 17?")', "copilot", "done", front=front)
    notebook.run(0)
    notebook.run(1)
    view = notebook.view(1)

    expect(view.log).to_contain_text("Where is order 17?")
    view.expect_text("I will look at the order.")
    view.expect_state("lookup", "output-available")
    expect(view.approval).to_be_visible()
    expect(view.approval).to_contain_text("12.5")
    view.expect_state("refund", "approval-requested")
    expect(view.usage).to_have_count(0)
    assert notebook.evaluate(3, "done") == "[('lookup', 17)]"

    view.button("Allow once").click()
    view.expect_state("refund", "output-available")
    view.expect_text("All done with the order.")
    view.wait_ended()
    expect(view.approval).to_have_count(0)
    expect(view.log.locator("strong")).to_have_text("late")
    assert view.log.inner_text().count("All done with the order.") == 1
    assert notebook.evaluate(3, "done") == "[('lookup', 17), ('refund', 17)]"

    notebook.run(2)
    panel = notebook.view(2)
    panel.expect_text("All done with the order.")
    panel.ask("And a follow-up")
    panel.expect_text("This is the second answer.")
    panel.wait_ended(runs=2)
    expect(panel.message).to_have_value("")


def test_a_denied_call_is_not_made_and_the_run_goes_on(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SETUP, 'copilot.ask("Where is order 17?")', "done")
    notebook.run(0)
    notebook.run(1)
    view = notebook.view(1)
    view.button("Deny").click(timeout=60_000)
    view.expect_state("refund", "output-denied")
    view.expect_text("All done with the order.")
    view.wait_ended()
    assert notebook.evaluate(2, "done") == "[('lookup', 17)]"


def test_a_run_that_fails_says_so_and_keeps_what_came(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SETUP, 'run = copilot.ask("break"); run', "run.status")
    notebook.run(0)
    notebook.run(1)
    view = notebook.view(1)
    view.expect_text("Half an ans")
    view.expect_text("The line went dead.")
    view.wait_ended()
    assert notebook.evaluate(2, "run.status") == "'failed'"


def test_run_all_sends_nothing(open_notebook: OpenNotebook, front: Front) -> None:
    cells = (
        LOAD,
        "x = 1",
        "%copilot --model script:talk.json a follow-up",
        "%copilot --model script:talk.json order 17",
    )
    notebook = open_notebook(*cells, front=front)
    notebook.run_all()
    view = notebook.view(2)
    expect(view.send).to_be_visible()
    expect(view.root).to_contain_text("Run All")
    expect(notebook.view(3).send).to_be_visible()
    expect(notebook.page.locator("[data-usage], [data-part=text]")).to_have_count(0)

    view.send.click()
    view.expect_text("This is the second answer.")
    view.wait_ended()
    expect(notebook.view(3).usage).to_have_count(0)


def test_run_all_sends_nothing_from_its_first_cell(open_notebook: OpenNotebook, front: Front) -> None:
    first = f"{LOAD}\n%copilot --model script:talk.json order 17"
    notebook = open_notebook(first, "%copilot --model script:talk.json a follow-up", "x = 1", front=front)
    notebook.run_all()
    expect(notebook.view(0).send).to_be_visible()
    expect(notebook.view(1).send).to_be_visible()
    notebook.run(2)
    notebook.set_source(0, "%copilot --model script:talk.json order 17")
    notebook.run_all()  # the extension is loaded, and the cell before was long ago
    expect(notebook.view(0).send).to_be_visible()
    expect(notebook.page.locator("[data-usage], [data-part=text]")).to_have_count(0)
    notebook.run(0)
    notebook.view(0).wait_ended()
