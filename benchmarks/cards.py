"""From a tool's return to the picture on the page: figures of matplotlib in the cards of a run, in JupyterLab."""

from __future__ import annotations

import json
import statistics
from typing import Any

from playwright.sync_api import Browser

from tests.e2e.jupyter import JupyterServer
from tests.e2e.notebook import NotebookPage

from .report import Figure

CALLS = 12
WARM_UP = 2
"""Pictures that do not count: matplotlib loads its fonts with the first."""

_TOOL = """
import time
from matplotlib.figure import Figure
from copilot_widget import tool

made = []

@tool
def plot(number: int) -> Figure:
    "Plot a line."
    figure = Figure()
    figure.subplots().plot(range(number, number + 100))
    made.append(time.time())
    return figure
"""

_WATCH = """
() => {
  globalThis.__pictures = [];
  const note = async (picture) => {
    await picture.decode();
    requestAnimationFrame(() => setTimeout(() => {
      if (picture.getClientRects().length > 0)
        globalThis.__pictures.push((performance.timeOrigin + performance.now()) / 1000);
    }, 0));
  };
  const find = (node) => {
    if (!(node instanceof Element)) return [];
    return [...(node.matches('img') ? [node] : []), ...node.querySelectorAll('img')];
  };
  new MutationObserver((records) => {
    for (const { addedNodes } of records)
      for (const picture of [...addedNodes].flatMap(find))
        if (picture.closest('[data-part="tool"]')) void note(picture);
  }).observe(document.body, { childList: true, subtree: true });
}
"""


def measure(server: JupyterServer, browser: Browser) -> list[Figure]:
    """Milliseconds from the tool's return to the frame that shows its picture."""
    pause = {"type": "wait", "seconds": 0.5}  # no model calls the next tool at once
    steps: list[Any] = [[pause, {"type": "call", "toolName": "plot", "input": {"number": n}}] for n in range(CALLS)]
    (server.files / "plots.json").write_text(json.dumps({"steps": [*steps, "Done."]}))
    cells = ("%load_ext copilot_widget", _TOOL, "%copilot --model script:plots.json go", "made")
    name = server.write("bench-cards.ipynb", cells)
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        notebook = NotebookPage(context.new_page(), server, "lab", name).open()
        notebook.page.evaluate(_WATCH)
        notebook.run(0)
        notebook.run(1)
        notebook.page.wait_for_timeout(500)  # quicker than a person can: that would be Run All
        notebook.run(2)
        notebook.page.wait_for_function(f"globalThis.__pictures.length >= {CALLS}", timeout=60_000)
        made: list[float] = json.loads(notebook.evaluate(3, "made"))
        shown: list[float] = notebook.page.evaluate("globalThis.__pictures")
    server.shut_kernels_down()
    waits = [(there - here) * 1000 for here, there in zip(made, sorted(shown), strict=True)][WARM_UP:]
    print(f"a figure in its card: {', '.join(f'{wait:.0f}' for wait in waits)} ms")
    return [Figure("from a figure to its picture in the card, in the median", statistics.median(waits), 150, "ms")]
