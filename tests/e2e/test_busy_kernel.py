"""The kernel stays the user's: cells run while an answer streams, it streams while they run, Stop and Approve work."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import OpenNotebook
from .jupyter import OLDER_KERNELS, Front
from .notebook import NotebookPage
from .openai_server import OpenAIServer
from .scripts import SETUP, WORDS
from .view import LONG

STOP_SECONDS = 1.0
"""What is promised: so long after the click the request is closed, and billing ends."""


def _ask_real_server(notebook: NotebookPage, server: OpenAIServer) -> None:
    notebook.run(0)
    notebook.run(1)
    notebook.run(2)
    assert server.started.wait(60), "the model server was not asked"
    notebook.view(2).expect_text("word5")


def _cells(server: OpenAIServer) -> tuple[str, str, str, str, str]:
    copilot = f'copilot = Copilot(model="openai/x", api_base="{server.api_base}", api_key="unused-here")'
    return (SETUP, copilot, 'run = copilot.ask("count"); run', "import time; time.sleep(20)", "run.status")


def _stop(notebook: NotebookPage, server: OpenAIServer) -> float:
    """Click Stop; seconds until the server saw its client go."""
    # The browser says when: to click, the harness first waits until the growing page holds still. And whether: an
    # answer that grows may move the button away between press and release, which is then no click on it.
    notebook.page.evaluate("""() => addEventListener('click', event => {
        if (event.target.closest('button')?.textContent.includes('Stop')) window.clicked = Date.now()
    }, {capture: true})""")
    for _ in range(5):
        notebook.view(2).stop.click()
        if notebook.page.evaluate("() => window.clicked"):
            break
    assert server.hung_up.wait(15), "the request was not closed"
    return server.hung_up_at - notebook.page.evaluate("() => window.clicked") / 1000


def test_stop_closes_the_request(open_notebook: OpenNotebook, front: Front, model_server: OpenAIServer) -> None:
    notebook = open_notebook(*_cells(model_server), front=front)
    _ask_real_server(notebook, model_server)
    assert _stop(notebook, model_server) < STOP_SECONDS
    notebook.view(2).wait_ended()
    expect(notebook.view(2).usage).to_contain_text("stopped", ignore_case=True)
    assert notebook.evaluate(4, "run.status") == "'stopped'"
    assert len(model_server.requests) == 1


def test_stop_works_while_a_cell_blocks(
    open_notebook: OpenNotebook, front: Front, kernel: str, model_server: OpenAIServer
) -> None:
    notebook = open_notebook(*_cells(model_server), front=front, kernel=kernel)
    _ask_real_server(notebook, model_server)
    _block(notebook, 3)
    assert _stop(notebook, model_server) < STOP_SECONDS
    notebook.view(2).wait_ended()
    assert notebook.prompt(3) == "[*]:", "the cell had ended: nothing was blocked"


def test_approve_works_while_a_cell_blocks(open_notebook: OpenNotebook, kernel: str) -> None:
    notebook = open_notebook(SETUP, 'copilot.ask("Where is order 17?")', "import time; time.sleep(20)", kernel=kernel)
    notebook.run(0)
    notebook.run(1)
    view = notebook.view(1)
    expect(view.approval).to_be_visible(timeout=LONG)
    _block(notebook, 2)
    view.button("Allow once").click()
    view.expect_state("refund", "output-available")
    view.wait_ended()
    assert notebook.prompt(2) == "[*]:", "the cell had ended: nothing was blocked"


@pytest.mark.parametrize("kernel", ["python3", OLDER_KERNELS[-1]])
def test_an_answer_streams_while_a_cell_blocks(open_notebook: OpenNotebook, kernel: str) -> None:
    notebook = open_notebook(SETUP, 'copilot.ask("slow")', "import time; time.sleep(20)", kernel=kernel)
    notebook.run(0)
    notebook.run(1)
    notebook.view(1).expect_text("w1 ")
    _block(notebook, 2)
    notebook.view(1).expect_text(WORDS[-1])
    notebook.view(1).wait_ended()
    assert notebook.prompt(2) == "[*]:", "the cell had ended: nothing was blocked"


def test_cells_run_while_an_answer_streams(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SETUP, 'copilot.ask("slow")', "6 * 7")
    notebook.run(0)
    notebook.run(1)
    notebook.view(1).expect_text("w1 ")
    assert notebook.evaluate(2, "6 * 7") == "42"
    expect(notebook.view(1).stop).to_be_visible()
    expect(notebook.view(1).log).not_to_contain_text(WORDS[-1])


def _block(notebook: NotebookPage, index: int) -> None:
    """Leave a sleeping cell running; returns when the kernel sleeps."""
    notebook.run(index, wait=False)
    expect(notebook.cell(index).locator(".jp-InputPrompt")).to_have_text("[*]:")
    notebook.page.wait_for_timeout(500)  # [*] shows when the request is sent; the kernel starts on it a little later
