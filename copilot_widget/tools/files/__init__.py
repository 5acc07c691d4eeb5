"""The file tools of a Copilot with a root: three that read, two that write and always ask."""

from __future__ import annotations

import os

from ..base import Tool
from .confine import Root
from .read import list_tool, read_tool
from .search import search_tool
from .write import write_tools


def file_tools(folder: str | os.PathLike[str]) -> list[Tool]:
    """Tools for the files below `folder`, and no others. Raises UsageError where it is no folder."""
    root = Root(folder)
    return [read_tool(root), list_tool(root), search_tool(root), *write_tools(root)]


__all__ = ["file_tools"]
