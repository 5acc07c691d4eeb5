"""Fixtures of the browser tests: one Jupyter server and one Chromium for all, a fresh page and kernel for each test."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from .browser import Meter, chromium
from .jupyter import DEFAULT_KERNEL, OLDER_KERNELS, Front, JupyterServer
from .notebook import NotebookPage
from .openai_server import OpenAIServer
from .scenes import build
from .scripts import write_talk
from .tabs import REPORTS, watched

VIEWPORT = {"width": 1280, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: Any = yield
    item.stash.setdefault(REPORTS, {})[report.when] = report
    return report


# The servers live as long as this folder's tests, not longer: Playwright's own event loop would be in the way of
# tests that are coroutines.
@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    server = JupyterServer(tmp_path_factory.mktemp("jupyter"))
    write_talk(server)
    yield server
    server.close()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def scenes() -> None:
    """js/dev's page is built from the sources as they are."""
    build()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=VIEWPORT)  # type: ignore[arg-type]
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, server: JupyterServer, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A tab; when the test fails its pictures, its console and the server's log are kept in tests/e2e/failures."""
    with watched(context, request, server.log) as page:
        yield page
    server.shut_kernels_down()


class OpenNotebook(Protocol):
    def __call__(self, *cells: str, front: Front = "lab", kernel: str = DEFAULT_KERNEL) -> NotebookPage: ...


@pytest.fixture
def open_notebook(page: Page, server: JupyterServer, request: pytest.FixtureRequest) -> OpenNotebook:
    """Write a notebook of these cells, open it in the tab, and wait for its kernel."""

    def open_(*cells: str, front: Front = "lab", kernel: str = DEFAULT_KERNEL) -> NotebookPage:
        name = re.sub(r"\W+", "-", request.node.name).strip("-") + ".ipynb"
        server.write(name, cells, kernel=kernel)
        return NotebookPage(page, server, front, name).open().wait_answering()

    return open_


@pytest.fixture
def meter(page: Page) -> Iterator[Callable[[], Meter]]:
    """Makes a Meter of the tab."""
    meters: list[Meter] = []

    def make() -> Meter:
        meters.append(Meter(page))
        return meters[-1]

    yield make
    for meter in meters:
        meter.close()


@pytest.fixture
def model_server() -> Iterator[OpenAIServer]:
    server = OpenAIServer()
    yield server
    server.close()


@pytest.fixture(params=[DEFAULT_KERNEL, *OLDER_KERNELS])
def kernel(request: pytest.FixtureRequest) -> str:
    """Each ipykernel that people have."""
    return request.param


@pytest.fixture(params=["lab", "notebook"])
def front(request: pytest.FixtureRequest) -> Front:
    """Each front end."""
    return request.param
