"""Either the live view or the record shows, in every situation that a notebook gets into."""

from __future__ import annotations

import re
from functools import partialmethod
from typing import Any

import nbformat
import pytest
from markdown_it import MarkdownIt
from nbconvert import WebPDFExporter
from nbconvert.filters import markdown2html_mistune
from nbformat.sign import NotebookNotary
from playwright import async_api
from playwright.sync_api import Browser, Page, expect

from copilot_widget.record import RecordTurn, render

from ..record_samples import PAYLOADS, assistant, hostile, ordinary, text, user
from .browser import executable, pdf_text
from .conftest import OpenNotebook
from .jupyter import ROOT, Front, JupyterServer
from .notebook import NotebookPage

SETUP = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import anywidget, ipywidgets
from IPython.display import HTML, display
from copilot_widget.notebook.record_display import RecordDisplay
from copilot_widget.record import RecordTurn, render
from tests.record_samples import assistant, ordinary, text, user

class View(anywidget.AnyWidget):
    _esm = '''export default {{ render({{ el }}) {{
      el.classList.add("copilot-widget");
      el.innerHTML = "<p>live view</p><input>";
    }} }}'''

def copilot(question, answer="the recorded answer"):
    turns = [RecordTurn(user(question), assistant(text(answer)))]
    record, view = RecordDisplay(render(turns, beside=True)), View()
    record.show()
    model = {{"version_major": 2, "version_minor": 0, "model_id": view.model_id}}
    display({{"application/vnd.jupyter.widget-view+json": model}}, raw=True)
    return record
"""

MANY = """
print("printed first")
first = copilot("first question")
display(HTML("<p class='neighbour'>html between</p>"))
second = copilot("second question")
display(ipywidgets.IntSlider(description="a slider"))
print("printed last")
"""


def shows(notebook: NotebookPage, index: int, *, live: int, records: int) -> None:
    """Of a cell's copilots so many show their view, and so many their record; nothing else stands in a view's place."""
    output = notebook.output(index)
    expect(output.locator(".copilot-widget").filter(visible=True)).to_have_count(live)
    expect(output.locator(".copilot-record").filter(visible=True)).to_have_count(records)
    below = output.locator(".jp-OutputArea-child:has(.copilot-record-beside) + .jp-OutputArea-child")
    expect(below.filter(visible=True)).to_have_count(live)


def reopen(page: Page, server: JupyterServer, front: Front, name: str) -> NotebookPage:
    """In a new tab, without waiting for a kernel."""
    fresh = page.context.new_page()
    fresh.goto(server.address(front, name), wait_until="domcontentloaded")
    expect(fresh.locator(".jp-Notebook .jp-Cell").first).to_be_visible(timeout=60_000)
    return NotebookPage(fresh, server, front, name)


def rewrite(server: JupyterServer, name: str, kernel: str, *, trusted: bool) -> None:
    """The notebook as if it came from somewhere else; signing it is what "Trust Notebook" does."""
    document: Any = server.read(name)
    document.metadata["kernelspec"]["name"] = kernel
    document.cells[-1].source += "\n# from elsewhere"
    nbformat.write(document, server.files / name)
    if trusted:
        NotebookNotary(data_dir=str(server.folder / "data")).sign(document)


def test_either_the_view_or_the_record_shows(open_notebook: OpenNotebook, front: Front) -> None:
    notebook = open_notebook(
        SETUP, MANY, "third = copilot('third question')", "ipywidgets.Widget.close_all()", front=front
    )
    for cell in range(3):
        notebook.run(cell)
    shows(notebook, 1, live=2, records=0)
    shows(notebook, 2, live=1, records=0)
    for neighbour in ("printed first", "html between", "a slider", "printed last"):
        expect(notebook.output(1).get_by_text(neighbour, exact=True)).to_be_visible()
    notebook.run(3)
    shows(notebook, 1, live=0, records=2)
    shows(notebook, 2, live=0, records=1)
    expect(notebook.broken()).to_have_count(0)


def test_a_record_alone_hides_no_neighbour(open_notebook: OpenNotebook) -> None:
    """An export shown in a cell, and the user's own widgets below it."""
    show = "display(render([ordinary()]), raw=True)\ndisplay(View())\ndisplay(ipywidgets.IntSlider(description='mine'))"
    notebook = open_notebook(SETUP, show)
    notebook.run(0)
    notebook.run(1)
    expect(notebook.output(1).locator(".copilot-record")).to_be_visible()
    expect(notebook.output(1).get_by_text("live view")).to_be_visible()
    expect(notebook.output(1).get_by_text("mine", exact=True)).to_be_visible()


