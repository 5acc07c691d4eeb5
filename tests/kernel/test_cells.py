"""Tools of cells and of what ran, on real kernels without a page: they say what they have not done."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .kernels import Kernel
from .test_kernel_tools import LOAD, failing_code, finished, run_code

HEADLESS = "from copilot_widget.notebook import document as d; d.APPEAR_SECONDS = 0.1"


@pytest.fixture
def agent(start_kernel: Callable[..., Kernel], tmp_path: Path) -> Kernel:
    """A kernel whose history is kept in a file, as a user's is."""
    kernel = start_kernel("installed", env={"IPYTHONDIR": str(tmp_path)})
    kernel.run(LOAD).check()
    kernel.run(HEADLESS).check()
    return kernel


def _call(kernel: Kernel, name: str, **given: object) -> str:
    """What the model reads of a call."""
    arguments = ", ".join(f"{key}={value!r}" for key, value in given.items())
    kernel.run(f"call({name!r}, {arguments})").check()
    report = finished(kernel, name)
    return report["error"] or report["output"]


def test_without_a_page_nothing_is_claimed(agent: Kernel) -> None:
    agent.run("a = 20").check()
    agent.run("a + 1").check()
    text = _call(agent, "read_cells")
    assert text.startswith("(No page that shows this notebook answers. This is the kernel's history instead")
    assert "# [3]\na = 20" in text
    assert "# [4]\na + 1\n→ output:\n21" in text
    assert "a + 1" in _call(agent, "read_cells", cells="[4]")
    assert "No cell has run as '[99]'" in _call(agent, "read_cells", cells="[99]")
    edited = _call(agent, "edit_cell", cell="[3]", source="a = 21")
    assert edited.startswith("ToolError: Not edited: No page that shows this notebook answers. Show the code")
    inserted = _call(agent, "insert_cell", source="a = 22")
    assert inserted.startswith("ToolError: Not inserted: No page that shows this notebook answers.")
    assert "Give a variable that is a figure" in _call(agent, "get_output_image", cell="[4]")


def test_the_history_of_a_long_cell_is_read_by_pages(agent: Kernel) -> None:
    agent.run("\n".join(f"value = {number}  # a line of a long cell" for number in range(1_000))).check()
    among = _call(agent, "read_cells")
    assert "characters cut] …" in among
    assert '(cut; cells="[3]" reads all of it)' in among
    first = _call(agent, "read_cells", cells="[3]")
    found = re.search(r"; go on with offset=(\d+)\)", first)
    assert found is not None
    assert "characters cut" not in first
    assert f"value = {int(found[1]) - 1}  #" in _call(agent, "read_cells", cells="[3]", offset=int(found[1]))
    searched = _call(agent, "search_history", query="value = 999")
    assert searched.count("(cut; In[3] holds all of it)") == 1


def test_a_cell_that_still_runs_leaves_the_next_input(agent: Kernel) -> None:
    reply = agent.run("done = call('insert_cell', source='a = 22').done; main.serve_until(done, 20)").check()
    assert [(one["source"], one["text"]) for one in reply.payload] == [("set_next_input", "a = 22")]
    assert "it becomes the next input, when the running cell ends" in finished(agent, "insert_cell")["output"]


def test_history_of_this_and_earlier_sessions_is_searched(
    agent: Kernel, start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    agent.run("special_name = 1  # In The First").check()
    assert "# [3] of this session\nspecial_name = 1" in _call(agent, "search_history", query="in the first")
    agent.run("%reload_ext storemagic").check()
    agent.run("get_ipython().history_manager.writeout_cache()").check()
    second = start_kernel("installed", env={"IPYTHONDIR": str(tmp_path)})
    second.run(LOAD).check()
    second.run("other = 2; special_name = 'sk-abcdefghijklmnop1234'").check()
    here = _call(second, "search_history", query="special_NAME")
    assert "of session 1" not in here
    assert here.endswith("(earlier sessions were not searched)")
    text = _call(second, "search_history", query="special_NAME", earlier=True)
    assert text.index("# [2] of this session\nother = 2") < text.index("# [3] of session 1, begun ")
    assert "sk-abc" not in text
    second.run("call('search_history', query='-'.join('abc'))").check()
    assert finished(second, "search_history")["output"].startswith("Nothing that ran holds 'a-b-c'.")
    second.run("from copilot_widget.notebook.inputs import search_tool; search = search_tool(get_ipython())").check()
    asked = "[(search.approval(dict(query='x', earlier=e)) or 0) and 'asks' for e in (False, True)]"
    assert second.value(asked) == [0, "asks"]


def test_a_figure_is_drawn_small_for_the_model(agent: Kernel) -> None:
    agent.run("import matplotlib; matplotlib.use('agg'); import matplotlib.pyplot as plt").check()
    agent.run("fig = plt.figure(figsize=(30, 10)); _ = fig.gca().plot([1, 2])").check()
    assert _call(agent, "get_output_image", variable="fig.gca").startswith("ToolError: ")
    assert _call(agent, "get_output_image", variable="fig").startswith("fig: figure with 1 axes")
    agent.run(
        "import base64, struct; data = base64.b64decode(calls['get_output_image'].display[0]['image/png'])"
    ).check()
    assert agent.value("struct.unpack('>2I', data[16:24])") == [1024, 341]
    assert agent.value("len(data)") < 300_000


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("import sklearn_not_there", "propose a cell with %pip install sklearn_not_there to the user"),
        ("raise ModuleNotFoundError(\"No module named 'skimage.io'\")", "%pip install scikit-image"),
        ("import pandsa", "Is pandas meant?"),
        ("raise ModuleNotFoundError(\"No module named 'winreg'\")", "belongs to Python itself"),
    ],
)
def test_what_is_missing_is_proposed_and_not_installed(shared_kernel: Kernel, code: str, hint: str) -> None:
    shared_kernel.run(LOAD).check()
    error = failing_code(shared_kernel, code)
    assert error.startswith("ModuleNotFoundError: No module named")
    assert hint in error
    assert run_code(shared_kernel, "1")["output"] == {"result": 1}


def test_the_last_error_carries_the_hint(agent: Kernel) -> None:
    assert agent.run("import numpy_not_there").status == "error"
    agent.run("call('last_error')").check()
    assert "%pip install numpy_not_there" in json.dumps(finished(agent, "last_error")["output"])
    assert agent.run("import json.not_there").status == "error"
    agent.run("call('last_error')").check()
    assert "hint" not in finished(agent, "last_error")["output"]
