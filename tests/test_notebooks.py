"""The notebooks of the repository, executed as nbclient does: each cell's outputs are looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


@pytest.fixture(scope="module")
def quickstart() -> dict[str, Any]:
    """Source's first words → the cell, after the whole notebook was executed."""
    notebook: Any = nbformat.read(NOTEBOOKS / "quickstart.ipynb", as_version=4)
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOKS)}}
    ).execute()
    return {cell.source: cell for cell in notebook.cells if cell.cell_type == "code"}


def markdown(quickstart: dict[str, Any], beginning: str) -> str:
    """The record of the only cell that begins so; it is that cell's only output."""
    [cell] = [cell for source, cell in quickstart.items() if source.startswith(beginning)]
    [output] = cell.outputs
    assert output.output_type == "display_data", output
    assert {"text/html", "text/markdown", "text/plain"} <= output.data.keys()
    assert 'class="copilot-record' in output.data["text/html"]
    return output.data["text/markdown"]


def test_the_stored_notebook_holds_no_outputs():
    notebook: Any = nbformat.read(NOTEBOOKS / "quickstart.ipynb", as_version=4)
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
