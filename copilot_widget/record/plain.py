"""The record as plain text, for a terminal and for front ends that know nothing else: question, steps, answer."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from .text import one_line
from .turn import Call, Context, File, Part, Prompt, Prose, Read, Source, call_words
from .wire import mapping
from .words import NOTHING, footer, left_out, status_line

WIDTH = 88


def to_plain(turns: Sequence[Read], *, model: str = "", earlier: int = 0) -> str:
    """The turns, wrapped; calls and attachments are one line each."""
    before = [_wrap(left_out(earlier))] if earlier else []
    return "\n\n".join([*before, *(_turn(turn, model) for turn in turns)]) or NOTHING


def _turn(turn: Read, model: str) -> str:
    blocks = [f"─── {turn.divider} ───"] if turn.divider else []
    blocks += [_part(part) for part in (*turn.asked, *turn.answered)]
    error = mapping(turn.metadata.get("error"))
    if error.get("message"):
        blocks.append(_wrap(one_line(f"Error: {error['message']} {error.get('hint') or ''}", 2000)))
    else:
        blocks.append(_wrap(one_line(status_line(turn.status, turn.metadata), 2000)))
    blocks.append(one_line(footer(turn.metadata, model), 2000))
    return "\n\n".join(block for block in blocks if block)


def _part(part: Part) -> str:
    if isinstance(part, Prompt):
        return textwrap.indent(_wrap(part.text, WIDTH - 2), "> ", lambda line: True)
    if isinstance(part, Prose):
        return _wrap(part.text.strip("\n"))
    if isinstance(part, Call):
        return one_line("[" + " · ".join([part.title, *call_words(part)]) + "]")
    if isinstance(part, Context):
        return one_line(f"[{part.name}]")
    if isinstance(part, File):
        return one_line(f"[file: {part.name or part.media_type}]")
    if isinstance(part, Source):
        return one_line(f"[source: {part.title} {part.url if part.url != part.title else ''}]")
    return ""


def _wrap(text: str, width: int = WIDTH) -> str:
    """Long lines of prose wrapped; lines inside fences stay."""
    lines: list[str] = []
    fenced = False
    for line in text.split("\n"):
        mark = line.lstrip().startswith(("```", "~~~"))
        fenced = fenced != mark
        keep = fenced or mark or len(line) <= width
        lines += [line] if keep else textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)
