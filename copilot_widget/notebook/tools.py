"""The notebook's own tools: those that only look (they run at once, also while a cell runs), `run_code`, and those of
cells (cells.py)."""

from __future__ import annotations

import concurrent.futures
import time
from types import FrameType, FunctionType, ModuleType
from typing import Any, cast

from ..errors import ToolError, UsageError, one_line
from ..models.base import Json
from ..threads import within
from ..tools.ask_user import ask_user
from ..tools.base import Tool, ToolResult
from ..tools.function import FunctionTool, tool
from ..tools.jsonable import cut, json_text
from ..tools.kinds import full_name, is_a, type_name
from ..tools.result import display_of
from .cells import cell_tools
from .describe import describe, list_variables, summary_of
from .failure import describe_exception, last_exception, place_name
from .inputs import search_tool
from .kernel import MainThread
from .packages import install_hint
from .paths import resolve
from .pictures import picture_tool
from .run_code import RunCode

_LIST_LIMIT = 18_000  # characters of a list of variables
_LOOK_SECONDS = 3.0  # for a repr that may be slow or never end
_MAX_LOCALS = 15
_MAX_FRAMES = 6


def notebook_tools(shell: Any, main_thread: MainThread) -> list[Tool]:
    """The tools that every Copilot in a notebook has."""
    own = [*variable_tools(shell), _last_error(shell), RunCode(shell, main_thread)]
    return [*own, *cell_tools(shell, main_thread), search_tool(shell), picture_tool(shell), ask_user]


def variable_tools(shell: Any) -> list[Tool]:
    """Those that look at variables: they need no more of a shell than `user_ns` and `user_ns_hidden`."""
    return [_list_variables(shell), _inspect_variable(shell)]


def _list_variables(shell: Any) -> FunctionTool[..., Any]:
    @tool(name="list_variables", title="List variables", read_only=True, timeout=60.0)
    def listing(pattern: str = "", offset: int = 0) -> list[dict[str, Json]]:
        """List the variables of the user's notebook: name, type and a short summary of each; the latest come last.

        Args:
            pattern: Only names like this, as df_* or *price*. Empty: all.
            offset: Leave out so many of the latest, to see those before them.
        """
        entries = list_variables(shell.user_ns, shell.user_ns_hidden, pattern)
        return _fitting(entries, max(offset, 0))

    return listing


def _fitting(entries: list[dict[str, Json]], offset: int) -> list[dict[str, Json]]:
    """The latest entries that fit, without the last `offset`; the model is told how many do not, and how to go on."""
    left, kept = _LIST_LIMIT, list[dict[str, Json]]()
    for entry in reversed(entries[: max(len(entries) - offset, 0)]):
        left -= len(json_text(entry)) + 1
        if left < 0:
            break
        kept.append(entry)
    kept.reverse()
    missing = len(entries) - offset - len(kept)
    if missing > 0:
        words = (
            f"{missing:,} earlier variables are not listed: go on with offset={offset + len(kept)}, or give a pattern"
        )
        kept.insert(0, {"name": "…", "type": "", "summary": words})
    return kept


def _inspect_variable(shell: Any) -> FunctionTool[..., Any]:
    @tool(name="inspect_variable", title="Inspect variable", read_only=True)
    def inspect_variable(name: str) -> ToolResult:
        """Look closely at one variable of the user's notebook, without running code.

        A DataFrame shows shape, columns with types, nulls and ranges, and first rows; a function its source.

        Args:
            name: The variable, also an attribute, column or item of it: df, df.price, cfg["a"][0].
        """
        try:
            value = resolve(name, shell.user_ns)
        except UsageError as error:
            raise ToolError(error.message, hint=error.hint) from error
        return look(name, value)

    return inspect_variable


