"""A path under a root: what a model may name, opened so that it cannot lead out.

No symbolic link is followed, not the last name of a path nor one in its middle, and only folders and regular files are
opened: a pipe would block, a device may act. On POSIX a path is walked from the root by descriptors, one name at a time
(`dir_fd`, O_NOFOLLOW), so a folder that is swapped for a link between a check and its use is not followed either.

Windows has no such calls. There each name is looked at, its real path must be below the root, and it is opened by its
full path: somebody who can write in the folder could swap it in between.

A hard link cannot be told from the file itself: where one inside the root names a file outside, it can be read.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from ...errors import ToolError, UsageError
from ..sizes import sized

BY_DESCRIPTOR = hasattr(os, "O_NOFOLLOW") and {os.open, os.stat, os.mkdir, os.unlink, os.rename} <= os.supports_dir_fd

_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_FOLDER = _READ | getattr(os, "O_DIRECTORY", 0)
_FILE = _READ | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_LONGEST_PATH = 4_096
_DEVICES_ON_WINDOWS = frozenset({"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(10))})
_SYSTEM = ("/proc", "/sys", "/dev")  # files of no disk: reading them may block or tell the process's keys


class MissingError(ToolError):
    """There is nothing of that name."""


@dataclass(frozen=True)
class File:
    """What a regular file held when it was read."""

    data: bytes
    status: os.stat_result

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


class Folder:
    """A folder below a root, held open: what becomes of its name meanwhile changes nothing. Close it."""

    def __init__(self, path: str, fd: int | None, root: str) -> None:
        self.path = path
        self.fd = fd
        self._root = root

    def at(self, name: str) -> str:
        """`name` as the os functions take it, together with `dir_fd=self.fd`."""
        return name if self.fd is not None else os.path.join(self.path, name)  # noqa: PTH118

    def close(self) -> None:
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    def status(self, name: str) -> os.stat_result:
        """Of the name itself, also where it is a link. Raises OSError."""
        return os.stat(self.at(name), dir_fd=self.fd, follow_symlinks=False)

    def names(self) -> Iterator[str]:
        """What is in it, in no order. Raises OSError."""
        with os.scandir(self.path if self.fd is None else self.fd) as entries:
            for entry in entries:
                yield entry.name

    def enter(self, name: str, given: str, *, make: bool = False) -> Folder:
        """The folder `name` in this one; with `make` it is made where it is missing. Raises ToolError."""
        path = os.path.join(self.path, name)  # noqa: PTH118
        try:
            status = self._made(name) if make else self.status(name)
            if not stat.S_ISDIR(status.st_mode) or _is_link(status):
                raise _wrong_kind(given, name, status.st_mode, _is_link(status))
            if self.fd is not None:
                return Folder(path, os.open(name, _FOLDER, dir_fd=self.fd), self._root)
        except OSError as error:
            raise problem(given, error) from None
        if not _is_below(os.path.realpath(path), self._root):
            raise ToolError(f"{given} leads out of {self._root}.", hint="Use a path that stays in it.")
        return Folder(path, None, self._root)

    def _made(self, name: str) -> os.stat_result:
        with contextlib.suppress(FileNotFoundError):
            return self.status(name)
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.at(name), dir_fd=self.fd)
        return self.status(name)

    def is_folder(self, name: str) -> bool:
        """Whether `name` is a folder itself, no link to one."""
        try:
            status = self.status(name)
        except OSError:
            return False
        return stat.S_ISDIR(status.st_mode) and not _is_link(status)

    def read(self, name: str, given: str, limit: int, *, whole: bool = True) -> File:
        """The regular file `name`, of at most `limit` bytes; with whole=False the first ones. Raises ToolError."""
        try:
            before = self.status(name)
            if not stat.S_ISREG(before.st_mode) or _is_link(before):
                raise _wrong_kind(given, name, before.st_mode, _is_link(before))
            fd = os.open(self.at(name), _FILE, dir_fd=self.fd)
            with os.fdopen(fd, "rb") as stream:
                return _content(stream, given, limit, whole)
        except OSError as error:
            raise problem(given, error) from None


def _content(stream: BinaryIO, given: str, limit: int, whole: bool) -> File:
    status = os.fstat(stream.fileno())
    if not stat.S_ISREG(status.st_mode):  # it was swapped after it had been looked at
        raise _wrong_kind(given, given, status.st_mode, False)
    if not whole:
        return File(stream.read(limit), status)
    data = stream.read(limit + 1) if status.st_size <= limit else b""
    if max(status.st_size, len(data)) > limit:
        raise ToolError(
            f"{given} has {sized(status.st_size)}, and at most {sized(limit)} are read.",
            hint="Look at a part of it with code, or with search_files.",
        )
    return File(data, status)


class Root:
    """The folder that paths are confined to. Raises UsageError where it is none.

    Where it is itself a link, the folder that it means now is taken, once and for all.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        given = Path(folder).expanduser().absolute()
        real = os.path.realpath(given)
        if not os.path.isdir(real):  # noqa: PTH112
            raise UsageError(f"root is {str(folder)!r}, and there is no such folder.", hint="Name one that is there.")
        self.path = Path(real)
        self._prefixes = (os.path.normpath(given), real)

    def parts(self, path: str) -> tuple[str, ...]:
        """The names that lead from the root to `path`, () for the root itself. Raises ToolError where it leads out.

        `..` is refused also within the root: what a user has allowed for "out/*" must not hold for "out/../x".
        """
        if "\0" in path:
            raise ToolError(f"{path!r} is not a path: it holds a NUL character.", hint="Leave it out.")
        if len(path) > _LONGEST_PATH:
            raise ToolError(f"A path of {len(path):,} characters is too long.", hint="Give a shorter one.")
        try:
            os.fsencode(path)
        except UnicodeEncodeError:
            raise ToolError(f"{path!r} is not a path: it cannot be encoded.", hint="Use other characters.") from None
        text = path.replace("\\", "/") if os.name == "nt" else path
        if os.path.isabs(text) or os.path.splitdrive(text)[0]:  # noqa: PTH117
            text = self._relative(path)
        names: list[str] = []
        for name in text.split("/"):
            if name == "..":
                if not names:
                    raise self._outside(path)
                names.pop()
            elif name not in ("", "."):
                names.append(name)
        if ".." in path.replace("\\", "/").split("/"):
            raise ToolError(f"{path} has '..' in it.", hint=f"Write it as {'/'.join(names) or '.'}.")
        if os.name == "nt" and any(_is_device_on_windows(name) for name in names):
            raise ToolError(f"{path} names a device or a stream.", hint="Use a plain file name.")
        if f"/{names[0] if names else ''}" in _SYSTEM and str(self.path) == "/":
            raise ToolError(f"{path} is a file of the system, none of a disk.", hint="Use a file of the user's.")
        return tuple(names)

    @contextlib.contextmanager
    def folder(self, parts: tuple[str, ...], given: str, *, make: bool = False) -> Generator[Folder]:
        """The folder that `parts` lead to, held open; `given` is the path as errors name it."""
        try:
            fd = os.open(self.path, _FOLDER) if BY_DESCRIPTOR else None
        except OSError as error:
            raise problem(str(self.path), error) from None
        here = Folder(str(self.path), fd, str(self.path))
        try:
            for name in parts:
                inner = here.enter(name, given, make=make)
                here.close()
                here = inner
            yield here
        finally:
            here.close()

    def read(self, path: str, limit: int) -> File:
        """A regular file of at most `limit` bytes. Raises ToolError, MissingError where there is none."""
        parts = self.parts(path)
        if not parts:
            raise _wrong_kind(path, path, stat.S_IFDIR, False)
        with self.folder(parts[:-1], path) as folder:
            return folder.read(parts[-1], path, limit)

    def _relative(self, path: str) -> str:
        """An absolute path from the root on, whether it is written by the root's own name or by a link to it."""
        normal = os.path.normpath(path)
        for prefix in self._prefixes:
            if _is_below(normal, prefix):
                return os.path.relpath(normal, prefix).replace(os.sep, "/")
        raise self._outside(path)

    def _outside(self, path: str) -> ToolError:
        return ToolError(
            f"{path} is outside of {self.path}, and only files in that folder can be used.",
            hint="Give a path relative to it; list_files shows what there is.",
        )


