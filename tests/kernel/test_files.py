"""File tools in a notebook: they are there, confined to its folder, and an edit is asked for with its diff."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .kernels import ROOT, Kernel

CARDS = "[e['chunk']['data'] for e in run.feed.events if e['chunk']['type'] == 'data-approval']"
APPROVALS = "[e['chunk']['approvalId'] for e in run.feed.events if e['chunk']['type'] == 'tool-approval-request']"
PARTS = "[[p.tool_name, p.state, p.output, p.error_text] for p in run.message.parts if p.type.startswith('tool-')]"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A notebook's folder, in which the package is not."""
    (tmp_path / "notebook").mkdir()
    return tmp_path / "notebook"


@pytest.fixture
def notebook(start_kernel: Callable[..., Kernel], folder: Path) -> Kernel:
    kernel = start_kernel(cwd=folder)
    kernel.run("%load_ext copilot_widget\nfrom copilot_widget import Copilot").check()
    time.sleep(0.2)  # else it would be Run All
    return kernel


def called(tool: str, **given: Any) -> dict[str, Any]:
    return {"type": "call", "toolName": tool, "input": given}


def model(folder: Path, *steps: Any) -> str:
    path = folder.parent / f"{len(list(folder.parent.iterdir()))}.json"
    path.write_text(json.dumps({"steps": list(steps), "end": "last"}))
    return f"script:{path}"


def waiting(kernel: Kernel, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while kernel.value("run.status") != "waiting":
        assert time.monotonic() < deadline, kernel.value("run.status")
        time.sleep(0.1)


def test_an_edit_is_asked_for_with_a_diff_allowed_and_done(notebook: Kernel, folder: Path) -> None:
    (folder / "config.py").write_text("debug = True\nlevel = 3\n")
    edit = called("edit_file", path="config.py", old="debug = True", new="debug = False")
    script = model(folder, [called("read_file", path="config.py")], [edit], "done")
    notebook.run(f"run = %copilot --model {script} turn it off").check()
    waiting(notebook)
    [card] = notebook.value(CARDS)
    assert card["title"] == "edit config.py"
    assert card["diff"] == (
        "--- a/config.py\n+++ b/config.py\n@@ -1,2 +1,2 @@\n-debug = True\n+debug = False\n level = 3"
    )
    assert (folder / "config.py").read_text().startswith("debug = True")
    [approval] = notebook.value(APPROVALS)
    assert notebook.value(f"run.answer({approval!r}, True)") is True
    assert notebook.value("run.wait(20).text") == "done"
    read, edited = notebook.value(PARTS)
    assert read[:3] == ["read_file", "output-available", "    1\tdebug = True\n    2\tlevel = 3"]
    assert edited[:3] == ["edit_file", "output-available", "Changed config.py: 1 line added, 1 taken away."]
    assert (folder / "config.py").read_text() == "debug = False\nlevel = 3\n"


def test_the_folder_is_the_one_that_the_copilot_was_made_in(notebook: Kernel, folder: Path) -> None:
    (folder / "mine.txt").write_text("mine")
    (folder.parent / "theirs.txt").write_text("theirs")
    calls = [called("read_file", path="../theirs.txt"), called("list_files")]
    notebook.run(f"c = Copilot({model(folder, calls, 'done')!r})\nimport os; os.chdir('..')\nrun = c.ask('go')").check()
    assert notebook.value("run.wait(20).status") == "completed"
    by_name = {name: [state, output, error] for name, state, output, error in notebook.value(PARTS)}
    assert by_name["list_files"][1] == "mine.txt  4 bytes"
    assert by_name["read_file"][0] == "output-error"
    assert by_name["read_file"][2].startswith(f"../theirs.txt is outside of {folder}")


def test_files_can_be_turned_off_and_are_not_those_of_the_whole_disk(notebook: Kernel) -> None:
    offered = "sorted(t for t in {} if t.endswith('_file') or t.endswith('_files'))"
    of = "c.agents.toolset().tools()"
    notebook.run("c = Copilot('demo', root=False)").check()
    assert notebook.value(offered.format(of)) == []
    notebook.run("c = Copilot('demo')").check()
    assert len(notebook.value(offered.format(of))) == 5
    notebook.run("import os; os.chdir('/'); c = Copilot('demo')").check()
    assert notebook.value(offered.format(of)) == []


def test_an_imported_shell_is_offered_as_any_tool_and_asks(notebook: Kernel, folder: Path) -> None:
    notebook.run("from copilot_widget.tools.shell import shell").check()
    script = model(folder, [called("shell", command="echo made > made.txt; pwd")], "done")
    notebook.run(f"run = %copilot --send --model {script} go").check()
    waiting(notebook)
    [card] = notebook.value(CARDS)
    assert (card["code"], card["language"]) == ("echo made > made.txt; pwd", "bash")
    assert not (folder / "made.txt").exists()
    [approval] = notebook.value(APPROVALS)
    notebook.value(f"run.answer({approval!r}, True)")
    assert notebook.value("run.wait(20).status") == "completed"
    assert notebook.value(PARTS)[0][2] == {"exit_code": 0, "output": f"{folder.resolve()}\n"}
    assert (folder / "made.txt").read_text() == "made\n"
    assert not (ROOT / "made.txt").exists()


def test_mentions_are_read_from_the_root_that_was_given(notebook: Kernel, folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "a.txt").write_text("of the root")
    notebook.run(f"run = Copilot({model(folder, 'done')!r}, root='data').ask('see @file:a.txt')").check()
    assert "of the root" in json.dumps(notebook.value("run.prompt.to_wire()"))