def look(name: str, value: Any, *, seconds: float = _LOOK_SECONDS, show: bool = True) -> ToolResult:
    """Describe a value, and `show` it, giving up on what its own code makes of it when that takes too long."""
    if seconds <= 0:
        return ToolResult({"name": name, "type": type_name(value), "note": "not described: the time for it was up"})
    deadline = time.monotonic() + seconds
    try:
        described: Json = within(seconds, lambda: describe(name, value), "inspect")
    except concurrent.futures.TimeoutError:
        described = _without_description(name, value, f"describing itself took it longer than {seconds:.3g} s")
    except Exception as error:  # an object that is not what it says it is
        described = _without_description(name, value, f"it could not be described: {one_line(error)}")
    left = deadline - time.monotonic()
    if not show or left <= 0:
        return ToolResult(described)
    try:
        return ToolResult(described, within(left, lambda: display_of(value), "show") or None)
    except Exception:  # its rich form fails, or takes too long: the description is enough
        return ToolResult(described)


def _without_description(name: str, value: Any, note: str) -> dict[str, Json]:
    """What can be said without the object's own code."""
    words = summary_of(name, value)
    known: dict[str, Json] = {} if words == full_name(type(value)) else {"summary": words}
    return {"name": name, "type": type_name(value), **known, "note": note}


def error_within(shell: Any, seconds: float = _LOOK_SECONDS) -> dict[str, Json]:
    """`describe_last_error`, or its type and a note where the exception's own code takes longer than `seconds`."""
    try:
        return within(max(seconds, 0.05), lambda: describe_last_error(shell), "error")
    except concurrent.futures.TimeoutError:
        note = f"describing itself took it longer than {seconds:.3g} s"
        return {"type": type_name(last_exception()), "note": note}


def _last_error(shell: Any) -> FunctionTool[..., Any]:
    @tool(name="last_error", title="Look at the last error", read_only=True)
    def last_error() -> dict[str, Json]:
        """Read the last error of the user's notebook: type, message, traceback with source, and local variables."""
        return error_within(shell)

    return last_error


def describe_last_error(shell: Any) -> dict[str, Json]:
    """{type, message, traceback, line?, column?, code?, locals?, callers?}, or {"error": None} where none has happened.

    `locals` are those of the innermost frame of the user's; `callers` lists the frames around it: {in, locals}.
    """
    error = last_exception()
    if error is None:
        return {"error": None}
    failure = describe_exception(error, shell)
    result: dict[str, Json] = {"type": failure.type, "message": failure.message, "traceback": failure.traceback}
    if failure.line is not None:
        result["line"] = failure.line
    if failure.code:
        result["code"] = cut(failure.code, 500)
    hint = install_hint(failure.type, failure.message)
    if hint:
        result["hint"] = hint
    if failure.column is not None:
        result["column"] = failure.column
    shown = [(frame, line, found) for frame, line in failure.frames[:_MAX_FRAMES] if (found := _locals(frame))]
    for frame, line, found in shown:
        if frame is failure.frames[0][0]:
            result["locals"] = found
        else:
            place = f"{frame.f_code.co_name}, {place_name(frame.f_code.co_filename, shell)}, line {line}"
            callers = cast("list[Json]", result.setdefault("callers", []))
            callers.append({"in": place, "locals": found})
    return result


def _locals(frame: FrameType) -> dict[str, Json]:
    """Short values of a frame's variables; in a cell, of those that its code names."""
    code, values = frame.f_code, frame.f_locals
    in_cell = values is frame.f_globals or code.co_name == "<module>" or code.co_name.startswith("<cell")
    names = [n for n in code.co_names if n in values] if in_cell else list(values)
    result: dict[str, Json] = {}
    for name in names:
        value = values[name]
        if name.startswith("_") or is_a(value, ModuleType, FunctionType, type):
            continue
        plain = is_a(value, str, int, float, bool, bytes, type(None))
        words = summary_of(name, value)
        result[name] = words if plain else f"{type_name(value)}: {words}"
        if len(result) == _MAX_LOCALS:
            break
    return result


__all__ = ["describe_last_error", "look", "notebook_tools", "variable_tools"]
