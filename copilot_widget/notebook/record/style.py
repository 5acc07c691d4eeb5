"""The record's style, and the rules by which either the live view or the record shows.

In a cell the record is one output and the live view the next one. Jupyter keeps both in the notebook; these rules
show the view while there is one and the record where there is none. Two texts that Jupyter puts in the place of a
view without a kernel ("Loading widget...", "Error displaying widget: model not found") hide with their output.

The rules travel in the record (a `<link>` with a data: URL, so that an exported markdown shows no CSS), and the
front end puts the same ones into the page's head while a view lives: js/src/record-rules.ts, held equal by a test.
"""

from __future__ import annotations

import base64
from functools import lru_cache

BESIDE = "copilot-record-beside"
"""Marks a record whose next output is its live view. Without it (an export, a printed record) nothing hides."""

_RECORD = f".jp-OutputArea-child:has(> .jp-OutputArea-output > .{BESIDE})"
_NEXT = f"{_RECORD} + .jp-OutputArea-child"

HIDE_RULES = "\n".join(
    [
        f"{_RECORD}:has(+ .jp-OutputArea-child > .jp-OutputArea-output > .lm-Widget) {{ display: none; }}",
        f"{_NEXT}:not(:has(> .jp-OutputArea-output > .lm-Widget)) {{ display: none; }}",
    ]
)

_LOOK = """
.copilot-record{font-family:var(--jp-content-font-family,system-ui,sans-serif);line-height:1.55;max-width:60em}
"""


@lru_cache(maxsize=2)
def style_link(beside: bool) -> str:
    """The `<link>` that brings the look and, for a record beside a live view, the rules."""
    css = _LOOK.strip() + ("\n" + HIDE_RULES if beside else "")
    data = base64.b64encode(css.encode()).decode()
    return f'<link rel="stylesheet" href="data:text/css;base64,{data}">'
