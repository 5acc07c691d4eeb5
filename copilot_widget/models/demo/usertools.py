"""The user's own tools: which one a question means, and its arguments from the numbers and names in the question."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ..base import Json, ToolSchema
from .tables import cell, code, table
from .turn import NOTEBOOK_TOOLS, Exchange, Need, Turn
from .words import content_stems, has, numbers, quoted, stems

MAX_CALLS = 5
_ACTING = frozenset({"insert_cell", "edit_cell", "replace_cell", "delete_cell", "ask_user"})
_FILES = frozenset({"read_file", "list_files", "search_files", "write_file", "edit_file", "shell"})
_PROPER = re.compile(r"(?<![.!?]\s)(?<!^)\b([A-Z][\w&-]*(?:\s+[A-Z][\w&-]*)*)")


def call_tool(turn: Turn) -> str:
    """The answer of the tool that the question means, "" where it means none."""
    chosen = choose(turn)
    if chosen is None:
        return ""
    tool, inputs = chosen
    exchanges = turn.call_all([(tool.name, value) for value in inputs], _say(tool, inputs))
    return "\n\n".join(_tell(exchange) for exchange in exchanges)


def choose(turn: Turn) -> tuple[ToolSchema, list[dict[str, Json]]] | None:
    """The best matching tool whose required arguments the question gives, and one input for each call."""
    words = content_stems(turn.question)
    best: tuple[float, ToolSchema, list[dict[str, Json]]] | None = None
    for tool in own_tools(turn):
        named = has(turn.text, re.escape(tool.name.lower()))
        score = _score(tool, words) + (10 if named else 0)
        inputs = _inputs(tool, turn.question) if score > 0 else None
        if inputs and (best is None or score > best[0]):
            best = (score, tool, inputs)
    return (best[1], best[2]) if best else None


def own_tools(turn: Turn) -> list[ToolSchema]:
    """The tools that are neither the notebook's nor a Copilot's own."""
    return [tool for name, tool in turn.tools.items() if name not in {*NOTEBOOK_TOOLS, *_ACTING, *_FILES}]


def _score(tool: ToolSchema, words: set[str]) -> float:
    """Words of the question in the tool's name (2 each), description and parameter names (1 each)."""
    described = content_stems(tool.description.split("\n")[0])
    parameters = {word for name in _properties(tool) for word in stems(name)}
    return 2 * len(words & set(stems(tool.name))) + len(words & (described | parameters))


def _properties(tool: ToolSchema) -> dict[str, dict[str, Any]]:
    return cast("dict[str, dict[str, Any]]", tool.input_schema.get("properties") or {})


def _inputs(tool: ToolSchema, question: str) -> list[dict[str, Json]] | None:
    """Arguments from the question; several for several numbers; None where one is missing."""
    properties = _properties(tool)
    required = cast("list[str]", tool.input_schema.get("required") or [])
    free = _Values(question, tool)
    values: dict[str, Json] = {}
    for name in [*required, *(name for name in properties if name not in required)]:
        found = free.take(name, properties.get(name, {}), optional=name not in required)
        if found is not None:
            values[name] = found[0]
        elif name in required:
            return None
    repeated = [name for name in required if _kind(properties.get(name, {})) in ("integer", "number")]
    if len(required) == 1 and repeated and free.numbers:
        rest = [_as_number(text, properties[repeated[0]]) for text in free.numbers[: MAX_CALLS - 1]]
        return [values, *({**values, repeated[0]: value} for value in rest if value is not None)]
    return [values]


