"""A conversation as a file: Markdown, HTML, the AI SDK's JSON, or a notebook."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from .errors import UsageError
from .keeping import title_of
from .protocol.jsontext import dumps, loads
from .protocol.messages import TextPart, ToolPart, UIMessage, metadata_of
from .record import RecordTurn, read
from .record.text import escape, escape_markdown, runnable

MARK = "copilot-widget"
"""Says in each kind of file that it was exported: such a file is replaced by the next export."""
_LOOKED_AT = 64_000_000
"""Bytes of a file that stands in the place; a larger one is taken for somebody else's."""


@dataclass(frozen=True)
class Conversation:
    """What is exported."""

    title: str
    turns: Sequence[RecordTurn]
    messages: Sequence[UIMessage]


def export(
    turns: Sequence[RecordTurn],
    messages: Sequence[UIMessage],
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a conversation, in the form that the path's ending names. Returns where it was written.

    Without a `title` it is that of the first question. A name that is an ending alone (".md") gets the title before it,
    and a number where such a file is there. A file that an export has written before is replaced; any other one only
    with `overwrite`. Raises UsageError.
    """
    target = Path(path).expanduser().resolve()
    title = title or title_of(next((message.text for message in messages if message.role == "user"), ""))
    if target.name.lower() in _WRITERS:
        target = _free(target.parent, title, target.name)
    write = _WRITERS.get(target.suffix.lower())
    if write is None:
        raise UsageError(
            f"A conversation cannot be exported as {target.suffix or target.name!r}.",
            hint=f"The file's name ends in one of {', '.join(_WRITERS)}.",
        )
    if not messages:
        raise UsageError(
            "There is nothing to export in this conversation yet.",
            hint="Ask something first. One that was kept before: /resume ID, then /export.",
        )
    if target.is_dir():
        raise UsageError(f"{target} is a folder.", hint="Name a file.")
    if not overwrite and target.exists() and not _is_ours(target):
        raise UsageError(
            f"{target} is there already, and was not exported from here.",
            hint="Name another file, or allow it: overwrite=True, or %copilot /export FILE --overwrite.",
            code="exists",
        )
    _replace(target, write(Conversation(title, turns, messages)).encode("utf-8", "replace"))
    return target


def _free(folder: Path, title: str, ending: str) -> Path:
    """A file that is not there yet, named after a title."""
    name = re.sub(r"\W+", "-", title).strip("-_").lower() or "conversation"
    return next(
        path
        for number in itertools.count(1)
        if not (path := folder / f"{name}{f'-{number}' if number > 1 else ''}{ending}").exists()
    )


def _replace(target: Path, content: bytes) -> None:
    """All of it or nothing: who exports over yesterday's file keeps that one when the disk is full."""
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        beside.write_bytes(content)
        beside.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise UsageError(
            f"{target} cannot be written: {error.strerror or error}.", hint="Name a file in a folder that is there."
        ) from None


def _is_ours(path: Path) -> bool:
    try:
        if path.stat().st_size > _LOOKED_AT:
            return False
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return False
    ending = path.suffix.lower()
    if ending in (".json", ".ipynb"):
        try:
            held = loads(text)
        except ValueError:
            return False
        return _says_so(held)
    return _HTML_MARK in text[:1000] if ending in (".html", ".htm") else text.startswith(_MARKDOWN_MARK)


def _says_so(held: Any) -> bool:
    """Of a parsed JSON."""
    messages = cast("list[Any]", held) if isinstance(held, list) else [held]
    first: Any = messages[0] if messages else None
    metadata = cast("dict[str, Any]", first).get("metadata") if isinstance(first, dict) else None
    about = cast("dict[str, Any]", metadata).get(ABOUT) if isinstance(metadata, dict) else None
    return isinstance(about, dict) and cast("dict[str, Any]", about).get("by") == MARK


# ---- the forms ----------------------------------------------------------------------------------------------

ABOUT = "conversation"
"""The key, in the metadata of an exported notebook or of the first exported message, of what is known of the whole."""
_MARKDOWN_MARK = f"<!-- {MARK} -->"
_HTML_MARK = f'<meta name="generator" content="{MARK}">'

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
{mark}
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 2em auto; max-width: 64em; padding: 0 1em; font: 15px/1.5 system-ui, sans-serif; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def _html(conversation: Conversation) -> str:
    from .record.html import to_html

    body = to_html([read(turn) for turn in conversation.turns])
    return _PAGE.format(mark=_HTML_MARK, title=escape(conversation.title), body=body)


def _markdown(conversation: Conversation) -> str:
    from .record.markdown import to_markdown

    written = to_markdown([read(turn) for turn in conversation.turns], pictures=True)
    return f"{_MARKDOWN_MARK}\n\n# {escape_markdown(conversation.title)}\n\n{written}"


def _json(conversation: Conversation) -> str:
    """A plain list of UIMessages, which any AI SDK client reads; the first one's metadata tell of the whole."""
    wires = [message.to_wire() for message in conversation.messages]
    first = metadata_of(conversation.messages[0])
    wires[0] = {**wires[0], "metadata": {**first, ABOUT: _about(conversation)}}
    return "[\n" + ",\n".join(map(dumps, wires)) + "\n]\n"


def _about(conversation: Conversation) -> dict[str, str]:
    return {"by": MARK, "title": conversation.title}


# ---- a notebook -----------------------------------------------------------------------------------------------

_FENCE = re.compile(r"(?P<marks>`{3,}|~{3,})(?P<language>[^`\n]*)")
_PYTHON = frozenset({"python", "python3", "py", "ipython"})
RUN_CODE = "run_code"


def _notebook(conversation: Conversation) -> str:
    cells = [("markdown", f"# {escape_markdown(conversation.title)}")]
    dividers = iter([turn.divider for turn in conversation.turns])
    for message in conversation.messages:
        if message.role == "user" and (line := next(dividers, "")):
            cells.append(("markdown", f"***\n\n*{line}*"))
        cells += _asked(message) if message.role == "user" else _answered(message)
    notebook = {
        "cells": [_cell(number, kind, source) for number, (kind, source) in enumerate(cells) if source.strip()],
        "metadata": {
            ABOUT: _about(conversation),
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def _cell(number: int, kind: str, source: str) -> dict[str, Any]:
    code: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    lines = source.strip("\n").splitlines(keepends=True)
    return {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, **code, "source": lines}


def _asked(message: UIMessage) -> Iterator[tuple[str, str]]:
    lines = escape_markdown(message.text).split("\n")
    yield "markdown", "\n".join(f"> {line}  ".rstrip() if line else ">" for line in lines) if message.text else ""


def _answered(message: UIMessage) -> Iterator[tuple[str, str]]:
    """Prose as it is safe to be shown, code in cells of its own: that of the answer, and that which was run for it."""
    from .record.prose import to_markdown

    for part in message.parts:
        if isinstance(part, TextPart):
            for kind, text in _pieces(part.text):
                yield kind, to_markdown(text) if kind == "markdown" else runnable(text)
        elif isinstance(part, ToolPart) and part.tool_name == RUN_CODE and part.state.startswith("output-"):
            given: object = part.input
            code = cast("dict[str, Any]", given).get("code") if isinstance(given, dict) else None
            if isinstance(code, str) and part.state != "output-denied":
                yield "code", runnable(code)


def _pieces(text: str) -> Iterable[tuple[str, str]]:
    """Prose, and the code of closed Python fences, in one pass over the lines."""
    lines = text.split("\n")
    done = 0
    first, marks, language = -1, "", ""  # of the fence that is open
    for number, line in enumerate(lines):
        found = _FENCE.fullmatch(line)
        if found is None:
            continue
        if first < 0:
            first, marks, language = number, found["marks"], found["language"].strip().lower()
        elif found["marks"] == marks and not found["language"].strip():
            if language in _PYTHON:
                yield "markdown", "".join(f"{each}\n" for each in lines[done:first])
                yield "code", "".join(f"{each}\n" for each in lines[first + 1 : number])
                done = number + 1
            first = -1
    yield "markdown", "\n".join(lines[done:])


_WRITERS: dict[str, Callable[[Conversation], str]] = {
    ".md": _markdown,
    ".html": _html,
    ".json": _json,
    ".ipynb": _notebook,
}

__all__ = ["ABOUT", "Conversation", "export"]
