"""`write_file` and `edit_file`: a change of a file under a root, asked for with its diff.

The consent rests on what the file held when the question was asked, and on what it will hold (`ApprovalRequest.basis`):
where it has changed since, it is left alone. The change is worked out anew when it is made, so a run may wait for its
answer in one process and go on in another.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, cast

from ...errors import ToolError
from ...models.base import Json
from ..base import ApprovalRequest, ToolContext
from ..difference import counted, unified
from ..function import FunctionTool, tool
from ..jsonable import cut
from ..sensitive import is_secret_file
from ..sizes import sized
from .confine import File, MissingError, Root
from .replace import NEW, changed, replace
from .textfile import TextFile, decode

WRITE_LIMIT = 5_000_000
"""Bytes of the largest file that is changed: its diff is made while the run waits."""
_CARD = 200_000  # characters of a diff; where it is cut, the card shows the arguments all the same


@dataclass(frozen=True)
class _Change:
    """What a call would do to a file as it is now."""

    path: str
    before: File | None
    old: str
    after: TextFile
    data: bytes

    @property
    def basis(self) -> str:
        was = NEW if self.before is None else self.before.digest
        return f"{was}>{hashlib.sha256(self.data).hexdigest()}"

    def card(self, verb: str, secret: bool) -> ApprovalRequest:
        old = None if self.before is None else self.old
        # Lines around a change would be kept with the conversation: of a secret file only those that change are shown.
        diff = unified(old, self.after.text, self.path, context=0 if secret else 3)
        return ApprovalRequest(title=f"{verb} {self.path}", diff=cut(diff, _CARD), basis=self.basis)

    def make(self, root: Root, basis: str | None) -> str:
        if basis is not None and basis != self.basis:
            raise changed(self.path)
        replace(root, self.path, self.data, self.before, WRITE_LIMIT)
        if self.before is None:
            return f"Made {self.path}, {sized(len(self.data))}."
        return f"Changed {self.path}: {counted(self.old, self.after.text)}."


def write_tools(root: Root) -> list[FunctionTool[..., Any]]:
    """`write_file` and `edit_file`. Both ask each time."""
    return [_write_tool(root), _edit_tool(root)]


def _write_tool(root: Root) -> FunctionTool[..., Any]:
    def ask(given: Json) -> ApprovalRequest:
        path, content = _texts(given, "path", "content")
        change = _whole(root, path, content)
        return change.card("make" if change.before is None else "overwrite", is_secret_file(root.parts(path)))

    @tool(name="write_file", title="Write file", approval=ask)
    def write_file(path: str, content: str, context: ToolContext) -> str:
        """Make or overwrite a text file in the user's folder. The user is asked first. Prefer edit_file for changes.

        Args:
            path: Relative to the folder.
            content: All that the file shall hold.
        """
        return _whole(root, path, content).make(root, context.basis)

    return write_file


def _edit_tool(root: Root) -> FunctionTool[..., Any]:
    def ask(given: Json) -> ApprovalRequest:
        path, old, new = _texts(given, "path", "old", "new")
        every = str(dict(given or {}).get("replace_all", False)).lower() in ("true", "1", "yes", "on", "t", "y")
        return _edited(root, path, old, new, every).card("edit", is_secret_file(root.parts(path)))

    @tool(name="edit_file", title="Edit file", approval=ask)
    def edit_file(path: str, old: str, new: str, context: ToolContext, replace_all: bool = False) -> str:
        """Replace a text in a file of the user's folder. The user is asked first. One edit of a file in each step.

        Args:
            path: Relative to the folder.
            old: The text as it stands, without line numbers; it must occur once, so take enough of its surroundings.
            new: What takes its place.
            replace_all: Replace it wherever it occurs.
        """
        return _edited(root, path, old, new, replace_all).make(root, context.basis)

    return edit_file


def _texts(given: Json, *names: str) -> list[str]:
    """Arguments that the function will get as strings. What it would refuse anyway is not asked about."""
    values: dict[str, Any] = dict(cast("dict[str, Any]", given or {}))
    return [value if isinstance(value, str) else str(value) for value in (values.get(name, "") for name in names)]


def _whole(root: Root, path: str, content: str) -> _Change:
    shown = _shown(root, path)
    try:
        before = root.read(path, WRITE_LIMIT)
    except MissingError:
        before = None
    text = TextFile("") if before is None else decode(before.data)
    if before is not None:
        _check_writable(path, before)
        if text is None:
            raise ToolError(f"{path} is a binary file.", hint="Write the text to another file.")
        if path.lower().endswith(".ipynb"):
            raise _notebook(path)
        if is_secret_file(root.parts(path)):
            raise ToolError(
                f"{path} may hold keys or passwords, and is not overwritten as a whole.",
                hint="Change a part of it with edit_file, or ask the user to do it.",
            )
    old = text or TextFile("")
    after = old.with_text(content)
    try:
        data = after.encode()
    except ToolError:
        if old.codec != "latin-1":  # text that no encoding can carry
            raise
        after = TextFile(after.text, crlf=after.crlf)
        data = after.encode()
    return _checked(_Change(shown, before, old.text, after, data))


def _edited(root: Root, path: str, old: str, new: str, replace_all: bool) -> _Change:
    shown = _shown(root, path)
    if path.lower().endswith(".ipynb"):
        raise _notebook(path)
    before = root.read(path, WRITE_LIMIT)
    _check_writable(path, before)
    text = decode(before.data)
    if text is None:
        raise ToolError(f"{path} is a binary file.", hint="Change it with code that knows it.")
    if not old:
        raise ToolError("old is empty.", hint="Give the text to replace; write_file makes a new file.")
    if text.crlf:
        old, new = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
    elif old not in text.text and old.replace("\n", "\r\n") in text.text:  # a part of a file of mixed line ends
        old, new = old.replace("\n", "\r\n"), new.replace("\r\n", "\n").replace("\n", "\r\n")
    found = text.text.count(old)
    if found == 0:
        raise ToolError(f"{path} does not hold the text in old.", hint="Read it, and copy the text exactly.")
    if found > 1 and not replace_all:
        raise ToolError(
            f"{path} holds the text in old {found} times.",
            hint="Give more of its surroundings, or replace_all=true for every one.",
        )
    after = text.with_text(text.text.replace(old, new))
    return _checked(_Change(shown, before, text.text, after, after.encode()))


def _shown(root: Root, path: str) -> str:
    parts = root.parts(path)
    if not parts or path.endswith(("/", "\\")):
        raise ToolError(f"{path or 'An empty path'} names no file.", hint="Give the path of a file.")
    return "/".join(parts)


def _checked(change: _Change) -> _Change:
    if len(change.data) > WRITE_LIMIT:
        raise ToolError(f"{change.path} would have {sized(len(change.data))}.", hint="Write so much with code.")
    if change.before is not None and change.data == change.before.data:
        raise ToolError(f"{change.path} holds exactly that already.", hint="Nothing is to be done.")
    return change


def _check_writable(path: str, before: File) -> None:
    """The folder alone would allow the file to be replaced, and root may write anything."""
    if not before.status.st_mode & 0o222:
        raise ToolError(f"{path} is read-only.", hint="Ask the user to change its mode, or write another file.")


def _notebook(path: str) -> ToolError:
    return ToolError(
        f"{path} is a notebook, and the page that has it open would not notice a change of the file.",
        hint="Show the code in your answer, for the user to put into a cell; or run it.",
    )


__all__ = ["WRITE_LIMIT", "write_tools"]
