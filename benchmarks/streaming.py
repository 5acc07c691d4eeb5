"""Streaming in JupyterLab: our cell beside `update_display`, with the same tokens at the same rate, in one run."""

from __future__ import annotations

import json
import secrets
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from playwright.sync_api import Browser

from tests.e2e.browser import Meter, long_tasks, painted, watch_for, watch_tasks
from tests.e2e.jupyter import JupyterServer
from tests.e2e.notebook import LIVE, NotebookPage

from .report import Figure

RATE = 500
"""Tokens per second."""

PATIENCE = 120
"""Seconds that a way to display may take beyond its stream before it counts as not finishing."""

END = "ENDMARK"

PASSAGE = """
## Where revenue goes

Revenue falls **because refunds are signed the wrong way round**: a refund of `12.50` is added, not subtracted, so the
total of *March* is too high and April's looks like a collapse. Three things show it:

1. the column `amount` has no negative value, and 412 rows have `kind == "refund"`;
2. the sum by month follows the number of refunds, see the [table](https://example.org/table);
3. the bank's statement for March is lower by exactly twice the refunds.

| month | revenue | refunds | corrected |
|-------|--------:|--------:|----------:|
| March | 18,204.10 | 2,310.00 | 13,584.10 |
| April | 14,020.55 | 310.40 | 13,399.75 |

```python
signed = df.assign(amount=df.amount.where(df.kind != "refund", -df.amount))
signed.groupby(signed.date.dt.month).amount.sum()
```

> Check the importer: it drops the sign when it reads the bank's file.

"""

_PEER = """
import asyncio, json, time
from IPython.display import Markdown, display
from copilot_widget.models.pace import split_tokens

async def stream(name, rate):
    events = json.load(open(name))["steps"][0]
    tokens = split_tokens(events[0]["text"])
    tokens = (tokens * (events[0]["tokens"] // len(tokens) + 1))[:events[0]["tokens"]] + [events[1]["text"]]
    handle = display(Markdown(""), display_id=True)
    text, start = "", time.time()
    for number, token in enumerate(tokens):
        await asyncio.sleep(max(0, start + number / rate - time.time()))
        text += token
        last = time.time()
        handle.update(Markdown(text))
    return last
"""

_LAST_TOKEN = '[event["ts"] for event in run.events() if event["chunk"]["type"] == "text-delta"][-1]'


@dataclass(frozen=True)
class Cost:
    """What one streamed answer cost; None where it was not painted in time."""

    way: str
    tokens: int
    megabytes: float
    lag: float | None
    """Seconds from the last token in the kernel to the frame that shows it."""
    main_thread: float
    longest_task: float
    """Milliseconds; 0 where none was longer than 50."""


def measure(server: JupyterServer, browser: Browser) -> tuple[list[Cost], list[Figure]]:
    """2,000 and 10,000 tokens, both ways; then the costs of cells."""
    for tokens in (2_000, 10_000):
        _write_script(server, tokens)
    costs = [measure_one(server, browser, tokens) for tokens in (2_000, 10_000) for measure_one in (_ours, _peer)]
    ours, _, ours_long, _ = costs
    return costs, [
        Figure("2,000 tokens: bytes on the websocket", ours.megabytes, 0.12, "MB"),
        Figure("2,000 tokens: painted after the last token", _seconds(ours.lag), 0.3, "s"),
        Figure("2,000 tokens: main thread", ours.main_thread, 1.2, "s"),
        Figure("10,000 tokens: main thread", ours_long.main_thread, 6, "s"),
        Figure("2,000 tokens: the longest task over 50 ms", ours.longest_task, 50, "ms"),
        Figure("10,000 tokens: the longest task over 50 ms", ours_long.longest_task, 50, "ms"),
        Figure("10,000 tokens over 2,000: bytes", ours_long.megabytes / ours.megabytes, 5.5, "times"),
        # In proportion would be 5; a browser lays a longer page out more dearly. What grows with the square is 25.
        Figure("10,000 tokens over 2,000: main thread", ours_long.main_thread / ours.main_thread, 7, "times"),
        *_cells(server, browser),
    ]


def _seconds(value: float | None) -> float:
    return float("inf") if value is None else value


def _write_script(server: JupyterServer, tokens: int) -> None:
    events = [
        {"type": "text", "text": PASSAGE, "tokens": tokens, "tokensPerSecond": RATE},
        {"type": "text", "text": f"\n\n{END}"},
    ]
    (server.files / f"tokens-{tokens}.json").write_text(json.dumps({"steps": [events], "end": "last"}))


