"""The composer as its user meets it: commands, menu, files, editing; and keys that stay in it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from .conftest import OpenNotebook
from .jupyter import Front
from .notebook import PANEL, NotebookPage
from .view import LONG, View

SETUP = """
%load_ext copilot_widget
from copilot_widget import Copilot
from copilot_widget.models.base import Image, Text, UserMessage

async def model(request):
    "Says what it was sent: texts and pictures of the questions."
    sent = [part for m in request.messages if isinstance(m, UserMessage) for part in m.content]
    yield " · ".join("picture" if isinstance(part, Image) else part.text for part in sent)

copilot = Copilot(model)
sales = [3, 4]
"""

PASTE = """
box => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array([137, 80, 78, 71, 1])], "plot.png", {type: "image/png"}));
  data.items.add(new File(["a,b\\n1,2"], "data.csv"));
  data.items.add(new File([new Uint8Array([80, 75, 3, 4, 0])], "data.zip"));
  box.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
}
"""


def _panel(notebook: NotebookPage) -> View:
    notebook.run(0)
    notebook.run(1)
    return notebook.view(1)


def test_a_message_with_files_is_edited_and_answered_again(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SETUP, "copilot", "len(copilot.messages), copilot.usage.total_tokens > 0")
    view = _panel(notebook)
    view.message.focus()
    view.message.evaluate(PASTE)
    expect(view.root.get_by_role("alert")).to_contain_text("data.zip is neither a picture")
    view.root.get_by_role("button", name="Remove data.csv").click()
    view.ask("what is this?")
    view.expect_text("what is this? · picture")
    view.wait_ended()
    view.ask("/usage")
    note = view.root.get_by_role("region", name="/usage, not part of the conversation")
    expect(note.get_by_role("cell", name="what is this?")).to_be_visible(timeout=LONG)
    view.parts("prompt").hover()
    view.button("Edit message").click()
    expect(view.message).to_be_focused()
    expect(view.root.get_by_role("button", name="Remove plot.png")).to_be_visible()
    view.ask("and this?")
    view.expect_text(re.compile("^(?!.*what is this\\? · picture)", re.DOTALL))
    view.expect_text("and this? · picture")
    view.wait_ended()
    view.button("Answer again").click()
    view.wait_ended()
    assert notebook.evaluate(2, "len(copilot.runs), len(copilot.messages)") == "(3, 2)"
    view.ask("/clear")
    expect(view.log.get_by_text("forgotten above")).to_be_visible()
    view.ask("hello")
    view.wait_ended(runs=2)
    expect(view.parts("text").last).to_have_text("hello")


def test_the_menu_completes_without_moving_what_is_around_it(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SETUP, "copilot", "x = 1")
    notebook.page.set_viewport_size({"width": 560, "height": 900})  # the widget is some 320 px wide
    view = _panel(notebook)
    view.message.click()
    view.message.press_sequentially("of @sa")
    menu = view.root.get_by_role("listbox")
    option = menu.get_by_role("option", name=re.compile("@sales.*variable.*list"))
    expect(option).to_have_attribute("aria-selected", "true", timeout=LONG)
    scrolled = "() => [...document.querySelectorAll('.jp-WindowedPanel-outer')].map(outer => outer.scrollTop)"
    before = notebook.page.evaluate(scrolled)
    view.message.press("Enter")
    expect(view.message).to_have_value("of @sales")
    view.message.press_sequentially(" and @s")
    expect(menu).to_be_visible()
    box, list_, root = view.message.bounding_box(), menu.bounding_box(), view.root.bounding_box()
    assert box
    assert list_
    assert root
    assert root["y"] <= list_["y"] <= box["y"] - list_["height"]
    assert root["x"] <= list_["x"] <= root["x"] + root["width"] - list_["width"]
    view.message.press("Escape")
    expect(menu).to_have_count(0)
    assert notebook.page.evaluate(scrolled) == before
    view.message.fill("")
    view.message.press_sequentially("/he")
    menu.get_by_role("option", name="/help").click()
    expect(view.message).to_have_value("/help ")
    view.message.press("Enter")
    expect(view.root.get_by_role("region", name="/help, not part")).to_be_visible(timeout=LONG)
    view.ask("/context what is in @sales?")
    expect(view.root.get_by_role("region", name="/context what is in @sales?")).to_contain_text("tokens", timeout=LONG)


def test_the_header_does_what_the_commands_do(open_notebook: OpenNotebook, front: Front) -> None:
    notebook = open_notebook(SETUP, "copilot", "x = 1", front=front)
    notebook.page.set_viewport_size({"width": 560, "height": 900})
    view = _panel(notebook)
    view.ask(f"hello {front}")
    view.wait_ended()
    export, more = view.button("Export the conversation"), view.button("More actions")
    more.focus()
    more.press("Enter")
    expect(more).to_have_attribute("aria-expanded", "true")
    bar = view.root.get_by_role("group", name="More actions")
    own, root = bar.bounding_box(), view.root.bounding_box()
    assert own
    assert root
    assert root["x"] <= own["x"]
    assert own["x"] + own["width"] <= root["x"] + root["width"]
    bar.get_by_role("button", name="Tokens and cost").focus()
    notebook.page.keyboard.press("Escape")
    expect(bar).to_have_count(0)
    expect(more).to_be_focused()
    more.click()
    bar.get_by_role("button", name="Tokens and cost").click()
    expect(view.root.get_by_role("region", name="/usage, not part")).to_contain_text(f"hello {front}", timeout=LONG)
    expect(bar).to_have_count(0)
    export.click()
    view.root.get_by_role("group", name="Export the conversation").get_by_role("button", name="Markdown").click()
    expect(view.root.get_by_role("region", name="/export .md, not part")).to_contain_text(
        f"hello-{front}.md", timeout=LONG
    )
    assert f"hello {front}" in (notebook.server.files / f"hello-{front}.md").read_text()
    # What is edited or written meanwhile stays, and is what would be sent.
    view.parts("prompt").hover()
    view.button("Edit message").click()
    view.message.fill("what of @sales?")
    more.click()
    bar.get_by_role("button", name="What would be sent").click()
    told = view.root.get_by_role("region", name="/context what of @sales?, not part")
    expect(told).to_contain_text("@sales", timeout=LONG)
    expect(told.locator("code").first).to_be_in_viewport()
    expect(view.message).to_have_value("what of @sales?")
    expect(view.root.get_by_text("Editing")).to_be_visible()
    view.message.press("Escape")
    expect(view.root.get_by_text("Editing")).to_have_count(0)
    told.get_by_role("button", name=re.compile("^Dismiss")).press("Enter")
    expect(view.log).to_be_focused()
    more.click()
    bar.get_by_role("button", name="New conversation").click()
    expect(view.log.get_by_text("new conversation", exact=True)).to_be_visible(timeout=LONG)
    expect(view.button("Answer again")).to_have_count(0)  # it is not the last question any more
    assert len(notebook.sources()) == 3


def test_keys_stay_in_the_composer(open_notebook: OpenNotebook, front: Front) -> None:
    notebook = open_notebook(SETUP, "copilot", "x = 1", front=front)
    view = _panel(notebook)
    before = notebook.sources()
    prompt = notebook.prompt(1)
    view.message.click()
    for key in ("a", "b", "d", "d", "0", "0", "x", "z", "Shift+Enter", "Escape", "ArrowUp", "ArrowDown"):
        view.message.press(key)
    expect(view.message).to_have_value("abdd00xz\n")
    expect(view.message).to_be_focused()
    view.message.press("Control+Enter")
    view.wait_ended()
    for name in ("Model: model", "Copy answer", "Attach files"):
        view.button(name).focus()
        for key in ("a", "b", "d", "d", "m", "y", "ArrowUp", "ArrowDown", "Escape"):
            notebook.page.keyboard.press(key)
        notebook.page.evaluate(f"() => {{ {PANEL}.context.model.dirty = true }}")
        notebook.page.keyboard.press("Control+s")  # this one is meant for the notebook
        notebook.page.wait_for_function(f"() => !{PANEL}.context.model.dirty")
    assert notebook.sources() == before
    assert notebook.prompt(1) == prompt
    expect(notebook.cell(1).locator(".jp-MarkdownCell")).to_have_count(0)
    view.button("Model: model").click()
    box = view.root.get_by_role("textbox", name="Model")
    expect(box).to_be_focused()
    box.fill("demo")
    box.press("Enter")
    expect(view.root.get_by_role("button", name="Model: demo")).to_be_focused(timeout=LONG)
