"""`read_file` and `list_files`: what lies under a root, for a model to look at."""

from __future__ import annotations

import contextlib
from typing import Any

from ...errors import ToolError
from ...models.base import Json
from ..base import ApprovalRequest, ToolResult
from ..function import FunctionTool, tool
from ..line_page import page_of
from ..result import IMAGE_LIMIT
from ..sensitive import is_secret_file
from ..sizes import sized
from .confine import Root
from .textfile import decode, lines_of
from .tree import Entry, Walk, matches

READ_LIMIT = 20_000_000
"""Bytes of the largest file that is read."""
_PAGE = 16_000  # characters of one page, below what a tool's output is cut to
_LONGEST_LINE = 2_000
_MOST_LINES = 2_000
_MOST_ENTRIES = 400
_SECONDS = 30.0  # for a disk that does not answer

_IMAGES = ((b"\x89PNG\r\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))


def read_tool(root: Root) -> FunctionTool[..., Any]:
    """`read_file`. A file that looks like a secret's is read only with consent."""

    def ask(given: Json) -> ApprovalRequest | None:
        path = str(dict(given or {}).get("path", ""))
        if not is_secret_file(root.parts(path)):
            return None
        return ApprovalRequest(title=f"read {path}, which may hold keys or passwords")

    @tool(name="read_file", title="Read file", read_only=True, approval=ask, timeout=_SECONDS)
    def read_file(path: str, offset: int = 1, limit: int = 400) -> ToolResult | str:
        """Read a text file of the user's folder, with line numbers; an image is shown to the user.

        Args:
            path: Relative to the folder.
            offset: The first line, from 1.
            limit: How many lines at most.
        """
        data = root.read(path, READ_LIMIT).data
        image = _image(data)
        if image is not None:
            return _shown(path, image, data)
        text = decode(data)
        if text is None:
            raise ToolError(f"{path} is a binary file of {sized(len(data))}.", hint="Read it with code that knows it.")
        note = "" if text.codec == "utf-8" and not text.crlf else f" ({text.codec}{', CRLF' if text.crlf else ''})"
        return _page(path, lines_of(text.text), offset, limit, note)

    return read_file


def _page(path: str, lines: list[str], offset: int, limit: int, note: str) -> str:
    if not lines:
        return f"({path} is empty)"

    def numbered(number: int, line: str) -> str:
        return f"{number:>5}\t{_shortened(line)}"

    page = page_of(path, lines, offset, numbered, size=_PAGE, most=max(min(limit, _MOST_LINES), 1))
    return f"{page.text()}\n({len(lines):,} lines{note})" if page.is_whole and note else page.text(note)


def _shortened(line: str) -> str:
    if len(line) <= _LONGEST_LINE:
        return line
    return f"{line[:_LONGEST_LINE]}… [{len(line) - _LONGEST_LINE:,} more characters]"


def _image(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for start, mime in _IMAGES if data.startswith(start)), None)


def _shown(path: str, mime: str, data: bytes) -> ToolResult:
    words = f"{path} is an image ({mime}, {sized(len(data))})"
    if len(data) > IMAGE_LIMIT:
        return ToolResult(f"{words}, too large to show.")
    return ToolResult(f"{words}. The user sees it; you do not.", {mime: data, "text/plain": words})


def list_tool(root: Root) -> FunctionTool[..., Any]:
    """`list_files`."""

    @tool(name="list_files", title="List files", read_only=True, timeout=_SECONDS)
    def list_files(folder: str = ".", pattern: str = "", hidden: bool = False) -> str:
        """List a folder of the user's, or with a pattern the files below it, with their sizes.

        Args:
            folder: Relative to the user's folder.
            pattern: As *.csv, at any depth, or data/**/*.csv.
            hidden: Also what begins with a dot.
        """
        walk = Walk(hidden=hidden, deep=bool(pattern))
        found: list[str] = []
        many = False
        with (
            root.folder(root.parts(folder), folder) as start,
            contextlib.closing(walk.entries(start)) as entries,
        ):
            for _, _, entry in entries:
                if not matches(entry.path, pattern):
                    continue
                many = len(found) == _MOST_ENTRIES or sum(map(len, found)) > _PAGE
                if many:
                    break
                found.append(_line(entry))
        notes = [f"only the first {len(found)} are listed: narrow it down"] if many else []
        notes += [walk.cut] if walk.cut else []
        notes += [f"{walk.left_out:,} hidden or of tools are left out"] if walk.left_out else []
        if not found:
            found = ["(no file matches)" if pattern else "(nothing)"]
        return "\n".join(found + [f"({note})" for note in notes])

    return list_files


def _line(entry: Entry) -> str:
    if entry.is_file:
        return f"{entry.path}  {sized(entry.size)}"
    return f"{entry.path}/" if entry.is_folder else f"{entry.path}  ({entry.kind}, not followed)"


__all__ = ["READ_LIMIT", "list_tool", "read_tool"]
