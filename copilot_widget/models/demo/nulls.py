"""Nulls: where they are, which columns lack values together, and what usually makes such a pattern."""

from __future__ import annotations

import re
from typing import NamedTuple

from .frames import Frame, find_columns
from .running import NoResult, in_function, run
from .tables import number, percent, plural, table
from .turn import Turn


class Pattern(NamedTuple):
    """`rows` rows lack values in exactly `columns`."""

    rows: int
    columns: tuple[str, ...]


def nulls(turn: Turn, frame: Frame) -> str:
    named = [match.column for match in find_columns(frame, turn.question)]
    lacking = [column for column in frame.columns if column.nulls]
    if named and not any(column.nulls for column in named):
        names = ", ".join(f"`{column.name}`" for column in named)
        where = f" Other columns have some: {_names([c.name for c in lacking])}." if lacking else ""
        return f"There are no nulls in {names}.{where}"
    if not lacking:
        return f"There are no nulls in `{frame.name}`: all {plural(frame.rows, 'row')} are complete."
    rows = [
        [f"`{column.name}`", column.nulls, percent(column.nulls, frame.rows)]
        for column in sorted(lacking, key=lambda column: -column.nulls)
    ]
    counts = table(["column", "nulls", "share"], rows)
    whole = [column.name for column in lacking if column.nulls == frame.rows]
    try:
        output = run(turn, in_function(_code(frame)), "I count which columns lack values in the same rows.")
    except NoResult as instead:
        return f"Nulls in `{frame.name}` ({plural(frame.rows, 'row')}):\n\n{counts}\n\n{instead.text}"
    patterns = _patterns(output.stdout)
    places = dict(re.findall(r"^rows lacking (.+?): (\[.*\])$", output.stdout, re.MULTILINE))
    groups = re.findall(r"^share by (\w+): (.+)$", output.stdout, re.MULTILINE)
    return _explain(frame, patterns, places, groups, whole, counts)


def _code(frame: Frame) -> str:
    name = frame.name
    lines = [
        f"lacking = {name}[{name}.isna().any(axis=1)]",
        'together = lacking.isna().apply(lambda row: ", ".join(row.index[row]), axis=1)',
        "for columns, rows in together.value_counts().items():",
        '    print(f"{rows} rows lack {columns}")',
        '    print(f"rows lacking {columns}: {list(together.index[together == columns][:8])}")',
    ]
    full = [column for column in frame.groups if not column.nulls and (column.unique or 99) <= 12]
    for column in full[:2]:
        lines.append(
            f'print("share by {column.name}:", {frame.name}.isna().any(axis=1)'
            f".groupby({frame.see(column)}).mean().round(4).to_dict())"
        )
    return "\n".join(lines)


def _patterns(text: str) -> list[Pattern]:
    found = re.findall(r"^(\d+) rows lack (.+)$", text, re.MULTILINE)
    return [Pattern(int(rows), tuple(columns.split(", "))) for rows, columns in found]


def _explain(
    frame: Frame,
    patterns: list[Pattern],
    places: dict[str, str],
    groups: list[tuple[str, str]],
    whole: list[str],
    counts: str,
) -> str:
    total = sum(pattern.rows for pattern in patterns)
    kinds = plural(len(patterns), "way")
    text = (
        f"**{plural(total, 'row')} of {number(frame.rows)}** ({percent(total, frame.rows)}) lack a value, "
        f"in {kinds}:\n\n"
    )
    for pattern in patterns[:6]:
        where = places.get(", ".join(pattern.columns), "")
        rows = f" (rows {where.strip('[]')}{' …' if pattern.rows > 8 else ''})" if where else ""
        text += (
            f"- {plural(pattern.rows, 'row')} lack{'s' if pattern.rows == 1 else ''} {_names(pattern.columns)}{rows}\n"
        )
    text += f"\n{counts}\n\n**Why?** " + " ".join(_reasons(frame, patterns, whole))
    uneven = _uneven(groups)
    if uneven:
        text += f" {uneven}"
    worst = max((c for c in frame.columns if c.nulls and c.nulls < frame.rows), key=lambda c: c.nulls, default=None)
    text += " What the data cannot tell is who left the values out; that is known where it was recorded."
    if worst is not None:
        text += (
            f"\n\npandas leaves nulls out of `mean`, `sum` and `groupby`. "
            f"To leave the rows out as well: `{frame.name}.dropna(subset=[{worst.name!r}])`."
        )
    return text


def _reasons(frame: Frame, patterns: list[Pattern], whole: list[str]) -> list[str]:
    reasons: list[str] = []
    if whole:
        reasons.append(f"{_names(whole)} is empty in every row, so it was never filled, or it was misspelt when read.")
    joint = [p for p in patterns if len(p.columns) >= 3]
    if joint:
        columns = {name for p in joint for name in p.columns}
        measures = sum(1 for name in columns if (column := frame.column(name)) and column.measure)
        what = "these were not measured at all" if measures >= 2 else "these belong to one record that is missing"
        rows = sum(p.rows for p in joint)
        reasons.append(
            f"Where several columns are null in the same {'row' if rows == 1 else 'rows'}, {what}, "
            "or a merge found no partner for them."
        )
    single = [p for p in patterns if len(p.columns) == 1]
    if single:
        names = _names([p.columns[0] for p in single])
        text = [p.columns[0] for p in single if (column := frame.column(p.columns[0])) and not column.numeric]
        cause = (
            "it was not determined or not entered" if text else "it was not recorded, or could not be read as a number"
        )
        reasons.append(f"{names} alone is null where the rest of the row is there, which looks as if {cause}.")
    return reasons or ["The nulls are spread over the columns without a pattern."]


def _uneven(groups: list[tuple[str, str]]) -> str:
    """Says where one group has clearly more nulls than the others."""
    for column, text in groups:
        shares = {key: float(value) for key, value in re.findall(r"'?([^',{}]+?)'?: ([\d.]+)", text)}
        if len(shares) < 2:
            continue
        name, most = max(shares.items(), key=lambda pair: pair[1])
        others = [share for key, share in shares.items() if key != name]
        if most > 0.02 and most > 2.5 * max(sum(others) / len(others), 0.001):
            return f"They are most frequent where `{column}` is {name.strip()} ({percent(most, 1)} of its rows)."
    return ""


def _names(names: list[str] | tuple[str, ...]) -> str:
    shown = [f"`{name}`" for name in names[:6]]
    more = len(names) - len(shown)
    if more > 0:
        return ", ".join(shown) + f" and {more} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


__all__ = ["nulls"]
