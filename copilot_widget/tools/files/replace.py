"""Putting new content in a file's place: whole or not at all, and only over what was there when it was decided.

The content goes into a temporary file of the same folder, which then takes the file's name. So a reader sees the old
content or the new, and a full disk or a crash leaves the old. Mode and owner stay. What is checked last is what the
file holds; a writer that comes between this check and the renaming, some microseconds later, is not noticed. A file
that is new takes its name only if that is still free. Where a file has several names (hard links), the others keep the
old content.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat

from ...errors import ToolError
from .confine import File, Folder, MissingError, Root, problem

NEW = "new"
"""The state of a file that is not there."""

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_FLAGS = _CREATE | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def replace(root: Root, path: str, data: bytes, before: File | None, limit: int) -> None:
    """Write `data` where `before` (None: nothing) is. Raises ToolError, and has changed nothing then."""
    parts = root.parts(path)
    with root.folder(parts[:-1], path, make=before is None) as folder:
        name = parts[-1]
        temporary = f".copilot-{secrets.token_hex(8)}.tmp"
        try:
            _write(folder, temporary, data, before)
            if before is None:
                _take_free_name(folder, temporary, name, path)
            else:
                if _digest(folder, name, path, limit) != before.digest:
                    raise changed(path)
                os.replace(folder.at(temporary), folder.at(name), src_dir_fd=folder.fd, dst_dir_fd=folder.fd)
        except OSError as error:
            raise problem(path, error) from None
        finally:
            with contextlib.suppress(OSError):
                os.unlink(folder.at(temporary), dir_fd=folder.fd)
        if folder.fd is not None:
            with contextlib.suppress(OSError):
                os.fsync(folder.fd)


def changed(path: str) -> ToolError:
    """A file is not what it was when the user was asked."""
    return ToolError(
        f"{path} has changed since the user was asked, and was left as it is now.",
        hint="Read it again, and make the change anew; change a file once in each step.",
    )


def _write(folder: Folder, name: str, data: bytes, before: File | None) -> None:
    mode = 0o666 if before is None else 0o600  # of a private file nobody else sees the new content either
    fd = os.open(folder.at(name), _FLAGS, mode, dir_fd=folder.fd)
    with os.fdopen(fd, "wb") as stream:
        stream.write(data)
        stream.flush()
        if before is not None:
            _keep(stream.fileno(), folder.at(name), before.status)
        os.fsync(stream.fileno())


def _keep(fd: int, path: str, status: os.stat_result) -> None:
    """Owner first, since changing it clears bits of the mode."""
    if hasattr(os, "fchown"):
        made = os.fstat(fd)
        if (made.st_uid, made.st_gid) != (status.st_uid, status.st_gid):
            with contextlib.suppress(OSError):  # it then belongs to who writes it, as with any editor
                os.fchown(fd, status.st_uid, status.st_gid)
        os.fchmod(fd, stat.S_IMODE(status.st_mode))
    else:
        os.chmod(path, stat.S_IMODE(status.st_mode))  # noqa: PTH101


def _take_free_name(folder: Folder, temporary: str, name: str, given: str) -> None:
    """Rename, but never over a file that has come meanwhile."""
    try:
        if os.name == "nt":
            os.rename(folder.at(temporary), folder.at(name))  # noqa: PTH104 - refuses a name that is taken
            return
        os.link(folder.at(temporary), folder.at(name), src_dir_fd=folder.fd, dst_dir_fd=folder.fd)
        return
    except FileExistsError:
        raise changed(given) from None
    except OSError:  # a file system without hard links
        pass
    with contextlib.suppress(FileNotFoundError):
        folder.status(name)
        raise changed(given)
    os.replace(folder.at(temporary), folder.at(name), src_dir_fd=folder.fd, dst_dir_fd=folder.fd)


def _digest(folder: Folder, name: str, given: str, limit: int) -> str:
    try:
        return folder.read(name, given, limit).digest
    except MissingError:
        return NEW


__all__ = ["NEW", "changed", "replace"]
