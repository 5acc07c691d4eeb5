"""What a docstring says of a function and of each parameter: Google, NumPy and reST styles."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

_SECTIONS = "args|arguments|parameters|params|keyword args|keyword arguments|other parameters"
_GOOGLE = re.compile(rf"^({_SECTIONS}):\s*$", re.IGNORECASE)
_OTHER_GOOGLE = re.compile(
    r"^(returns?|yields?|raises|examples?|notes?|attributes|see also|warns?|todo):\s*$", re.IGNORECASE
)
_NUMPY = re.compile(rf"^({_SECTIONS})\s*$", re.IGNORECASE)
_RULE = re.compile(r"^-{3,}\s*$")
_GOOGLE_ITEM = re.compile(r"^\*{0,2}(\w+)\s*(?:\(.*?\))?\s*:\s*(.*)$")
_NUMPY_ITEM = re.compile(r"^(\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")
_REST_ITEM = re.compile(r"^:(?:param|parameter|arg|argument|key|keyword)\s+(?:[^:]*?\s)?\*{0,2}(\w+)\s*:\s*(.*)$")
_REST_OTHER = re.compile(r"^:(?:type|rtype|returns?|raises?|raise|yields?)\b[^:]*:\s*(.*)$")


@dataclass
class Docstring:
    """`description` is everything but the parameters; `parameters` maps a name to its description."""

    description: str = ""
    parameters: dict[str, str] = field(default_factory=dict[str, str])


def parse_docstring(text: str | None) -> Docstring:
    """Understands the three usual styles; what it does not understand stays in the description."""
    lines = inspect.cleandoc(text or "").splitlines()
    result = Docstring()
    kept: list[str] = []
    place = 0
    while place < len(lines):
        line = lines[place]
        following = lines[place + 1] if place + 1 < len(lines) else ""
        if _NUMPY.match(line) and _RULE.match(following):
            place = _numpy(lines, place + 2, result)
        elif _GOOGLE.match(line):
            place = _google(lines, place + 1, result)
        elif _REST_ITEM.match(line):
            place = _rest(lines, place, result)
        elif (other := _REST_OTHER.match(line)) is not None:
            if line.startswith((":return", ":yield")):
                kept.append(f"Returns: {other[1]}")
            place += 1
        else:
            kept.append(line)
            place += 1
    result.description = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    return result


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _join(lines: list[str]) -> str:
    return " ".join(line.strip() for line in lines if line.strip())


def _google(lines: list[str], place: int, result: Docstring) -> int:
    """Reads `name (type): text` items; the section ends at a line that is not indented."""
    base: int | None = None
    name, words = "", list[str]()
    while place < len(lines):
        line = lines[place]
        if line.strip() and _indent(line) == 0:
            break
        if line.strip():
            base = _indent(line) if base is None else base
            item = _GOOGLE_ITEM.match(line.strip()) if _indent(line) <= base else None
            if item is not None:
                if name:
                    result.parameters[name] = _join(words)
                name, words = item[1], [item[2]]
            else:
                words.append(line)
        place += 1
    if name:
        result.parameters[name] = _join(words)
    return place


def _numpy(lines: list[str], place: int, result: Docstring) -> int:
    """Reads `name : type` lines, each with an indented text; ends at the next underlined heading."""
    names: list[str] = []
    words: list[str] = []

    def keep() -> None:
        for name in names:
            result.parameters[name] = _join(words)

    while place < len(lines):
        line = lines[place]
        if (place + 1 < len(lines) and _RULE.match(lines[place + 1])) or _OTHER_GOOGLE.match(line):
            break
        if line.strip() and _indent(line) == 0:
            item = _NUMPY_ITEM.match(line)
            if item is None:  # prose: the section is over
                break
            keep()
            names, words = [name.strip().lstrip("*") for name in item[1].split(",")], []
        else:
            words.append(line)
        place += 1
    keep()
    return place


def _rest(lines: list[str], place: int, result: Docstring) -> int:
    item = _REST_ITEM.match(lines[place])
    assert item is not None
    words = [item[2]]
    place += 1
    while place < len(lines) and lines[place].strip() and not lines[place].startswith(":"):
        words.append(lines[place])
        place += 1
    result.parameters[item[1]] = _join(words)
    return place


__all__ = ["Docstring", "parse_docstring"]
