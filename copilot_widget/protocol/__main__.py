"""`python -m copilot_widget.protocol [FILE|-]`: the message that a stream makes.

Reads Server-Sent Events, one chunk of JSON a line, or a JSON array of chunks, and prints the final UIMessage. Exit 1,
and one line on standard error with the chunk's number (from 0), the field and the reason, where the stream breaks the
rules or cannot be read; exit 2 on wrong usage.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import ProtocolError
from .jsontext import dumps, loads_safely
from .reducer import Reducer
from .sse import parse_events
from .wire import parse_chunk


def read_chunks(text: str) -> Iterator[Any]:
    """The chunks of a text in any of the three forms, each still a dict or a JSON text."""
    text = text.removeprefix("\ufeff")
    head = text.lstrip()[:1]
    if head == "[":
        try:
            yield from loads_safely(text)
        except ValueError as error:
            raise ProtocolError(f"not JSON: {error}") from None
    elif head == "{":
        lines = (line.strip() for line in text.split("\n"))
        yield from (line for line in lines if line not in ("", "[DONE]"))
    else:
        # a file that was typed ends with its last line; an event that is cut in the middle of a line is none
        for event in parse_events(text + "\n" if text.endswith("\n") else text):
            yield event.data


def main(arguments: list[str]) -> int:
    if len(arguments) > 1 or arguments[:1] == ["--help"]:
        print(__doc__, file=sys.stderr)
        return 2
    reducer = Reducer()
    index = -1
    try:
        for index, chunk in enumerate(read_chunks(_read(*arguments))):
            try:
                reducer.push(parse_chunk(chunk))
            except ProtocolError as error:
                raise ProtocolError(error.reason, index=index) from None
        if index < 0:
            raise ProtocolError("there is no chunk: neither an event, nor a line of JSON, nor a JSON array")
        message = dumps(reducer.message.to_wire())
    except (ProtocolError, OSError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    sys.stdout.buffer.write(message.encode() + b"\n")
    return 0


def _read(name: str = "-") -> str:
    held = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    try:
        return held.decode()
    except UnicodeDecodeError as error:
        raise ProtocolError(f"not UTF-8: byte {error.start} is 0x{held[error.start]:02x}") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