class _Values:
    """The values in a question; each is taken once."""

    def __init__(self, question: str, tool: ToolSchema) -> None:
        self._question = question
        self.numbers = numbers(question)
        known = set(stems(tool.name))
        proper = [name for name in _PROPER.findall(question) if not set(stems(name)) & known]
        self.texts = [*quoted(question), *proper, *_after_preposition(question)]

    def take(self, name: str, schema: Mapping[str, Any], *, optional: bool) -> tuple[Json] | None:
        choices = schema.get("enum")
        if isinstance(choices, list):
            return next(
                ((choice,) for choice in cast("list[Any]", choices) if has(self._question, re.escape(str(choice)))),
                None,
            )
        kind = _kind(schema)
        if kind in ("integer", "number"):
            return self._number(schema) if not optional or self._names(name) else None
        if kind == "boolean":
            return (True,) if self._names(name) else None
        if kind == "array":
            return self._list(schema)
        if kind == "string" and (not optional or self._names(name)):
            return self._text()
        return None

    def _names(self, name: str) -> bool:
        return bool(set(stems(name)) & set(stems(self._question)))

    def _number(self, schema: Mapping[str, Any]) -> tuple[Json] | None:
        for text in self.numbers:
            value = _as_number(text, schema)
            if value is not None:
                self.numbers.remove(text)
                return (value,)
        return None

    def _text(self) -> tuple[Json] | None:
        if self.texts:
            value = self.texts.pop(0)
            self.texts = [text for text in self.texts if text != value]
            return (value,)
        return (self.numbers.pop(0),) if self.numbers else None

    def _list(self, schema: Mapping[str, Any]) -> tuple[Json] | None:
        kind = _kind(cast("Mapping[str, Any]", schema.get("items") or {}))
        if kind in ("integer", "number"):
            values = [_as_number(text, cast("Mapping[str, Any]", schema["items"])) for text in self.numbers]
            self.numbers = []
            return (values,) if values else None
        texts, self.texts = list(dict.fromkeys(self.texts)), []
        return (texts,) if texts else None


def _after_preposition(question: str) -> list[str]:
    """ "weather in berlin?" → berlin: the last words after in, of, for, named …"""
    match = re.search(r"\b(?:in|for|of|at|from|named|called|about)\s+([\w&.-]+(?:\s+[\w&.-]+)?)\s*[?.!]*\s*$", question)
    return [match[1].rstrip("?.!")] if match and not match[1].replace(".", "").isdigit() else []


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((item for item in cast("list[Any]", kind) if item != "null"), None)
    if kind is None:
        options = cast("list[Mapping[str, Any]]", schema.get("anyOf") or schema.get("oneOf") or [])
        kind = next((_kind(option) for option in options if option.get("type") != "null"), "")
    return str(kind or "")


def _as_number(text: str, schema: Mapping[str, Any]) -> int | float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    if _kind(schema) == "integer":
        return int(value) if value.is_integer() else None
    return int(value) if value.is_integer() and "." not in text else value


# ---- the answer --------------------------------------------------------------------------------------------


def _say(tool: ToolSchema, inputs: Sequence[dict[str, Json]]) -> str:
    count = f" {len(inputs)} times" if len(inputs) > 1 else ""
    return f"I ask your tool `{tool.name}`{count}."


def _tell(exchange: Exchange) -> str:
    given = cast("dict[str, Any]", exchange.input or {})
    call = f"{exchange.tool}({', '.join(f'{key}={value!r}' for key, value in given.items())})"
    if exchange.denied:
        return f"You denied `{call}`, so I do not know."
    if exchange.is_error:
        return f"`{call}` failed: {exchange.output.strip()[:600]}"
    return f"`{call}` says:\n\n{_shown(exchange.data)}"


def _shown(data: Any) -> str:
    if isinstance(data, dict):
        fields = cast("dict[str, Any]", data)
        if all(not isinstance(value, (dict, list)) for value in fields.values()) and len(fields) <= 20:
            return table(["field", "value"], [[cell(key), value] for key, value in fields.items()])
    if isinstance(data, list) and data and all(isinstance(item, dict) for item in cast("list[Any]", data)):
        rows = cast("list[dict[str, Any]]", data)
        headers = list(dict.fromkeys(key for row in rows[:20] for key in row))[:10]
        text = table(headers, [[row.get(key) for key in headers] for row in rows[:20]])
        return text + (f"\n\n… and {len(rows) - 20} more." if len(rows) > 20 else "")
    if isinstance(data, (dict, list)):
        return code(json.dumps(data, indent=2, ensure_ascii=False)[:3000], "json")
    text = str(data).strip()
    if not text:
        return "(nothing)"
    return (
        f"**{text}**"
        if len(text) <= 80 and "\n" not in text
        else text
        if len(text) < 600
        else code(text[:3000], "text")
    )


__all__ = ["Need", "call_tool", "choose", "own_tools"]
