"""From a figure of matplotlib to its picture on the page, in the cards of a run, in JupyterLab: one that a tool
returns, and one that code displays while it goes on."""

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

FIGURES = 12
"""Of one `run_code`, which has printed for a while before and prints between them."""

_CODE = """
import time
from matplotlib.figure import Figure

shown = []
for number in range(400):
    print(number)
    time.sleep(0.01)
for number in range(FIGURES):
    figure = Figure()
    figure.subplots().plot(range(number, number + 100))
    bundle = get_ipython().display_formatter.format(figure)[0]
    shown.append(time.time())
    display(bundle, raw=True)
    for line in range(20):
        print(number, line)
        time.sleep(0.03)
time.sleep(1)
"""

_ASK = "%copilot --model script:plots.json --approvals auto go"

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
    """Milliseconds from the tool's return, and from the code's `display`, to the frame that shows the picture."""
    pause = {"type": "wait", "seconds": 0.5}  # no model calls the next tool at once
    calls: list[Any] = [[pause, {"type": "call", "toolName": "plot", "input": {"number": n}}] for n in range(CALLS)]
    returned = _waits(server, browser, calls, "made", CALLS)
    code = _CODE.replace("FIGURES", str(FIGURES))
    displayed = _waits(
        server, browser, [[{"type": "call", "toolName": "run_code", "input": {"code": code}}]], "shown", FIGURES
    )
    return [
        Figure("from a figure to its picture in the card, in the median", statistics.median(returned), 150, "ms"),
        Figure(
            "from a figure of code that goes on to its picture, in the median", statistics.median(displayed), 150, "ms"
        ),
    ]


def _waits(server: JupyterServer, browser: Browser, steps: list[Any], times: str, count: int) -> list[float]:
    """Of each picture of a run the milliseconds from the time that the kernel has noted, but for the first ones."""
    (server.files / "plots.json").write_text(json.dumps({"steps": [*steps, "Done."]}))
    cells = ("%load_ext copilot_widget", "%matplotlib inline" + _TOOL, _ASK, times)
    name = server.write(f"bench-cards-{times}.ipynb", cells)
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        notebook = NotebookPage(context.new_page(), server, "lab", name).open()
        notebook.page.evaluate(_WATCH)
        notebook.run(0)
        notebook.run(1)
        notebook.page.wait_for_timeout(500)  # quicker than a person can: that would be Run All
        notebook.run(2)
        notebook.page.wait_for_function(f"globalThis.__pictures.length >= {count}", timeout=60_000)
        there: list[float] = sorted(notebook.page.evaluate("globalThis.__pictures"))[:count]
        notebook.page.wait_for_function("document.querySelector('[data-usage]') !== null", timeout=60_000)
        made: list[float] = json.loads(notebook.evaluate(3, times))
    server.shut_kernels_down()
    waits = [(seen - begun) * 1000 for begun, seen in zip(made, there, strict=True)][WARM_UP:]
    print(f"pictures in their card ({times}): {', '.join(f'{wait:.0f}' for wait in waits)} ms")
    return waits
