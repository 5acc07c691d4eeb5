"""Reading wire JSON whose shape nobody has checked: what is not of the asked type reads as empty."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from .text import clean

Wire = Mapping[str, Any]
"""A message, a part or metadata as the AI SDK writes it in JSON."""


def mapping(value: Any) -> Wire:
    """An object; empty for anything else."""
    return cast("Wire", value) if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """An array; empty for anything else."""
    return list(cast("list[Any]", value)) if isinstance(value, (list, tuple)) else []


def mappings(value: Any) -> list[Wire]:
    """The objects in an array."""
    return [mapping(item) for item in items(value) if isinstance(item, Mapping)]


def text(value: Any) -> str:
    """A string; empty for null, JSON for anything else."""
    if isinstance(value, str):
        return clean(value)
    return "" if value is None else clean(json.dumps(value, ensure_ascii=False, default=str))


def number(value: Any) -> float | None:
    """A number; None for anything else, true and false included."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def joined(value: Any) -> str:
    """A text that may be a list of lines, as nbformat writes long ones."""
    return "".join(str(line) for line in items(value)) if isinstance(value, (list, tuple)) else str(value)
