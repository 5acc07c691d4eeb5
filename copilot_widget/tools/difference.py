"""A change of a text as a unified diff, in bounded time and of bounded size."""

from __future__ import annotations

from collections.abc import Iterator

_MOST_PAIRS = 1_000_000
"""Lines times lines that are compared closely; a larger change is shown as all the old lines, then all the new ones."""
_NO_NEWLINE = "\\ No newline at end of file"

_Operation = tuple[str, int, int, int, int]


def unified(old: str | None, new: str, path: str, *, context: int = 3) -> str:
    """The change from `old` (None: there is no file yet) to `new`; "" where there is none."""
    before, after = _lines(old or ""), _lines(new)
    lines: list[str] = []
    for group in _groups(before, after, context):
        lines.append(f"@@ -{_range(group[0][1], group[-1][2])} +{_range(group[0][3], group[-1][4])} @@")
        for kind, start, end, new_start, new_end in group:
            if kind == "equal":
                lines += [f" {line}" for line in before[start:end]]
                continue
            lines += [f"-{line}" for line in before[start:end]]
            lines += [f"+{line}" for line in after[new_start:new_end]]
    if not lines and old is not None:
        return ""
    names = ["/dev/null" if old is None else f"a/{path}", f"b/{path}"]
    return "\n".join([f"--- {names[0]}", f"+++ {names[1]}", *lines])


def count(old: str, new: str) -> tuple[int, int]:
    """How many lines are added, and how many are taken away."""
    added = removed = 0
    for kind, start, end, new_start, new_end in _operations(_lines(old), _lines(new)):
        if kind != "equal":
            added, removed = added + new_end - new_start, removed + end - start
    return added, removed


def counted(old: str, new: str) -> str:
    """The same in words."""
    added, removed = count(old, new)
    return f"{added} {'line' if added == 1 else 'lines'} added, {removed} taken away"


def _lines(text: str) -> list[str]:
    """Lines by \\n alone; a last one without it says so, as it differs from one that has it."""
    if not text:
        return []
    lines = text.split("\n")
    if lines[-1] == "":
        return lines[:-1]
    return [*lines[:-1], f"{lines[-1]}\n{_NO_NEWLINE}"]


def _operations(before: list[str], after: list[str]) -> list[_Operation]:
    """What makes `after` of `before`. Equal lines at both ends are set aside first, since comparing is quadratic."""
    from difflib import SequenceMatcher

    shorter = min(len(before), len(after))
    head = next((n for n in range(shorter) if before[n] != after[n]), shorter)
    room = shorter - head
    tail = next((n for n in range(room) if before[-1 - n] != after[-1 - n]), room)
    end, new_end = len(before) - tail, len(after) - tail
    operations: list[_Operation] = [("equal", 0, head, 0, head)] if head else []
    if (end - head) * (new_end - head) > _MOST_PAIRS:
        operations.append(("replace", head, end, head, new_end))
    else:
        matcher = SequenceMatcher(None, before[head:end], after[head:new_end])
        operations += [(k, a + head, b + head, c + head, d + head) for k, a, b, c, d in matcher.get_opcodes()]
    if tail:
        operations.append(("equal", end, len(before), new_end, len(after)))
    return operations


def _groups(before: list[str], after: list[str], context: int) -> Iterator[list[_Operation]]:
    """Operations in groups, each with `context` equal lines around it."""
    group: list[_Operation] = []
    operations = _operations(before, after)
    for place, (kind, start, end, new_start, new_end) in enumerate(operations):
        if kind != "equal":
            group.append((kind, start, end, new_start, new_end))
            continue
        last = place == len(operations) - 1
        if group and not last and end - start <= 2 * context:
            group.append((kind, start, end, new_start, new_end))
            continue
        if group:
            kept = min(context, end - start)
            yield [*group, ("equal", start, start + kept, new_start, new_start + kept)]
        kept = min(context, end - start)
        group = [] if last else [("equal", end - kept, end, new_end - kept, new_end)]
    if any(kind != "equal" for kind, *_ in group):
        yield group


def _range(start: int, end: int) -> str:
    length = end - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


__all__ = ["count", "unified"]