def test_a_view_that_cannot_show_itself_leaves_the_record_in_sight(open_notebook: OpenNotebook) -> None:
    broken = "View._esm = 'export default { render({ el }) { el.textContent = `why it cannot` } }'\ncopilot('question')"
    notebook = open_notebook(SETUP, broken)
    notebook.run(0)
    notebook.run(1)
    expect(notebook.output(1).get_by_text("why it cannot")).to_be_visible()
    expect(notebook.output(1).get_by_text("the recorded answer")).to_be_visible()


def test_reopened_only_the_record_shows(
    open_notebook: OpenNotebook, page: Page, server: JupyterServer, front: Front
) -> None:
    """With a fresh kernel, with none, and from somebody else (not trusted)."""
    notebook = open_notebook(SETUP, MANY, front=front)
    notebook.run(0)
    notebook.run(1)
    shows(notebook, 1, live=2, records=0)
    notebook.save()
    server.shut_kernels_down()
    page.close()

    fresh = NotebookPage(page.context.new_page(), server, front, notebook.name).open()
    expect(fresh.output(1).get_by_text("model not found")).to_have_count(3)  # Jupyter has given up on all, in the DOM
    shows(fresh, 1, live=0, records=2)
    expect(fresh.broken()).to_have_count(1)  # the user's own slider is not ours to hide
    expect(fresh.output(1).get_by_text("html between")).to_be_visible()
    server.shut_kernels_down()
    fresh.page.close()

    rewrite(server, notebook.name, "a-kernel-that-is-not-here", trusted=True)
    without = reopen(page, server, front, notebook.name)
    expect(without.page.get_by_text("Select Kernel").first).to_be_visible(timeout=30_000)
    without.page.keyboard.press("Escape")
    expect(without.output(1).get_by_text("Loading widget")).to_have_count(3)
    shows(without, 1, live=0, records=2)
    without.page.close()

    rewrite(server, notebook.name, "python3", trusted=False)
    foreign = reopen(page, server, front, notebook.name)
    shows(foreign, 1, live=0, records=2)
    assert foreign.page.locator("link[href^='data:text/css']").count() == 0  # Jupyter has taken the style away
    expect(foreign.output(1).get_by_text("the recorded answer").first).to_be_visible()
    expect(foreign.broken()).to_have_count(0)


def test_reloaded_behind_a_cell_that_runs_each_copilot_shows_once(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SETUP, MANY, "import time; time.sleep(12)")
    notebook.run(0)
    notebook.run(1)
    notebook.save()
    notebook.run(2, wait=False)
    notebook.reload(wait=False)
    # The record until Jupyter has the widgets back: at once where a subshell answers, else when the cell ends.
    either = notebook.output(1).locator(".copilot-record, .copilot-widget").filter(visible=True)
    expect(either).to_have_count(2, timeout=60_000)
    expect(notebook.output(1).locator(".copilot-widget >> visible=true")).to_have_count(2, timeout=30_000)
    shows(notebook, 1, live=2, records=0)


def test_a_new_record_disturbs_nothing_in_the_view(open_notebook: OpenNotebook) -> None:
    """It is replaced while the user types; what is saved is the new one."""
    update = (
        "import threading, time\n"
        "turn = RecordTurn(user('new question'), assistant(text('new answer')))\n"
        "def again():\n"
        "    for n in range(20):\n"
        "        time.sleep(0.1)\n"
        "        record.update(render([turn], beside=True))\n"
        "threading.Thread(target=again).start()"
    )
    notebook = open_notebook(SETUP, "record = copilot('old question')", update)
    notebook.run(0)
    notebook.run(1)
    entry = notebook.output(1).locator(".copilot-widget input")
    notebook.run(2)
    entry.click()
    notebook.page.keyboard.type("a draft typed while it changes", delay=60)
    expect(entry).to_be_focused()
    expect(entry).to_have_value("a draft typed while it changes")
    expect(notebook.output(1).locator(".copilot-record")).to_contain_text("new answer")
    shows(notebook, 1, live=1, records=0)
    notebook.save()
    outputs = notebook.server.read(notebook.name).cells[1].outputs
    assert [set(output["data"]) for output in outputs] == [
        {"text/html", "text/markdown", "text/plain"},
        {"application/vnd.jupyter.widget-view+json"},
    ]
    assert "new answer" in outputs[0]["data"]["text/markdown"]


