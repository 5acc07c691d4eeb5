"""A call's input, output and displays as pieces to show: code, tables, pictures, prose.

What is long is cut, and the cut says how much is missing: a record is read, and it is saved in the notebook.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Union

from .sanitize import sanitize
from .text import clean, exact, literal
from .turn import Approval
from .wire import items, joined, mapping, number

CHARACTERS = 20_000
"""How much of one text is kept."""
PICTURE_BYTES = 4_000_000
ROWS, COLUMNS = 50, 12


@dataclass(frozen=True)
class Code:
    """Text in its own lines; `label` names it where there are several."""

    text: str
    language: str = ""
    label: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of short texts."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    """Which columns hold nothing but numbers."""


@dataclass(frozen=True)
class Picture:
    """`data` is checked base64 without white space."""

    media_type: str
    data: str


@dataclass(frozen=True)
class Fragment:
    """Html that has been written anew: safe anywhere."""

    html: str


@dataclass(frozen=True)
class Markdown:
    """Foreign markdown."""

    text: str


@dataclass(frozen=True)
class Note:
    """A word of ours on what is missing."""

    text: str


Piece = Union[Code, Table, Picture, Fragment, Markdown, Note]


def code(text: str, language: str = "", label: str = "") -> list[Piece]:
    """A text, cut if it is long."""
    text = literal(text).strip("\n")
    if len(text) <= CHARACTERS:
        return [Code(text, language, label)]
    rest = len(text) - CHARACTERS
    return [Code(text[:CHARACTERS], language, label), Note(f"{rest:,} more characters are not in this record.")]


def of_input(value: Any) -> list[Piece]:
    """A call's arguments: texts of several lines on their own, the rest as JSON."""
    if value is None or value == {}:
        return []
    if isinstance(value, str):
        return code(exact(value))
    fields = mapping(value)
    if not fields:
        return code(dump(value), "json")
    long = [key for key, text in fields.items() if _is_code(key, text)]
    short = {key: item for key, item in fields.items() if key not in long}
    pieces: list[Piece] = code(dump(short), "json") if short else []
    for key in long:
        pieces += code(exact(fields[key]), _language(key, fields), "" if len(fields) == 1 else literal(key))
    return pieces


def of_approval(approval: Approval, value: Any) -> list[Piece]:
    """What the user saw before deciding, where the call's input does not show it already."""
    if approval.diff:
        return code(exact(approval.diff), "diff")
    shown = [value, *mapping(value).values()]
    return code(exact(approval.code), approval.language) if approval.code and approval.code not in shown else []


def of_output(value: Any) -> list[Piece]:
    """A call's result as the model read it."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return code(value)
    table = _table(value)
    return [table] if table else code(dump(value), "json")


def of_display(bundle: Mapping[str, Any], *, rich: bool = True) -> list[Piece]:
    """A MIME bundle. Where `rich` is false, text is preferred to html."""
    html = sanitize(joined(bundle["text/html"])) if _fits(bundle.get("text/html")) else None
    left_out: list[Piece] = []
    if html and html.left_out:
        left_out.append(Note(f"Left out here: {', '.join(html.left_out)}."))
    for media_type in ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"):
        if media_type in bundle:
            return [_picture(media_type, bundle[media_type])]
    if html and html.seen and (rich or "text/plain" not in bundle):
        return [Fragment(html.html), *left_out]
    if isinstance(bundle.get("text/markdown"), (str, list)):
        return [Markdown(joined(bundle["text/markdown"])[:CHARACTERS])]
    for media_type, language in (("text/latex", "latex"), ("application/json", "json"), ("text/plain", "")):
        if media_type in bundle:
            value = bundle[media_type]
            text = joined(value) if language != "json" else dump(value)
            return code(text, language) + left_out
    return left_out or [Note(f"Nothing to show for {', '.join(literal(kind) for kind in bundle) or 'this'}.")]


def dump(value: Any) -> str:
    """JSON for a reader: on one line where it is short."""
    line = json.dumps(value, ensure_ascii=False, default=str)
    text = line if len(line) <= 80 else json.dumps(value, ensure_ascii=False, default=str, indent=2)
    return literal(text)


def _is_code(key: str, value: Any) -> bool:
    return isinstance(value, str) and ("\n" in value.strip() or key in ("code", "source", "sql", "query", "command"))


def _language(key: str, value: Mapping[str, Any]) -> str:
    language = value.get("language")
    if isinstance(language, str) and key != "language":
        return language
    return {"code": "python", "sql": "sql", "diff": "diff", "patch": "diff"}.get(key, "")


def _table(value: Any) -> Table | None:
    """A list of flat objects with the same few keys is a table."""
    rows = [mapping(row) for row in items(value)]
    if not 2 <= len(rows) <= ROWS:
        return None
    header = tuple(rows[0])
    if not 1 <= len(header) <= COLUMNS or any(tuple(row) != header for row in rows):
        return None
    if any(isinstance(cell, (dict, list)) or len(str(cell)) > 80 for row in rows for cell in row.values()):
        return None
    numeric = tuple(all(number(row[name]) is not None for row in rows) for name in header)
    return Table(tuple(map(_cell, header)), tuple(tuple(map(_cell, row.values())) for row in rows), numeric)


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return " ".join(literal(text).split())


def _picture(media_type: str, data: Any) -> Piece:
    if isinstance(data, bytes):
        data = base64.b64encode(data).decode()
    text = joined(data)
    if media_type == "image/svg+xml" and "<" in text:
        text = base64.b64encode(clean(text).encode()).decode()
    text = "".join(text.split())
    try:
        size = len(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return Note(f"A picture ({media_type}) that could not be read.")
    if size > PICTURE_BYTES:
        return Note(f"A picture ({media_type}) of {size / 1e6:.1f} MB is not in this record.")
    return Picture(media_type, text)


def data_url(url: str) -> Piece | None:
    """The picture in a data: URL, or None where it is something else."""
    found = re.match(r"data:(image/(?:png|jpeg|gif|webp|svg\+xml));base64,", url)
    return _picture(found.group(1), url[found.end() :]) if found else None


def _fits(value: Any) -> bool:
    return isinstance(value, (str, list)) and len(joined(value)) <= 10 * CHARACTERS
