"""Views come and go; the run's log is the truth: nothing is lost, nothing doubled."""

from __future__ import annotations

import time

from playwright.sync_api import Browser, Page, expect

from .conftest import OpenNotebook
from .jupyter import Front
from .notebook import NotebookPage
from .scripts import SETUP, WORDS
from .view import View


def _words(view: View) -> list[str]:
    """The words of the answer, in the order in which they stand on the page."""
    return [word for text in view.parts("text").all_inner_texts() for word in text.split() if word in set(WORDS)]


def test_a_reload_in_mid_run_loses_and_doubles_nothing(open_notebook: OpenNotebook, front: Front) -> None:
    notebook = open_notebook(SETUP, 'copilot.ask("slow")', front=front)
    notebook.run(0)
    notebook.run(1)
    notebook.view(1).expect_text("w40 ")
    notebook.save()
    notebook.reload()
    notebook.view(1).wait_ended()
    assert _words(notebook.view(1)) == WORDS
    expect(notebook.broken()).to_have_count(0)
    _save_until(notebook, WORDS[-1])


def test_a_page_that_was_loaded_anew_writes_the_record_of_what_is_asked_then(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SETUP, "copilot")
    notebook.run(0)
    notebook.run(1)
    notebook.view(1).ask("a follow-up")
    notebook.view(1).wait_ended()
    notebook.save()
    notebook.reload()
    view = notebook.view(1)
    view.ask("a follow-up, once more")
    view.wait_ended(runs=2)
    _save_until(notebook, "once more")
    assert len(notebook.server.read(notebook.name).cells[1].outputs) == 2
    expect(view.root).to_be_visible()
    expect(notebook.record(1)).to_be_hidden()


def _save_until(notebook: NotebookPage, text: str) -> None:
    """Save until the record in the file holds `text`: it is written a moment after the end of a turn."""
    deadline = time.monotonic() + 20
    while True:
        notebook.save()
        outputs = notebook.server.read(notebook.name).cells[1].outputs
        record = next(output.data for output in outputs if "text/markdown" in output.data)
        if all(text in record[kind] for kind in ("text/plain", "text/markdown", "text/html")):
            return
        assert time.monotonic() < deadline, record["text/plain"]
        notebook.page.wait_for_timeout(200)


_SOCKETS = """
globalThis.sockets = [];
globalThis.WebSocket = class extends WebSocket {
  constructor(...args) { super(...args); globalThis.sockets.push(this); }
};
"""
_DROP = "() => sockets.filter(each => each.readyState === WebSocket.OPEN).map(each => each.close()).length"


def test_a_dropped_line_a_sleep_and_a_second_browser_catch_up(
    page: Page, open_notebook: OpenNotebook, browser: Browser
) -> None:
    """Each view has every word once, whatever it has missed."""
    page.add_init_script(_SOCKETS)
    notebook = open_notebook(SETUP, 'copilot.ask("slow")')
    notebook.run(0)
    notebook.run(1)
    view = notebook.view(1)
    view.expect_text("w20 ")
    assert page.evaluate(_DROP) > 0
    view.expect_text("w70 ")
    session = page.context.new_cdp_session(page)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    time.sleep(2)
    session.send("Page.setWebLifecycleState", {"state": "active"})
    view.expect_text("w140 ")
    notebook.save()
    context = browser.new_context()
    second = NotebookPage(context.new_page(), notebook.server, "lab", notebook.name).open()
    second.view(1).wait_ended()
    view.wait_ended()
    assert _words(view) == _words(second.view(1)) == WORDS
    for each in (notebook, second):
        expect(each.broken()).to_have_count(0)
    page.close()
    second.view(1).ask("a follow-up")
    second.view(1).expect_text("This is the second answer.")
    expect(second.view(1).parts("prompt")).to_have_count(2)
    context.close()


def test_an_approval_outlives_a_reload(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SETUP, 'copilot.ask("Where is order 17?")', "done")
    notebook.run(0)
    notebook.run(1)
    expect(notebook.view(1).approval).to_be_visible(timeout=60_000)
    notebook.save()
    notebook.reload()
    notebook.view(1).button("Allow once").click(timeout=30_000)
    notebook.view(1).wait_ended()
    assert notebook.evaluate(2, "done") == "[('lookup', 17), ('refund', 17)]"


def test_a_run_shown_twice_is_the_same_run(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SETUP, 'run = copilot.ask("slow"); run', "run")
    notebook.run(0)
    notebook.run(1)
    notebook.view(1).expect_text("w20 ")
    notebook.run(2)
    notebook.view(2).expect_text("w40 ")
    for index in (1, 2):
        notebook.view(index).wait_ended()
        assert _words(notebook.view(index)) == WORDS


_FITS = """
view => {
  const { height, bottom } = view.getBoundingClientRect();
  const pane = view.closest(".jp-LinkedOutputView").getBoundingClientRect();
  return { left: pane.height - height, below: bottom - pane.bottom, beside: view.scrollWidth - view.clientWidth };
}
"""


def _fits(view: View) -> None:
    """It fills its pane, and nothing of it is out of sight."""
    measures = view.root.evaluate(_FITS)
    assert 0 <= measures["left"] < 12, measures
    assert measures["below"] <= 0, measures
    assert measures["beside"] == 0, measures
    expect(view.message).to_be_in_viewport(ratio=1)


def test_a_new_view_of_an_output_shows_all_and_its_stop_stops_both(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SETUP, 'run = copilot.ask("slow"); run', "run.status")
    notebook.run(0)
    notebook.run(1)
    notebook.view(1).expect_text("w20 ")
    notebook.select(1)
    notebook.command("notebook:create-output-view")
    second = notebook.views(notebook.page.locator(".jp-LinkedOutputView"))
    second.expect_text("w40 ")
    _fits(second)
    second.stop.click()
    for view in (second, notebook.view(1)):
        view.wait_ended()
        words = _words(view)
        assert words == WORDS[: len(words)]
    assert _words(second) == _words(notebook.view(1))
    narrow = "pane => { pane.style.width = '320px'; }"
    notebook.page.locator(".jp-LinkedOutputView").evaluate(narrow)
    _fits(second)


def test_a_reload_behind_a_blocking_cell_shows_the_answer_once(open_notebook: OpenNotebook) -> None:
    busy = "import pathlib, time; pathlib.Path('busy').touch(); time.sleep(15)"
    notebook = open_notebook(SETUP, 'copilot.ask("a follow-up")', busy)
    notebook.run(0)
    notebook.run(1)
    notebook.view(1).wait_ended()
    notebook.save()
    notebook.run(2, wait=False)
    while not (notebook.server.files / "busy").exists():  # a request that the page still holds would go with it
        notebook.page.wait_for_timeout(50)
    notebook.reload()
    # The record until Jupyter has the widgets back, which may be at once (a subshell answers) or when the cell ends.
    answer = notebook.output(1).get_by_text("This is the second answer.").filter(visible=True)
    expect(answer).to_have_count(1)
    expect(notebook.broken()).to_have_count(0)
    notebook.view(1).wait_ended()
    expect(notebook.record(1)).to_be_hidden()
    expect(answer).to_have_count(1)