def test_hostile_records_run_load_and_hide_nothing_in_a_browser(browser: Browser) -> None:
    """Each text of the corpus, as html and as two readers of markdown make html of it that let raw html pass."""
    page = browser.new_page()
    asked: list[str] = []
    ran: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.expose_function("pwned", lambda: ran.append(page.title()))
    page.set_content("<img src=x onerror=pwned()>")
    page.wait_for_timeout(500)
    assert ran, "the trap itself does not work"
    ran.clear()
    asked.clear()
    commonmark = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for payload in PAYLOADS:
        turn, marks = hostile(payload)
        bundle = render([turn])
        forms = {
            "html": bundle["text/html"],
            "commonmark": commonmark.render(bundle["text/markdown"]),
            "mistune": markdown2html_mistune(bundle["text/markdown"]),
        }
        for form, html in forms.items():
            page.set_content(f"<!doctype html><title>{form} {len(ran)}</title><body>{html}</body>")
            page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
            seen = page.evaluate("document.body.innerText")
            assert [mark for mark in marks if mark not in seen] == [], (form, payload)
            links = page.evaluate("[...document.querySelectorAll('a[href]')].map((a) => a.getAttribute('href'))")
            # nbconvert's own rule for headings adds the links that begin with #
            assert [link for link in links if not re.match(r"https?://|mailto:|#", link)] == [], (form, payload)
            tags = page.evaluate("[...document.body.querySelectorAll('*')].map((e) => e.localName)")
            assert not {"script", "iframe", "form", "input", "style", "svg", "object"} & set(tags), (form, payload)
            assert [url for url in asked if not url.startswith("data:")] == [], (form, payload)
    assert ran == []
    page.close()


def test_printed_to_pdf_by_nbconvert_it_is_all_unfolded(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = partialmethod(
        async_api.BrowserType.launch, executable_path=executable()
    )  # nbconvert takes Playwright's own
    monkeypatch.setattr(async_api.BrowserType, "launch", launch)
    told = {"type": "data-context", "id": "/fix", "data": {"name": "/fix", "text": "the same each time"}}
    turns = [ordinary(), RecordTurn(user("/fix", told), assistant(text("Mended.")), divider="forgotten above")]
    record = nbformat.v4.new_output("display_data", data=render(turns, beside=True))
    cell = nbformat.v4.new_code_cell("%copilot why", outputs=[record])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    offline = ["--host-resolver-rules=MAP * ~NOTFOUND"]  # nbconvert's page asks for MathJax
    pdf, _ = WebPDFExporter(disable_sandbox=True, browser_args=offline).from_notebook_node(notebook)
    seen = pdf_text(browser, pdf)
    said = [
        "%copilot why",
        "Why is revenue negative in @df?",
        "Inspect df · done",
        '{"name": "df"}',  # within a folded call
        "short form",  # within a fold within one
        "signed the wrong way round",
        "≈ $0.08",
        "forgotten above",
        "/fix · as the model read it",
        "Mended.",
    ]
    places = [seen.find(words) for words in said]
    assert -1 not in places, seen
    assert places == sorted(places)
    assert "the same each time" not in seen
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 2, "it begins below its cell, not on a page of its own"


def test_a_record_can_be_read_in_each_theme(open_notebook: OpenNotebook) -> None:
    """Contrast of every text, prompts and small print included, against what is behind it (WCAG AA: 4.5)."""
    turns = "[ordinary(), RecordTurn(user('And now?'), None, 'stopped', divider='forgotten above')]"
    notebook = open_notebook(SETUP, f"display(render({turns}), raw=True)")
    notebook.run(0)
    notebook.run(1)
    expect(notebook.output(1).locator(".copilot-record")).to_be_visible()
    notebook.page.evaluate("document.querySelectorAll('.copilot-record details').forEach((d) => { d.open = true; })")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.use_theme(theme)
        expect(notebook.page.locator("body")).to_have_attribute("data-jp-theme-name", theme)
        assert notebook.page.evaluate(_LOW_CONTRAST) == [], theme


_LOW_CONTRAST = """
() => {
  const rgba = (text) => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] / 255 + under[i] * (1 - top[3] / 255));
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    if (!node) return [255, 255, 255];
    const colour = rgba(getComputedStyle(node).backgroundColor);
    return colour[3] === 255 ? colour.slice(0, 3) : over(colour, behind(node.parentElement));
  };
  const low = [];
  const walker = document.createTreeWalker(document.querySelector(".copilot-record"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || node.closest("mjx-container")) continue;
    const back = behind(node);
    const front = over(rgba(getComputedStyle(node).color), back);
    const [light, dark] = [luminance(front), luminance(back)].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${walker.currentNode.data.trim().slice(0, 40)}`);
  }
  return low;
}
"""
