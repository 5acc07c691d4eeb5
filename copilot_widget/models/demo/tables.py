"""Numbers and tables as Markdown, and reading the tables that code has printed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from .turn import Exchange


def number(value: Any) -> str:
    """A number for reading: 5,076 · 43.9 · 0.0123; anything else as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return cell(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "–" if value != value else str(value)
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.3g}"


def cell(value: Any, limit: int = 60) -> str:
    """A value in a table's cell."""
    if value is None:
        return "–"
    if isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False)
    text = " ".join(str(value).split()).replace("|", "\\|").removesuffix(" 00:00:00").removesuffix("T00:00:00")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; columns that hold numbers only are set to the right."""
    right = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(headers))]
    lines = [
        "| " + " | ".join(cell(header) for header in headers) + " |",
        "|" + "|".join("--:" if is_right else "---" for is_right in right) + "|",
    ]
    lines += ["| " + " | ".join(number(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def code(text: str, language: str = "python") -> str:
    """A fenced block that its content cannot end."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def plural(count: int, noun: str) -> str:
    if count == 1:
        return f"1 {noun}"
    ends_in_ies = noun.endswith("y") and noun[-2] not in "aeou"
    return f"{count:,} {noun[:-1] + 'ies' if ends_in_ies else noun + 's'}"


def percent(part: float, whole: float) -> str:
    share = 100 * part / whole if whole else 0.0
    return f"{share:.0f} %" if share >= 10 or share == 0 else f"{share:.1f} %"


@dataclass(frozen=True)
class Output:
    """What run_code gave back."""

    stdout: str
    stderr: str
    result: Any
    error: str
    denied: bool

    def rows(self) -> list[dict[str, Any]]:
        """The result as records, in whichever form the tool gave it; [] where it is no table."""
        result: object = self.result
        if isinstance(result, dict):
            return _short_form(cast("dict[str, Any]", result))
        return parse_text_table(result) if isinstance(result, str) else []

    def value(self) -> Any:
        """The result as a plain value, text that is a number as that number."""
        if isinstance(self.result, str):
            return as_number(re.sub(r"^np\.\w+\((.*)\)$", r"\1", self.result.strip()))
        return self.result


def output_of(exchange: Exchange) -> Output:
    fields = exchange.fields
    if exchange.is_error or not fields:
        text = exchange.output.strip()
        return Output("" if exchange.is_error else text, "", None, text if exchange.is_error else "", exchange.denied)
    error = fields.get("error")
    if isinstance(error, dict):
        told = cast("dict[str, Any]", error)
        error = f"{told.get('type', 'Error')}: {told.get('message', '')}"
    return Output(
        str(fields.get("stdout") or ""), str(fields.get("stderr") or ""), fields.get("result"), str(error or ""), False
    )


def _short_form(data: dict[str, Any]) -> list[dict[str, Any]]:
    if isinstance(data.get("rows"), list):
        return [cast("dict[str, Any]", row) for row in data["rows"] if isinstance(row, dict)]
    values = data.get("values")
    if isinstance(values, Mapping):
        return [
            {"": key, str(data.get("name") or "value"): value} for key, value in cast("dict[str, Any]", values).items()
        ]
    return []


def parse_text_table(text: str) -> list[dict[str, Any]]:
    """The records of a DataFrame's or Series' text form; the index comes first, under its name or "".

    Columns are two spaces apart in it. A text that is no such table gives [].
    """
    lines = [line for line in text.rstrip().splitlines() if line.strip()]
    if lines and re.match(r"^\[\d+ rows x \d+ columns\]$", lines[-1].strip()):
        lines.pop()
    if lines and re.match(r"^(Name|Length|dtype|Freq)\b.*dtype: ", lines[-1].strip() + " dtype: "):
        return _series(lines)
    if len(lines) < 2:
        return []
    headers = lines[0].split()
    body, index_name = lines[1:], ""
    if (len(body[0].split()) == 1 and len(headers) > 1) or _is_index_line(body[0], lines):
        index_name, body = body[0].strip(), body[1:]
    return _records(headers, index_name, body)


def _is_index_line(line: str, lines: Sequence[str]) -> bool:
    """The line below the headers that holds the index' name only is shorter than all that follow."""
    return (
        len(line.rstrip()) < min((len(other.rstrip()) for other in lines[2:]), default=0) - 2
        and "  " not in line.strip()
    )


def _series(lines: Sequence[str]) -> list[dict[str, Any]]:
    match = re.search(r"Name: ([^,]+)", lines[-1])
    index_name, body = "", list(lines[:-1])
    if body and len(re.split(r"\s{2,}", body[0].strip())) == 1:
        index_name, body = body[0].strip(), body[1:]
    return _records([match[1] if match else "value"], index_name, body)


def _records(headers: Sequence[str], index_name: str, body: Sequence[str]) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    for line in body:
        parts = re.split(r"\s{2,}", line.strip())
        if len(parts) != len(headers) + 1:
            parts = line.strip().rsplit(maxsplit=len(headers))
        if len(parts) != len(headers) + 1:
            return []
        records.append(
            {index_name: parts[0], **{name: as_number(part) for name, part in zip(headers, parts[1:], strict=True)}}
        )
    return records


def as_number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


__all__ = [
    "Output",
    "as_number",
    "cell",
    "code",
    "number",
    "output_of",
    "parse_text_table",
    "percent",
    "plural",
    "table",
]
