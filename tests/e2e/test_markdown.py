"""Answers with html, math and code of rare languages: what draws them comes on demand."""

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
