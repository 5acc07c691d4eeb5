"""Toolsets: where an agent finds its tools by name. Each wrapper changes one thing and leaves the tools alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

from ..errors import UsageError
from ..models.base import Json, ToolSchema
from .base import ApprovalRequest, Tool, ToolContext, ToolResult, Toolset, tool_name
from .function import FunctionTool
from .jsonable import cut_line, safe_repr


class StaticToolset:
    """A fixed set. Takes Tools and plain functions, which become tools. Raises UsageError for a name used twice."""

    def __init__(self, tools: Iterable[Tool | Callable[..., Any]] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        for given in tools:
            one = as_tool(given)
            name = tool_name(one)
            if name in self._tools:
                raise UsageError(f"Two tools are named {name}.", hint="Rename one with @tool(name=…).")
            self._tools[name] = one

    def tools(self) -> Mapping[str, Tool]:
        return self._tools


class CombinedToolset:
    """Several toolsets as one. Where two have a tool of the same name, the earlier one's is taken."""

    def __init__(self, *toolsets: Toolset) -> None:
        self._toolsets = toolsets

    def tools(self) -> Mapping[str, Tool]:
        result: dict[str, Tool] = {}
        for toolset in reversed(self._toolsets):
            result.update(toolset.tools())
        return result


class FilteredToolset:
    """The tools of another set whose names pass a test."""

    def __init__(self, inner: Toolset, keep: Callable[[str], bool]) -> None:
        self._inner = inner
        self._keep = keep

    def tools(self) -> Mapping[str, Tool]:
        return {name: one for name, one in self._inner.tools().items() if self._keep(name)}


class PrefixedToolset:
    """The tools of another set under longer names: "search" as "docs_search"."""

    def __init__(self, inner: Toolset, prefix: str) -> None:
        self._inner = inner
        self._prefix = prefix

    def tools(self) -> Mapping[str, Tool]:
        return {
            f"{self._prefix}{name}": _Renamed(one, f"{self._prefix}{name}") for name, one in self._inner.tools().items()
        }


class _Renamed:
    """Another tool under another name."""

    def __init__(self, inner: Tool, name: str) -> None:
        self._inner = inner
        self.name = name

    @property
    def schema(self) -> ToolSchema:
        return replace(self._inner.schema, name=self.name)

    @property
    def title(self) -> str:
        return self._inner.title

    @property
    def timeout(self) -> float:
        return self._inner.timeout

    @property
    def parallel(self) -> bool:
        return self._inner.parallel

    def parse(self, text: str) -> Json:
        return self._inner.parse(text)

    def approval(self, input: Json) -> ApprovalRequest | None:
        return self._inner.approval(input)

    def __getattr__(self, name: str) -> Any:
        if name != "question":  # a method that only some tools have
            raise AttributeError(name)
        return getattr(self._inner, name)

    def call(self, input: Json, context: ToolContext) -> AsyncIterator[ToolResult]:
        return self._inner.call(input, context)


def as_tool(given: Tool | Callable[..., Any]) -> Tool:
    """A Tool as it is, a function as a tool. Raises UsageError for anything else."""
    if all(hasattr(given, name) for name in ("schema", "parse", "approval", "call")):
        return cast("Tool", given)
    if callable(given):
        return FunctionTool(given)
    raise UsageError(f"{cut_line(safe_repr(given), 80)} is neither a tool nor a function.")


__all__ = ["CombinedToolset", "FilteredToolset", "PrefixedToolset", "StaticToolset", "as_tool"]
