"""`lookup(order_id: integer, kind: new | old, limit: integer 1…50 = 10)`: a tool's arguments in one line of words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from ..models.base import Json
from .jsonable import cut_line

_DEPTH = 3  # of definitions within definitions, which may be their own


def call_form(name: str, schema: Mapping[str, Json], limit: int = 400) -> str:
    """What a call with these arguments looks like, by their JSON schema; at most `limit` characters."""
    required = cast("list[str]", schema.get("required") or [])
    definitions = cast("Mapping[str, Any]", schema.get("$defs") or {})
    words: list[str] = []
    for argument, of in cast("Mapping[str, Any]", schema.get("properties") or {}).items():
        default = ""
        if argument not in required:
            default = f" = {json.dumps(of['default'], ensure_ascii=False)}" if "default" in of else " (optional)"
        words.append(f"{argument}: {_type(of, definitions, _DEPTH)}{default}")
    return cut_line(f"{name}({', '.join(words)})", limit)


def _type(of: Any, definitions: Mapping[str, Any], depth: int) -> str:
    if not isinstance(of, dict) or depth == 0:
        return "any"
    node = cast("dict[str, Any]", of)
    if "$ref" in node:
        return _type(definitions.get(str(node["$ref"]).rpartition("/")[2]), definitions, depth - 1)
    if "enum" in node:
        return " | ".join(str(value) for value in node["enum"])
    if "const" in node:
        return str(node["const"])
    for key in ("anyOf", "oneOf"):
        if key in node:
            return " | ".join(_type(each, definitions, depth) for each in node[key])
    if "allOf" in node and len(node["allOf"]) == 1:
        return _type(node["allOf"][0], definitions, depth)
    kind = str(node.get("type", "any"))
    if kind == "array" and "items" in node:
        return f"array of {_type(node['items'], definitions, depth)}"
    if kind == "object" and node.get("properties"):
        inner = {key: _type(value, definitions, depth) for key, value in node["properties"].items()}
        return "{" + ", ".join(f"{key}: {value}" for key, value in inner.items()) + "}"
    return kind + _bounds(node)


def _bounds(node: Mapping[str, Any]) -> str:
    low = node.get("minimum", node.get("exclusiveMinimum"))
    high = node.get("maximum", node.get("exclusiveMaximum"))
    if low is not None and high is not None:
        return f" {low}…{high}"
    if low is not None:
        return f" {'>' if 'exclusiveMinimum' in node else '≥'} {low}"
    return f" {'<' if 'exclusiveMaximum' in node else '≤'} {high}" if high is not None else ""


__all__ = ["call_form"]
