"""Changes of cells that were made for a run, so that each can be undone, and made again, as long as it is as it was."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import UsageError
from ..models.base import Json

_REMEMBERED = 500


@dataclass
class Change:
    """One change. `before` is None for a cell that was inserted, beside the cell `beside`."""

    run: str
    call_id: str
    cell: str
    before: str | None
    after: str
    beside: str = ""
    place: str = "below"
    type: str = "code"
    state: Literal["done", "undone"] = "done"

    def turn(self) -> dict[str, Json]:
        """The operation that undoes it, or where it is undone makes it again. The page refuses where the cell is not
        as we left it."""
        if self.before is not None:
            sources = (self.after, self.before) if self.state == "done" else (self.before, self.after)
            return {"op": "edit", "cell": self.cell, "expected": sources[0], "source": sources[1]}
        if self.state == "done":
            return {"op": "remove", "cell": self.cell, "expected": self.after}
        return {"op": "insert", "cell": self.beside, "place": self.place, "cellType": self.type, "source": self.after}

    def turned(self, result: Any) -> None:
        """The page has done it."""
        self.state = "undone" if self.state == "done" else "done"
        if self.before is None and self.state == "done":
            self.cell = str(result["id"])


class Changes:
    """Those of this kernel, the latest few hundred."""

    def __init__(self) -> None:
        self._changes: OrderedDict[tuple[str, str], Change] = OrderedDict()

    def add(self, change: Change) -> None:
        self._changes[change.run, change.call_id] = change
        while len(self._changes) > _REMEMBERED:
            self._changes.popitem(last=False)

    def get(self, run: str, call_id: str) -> Change:
        """Raises UsageError where it is not known, or no longer."""
        change = self._changes.get((run, call_id))
        if change is None:
            raise UsageError(
                "This change is not known here any more.",
                hint="The notebook's own undo (Ctrl+Z in the cell) may still have it.",
                code="unknown-change",
            )
        return change

    def states(self, run: str) -> dict[str, str]:
        """ "done" or "undone" for each call of a run that has changed a cell."""
        return {change.call_id: change.state for change in list(self._changes.values()) if change.run == run}


__all__ = ["Change", "Changes"]
