"""What a model, a tool or a stranger's notebook may write: in the view it stays words, and hides no others."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser

from ..record_samples import PAYLOADS
from .jupyter import ROOT
from .scenes import ScenePage, scene_page

# One turn for each payload, which is in every text that comes from outside; each is followed by a mark of its own.
TURN = """
([payload, name]) => {
  const model = Object.values(window.scenes)[0];
  let count = 0;
  const bad = (start = "", between = " ") => `${start}${payload}${between}${name}x${count++}end`;
  const user = { id: "u" + name, role: "user", parts: [
    { type: "text", text: bad() },
    { type: "data-context", data: { name: bad("@"), text: bad() } },
    { type: "file", filename: bad(), mediaType: payload, url: payload },
  ] };
  model.emit({ type: "turn", turn: { id: name, run: name, user, status: "running", seq: 0 } });
  const push = (...chunks) => model.push(name, ...chunks);
  const call = (id, toolName, input, title) => push(
    { type: "tool-input-start", toolCallId: name + id, toolName, title },
    { type: "tool-input-available", toolCallId: name + id, toolName, title, input });
  const output = (id, value, display) => {
    push({ type: "tool-output-available", toolCallId: name + id, output: value });
    if (display) push({ type: "data-display", id: name + id, data: display });
  };
  push({ type: "start", messageId: name, messageMetadata: { model: bad() } }, { type: "start-step" },
    { type: "reasoning-start", id: "r" }, { type: "reasoning-delta", id: "r", delta: bad("", "\\n\\n") },
    { type: "reasoning-end", id: "r" });
  call("a", "run_code", { code: bad("x = "), ["k" + payload]: bad() }, bad());
  output("a", bad());
  call("b", payload, { text: bad() });
  output("b", [{ a: bad() }, { a: bad() }]);
  call("c", "show", { q: 1 });
  output("c", "", [
    { "text/html": `<p>${name}html</p>${payload}`, "text/plain": payload },
    { "text/markdown": bad("", "\\n\\n") }, { "text/plain": bad() }, { "application/json": { [payload]: bad() } },
    { "image/svg+xml": `<svg xmlns="http://www.w3.org/2000/svg"><text>${payload}</text></svg>`, "text/plain": payload },
    { "image/png": payload, "text/plain": payload },
  ]);
  call("d", "fail", bad());
  push({ type: "tool-output-error", toolCallId: name + "d", errorText: bad("", "\\n") });
  call("e", "edit", { path: bad() });
  const card = { title: bad(), diff: bad("+ "), code: bad(), language: payload };
  push({ type: "data-approval", id: name + "e", data: card },
    { type: "tool-approval-request", approvalId: name + "p", toolCallId: name + "e" });
  (window.ends ??= []).push(() => end(count));
  return count;
  function end(before) { push(
    { type: "tool-approval-response", approvalId: name + "p", approved: false, reason: bad() },
    { type: "tool-output-denied", toolCallId: name + "e" },
    { type: "source-url", sourceId: "s", url: payload, title: bad() },
    { type: "source-document", sourceId: "t", mediaType: payload, title: bad() },
    { type: "file", url: "data:text/html," + payload, mediaType: payload });
  for (const [id, delta] of [["t1", bad("", "\\n\\n")], ["t2", bad("Before ", "\\n\\n")]]) {
    push({ type: "text-start", id });
    for (let at = 0; at < delta.length; at += 40)
      push({ type: "text-delta", id, delta: delta.slice(at, at + 40) });
    push({ type: "text-end", id });
  }
  push({ type: "finish-step" },
    { type: "message-metadata", messageMetadata: { error: { code: payload, message: bad(), hint: bad() } } },
    { type: "error", errorText: bad() });
  return [name, before, count - 1]; // the error's own text stands behind the message
  }
}
"""

OPEN = """
async () => {
  const turns = document.querySelectorAll(".cw-turn").length;
  while (document.querySelectorAll("[data-usage]").length < turns) await new Promise(requestAnimationFrame);
  for (const row of document.querySelectorAll(".cw-log .cw-row[aria-expanded=false], .cw-log summary")) row.click();
  await new Promise((next) => setTimeout(next, 300));
  for (const row of document.querySelectorAll(".cw-log .cw-row[aria-expanded=false]")) row.click();
  await new Promise((next) => setTimeout(next, 300));
}
"""

# What must not be there; links are tried as well, with the pointer held so that none opens.
FORBIDDEN = """
() => {
  const log = document.querySelector(".cw-log");
  const found = [...log.querySelectorAll(
    "script,style,iframe,frame,object,embed,form,base,link,meta,input,select,svg:not(.cw-icon),video,audio,template," +
    "[style],[srcdoc],[srcset],[action],[formaction],[ping],[id=copilot],[name]")];
  for (const element of log.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (/^on/i.test(name)) found.push(element);
      if (name === "href" && !/^(?:https?:|mailto:)/i.test(value)) found.push(element);
      if (name === "src" && !/^data:image\\//i.test(value)) found.push(element);
    }
    if (element.tagName === "A" && element.hasAttribute("href")) {
      if (element.target !== "_blank" || !element.rel.includes("noopener")) found.push(element);
      if (!element.title.includes(element.getAttribute("href"))) found.push(element);
    }
    const role = element.getAttribute("role") ?? "";
    if (/^(?:alert|group|button|dialog)$/.test(role) && element.closest(".cw-markdown, .cw-html")
        && !/^Code|^Output|^Table/.test(element.getAttribute("aria-label") ?? "")) found.push(element);
  }
  return found.filter((element) => !element.closest("math")).map((element) => element.outerHTML.slice(0, 200));
}
"""

# One turn in which each payload is the html of a tool, and then that of an answer.
HTML = """
(payloads) => {
  const model = Object.values(window.scenes)[0];
  const user = { id: "u", role: "user", parts: [{ type: "text", text: "go" }] };
  model.emit({ type: "turn", turn: { id: "r", run: "r", user, status: "running", seq: 0 } });
  const parts = payloads.flatMap(([name, payload]) => [
    { type: "tool-input-available", toolCallId: name, toolName: "show", input: {} },
    { type: "tool-output-available", toolCallId: name, output: "" },
    { type: "data-display", id: name, data: [{ "text/html": `<p>${name}x0end</p>${payload}` }] },
    { type: "text-start", id: name },
    { type: "text-delta", id: name, delta: `${name}x1end ${payload}\\n\\n${name}x2end` },
    { type: "text-end", id: name },
  ]);
  const step = [{ type: "start-step" }, ...parts, { type: "finish-step" }];
  model.push("r", { type: "start", messageId: "r" }, ...step, { type: "finish" });
}
"""

MISSING = """
([name, from, to, more]) => {
  const text = document.querySelector(".cw-log").textContent;
  const marks = Array.from({ length: to - from }, (_, index) => `${name}x${from + index}end`).concat(more);
  return marks.filter((mark) => !text.includes(mark));
}
"""


CANARY = """
window.attacked = null;
window.pwned = window.alert = () => { window.attacked = new Error().stack; };
"""

PATIENCE = 5.0
"""Seconds for a busy machine to draw what was pushed."""


def _missing(scene: ScenePage, name: str, first: int, end: int, more: Sequence[str] = ()) -> list[str]:
    """Marks of a payload that are not in the transcript, once what is on its way has been drawn."""
    deadline = time.monotonic() + PATIENCE
    while True:
        missing: list[str] = scene.page.evaluate(MISSING, [name, first, end, list(more)])
        if not missing or time.monotonic() > deadline:
            return missing
        scene.page.wait_for_timeout(100)


def _wrong(scene: ScenePage, start: int) -> dict[str, Any]:
    """What is there, was asked for, went wrong or ran, and must not."""
    wrong = {
        "forbidden": scene.page.evaluate(FORBIDDEN),
        "requests": scene.requests,
        "errors": scene.errors,
        "attacked": scene.page.evaluate("window.attacked"),
    }
    return {f"{what} {start}": found for what, found in wrong.items() if found}


@pytest.mark.usefixtures("scenes")
def test_nothing_that_is_written_runs_loads_or_hides_the_rest(browser: Browser) -> None:
    problems: dict[str, Any] = {}
    size = 20
    for start in range(0, len(PAYLOADS), size):
        with scene_page(browser) as scene:
            scene.page.add_init_script(CANARY)
            scene.open()
            names: dict[str, tuple[str, int]] = {}
            for index, payload in enumerate(PAYLOADS[start : start + size], start):
                names[f"p{index}"] = (payload, scene.page.evaluate(TURN, [payload, f"p{index}"]))
            scene.page.wait_for_function("n => document.querySelectorAll('.cw-approval').length === n", arg=len(names))
            for name, (payload, count) in names.items():  # the last three are in the card, and gone with it
                if missing := _missing(scene, name, count - 3, count):
                    problems[payload] = missing
            ends = scene.page.evaluate("window.ends.map((end) => end())")
            scene.page.evaluate(OPEN)
            for name, before, count in ends:
                payload = names[name][0]
                if missing := [
                    *_missing(scene, name, 0, before - 3, [name + "html"]),
                    *_missing(scene, name, before, count),
                ]:
                    problems[payload] = [*problems.get(payload, []), *missing]
            problems |= _wrong(scene, start)
    assert not problems, json.dumps(problems, indent=1, ensure_ascii=False)


ATTACKS: list[str] = [
    payload
    for name in ("dompurify.json", "owasp.json")
    for payload in json.loads((ROOT / "tests" / "fixtures" / name).read_text(encoding="utf-8"))["payloads"]
]


@pytest.mark.usefixtures("scenes")
def test_attacks_on_sanitisers_neither_run_nor_hide_the_rest_of_an_answer(browser: Browser) -> None:
    problems: dict[str, Any] = {}
    size = 60
    for start in range(0, len(ATTACKS), size):
        with scene_page(browser) as scene:
            scene.page.add_init_script(CANARY)
            scene.open()
            payloads = [(f"p{index}", payload) for index, payload in enumerate(ATTACKS[start : start + size], start)]
            scene.page.evaluate(HTML, payloads)
            scene.page.evaluate(OPEN)
            for name, payload in payloads:
                if missing := _missing(scene, name, 0, 3):
                    problems[payload] = missing
            problems |= _wrong(scene, start)
    assert not problems, json.dumps(problems, indent=1, ensure_ascii=False)
