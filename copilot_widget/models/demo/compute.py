"""Figures of a DataFrame: pandas code for the question, and the answer from what it gave."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .frames import Column, Frame, find_columns, groups_in, literal, measures_in
from .running import in_function, run
from .tables import Output, number, percent, plural, table
from .turn import Turn
from .words import has, numbers, stem, stems, superlative, words_of

AGGREGATES: dict[str, str] = {
    "mean": "mean|average|avg|averages|typical|means|how (?:heavy|long|tall|high|old|deep|wide|fast|hot|expensive)",
    "median": "median|medians",
    "sum": "sum|total|totals|altogether|overall",
    "std": "std|standard deviation|spread|variation|variance",
    "min": "min|minimum|smallest value|lowest value",
    "max": "max|maximum|largest value|highest value",
}
_ADDITIVE = words_of(
    """
    revenue sale turnover amount quantity qty unit profit income cost expense count order visit
    """
)


_NOUNS = {"sum": "total", "std": "standard deviation"}
_GENERIC = frozenset(
    ["", "most", "best", "top", "greatest", "least", "worst", "bottom", "fewest", *AGGREGATES, "maximum", "minimum"]
)


@dataclass(frozen=True)
class Plan:
    """Code, a sentence before it, and the answer from its output ("" where the output is not as expected)."""

    code: str
    say: str
    answer: Callable[[Output], str]


def compute(turn: Turn, frame: Frame) -> str:
    """The answer to a question for figures, "" where it asks for none that the rules know."""
    for make in (_correlation, _duplicates, _outliers, _extreme_rows, _grouped, _counted, _distinct, _single):
        plan = make(turn.question, frame)
        if plan is not None:
            output = run(turn, in_function(plan.code), plan.say)
            return plan.answer(output) or _quoted(output)
    return ""


def aggregate_in(text: str, default: str = "") -> str:
    return next((name for name, pattern in AGGREGATES.items() if has(text, pattern)), default)


def _quoted(output: Output) -> str:
    shown = output.stdout.strip() or str(output.result if output.result is not None else "").strip()
    return f"The result:\n\n```text\n{shown[:3000]}\n```" if shown else "It ran and gave nothing back."


def _with_unit(value: Any, column: Column) -> str:
    return number(value) + (f" {column.unit}" if column.unit else "")


# ---- groups ----------------------------------------------------------------------------------------------


def _grouped(text: str, frame: Frame) -> Plan | None:
    """ "Which species is heaviest", "mean revenue by region", "compare body mass between sexes"."""
    groups = groups_in(frame, text)[:2]
    measures = [column for column in measures_in(frame, text) if column not in groups][:1]
    if not groups or not measures:
        return None
    measure, found = measures[0], superlative(text)
    how = aggregate_in(text) or ("sum" if _ADDITIVE & set(stems(measure.name)) else "mean")
    ascending = bool(found and found[1].direction < 0)
    keys = literal(groups[0].name) if len(groups) == 1 else f"[{', '.join(literal(g.name) for g in groups)}]"
    source = (
        f"{frame.name}.groupby({keys}, observed=True)[{literal(measure.name)}]"
        f'.agg(["{how}", "count"]).round(3).sort_values("{how}", ascending={ascending})'
    )
    if len(groups) == 2:
        source += ".reset_index()"
    names = " and ".join(group.label for group in groups)
    verb = {"mean": "average", "sum": "add up"}.get(how, f"take the {how} of")
    say = f"I {verb} `{measure.name}` for each {names}."
    word = found[0] if found else ""
    return Plan(source, say, lambda output: _tell_groups(output, frame, groups, measure, how, word))


def _tell_groups(output: Output, frame: Frame, groups: list[Column], measure: Column, how: str, word: str) -> str:
    rows = [row for row in output.rows() if isinstance(row.get(how), (int, float)) and row[how] == row[how]]
    if not rows:
        return ""
    labels = [_label(row, groups) for row in rows]
    figure, values = _with_unit(rows[0][how], measure), plural(int(rows[0].get("count", 0)), "value")
    if len(rows) == 1:
        text = f"There is one group only, **{labels[0]}**, with a {how} of {figure}."
    else:
        if word in _GENERIC:
            end = "lowest" if rows[0][how] < rows[-1][how] else "highest"
            text = f"**{labels[0]}** has the {end} {_NOUNS.get(how, how)} `{measure.name}`: {figure} ({values})"
        else:
            words = {"mean": "on average", "sum": "in all", "median": "in the median"}.get(how, f"({how})")
            text = f"**{labels[0]}** is {word}: {figure} {words} (`{measure.name}`, {values})"
        text += _compared(rows[0][how], rows[1][how], labels[1], measure) + "."
    text += "\n\n" + table(
        [*[group.name for group in groups], f"{_NOUNS.get(how, how)} {measure.name}", "values"],
        [[*label.split(" · "), row[how], row.get("count")] for label, row in zip(labels[:15], rows, strict=False)],
    )
    if len(rows) > 15:
        text += f"\n\n… and {len(rows) - 15} more groups."
    out = frame.rows - sum(int(row.get("count", 0)) for row in rows)
    if out > 0:
        lacking = [column.name for column in (*groups, measure) if column.nulls]
        what = " or ".join(f"a `{name}`" for name in lacking) or "a value"
        text += f"\n\n{plural(out, 'row')} without {what} {'is' if out == 1 else 'are'} left out."
    few = [
        label for label, row in zip(labels, rows, strict=True) if isinstance(row.get("count"), int) and row["count"] < 5
    ]
    if few and how in ("mean", "median"):
        text += f" Few values behind {', '.join(few[:3])}: read {'it' if len(few) == 1 else 'them'} with care."
    return text


def _label(row: dict[str, Any], groups: list[Column]) -> str:
    names = [group.name for group in groups]
    if len(names) > 1 and all(name in row for name in names):
        return " · ".join(str(row[name]) for name in names)
    return str(row.get(names[0], next(iter(row.values()))))


def _compared(first: float, second: float, label: str, measure: Column) -> str:
    if not second or (first < 0) != (second < 0):
        return f", ahead of {label} ({_with_unit(second, measure)})"
    share = abs(first - second) / abs(second)
    if share < 0.005:
        return f", practically the same as {label} ({_with_unit(second, measure)})"
    return f", {percent(share, 1)} {'more' if first > second else 'less'} than {label} ({_with_unit(second, measure)})"


def _counted(text: str, frame: Frame) -> Plan | None:
    """ "How many penguins per island", "most common species"."""
    groups = groups_in(frame, text)[:1]
    if not groups or not has(
        text, "how many|count|counts|number of|most common|most frequent|often|frequency|share|distribution"
    ):
        return None
    group = groups[0]
    return Plan(
        f"{frame.see(group)}.value_counts(dropna=False)",
        f"I count the rows for each {group.label}.",
        lambda output: _tell_counts(output, frame, group),
    )


def _tell_counts(output: Output, frame: Frame, group: Column) -> str:
    rows = output.rows()
    pairs = [(str(next(iter(row.values()))), list(row.values())[-1]) for row in rows]
    if not pairs or not all(isinstance(count, int) for _, count in pairs):
        return ""
    text = (
        f"**{pairs[0][0]}** is the most frequent `{group.name}`: {number(pairs[0][1])} of "
        f"{number(frame.rows)} rows.\n\n"
    )
    text += table([group.name, "rows", "share"], [[name, n, percent(n, frame.rows)] for name, n in pairs[:20]])
    return text + (f"\n\n… and {len(pairs) - 20} more values." if len(pairs) > 20 else "")


def _distinct(text: str, frame: Frame) -> Plan | None:
    """ "Which islands are there?", "unique values of species"."""
    matches = find_columns(frame, text)
    if not matches or not has(text, "unique|distinct|different|values|which|kinds?|what"):
        return None
    column = matches[0].column
    if not column.category:
        return None
    return Plan(
        f"{frame.see(column)}.value_counts(dropna=False)",
        f"I count the values of `{column.name}`.",
        lambda output: _tell_counts(output, frame, column),
    )


# ---- single figures ----------------------------------------------------------------------------------------


def _single(text: str, frame: Frame) -> Plan | None:
    """ "What is the mean body mass?"."""
    how = aggregate_in(text)
    measures = measures_in(frame, text)
    if not measures or not how:
        return None
    column = measures[0]
    return Plan(
        f"{frame.see(column)}.agg(['{how}', 'min', 'median', 'max', 'count'])",
        f"I compute the {how} of `{column.name}`.",
        lambda output: _tell_single(output, frame, column, how),
    )


def _tell_single(output: Output, frame: Frame, column: Column, how: str) -> str:
    values = {str(next(iter(row.values()))): list(row.values())[-1] for row in output.rows()}
    if how not in values:
        return ""
    text = f"The {how} of `{column.name}` is **{_with_unit(values[how], column)}**"
    count = int(values.get("count", frame.rows))
    text += f", over {plural(count, 'value')} from {_with_unit(values.get('min'), column)} to "
    text += f"{_with_unit(values.get('max'), column)} (median {_with_unit(values.get('median'), column)})."
    if count < frame.rows:
        text += f" {plural(frame.rows - count, 'row')} without a value left out."
    return text


def _correlation(text: str, frame: Frame) -> Plan | None:
    """ "Is body mass related to flipper length?"."""
    if not has(text, r"correlat\w*|relation|relationship|related|relate|depends?|linear"):
        return None
    named = [column for column in measures_in(frame, text) if column.measure]
    columns = named if len(named) > 1 else [column for column in frame.columns if column.measure][:12]
    if len(columns) < 2:
        return None
    names = ", ".join(literal(column.name) for column in columns)
    source = (
        f"pairs = {frame.name}[[{names}]].corr()\n"
        "for i, first in enumerate(pairs):\n"
        "    for second in pairs.columns[i + 1:]:\n"
        '        print(f"{pairs.loc[first, second]:+.3f} {first} ~ {second}")'
    )
    return Plan(source, "I compute how strongly the columns go together (Pearson's r).", _tell_correlation)


def _tell_correlation(output: Output) -> str:
    found = [(float(r), a, b) for r, a, b in re.findall(r"^([+-][\d.]+) (.+) ~ (.+)$", output.stdout, re.MULTILINE)]
    if not found:
        return ""
    found.sort(key=lambda item: -abs(item[0]))
    r, a, b = found[0]
    strength = "hardly" if abs(r) < 0.2 else "weakly" if abs(r) < 0.4 else "moderately" if abs(r) < 0.7 else "strongly"
    direction = "rise together" if r > 0 else "go in opposite directions"
    text = f"`{a}` and `{b}` are **{strength} correlated** (r = {r:+.2f})"
    text += f": they {direction}, and r² = {r * r:.2f} of the variation is shared." if abs(r) >= 0.2 else "."
    if len(found) > 1:
        text += "\n\n" + table(["pair", "r"], [[f"`{x}` ~ `{y}`", f"{value:+.2f}"] for value, x, y in found[:12]])
    return (
        text
        + "\n\nA correlation is no cause, and groups in the data can make or hide one: plot them with their groups."
    )


# ---- rows ------------------------------------------------------------------------------------------------


def _extreme_rows(text: str, frame: Frame) -> Plan | None:
    """ "The 5 heaviest penguins", "top 10 by price"."""
    found = superlative(text)
    measures = measures_in(frame, text)
    single = found is not None and found[0] in ("max", "maximum", "min", "minimum") and not numbers(text)
    if found is None or single or not measures or groups_in(frame, text):
        return None
    counts = [int(value) for value in numbers(text) if value.isdigit() and 0 < int(value) <= 50]
    count, column = (counts or [5])[0], measures[0]
    method = "nsmallest" if found[1].direction < 0 else "nlargest"
    others = [c for c in frame.columns if c is not column and (c.category or not c.numeric)][:4]
    names = ", ".join(literal(c.name) for c in [*others, column])
    source = f"{frame.name}.{method}({count}, {literal(column.name)})[[{names}]]"
    named = any(match.column is column for match in find_columns(frame, text)) or not found[1].hints
    end = "smallest" if found[1].direction < 0 else "largest"
    title = f"The {end} `{column.name}` in `{frame.name}` is" if named else f"The {found[0]} in `{frame.name}` has"
    return Plan(source, f"I sort by `{column.name}`.", lambda output: _tell_rows(output, column, others, title))


def _tell_rows(output: Output, column: Column, others: list[Column], title: str) -> str:
    rows = output.rows()
    if not rows or column.name not in rows[0]:
        return ""
    names = [other.name for other in others]
    best = rows[0]
    which = ", ".join(str(best.get(name)) for name in names[:3])
    row = next((str(value) for key, value in best.items() if key in ("", "index")), "")
    text = f"{title} **{_with_unit(best[column.name], column)}**" + (f": {which}" if which else "")
    text += f", row {row}.\n\n" if row else ".\n\n"
    shown = [[*(_as_label(row.get(other.name), other) for other in others), row.get(column.name)] for row in rows]
    return text + table([*names, column.name], shown)


def _as_label(value: Any, column: Column) -> Any:
    """Years and ids without thousands separators."""
    return value if column.measure or isinstance(value, float) else str(value)


def _duplicates(text: str, frame: Frame) -> Plan | None:
    if not has(text, r"duplicat\w*|twice|repeated rows"):
        return None
    return Plan(
        f"int({frame.name}.duplicated().sum())",
        "I count rows that are the same as an earlier one.",
        lambda output: _tell_duplicates(output, frame),
    )


def _tell_duplicates(output: Output, frame: Frame) -> str:
    count = output.value()
    if not isinstance(count, int):
        return ""
    if count == 0:
        return f"No row of `{frame.name}` is the same as another in all columns."
    return (
        f"**{plural(count, 'row')}** of {number(frame.rows)} {'is' if count == 1 else 'are'} the same "
        "as an earlier one in "
        f"all columns. `{frame.name}.drop_duplicates()` leaves them out; first make sure that they "
        "are no true repetitions."
    )


def _outliers(text: str, frame: Frame) -> Plan | None:
    if not has(text, r"outliers?|anomal\w*|unusual|extreme values|implausible"):
        return None
    columns = measures_in(frame, text) or [column for column in frame.columns if column.measure][:12]
    if not columns:
        return None
    names = ", ".join(literal(column.name) for column in columns)
    source = (
        f"for name in [{names}]:\n"
        f"    low, high = {frame.name}[name].quantile([0.25, 0.75])\n"
        "    reach = 1.5 * (high - low)\n"
        f"    beyond = {frame.name}[({frame.name}[name] < low - reach) | ({frame.name}[name] > high + reach)]\n"
        '    print(f"{name}: {len(beyond)} outside {low - reach:.6g} to {high + reach:.6g}, '
        'rows {list(beyond.index[:8])}")'
    )
    return Plan(
        source, "I look for values far outside the middle half (1.5 × the quartiles' distance).", _tell_outliers
    )


def _tell_outliers(output: Output) -> str:
    found = re.findall(r"^(.+): (\d+) outside (\S+) to (\S+), rows (\[.*\])$", output.stdout, re.MULTILINE)
    if not found:
        return ""
    some = [entry for entry in found if entry[1] != "0"]
    rows = [[f"`{name}`", int(n), f"{low} … {high}", where.strip("[]")] for name, n, low, high, where in found]
    head = (
        "No column has values"
        if not some
        else f"{plural(len(some), 'column')} of {len(found)} {'has' if len(some) == 1 else 'have'} values"
    )
    text = f"**{head} far outside the middle half.**\n\n" + table(["column", "outside", "expected range", "rows"], rows)
    return (
        text
        + "\n\nFar out is not wrong: compare with what is possible, and look within groups before leaving rows out."
    )


def counts_rows(text: str) -> bool:
    """ "How many rows", "how big is it": answered without code."""
    return has(
        text,
        (
            "how many (?:rows|columns|records|observations|entries)|number of (?:rows|columns)|how "
            "(?:big|large|long)|shape|size"
        ),
    )


def asks_for_figures(text: str, frame: Frame) -> bool:
    """True where one of the plans would answer; for choosing among rules without running anything."""
    makers = (_correlation, _duplicates, _outliers, _extreme_rows, _grouped, _counted, _single)
    return any(make(text, frame) is not None for make in makers)


__all__ = ["aggregate_in", "asks_for_figures", "compute", "counts_rows", "stem"]
