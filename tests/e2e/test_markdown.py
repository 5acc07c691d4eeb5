"""Answers with html, math and code of rare languages, for which parts come on demand; and another widget in a row."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from .conftest import OpenNotebook
from .jupyter import JupyterServer
from .scripts import LOAD

ANSWER = """
Water is **H<sub>2</sub>O**, and its energy $E = mc^2$ (- [x] done).

<details><summary>More</summary>

| a | b |
|---|---|
| 1 | <kbd>Ctrl</kbd><script>window.attacked = 1</script><img src=x onerror="window.attacked = 1"> |

</details>

```rust
fn main() { let x = 1; }
```
"""


def test_what_an_answer_needs_beyond_plain_markdown_is_fetched(
    open_notebook: OpenNotebook, server: JupyterServer
) -> None:
    (server.files / "rich.json").write_text(json.dumps({"steps": [ANSWER], "end": "last"}))
    notebook = open_notebook(LOAD, "%copilot --model script:rich.json go")
    notebook.run(0)
    notebook.run(1)
    view = notebook.view(1)
    view.wait_ended()
    expect(view.log.locator("strong sub")).to_have_text("2")
    expect(view.log.locator("math")).to_be_visible()
    expect(view.log.locator("details summary")).to_have_text("More")
    view.log.locator("details summary").click()
    expect(view.log.locator("details kbd")).to_have_text("Ctrl")
    expect(view.log.locator(".hljs-keyword").first).to_have_text("fn")
    expect(view.log.locator("script")).to_have_count(0)
    assert notebook.page.evaluate("window.attacked") is None


SLIDER = """
from ipywidgets import IntSlider
from copilot_widget import Copilot, tool

slider = IntSlider(value=3, description="rate")

@tool
def show_slider() -> IntSlider:
    "A slider for the rate."
    return slider

copilot = Copilot(model="script:slider.json", tools=[show_slider])
"""


def test_a_widget_that_a_tool_returns_is_alive_in_its_row(open_notebook: OpenNotebook, server: JupyterServer) -> None:
    steps = [[{"type": "call", "toolName": "show_slider", "input": {}}], "There it is."]
    (server.files / "slider.json").write_text(json.dumps({"steps": steps, "end": "last"}))
    notebook = open_notebook(LOAD, SLIDER, "copilot.ask('go')", "print('rate', slider.value)")
    for cell in range(3):
        notebook.run(cell)
    view = notebook.view(2)
    view.wait_ended()
    view.log.locator("[data-tool=show_slider] > .cw-row").click()
    handle = view.log.get_by_role("slider")
    expect(handle).to_be_visible()
    handle.focus()
    notebook.page.keyboard.press("ArrowRight")
    notebook.run(3)
    expect(notebook.page.get_by_text("rate 4")).to_be_visible()
