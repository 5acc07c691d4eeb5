""" "Why is revenue falling in @df?", "why is it negative?": what changed, and in which part of the data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .frames import Column, Frame, literal, measures_in, times_in
from .running import in_function, run
from .tables import number, percent, plural, table
from .turn import Turn
from .words import has

FALLING = (
    "falling|fall|fell|dropping|drop|dropped|declining|decline|declined|decreasing|decreased|down|shrinking|lower|loss"
)
RISING = "rising|rise|rose|growing|grow|grew|increasing|increase|increased|up|climbing"
TREND = f"{FALLING}|{RISING}|trend|over time|changing|changed|change|develop(?:ed|ing|ment)?"
NEGATIVE = "negative|below zero|minus|under zero"


@dataclass(frozen=True)
class Share:
    """How much one value of one column contributed to a change."""

    column: str
    value: str
    before: float
    after: float

    @property
    def change(self) -> float:
        return self.after - self.before


def asks_for_trend(text: str) -> bool:
    return has(text, TREND)


def negative(turn: Turn, frame: Frame) -> str:
    """Which rows are below zero, and what they have in common. "" where no quantity is meant."""
    measures = measures_in(frame, turn.question) or [
        column for column in frame.columns if column.measure and isinstance(column.low, (int, float)) and column.low < 0
    ]
    if not measures:
        return ""
    column = measures[0]
    if isinstance(column.low, (int, float)) and column.low >= 0:
        return (
            f"`{column.name}` in `{frame.name}` is not negative: it goes from {number(column.low)} to "
            f"{number(column.high)}."
        )
    lines = [
        f"values = {frame.see(column)}",
        f"below = {frame.name}[values < 0]",
        'print(f"{len(below)} rows below zero, rows {list(below.index[:8])}")',
        'print(f"they add up to {values[values < 0].sum():.6g}, the others to {values[values >= 0].sum():.6g}")',
        f"for column in [{', '.join(literal(group.name) for group in frame.groups[:4])}]:",
        f"    share = (below[column].value_counts() / {frame.name}[column].value_counts()).dropna().sort_values()",
        "    for value, part in share[::-1].head(2).items():",
        '        print(f"{part:.4f} of {column} = {value}")',
    ]
    if not frame.groups:
        lines = lines[:4]
    output = run(turn, in_function("\n".join(lines)), f"I look at the rows where `{column.name}` is below zero.")
    head = re.search(r"^(\d+) rows below zero, rows \[(.*)\]$", output.stdout, re.MULTILINE)
    sums = re.search(r"^they add up to (\S+), the others to (\S+)$", output.stdout, re.MULTILINE)
    if not head or not sums:
        return ""
    count = int(head[1])
    if not count:
        return f"No row of `{frame.name}` has a `{column.name}` below zero."
    text = (
        f"**{plural(count, 'row')} of {number(frame.rows)}** ({percent(count, frame.rows)}) have a "
        f"`{column.name}` below zero "
    )
    text += f"(rows {head[2]}{' …' if count > 8 else ''}). They add up to {number(float(sums[1]))}, "
    text += f"all others to {number(float(sums[2]))}."
    shares = [
        (float(part), name, value)
        for part, name, value in re.findall(r"^([\d.]+) of (.+?) = (.+)$", output.stdout, re.MULTILINE)
    ]
    strong = sorted((share for share in shares if share[0] > 2 * count / max(frame.rows, 1)), reverse=True)[:3]
    if strong:
        text += "\n\nThey are not spread evenly:\n\n" + "\n".join(
            f"- `{name}` = **{value}**: {percent(part, 1)} of its rows are below zero" for part, name, value in strong
        )
        _, name, value = strong[0]
        text += (
            f"\n\nSo look at `{name}` = {value} first: returns and refunds are often signed this way, "
            "and a sign that was "
            f"turned twice looks the same. `{frame.name}[{frame.name}[{column.name!r}] < 0]` shows the rows."
        )
    return text


def trend(turn: Turn, frame: Frame) -> str:
    """What changed between the first and the last third of the time, and which groups did it; "" without a time."""
    measures = measures_in(frame, turn.question) or [c for c in frame.columns if c.measure][:1]
    times = times_in(frame, turn.question)
    if not times or not measures:
        return ""
    time, measure = times[0], measures[0]
    groups = [group for group in frame.groups if (group.unique or 99) <= 20][:4]
    output = run(
        turn,
        in_function(_code(frame, time, measure, groups)),
        f"I compare `{measure.name}` at the beginning and the end of `{time.name}`.",
    )
    found = re.search(r"^first (\S+) to (\S+): (\S+); last (\S+) to (\S+): (\S+)$", output.stdout, re.MULTILINE)
    if not found:
        return ""
    before, after = float(found[3]), float(found[6])
    shares = [
        Share(column, value, float(first), float(last))
        for column, value, first, last in re.findall(r"^by (.+?) = (.+): (\S+) -> (\S+)$", output.stdout, re.MULTILINE)
    ]
    periods = (f"{found[1]} … {found[2]}", f"{found[4]} … {found[5]}")
    return _tell(turn.text, measure, before, after, periods, shares)


def _code(frame: Frame, time: Column, measure: Column, groups: list[Column]) -> str:
    name = literal(measure.name)
    lines = [
        "import pandas as pd",
        "",
        f"dates = pd.to_datetime({frame.see(time)})",
        "third = (dates.max() - dates.min()) / 3",
        f"first = {frame.name}[dates <= dates.min() + third]",
        f"last = {frame.name}[dates >= dates.max() - third]",
        "edges = [dates.min(), dates.min() + third, dates.max() - third, dates.max()]",
        "a, b, c, d = [edge.date() for edge in edges]",
        f"before, after = first[{name}].sum(), last[{name}].sum()",
        'print(f"first {a} to {b}: {before:.6g}; last {c} to {d}: {after:.6g}")',
    ]
    if groups:
        lines += [
            f"for column in [{', '.join(literal(group.name) for group in groups)}]:",
            f"    was, now = first.groupby(column)[{name}].sum(), last.groupby(column)[{name}].sum()",
            "    for value in sorted(set(was.index) | set(now.index)):",
            '        print(f"by {column} = {value}: {was.get(value, 0):.6g} -> {now.get(value, 0):.6g}")',
        ]
    return "\n".join(lines)


def _tell(
    text: str, measure: Column, before: float, after: float, periods: tuple[str, str], shares: list[Share]
) -> str:
    change = after - before
    direction = "fell" if change < 0 else "rose"
    head = (
        f"`{measure.name}` **{direction} by {percent(abs(change), abs(before))}**"
        if before
        else f"`{measure.name}` {direction}"
    )
    answer = f"{head}: {number(before)} in {periods[0]}, {number(after)} in {periods[1]}.\n\n"
    if (change < 0 and has(text, RISING)) or (change > 0 and has(text, FALLING)):
        answer = "It is the other way round. " + answer
    driving = sorted((s for s in shares if s.change * change > 0), key=lambda s: -abs(s.change))
    if not driving or not change:
        return answer + "No text column splits the rows into groups that would explain it."
    top = driving[0]
    answer += f"Most of it is `{top.column}` = **{top.value}**: {number(top.before)} → {number(top.after)}, "
    answer += f"{percent(abs(top.change), abs(change))} of the whole change.\n\n"
    answer += table(
        ["column", "value", "first third", "last third", "change"],
        [[s.column, s.value, s.before, s.after, f"{s.change:+,.0f}"] for s in driving[:6]],
    )
    return answer + "\n\nThat says where it changed. Why it did there is not in these columns; look at those rows next."


__all__ = ["FALLING", "NEGATIVE", "asks_for_trend", "negative", "trend"]
