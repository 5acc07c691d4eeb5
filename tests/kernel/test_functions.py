"""Decorated functions of a notebook: replaced, taken for one another, wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .kernels import Kernel


@pytest.fixture
def notebook(start_kernel: Callable[..., Kernel], tmp_path: Path) -> Kernel:
    kernel = start_kernel(cwd=tmp_path)
    kernel.run("%load_ext copilot_widget").check()
    kernel.run("from copilot_widget import Copilot, tool\nfrom copilot_widget.models.script import ScriptModel").check()
    call = {"type": "call", "toolName": "where", "input": {"n": 1}}
    (tmp_path / "where.json").write_text(json.dumps({"steps": [[call], "ok"] * 3}))
    kernel.run("%config Copilot.model = 'script:where.json'").check()
    return kernel


def define(notebook: Kernel, says: str, decorator: str = "@tool", name: str = "where") -> None:
    notebook.run(f"{decorator}\ndef {name}(n: int) -> str:\n    'Say where.'\n    return {says!r}").check()


OUTPUTS = "[part.output for part in {0}.message.parts if part.type.startswith('tool-')]"


@pytest.mark.parametrize("decorator", ["@tool", ""])
def test_running_the_cell_again_replaces_the_tool_of_a_copilot(notebook: Kernel, decorator: str):
    define(notebook, "old", decorator)
    notebook.run("own = Copilot('script:where.json', tools=[where])\na = own.ask('go').wait(30)").check()
    assert notebook.value(OUTPUTS.format("a")) == ["old"]
    define(notebook, "new", decorator)
    notebook.run("b = own.ask('go').wait(30)").check()
    assert notebook.value(OUTPUTS.format("b")) == ["new"]
    notebook.run("where = 3\nc = own.ask('go').wait(30)").check()
    assert notebook.value(OUTPUTS.format("c")) == ["new"], "the name has gone to something else"


def test_what_cannot_be_a_tool_is_told_by_its_own_cell(notebook: Kernel):
    notebook.run("class Opaque: ...").check()
    wrong = notebook.run("@tool\ndef mean(of: Opaque) -> float:\n    'Mean.'\n    return 1.0")
    assert wrong.status == "error"
    assert "mean cannot be a tool" in wrong.error
    define(notebook, "here")
    notebook.run("q = %copilot --send --wait where").check()
    assert notebook.value(OUTPUTS.format("q")) == ["here"]


def test_a_type_that_is_not_defined_yet_leaves_out_one_tool_and_is_told(notebook: Kernel):
    define(notebook, "here")
    notebook.run("@tool\ndef later(a: 'Missing') -> int:\n    'Later.'\n    return 1").check()
    notebook.run("q = %copilot --send --wait where").check()
    assert notebook.value(OUTPUTS.format("q")) == ["here"]
    assert "The tool later is left out" in notebook.value("' '.join(next(iter(q.copilot.agents.remarks())).split())")
    assert "The tool later is left out" in str(notebook.run("%copilot /tools").check())
    notebook.run("Missing = int").check()
    assert notebook.value("q.copilot.agents.remarks()") == []


def test_a_list_of_tools_decides_nothing(notebook: Kernel):
    notebook.run("looked = []").check()
    define(notebook, "here", "@tool(approval=looked.append)")
    told = str(notebook.run("%copilot /tools").check())
    assert "depends on the call" in told
    assert notebook.value("looked") == []


def test_a_name_that_is_taken_is_told(notebook: Kernel):
    define(notebook, "here")
    define(notebook, "there", "@tool(name='where')", "other")
    define(notebook, "mine", "@tool", "run_code")
    notebook.run("q = %copilot --send --wait where").check()
    assert notebook.value(OUTPUTS.format("q")) == ["there"]
    assert notebook.value("q.copilot.agents.remarks()") == [
        "2 functions are the tool where; the last one is used. Rename the others with @tool(name=…).",
        "Your tool run_code takes the place of the built-in tool of that name.",
    ]
