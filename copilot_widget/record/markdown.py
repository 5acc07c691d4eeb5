"""The record as markdown, for plain viewers and files: a call folds where `<details>` is known, and reads elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import pieces, prose
from .pieces import Piece
from .sanitize import safe_link
from .text import code_span, escape, escape_markdown, fence, keep_indents, one_line, without_blank_lines
from .turn import (
    Call,
    Context,
    File,
    Other,
    Part,
    Prompt,
    Prose,
    Read,
    Source,
    Thought,
    answer_words,
    asked_words,
    call_words,
)
from .wire import mapping
from .words import NOTHING, footer, left_out, status_line, thought


def to_markdown(turns: Sequence[Read], *, model: str = "", pictures: bool = False, earlier: int = 0) -> str:
    """The turns in markdown. `pictures` puts them in as data: URLs; else a line says that there is one."""
    before = [f"*{left_out(earlier)}*"] if earlier else []
    written = "\n\n***\n\n".join([*before, *(_Writer(pictures).turn(turn, model) for turn in turns)])
    return (written or f"*{NOTHING}*") + "\n"


class _Writer:
    def __init__(self, pictures: bool) -> None:
        self._pictures = pictures

    def turn(self, turn: Read, model: str) -> str:
        blocks = [f"*{turn.divider}*"] if turn.divider else []
        blocks += [*(self._part(part) for part in (*turn.asked, *turn.answered)), *_ending(turn)]
        small = footer(turn.metadata, model)
        if small:
            blocks.append(f"*{escape_markdown(one_line(small, 2000))}*")
        return "\n\n".join(block for block in blocks if block)

    def _part(self, part: Part) -> str:
        if isinstance(part, Prompt):
            return _quote(part.text)
        if isinstance(part, Prose):
            return prose.to_markdown(part.text)
        if isinstance(part, Thought):
            return _details(thought(part.seconds), [prose.to_markdown(part.text)])
        if isinstance(part, Call):
            return self._call(part)
        if isinstance(part, Context):
            return _details(f"{part.name} · as the model read it", self._pieces(pieces.code(part.text)))
        if isinstance(part, Source):
            return f"Source: {_link(part.url, part.title)}"
        if isinstance(part, File):
            return self._file(part)
        assert isinstance(part, Other)
        return _details(part.kind, self._pieces(pieces.code(pieces.dump(part.data), "json")))

    def _call(self, call: Call) -> str:
        return _details(" · ".join([call.title, *call_words(call)]), self._call_body(call))

    def _call_body(self, call: Call) -> Iterable[str]:
        yield from self._pieces(pieces.of_input(call.input))
        if call.approval:
            asked = call.approval
            yield f"Asked: {escape_markdown(one_line(asked_words(call, asked), 2000))}"
            yield from self._pieces(pieces.of_approval(asked, call.input))
            yield escape_markdown(one_line(answer_words(asked), 2000))
        for bundle in call.displays:
            yield from self._pieces(pieces.of_display(bundle, rich=False))
        result = self._pieces(pieces.of_output(call.output))
        if call.displays and result:
            yield "What the model read:"
        yield from result
        if call.error:
            yield from self._pieces(pieces.code(call.error))

    def _file(self, file: File) -> str:
        name = one_line(file.name or file.media_type or "file")
        piece = pieces.data_url(file.url)
        if isinstance(piece, pieces.Picture):
            return self._piece(piece, name)
        line = f"File: {_link(file.url, name)}"
        return f"{line}\n\n{self._piece(piece, name)}" if piece else line

    def _pieces(self, shown: Sequence[Piece], name: str = "") -> list[str]:
        return [self._piece(piece, name) for piece in shown]

    def _piece(self, piece: Piece, name: str) -> str:
        if isinstance(piece, pieces.Code):
            label = f"{code_span(piece.label)}:\n\n" if piece.label else ""
            return label + fence(piece.text, piece.language)
        if isinstance(piece, pieces.Table):
            lines = [piece.header, tuple("--:" if right else "---" for right in piece.numeric)]
            rows = [tuple(escape_markdown(cell) for cell in row) for row in (piece.header, *piece.rows)]
            return "\n".join("| " + " | ".join(row) + " |" for row in (rows[0], lines[1], *rows[1:]))
        if isinstance(piece, pieces.Picture):
            if self._pictures:
                return f"![{escape_markdown(name or 'Picture')}](data:{piece.media_type};base64,{piece.data})"
            return f"*Picture: {code_span(name or piece.media_type)}*"
        if isinstance(piece, pieces.Fragment):
            return without_blank_lines(f"<div>\n{piece.html}\n</div>")
        if isinstance(piece, pieces.Markdown):
            return prose.to_markdown(piece.text)
        return f"*{escape_markdown(piece.text)}*"


def _ending(turn: Read) -> list[str]:
    error = mapping(turn.metadata.get("error"))
    said = status_line(turn.status, turn.metadata)
    if error.get("message"):
        words = f"{error['message']} {error.get('hint') or ''}"
        return [f"**Error:** {escape_markdown(one_line(words, 2000))}"]
    return [f"*{escape_markdown(one_line(said, 2000))}*"] if said else []


def _quote(text: str) -> str:
    """A prompt as it was typed: its lines stay lines."""
    lines = keep_indents(escape_markdown(text)).split("\n")
    quoted = [f"> {line}  ".rstrip() if not line.strip() else f"> {line}  " for line in lines]
    quoted[-1] = quoted[-1].rstrip()
    return "\n".join(quoted)


def _details(summary: str, body: Iterable[str]) -> str:
    """`summary` is plain text; `body` are blocks of markdown."""
    inside = "\n\n".join(block for block in body if block)
    return f"<details>\n<summary>{escape(one_line(summary, 300))}</summary>\n\n{inside}\n\n</details>"


def _link(url: str, title: str) -> str:
    safe = safe_link(url)
    words = escape_markdown(one_line(title or url))
    return f"[{words}](<{safe}>)" if safe else code_span(title or url)
