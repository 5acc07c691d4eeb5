"""Toolsets: where an agent finds its tools by name. Each wrapper changes one thing and leaves the tools alone.

Wherever a set is asked for, `toolset` takes more: a function, a Tool, an object whose class has methods decorated with
`@tool`, or several of these. So `Copilot(tools=[PrefixedToolset(Shop(), "shop_"), lookup])` is what it looks like.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Union, cast

from ..errors import CopilotError, UsageError, one_line
from ..models.base import Json, ToolSchema
from .approval import question_of
from .base import ApprovalRequest, Tool, ToolContext, ToolResult, Toolset, tool_name
from .function import Approval, FunctionTool, asked, asked_aside, checked_name, is_async
from .jsonable import cut_line, safe_repr
from .kinds import is_a

Given = Union[Toolset, Tool, Callable[..., Any], Iterable[Any], object]
"""What can be tools: a set of them, one, a function, an object with decorated methods, or several of these."""


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
        self._tools = {name: latest(one) for name, one in self._tools.items()}
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


class SoundToolset:
    """The tools of another set that can be offered: one whose schema cannot be made takes none of the others along."""

    def __init__(self, inner: Toolset) -> None:
        self._inner = inner

    def tools(self) -> Mapping[str, Tool]:
        return {name: one for name, one in self._inner.tools().items() if _trouble(one) is None}

    def troubles(self) -> list[str]:
        """Which tools are left out, and why."""
        found = {name: _trouble(one) for name, one in self._inner.tools().items()}
        return [f"The tool {name} is left out: {why}" for name, why in found.items() if why is not None]


def _trouble(one: Tool) -> str | None:
    try:
        _ = one.schema
    except CopilotError as error:
        return str(error)
    except Exception as error:
        return f"{one_line(error)}."
    return None


class FilteredToolset:
    """The tools of another set whose names pass a test."""

    def __init__(self, inner: Given, keep: Callable[[str], bool]) -> None:
        self._inner = toolset(inner)
        self._keep = keep

    def tools(self) -> Mapping[str, Tool]:
        return {name: one for name, one in self._inner.tools().items() if self._keep(name)}


class PrefixedToolset:
    """The tools of another set under longer names: "search" as "docs_search"."""

    def __init__(self, inner: Given, prefix: str) -> None:
        self._inner = toolset(inner)
        self._prefix = prefix
        self.tools()

    def tools(self) -> Mapping[str, Tool]:
        named = {checked_name(f"{self._prefix}{name}"): one for name, one in self._inner.tools().items()}
        return {name: _Renamed(one, name) for name, one in named.items()}


class RenamedToolset:
    """The tools of another set, some under other names: {"search": "find"}. Raises UsageError for two of one name."""

    def __init__(self, inner: Given, names: Mapping[str, str]) -> None:
        self._inner = toolset(inner)
        self._names = dict(names)
        if len(set(self._names.values())) < len(self._names):
            raise UsageError(f"Two tools would have one name in {self._names}.", hint="Give each its own.")
        self.tools()

    def tools(self) -> Mapping[str, Tool]:
        found = self._inner.tools()
        renamed = {checked_name(new): _Renamed(found[old], new) for old, new in self._names.items() if old in found}
        kept = {name: one for name, one in found.items() if name not in self._names}
        for name in renamed.keys() & kept.keys():
            raise UsageError(f"There is a tool named {name} already.", hint="Rename that one, too, or leave it out.")
        return {**kept, **renamed}


class ApprovedToolset:
    """The tools of another set, each of which asks before a call. `approval` is as for `@tool`: True, or a function of
    the arguments; what a tool asks by itself is still asked."""

    def __init__(self, inner: Given, approval: Approval = True) -> None:
        self._inner = toolset(inner)
        self._approval = approval

    def tools(self) -> Mapping[str, Tool]:
        return {name: _Asking(one, self._approval) for name, one in self._inner.tools().items()}


class _Wrapped:
    """Another tool, with all that only some tools have (`question`, `read_only`, `client` …)."""

    def __init__(self, inner: Tool) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @property
    def schema(self) -> ToolSchema:
        return self._inner.schema

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

    def call(self, input: Json, context: ToolContext) -> AsyncIterator[ToolResult]:
        return self._inner.call(input, context)


class _Renamed(_Wrapped):
    def __init__(self, inner: Tool, name: str) -> None:
        super().__init__(inner)
        self.name = name

    @property
    def schema(self) -> ToolSchema:
        return replace(self._inner.schema, name=self.name)


class _Asking(_Wrapped):
    def __init__(self, inner: Tool, approval: Approval) -> None:
        super().__init__(inner)
        self._approval = approval
        self.decides: bool = callable(approval) or getattr(inner, "decides", False)

    def approval(self, input: Json) -> ApprovalRequest | None:
        return self._inner.approval(input) or self._asked(input)

    def __getattr__(self, name: str) -> Any:
        if name != "question" or not (is_async(self._approval) or hasattr(self._inner, name)):
            return getattr(self._inner, name)
        return self._question

    async def _question(self, input: Json, context: ToolContext) -> ApprovalRequest | None:
        own = await question_of(self._inner, input, context)
        return own or await asked_aside(self._approval, tool_name(self._inner), input)

    def _asked(self, input: Json) -> ApprovalRequest | None:
        return asked(self._approval, tool_name(self._inner), input)


def toolset(given: Given) -> Toolset:
    """Tools of any kind as one set. Raises UsageError for what is none, and for a name used twice."""
    if _is_toolset(given):
        return cast("Toolset", given)
    if isinstance(given, Iterable) and not isinstance(given, (str, bytes, Mapping)):
        singles: list[Any] = []
        sets: list[Toolset] = []
        for item in cast("Iterable[Any]", given):
            if _is_tool(item) or inspect.isroutine(item):
                singles.append(item)
            else:
                sets.append(toolset(item))
        return _distinct(StaticToolset(singles), *sets) if sets else StaticToolset(singles)
    methods = [] if _is_tool(given) else _decorated(given)
    return StaticToolset(methods or [cast("Any", given)])


def _distinct(*sets: Toolset) -> Toolset:
    names: set[str] = set()
    for each in sets:
        for name in each.tools():
            if name in names:
                hint = "Rename one with @tool(name=…), or give one set a prefix with PrefixedToolset."
                raise UsageError(f"Two tools are named {name}.", hint=hint)
            names.add(name)
    return CombinedToolset(*sets)


def latest(one: Tool) -> Tool:
    """What the function of a notebook, or a program, is by now: who runs a cell again expects the new one."""
    given = _function_tool(one)
    if given is None or getattr(given.function, "__module__", None) != "__main__":
        return one
    now: Any = vars(sys.modules["__main__"]).get(getattr(given.function, "__name__", ""))
    if inspect.isfunction(now) and not given.decorated and now is not given.function:
        now = FunctionTool(now)
    found = _function_tool(now)
    if found is None or found.name != given.name or _place(found.function) != _place(given.function):
        return one
    return found


def _function_tool(given: Any) -> FunctionTool[..., Any] | None:
    return cast("FunctionTool[..., Any]", given) if is_a(given, FunctionTool) else None


def _place(function: Any) -> tuple[str, str]:
    return getattr(function, "__module__", ""), getattr(function, "__qualname__", "")


def _is_toolset(given: Any) -> bool:
    return callable(getattr(given, "tools", None)) and not inspect.isclass(given)


def _is_tool(given: Any) -> bool:
    if isinstance(given, (FunctionTool, _Wrapped)):  # of which the schema need not be made now, if it can be
        return True
    return all(hasattr(given, name) for name in ("schema", "parse", "approval", "call"))


def _decorated(given: Any) -> list[Tool]:
    """The tools among the methods of an object, in the order of their definition."""
    kinds = reversed(type(given).__mro__)
    names = dict.fromkeys(
        name for kind in kinds for name, value in vars(kind).items() if isinstance(value, FunctionTool)
    )
    return [getattr(given, name) for name in names if isinstance(getattr(given, name), FunctionTool)]


def as_tool(given: Tool | Callable[..., Any]) -> Tool:
    """A Tool as it is, a function as a tool. Raises UsageError for anything else."""
    if _is_tool(given):
        return cast("Tool", given)
    if callable(given):
        return FunctionTool(given)
    raise UsageError(
        f"{cut_line(safe_repr(given), 80)} is neither a tool nor a function.",
        hint="Give functions, tools, toolsets, or objects whose methods are decorated with @tool.",
    )


__all__ = [
    "ApprovedToolset",
    "CombinedToolset",
    "FilteredToolset",
    "Given",
    "PrefixedToolset",
    "RenamedToolset",
    "SoundToolset",
    "StaticToolset",
    "as_tool",
    "toolset",
]
