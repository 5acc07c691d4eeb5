"""What each cell shows: a front end drops it when the cell runs again, and tells no widget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..record.wire import mapping


class Shown:
    """What follows a conversation for a view, by the cell that holds the view."""

    def __init__(self) -> None:
        self._by_cell: dict[str, tuple[str, list[Callable[[], None]]]] = {}

    def add(self, parent: Mapping[str, Any], close: Callable[[], None]) -> None:
        """`parent` is the request that the cell runs by; `close` is called when it shows something by another one.

        A front end that names no cells (jupyter_client's own requests do not) keeps all it was shown.
        """
        header, metadata = mapping(parent.get("header")), mapping(parent.get("metadata"))
        cell, request = metadata.get("cellId"), str(header.get("msg_id"))
        if not isinstance(cell, str):
            return
        before, closers = self._by_cell.get(cell, (request, []))
        if before != request:
            for each in closers:
                each()
            closers = []
        self._by_cell[cell] = (request, [*closers, close])


__all__ = ["Shown"]
