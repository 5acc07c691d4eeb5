"""The record's place in a notebook: an output of its own, replaced from any thread."""

from __future__ import annotations

import contextvars
import json
import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..keeping import is_gone

_KEY = "copilot_widget"
_MARK = re.compile(rf'"{_KEY}":\s*(?={{)'.encode())
_MOST_BYTES = 200_000_000
"""Of a notebook's file that is looked through."""
_MOST_BESIDE = 50
"""Notebooks of a folder that are looked through for one that was renamed, the newest first."""


class RecordDisplay:
    """The record as an output. `show` it, display the live view directly after it, `update` it once a turn.

    `threads` are ids of the conversations that it shows. The output's metadata name them, so that the notebook's file
    says which conversations are its own, whatever it is called by then.
    """

    def __init__(self, bundle: Mapping[str, str], threads: Sequence[str] = ()) -> None:
        self.display_id = uuid.uuid4().hex
        self._bundle = dict(bundle)
        self._threads = list(threads)
        self._cell = contextvars.copy_context()

    @property
    def bundle(self) -> dict[str, str]:
        """What shows now."""
        return dict(self._bundle)

    @property
    def metadata(self) -> dict[str, Any]:
        """Those of the output."""
        return {_KEY: {"threads": self._threads}} if self._threads else {}

    def show(self) -> None:
        """Publish it as a new output of the current cell."""
        self._cell = contextvars.copy_context()
        self._publish(update=False)

    def update(self, bundle: Mapping[str, str], threads: Sequence[str] = ()) -> None:
        """Replace it, also in what the notebook file will hold, where it differs. Any thread may call this.

        A front end finds the output by its id, whatever cell the message belongs to; nbclient reads only messages of
        the cell that runs now. ipykernel falls back to that one where its ContextVar holds none, as in an empty
        context (7.0 raises LookupError instead: then the message belongs to the record's own cell).
        """
        if bundle == self._bundle and list(threads) == self._threads:
            return
        self._bundle, self._threads = dict(bundle), list(threads)
        try:
            contextvars.Context().run(self._publish, update=True)
        except LookupError:
            self._cell.copy().run(self._publish, update=True)  # a copy: no two threads may enter one context

    def _publish(self, *, update: bool) -> None:
        from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

        display(self._bundle, raw=True, metadata=self.metadata, display_id=self.display_id, update=update)


def threads_in(path: str | Path) -> set[str]:
    """Ids of the conversations whose record a notebook's file holds, as it was saved last; none where there is no
    file. It is not parsed as a whole: that would hold up the kernel's other threads where it is large."""
    try:
        if Path(path).stat().st_size > _MOST_BYTES:
            return set()
        content = Path(path).read_bytes()
    except OSError:
        return set()
    found: set[str] = set()
    for mark in _MARK.finditer(content):
        end = content.find(b"}", mark.end()) + 1  # a name with a brace in it is not found
        try:
            told: Any = json.loads(content[mark.end() : end])
            found.update(each for each in told["threads"] if isinstance(each, str))
        except (ValueError, KeyError, TypeError):
            continue  # another one's metadata
    return found


def renamed(place: str, threads: Collection[str]) -> str | None:
    """See Host.renamed. Two that hold such a record may be copies: which one it is cannot be said."""
    path = Path(place)
    if path.suffix != ".ipynb" or not is_gone(place):
        return None
    try:
        beside = sorted(path.parent.glob("*.ipynb"), key=lambda each: -each.stat().st_mtime)[:_MOST_BESIDE]
    except OSError:
        return None
    holding = [each for each in beside if not threads_in(each).isdisjoint(threads)]
    return str(holding[0]) if len(holding) == 1 else None


__all__ = ["RecordDisplay", "renamed", "threads_in"]
