"""The record that survives: a run's transcript as a static output, readable without kernel, widget or trust.

`render` makes a MIME bundle of turns, for a notebook's cell (notebook/record_display) and for files (export). Nothing
heavy is imported before the first render.
"""

from __future__ import annotations

from collections.abc import Sequence

from .turn import RecordTurn, read


def render(turns: Sequence[RecordTurn], *, model: str = "", beside: bool = False, earlier: int = 0) -> dict[str, str]:
    """The turns as text/html, text/markdown and text/plain.

    `model` names the model where a message does not. `beside`: the live view is the next output of the cell, and
    either it or the record shows. `earlier`: so many turns came before these and are left out.
    """
    from .html import to_html
    from .markdown import to_markdown
    from .plain import to_plain

    parts = [read(turn) for turn in turns]
    return {
        "text/html": to_html(parts, model=model, beside=beside, earlier=earlier),
        "text/markdown": to_markdown(parts, model=model, earlier=earlier),
        "text/plain": to_plain(parts, model=model, earlier=earlier),
    }


__all__ = ["RecordTurn", "render"]
