"""The record as html.

It reads well without its style (GitHub keeps neither style nor class): a prompt is a quote, a call is a
`<details>`, the footer is small print. It has no script, no handler, and loads nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import pieces, prose
from .pieces import Piece
from .sanitize import safe_link
from .style import BESIDE, style_link
from .text import attribute, escape, keep_indents, literal, one_line, without_blank_lines
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


def to_html(turns: Sequence[Read], *, model: str = "", beside: bool = False, earlier: int = 0) -> str:
    """The turns as one html fragment without an empty line. `beside`: its live view is the next output."""
    body = "\n<hr>\n".join(_turn(turn, model) for turn in turns) or f"<p><em>{NOTHING}</em></p>"
    if earlier:
        body = f'<p class="copilot-record-status"><em>{escape(left_out(earlier))}</em></p>\n<hr>\n{body}'
    classes = f"copilot-record {BESIDE}" if beside else "copilot-record"
    # What is still running is seen in the live view; its record is kept small, since each turn brings it once more.
    look = not beside or any(turn.status not in ("queued", "running") for turn in turns)
    return without_blank_lines(
        f'{style_link(beside, look)}\n<div class="{classes} mathjax_ignore tex2jax_ignore">\n{body}\n</div>'
    )


def _turn(turn: Read, model: str) -> str:
    lines = [f'<p class="copilot-record-divider"><em>{escape(turn.divider)}</em></p>'] if turn.divider else []
    lines += [*(_part(part) for part in (*turn.asked, *turn.answered)), *_ending(turn)]
    small = footer(turn.metadata, model)
    if small:
        lines.append(f'<p class="copilot-record-usage"><small>{escape(one_line(small, 2000))}</small></p>')
    return "\n".join(line for line in lines if line)


def _prompt(text: str) -> str:
    return f'<blockquote dir="auto"><p>{keep_indents(escape(text)).replace(chr(10), "<br>")}</p></blockquote>'


def _ending(turn: Read) -> list[str]:
    error = mapping(turn.metadata.get("error"))
    said = status_line(turn.status, turn.metadata)
    if error.get("message"):
        hint = f"<br>{_words(error.get('hint'))}" if error.get("hint") else ""
        return [f'<p class="copilot-record-error"><strong>Error:</strong> {_words(error["message"])}{hint}</p>']
    kind = "error" if turn.status == "failed" else "status"
    return [f'<p class="copilot-record-{kind}"><em>{_words(said)}</em></p>'] if said else []


def _part(part: Part) -> str:
    if isinstance(part, Prompt):
        return _prompt(part.text)
    if isinstance(part, Prose):
        return f'<div class="copilot-record-text" dir="auto">\n{prose.to_html(part.text)}\n</div>'
    if isinstance(part, Thought):
        return _details(thought(part.seconds), prose.to_html(part.text))
    if isinstance(part, Call):
        return _call(part)
    if isinstance(part, Context):
        kind = "copilot-record-instructions" if part.is_instructions else ""
        return _details(f"{_words(part.name)} · as the model read it", _pieces(pieces.code(part.text)), kind=kind)
    if isinstance(part, Source):
        link = _link(part.url, part.title)
        return f"<p>Source: {link}</p>"
    if isinstance(part, File):
        return _file(part)
    assert isinstance(part, Other)
    return _details(f"<code>{_words(part.kind)}</code>", _pieces(pieces.code(pieces.dump(part.data), "json")))


def _call(call: Call) -> str:
    words = [escape(literal(word)) for word in call_words(call)]
    summary = " · ".join([f"<b>{_words(call.title)}</b>", *words])
    return _details(summary, *_call_body(call), open_=bool(call.approval and not call.approval.answer))


def _call_body(call: Call) -> Iterable[str]:
    yield _pieces(pieces.of_input(call.input))
    if call.approval:
        asked = call.approval
        yield f"<p>Asked: {_words(asked_words(call, asked))}</p>"
        yield _pieces(pieces.of_approval(asked, call.input))
        yield f"<p>{_words(answer_words(asked))}</p>"
    for bundle in call.displays:
        yield _pieces(pieces.of_display(bundle))
    result = _pieces(pieces.of_output(call.output))
    yield _details("What the model read", result) if call.displays and result else result
    if call.error:
        yield _pieces(pieces.code(call.error))


def _file(file: File) -> str:
    name = one_line(file.name or file.media_type or "file")
    piece = pieces.data_url(file.url)
    if isinstance(piece, pieces.Picture):
        return _piece(piece, name)
    line = f"<p>File: {_link(file.url, name)}</p>"
    return f"{line}\n{_piece(piece, name)}" if piece else line


def _link(url: str, title: str) -> str:
    safe = safe_link(url)
    words = _words(title or url)
    return f'<a href="{attribute(safe)}" rel="noopener noreferrer">{words}</a>' if safe else words


def _details(summary: str, *body: str, open_: bool = False, kind: str = "") -> str:
    """`summary` and `body` are html; `kind` is a class."""
    inside = "\n".join(html for html in body if html)
    marks = (f' class="{kind}"' if kind else "") + (" open" if open_ else "")
    return f"<details{marks}>\n<summary>{summary}</summary>\n{inside}\n</details>"


def _words(text: object) -> str:
    return escape(one_line(str(text or ""), 2000))


def _pieces(shown: Sequence[Piece], name: str = "") -> str:
    return "\n".join(_piece(piece, name) for piece in shown)


def _piece(piece: Piece, name: str) -> str:
    if isinstance(piece, pieces.Code):
        label = f"<p>{escape(piece.label)}:</p>\n" if piece.label else ""
        return f"{label}<pre><code>{escape(piece.text)}</code></pre>"
    if isinstance(piece, pieces.Table):
        return _table(piece)
    if isinstance(piece, pieces.Picture):
        alt = attribute(name or "Picture")
        return f'<p><img src="data:{piece.media_type};base64,{piece.data}" alt="{alt}"></p>'
    if isinstance(piece, pieces.Fragment):
        return f'<div class="copilot-record-display">{piece.html}</div>'
    if isinstance(piece, pieces.Markdown):
        return f"<div>{prose.to_html(piece.text)}</div>"
    return f"<p><em>{escape(piece.text)}</em></p>"


def _table(table: pieces.Table) -> str:
    def row(tag: str, cells: Sequence[str]) -> str:
        aligned = zip(cells, table.numeric, strict=True)
        inside = "".join(
            f'<{tag} align="right">{escape(cell)}</{tag}>' if right else f"<{tag}>{escape(cell)}</{tag}>"
            for cell, right in aligned
        )
        return f"<tr>{inside}</tr>"

    rows = "\n".join(row("td", cells) for cells in table.rows)
    return f"<table>\n<thead>{row('th', table.header)}</thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
