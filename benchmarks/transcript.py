"""A conversation as long as a week in JupyterLab: how soon it is there, and what a token costs below it.

500 turns with 2,000 tool rows are imported and opened as a panel; then the same answer streams below them and in an
empty panel. Beside it: how long a token takes to the page, and whether anything holds the page's main thread.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser

from tests.e2e.browser import Meter, long_tasks, painted, watch_for, watch_tasks
from tests.e2e.jupyter import JupyterServer
from tests.e2e.notebook import NotebookPage

from .report import Figure
from .streaming import PASSAGE, notebook_of

TURNS = 500
ROWS = 4
"""Tool rows of each turn."""
TOKENS = 2_000
RATE = 500
"""Tokens per second, where the page's work is measured."""
PACE = 40
"""Tokens per second, where the way to the page is measured: as a model writes."""
NUMBERED = 400
"""Tokens of that answer."""

_TOOLS = (
    ("run_code", {"code": "df.groupby('region').revenue.sum().sort_values()"}, "north    18204.10\nsouth    14020.55"),
    ("inspect_variable", {"name": "df"}, "DataFrame, 412 rows, 5 columns: date, region, kind, amount, revenue"),
)

_LOADED = "from copilot_widget import Copilot\ncopilot = Copilot.load('long.json', model='script:{}', store='off')"
_EMPTY = "from copilot_widget import Copilot\ncopilot = Copilot('script:{}', store='off')"
_ASK = "run = copilot.ask('go')"
_TIMES = '[event["ts"] for event in run.events() if event["chunk"]["type"] == "text-delta"]'
LOG = '.jp-Cell[data-windowed-list-index="2"] [role="log"]'

# From the request to the frame that shows the last turn, and until the page has nothing more to do.
_OPENED = """
async ([index, words]) => {
  const notebook = globalThis.jupyterapp.shell.currentWidget.content;
  const begun = performance.now();
  const painted = () => new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
  notebook.activeCellIndex = index;
  notebook.deselectAll();
  void globalThis.jupyterapp.commands.execute('notebook:run-cell');
  const cell = document.querySelector(`.jp-Notebook .jp-Cell[data-windowed-list-index="${index}"]`);
  const log = () => cell.querySelector('[role="log"]');
  const until = async (ready) => {
    while (!ready()) {
      if (performance.now() - begun > 60_000) throw new Error('not within a minute');
      await painted();
    }
    return performance.now() - begun;
  };
  const last = await until(() => log()?.textContent.includes(words));
  let still = 0;
  let before = -1;
  const all = await until(() => {
    const drawn = log().querySelectorAll('[data-usage]').length;
    still = drawn === before ? still + 1 : 0;
    before = drawn;
    return still > 60;
  });
  return [last, all, before];
}
"""

# When each numbered word was first painted, in epoch seconds.
_WATCH = r"""
(selector) => {
  globalThis.__words = [];
  const log = document.querySelector(selector);
  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    // The view draws in an animation frame: a task that is made there comes after that frame was painted.
    setTimeout(() => {
      waiting = false;
      const now = (performance.timeOrigin + performance.now()) / 1000;
      const seen = Number([...log.textContent.matchAll(/w(\d+)/g)].at(-1)?.[1] ?? -1);
      while (globalThis.__words.length <= seen) globalThis.__words.push(now);
    });
  }).observe(log, { childList: true, characterData: true, subtree: true });
}
"""


@dataclass(frozen=True)
class Opened:
    """Seconds from the cell's request until the last turn was painted, and until the page was quiet; tasks in ms."""

    last: float
    quiet: float
    drawn: int
    """Turns."""
    main_thread: float
    megabytes: float
    tasks: list[float]


def measure(server: JupyterServer, browser: Browser) -> list[Figure]:
    _write(server)
    figures: list[Figure] = []
    short, _ = _streamed(server, browser, turns=0)
    below, opened = _streamed(server, browser, turns=TURNS)
    assert opened is not None
    print(
        f"{TURNS} turns: last painted {opened.last:.2f} s, quiet after {opened.quiet:.2f} s with {opened.drawn} drawn, "
        f"main thread {opened.main_thread:.2f} s, {opened.megabytes:.1f} MB, tasks over 50 ms: {_list(opened.tasks)}"
    )
    print(f"{TOKENS:,} tokens: main thread {short:.2f} s in an empty panel, {below:.2f} s below {TURNS} turns")
    figures += [
        Figure(f"{TURNS} turns, {TURNS * ROWS:,} rows: from the request to the last turn", opened.last, 1, "s"),
        Figure("main thread of a streamed answer below them, over that in an empty panel", below / short, 1.2, "times"),
    ]
    delays, tasks = _delays(server, browser)
    shares = ", ".join(f"{share:.0%} {_at(delays, share):.0f}" for share in (0.5, 0.9, 0.99, 1))
    print(f"a token to its paint: {shares} ms; tasks over 50 ms: {_list(tasks)}")
    return [
        *figures,
        Figure("a token to its paint, in the median", _at(delays, 0.5), 45, "ms"),
        Figure("a token to its paint, 99 of 100", _at(delays, 0.99), 90, "ms"),
    ]


