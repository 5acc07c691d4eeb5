"""Exceptions in the words a model needs: the user's own frames with their source, no colours, no library internals."""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from ..errors import redact
from ..tools.jsonable import cut

_MAX_FRAMES = 12
_AROUND = 2  # lines of source before and after the one that failed
_LIBRARIES = tuple(
    {
        os.path.realpath(path)
        for key, path in sysconfig.get_paths().items()
        if key in ("stdlib", "platstdlib", "purelib", "platlib")
    }
)
_OURS = str(Path(__file__).resolve().parent.parent)


@dataclass
class Failure:
    """One exception, described. `line` and `code` are of the innermost frame of the user's own code."""

    type: str
    message: str
    traceback: str
    line: int | None = None
    code: str | None = None
    column: int | None = None
    """Of a SyntaxError, from 1."""
    frames: list[tuple[FrameType, int]] = field(default_factory=list[tuple[FrameType, int]])
    """The user's own frames and their lines, the innermost first; drop them soon, they keep their variables alive."""


def describe_exception(error: BaseException, shell: Any = None) -> Failure:
    """Type, message and a short traceback with the chain of causes. Never raises, whatever the exception does."""
    # Python's own unfinished-input errors have private names
    name = "SyntaxError" if isinstance(error, SyntaxError) and type(error).__name__[0] == "_" else type(error).__name__
    message = redact(cut(_message(error), 4_000))
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(parts) < 8:
        seen.add(id(current))
        parts.append(_one(current, shell))
        cause = current.__cause__
        if cause is not None:
            parts.append("The exception above was raised from this one:")
        elif current.__context__ is not None and not current.__suppress_context__:
            parts.append("The exception above happened while this one was handled:")
            cause = current.__context__
        current = cause
    if parts[-1].endswith(":") and parts[-1].startswith("The exception"):
        parts.pop()
    failure = Failure(name, message, redact(cut("\n\n".join(parts), 8_000)))
    steps = [step for step in _steps(error.__traceback__) if is_users(step.tb_frame.f_code.co_filename)]
    failure.frames = [(step.tb_frame, step.tb_lineno) for step in reversed(steps)]
    if isinstance(error, SyntaxError):
        failure.line, failure.column, failure.code = error.lineno, error.offset, (error.text or "").strip() or None
    elif failure.frames:
        frame, failure.line = failure.frames[0]
        failure.code = linecache.getline(frame.f_code.co_filename, failure.line).strip() or None
    return failure


