"""The record's style, and the rules by which either the live view or the record shows.

In a cell the record is one output and the live view the next one. Jupyter keeps both in the notebook; these rules
show the view while there is one and the record where there is none. Two texts that Jupyter puts in the place of a
view without a kernel ("Loading widget...", "Error displaying widget: model not found") hide with their output.

The rules travel in the record (a `<link>` with a data: URL, so that an exported markdown shows no CSS), and the
front end puts the same ones into the page's head while a view lives: js/src/record-rules.ts, held equal by a test.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote

BESIDE = "copilot-record-beside"
"""Marks a record whose next output is its live view. Without it (an export, a printed record) nothing hides."""

_RECORD = f".jp-OutputArea-child:has(> .jp-OutputArea-output > .{BESIDE})"
_OUTPUT = "+ .jp-OutputArea-child > .jp-OutputArea-output >"
# A view counts once its root has the class, or while it is still empty: a view that only tells why it cannot show
# itself leaves the record in sight.
_LIVE = f"{_OUTPUT} .copilot-widget, {_OUTPUT} * > .copilot-widget, {_OUTPUT} :empty"

# Child combinators and sibling steps only: what a change deep inside an output could match stays decidable from
# its own place, so a neighbour that streams costs nothing measurable.
HIDE_RULES = (
    f"{_RECORD}:has({_LIVE}) {{ display: none; }}\n"
    f"{_RECORD} + .jp-OutputArea-child:not(:has(> .jp-OutputArea-output > *)) {{ display: none; }}"
)

# Its own class twice, as JupyterLab's rules for outputs are otherwise the more specific ones; nested, since each record
# brings the style along.
_LOOK = """
.copilot-record.copilot-record {
  --muted: var(--jp-ui-font-color2, var(--vscode-descriptionForeground, color-mix(in srgb, currentColor 65%, #0000)));
  --line: var(--jp-border-color2, var(--vscode-panel-border, color-mix(in srgb, currentColor 20%, #0000)));
  --fill: var(--jp-cell-editor-background, color-mix(in srgb, currentColor 6%, #0000));
  max-width: 64em; line-height: 1.5; overflow-wrap: anywhere;

  > blockquote {
    margin: 4px 0 8px; padding: 1px 0 1px 10px; border-left: 3px solid var(--line);
    background: none; color: inherit; font-weight: 500;
  }
  > blockquote p { margin: 0; }
  summary { min-height: 24px; line-height: 24px; cursor: pointer; color: var(--muted); font-size: .93em; }
  summary b { font-weight: 500; color: var(--jp-ui-font-color1, CanvasText); }
  details > :not(summary) { margin: 4px 0 8px 14px; }
  pre {
    margin: 6px 0 10px; padding: 6px 10px; background: var(--fill); border-radius: 2px;
    white-space: pre-wrap; overflow: visible; max-height: none; line-height: 1.4;
  }
  pre code { padding: 0; background: none; white-space: inherit; font-size: .93em; }
  h5, h6 { margin: 14px 0 6px; font-size: 1em; font-weight: 600; font-style: normal; color: inherit; }
  table { border-collapse: collapse; }
  th, td, [align=left] { padding: 4px 8px; text-align: left; }
  .copilot-record-display :is(th, td), [align=right] { text-align: right; }
  [align=center] { text-align: center; }
  img { max-width: 100%; height: auto; }
  > .copilot-record-text { margin: 8px 0; }
  > hr { margin: 14px 0; border: 0; border-top: 1px solid var(--line); background: none; }
  > .copilot-record-error { padding-left: 10px; border-left: 3px solid var(--jp-error-color1, #d32f2f); }
  > .copilot-record-usage { margin: 6px 0 0; color: var(--muted); }
  > .copilot-record-divider { margin: 6px 0; text-align: center; color: var(--muted); font-size: .93em; }
  @media print {
    details:not(.copilot-record-instructions)::details-content { content-visibility: visible; block-size: auto; }
  }
}
@media print {
  .jp-OutputArea-child:has(> .jp-OutputArea-output > .copilot-record) { break-inside: auto; }
}
"""


_PLAIN = " !$'()*+,-./:;=?@[]_{}~"


def _small(css: str) -> str:
    return re.sub(r"\s*([{};:,>])\s+", r"\1", css.strip()).replace(";}", "}")


@lru_cache(maxsize=4)
def style_link(beside: bool, look: bool = True) -> str:
    """The `<link>` that brings the look and, for a record beside a live view, the rules; "" for neither."""
    css = "".join([*([_small(_LOOK)] if look else []), *([_small(HIDE_RULES)] if beside else [])])
    # A quarter shorter than base64, and every record has it. Quoted is what ends a URL, an attribute, or a tag for
    # whoever takes tags out by a pattern.
    return f'<link rel="stylesheet" href="data:text/css,{quote(css, safe=_PLAIN)}">' if css else ""
