"""The front end without Jupyter: js/dev's page, where a test plays the kernel."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, Route

from .jupyter import ROOT

JS = ROOT / "js"
HOST = "http://scenes.localhost"  # answered from files: nothing is asked of a network
AXE = JS / "node_modules" / "axe-core" / "axe.min.js"


def build() -> None:
    node = shutil.which("node", path=os.environ.get("PATH", "") + os.pathsep + str(ROOT / ".venv" / "bin"))
    assert node, "Node.js is needed for the page of scenes; `make test` installs it with the other parts."
    subprocess.run([node, "build.mjs", "--dev"], cwd=JS, check=True, capture_output=True, timeout=120)


class ScenePage:
    """One page, and what it asked the network for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.route(f"{HOST}/**", self._answer)
        page.on("request", lambda request: self._note(request.url))
        page.on("pageerror", lambda error: self.errors.append(error.stack or str(error)))

    def _answer(self, route: Route) -> None:
        path = ROOT / route.request.url.removeprefix(f"{HOST}/").partition("?")[0]
        if path.is_file():
            route.fulfill(path=path)
        else:
            route.fulfill(status=404)

    def _note(self, url: str) -> None:
        if not url.startswith((HOST, "blob:", "data:")):
            self.requests.append(url)

    def open(self, scene: str = "panel", theme: str = "light", **query: Any) -> ScenePage:
        more = "".join(f"&{name}={value}" for name, value in query.items())
        self.page.goto(f"{HOST}/js/dev/index.html?scene={scene}&theme={theme}{more}")
        self.page.wait_for_function("window.ready")
        return self

    def axe(self) -> list[str]:
        """What axe-core finds wrong, as lines to read."""
        self.page.add_script_tag(path=str(AXE))
        found = self.page.evaluate("axe.run()")["violations"]
        return [f"{one['id']}: {node['html'][:160]} {node['failureSummary']}" for one in found for node in one["nodes"]]


@contextmanager
def scene_page(browser: Browser, **options: Any) -> Iterator[ScenePage]:
    context = browser.new_context(**options)
    try:
        yield ScenePage(context.new_page())
    finally:
        context.close()
