"""What a slash command tells: paragraphs and tables, as Markdown for the page and as text for all others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Union

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$!#&])")


class Code(str):
    """A cell that is shown as code."""

    __slots__ = ()


@dataclass(frozen=True)
class Table:
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


Block = Union[str, Table]
"""A paragraph, or a table. Texts are plain: whatever they hold is shown as it stands."""


@dataclass(frozen=True)
class Note:
    """Something to read that is no part of the conversation."""

    markdown: str
    plain: str

    @property
    def bundle(self) -> dict[str, str]:
        """As a MIME bundle."""
        return {"text/markdown": self.markdown, "text/plain": self.plain}


def note(*blocks: Block) -> Note:
    """A note of these blocks; empty ones are left out."""
    shown = [block for block in blocks if block and (isinstance(block, str) or block.rows)]
    return Note("\n\n".join(map(_markdown, shown)), "\n\n".join(map(_plain, shown)))


def escape(text: str) -> str:
    """`text` as Markdown that shows just that, on one line: names and questions come from anywhere."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _markdown(block: Block) -> str:
    if isinstance(block, str):
        return escape(block)
    lines = [block.head, ["---"] * len(block.head), *block.rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    if not isinstance(text, Code) or not text:
        return text if text == "---" else escape(text)
    shown = " ".join(text.split()).replace("`", "'").replace("|", "\\|")
    return f"`{shown}`"


def _plain(block: Block) -> str:
    if isinstance(block, str):
        return block
    lines = [[" ".join(cell.split()) for cell in line] for line in (block.head, *block.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(block.head))]
    padded = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join(line.rstrip() for line in padded)


__all__ = ["Block", "Code", "Note", "Table", "escape", "note"]
