"""Make the pictures of the README: `python scripts/pictures.py`, after `make setup`. Needs Chromium."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.e2e.browser import chromium  # noqa: E402
from tests.e2e.jupyter import JupyterServer  # noqa: E402
from tests.e2e.notebook import NotebookPage  # noqa: E402

CELLS = [
    "%load_ext copilot_widget",
    "from palmerpenguins import load_penguins\n\npenguins = load_penguins()",
    "%copilot what is in @penguins?",
    "%copilot plot body mass by species in @penguins",
]


def main() -> None:
    """docs/light.png and docs/dark.png: an answer, and an approval that waits; docs/allowed.png: after it."""
    with tempfile.TemporaryDirectory() as folder:
        server = JupyterServer(Path(folder), env={"COPILOT_MODEL": "demo"})
        try:
            with chromium() as browser:
                page = browser.new_page(viewport={"width": 1180, "height": 1240})
                notebook = NotebookPage(page, server, "lab", server.write("penguins.ipynb", CELLS)).open()
                page.evaluate("() => globalThis.jupyterapp.shell.collapseLeft()")
                take(notebook)
        finally:
            server.close()


def take(notebook: NotebookPage) -> None:
    """Run the cells as a person would, and take a picture of each state and theme."""
    for index in (0, 1, 2):
        notebook.run(index)
        notebook.page.wait_for_timeout(300)

    notebook.view(2).wait_ended()
    notebook.run(3)
    notebook.view(3).button("Allow once").wait_for(timeout=30_000)
    for theme, name in (("JupyterLab Light", "light"), ("JupyterLab Dark", "dark")):
        notebook.use_theme(theme)  # type: ignore[arg-type]
        notebook.page.wait_for_timeout(800)
        notebook.page.screenshot(path=ROOT / "docs" / f"{name}.png")
    notebook.view(3).button("Allow once").click()
    notebook.view(3).wait_ended()
    notebook.cell(3).scroll_into_view_if_needed()
    notebook.page.wait_for_timeout(1500)
    notebook.page.screenshot(path=ROOT / "docs" / "allowed.png")


if __name__ == "__main__":
    main()
