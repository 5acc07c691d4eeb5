"""Chromium, and what it can be asked to measure."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, Route, sync_playwright

from .jupyter import ROOT

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def executable() -> str:
    """The path of a Chromium. Raises RuntimeError, with what to do, where there is none."""
    found = subprocess.run([ROOT / "scripts" / "chromium"], capture_output=True, text=True, check=False)
    if found.returncode:
        raise RuntimeError(found.stderr.strip())
    return found.stdout.strip()


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), headless=True, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


_PDF_PAGE = "<!doctype html><embed type='application/pdf' src='/a.pdf'>"

_PDF_TEXT = """
() => new Promise((resolve) => {
  addEventListener("message", ({ data }) => {
    if (data.type === "documentLoaded") {
      embed.postMessage({ type: "selectAll" });
      embed.postMessage({ type: "getSelectedText" });
    }
    if (data.type === "getSelectedTextReply") resolve(data.selectedText);
  });
  const embed = document.querySelector("embed");
  embed.postMessage({ type: "initialize" });
  setTimeout(resolve, 20_000, "");
})
"""


def pdf_text(browser: Browser, pdf: bytes) -> str:
    """The text of a PDF, as the browser's own viewer selects it; "" where that does not answer."""
    page = browser.new_page()

    def serve(route: Route) -> None:
        is_pdf = route.request.url.endswith(".pdf")
        route.fulfill(body=pdf if is_pdf else _PDF_PAGE, content_type="application/pdf" if is_pdf else "text/html")

    page.route("http://pdf.test/**", serve)  # the viewer tells a text only to a page of the PDF's own origin
    page.goto("http://pdf.test/")
    text = page.evaluate(_PDF_TEXT)
    page.close()
    return str(text)


class Meter:
    """What a page costs from now on: bytes that arrive on its websockets, seconds of its main thread."""

    def __init__(self, page: Page) -> None:
        self.bytes = self.frames = 0
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.on("Network.webSocketFrameReceived", self._count)
        self._session.send("Network.enable")
        # Time on the CPU, not on the clock: what else the machine does is not charged to the page.
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self.reset()

    def reset(self) -> None:
        self.bytes = self.frames = 0
        self._start = self._task_seconds()

    @property
    def main_thread_seconds(self) -> float:
        return self._task_seconds() - self._start

    def collect_garbage(self) -> None:
        """Collects what was left behind so far, so that it is not charged to what is measured from now on."""
        self._session.send("HeapProfiler.collectGarbage")
        self.reset()

    def close(self) -> None:
        self._session.detach()

    def _count(self, event: Any) -> None:
        frame = event["response"]
        data = frame["payloadData"]
        # CDP hands a binary frame (opcode 2) on as base64, a text frame as it is.
        self.bytes += len(base64.b64decode(data)) if frame["opcode"] == 2 else len(data.encode())
        self.frames += 1

    def _task_seconds(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


_TASKS = """
() => {
  globalThis.__tasks = [];
  new PerformanceObserver((list) => globalThis.__tasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ entryTypes: ["longtask"] });
}
"""


def watch_tasks(page: Page) -> None:
    """From now on remember the tasks that hold the page's main thread for more than 50 ms."""
    page.evaluate(_TASKS)


def long_tasks(page: Page) -> list[float]:
    """Those that were remembered, in milliseconds on the clock."""
    return page.evaluate("globalThis.__tasks")


_WATCH = """
([selector, text]) => new Promise((resolve, reject) => {
  const root = document.querySelector(selector);
  if (!root) { reject(new Error(`nothing matches ${selector}`)); return; }
  const has = (node) => (node.textContent ?? "").includes(text);
  const painted = () => {
    observer.disconnect();
    // After the frame that shows it: requestAnimationFrame runs before the paint, the task after it follows it.
    requestAnimationFrame(() => setTimeout(() => {
      globalThis.__painted = (performance.timeOrigin + performance.now()) / 1000;
    }, 0));
  };
  // Only what changed is searched: searching the whole output each time would be a cost of its own.
  const observer = new MutationObserver((records) => {
    const shows = ({ type, target, addedNodes }) => (type === "characterData" ? [target] : [...addedNodes]).some(has);
    if (records.some(shows)) painted();
  });
  globalThis.__painted = null;
  observer.observe(root, { childList: true, characterData: true, subtree: true });
  resolve(null);
})
"""


def watch_for(page: Page, selector: str, text: str) -> None:
    """From now on, note when `text` is first painted inside `selector`; `painted` asks for it."""
    page.evaluate(_WATCH, [selector, text])


def painted(page: Page, *, timeout: float) -> float | None:
    """When the text of `watch_for` was painted, in seconds of the epoch; None where it was not within `timeout` s."""
    from playwright.sync_api import TimeoutError as Late

    try:
        page.wait_for_function("globalThis.__painted", timeout=timeout * 1000, polling=100)
    except Late:
        return None
    return float(page.evaluate("globalThis.__painted"))
