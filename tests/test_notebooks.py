"""The notebooks of the repository, executed as nbclient does: each cell's outputs are looked at."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def executed(name: str) -> dict[str, Any]:
    """Source → the cell, after the whole notebook was executed."""
    notebook: Any = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOKS)}}
    ).execute()
    return {cell.source: cell for cell in notebook.cells if cell.cell_type == "code"}


@pytest.fixture(scope="module")
def quickstart() -> dict[str, Any]:
    return executed("quickstart")


@pytest.fixture(scope="module")
def tools() -> dict[str, Any]:
    return executed("tools-and-approvals")


def markdown(quickstart: dict[str, Any], beginning: str) -> str:
    """The record of the only cell that begins so; it is that cell's only output."""
    [cell] = [cell for source, cell in quickstart.items() if source.startswith(beginning)]
    [output] = cell.outputs
    assert output.output_type == "display_data", output
    assert {"text/html", "text/markdown", "text/plain"} <= output.data.keys()
    assert 'class="copilot-record' in output.data["text/html"]
    return output.data["text/markdown"]


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_stored_notebook_holds_no_outputs(path: Path):
    notebook: Any = nbformat.read(path, as_version=4)
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")


def test_the_data_is_described_and_its_gaps_are_counted(quickstart: dict[str, Any]):
    text = markdown(quickstart, "%copilot what is in @penguins")
    assert "344 rows" in text
    assert "body_mass_g" in text
    assert "`sex`" in text
    assert "11" in text


def test_a_call_that_acts_is_denied_where_nobody_can_be_asked(quickstart: dict[str, Any]):
    text = markdown(quickstart, "%copilot which species is the heaviest")
    assert "denied" in text
    assert "groupby" in text, "the code that was asked for is in the record"


def test_the_error_is_explained_with_the_name_that_was_meant(quickstart: dict[str, Any]):
    [error] = quickstart['penguins["body_mas_g"].mean()'].outputs
    assert error.ename == "KeyError"
    text = markdown(quickstart, "%copilot explain the error")
    assert "body_mass_g" in text


def test_a_decorated_function_is_a_tool(quickstart: dict[str, Any]):
    text = markdown(quickstart, "%copilot where is order 17")
    assert "ring" in text
    assert "shipped" in text


def test_the_python_api_says_the_same(quickstart: dict[str, Any]):
    [cell] = [cell for source, cell in quickstart.items() if source.startswith("from copilot_widget import Copilot")]
    [output] = cell.outputs
    assert output.text.startswith("completed")
    assert "scale" in output.text
    assert "packed" in output.text
    [usage] = quickstart["run.usage"].outputs
    assert "total_tokens" in usage.data["text/plain"]


def test_the_conversation_holds_every_turn(quickstart: dict[str, Any]):
    text = quickstart["%copilot"].outputs[0].data["text/markdown"]
    for question in ("what is in @penguins", "heaviest", "explain the error", "order 17"):
        assert question in text


# ---- tools and approvals ---------------------------------------------------------------------------------


def test_a_column_is_described_and_context_is_counted_without_asking(tools: dict[str, Any]):
    assert "Adelie" in markdown(tools, "%copilot what is in @penguins.species")
    [output] = tools["%copilot /context what is in @penguins?"].outputs
    assert "tokens" in output.data["text/markdown"]
    assert "@penguins" in output.data["text/markdown"]


def test_wrong_arguments_are_told_and_mended(tools: dict[str, Any]):
    text = markdown(tools, "packing = Copilot")
    assert 'Expected: pack(boxes: integer 1…9, size: small | large = "small")' in text
    assert '"kilograms": 8.0' in text


def test_what_functions_return_is_shown(tools: dict[str, Any]):
    text = markdown(tools, "import asyncio")
    assert '"Torgersen": 52' in text
    assert "6300.0" in text
    assert "Picture: `image/png`" in text


def test_consent_is_nobodys_a_functions_or_given_beforehand(tools: dict[str, Any]):
    text = markdown(tools, "asking = Copilot")
    assert "Sell · denied" in text
    assert '"ring": 3' in text, "looking is free"
    assert "Not allowed by the approvals function." in markdown(tools, "def decide")
    [printed] = [cell for source, cell in tools.items() if source.startswith("trusting")]
    assert printed.outputs[0].text == "['ring', 'ring']\n"


def test_the_cell_that_was_meant_is_said_where_no_page_can_change_it(tools: dict[str, Any]):
    text = markdown(tools, "%copilot /fix")
    assert 'penguins["body_mass_g"].mean()' in text


def test_no_path_leads_out_and_what_is_allowed_is_done(tools: dict[str, Any]):
    text = markdown(tools, "import tempfile")
    assert "notes.txt" in text
    assert "outside" in text
    assert "Changed notes.txt: 1 line added, 1 taken away." in text
    assert "buy rings" in text


def test_a_server_of_ten_lines_has_a_tool(tools: dict[str, Any]):
    assert "Oslo: rain" in markdown(tools, "import sys")
    [status] = tools["copilot.mcp_status()"].outputs
    assert "'tools': 1" in status.data["text/plain"]


# ---- runs that outlive the kernel ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scale_out(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, list[Any]]]:
    """Source and outputs of each cell in turn. Where the reader is told to restart the kernel, it is."""
    folder = tmp_path_factory.mktemp("scale-out")
    notebook: Any = nbformat.read(NOTEBOOKS / "scale-out.ipynb", as_version=4)
    [restart] = [index for index, cell in enumerate(notebook.cells) if "**Do it now**" in cell.source]
    own = {"JUPYTER_DATA_DIR": str(folder), "COPILOT_STORE": f"sqlite:///{folder}/threads.sqlite3"}
    done: list[tuple[str, list[Any]]] = []
    for cells in (notebook.cells[:restart], notebook.cells[restart:]):
        part = nbformat.v4.new_notebook(metadata=notebook.metadata, cells=cells)
        client = NotebookClient(
            part, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOKS)}}
        )
        client.execute(env={**os.environ, **own})
        done += [(cell.source, cell.outputs) for cell in part.cells if cell.cell_type == "code"]
    return done


def test_a_run_survives_its_worker_and_its_kernel(scale_out: list[tuple[str, list[Any]]]):
    sources = [source.splitlines()[0] for source, _ in scale_out]
    load, prices, asked, script, killed, again, reload, listed, followed, end = [outputs for _, outputs in scale_out]
    assert sources[0] == sources[6] == "%load_ext copilot_widget"
    assert load == prices == reload == script == []

    text = asked[0].data["text/markdown"]
    assert "lamp" in text, "a tool of the kernel looked at its variable"
    assert "Inspect" in text
    assert "unavailable" not in text

    assert killed[0].text == "killed a worker in the middle of its answer\n"
    assert again[0].text == "attempt 2 begins with reset-step\n"

    rows = listed[0].data["text/plain"].splitlines()
    assert rows[1].split()[:5] == ["Count", "to", "300.", "running", "process"]
    assert "what is in @prices?" in rows[2]
    assert "completed" in rows[2]

    answer = " ".join(followed[0].data["text/plain"].split())
    assert answer.count(" ".join(map(str, range(1, 301)))) == 1
    assert end[0].text == "completed at 300\neach word once: True\n"