def _message(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.msg:  # its str names a file that nobody knows
        return f"{error.msg} (line {error.lineno})" if error.lineno else error.msg
    try:
        return str(error)
    except Exception:
        return "(its message could not be read)"


def is_users(filename: str) -> bool:
    """Whether a frame's file is a cell or the user's own module: not a library's and not ours."""
    if filename.startswith("<frozen") or filename == "<string>":
        return False
    if _is_cell(filename):
        return True
    real = os.path.realpath(filename)
    return not real.startswith((*_LIBRARIES, _OURS)) and "site-packages" not in real


def _is_cell(filename: str) -> bool:
    return "ipykernel_" in filename or filename.startswith("<ipython-input")


def _steps(tb: TracebackType | None) -> list[TracebackType]:
    steps: list[TracebackType] = []
    while tb is not None:
        steps.append(tb)
        tb = tb.tb_next
    return steps


def _one(error: BaseException, shell: Any, depth: int = 0) -> str:
    """One exception of the chain with its frames, the last line as Python prints it."""
    steps = _steps(error.__traceback__)
    first = next((n for n, step in enumerate(steps) if is_users(step.tb_frame.f_code.co_filename)), len(steps))
    steps = steps[first:]
    lines: list[str] = []
    skipped: list[TracebackType] = []
    if len(steps) > _MAX_FRAMES:
        hidden = len(steps) - _MAX_FRAMES
        before, steps = steps[: _MAX_FRAMES // 2], steps[-_MAX_FRAMES // 2 :]
        for step in before:
            lines += _frame(step, shell) if is_users(step.tb_frame.f_code.co_filename) else []
        lines.append(f"  … {hidden} more frames …")
    for step in steps:
        if is_users(step.tb_frame.f_code.co_filename):
            lines += _library(skipped) + _frame(step, shell)
            skipped = []
        else:
            skipped.append(step)
    lines += _library(skipped)
    if isinstance(error, SyntaxError):
        text = (error.text or "").rstrip()
        marker = [cut(text, 300), " " * min(max((error.offset or 1) - 1, 0), 300) + "^"] if text else []
        where = (
            [f"{place_name(error.filename, shell)}, line {error.lineno}:"] if error.filename and error.lineno else []
        )
        return "\n".join([*lines, *where, *marker, f"SyntaxError: {_message(error)}"])
    only = traceback.format_exception_only(type(error), error) if _readable(error) else [type(error).__name__]
    lines.append(cut("".join(only).strip(), 4_000))
    members: Any = getattr(error, "exceptions", ()) if depth < 3 else ()
    for number, member in enumerate(list(members)[:3], 1):  # of an exception group
        if isinstance(member, BaseException):
            lines.append(f"In it, {number}: " + _one(member, shell, depth + 1).replace("\n", "\n    "))
    return "\n".join(lines)


def _readable(error: BaseException) -> bool:
    try:
        str(error)
    except Exception:
        return False
    return True


def _frame(step: TracebackType, shell: Any) -> list[str]:
    code = step.tb_frame.f_code
    place = (
        "module level"
        if code.co_name in ("<module>", "<cell line: 1>") or code.co_name.startswith("<cell")
        else code.co_name
    )
    if not _is_cell(code.co_filename):
        linecache.checkcache(code.co_filename)  # the user has edited it, maybe
    lines = [f"{place_name(code.co_filename, shell)}, line {step.tb_lineno}, in {place}:"]
    for number in range(step.tb_lineno - _AROUND, step.tb_lineno + _AROUND + 1):
        text = linecache.getline(code.co_filename, number) if number > 0 else ""
        if text.strip():
            lines.append(f"{'→' if number == step.tb_lineno else ' '} {number:>3} {cut(text.rstrip(), 300)}")
    return lines


def _library(steps: list[TracebackType]) -> list[str]:
    """Frames of libraries in one line: which, and where it ended."""
    if not steps:
        return []
    last = steps[-1]
    name = last.tb_frame.f_globals.get("__name__", "?")
    return [f"  … {len(steps)} frames in libraries, last {name}.{last.tb_frame.f_code.co_name}, line {last.tb_lineno}"]


@dataclass(frozen=True)
class FailedCell:
    """The cell that raised an exception: `number` as in [12], `source` as it was typed, `line` that failed, from 1."""

    number: int
    source: str
    line: int


def failed_cell(error: BaseException, shell: Any) -> FailedCell | None:
    """The cell that raised an exception; None where it was no cell."""
    names: dict[str, Any] = getattr(getattr(shell, "compile", None), "_filename_map", {})
    places = [(step.tb_frame.f_code.co_filename, step.tb_lineno) for step in _steps(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        places.insert(0, (error.filename, error.lineno or 1))
    cells: list[tuple[int, int]] = [(names[file], line) for file, line in places if isinstance(names.get(file), int)]
    number = cells[0][0] if cells else None
    raw: list[str] = list(getattr(getattr(shell, "history_manager", None), "input_hist_raw", ()))
    if number is None or not 0 < number < len(raw):
        return None
    return FailedCell(number, raw[number], [line for cell, line in cells if cell == number][-1])


def place_name(filename: str, shell: Any) -> str:
    """ "cell [12]", or the file's path from the working directory."""
    number = getattr(getattr(shell, "compile", None), "_filename_map", {}).get(filename)
    if number == "copilot":
        return "the code you ran"
    if number is not None:
        return f"cell [{number}]"
    if _is_cell(filename):
        return "a cell"
    try:
        relative = os.path.relpath(filename)
    except ValueError:  # another drive
        return filename
    return filename if relative.startswith("..") else relative


_ours: BaseException | None = None
_before: BaseException | None = None


def set_aside(error: BaseException, before: BaseException | None) -> None:
    """`error` is a mistake in a %copilot line, and none of the user's code: `before` stays the last one."""
    global _ours, _before
    _ours, _before = error, before


def _last() -> BaseException | None:
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    return error if isinstance(error, BaseException) else None


def last_exception() -> BaseException | None:
    """The exception that the user's code raised last."""
    error = _last()
    return _before if error is not None and error is _ours else error


__all__ = [
    "FailedCell",
    "Failure",
    "describe_exception",
    "failed_cell",
    "is_users",
    "last_exception",
    "place_name",
    "set_aside",
]
