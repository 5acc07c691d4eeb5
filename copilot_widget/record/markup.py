"""Html as a sequence of texts and tags, read as browsers read it.

Not html.parser: on broken markup it takes time that grows with the square of the length (minutes for 200 kB, in the
Pythons before 3.14), and what it makes of comments and raw text differs between versions. This one looks at each
character a bounded number of times. It builds no tree and judges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Union


@dataclass(frozen=True)
class Text:
    data: str


@dataclass(frozen=True)
class Start:
    """A start tag; of attributes that are there twice the first counts."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class End:
    name: str


Token = Union[Text, Start, End]

_RAW = frozenset(
    {"script", "style", "xmp", "iframe", "noembed", "noframes", "noscript", "textarea", "title", "plaintext"}
)
"""Nothing in them is a tag; they end at their own end tag or not at all."""

_OPENING = re.compile(r"<(?:(/?)([A-Za-z][^\s/>]*)|!--|[!?/])")
_NAME = re.compile(r"[\s/]*([^\s/>=][^\s/>=]*|=[^\s/>=]*)?")
_EQUALS = re.compile(r"\s*=\s*")
_UNQUOTED = re.compile(r"[^\s>]*")


def tokens(html: str) -> Iterator[Token]:
    """The tokens of `html`. A tag or a comment that never ends is nothing, as in a browser."""
    start = position = 0
    while found := _OPENING.search(html, position):
        if found.start() > start:
            yield Text(unescape(html[start : found.start()]))
        if found.group(2) is None:
            end = _skip_comment(html, found)
        else:
            name = found.group(2).lower()
            attributes, end = _attributes(html, found.end())
            if end < 0:
                return
            yield End(name) if found.group(1) else Start(name, attributes)
            if name in _RAW and not found.group(1):
                raw_end = _raw_end(html, name, end)
                yield Text(html[end:raw_end])
                end = raw_end
        start = position = end
    if start < len(html):
        yield Text(unescape(html[start:]))


def _skip_comment(html: str, found: re.Match[str]) -> int:
    """Where a comment, a doctype or a processing instruction is over."""
    if found.group() != "<!--":
        end = html.find(">", found.end())
        return len(html) if end < 0 else end + 1
    if html.startswith((">", "->"), found.end()):
        return html.index(">", found.end()) + 1
    ends = [at + len(mark) for mark in ("-->", "--!>") if (at := html.find(mark, found.end())) >= 0]
    return min(ends, default=len(html))


def _attributes(html: str, position: int) -> tuple[dict[str, str], int]:
    """The attributes from `position` on, and where the tag is over; -1 where it never is."""
    attributes: dict[str, str] = {}
    while True:
        found = _NAME.match(html, position)
        assert found  # it matches nothing at all, too
        position = found.end()
        name = (found.group(1) or "").lower()
        if not name:
            return attributes, position + 1 if position < len(html) else -1
        value = ""
        if equals := _EQUALS.match(html, position):
            quote = html[equals.end() : equals.end() + 1]
            if quote in ('"', "'") and quote:
                position = html.find(quote, equals.end() + 1)
                if position < 0:
                    return attributes, -1
                value = html[equals.end() + 1 : position]
                position += 1
            else:
                unquoted = _UNQUOTED.match(html, equals.end())
                assert unquoted
                value, position = unquoted.group(), unquoted.end()
        attributes.setdefault(name, unescape(value))


def _raw_end(html: str, name: str, position: int) -> int:
    if name == "plaintext":
        return len(html)
    found = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(html, position)
    return found.start() if found else len(html)
