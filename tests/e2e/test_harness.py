"""The harness itself, on a widget of a few lines: if these fail, the other browser tests say nothing."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from .browser import Meter, painted, watch_for
from .conftest import OpenNotebook
from .jupyter import OLDER_KERNELS, Front

WIDGET = '''
import anywidget, traitlets
class Echo(anywidget.AnyWidget):
    _esm = """
    export default {
      render({ model, el }) {
        model.on("msg:custom", (textContent) => {
          el.append(Object.assign(document.createElement("p"), { textContent }));
        });
      }
    }
    """
echo = Echo()
echo
'''


def test_a_widget_receives_messages_and_its_bytes_are_counted(
    open_notebook: OpenNotebook, front: Front, meter: Callable[[], Meter]
) -> None:
    notebook = open_notebook(WIDGET, 'echo.send("x" * 100_000 + " last")', front=front)
    notebook.run(0)
    expect(notebook.output(0).locator(".jp-OutputArea-output")).to_be_attached()
    counted = meter()
    watch_for(notebook.page, ".jp-Notebook", " last")
    notebook.run(1)
    assert painted(notebook.page, timeout=10) is not None
    expect(notebook.output(0)).to_contain_text("x last")
    assert 100_000 < counted.bytes < 120_000
    assert counted.frames >= 3  # busy, the message, idle
    assert counted.main_thread_seconds > 0


@pytest.mark.parametrize("kernel", OLDER_KERNELS)
def test_a_kernelspec_runs_its_own_ipykernel(open_notebook: OpenNotebook, kernel: str) -> None:
    notebook = open_notebook("import ipykernel; print(ipykernel.__version__)", kernel=kernel)
    notebook.run(0)
    expect(notebook.output(0)).to_have_text(kernel.removeprefix("ipykernel-"))


def test_a_notebook_is_saved_reloaded_and_restarted(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook("x = 41", "print(x + 1)")
    notebook.run(0)
    notebook.run(1)
    notebook.save()
    assert notebook.server.read(notebook.name).cells[1].outputs[0]["text"] == "42\n"
    notebook.reload()
    expect(notebook.output(1)).to_have_text("42")
    notebook.restart_kernel()
    notebook.run(1)
    expect(notebook.output(1)).to_contain_text("NameError")


def test_themes_change_what_is_painted(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook("1")
    background = "() => getComputedStyle(document.body).getPropertyValue('--jp-layout-color0').trim()"
    notebook.use_theme("JupyterLab Dark")
    dark = notebook.page.evaluate(background)
    notebook.use_theme("JupyterLab Light")
    assert notebook.page.evaluate(background) != dark


def test_a_cell_that_blocks_can_be_left_running(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook("import time; time.sleep(3); print('done')")
    notebook.run(0, wait=False)
    expect(notebook.cell(0).locator(".jp-InputPrompt")).to_have_text("[*]:")
    expect(notebook.output(0)).to_have_text("done")


def test_an_unknown_selector_is_an_error(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook("1")
    with pytest.raises(Exception, match="nothing matches"):
        watch_for(notebook.page, "#not-there", json.dumps("x"))
