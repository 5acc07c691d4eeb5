"""Runs that outlive what asked for them: their worker is killed, their kernel restarted, and the answer is whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import psutil
import pytest
from playwright.sync_api import expect

from .conftest import OpenNotebook
from .jupyter import JupyterServer
from .notebook import NotebookPage
from .scripts import LOAD, WORDS
from .view import View

LAST = WORDS[-1]
ASK = "%copilot --executor process --model script:long.json count"
TALK = {
    "turns": [
        {"match": "count", "steps": [[{"type": "text", "text": " ".join(WORDS), "tokensPerSecond": 10}]]},
        {"match": "follow-up", "steps": ["This is the second answer."]},
    ]
}
"""A restart takes its time on a busy machine: the answer must not be over before."""


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """With conversations that other processes can read, as they are outside the tests."""
    folder = tmp_path_factory.mktemp("jupyter-executors")
    server = JupyterServer(folder, env={"COPILOT_STORE": f"sqlite:///{folder}/threads.sqlite3"})
    (server.files / "long.json").write_text(json.dumps(TALK))
    yield server
    for worker in _workers(server):
        worker.kill()
    server.close()


def _workers(server: JupyterServer) -> list[psutil.Process]:
    """The detached workers of this server's kernels."""
    ours = str(server.folder / "data")
    found = psutil.process_iter(["cmdline"])
    return [one for one in found if any(word.startswith(ours) for word in one.info["cmdline"] or [])]


def _words(view: View) -> list[str]:
    return [word for text in view.parts("text").all_inner_texts() for word in text.split() if word in set(WORDS)]


def _open(open_notebook: OpenNotebook, *cells: str) -> NotebookPage:
    notebook = open_notebook(LOAD, *cells)
    notebook.run(0)
    return notebook


def test_the_worker_is_killed_in_the_middle_and_the_answer_is_whole(open_notebook: OpenNotebook) -> None:
    notebook = _open(open_notebook, ASK)
    notebook.run(1)
    view = notebook.view(1)
    view.expect_text("w40 ")
    workers = _workers(notebook.server)
    assert workers
    for worker in workers:
        worker.kill()
    view.expect_text("w60 ")
    view.wait_ended()
    assert _words(view) == WORDS
    expect(notebook.record(1)).to_contain_text(LAST)


def test_a_view_goes_on_where_it_was_when_the_restarted_kernel_knows_us(open_notebook: OpenNotebook) -> None:
    notebook = _open(open_notebook, ASK, "1 + 1")
    notebook.run(1)
    view = notebook.view(1)
    view.expect_text("w30 ")
    view.message.fill("what I was writing")
    notebook.restart_kernel()
    expect(view.message).to_be_disabled()
    expect(view.root).to_contain_text("this run goes on elsewhere")
    notebook.run(2)
    expect(view.message).to_be_disabled()
    seen = len(_words(view))
    notebook.run(0)
    expect(view.message).to_be_enabled(timeout=20_000)
    expect(view.root).to_contain_text("its variables are gone")
    expect(view.root).to_contain_text("To keep the answer in the notebook, run %copilot /runs run-")
    expect(view.message).to_have_value("what I was writing")
    assert len(_words(view)) >= seen
    view.wait_ended()
    assert _words(view) == WORDS
    view.ask("a follow-up")
    view.expect_text("This is the second answer.")
    view.wait_ended(runs=2)


def test_stop_works_in_a_view_that_outlived_its_kernel(open_notebook: OpenNotebook) -> None:
    notebook = _open(open_notebook, ASK)
    notebook.run(1)
    view = notebook.view(1)
    view.expect_text("w20 ")
    notebook.restart_kernel()
    notebook.run(0)
    view.expect_text("w60 ")
    view.stop.click()
    view.wait_ended()
    words = _words(view)
    assert words == WORDS[: len(words)] != WORDS


def test_a_restarted_kernel_goes_on_with_its_run(open_notebook: OpenNotebook) -> None:
    notebook = _open(open_notebook, ASK, "%copilot /runs", "%copilot /runs latest")
    notebook.run(1)
    old = notebook.view(1)
    old.expect_text("w30 ")
    notebook.restart_kernel()
    expect(old.message).to_be_disabled()
    expect(old.root).to_contain_text("this run goes on elsewhere")
    notebook.run(0)
    notebook.run(2)
    expect(notebook.output(2)).to_contain_text(re.compile(r"count\s+running\s+process"))
    notebook.run(3)
    view = notebook.view(3)
    view.expect_text("w40 ")
    expect(view.root).to_contain_text("its variables are gone")
    view.wait_ended()
    assert _words(view) == WORDS
    expect(notebook.record(3)).to_contain_text(LAST)
