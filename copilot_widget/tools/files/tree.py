"""What lies in a folder: entries in order, bounded in number, depth and time; and which of them a pattern means."""

from __future__ import annotations

import contextlib
import itertools
import re
import time
from collections.abc import Generator
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache

from ...errors import ToolError
from .confine import Folder, kind_of

IGNORED = frozenset({".git", "node_modules", ".ipynb_checkpoints", "__pycache__"})
"""Folders of tools: they are never entered, unless one is named."""

_DEEPEST = 40  # folders below each other, each of which is held open
_MOST_IN_A_FOLDER = 10_000


@dataclass(frozen=True)
class Entry:
    """`path` is relative to where the walk began, `size` in bytes; `kind` is in words."""

    path: str
    kind: str
    size: int

    @property
    def is_file(self) -> bool:
        return self.kind == "a file"

    @property
    def is_folder(self) -> bool:
        return self.kind == "a folder"


class Walk:
    """One walk, and whether it has seen everything: `cut` says in words why not, "" where it has."""

    def __init__(self, *, hidden: bool = False, deep: bool = True, entries: int = 20_000, seconds: float = 5.0) -> None:
        self.hidden = hidden
        self.deep = deep
        self.cut = ""
        self.left_out = 0
        """Hidden entries and folders of tools that were passed over."""
        self._left = entries
        self._entries = entries
        self._deadline = time.monotonic() + seconds
        self._seconds = seconds

    def entries(
        self, folder: Folder, before: str = "", depth: int = 0
    ) -> Generator[tuple[Folder, str, Entry], None, None]:
        """(the folder that holds it, its name there, the entry), by name, each folder before what is in it.

        A folder stays open while the walk is in it. Close the iterator where it is not read to its end.
        """
        for name in self._names(folder):
            if self._is_over():
                return
            try:
                status = folder.status(name)
            except OSError:  # it has gone meanwhile
                continue
            entry = Entry(before + name, kind_of(status.st_mode), status.st_size)
            yield folder, name, entry
            if not entry.is_folder or name in IGNORED or not self.deep:
                continue
            if depth == _DEEPEST:
                self.cut = f"folders below {_DEEPEST} others were not looked into"
                continue
            with contextlib.suppress(ToolError):  # a folder that may not be read, or is no longer one
                inner = folder.enter(name, entry.path)
                with contextlib.closing(inner):
                    yield from self.entries(inner, f"{entry.path}/", depth + 1)

    def _names(self, folder: Folder) -> list[str]:
        try:
            names = list(itertools.islice(folder.names(), _MOST_IN_A_FOLDER + 1))
        except OSError:
            return []
        if len(names) > _MOST_IN_A_FOLDER:
            self.cut = f"of a folder with many entries {_MOST_IN_A_FOLDER:,} were looked at"
            names.pop()
        shown = [name for name in names if self.hidden or not (name.startswith(".") or name in IGNORED)]
        self.left_out += len(names) - len(shown)
        return sorted(shown)

    def _is_over(self) -> bool:
        if self._left == 0:
            self.cut = f"only {self._entries:,} entries were looked at"
        elif time.monotonic() > self._deadline:
            self.cut = f"ended after {self._seconds:g} s"
        else:
            self._left -= 1
            return False
        return True


def matches(path: str, pattern: str) -> bool:
    """Whether a glob pattern means `path`: `*.csv` at any depth, `data/*.csv` from the start, `**` any folders.

    Name by name, so that no pattern takes longer than the product of their numbers.
    """
    if not pattern:
        return True
    wanted = pattern.strip("/").split("/")
    if len(wanted) == 1 and wanted != ["**"]:
        wanted = ["**", *wanted]
    names = path.split("/")
    # reached[n]: the pattern so far can mean the first n names
    reached = [True, *([False] * len(names))]
    for one in wanted:
        if one == "**":
            first = reached.index(True) if True in reached else len(reached)
            reached = [n >= first for n in range(len(reached))]
        else:
            match = _name(one)
            reached = [False, *(reached[n] and match.match(name) is not None for n, name in enumerate(names))]
    return reached[-1]


@lru_cache(100)
def _name(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))


__all__ = ["IGNORED", "Entry", "Walk", "matches"]
