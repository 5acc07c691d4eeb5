"""A text some of whose characters nobody typed: they are what `{expressions}` gave.

What a value holds is data, be it a row of somebody's table. It is read by the model, and it begins no command, mentions
nothing and sets no option. Whoever looks for those asks what was typed.
"""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]


class Expanded(str):
    """`values` are the places of the values, as (start, end), in their order."""

    __slots__ = ("values",)
    values: tuple[Span, ...]

    def __new__(cls, text: str, values: Iterable[Span] = ()) -> Expanded:
        new = super().__new__(cls, text)
        new.values = tuple(values)
        return new

    def is_typed(self, start: int, end: int) -> bool:
        """Whether all of that part was typed."""
        return all(end <= first or last <= start for first, last in self.values)

    def part(self, start: int, end: int | None = None) -> Expanded:
        """The text from `start` to `end`, without blanks around it."""
        whole = self[start:end]
        start += len(whole) - len(whole.lstrip())
        end = start + len(whole.strip())
        inside = [(max(first, start) - start, min(last, end) - start) for first, last in self.values]
        return Expanded(self[start:end], [(first, last) for first, last in inside if first < last])

    def after(self, before: str) -> Expanded:
        """This text behind one that was typed."""
        moved = [(first + len(before), last + len(before)) for first, last in self.values]
        return Expanded(before + self, moved)

    def masked(self, sign: str) -> str:
        """The text, as long as it is, with `sign` for each character of a value."""
        result, end = list[str](), 0
        for first, last in self.values:
            result += (self[end:first], sign * (last - first))
            end = last
        return "".join([*result, self[end:]])


def expanded(text: str) -> Expanded:
    """Any text; all of a plain one was typed."""
    return text if isinstance(text, Expanded) else Expanded(text)


__all__ = ["Expanded", "expanded"]
