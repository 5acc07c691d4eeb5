"""Files that go with a question."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import os
from pathlib import Path
from typing import Any, Union, cast

from .errors import UsageError
from .protocol.messages import DataPart, FilePart, Part

Attachment = Union[str, "os.PathLike[str]", bytes, FilePart]

MAX_ATTACHMENT = 20_000_000  # bytes; providers refuse larger ones


def attached(item: Attachment) -> Part:
    """A picture as a file, any text as context. Raises UsageError for all else."""
    if isinstance(item, FilePart):
        return _checked(item)
    if isinstance(item, bytes):
        kind = "image/png" if item.startswith(b"\x89PNG") else "image/jpeg" if item.startswith(b"\xff\xd8") else None
        if kind is None:
            raise UsageError("An attachment in bytes must be a PNG or a JPEG image.", hint="Give other files by path.")
        return _part(item, kind, None)
    path = Path(item)
    try:
        if path.stat().st_size > MAX_ATTACHMENT:
            raise _too_large(str(path))
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"The attachment {path} cannot be read: {error.strerror or error}.") from None
    return _part(data, mimetypes.guess_type(path.name)[0] or "application/octet-stream", path.name)


def is_attached(part: Part) -> bool:
    """Whether a part of a user's message is a file that went with it. A mention's text is named as it: "@df"."""
    if isinstance(part, DataPart) and part.type == "data-context":
        return not str(cast("dict[str, Any]", part.data or {}).get("name", "")).startswith("@")
    return isinstance(part, FilePart)


def _checked(part: FilePart) -> Part:
    """A file that a page or a program has made: of a data URL, the content is looked at; an address stays one."""
    head, comma, body = part.url.partition(",")
    if not head.startswith("data:"):
        return part
    try:
        data = base64.b64decode(body, validate=True) if comma and head.endswith(";base64") else None
    except (ValueError, binascii.Error):
        data = None
    if data is None:
        raise UsageError(
            f"The attachment {part.filename or ''} is damaged.".replace("  ", " "), hint="Attach it again."
        )
    if len(data) > MAX_ATTACHMENT:
        raise _too_large(part.filename or "")
    return _part(data, part.media_type, part.filename)


def _part(data: bytes, kind: str, name: str | None) -> Part:
    if kind.startswith("image/") and kind != "image/svg+xml":
        url = f"data:{kind};base64,{base64.b64encode(data).decode()}"
        return FilePart(url=url, media_type=kind, filename=name)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise UsageError(f"The attachment {name} is neither an image nor text.", hint="Convert it first.") from None
    return DataPart(type="data-context", id=name, data={"name": name or "attachment", "text": text})


def _too_large(name: str) -> UsageError:
    return UsageError(f"The attachment {name} is larger than 20 MB.", hint="Send a smaller part of it.")


__all__ = ["MAX_ATTACHMENT", "Attachment", "attached", "is_attached"]
