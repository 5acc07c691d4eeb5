"""A tool as its server describes it. What a server says of its tools are hints: nobody checks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...models.base import Json
from ..jsonable import cut_line

if TYPE_CHECKING:
    from mcp.types import Tool


@dataclass(frozen=True)
class ListedTool:
    """One tool. Of two hints that cannot both be true the worse one counts."""

    name: str
    title: str
    description: str
    input_schema: dict[str, Json]
    read_only: bool
    destructive: bool
    """It may delete or overwrite: the protocol takes that for granted of what does not only read, and is not denied."""


def listed(tool: Tool) -> ListedTool:
    hints = tool.annotations
    title = tool.title or (hints.title if hints is not None else None) or ""
    destructive = hints.destructive_hint if hints is not None else None
    read_only = hints is not None and hints.read_only_hint is True and destructive is not True
    return ListedTool(
        name=tool.name,
        title=cut_line(title, 80),
        description=tool.description or "",
        input_schema=dict(tool.input_schema),
        read_only=read_only,
        destructive=not read_only and destructive is not False,
    )


__all__ = ["ListedTool", "listed"]
