"""A text file's bytes as text, and back without changing what nobody asked to change: encoding, mark, line ends."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, replace

from ...errors import ToolError

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True)
class TextFile:
    """`text` has plain newlines where the file's lines all end in CRLF; a file of mixed ends is taken as it is."""

    text: str
    codec: str = "utf-8"
    mark: bytes = b""
    """The byte order mark that the file begins with."""
    crlf: bool = False

    def with_text(self, text: str) -> TextFile:
        return replace(self, text=text.replace("\r\n", "\n") if self.crlf else text)

    def encode(self) -> bytes:
        """The file's bytes. Raises ToolError for characters that its encoding hasn't."""
        text = self.text.replace("\n", "\r\n") if self.crlf else self.text
        try:
            return self.mark + text.encode(self.codec)
        except UnicodeEncodeError as error:
            character = error.object[error.start]
            raise ToolError(
                f"{character!r} cannot be written in the file's encoding, {self.codec}.",
                hint="Use other characters, or ask the user to convert the file to UTF-8.",
            ) from None


def decode(data: bytes) -> TextFile | None:
    """The text of a file's bytes, None for a binary file. What is no UTF-8 is read as Latin-1, which fits any bytes."""
    mark, codec = next(((mark, codec) for mark, codec in _MARKS if data.startswith(mark)), (b"", "utf-8"))
    body = data[len(mark) :]
    try:
        text = body.decode(codec)
    except UnicodeDecodeError:
        if mark:
            return None
        codec, text = "latin-1", body.decode("latin-1")
    if "\0" in text:
        return None
    ends = text.count("\n")
    if ends and ends == text.count("\r\n"):
        return TextFile(text.replace("\r\n", "\n"), codec, mark, crlf=True)
    return TextFile(text, codec, mark)


def lines_of(text: str) -> list[str]:
    """The lines without their ends; a newline at the end begins no further line. Only \\n, \\r\\n and \\r end one."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


__all__ = ["TextFile", "decode", "lines_of"]
