"""IPython's completer inside %copilot and %%copilot, in terminals and behind every front end."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .completion import Completion, Surroundings
    from .magic import Extension

_CELL = re.compile(r"\s*%%copilot(?=\s)")
_LINE = re.compile(r"[^\S\n]*(?:[^\W\d]\w*\s*=\s*)?%copilot(?=[^\S\n])")
_IDENTIFIER = "copilot_widget.completer"


class _Nothing(list[Any]):
    """No completions, and no others either: IPython asks Python's own completers, which evaluate code, unless a matcher
    has found something, by its length."""

    def __len__(self) -> int:
        return 1


def prompt_at(code: str, offset: int) -> tuple[str, int] | None:
    """What follows the magic in whose text `offset` lies, and the place in it; None elsewhere.

    Between braces Python is written, and IPython knows it better.
    """
    found, end = _CELL.match(code), len(code)
    if found is None:
        start = code.rfind("\n", 0, offset) + 1
        found, end = _LINE.match(code, start), code.find("\n", offset)
        end = len(code) if end < 0 else end
    if found is None or offset <= found.end():
        return None
    before = code[found.end() : offset]
    if before.rfind("{") > before.rfind("}"):
        return None
    return code[found.end() : end], len(before)


def complete_code(code: str, offset: int, around: Callable[[], Surroundings]) -> tuple[str, list[Completion]] | None:
    """The text that completions stand for, and they; None where the cursor is in no %copilot."""
    from .completion import complete  # at the first completion, not with %load_ext

    place = prompt_at(code, offset)
    if place is None:
        return None
    text, cursor = place
    items = complete(text, cursor, around())
    return (text[items[0].start : cursor] if items else ""), items


def install(extension: Extension) -> None:
    """Add the completer to the shell; an IPython that is too old for it (before 8.6) goes without."""
    completer = extension.shell.Completer
    matchers = getattr(completer, "custom_matchers", None)
    if matchers is None:
        return
    library: Any = import_module("IPython.core.completer")
    remove(extension.shell)

    def match(context: Any) -> dict[str, Any]:
        lines = context.full_text.split("\n")
        offset = sum(len(line) + 1 for line in lines[: context.cursor_line]) + context.cursor_position
        found = None
        if "%copilot" in context.full_text:
            found = complete_code(context.full_text, offset, lambda: surroundings(extension))
        if found is None:
            return {"completions": [], "suppress": False}
        fragment, items = found
        words = _Nothing(library.SimpleCompletion(item.text, type=_type(item)) for item in items)
        return {"completions": words, "suppress": True, "ordered": True, "matched_fragment": fragment}

    matchers.append(library.context_matcher(priority=1_000, identifier=_IDENTIFIER)(match))  # before all others


def remove(shell: Any) -> None:
    """Take it away again."""
    matchers = getattr(shell.Completer, "custom_matchers", [])
    matchers[:] = [each for each in matchers if getattr(each, "matcher_identifier", "") != _IDENTIFIER]


def _type(item: Completion) -> str:
    return item.detail.partition(" · ")[0] if item.kind == "variable" else item.kind


def surroundings(extension: Extension) -> Surroundings:
    """What a cell's prompt can name."""
    copilot = extension.copilots.get(extension.current)
    return extension.host.surroundings(copilot, options=True)
