"""Rules that only read: the namespace, a variable, a DataFrame's profile."""

from __future__ import annotations

from typing import Any, cast

from .frames import Column, Frame, find_columns
from .tables import cell, code, number, percent, plural, table
from .turn import Exchange, Turn

MAX_COLUMNS = 30


def namespace(turn: Turn) -> str:
    """All variables as a table."""
    listed = turn.call("list_variables", {}).data
    entries = (
        [cast("dict[str, Any]", item) for item in cast("list[Any]", listed) if isinstance(item, dict)]
        if isinstance(listed, list)
        else []
    )
    if not entries:
        return "There are no variables yet. Run a cell that makes one, for example `x = 1`, and ask again."
    rows = [[f"`{entry.get('name')}`", entry.get("type", ""), entry.get("summary", "")] for entry in entries[:40]]
    text = f"There are **{plural(len(entries), 'variable')}**:\n\n" + table(["name", "type", "value"], rows)
    if len(entries) > len(rows):
        text += f"\n\n… and {len(entries) - len(rows)} more."
    frames = [str(entry["name"]) for entry in entries if "DataFrame" in str(entry.get("type"))]
    if frames:
        text += f"\n\nAsk about one with an @, for example `describe @{frames[0]}`."
    return text


def thing(name: str, exchange: Exchange) -> str:
    """A variable that is no DataFrame."""
    if exchange.is_error:
        return f"I cannot look at `{name}`: {exchange.output.strip()}"
    fields = exchange.fields
    if not fields:
        return f"`{name}`:\n\n{code(exchange.output[:2000], 'text')}"
    kind = fields.get("type", "value")
    rest = {
        key: value for key, value in fields.items() if key not in ("name", "type") and value not in (None, "", [], {})
    }
    text = f"`{name}` is {'an' if str(kind)[:1].lower() in 'aeiou' else 'a'} **{kind}**."
    long = {key: value for key, value in rest.items() if isinstance(value, str) and ("\n" in value or len(value) > 80)}
    short = [
        [key, cell(value, 100) if not isinstance(value, (int, float)) else value]
        for key, value in rest.items()
        if key not in long
    ]
    if [row[0] for row in short] == ["value"]:
        return text[:-1] + f": `{short[0][1]}`"
    if short:
        text += "\n\n" + table(["field", "value"], short)
    for key, value in long.items():
        language = "python" if key in ("source", "code", "signature") else "text"
        text += f"\n\n{key}:\n\n{code(str(value)[:1500], language)}"
    return text


def profile(frame: Frame) -> str:
    """Shape, columns, and what strikes the eye."""
    memory = f", {frame.memory}" if frame.memory else ""
    count = frame.column_count or len(frame.columns)
    head = f"`{frame.name}` has **{plural(frame.rows, 'row')}** and **{plural(count, 'column')}**{memory}."
    rows = [
        [f"`{column.name}`", column.dtype, column.nulls, _content(column)] for column in frame.columns[:MAX_COLUMNS]
    ]
    text = head + "\n\n" + table(["column", "type", "nulls", "content"], rows)
    if count > len(rows):
        text += f"\n\n… and {count - len(rows)} more columns."
    if frame.note:
        text += f"\n\n({frame.note})"
    remarks = list(_remarks(frame))
    if remarks:
        text += "\n\nWhat strikes the eye:\n\n" + "\n".join(f"- {remark}" for remark in remarks[:6])
    return text + _next(frame)


def columns(turn: Turn, frame: Frame) -> str:
    """Only the columns that the question names."""
    matches = find_columns(frame, turn.question)
    rows = [[f"`{m.column.name}`", m.column.dtype, m.column.nulls, _content(m.column)] for m in matches]
    return f"In `{frame.name}` ({plural(frame.rows, 'row')}):\n\n" + table(["column", "type", "nulls", "content"], rows)


def size(frame: Frame) -> str:
    return f"`{frame.name}` has **{plural(frame.rows, 'row')}** and **{plural(len(frame.columns), 'column')}**."


def _content(column: Column) -> str:
    if (column.numeric or column.temporal) and column.low is not None and column.high is not None:
        year = column.numeric and not column.measure
        low, high = (_plain(column.low), _plain(column.high)) if year else (number(column.low), number(column.high))
        text = f"{low} … {high}"
        if isinstance(column.mean, (int, float)) and not year:
            text += f", mean {number(column.mean)}"
        return text + (f" {column.unit}" if column.unit and not year else "")
    top = _top(column)
    if column.unique is not None:
        return plural(column.unique, "value") + (f", most often {top}" if top else "")
    return f"most often {top}" if top else ", ".join(cell(value, 20) for value in column.samples[:3])


def _plain(value: Any) -> str:
    """A year or an id, without separators."""
    return cell(int(value) if isinstance(value, float) and value.is_integer() else value)


def _top(column: Column) -> str:
    """The most frequent value, in whichever form the tool tells it: a value, a list, or counts by value."""
    top = column.top
    if isinstance(top, dict):
        counts = cast("dict[str, Any]", top)
        top = counts.get("value", next(iter(counts), None))
    while isinstance(top, list):
        values = cast("list[Any]", top)
        top = values[0] if values else None
    return cell(top, 30) if top not in (None, "") else ""


def _remarks(frame: Frame) -> Any:
    whole = [column for column in frame.columns if frame.rows and column.nulls == frame.rows]
    for column in whole:
        yield f"`{column.name}` is empty."
    some = [column for column in frame.columns if 0 < column.nulls < frame.rows]
    if some:
        worst = max(some, key=lambda column: column.nulls)
        yield (
            f"{plural(len(some), 'column')} of {len(frame.columns)} "
            f"{'has' if len(some) == 1 else 'have'} nulls; most in "
            f"`{worst.name}` ({number(worst.nulls)}, {percent(worst.nulls, frame.rows)})."
        )
    for column in frame.columns:
        if column.unique == 1 and column not in whole:
            yield f"`{column.name}` has the same value in every row."
        elif column.temporal and not column.parsed:
            yield f"`{column.name}` holds dates as text; `pd.to_datetime` would make them dates."
        elif not column.numeric and column.samples and all(_looks_numeric(value) for value in column.samples):
            yield f"`{column.name}` holds numbers as text; `pd.to_numeric` would make them numbers."
        elif column.measure and isinstance(column.low, (int, float)) and column.low < 0:
            yield f"`{column.name}` goes below zero (down to {number(column.low)})."
        elif column.unique == frame.rows > 1 and not column.measure and not column.temporal:
            yield f"`{column.name}` is different in every row: it can serve as a key."


def _looks_numeric(value: Any) -> bool:
    return isinstance(value, str) and value.strip().lstrip("+-").replace(",", "").replace(".", "", 1).isdigit()


def _next(frame: Frame) -> str:
    """What to ask next, with this frame's own columns."""
    measure = next((column for column in frame.columns if column.measure and column.unique != 1), None)
    group = next(iter(frame.groups), None)
    if measure is None:
        return ""
    ask = f"plot {measure.label} by {group.label}" if group else f"plot {measure.label}"
    return f"\n\nNext, for example: `{ask}`."


__all__ = ["columns", "namespace", "profile", "size", "thing"]
