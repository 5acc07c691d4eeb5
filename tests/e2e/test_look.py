"""How a view looks to everyone: themes, widths, keyboards, screen readers. axe-core finds nothing in any of them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from .scenes import scene_page

SCENES = "finished,streaming,thinking,running,approval,question,sources,outputs,error,stopped,draft,gone,names,wide"

# Everything that can be clicked is at least 24 px high and wide, but for links within a text.
SMALL = """
() => [...document.querySelectorAll(".copilot-widget :is(button, summary, textarea, input)")]
  .map((one) => [one, one.getBoundingClientRect()])
  .filter(([one, box]) => box.width > 0 && (box.height < 23.5 || box.width < 23.5))
  .map(([one, box]) => `${one.outerHTML.slice(0, 120)} ${box.width} × ${box.height}`)
"""
# What reaches beyond its view, and does not scroll by itself.
WIDE = """
() => [...document.querySelectorAll(".copilot-widget")].flatMap((view) => {
  const { left, right } = view.getBoundingClientRect();
  return [...view.querySelectorAll("*")].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.width > 0 && (box.right > right + 1 || box.left < left - 1)
      && !one.closest("pre, .cw-scroll-x, .cw-scroll, .cw-display, .cw-hidden, svg");
  }).map((one) => one.outerHTML.slice(0, 160));
})
"""
# Numbers and words of tables that are broken into pieces.
BROKEN = """
() => [...document.querySelectorAll(".copilot-widget :is(th, td)")].filter((cell) => {
  const range = document.createRange();
  const words = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    range.selectNode(words.currentNode);
    if (/^\\S{1,12}$/.test(words.currentNode.data) && range.getClientRects().length > 1) return true;
  }
  return false;
}).map((cell) => cell.outerHTML)
"""
# Items of lists that leave their marker no room, on the side where their direction puts it.
CRAMPED = """
() => [...document.querySelectorAll(".cw-markdown li:not(:has(.cw-check))")].filter((item) => {
  const box = item.getBoundingClientRect();
  const frame = item.parentElement.parentElement.getBoundingClientRect();
  const isLeft = getComputedStyle(item).direction === "ltr";
  return (isLeft ? box.left - frame.left : frame.right - box.right) < 20;
}).map((item) => item.outerHTML)
"""


@pytest.mark.usefixtures("scenes")
@pytest.mark.parametrize(
    ("theme", "width", "options"),
    [
        ("light", None, {}),
        ("dark", None, {}),
        ("hc", 320, {"reduced_motion": "reduce"}),
        ("light", 320, {}),
        ("none", None, {"color_scheme": "dark"}),  # neither Jupyter's nor VS Code's variables
        ("none", None, {"forced_colors": "active"}),
    ],
)
def test_every_state_can_be_read_and_reached(
    browser: Browser, theme: str, width: int | None, options: dict[str, Any]
) -> None:
    with scene_page(browser, viewport={"width": (width or 820) + 40, "height": 900}, **options) as scene:
        scene.open(SCENES, theme, **({"width": width} if width else {}))
        assert scene.axe() == []
        assert scene.page.evaluate(SMALL) == []
        assert scene.page.evaluate(WIDE) == []
        assert scene.page.evaluate(BROKEN) == []
        assert scene.page.evaluate(CRAMPED) == []
        assert scene.requests == []
        assert scene.errors == []
        moving = scene.page.evaluate("document.getAnimations().filter((one) => one.playState === 'running').length")
        assert (moving > 0) == ("reduced_motion" not in options)


ANSWER = """
| name | n |
|------|--:|
| a | 10 |
| b | 9 |

```python
x = 1
```

See [the guide](https://example.org/guide), $x^2$ and

![a plot](https://example.org/plot.png)
"""


@pytest.mark.usefixtures("scenes")
def test_tables_code_math_and_links_work_by_keyboard_and_without_a_network(browser: Browser) -> None:
    with scene_page(browser, permissions=["clipboard-read", "clipboard-write"]) as scene:
        page = scene.open("panel").page
        page.evaluate(
            """(text) => {
              const model = Object.values(window.scenes)[0];
              const user = { id: "u", role: "user", parts: [{ type: "text", text: "go" }] };
              model.emit({ type: "turn", turn: { id: "r", run: "r", user, status: "running", seq: 0 } });
              model.push("r", { type: "start", messageId: "r" }, { type: "text-start", id: "t" },
                { type: "text-delta", id: "t", delta: text }, { type: "text-end", id: "t" }, { type: "finish" });
            }""",
            ANSWER,
        )
        log = page.get_by_role("log")
        head = log.get_by_role("columnheader", name="n", exact=True)
        head.get_by_role("button").focus()
        page.keyboard.press("Enter")
        expect(head).to_have_attribute("aria-sort", "ascending")
        assert log.locator("tbody tr td:last-child").all_text_contents() == ["9", "10"]
        expect(log.locator(".hljs-number")).to_have_text("1")
        expect(log.locator("math")).to_be_visible()
        link = log.get_by_role("link", name="the guide")
        link.focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        said = link.evaluate("(link) => getComputedStyle(link, '::after').content")
        assert "https://example.org/guide" in said
        picture = log.get_by_role("button", name=re.compile("Load picture from example.org"))
        expect(picture).to_be_visible()
        log.get_by_role("button", name="Copy", exact=True).click()
        assert page.evaluate("navigator.clipboard.readText()") == "x = 1"
        assert scene.requests == []
        picture.click()
        expect(log.get_by_role("img", name="a plot")).to_have_count(1)
        assert scene.requests == ["https://example.org/plot.png"]


FILES = """
box => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array([137, 80])], `${"a_long_name_".repeat(9)}.png`, {type: "image/png"}));
  data.items.add(new File([new Uint8Array([80, 75, 3, 4, 0])], "data.zip"));
  box.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
}
"""


@pytest.mark.usefixtures("scenes")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_opens_can_be_read_and_reached(browser: Browser, theme: str) -> None:
    with scene_page(browser, viewport={"width": 400, "height": 900}) as scene:
        page = scene.open("panel", theme, width=360).page

        def check() -> None:
            assert scene.axe() == []
            assert page.evaluate(SMALL) == []
            assert page.evaluate(WIDE) == []

        page.evaluate(
            """() => {
              const model = Object.values(window.scenes)[0];
              const item = (text) => ({ text, start: 0, end: 2, kind: "variable", detail: "list, 3" });
              model.answers.set("complete", () => ({ items: [item("@sales"), item(`@${"sums_".repeat(20)}`)] }));
              model.answers.set("send", () => ({ note: "| name | n |\\n|---|---|\\n| a | b |" }));
              model.emit({ type: "view", view: { models: ["a/b", "openai/gpt-5"] } });
            }"""
        )
        box = page.get_by_role("textbox", name="Message")
        box.press_sequentially("@s")
        expect(page.get_by_role("option")).to_have_count(2)
        check()
        box.press("Escape")
        box.evaluate(FILES)
        expect(page.get_by_role("alert")).to_contain_text("data.zip")
        expect(page.get_by_role("listitem")).to_have_count(1)
        check()
        page.get_by_role("button", name=re.compile("^Remove")).click()
        box.fill("/usage")
        box.press("Enter")
        expect(page.get_by_role("region", name="/usage")).to_be_visible()
        check()
        for name in ("Export the conversation", "More actions"):
            page.get_by_role("button", name=name).click()
            expect(page.get_by_role("group", name=name)).to_be_visible()
            check()
        page.get_by_role("button", name="Model: openai/gpt-5").click()
        expect(page.get_by_role("listbox", name="Models")).to_be_visible()
        check()