def _ours(server: JupyterServer, browser: Browser, tokens: int) -> Cost:
    (server.files / "short.json").write_text(json.dumps({"steps": ["Ready."], "end": "last"}))
    warm_up = "%load_ext copilot_widget\n%copilot --model script:short.json warm up"
    cells = (warm_up, f"run = %copilot --model script:tokens-{tokens}.json go", _LAST_TOKEN)
    return _measure(server, browser, "%copilot", tokens, cells, LIVE)


def _peer(server: JupyterServer, browser: Browser, tokens: int) -> Cost:
    cells = (_PEER, f'last = await stream("tokens-{tokens}.json", {RATE})', "last")
    return _measure(server, browser, "update_display", tokens, cells, ".jp-OutputArea-output")


def _measure(
    server: JupyterServer, browser: Browser, way: str, tokens: int, cells: tuple[str, str, str], output: str
) -> Cost:
    """Run the first cell, measure the second while it streams; the third's value is the time of the last token."""
    print(f"… {tokens:,} tokens by {way}", flush=True)
    with notebook_of(server, browser, cells) as notebook:
        notebook.run(0)
        notebook.page.wait_for_timeout(1_500)  # what belongs to the first cell is not charged to the second
        meter = Meter(notebook.page)
        watch_tasks(notebook.page)
        notebook.run(1, wait=False)
        selector = f'.jp-Cell[data-windowed-list-index="1"] {output}'
        notebook.page.wait_for_selector(selector, state="attached")
        watch_for(notebook.page, selector, END)
        shown = painted(notebook.page, timeout=tokens / RATE + PATIENCE)
        notebook.page.wait_for_timeout(500)
        longest = max(long_tasks(notebook.page), default=0)
        cost = Cost(way, tokens, meter.bytes / 1e6, None, meter.main_thread_seconds, longest)
        if shown is None:
            return cost
        return replace(cost, lag=shown - float(notebook.evaluate(2, cells[2])))


# ---- what cells cost -------------------------------------------------------------------------------------


def _cells(server: JupyterServer, browser: Browser) -> list[Figure]:
    """Ten questions in ten cells, and the first one to the demo model."""
    (server.files / "short.json").write_text(json.dumps({"steps": ["A short answer."], "end": "last"}))
    asks = [f"%copilot --model script:short.json question {number}" for number in range(1, 11)]
    with notebook_of(server, browser, ("%load_ext copilot_widget", *asks)) as notebook:
        notebook.run(0)
        kilobytes: list[float] = []
        meter = Meter(notebook.page)
        for index in range(1, 11):
            notebook.page.wait_for_timeout(500)
            meter.reset()
            notebook.run(index)
            notebook.view(index).wait_ended()
            notebook.page.wait_for_timeout(500)  # the record follows the end of the turn
            kilobytes.append(meter.bytes / 1000)
    print(f"bytes of a %copilot cell: first {kilobytes[0]:.1f} kB, second {kilobytes[1]:.1f}, tenth {kilobytes[9]:.1f}")
    return [
        Figure("tenth %copilot cell: bytes on the websocket", kilobytes[9], 15, "kB"),
        Figure("first token of the demo model after the first %copilot", _first_token(server, browser), 1, "s"),
    ]


def _first_token(server: JupyterServer, browser: Browser) -> float:
    """Median of three fresh kernels, seconds from the request to text on the page."""
    seconds: list[float] = []
    for _ in range(3):
        with notebook_of(server, browser, ("%load_ext copilot_widget", "%copilot --model demo hello")) as notebook:
            notebook.run(0)
            notebook.page.wait_for_timeout(500)  # quicker than a person can: that would be Run All
            start = time.time()
            notebook.run(1, wait=False)
            shown = notebook.page.wait_for_function(_FIRST_TEXT, polling="raf", timeout=30_000)
            seconds.append(shown.json_value() / 1000 - start)
    return statistics.median(seconds)


_FIRST_TEXT = """
() => document.querySelector('[data-part="text"]')?.textContent.trim() && performance.timeOrigin + performance.now()
"""


@contextmanager
def notebook_of(server: JupyterServer, browser: Browser, cells: Sequence[str]) -> Iterator[NotebookPage]:
    """A notebook in a tab and with a kernel of its own, in JupyterLab."""
    name = server.write(f"bench-{secrets.token_hex(4)}.ipynb", cells)
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield NotebookPage(context.new_page(), server, "lab", name).open()
    server.shut_kernels_down()
