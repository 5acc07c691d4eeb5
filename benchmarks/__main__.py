"""Measures, prints a table and a line for each goal; exits 1 where one is missed."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.e2e.browser import chromium
from tests.e2e.jupyter import JupyterServer

from . import cards, startup, streaming, transcript
from .report import number, table


def main() -> int:
    figures = startup.measure()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        server = JupyterServer(Path(folder, "jupyter"))
        try:
            costs, more = streaming.measure(server, browser)
            more += [*transcript.measure(server, browser), *cards.measure(server, browser)]
        finally:
            server.close()
    rows = [
        [
            cost.way,
            f"{cost.tokens:,}",
            number(cost.megabytes),
            f"not within {streaming.PATIENCE} s" if cost.lag is None else number(cost.lag),
            number(cost.main_thread),
            number(cost.longest_task),
        ]
        for cost in costs
    ]
    print(f"\nA markdown answer at {streaming.RATE} tokens a second, JupyterLab in Chromium:\n")
    print(
        table(
            [
                "way",
                "tokens",
                "MB on the websocket",
                "s from last token to painted",
                "main-thread s",
                "longest task, ms",
            ],
            rows,
        )
    )
    print()
    for figure in [*figures, *more]:
        print(figure)
    return 0 if all(figure.is_met for figure in [*figures, *more]) else 1


sys.exit(main())
