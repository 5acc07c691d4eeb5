"""Plots: which kind suits the columns, matplotlib code for it, and what can be read from it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .frames import Column, Frame, find_columns, groups_in, literal, measures_in
from .running import in_function, run
from .tables import Output, number, plural
from .turn import Turn
from .words import has


@dataclass(frozen=True)
class Plot:
    """Code that draws and then prints the figures that the answer cites."""

    code: str
    say: str
    legend: str


def plot(turn: Turn, frame: Frame) -> str:
    chosen = choose(turn.question, frame)
    if chosen is None:
        return _what_can_be_plotted(frame)
    output = run(turn, in_function(chosen.code), chosen.say)
    return _tell(output, chosen)


def choose(text: str, frame: Frame) -> Plot | None:
    """The plot for a question, None where it names nothing that can be drawn and nothing offers itself."""
    groups = groups_in(frame, text)
    measures = [column for column in measures_in(frame, text) if column not in groups]
    times = [match.column for match in find_columns(frame, text) if match.column.temporal]
    over_time = bool(times) or has(
        text, "over time|trend|time series|timeline|history|per (?:day|week|month|year)|monthly|daily"
    )
    times = times or [column for column in frame.columns if column.temporal]
    if not measures and not groups:
        measures = [column for column in frame.columns if column.measure and column.unique != 1][:2]
        groups = [] if times and over_time else frame.groups[:1] if len(measures) == 2 else []
    if over_time and times and measures:
        return _line(frame, times[0], measures[0], groups[0] if groups else None)
    if len(measures) >= 2 and not has(text, "histogram|distribution|box"):
        y, x = measures[:2] if has(text, "against|vs|versus|over|by|on") else measures[1::-1]  # "y against x"
        return _scatter(frame, x, y, groups[0] if groups else None)
    if measures and groups:
        return _boxes(frame, measures[0], groups[0])
    if measures:
        return _histogram(frame, measures[0])
    return _bars(frame, groups[0]) if groups else None


def _axis(column: Column) -> str:
    return f"{column.label} ({column.unit})" if column.unit else column.label


def _labels(x: str, y: str, title: str) -> str:
    return f"ax.set(xlabel={literal(x)}, ylabel={literal(y)}, title={literal(title)})"


def _start(*lines: str) -> str:
    return "\n".join(["import matplotlib.pyplot as plt", "", *lines])


def _boxes(frame: Frame, measure: Column, group: Column) -> Plot:
    name, group_name = literal(measure.name), literal(group.name)
    return Plot(
        _start(
            f"groups = {frame.name}.dropna(subset=[{name}]).groupby({group_name}, observed=True)[{name}]",
            "groups = dict(sorted(groups, key=lambda item: item[1].median()))",
            "",
            "fig, ax = plt.subplots(figsize=(6.4, 4))",
            "ax.boxplot(list(groups.values()))",
            "ax.set_xticks(range(1, len(groups) + 1), [str(name) for name in groups])",
            _labels(group.label, _axis(measure), f"{measure.label} by {group.label}"),
            'ax.grid(axis="y", alpha=0.3)',
            "plt.show()",
            "",
            "for name, values in groups.items():",
            '    print(f"{name}: median {values.median():.6g}, middle half {values.quantile(0.25):.6g} to '
            '{values.quantile(0.75):.6g}, n={len(values)}")',
        ),
        f"I draw a box plot of `{measure.name}` for each {group.label}.",
        f"Each box is the middle half of the {measure.label}, the line in it the median{_in(measure)}.",
    )


def _histogram(frame: Frame, measure: Column) -> Plot:
    return Plot(
        _start(
            f"values = {frame.see(measure)}.dropna()",
            "",
            "fig, ax = plt.subplots(figsize=(6.4, 4))",
            'ax.hist(values, bins="auto", edgecolor="white")',
            _labels(_axis(measure), "rows", f"Distribution of {measure.label}"),
            "plt.show()",
            "",
            'print(f"{values.name}: median {values.median():.6g}, middle half {values.quantile(0.25):.6g} to '
            '{values.quantile(0.75):.6g}, n={len(values)}")',
        ),
        f"I draw a histogram of `{measure.name}`.",
        f"The bars count rows by {measure.label}{_in(measure)}.",
    )


def _scatter(frame: Frame, x: Column, y: Column, group: Column | None) -> Plot:
    columns = ", ".join(literal(column.name) for column in (x, y, group) if column is not None)
    x_name, y_name = literal(x.name), literal(y.name)
    within: list[str] = []
    if group is None:
        draw = [f"ax.scatter(rows[{x_name}], rows[{y_name}], s=18, alpha=0.7)"]
    else:
        draw = [
            f"for name, part in rows.groupby({literal(group.name)}, observed=True):",
            f"    ax.scatter(part[{x_name}], part[{y_name}], s=18, alpha=0.7, label=str(name))",
            f"ax.legend(title={literal(group.label)})",
        ]
        within = [
            f"for name, part in rows.groupby({literal(group.name)}, observed=True):",
            f"    r = part[{x_name}].corr(part[{y_name}])",
            '    print(f"{name}: r = {r:+.2f}, n={len(part)}")',
        ]
    return Plot(
        _start(
            f"rows = {frame.name}[[{columns}]].dropna()",
            "",
            "fig, ax = plt.subplots(figsize=(6.4, 4))",
            *draw,
            _labels(_axis(x), _axis(y), f"{y.label} against {x.label}"),
            "plt.show()",
            "",
            f"r = rows[{x_name}].corr(rows[{y_name}])",
            'print(f"all: r = {r:+.2f}, n={len(rows)}")',
            *within,
        ),
        f"I draw `{y.name}` against `{x.name}`" + (f", coloured by {group.label}." if group else "."),
        "Each point is a row" + (f", its colour the {group.label}." if group else "."),
    )


def _line(frame: Frame, time: Column, measure: Column, group: Column | None) -> Plot:
    how = "sum" if has(measure.label, "revenue|sales?|amount|quantity|qty|units|profit|count|orders|cost") else "mean"
    name = literal(measure.name)
    by = f".groupby([by, rows[{literal(group.name)}]], observed=True)" if group else ".groupby(by)"
    unstack = ".unstack()" if group else ""
    return Plot(
        _start(
            "import pandas as pd",
            "",
            f"rows = {frame.name}.dropna(subset=[{literal(time.name)}, {name}])",
            f"dates = pd.to_datetime(rows[{literal(time.name)}])",
            "span = (dates.max() - dates.min()).days",
            'by = dates.dt.to_period("D" if span <= 62 else "M" if span <= 1500 else "Y").dt.to_timestamp()',
            f"series = rows{by}[{name}].{how}(){unstack}",
            "",
            "ax = series.plot(figsize=(6.4, 4))",
            _labels("", f"{how} of {_axis(measure)}", f"{measure.label} over time"),
            "plt.show()",
            "",
            f"total = rows.groupby(by)[{name}].{how}()",
            "day = total.index.strftime('%Y-%m-%d')",
            'print(f"from {total.iloc[0]:.6g} ({day[0]}) to {total.iloc[-1]:.6g} ({day[-1]}), '
            'highest {total.max():.6g} ({total.idxmax():%Y-%m-%d})")',
        ).replace("import matplotlib.pyplot as plt\n\nimport pandas", "import matplotlib.pyplot as plt\nimport pandas"),
        f"I draw `{measure.name}` over `{time.name}`.",
        f"The line is the {how} of {measure.label}{_in(measure)} in each period.",
    )


def _bars(frame: Frame, group: Column) -> Plot:
    return Plot(
        _start(
            f"counts = {frame.see(group)}.value_counts().head(20)",
            "",
            "fig, ax = plt.subplots(figsize=(6.4, 4))",
            "ax.bar([str(name) for name in counts.index], counts.values)",
            _labels(group.label, "rows", f"Rows by {group.label}"),
            'ax.tick_params(axis="x", rotation=30 if len(counts) > 6 else 0)',
            "plt.show()",
            "",
            "for name, count in counts.items():",
            '    print(f"{name}: {count}")',
        ),
        f"I draw the number of rows for each {group.label}.",
        f"Each bar counts the rows of one {group.label}.",
    )


def _in(column: Column) -> str:
    return f" in {column.unit}" if column.unit else ""


def _tell(output: Output, chosen: Plot) -> str:
    lines = [line for line in output.stdout.splitlines() if line.strip()]
    text = f"The plot is above. {chosen.legend}"
    facts = [_readable(line) for line in lines[:12]]
    if facts:
        text += "\n\n" + "\n".join(f"- {fact}" for fact in facts)
    text += _paradox(output.stdout)
    boxes = re.findall(r"^(.+): median ([\d.eE+-]+)", output.stdout, re.MULTILINE)
    if len(boxes) > 1:
        low, high = boxes[0], boxes[-1]
        text += f"\n\nThe median is lowest for **{low[0]}** ({number(float(low[1]))}) and highest for **{high[0]}** "
        text += f"({number(float(high[1]))}). I read this from the figures, not from the picture: I cannot see it."
    return text


def _paradox(stdout: str) -> str:
    """Says where all rows together point the other way than each group (Simpson's paradox)."""
    found = [(name, float(r)) for name, r in re.findall(r"^(.+): r = ([+-][\d.]+)", stdout, re.MULTILINE)]
    if len(found) < 3:
        return ""
    (_, total), groups = found[0], found[1:]
    if all(r * total < 0 for _, r in groups) and abs(total) > 0.1:
        return (
            "\n\n**Careful:** over all rows the correlation is "
            f"{'positive' if total > 0 else 'negative'}, but within every group it is the other way round. "
            "The groups differ, and that hides what holds within each."
        )
    return ""


def _readable(line: str) -> str:
    """A printed line with its numbers grouped."""
    line = re.sub(
        r"(?<![\w.-])(?:\d{4,}(?:\.\d+)?|\d+\.\d{3,})(?![\w-])", lambda match: number(float(match.group())), line
    )
    return re.sub(r"^([^:]+): ", r"**\1**: ", line)


def _what_can_be_plotted(frame: Frame) -> str:
    return (
        f"`{frame.name}` has {plural(len(frame.columns), 'column')}, but none that I can plot: "
        "I need a numeric column, or a text column with few values."
    )


__all__ = ["Plot", "choose", "plot"]
