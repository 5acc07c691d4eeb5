"""A notebook open in a browser, in JupyterLab or in Notebook 7: run cells, save, reload, restart, look at outputs."""

from __future__ import annotations

import re
import time
from typing import Any, Literal

from playwright.sync_api import Locator, Page, expect

from .jupyter import Front, JupyterServer
from .view import View

_SECOND = 1000
_OPEN = 60 * _SECOND
LIVE = '.jp-OutputArea-output:not(:has(.copilot-record)):has([role="log"], button)'
_BETWEEN_CELLS = 0.3
"""Seconds: cells that a person runs are further apart than those of Run All."""
PANEL = "globalThis.jupyterapp.shell.currentWidget"

_READY = """
() => {
  const panel = globalThis.jupyterapp?.shell.currentWidget;
  const kernel = panel?.sessionContext?.session?.kernel;
  const listens = kernel?.connectionStatus === "connected" && ["idle", "busy"].includes(kernel.status);
  return listens && panel.content?.widgets?.length > 0;
}
"""

_ANSWERS = f"""
async () => {{
  const kernel = {PANEL}.sessionContext.session.kernel;
  const answered = kernel.requestExecute({{ code: "", silent: true }}).done.then(() => true);
  return await Promise.race([answered, new Promise((resolve) => setTimeout(() => resolve(false), 20_000))]);
}}
"""

_RUN = f"""
async ([index, wait]) => {{
  const notebook = {PANEL}.content;
  notebook.activeCellIndex = index;
  notebook.deselectAll();
  const done = globalThis.jupyterapp.commands.execute("notebook:run-cell");
  if (wait) await done;
}}
"""


class NotebookPage:
    """One notebook in one browser tab."""

    def __init__(self, page: Page, server: JupyterServer, front: Front, name: str) -> None:
        self.page = page
        self.server = server
        self.front: Front = front
        self.name = name
        self._ran = 0.0

    # ---- the document ----------------------------------------------------------------------------------

    def open(self) -> NotebookPage:
        """Load the page and wait until its kernel listens."""
        self.page.goto(self.server.address(self.front, self.name), wait_until="domcontentloaded")
        self.wait_ready()
        return self

    def wait_answering(self) -> NotebookPage:
        """Wait until its kernel, which does nothing yet, answers a request: now and then the first one that a server
        hands to a new kernel is lost on the way."""
        for _ in range(3):
            if self.page.evaluate(_ANSWERS):
                return self
        raise AssertionError("the kernel answers no request")

    def reload(self, *, wait: bool = True) -> None:
        """As F5 does; with `wait`, until the kernel is connected again."""
        self.page.reload(wait_until="domcontentloaded")
        if wait:
            self.wait_ready()

    def wait_ready(self) -> None:
        self.page.wait_for_function(_READY, timeout=_OPEN, polling=100)

    def save(self) -> None:
        self.command("docmanager:save")

    def command(self, name: str, **arguments: Any) -> None:
        """Run a command of Jupyter's own and wait until it is done."""
        self.page.evaluate("([name, args]) => globalThis.jupyterapp.commands.execute(name, args)", [name, arguments])

    def restart_kernel(self) -> None:
        self.page.evaluate(f"() => {PANEL}.sessionContext.restartKernel()")
        self.wait_ready()

    def use_theme(self, name: Literal["JupyterLab Light", "JupyterLab Dark"]) -> None:
        self.command("apputils:change-theme", theme=name)
        self.page.wait_for_function(
            "light => document.body.dataset.jpThemeLight === light", arg="true" if name.endswith("Light") else "false"
        )

    # ---- cells -----------------------------------------------------------------------------------------

    def run(self, index: int = 0, *, wait: bool = True) -> None:
        """Run one cell; with `wait`, until it has ended (a %copilot cell ends at once)."""
        self.page.wait_for_timeout(max(0.0, self._ran + _BETWEEN_CELLS - time.monotonic()) * _SECOND)
        self.page.evaluate(_RUN, [index, wait])
        self._ran = time.monotonic()

    def run_source(self, beginning: str) -> int:
        """Run the only cell whose source begins so, at a person's pace; returns its index."""
        [index] = [index for index, source in enumerate(self.sources()) if source.startswith(beginning)]
        self.run(index)
        self.page.wait_for_timeout(200)  # faster than that is taken for Run All
        return index

    def select(self, index: int) -> None:
        """Make a cell the active one."""
        self.page.evaluate(f"index => {{ {PANEL}.content.activeCellIndex = index; }}", index)

    def run_all(self) -> None:
        self.command("notebook:run-all-cells")

    def set_source(self, index: int, source: str) -> None:
        self.page.evaluate(
            f"([index, source]) => {PANEL}.content.widgets[index].model.sharedModel.setSource(source)", [index, source]
        )

    def source(self, index: int) -> str:
        return self.page.evaluate(f"index => {PANEL}.content.widgets[index].model.sharedModel.getSource()", index)

    def sources(self) -> list[str]:
        """The sources of all cells, as the page's model has them."""
        return self.page.evaluate(f"() => {PANEL}.content.widgets.map(cell => cell.model.sharedModel.getSource())")

    def prompt(self, index: int) -> str:
        """What stands left of a cell: `[3]:` when it has run, `[*]:` while it runs."""
        return self.cell(index).locator(".jp-InputPrompt").inner_text().strip()

    def cell(self, index: int) -> Locator:
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"]')

    def output(self, index: int) -> Locator:
        """The output area of a cell."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def view(self, index: int = 0, *, nth: int = 0) -> View:
        """The copilot's live view below a cell."""
        return self.views(self.output(index), nth)

    def views(self, within: Locator, nth: int = 0) -> View:
        """A live view anywhere on the page."""
        return View(within.locator(LIVE).nth(nth))

    def record(self, index: int = 0) -> Locator:
        """The static transcript below a cell, in sight or not."""
        return self.output(index).locator(".copilot-record")

    def evaluate(self, index: int, expression: str) -> str:
        """The repr of an expression's value, computed in a cell that exists for it."""
        self.set_source(index, expression)
        self.run(index)
        value = self.output(index).locator(".jp-OutputArea-executeResult .jp-OutputArea-output")
        expect(value).not_to_be_empty()
        return value.inner_text().strip()

    def broken(self) -> Locator:
        """What Jupyter shows, for a reader to see, where a widget has no model."""
        return self.page.locator(".jp-OutputArea-output", has_text=_BROKEN).filter(visible=True)


_BROKEN = re.compile("Error displaying widget|Loading widget|Error creating widget|model not found")
