"""The chat page of docs/clients.md, as it stands there: built, opened in Chromium, and talked to."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from ..documents import DOCS, code_blocks
from ..serving import ROOT, OurProcess, environment, serve
from .tabs import watched

PAGE, RESUME, IN_PAGE, AGAIN, EDIT = code_blocks((DOCS / "clients.md").read_text(), "tsx")
ADDRESS = "http://localhost:8000"
MODULES = ROOT / "js" / "node_modules"
SECONDS = 15_000
COMPILER = {
    "target": "es2022", "module": "esnext", "moduleResolution": "bundler", "lib": ["es2023", "dom", "dom.iterable"],
    "types": [], "jsx": "react-jsx", "strict": True, "noUnusedLocals": True, "skipLibCheck": True, "noEmit": True,
}  # fmt: skip


def extended(page: str) -> str:
    """The page with all that the text says to put into it."""
    lines: list[str] = []
    for line in page.splitlines(keepends=True):
        if "useChat<Message>(" in line:
            lines += [IN_PAGE, EDIT]
        elif line.startswith("createRoot("):
            lines.append(RESUME)
        else:
            lines.append(line)
        if "<small>" in line:
            lines.append(AGAIN)
    return "".join(lines)


def build(folder: Path, address: str) -> None:
    """plain.html: the page as it is; full.html: the extended one. Both for a server at this address."""
    (folder / "node_modules").symlink_to(MODULES)
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": COMPILER, "include": ["*.tsx"]}))
    for name, text in (("plain", PAGE), ("full", extended(PAGE))):
        assert text.count(ADDRESS) == 1
        (folder / f"{name}.tsx").write_text(text.replace(ADDRESS, address))
        script = f'<div id="root"></div><script type="module" src="{name}.js"></script>'
        (folder / f"{name}.html").write_text(f'<!doctype html><meta charset="utf-8"><title>Chat</title>{script}')
    run("tsc", "--project", str(folder))
    pages = [str(folder / f"{name}.tsx") for name in ("plain", "full")]
    as_vite_does = (
        "--bundle",
        "--minify",
        "--format=esm",
        "--jsx=automatic",
        '--define:process.env.NODE_ENV="production"',
    )
    run("esbuild", *pages, *as_vite_does, f"--outdir={folder}", "--log-level=warning")


def run(command: str, *arguments: str) -> None:
    path = os.environ.get("PATH", "") + os.pathsep + str(ROOT / ".venv" / "bin")
    done = subprocess.run(
        [MODULES / ".bin" / command, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PATH": path},
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Where pages are served, and the folder that they are served from."""
    folder = tmp_path_factory.mktemp("pages")
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}", folder
        server.shutdown()


