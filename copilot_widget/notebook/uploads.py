"""Files that a page sends piece by piece, until the message comes that they belong to."""

from __future__ import annotations

import threading
from collections import OrderedDict

from ..attachments import MAX_ATTACHMENT
from ..errors import UsageError
from ..protocol.commands import Attachment
from ..protocol.messages import FilePart

_MAX_CHARACTERS = MAX_ATTACHMENT * 4 // 3 + 4
_MAX_FILES = 20


class Uploads:
    """Base64 by the name that the page gave it. What is never sent gives way to what comes later."""

    def __init__(self) -> None:
        self._pieces: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, name: str, at: int, data: str) -> int:
        """Take a piece; returns the characters that are there. One that came before changes nothing.

        Raises UsageError where the file is too large, or a piece is missing.
        """
        with self._lock:
            held = self._pieces.get(name, "")
            if at + len(data) > _MAX_CHARACTERS:
                raise UsageError("The file is larger than 20 MB.", hint="Send a smaller part of it.")
            if at > len(held):
                raise UsageError("A piece of the file is missing.", hint="Attach it again.")
            if at == len(held):
                self._pieces[name] = held + data
                while len(self._pieces) > _MAX_FILES:
                    self._pieces.popitem(last=False)
            return len(self._pieces[name])

    def part(self, attachment: Attachment) -> FilePart:
        """The file of an attachment. Raises UsageError where it did not come."""
        url = attachment.url
        if attachment.upload:
            with self._lock:
                data = self._pieces.get(attachment.upload)
            if data is None:
                raise UsageError(f"The file {attachment.filename or ''} did not arrive.", hint="Attach it again.")
            url = f"data:{attachment.media_type};base64,{data}"
        if not url.startswith("data:"):
            raise UsageError("An attachment must be a data URL or an upload.", code="bad-arguments")
        return FilePart(url=url, media_type=attachment.media_type, filename=attachment.filename)

    def done(self, attachments: list[Attachment]) -> None:
        """They were sent."""
        with self._lock:
            for attachment in attachments:
                self._pieces.pop(attachment.upload, None)


__all__ = ["Uploads"]
