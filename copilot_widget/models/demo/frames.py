"""DataFrames as inspect_variable describes them: finding the one that is meant, and the columns that are meant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from .turn import Exchange, Turn
from .words import SYNONYMS, UNITS, has, quoted, stem, stems, superlative

MAX_LOOKED_AT = 4
_DATE_TEXT = re.compile(r"^\d{4}-\d{2}(-\d{2})?([T ]\d{2}:\d{2})?|^\d{1,2}[/.]\d{1,2}[/.]\d{2,4}")


@dataclass(frozen=True)
class Column:
    name: str
    dtype: str
    nulls: int = 0
    unique: int | None = None
    low: Any = None
    high: Any = None
    mean: Any = None
    top: Any = None
    samples: tuple[Any, ...] = ()

    @property
    def numeric(self) -> bool:
        return re.match(r"(?i)u?int|float|decimal|double", self.dtype) is not None

    @property
    def measure(self) -> bool:
        """A quantity: a number that is neither an id nor a year."""
        last = stems(self.name)[-1:] or [""]
        return self.numeric and last[0] not in ("id", "year", "month", "index", "key", "code", "zip")

    @property
    def temporal(self) -> bool:
        if re.match(r"(?i)date|time|period", self.dtype):
            return True
        texts = [value for value in self.samples if isinstance(value, str)]
        return not self.numeric and bool(texts) and all(_DATE_TEXT.match(text) for text in texts)

    @property
    def parsed(self) -> bool:
        """False for dates that are kept as text."""
        return re.match(r"(?i)date|time|period", self.dtype) is not None

    @property
    def category(self) -> bool:
        """A column whose values make groups."""
        if self.temporal:
            return False
        if not self.numeric:
            return self.unique is None or self.unique <= 50
        return not self.measure or (self.unique is not None and self.unique <= 12)

    @property
    def unit(self) -> str:
        parts = self.name.lower().split("_")
        return UNITS.get(parts[-1], "") if len(parts) > 1 else ""

    @property
    def label(self) -> str:
        """The name as words: body_mass_g → body mass."""
        parts = [part for part in self.name.split("_") if part]
        if len(parts) > 1 and parts[-1].lower() in UNITS:
            parts.pop()
        return " ".join(parts)


@dataclass(frozen=True)
class Frame:
    name: str
    rows: int
    columns: tuple[Column, ...]
    memory: str = ""
    library: str = "pandas"
    note: str = ""
    """What the tool says about its figures, for example that they are estimates."""
    sample: tuple[Mapping[str, Any], ...] = field(default=())
    column_count: int = 0

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    @property
    def groups(self) -> list[Column]:
        """Text columns with few values, those without nulls first."""
        found = [column for column in self.columns if column.category and not column.numeric]
        return sorted(found, key=lambda column: (column.nulls > 0, column.unique or 99))

    def see(self, column: Column) -> str:
        """Code for the column."""
        return f"{self.name}[{_literal(column.name)}]"


def _literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


literal = _literal


def frame_of(exchange: Exchange) -> Frame | None:
    """The DataFrame that an output of inspect_variable describes, None where it describes something else."""
    data = exchange.fields
    if exchange.is_error or "DataFrame" not in str(data.get("type")) or not isinstance(data.get("columns"), list):
        return None
    rows = cast("list[Any]", data.get("sample") or [])
    sample = [cast("dict[str, Any]", row) for row in rows if isinstance(row, dict)]
    columns = [_column(cast("dict[str, Any]", entry), sample) for entry in data["columns"] if isinstance(entry, dict)]
    shape = cast("list[Any]", data.get("shape") or [len(sample), len(columns)])
    return Frame(
        name=str(data.get("name") or cast("dict[str, Any]", exchange.input or {}).get("name")),
        rows=int(shape[0]),
        columns=tuple(columns),
        memory=str(data.get("memory") or ""),
        library=str(data.get("library") or "pandas"),
        note=str(data.get("note") or ""),
        sample=tuple(sample),
        column_count=int(shape[1]),
    )


def _column(data: dict[str, Any], sample: Sequence[Mapping[str, Any]]) -> Column:
    name = str(data.get("name"))
    return Column(
        name=name,
        dtype=str(data.get("dtype")),
        nulls=int(data.get("nulls") or 0),
        unique=_count(data.get("unique")),
        low=data.get("min"),
        high=data.get("max"),
        mean=data.get("mean"),
        top=data.get("top"),
        samples=tuple(row[name] for row in sample if row.get(name) is not None),
    )


def _count(value: Any) -> int | None:
    """A count, also one that is known at least ("≥ 5000")."""
    if isinstance(value, int):
        return value
    match = re.search(r"\d+", value) if isinstance(value, str) else None
    return int(match.group()) if match else None


# ---- which frame -----------------------------------------------------------------------------------------


def find_frame(turn: Turn) -> Frame | None:
    """The DataFrame that the question is about; None where there is none. May raise Need or NotOffered."""
    for name in turn.variables:
        frame = look(turn, name)
        if frame is not None:
            return frame
    if turn.variables:
        return None
    earlier = _earlier(turn)
    if earlier is not None and (find_columns(earlier, turn.question) or has(turn.text, "it|its|this|that|there|them")):
        return look(turn, earlier.name)
    names = frame_names(turn)
    words = set(stems(turn.question)) | {word.lower() for word in quoted(turn.question)}
    spoken = [name for name in names if name.lower() in words or set(stems(name)) <= words]
    if spoken or len(names) == 1:
        return look(turn, (spoken or names)[0])
    if not names:
        return None
    looked = turn.call_all([("inspect_variable", {"name": name}) for name in names[:MAX_LOOKED_AT]])
    frames = [frame for frame in map(frame_of, looked) if frame is not None]
    return max(frames, key=lambda frame: len(find_columns(frame, turn.question)), default=None)


def look(turn: Turn, name: str) -> Frame | None:
    """The DataFrame `name`; without the tool, as the mention in the question describes it."""
    described = turn.contexts.get(f"@{name}", "")
    if described and not turn.offers("inspect_variable"):
        frame = frame_of(Exchange("inspect_variable", {"name": name}, described, is_error=False))
        if frame is not None:
            return frame
    return frame_of(turn.call("inspect_variable", {"name": name}))


def frame_names(turn: Turn) -> list[str]:
    """The names of the DataFrames there are, "_" and the like left out."""
    listed = turn.call("list_variables", {}).data
    found = cast("list[Any]", listed) if isinstance(listed, list) else []
    entries = [cast("dict[str, Any]", entry) for entry in found if isinstance(entry, dict)]
    return [
        str(entry["name"])
        for entry in entries
        if "DataFrame" in str(entry.get("type")) and not str(entry.get("name", "_")).startswith("_")
    ]


def _earlier(turn: Turn) -> Frame | None:
    frames = [frame_of(exchange) for exchange in turn.before if exchange.tool == "inspect_variable"]
    return next((frame for frame in reversed(frames) if frame is not None), None)


# ---- which columns ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Match:
    """A column that a question names. `place` is the position in the text, `whole` whether all its words are there."""

    column: Column
    place: int
    whole: bool


def find_columns(frame: Frame, text: str) -> list[Match]:
    """The columns that `text` names, in its order: by their name, or by the words in it ("body mass": body_mass_g)."""
    lowered = text.lower()
    words = _placed_stems(text)
    candidates: list[tuple[Match, frozenset[str]]] = []
    for column in frame.columns:
        place = _verbatim(lowered, column.name.lower())
        parts = [part for part in stems(column.name) if part not in UNITS] or stems(column.name)
        hit = {part: words[part] for part in parts if part in words}
        for part in parts:
            other = next((word for word in SYNONYMS.get(part, ()) if word in words), None)
            if part not in hit and other is not None:
                hit[part] = words[other]
        if place is not None:
            candidates.append((Match(column, place, True), frozenset(parts) | {column.name}))
        elif hit and any(len(part) > 1 for part in hit) and len(hit) * 2 >= len(parts):
            candidates.append((Match(column, max(hit.values()), len(hit) == len(parts)), frozenset(hit)))
    kept = [
        (match, used)
        for match, used in candidates
        if not any(used < other or (used == other and better.whole > match.whole) for better, other in candidates)
    ]
    first: dict[frozenset[str], Match] = {}
    for match, used in kept:
        if match.whole or used not in first:
            first.setdefault(used if not match.whole else used | {match.column.name}, match)
    return sorted(first.values(), key=lambda match: match.place)


def _placed_stems(text: str) -> dict[str, int]:
    places: dict[str, int] = {}
    for match in re.finditer(r"[A-Za-z]+|\d+", text.replace("_", " ")):
        places.setdefault(stem(match.group()), match.start())
    return places


def _verbatim(text: str, name: str) -> int | None:
    match = re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text)
    return match.start() if match and len(name) > 1 else None


def measures_in(frame: Frame, text: str) -> list[Column]:
    """The quantities that a question names, or hints at ("heaviest": a mass)."""
    named = [match.column for match in find_columns(frame, text) if match.column.measure]
    if named:
        return named
    found = superlative(text)
    hints = found[1].hints if found else ()
    for hint in hints:
        hinted = [column for column in frame.columns if column.measure and stem(hint) in stems(column.name)]
        if hinted:
            return hinted[:1]
    return []


def groups_in(frame: Frame, text: str) -> list[Column]:
    """The columns that a question groups by, in its order."""
    matches = [match for match in find_columns(frame, text) if match.column.category]
    # A number with few values makes groups only where the question says so: "by year", "per number of rooms".
    return [
        match.column
        for match in matches
        if not (match.column.numeric and match.column.measure) or has(text[: match.place], "by|per|each|every|across")
    ]


def times_in(frame: Frame, text: str) -> list[Column]:
    """Columns of dates: the named ones, else all."""
    named = [match.column for match in find_columns(frame, text) if match.column.temporal]
    return named or [column for column in frame.columns if column.temporal]


__all__ = [
    "Column",
    "Frame",
    "Match",
    "find_columns",
    "find_frame",
    "frame_names",
    "frame_of",
    "groups_in",
    "literal",
    "look",
    "measures_in",
    "times_in",
]
