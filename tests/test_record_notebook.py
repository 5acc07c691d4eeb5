"""Records in real notebooks: published by real kernels, converted by nbconvert."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import nbconvert
import nbformat
import pytest
from markdown_it import MarkdownIt

from copilot_widget.notebook.record_display import renamed, threads_in
from copilot_widget.record import RecordTurn, render

from .kernel.kernels import Kernel, installed
from .record_samples import MARKDOWN, ordinary, user

WIDGET = {"application/vnd.jupyter.widget-view+json": {"version_major": 2, "version_minor": 0, "model_id": "gone"}}


def notebook(*bundles: dict[str, Any]) -> Any:
    outputs = [nbformat.v4.new_output("display_data", data=bundle) for bundle in bundles]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("%copilot why", outputs=outputs)])


def converted(exporter: nbconvert.Exporter, document: Any) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the output that has only a view
        return exporter.from_notebook_node(document)[0]


def test_converted_to_html_it_is_all_there_and_brings_no_script() -> None:
    document = notebook(render([ordinary()], beside=True), WIDGET)
    html = converted(nbconvert.HTMLExporter(), document)
    bare = converted(nbconvert.HTMLExporter(), notebook(WIDGET))
    for words in (
        "Why is revenue negative",
        "signed the wrong way round",
        "No order 17.",
        "≈ $0.08",
        "☐ ask the owner",
    ):
        assert words in html
    assert html.count("<script") == bare.count("<script")
    assert "Error displaying" not in html


def test_converted_to_markdown_it_is_one_block_of_html_without_css() -> None:
    """nbconvert prefers text/html also there: an empty line in it would end the block within a `<pre>`."""
    markdown = converted(nbconvert.MarkdownExporter(), notebook(render([ordinary()], beside=True), WIDGET))
    tokens = MarkdownIt("commonmark", {"html": True}).parse(markdown)
    blocks = [token.content for token in tokens if token.type == "html_block"]
    assert len(blocks) == 1
    assert "df.plot()\n&#10;print('x')" in blocks[0]
    assert blocks[0].rstrip().endswith("</div>")
    assert [token.type for token in tokens if token.type != "html_block"] == ["fence"]  # the cell's source
    assert "--jp-" not in re.sub(r"<[^>]*>", "", markdown)


def test_converted_to_markdown_by_its_markdown_form_it_is_as_written() -> None:
    bundle = render([ordinary()])
    del bundle["text/html"]
    assert MARKDOWN.strip() in converted(nbconvert.MarkdownExporter(), notebook(bundle))


@pytest.fixture(params=installed())
def kernel(request: pytest.FixtureRequest) -> Any:
    kernel = Kernel(request.param)
    yield kernel
    kernel.close()


SHOW = """
import threading
from copilot_widget.notebook.record_display import RecordDisplay
from copilot_widget.record import RecordTurn, render
from tests.record_samples import assistant, text, user
record = RecordDisplay(render([RecordTurn(user("Why?"), None, "running")], beside=True))
record.show()
"""

FROM_A_THREAD = """
errors = []
def say(said):
    try:
        record.update(render([RecordTurn(user("Why?"), assistant(text(said)))], beside=True))
    except BaseException as error:
        errors.append(repr(error))
threads = [threading.Thread(target=say, args=[f"Thread {n}."]) for n in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
say("Because.")
say("Because.")
"""


def test_a_record_is_shown_in_its_cell_and_updated_from_threads_of_another(kernel: Kernel) -> None:
    shown = kernel.run(SHOW).check()
    assert [data["text/plain"] for data in shown.displays] == ["> Why?\n\nStill running when saved."]
    updates: list[dict[str, Any]] = []
    take = kernel._take

    def spy(message: dict[str, Any]) -> None:
        if message["msg_type"] == "update_display_data":
            updates.append(message)
        take(message)

    kernel._take = spy  # type: ignore[method-assign]
    second = kernel.run(FROM_A_THREAD).check()
    assert kernel.value("errors") == []
    assert second.displays == []
    assert len(updates) == 5, "what shows already is not sent again"
    assert {update["content"]["transient"]["display_id"] for update in updates} == {kernel.value("record.display_id")}
    assert updates[-1]["content"]["data"]["text/plain"] == "> Why?\n\nBecause."


def test_a_notebook_run_without_a_browser_holds_the_last_record() -> None:
    """As in CI: nbclient keeps what update_display_data says."""
    from nbclient import NotebookClient

    document = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(SHOW), nbformat.v4.new_code_cell(FROM_A_THREAD + "errors")]
    )
    NotebookClient(document, kernel_name="python3", timeout=60).execute()
    assert document.cells[0].outputs[0].data["text/markdown"] == "> Why?\n\nBecause.\n"
    assert document.cells[1].outputs[0].data["text/plain"] == "[]"


def test_turns_without_an_answer_are_readable_when_saved_in_the_middle() -> None:
    bundle = render([RecordTurn(user("Why?"), None, "running")], beside=True)
    html = converted(nbconvert.HTMLExporter(), notebook(bundle, WIDGET))
    assert "Why?" in html
    assert "Still running when saved." in html


def _saved(path: Path, *metadata: Any) -> Path:
    outputs = [nbformat.v4.new_output("display_data", data=WIDGET, metadata=each) for each in metadata]
    quoting = nbformat.v4.new_code_cell('{"copilot_widget": {"threads": ["quoted"]}}', outputs=outputs)
    nbformat.write(nbformat.v4.new_notebook(cells=[quoting]), path)
    return path


def test_a_file_says_which_conversations_are_its_own(tmp_path: Path) -> None:
    told = {"copilot_widget": {"threads": ["thread-a", 'a "plan" für \\ uns@0']}}
    others = [{"copilot_widget": {"threads": 3}}, {"copilot_widget": {"else": {}}}, {"copilot_widget": 1}, {}]
    file = _saved(tmp_path / "a.ipynb", told, *others)
    assert threads_in(file) == {"thread-a", 'a "plan" für \\ uns@0'}
    assert threads_in(tmp_path / "none.ipynb") == threads_in(tmp_path) == set()


def test_a_notebook_is_followed_where_one_alone_can_be_it(tmp_path: Path) -> None:
    place = str(tmp_path / "old.ipynb")
    told = {"copilot_widget": {"threads": ["thread-a"]}}
    _saved(tmp_path / "other.ipynb", {})
    assert renamed(place, {"thread-a"}) is None
    new = _saved(tmp_path / "new.ipynb", told)
    assert renamed(place, {"thread-a"}) == str(new)
    assert renamed(place, {"thread-b"}) is None
    assert renamed(str(tmp_path / "folder"), {"thread-a"}) is None
    copy = _saved(tmp_path / "copy.ipynb", told)
    assert renamed(place, {"thread-a"}) is None
    copy.unlink()
    _saved(Path(place), {})
    assert renamed(place, {"thread-a"}) is None  # it is still there