@pytest.fixture(scope="module")
def server(origin: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[OurProcess]:
    folder = tmp_path_factory.mktemp("serve")
    env = environment(folder, COPILOT_APP="tests.e2e.chat_app:copilot")
    process = serve(env, folder / "serve.log", "--allow-origin", origin[0])
    try:
        process.wait_ready()
        build(origin[1], process.address)
        yield process
        assert "Traceback" not in process.log(), process.log()
    finally:
        process.close()


class Chat:
    """The page as a person meets it."""

    def __init__(self, page: Page, server: OurProcess) -> None:
        self.page = page
        self._server = server

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def answer(self) -> Locator:
        """The last one."""
        return self.page.get_by_role("article", name="assistant").last

    def send(self, text: str) -> None:
        self.page.get_by_label("Message").fill(text)
        self.button("Send").click()

    def expect(self, text: str | re.Pattern[str]) -> None:
        expect(self.answer).to_contain_text(text, timeout=SECONDS)

    def expect_messages(self, *texts: str) -> None:
        """All that is to be seen of the conversation: texts that the messages hold, one each."""
        articles = self.page.get_by_role("article")
        expect(articles).to_have_count(len(texts), timeout=SECONDS)
        for n, text in enumerate(texts):
            expect(articles.nth(n)).to_contain_text(text, timeout=SECONDS)

    def runs(self) -> list[dict[str, Any]]:
        """The server's, the newest first."""
        return httpx.get(f"{self._server.address}/api/runs").json()

    def stop_from_elsewhere(self) -> None:
        httpx.post(f"{self._server.address}/api/runs/{self.runs()[0]['run']}/stop").raise_for_status()

    def expect_status(self, status: str) -> None:
        """Of the newest run."""
        for _ in range(100):
            if self.runs()[0]["status"] == status:
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(self.runs()[0])


@pytest.fixture(scope="module")
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """One for all: the second tab has the page's script already."""
    with browser.new_context() as profile:
        yield profile


@pytest.fixture
def tab(profile: BrowserContext, server: OurProcess, request: pytest.FixtureRequest) -> Iterator[Page]:
    with watched(profile, request, server.output) as page:
        yield page
    page.close()


@pytest.fixture
def plain(tab: Page, server: OurProcess, origin: tuple[str, Path]) -> Chat:
    tab.goto(f"{origin[0]}/plain.html")
    return Chat(tab, server)


@pytest.fixture
def full(tab: Page, server: OurProcess, origin: tuple[str, Path]) -> Chat:
    tab.goto(f"{origin[0]}/full.html")
    return Chat(tab, server)


# ---- the page as it stands ----------------------------------------------------------------------------------


def test_an_answer_streams_and_shows_what_was_used(plain: Chat):
    plain.send("count 50")
    plain.expect("0 1 2")
    assert "49" not in plain.answer.inner_text()
    plain.expect("48 49")
    plain.expect(re.compile(r"\d+ tokens"))
    plain.expect_status("completed")
    plain.send("and so")
    plain.expect("count 50 | and so")


def test_stop_ends_the_run_and_the_next_question_is_answered(plain: Chat):
    plain.send("count 5000")
    plain.expect("0 1 2")
    plain.button("Stop").click()
    plain.expect_status("stopped")
    plain.send("go on")
    plain.expect("count 5000 | go on")


def test_a_failure_is_a_sentence(plain: Chat):
    plain.send("fail")
    alert = plain.page.get_by_role("alert")
    expect(alert).to_have_text("The key was refused. Set another one.", timeout=SECONDS)


def test_a_call_runs_once_it_is_allowed(plain: Chat):
    plain.send("send eve")
    plain.expect('send {"to":"eve"}: approval-requested')
    plain.expect_status("waiting")
    plain.button("Allow").click()
    plain.expect("The tool said: sent to eve")
    plain.expect('send {"to":"eve"}: "sent to eve"')
    plain.expect_status("completed")
    plain.expect_messages("send eve", "sent to eve")


def test_a_call_that_is_denied_does_not_run(plain: Chat):
    plain.send("send eve")
    plain.button("Deny").click(timeout=SECONDS)
    plain.expect("output-denied")
    plain.expect_status("completed")
    plain.expect("The tool said:")
    assert "sent to eve" not in plain.answer.inner_text()
    plain.expect_messages("send eve", "output-denied")


def test_stop_ends_a_run_that_waits(plain: Chat):
    plain.send("send eve")
    expect(plain.button("Allow")).to_be_visible(timeout=SECONDS)
    plain.expect_status("waiting")
    plain.button("Stop").click()
    plain.expect_status("stopped")


# ---- with what the text adds to it -----------------------------------------------------------------------------


def test_a_reload_goes_on_where_the_run_is(full: Chat):
    full.send("count 80")
    full.expect("0 1 2")
    full.page.reload()
    full.expect("0 1 2")
    full.expect("78 79")
    full.expect_messages("count 80", "78 79")
    full.expect_status("completed")
    full.page.reload()
    full.expect_messages("count 80", "78 79")
    assert len([run for run in full.runs() if run["prompt"] == "count 80"]) == 1


def test_an_approval_outlives_a_reload(full: Chat):
    full.send("send eve")
    expect(full.button("Allow")).to_be_visible(timeout=SECONDS)
    full.page.reload()
    full.button("Allow").click(timeout=SECONDS)
    full.expect("The tool said: sent to eve")
    full.expect_messages("send eve", "The tool said: sent to eve")


def test_a_tool_runs_in_the_page(full: Chat):
    full.send("where")
    zone = full.page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    full.expect(f'time_zone {{}}: "{zone}"')
    full.expect(f"The tool said: {zone}")
    full.expect_messages("where", f"The tool said: {zone}")
    full.expect_status("completed")


def test_a_call_that_somebody_else_stopped_is_sent_once_at_most(full: Chat):
    sent: list[str] = []
    full.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    full.send("nap")
    full.expect("nap {}: input-available")
    full.expect_status("running")
    full.stop_from_elsewhere()
    full.expect("No result: stopped")
    full.page.wait_for_timeout(500)
    assert len(sent) <= 2


def test_a_question_is_answered_again_and_changed(full: Chat):
    full.send("one")
    full.expect("one")
    full.send("two")
    full.expect("one | two")
    full.expect_status("completed")
    first = full.runs()[0]["run"]
    with full.page.expect_response("**/api/chat") as answered:
        full.button("Again").last.click()
    assert answered.value.headers["x-copilot-run"] != first
    full.expect_status("completed")
    full.expect_messages("one", "one", "two", "one | two")
    full.page.once("dialog", lambda dialog: dialog.accept("three"))
    full.button("Edit").first.click()
    full.expect_messages("three", "three")
    full.send("four")
    full.expect("three | four")
    full.page.reload()
    full.expect_messages("three", "three", "four", "three | four")
