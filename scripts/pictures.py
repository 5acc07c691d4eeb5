"""Make the pictures of the README: `python scripts/pictures.py`, after `make setup`. Needs Chromium."""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

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
    """docs/light.png and docs/dark.png: an answer, and an approval that waits; docs/allowed.png: after it;
    docs/moving.gif: a question, from its Shift+Enter to the picture that was asked for."""
    with tempfile.TemporaryDirectory() as folder:
        server = JupyterServer(Path(folder), env={"COPILOT_MODEL": "demo"})
        try:
            with chromium() as browser:
                page = browser.new_page(viewport={"width": 1180, "height": 1240})
                notebook = NotebookPage(page, server, "lab", server.write("penguins.ipynb", CELLS)).open()
                page.evaluate("() => globalThis.jupyterapp.shell.collapseLeft()")
                take(notebook)
                page = browser.new_page(viewport={"width": 900, "height": 960})
                notebook = NotebookPage(page, server, "lab", server.write("moving.ipynb", CELLS)).open()
                page.evaluate("() => globalThis.jupyterapp.shell.collapseLeft()")
                film(notebook)
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


def film(notebook: NotebookPage) -> None:
    """What a person sees who asks for a plot, reads the code and allows it."""
    notebook.use_theme("JupyterLab Light")
    for index in (0, 1):
        notebook.run(index)
        notebook.page.wait_for_timeout(300)
    notebook.cell(3).scroll_into_view_if_needed()
    reel = Reel(notebook)
    notebook.run(3)
    allow = notebook.view(3).button("Allow once")
    reel.roll(allow.is_visible)
    reel.roll(None, seconds=2)
    allow.click()
    reel.roll(lambda: notebook.view(3).usage.count() > 0)
    reel.roll(None, seconds=3)
    reel.save(ROOT / "docs" / "moving.gif")


class Reel:
    """Screenshots as fast as they come, each shown as long as it was seen."""

    def __init__(self, notebook: NotebookPage) -> None:
        self._page = notebook.page
        self._frames: list[tuple[float, Image.Image]] = []

    def roll(self, done: Callable[[], bool] | None, seconds: float = 30) -> None:
        """Until `done`, or for `seconds`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (done and done()):
            self._take()
        self._take()

    def _take(self) -> None:
        picture = Image.open(io.BytesIO(self._page.screenshot())).convert("RGB")
        if not self._frames or picture.tobytes() != self._frames[-1][1].tobytes():
            self._frames.append((time.monotonic(), picture))

    def save(self, path: Path) -> None:
        times = [at for at, _ in self._frames]
        shown = [round((after - at) * 1000) for at, after in zip(times, [*times[1:], times[-1] + 3], strict=True)]
        first, *others = [picture.quantize(128, dither=Image.Dither.NONE) for _, picture in self._frames]
        first.save(path, save_all=True, append_images=others, duration=shown, loop=0, optimize=True)


if __name__ == "__main__":
    main()
