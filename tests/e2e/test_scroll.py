"""A long conversation opens from its end, costs nothing while another answer streams, and stays where it is read."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from .scenes import scene_page

FILL = r"""
(count) => {
  const model = Object.values(window.scenes)[0];
  const turns = [];
  for (let index = 0; index < count; index++) {
    const run = "old" + index;
    const call = (id) => [
      { type: "tool-input-available", toolCallId: run + id, toolName: id, input: { code: "one\ntwo\nthree" } },
      { type: "tool-output-available", toolCallId: run + id, output: "done\n".repeat(12) },
    ];
    const chunks = [{ type: "start", messageId: run }, { type: "start-step" }, ...call("run_code"), ...call("plot"),
      { type: "text-start", id: "t" },
      { type: "text-delta", id: "t", delta: `Answer ${index} has *words*. `.repeat(20) },
      { type: "text-end", id: "t" }, { type: "finish-step" }, { type: "finish" }];
    model.log.set(run, chunks);
    const user = { id: "u" + run, role: "user", parts: [{ type: "text", text: "Question " + index }] };
    turns.push({ id: run, run, user, status: "completed", seq: chunks.length });
  }
  for (const turn of turns) model.emit({ type: "turn", turn });
  const user = { id: "ulive", role: "user", parts: [{ type: "text", text: "And now?" }] };
  model.emit({ type: "turn", turn: { id: "live", run: "live", user, status: "running", seq: 0 } });
  model.push("live", { type: "start", messageId: "live" }, { type: "start-step" }, { type: "text-start", id: "t" });
}
"""
STREAM = """
async (lines) => {
  const model = Object.values(window.scenes)[0];
  for (let line = 0; line < lines; line++) {
    model.push("live", { type: "text-delta", id: "t", delta: `line ${line} of the answer\\n\\n` });
    await new Promise((next) => setTimeout(next, 40));
  }
  await new Promise((next) => setTimeout(next, 300));
}
"""
DISTANCE = (
    "() => { const l = document.querySelector('.cw-log'); return l.scrollHeight - l.scrollTop - l.clientHeight; }"
)
TURNS = 60


def _top(page: Page, text: str) -> float:
    box = page.get_by_text(text).first.bounding_box()
    assert box
    return box["y"]


def _scroll_to(page: Page, text: str) -> None:
    """Puts a text to the top of the log, as a reader would: by its own scroll position."""
    page.get_by_text(text).first.evaluate(
        "(e) => { const log = e.closest('.cw-log');"
        " log.scrollTop += e.getBoundingClientRect().top - log.getBoundingClientRect().top - 10; }"
    )
    page.wait_for_timeout(200)


@pytest.mark.usefixtures("scenes")
def test_a_long_conversation_stays_where_it_is_read(browser: Browser) -> None:
    with scene_page(browser, viewport={"width": 1000, "height": 800}) as scene:
        page = scene.open().page
        page.evaluate(FILL, TURNS)
        log = page.get_by_role("log")
        expect(log.get_by_text("Answer 59 has").first).to_be_visible()
        expect(log.locator("[data-usage]")).to_have_count(TURNS)  # the older ones have come, too
        assert page.evaluate("window.find('Answer 3 has')")  # and the browser's own search finds them
        page.evaluate("getSelection().removeAllRanges()")

        # Whoever is at the end stays there.
        page.locator(".cw-log").evaluate("(log) => { log.scrollTop = log.scrollHeight; }")
        watch: Any = page.evaluate_handle(
            "() => { const seen = []; const observer = new MutationObserver((list) => seen.push(...list));"
            " for (const turns of [...document.querySelectorAll('.cw-turns')].slice(0, -1))"
            "   observer.observe(turns, { subtree: true, childList: true, characterData: true, attributes: true });"
            " return seen; }"
        )
        page.evaluate(STREAM, 15)
        assert page.evaluate(DISTANCE) < 24
        assert watch.evaluate("(seen) => seen.length") == 0  # what is over is not drawn again
        latest = page.get_by_role("button", name="latest")
        expect(latest).to_have_count(0)

        # Whoever reads elsewhere is left alone: while it streams below, and while calls above open and fold.
        _scroll_to(page, "Question 30")
        expect(latest).to_be_visible()
        before = _top(page, "Question 30")
        page.evaluate(STREAM, 10)
        assert abs(_top(page, "Question 30") - before) <= 1
        rows = log.locator(".cw-turn", has_text="Question 29").locator(".cw-row")
        for _ in ("opens", "folds"):
            rows.first.evaluate("(row) => row.click()")  # without scrolling to it, as a call folds by itself
            page.wait_for_timeout(150)
            assert abs(_top(page, "Question 30") - before) <= 1
        latest.click()
        page.evaluate(STREAM, 5)
        assert page.evaluate(DISTANCE) < 24
        expect(latest).to_have_count(0)

        # Who sends something wants to see it.
        _scroll_to(page, "Question 30")
        expect(latest).to_be_visible()
        page.evaluate("() => Object.values(window.scenes)[0].answers.set('send', () => ({ note: 'It cost nothing.' }))")
        message = page.get_by_role("textbox", name="Message")
        message.fill("/usage")
        message.press("Enter")
        expect(log.get_by_text("It cost nothing.")).to_be_in_viewport()
        expect(latest).to_have_count(0)
        assert scene.errors == []


@pytest.mark.usefixtures("scenes")
def test_of_a_very_long_conversation_what_is_scrolled_to_is_drawn(browser: Browser) -> None:
    turns = 180
    with scene_page(browser, viewport={"width": 1000, "height": 800}) as scene:
        page = scene.open().page
        page.evaluate(FILL, turns)
        log = page.get_by_role("log")
        expect(log.get_by_text("Answer 179 has").first).to_be_visible()
        ended = log.locator("[data-usage]")
        expect(log.get_by_text(re.compile(r"^\d+ earlier turns$"))).to_have_text("84 earlier turns")
        page.wait_for_timeout(500)
        assert ended.count() == turns - 84, "nobody has scrolled there"
        questions = log.locator('[data-part="prompt"]')
        while ended.count() < turns:
            # To the top of what is drawn; what comes above it does not take its place in sight.
            first, count = questions.first.inner_text(), ended.count()
            page.locator(".cw-log").evaluate("(log) => { log.scrollTop = 40; }")
            before = _top(page, first)
            expect(ended).not_to_have_count(count)
            page.wait_for_timeout(300)
            assert abs(_top(page, first) - before) <= 2, first
        expect(ended).to_have_count(turns)
        expect(log.get_by_text("earlier turns")).to_have_count(0)
        assert questions.all_text_contents() == [f"Question {number}" for number in range(turns)] + ["And now?"]
        assert scene.errors == []