def _write(server: JupyterServer) -> None:
    def script(name: str, *events: Any) -> None:
        (server.files / name).write_text(json.dumps({"turns": [["Ready."], [*events]], "end": "last"}))

    script(
        "go.json",
        {"type": "text", "text": PASSAGE, "tokens": TOKENS, "tokensPerSecond": RATE},
        {"type": "text", "text": "\n\nENDMARK"},
    )
    words = " ".join(f"w{number}" for number in range(NUMBERED))
    script("words.json", {"type": "text", "text": words, "tokensPerSecond": PACE})
    (server.files / "long.json").write_text(json.dumps(_conversation()))


def _conversation() -> list[dict[str, Any]]:
    """UIMessages: what was asked, and answers with rows, markdown and figures."""
    messages: list[dict[str, Any]] = []
    for number in range(TURNS):
        parts: list[dict[str, Any]] = [{"type": "step-start"}]
        for call in range(ROWS):
            name, value, output = _TOOLS[call % len(_TOOLS)]
            parts.append(
                {
                    "type": "dynamic-tool",
                    "toolName": name,
                    "toolCallId": f"{number}-{call}",
                    "state": "output-available",
                    "input": value,
                    "output": output,
                }
            )
        parts.append({"type": "text", "text": f"Answer {number}. {PASSAGE}", "state": "done"})
        metadata = {"model": "script:long.json", "usage": {"promptTokens": 900, "completionTokens": 200}}
        messages += [
            {"id": f"u{number}", "role": "user", "parts": [{"type": "text", "text": f"Question {number}"}]},
            {"id": f"a{number}", "role": "assistant", "parts": parts, "metadata": metadata},
        ]
    return messages


def _streamed(server: JupyterServer, browser: Browser, turns: int) -> tuple[float, Opened | None]:
    """Main-thread seconds of 2,000 tokens below so many turns."""
    made = (_LOADED if turns else _EMPTY).format("go.json")
    with notebook_of(server, browser, ("%load_ext copilot_widget", made, "copilot", _ASK)) as notebook:
        notebook.run(0)
        notebook.run(1)
        opened = _open(notebook, turns) if turns else notebook.run(2)
        notebook.page.wait_for_selector(LOG, state="attached")
        notebook.run(3)  # the first answer brings what belongs to the page
        notebook.page.wait_for_timeout(1_500)
        meter = Meter(notebook.page)
        watch_tasks(notebook.page)
        watch_for(notebook.page, LOG, "ENDMARK")
        # By chance a collection of what opening 500 turns left came while the answer streamed: 0.1 s of 0.8.
        meter.collect_garbage()
        notebook.run(3, wait=False)
        assert painted(notebook.page, timeout=60) is not None
        notebook.page.wait_for_timeout(500)
        spent = meter.main_thread_seconds
        print(f"   tasks over 50 ms: {_list(long_tasks(notebook.page))}")
        return spent, opened


def _open(notebook: NotebookPage, turns: int) -> Opened:
    meter = Meter(notebook.page)
    watch_tasks(notebook.page)
    last, quiet, drawn = notebook.page.evaluate(_OPENED, [2, f"Answer {turns - 1}."])
    tasks = long_tasks(notebook.page)
    opened = Opened(last / 1000, quiet / 1000, drawn, meter.main_thread_seconds, meter.bytes / 1e6, tasks)
    meter.close()
    return opened


def _delays(server: JupyterServer, browser: Browser) -> tuple[list[float], list[float]]:
    """Milliseconds from each token's event to the frame that shows it; tasks of the page in the meantime."""
    cells = ("%load_ext copilot_widget", _EMPTY.format("words.json"), "copilot", _ASK, _TIMES)
    with notebook_of(server, browser, cells) as notebook:
        for index in range(3):
            notebook.run(index)
        notebook.page.wait_for_selector(LOG, state="attached")
        notebook.run(3)
        notebook.page.wait_for_timeout(2_000)
        watch_tasks(notebook.page)
        notebook.page.evaluate(_WATCH, LOG)
        notebook.run(3)
        notebook.page.wait_for_function(f"globalThis.__words.length >= {NUMBERED}", timeout=60_000)
        shown: list[float] = notebook.page.evaluate("globalThis.__words")
        tasks = long_tasks(notebook.page)
        times: list[float] = json.loads(notebook.evaluate(4, _TIMES))
    assert len(times) == len(shown) == NUMBERED, (len(times), len(shown))
    return [(there - here) * 1000 for here, there in zip(times, shown, strict=True)], tasks


def _at(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _list(tasks: Sequence[float]) -> str:
    return ", ".join(f"{task:.0f}" for task in tasks) or "none"
