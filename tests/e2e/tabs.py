"""Tabs of tests, and what is kept of one that fails: pictures, console, and the end of a server's log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

FAILURES = Path(__file__).parent / "failures"
REPORTS = pytest.StashKey[dict[str, pytest.TestReport]]()
"""Of each test, by phase."""


@contextmanager
def watched(context: BrowserContext, request: pytest.FixtureRequest, log: Path) -> Iterator[Page]:
    """A tab for a fixture; `log` is the file in which the server writes."""
    page = context.new_page()
    console: list[str] = []
    page.on("console", lambda message: console.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: console.append(f"uncaught: {error}"))
    yield page
    if any(report.failed for report in request.node.stash.get(REPORTS, {}).values()):
        _keep(request.node.name, context, console, log)


def _keep(test: str, context: BrowserContext, console: list[str], log: Path) -> None:
    FAILURES.mkdir(exist_ok=True)
    stem = re.sub(r"[^\w.-]+", "_", test)
    for number, page in enumerate(context.pages):
        suffix = f"-{number}" if number else ""
        page.screenshot(path=FAILURES / f"{stem}{suffix}.png")
        (FAILURES / f"{stem}{suffix}.html").write_text(page.content())
    end = "\n".join(log.read_text().splitlines()[-60:])
    (FAILURES / f"{stem}.log").write_text("\n".join(console) + "\n\n---- server\n" + end + "\n")
