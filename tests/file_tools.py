"""Helpers of the file tools' tests: call one by hand, with or without the consent that its card would have got."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from copilot_widget.tools.base import ToolContext, ToolResult
from copilot_widget.tools.files import file_tools


async def call(root: Path, name: str, *, basis: str | None = None, **given: Any) -> ToolResult:
    """The result of a call; raises its ToolError."""
    tool = next(tool for tool in file_tools(root) if tool.schema.name == name)
    context = ToolContext("c1", "r1", basis=basis)
    results = [result async for result in tool.call(tool.parse(json.dumps(given)), context)]
    return results[-1]


async def text(root: Path, name: str, **given: Any) -> str:
    output = (await call(root, name, **given)).output
    assert isinstance(output, str)
    return output


def card(root: Path, name: str, **given: Any) -> Any:
    """What the user would be asked, None where nobody is; raises the ToolError of a call that cannot succeed."""
    tool = next(tool for tool in file_tools(root) if tool.schema.name == name)
    return tool.approval(tool.parse(json.dumps(given)))
