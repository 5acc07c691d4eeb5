"""Main-thread seconds of streaming 2,000 and 10,000 tokens, and of what stands above: python dev/cost.py [kind …]

Kinds: prose, list, code, mixed, table; `long` opens a conversation of 500 turns and streams below it.
"""

import os
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from shoot import FLAGS, HERE

TOKENS_A_FRAME = 16  # 500 tokens a second in envelopes of 33 ms

SCRIPT = """
async ([kind, count, perFrame]) => {
  window.tasks = [];
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => Math.round(entry.duration))))
    .observe({ entryTypes: ["longtask"] });
  const model = Object.values(window.scenes)[0];
  const prose = (i) => (i % 40 === 7 ? "**bold** " : i % 60 === 11 ? "`code` " : i % 25 === 24 ? "end. " : "word ");
  const makers = {
    prose,
    list: (i) => (i % 12 === 0 ? "\\n- " : prose(i)),
    table: (i) => (i === 0 ? "| a | b | c |\\n|---|---|---|\\n" : i % 6 === 0 ? "|\\n" : i % 2 ? "| " : "cell "),
    code: (i) => (i === 0 ? "```python\\n" : i % 8 === 7 ? " # note\\n" : i % 3 ? "value + " : "print(x) "),
    mixed: (i) => (i % 200 === 150 ? "\\n\\n```python\\n" : i % 200 === 190 ? "\\n```\\n\\n" : i % 200 > 150 && i % 200 < 190
      ? (i % 8 ? "x = 1; " : "\\n") : i % 90 === 0 ? "\\n\\n## Title\\n\\n" : i % 30 === 0 ? "\\n\\n" : prose(i)),
  };
  const make = makers[kind];
  const run = "bench" + count;
  const user = { id: "u" + count, role: "user", parts: [{ type: "text", text: "go" }] };
  model.emit({ type: "turn", turn: { id: run, run, user, status: "running", seq: 0 } });
  model.push(run, { type: "start", messageId: run }, { type: "start-step" }, { type: "text-start", id: "t" });
  // From a chunk's arrival to the task after the frame that drew it.
  window.delays = [];
  let waiting = [];
  new MutationObserver(() => {
    const drawn = waiting;
    waiting = [];
    setTimeout(() => window.delays.push(...drawn.map((begun) => performance.now() - begun)));
  }).observe(document.querySelector(".cw-log"), { childList: true, subtree: true, characterData: true });
  for (let i = 0; i < count; i += perFrame) {
    let delta = "";
    for (let j = i; j < Math.min(count, i + perFrame); j++) delta += make(j);
    waiting.push(performance.now());
    model.push(run, { type: "text-delta", id: "t", delta });
    await new Promise((next) => setTimeout(next, 33));
  }
  model.push(run, { type: "text-end", id: "t" }, { type: "finish-step" }, { type: "finish" });
  await new Promise((next) => setTimeout(next, 300));
}
"""


# 500 turns, each of four calls and an answer, fetched from the kernel's log as after a reload.
LONG = r"""
async (count) => {
  const model = Object.values(window.scenes)[0];
  window.tasks = [];
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => Math.round(entry.duration))))
    .observe({ entryTypes: ["longtask"] });
  const turns = [];
  for (let index = 0; index < count; index++) {
    const run = "old" + index;
    const chunks = [{ type: "start", messageId: run }, { type: "start-step" }];
    for (let call = 0; call < 4; call++) {
      const toolCallId = run + "c" + call;
      const toolName = call % 2 ? "inspect_variable" : "run_code";
      chunks.push({ type: "tool-input-available", toolCallId, toolName, input: call % 2 ? { name: "df" } : { code: "df.head()" } },
        { type: "tool-output-available", toolCallId, output: "row " + call });
    }
    const delta = `Answer **${index}** has \`code\` and a list:\n\n- one\n- two\n\n` + "Some words that fill a line. ".repeat(12) +
      "\n\n```python\nx = 1\nprint(x)\n```\n\n| a | b |\n|---|--:|\n| x | 1 |\n| y | 2 |\n";
    chunks.push({ type: "text-start", id: "t" }, { type: "text-delta", id: "t", delta }, { type: "text-end", id: "t" },
      { type: "finish-step" }, { type: "finish" });
    model.log.set(run, chunks);
    const user = { id: "u" + run, role: "user", parts: [{ type: "text", text: "Question " + index }] };
    turns.push({ id: run, run, user, status: "completed", seq: chunks.length });
  }
  const begun = performance.now();
  model.emit({ type: "view", view: { turns } });
  // Every turn is stated by the view; its events are asked for when the page says hello again.
  for (const turn of turns) model.emit({ type: "turn", turn });
  const painted = () => new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
  while (!document.querySelector(".cw-log")?.textContent.includes(`Answer ${count - 1} has`)) await painted();
  const first = performance.now() - begun;
  while (document.querySelectorAll("[data-usage]").length < count) await painted();
  return { first: Math.round(first), all: Math.round(performance.now() - begun), tasks: window.tasks };
}
"""


def main_thread_seconds() -> float:
    """CPU time of every renderer's main thread: unlike the page's own clock it does not count what others take."""
    total = 0.0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"--type=renderer" in (process / "cmdline").read_bytes() and _is_ours(process):
                fields = (process / "task" / process.name / "stat").read_text().rpartition(")")[2].split()
                total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            continue  # it ended meanwhile
    return total


def _is_ours(process: Path) -> bool:
    while process.name not in ("0", "1"):
        if process.name == str(os.getpid()):
            return True
        process = Path("/proc") / (process / "stat").read_text().rpartition(")")[2].split()[1]
    return False


def seconds(browser, kind: str, count: int, turns: int = 0) -> float:
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.goto(f"file://{HERE}/index.html?scene=panel")
    page.wait_for_function("window.ready")
    if turns:
        before = main_thread_seconds()
        opened = page.evaluate(LONG, turns)
        print(f"{turns} turns: {opened}, {main_thread_seconds() - before:.2f} s of the main thread", flush=True)
    before = main_thread_seconds()
    page.evaluate(SCRIPT, [kind, count, TOKENS_A_FRAME])
    spent = main_thread_seconds() - before
    delays = sorted(page.evaluate("window.delays"))
    p50, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    print(f"   chunk to paint: p50 {p50:.0f} ms, p99 {p99:.0f} ms", flush=True)
    if tasks := page.evaluate("window.tasks"):
        print(f"   tasks longer than 50 ms: {tasks}", flush=True)
    page.close()
    return spent


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for kind in sys.argv[1:] or ["prose", "list", "code", "table", "mixed", "long"]:
            if kind == "long":
                empty, below = seconds(browser, "mixed", 2_000), seconds(browser, "mixed", 2_000, 500)
                print(f"long   2,000: {below:5.2f} s below 500 turns, {empty:5.2f} s alone", flush=True)
                continue
            short, long = seconds(browser, kind, 2_000), seconds(browser, kind, 10_000)
            print(f"{kind:6} 2,000: {short:5.2f} s   10,000: {long:5.2f} s   × {long / short:.1f}", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
