"""`search_files`: lines that hold a text, or fit a regular expression, in the text files under a root.

A pattern may take forever, and while Python's `re` matches no other thread of the process runs: a kernel would stand
still, Stop included. So regular expressions are matched by a child process that is ended when its time is up; it gets
the files' text and opens none itself. Plain text, the default, is found here.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import ToolError
from ..base import ToolContext
from ..function import FunctionTool, tool
from ..jsonable import well_formed
from ..sensitive import is_secret_file
from ..sizes import sized
from .confine import Folder, Root
from .textfile import decode, lines_of
from .tree import Entry, Walk, matches

SECONDS = 10.0
"""How long one search may take."""
MATCHES = 200
FILE_LIMIT = 5_000_000
"""Bytes of the largest file that is searched."""
TOTAL_LIMIT = 50_000_000
_BATCH = 10_000_000  # characters that one child is given
_LONGEST_LINE = 300
_OUTPUT = 16_000
_CHILD = Path(__file__).with_name("search_child.py")


@dataclass
class _Search:
    """One search: what was found, and what was not looked at."""

    query: str
    ignore_case: bool
    deadline: float
    found: list[str] = field(default_factory=list[str])
    size: int = 0
    secret: int = 0
    large: int = 0
    cut: str = ""

    @property
    def is_full(self) -> bool:
        return len(self.found) >= MATCHES or self.size > _OUTPUT

    def add(self, path: str, number: int, line: str) -> None:
        if self.is_full:
            return
        line = line.strip()
        shown = line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"
        self.found.append(f"{path}:{number}: {shown}")
        self.size += len(self.found[-1]) + 1

    def text(self, walk: Walk) -> str:
        notes = [self.cut] if self.cut else []
        if self.is_full:
            notes.append(f"only the first {len(self.found)} are shown: narrow it down")
        if walk.cut:
            notes.append(walk.cut)
        if self.secret:
            notes.append(f"{self.secret} files that may hold keys or passwords were not searched")
        if self.large:
            notes.append(f"{self.large} files of more than {sized(FILE_LIMIT)} were not searched")
        return "\n".join([*(self.found or ["(no match)"]), *(f"({note})" for note in notes)])


def search_tool(root: Root) -> FunctionTool[..., Any]:
    """`search_files`. Files that look like a secret's are passed over."""

    @tool(name="search_files", title="Search files", read_only=True, timeout=SECONDS + 20)
    def search_files(
        query: str,
        context: ToolContext,
        folder: str = ".",
        pattern: str = "",
        regex: bool = False,
        ignore_case: bool = False,
    ) -> str:
        """Find the lines of text files in the user's folder that hold a text.

        Args:
            query: The text, or with regex a Python regular expression for one line.
            folder: Where to look, relative to the user's folder.
            pattern: Only such files: *.py, at any depth, or src/**/*.py.
        """
        if not query or (not regex and "\n" in query):
            raise ToolError("query must be text of one line.", hint="Search for a part of one line.")
        search = _Search(query, ignore_case, time.monotonic() + SECONDS)
        walk = Walk(seconds=SECONDS)
        with root.folder(root.parts(folder), folder) as start, contextlib.closing(walk.entries(start)) as entries:
            files = _texts(search, root.parts(folder), pattern, entries)
            (_by_child if regex else _plainly)(search, files, context)
        return search.text(walk)

    return search_files


def _texts(
    search: _Search, before: tuple[str, ...], pattern: str, entries: Iterator[tuple[Folder, str, Entry]]
) -> Iterator[tuple[str, str]]:
    """(path from the root, text) of each file to look into."""
    left = TOTAL_LIMIT
    for folder, name, entry in entries:
        if not entry.is_file or not matches(entry.path, pattern):
            continue
        path = "/".join((*before, entry.path))
        if is_secret_file(path.split("/")):
            search.secret += 1
            continue
        if entry.size > FILE_LIMIT:
            search.large += 1
            continue
        if left < entry.size:
            search.cut = f"ended after {sized(TOTAL_LIMIT)} of text"
            return
        left -= entry.size
        try:
            text = decode(folder.read(name, path, FILE_LIMIT).data)
        except ToolError:  # it may not be read, or is no longer what it was
            continue
        if text is not None:
            yield well_formed(path), text.text


def _plainly(search: _Search, files: Iterator[tuple[str, str]], context: ToolContext) -> None:
    wanted = search.query.casefold() if search.ignore_case else search.query
    for path, text in files:
        if time.monotonic() > search.deadline:
            search.cut = f"ended after {SECONDS:g} s"
        if search.cut or search.is_full or context.stopped.is_set():
            return
        if wanted not in (text.casefold() if search.ignore_case else text):
            continue
        for number, line in enumerate(lines_of(text), 1):
            if wanted in (line.casefold() if search.ignore_case else line):
                search.add(path, number, line)


def _by_child(search: _Search, files: Iterator[tuple[str, str]], context: ToolContext) -> None:
    more = True
    while more and not search.is_full and not search.cut and not context.stopped.is_set():
        batch: list[tuple[str, str]] = []
        size = 0
        more = False
        for path, text in files:
            batch.append((path, text))
            size += len(text)
            if size > _BATCH:
                more = True
                break
        _match(search, batch)


def _match(search: _Search, batch: list[tuple[str, str]]) -> None:
    """Match a batch in a child; what it has told before its time was up counts."""
    left = max(search.deadline - time.monotonic(), 0.5)
    asked = {"query": search.query, "ignore_case": search.ignore_case, "matches": MATCHES, "seconds": left + 1}
    lines = [json.dumps(asked), *(json.dumps(text) for _, text in batch)]
    if not sys.executable:
        raise ToolError("Regular expressions cannot be used here.", hint="Search for a plain text.")
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(_CHILD)],
            input="\n".join(lines).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=left,
            check=False,
            cwd=os.path.abspath(os.sep),  # noqa: PTH100 - it has no business in the user's folder
        )
        told, ended = done.stdout, done.returncode != 0
    except subprocess.TimeoutExpired as late:
        told, ended = late.stdout or b"", True
    reports: list[dict[str, Any]] = [json.loads(line) for line in told.split(b"\n")[:-1]]
    for report in reports:
        if "error" in report:
            raise ToolError(
                f"{search.query!r} is not a regular expression: {report['error']}.",
                hint="Correct it, or leave regex out to search for the text itself.",
            )
        place: int = report["file"]
        search.add(batch[place][0], report["line"], report["text"])
    if ended:
        search.cut = f"the expression took longer than {SECONDS:g} s and was given up: make it simpler"


__all__ = ["FILE_LIMIT", "MATCHES", "SECONDS", "TOTAL_LIMIT", "search_tool"]
