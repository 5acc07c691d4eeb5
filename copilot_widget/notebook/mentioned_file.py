"""What the model reads of `@file:path`: the beginning of a text file, or the names in a folder."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import ToolError, UsageError
from ..tools.files.confine import Folder, MissingError, Root
from ..tools.files.textfile import decode
from ..tools.sensitive import is_secret_file
from .paths import suggestion

_LIMIT = 200_000  # bytes of a file that are read at all
_MOST_NAMES = 500


def describe_file(name: str, target: str, folder: Path) -> str:
    """The file or folder `target` below `folder`, confined as the model's own tools are; `name` is the mention.

    Raises UsageError where it is not there, leads out, is no regular file, or looks like a file of keys.
    """
    root = Root(folder)
    path = os.path.expanduser(target)  # noqa: PTH111
    try:
        parts = root.parts(path)
        if is_secret_file(parts):
            raise UsageError(
                f"{name} looks like a file of keys or passwords, so it was not read.",
                hint="Copy what matters of it into the question.",
            )
        with root.folder(parts[:-1], path) as parent:
            return _described(parent, parts[-1] if parts else "", path)
    except MissingError:
        hint = suggestion(target, _near(root, path), "@file:")
        raise UsageError(f"{name}: there is no such file below {root.path}.", hint=hint) from None
    except ToolError as error:
        raise UsageError(
            f"{name}: {error.message}", hint=f"Mention a plain file or folder below {root.path}."
        ) from None


def _described(parent: Folder, last: str, given: str) -> str:
    if not last:
        return _names(parent)
    if parent.is_folder(last):
        inner = parent.enter(last, given)
        try:
            return _names(inner)
        finally:
            inner.close()
    file = parent.read(last, given, _LIMIT, whole=False)
    size = file.status.st_size
    left = size - len(file.data)
    # A character that was cut in two would make it look like a text of another encoding.
    text = decode(file.data[: file.data.rfind(b"\n") + 1] or file.data if left > 0 else file.data)
    if text is None:
        return f"(a binary file of {size:,} bytes)"
    return text.text + (f"\n… [{left:,} of {size:,} bytes not read]" if left > 0 else "")


def _names(folder: Folder) -> str:
    shown = sorted(name for name in folder.names() if not name.startswith("."))
    lines = [f"{name}/" if folder.is_folder(name) else name for name in shown[:_MOST_NAMES]]
    return "\n".join(lines) or "(an empty folder)"


def _near(root: Root, path: str) -> list[str]:
    """What there is in its place, relative to the root."""
    parents = root.parts(path)[:-1]
    try:
        with root.folder(parents, path) as parent:
            return ["/".join((*parents, name)) for name in parent.names()]
    except (ToolError, OSError):
        return []


__all__ = ["describe_file"]