def _is_below(path: str, root: str) -> bool:
    path, root = os.path.normcase(path), os.path.normcase(root)
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _is_link(status: os.stat_result) -> bool:
    """Also a junction of Windows, whose mode says folder."""
    reparse = getattr(stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0)
    return stat.S_ISLNK(status.st_mode) or bool(getattr(status, "st_file_attributes", 0) & reparse)


def _is_device_on_windows(name: str) -> bool:
    return ":" in name or name.partition(".")[0].rstrip(" ").lower() in _DEVICES_ON_WINDOWS


def kind_of(mode: int) -> str:
    """What a file's mode says that it is, in words."""
    kinds = ((stat.S_ISDIR, "a folder"), (stat.S_ISLNK, "a symbolic link"), (stat.S_ISFIFO, "a named pipe"))
    kinds += ((stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"))
    return next((word for test, word in kinds if test(mode)), "a file")


def _wrong_kind(given: str, name: str, mode: int, link: bool) -> ToolError:
    word = "a symbolic link" if link else kind_of(mode)
    if stat.S_ISDIR(mode) and not link:
        return ToolError(f"{given} is a folder.", hint="List it with list_files, or name a file in it.")
    where = f"{given} is {word}" if given.endswith(name) else f"{given}: {name} is {word}"
    if link:
        hint = "Name the file that it means, where that is in the folder too."
        return ToolError(f"{where}, which is not followed.", hint=hint)
    return ToolError(f"{where}.", hint="Only regular files can be used.")


def problem(given: str, error: OSError) -> ToolError:
    """What the system said of a path, in words for the model."""
    if error.errno == errno.ENOENT:
        return MissingError(f"There is no {given}.", hint="list_files shows what there is.")
    if error.errno in (errno.ENOTDIR, errno.ELOOP):  # swapped after it had been looked at
        return ToolError(f"{given} leads through a file or a symbolic link.", hint="Name a file in a plain folder.")
    why = error.strerror or type(error).__name__
    return ToolError(f"{given} cannot be used: {why}.", hint="Ask the user to change that, or use another file.")


__all__ = ["BY_DESCRIPTOR", "File", "Folder", "MissingError", "Root", "kind_of", "problem"]
