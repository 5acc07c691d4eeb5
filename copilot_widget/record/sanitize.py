"""Foreign html (a DataFrame's, a rich repr's) written anew from an allow-list.

Nothing of the input is copied: every tag, attribute and character in the result is one that this module wrote.
What a reader could have seen and that is left out (frames, scripts, form fields) is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .markup import End, Start, Text, tokens
from .text import attribute, clean, escape, literal


def _names(names: str) -> frozenset[str]:
    return frozenset(names.split())


_INLINE = _names("a abbr b bdi br code del dfn em i img ins kbd mark q s samp small span strong sub sup u var")
_BLOCK = _names(
    "blockquote caption dd details div dl dt figcaption figure h1 h2 h3 h4 h5 h6 hr li ol p pre summary table tbody td"
    " tfoot th thead tr ul"
)
_ALLOWED = _INLINE | _BLOCK
_VOID = _names("br hr img")
_SILENT = _names("style template noscript title head html body meta link colgroup col")
"""Not named where they are left out: a reader would not have seen them."""
_WITH_CONTENT = _names(
    "style script template noscript title head iframe object svg math audio video canvas select textarea applet"
)
_BARRIER = {"td": "table", "th": "table", "tr": "table", "li": "ul ol", "dt": "dl", "dd": "dl", "p": "td th li div"}
_CLOSES = {
    "td": {"td", "th"},
    "th": {"td", "th"},
    "tr": {"tr", "td", "th"},
    "li": {"li"},
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
    "p": {"p"},
    "tbody": {"thead", "tbody", "tr", "td", "th"},
    "tfoot": {"thead", "tbody", "tr", "td", "th"},
}
_HEADINGS = {"h1": "h5", "h2": "h5", "h3": "h6", "h4": "h6"}
"""Small headings: JupyterLab lists h1 to h4 of outputs in the notebook's table of contents."""

_DEPTH = 60
_INDENT = re.compile(r"(?<![ \t])[ \t]*\n\s*")  # a run of blanks is looked at once, not from each of them
SAFE_LINK = re.compile(r"(?:https?://|mailto:)[^\s<>\"]+\Z", re.IGNORECASE)
_SAFE_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+\Z")


@dataclass(frozen=True)
class SafeHtml:
    """`html` is safe anywhere; `seen` tells whether it shows anything; `left_out` names the tags that are missing."""

    html: str
    seen: bool
    left_out: tuple[str, ...]


def sanitize(html: str) -> SafeHtml:
    """Write `html` anew."""
    writer = _Writer()
    for token in tokens(clean(html)):
        if isinstance(token, Start):
            writer.start(token.name, token.attributes)
        elif isinstance(token, End):
            writer.end(token.name)
        else:
            writer.text(token)
    return writer.result()


def safe_link(url: str) -> str:
    """`url` where it is http, https or mailto; else empty."""
    url = url.strip()
    return url if SAFE_LINK.match(url) else ""


class _Writer:
    def __init__(self) -> None:
        self._out: list[str] = []
        self._open: list[str] = []
        self._skipped = ""
        self._skipping = 0
        """How many elements of the name `_skipped` are open, one within the other."""
        self._left_out: list[str] = []
        self._seen = False

    def result(self) -> SafeHtml:
        while self._open:
            self._out.append(f"</{self._open.pop()}>")
        return SafeHtml("".join(self._out).strip(), self._seen, tuple(dict.fromkeys(self._left_out)))

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._skipping:
            self._skipping += tag == self._skipped
        elif tag in _ALLOWED:
            self._close_implied(tag)
            self._start(_HEADINGS.get(tag, tag), attributes)
        else:
            if tag not in _SILENT:
                self._left_out.append(re.sub(r"[^a-z0-9-]", "", tag)[:20])
            if tag in _WITH_CONTENT:
                self._skipped, self._skipping = tag, 1

    def end(self, tag: str) -> None:
        tag = _HEADINGS.get(tag, tag)
        if self._skipping:
            self._skipping -= tag == self._skipped
        elif tag in self._open:
            self._close_to(tag)

    def text(self, text: Text) -> None:
        if self._skipping:
            return
        self._seen = self._seen or bool(text.data.strip())
        self._out.append(escape(text.data if "pre" in self._open else _INDENT.sub("\n", text.data)))

    def _start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "img":
            self._image(attributes)
        elif tag in _VOID:
            self._out.append(f"<{tag}>")
        elif len(self._open) < _DEPTH:
            self._out.append(f"<{tag}{_kept(tag, attributes)}>")
            self._open.append(tag)

    def _image(self, attributes: Mapping[str, str]) -> None:
        source, alt = attributes.get("src", ""), literal(attributes.get("alt", ""))
        self._seen = True
        if _SAFE_IMAGE.match(source):
            self._out.append(f'<img src="{attribute("".join(source.split()))}" alt="{attribute(alt)}">')
        elif url := safe_link(source):
            self._out.append(f'<a href="{attribute(url)}" rel="noopener noreferrer">{escape(alt or url)}</a>')
        else:
            self._out.append(escape(f"[picture: {alt or 'no description'}]"))

    def _close_implied(self, tag: str) -> None:
        """Close what a browser would close before `tag`, e.g. an open cell before the next."""
        closes = _CLOSES.get(tag)
        if closes is None:
            return
        barrier = set(_BARRIER.get(tag, "table").split())
        last = -1
        for i in range(len(self._open) - 1, -1, -1):
            if self._open[i] in barrier:
                break
            if self._open[i] in closes:
                last = i
        while last >= 0 and len(self._open) > last:
            self._out.append(f"</{self._open.pop()}>")

    def _close_to(self, tag: str) -> None:
        while True:
            closed = self._open.pop()
            self._out.append(f"</{closed}>")
            if closed == tag:
                return


def _kept(tag: str, attributes: Mapping[str, str]) -> str:
    if tag == "a" and (url := safe_link(attributes.get("href", ""))):
        return f' href="{attribute(url)}" rel="noopener noreferrer"'
    if tag not in ("td", "th"):
        return ""
    spans = {name: attributes.get(name, "") for name in ("colspan", "rowspan")}
    return "".join(f' {name}="{span}"' for name, span in spans.items() if re.fullmatch(r"[1-9][0-9]{0,2}", span))
