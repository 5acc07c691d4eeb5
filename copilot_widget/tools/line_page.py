"""A page of a text's lines for a model: as many as fit, and how to go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import ToolError


@dataclass(frozen=True)
class LinePage:
    """Lines `first` to `last` of `total`, counted from 1, as they are shown."""

    shown: list[str]
    first: int
    total: int

    @property
    def last(self) -> int:
        return self.first + len(self.shown) - 1

    @property
    def is_whole(self) -> bool:
        return self.first == 1 and self.last == self.total

    def text(self, note: str = "") -> str:
        """The lines; where they are not all, also which they are, with `note`, and how to go on."""
        if self.is_whole:
            return "\n".join(self.shown)
        more = f"; go on with offset={self.last + 1}" if self.last < self.total else ""
        return "\n".join([*self.shown, f"(lines {self.first:,} to {self.last:,} of {self.total:,}{note}{more})"])


def page_of(
    what: str, lines: Sequence[str], offset: int, show: Callable[[int, str], str], *, size: int, most: int | None = None
) -> LinePage:
    """The lines from `offset` on, each as `show(number, line)` has it: `most` at most, and of `size` characters
    together, but always one. Raises ToolError where `what` has none there."""
    first = max(offset, 1)
    if first > len(lines):
        raise ToolError(f"{what} has {len(lines):,} lines, and none from {first:,} on.", hint="Use a smaller offset.")
    end = len(lines) if most is None else min(first - 1 + most, len(lines))
    shown: list[str] = []
    left = size
    for number in range(first, end + 1):
        line = show(number, lines[number - 1])
        left -= len(line) + 1
        if left < 0 and shown:
            break
        shown.append(line)
    return LinePage(shown, first, len(lines))


__all__ = ["LinePage", "page_of"]
