"""Foreign text: made fit for a document, for a fence and for one line of markdown."""

from __future__ import annotations

import re

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_EMOJI = "\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"
_JOINED = "\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff"
"""Letters of scripts that need joiners: Arabic's and India's, Burmese, Khmer."""
_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d"
    "\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    f"|(?<![{_EMOJI}])[\ufe0e\ufe0f](?!\u20e3)"
    f"|(?!(?<=[{_JOINED}])[\u200c\u200d][{_JOINED}]|(?<=[{_EMOJI}\ufe0f])\u200d[{_EMOJI}])[\u200c\u200d]"
)
"""What nobody sees, or what turns the order of letters round; js/src/visible.ts has the same."""
_RETURN = re.compile(r"\r(?!\n)")
_BLANK_LINES = re.compile(r"\n((?:[ \t]*\n)+)")


def clean(text: str) -> str:
    """`text` with plain newlines, without terminal colours and without what no html or JSON file may hold."""
    text = _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROL.sub("\ufffd", text)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def literal(text: str) -> str:
    """`clean` for names, code and data: what nobody sees, or turns the order of the letters round, becomes visible.

    With it a call could read other than it runs.
    """
    return _HIDDEN.sub(_named, clean(text))


def exact(text: str) -> str:
    """A call's text with its lone carriage returns visible: to Python they end a line, to a diff they do not."""
    return _RETURN.sub(_named, text)


def runnable(text: str) -> str:
    """`clean` for code that goes on being code: characters that turn the order round become Python's escapes."""
    return _BIDI.sub(lambda found: f"\\u{ord(found.group()):04x}", clean(text))


def _named(found: re.Match[str]) -> str:
    return f"⟨U+{ord(found.group()):04X}⟩"


def one_line(text: str, limit: int = 200) -> str:
    """`literal` text on a single line, cut at `limit` characters."""
    line = " ".join(literal(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def first_line(text: str, limit: int = 120) -> str:
    """The first line that holds anything, cut at `limit` characters."""
    return next((one_line(line, limit) for line in clean(text).split("\n") if line.strip()), "")


def escape(text: str) -> str:
    """`text` for html, outside of attributes. Quotes stay, as JSON is full of them."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def attribute(text: str) -> str:
    """`text` for a quoted html attribute."""
    return escape(text).replace('"', "&quot;").replace("'", "&#39;")


def without_blank_lines(html: str) -> str:
    """The same html without an empty line in its source.

    An empty line would end the html block where the record is put into markdown (nbconvert --to markdown does
    that): the rest of a `<pre>` would be read as markdown.
    """
    return _BLANK_LINES.sub(lambda found: "\n" + found.group(1).replace("\n", "&#10;"), html)


def fence(text: str, language: str = "") -> str:
    """A fenced code block whose fence is longer than any inside."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    mark = "`" * max(3, longest + 1)
    newline = "" if text.endswith("\n") else "\n"
    return f"{mark}{language_word(language)}\n{text}{newline}{mark}"


def language_word(info: str) -> str:
    """The language in a fence's first line."""
    return re.sub(r"[^A-Za-z0-9_+#.-]", "", (info.split() or [""])[0])[:30]


def code_span(text: str) -> str:
    """`text` on one line as a markdown code span: nothing in it is a link, an emphasis or html."""
    line = one_line(text)
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    mark = "`" * (longest + 1)
    pad = " " if line.startswith("`") or line.endswith("`") or not line.strip() else ""
    return f"{mark}{pad}{line or '…'}{pad}{mark}"


_MARKS = re.compile(
    r"(\\(?=[!-/:-@\[-`{-~\n])|`|\||\](?=[\[(:])|(?<=!)\[|\*(?!\s)|(?<!\s)\*|~(?=~)"
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))"
)
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_LINE_START = re.compile(
    r"^([ \t]*)(?:([+=-])(?=[\s=-]|$)|(#)(?=#{0,5}(?:\s|$))|(>)|(\d{1,9})(?=[.)](?:\s|$)))", re.MULTILINE
)


def escape_markdown(text: str) -> str:
    """Plain text as markdown that shows just this text, with no more backslashes than it takes."""
    text = _TAG.sub("&lt;", _ENTITY.sub("&amp;", _MARKS.sub(r"\\\1", text)))
    return _LINE_START.sub(lambda m: m[1] + (f"{m[5]}\\" if m[5] else "\\" + (m[2] or m[3] or m[4])), text)


def keep_indents(text: str) -> str:
    """Spaces at the start of lines as characters that html and markdown keep; for text as someone typed it."""
    return re.sub(r"^[ \t]+", lambda m: "\u00a0" * len(m[0].expandtabs(4)), text, flags=re.MULTILINE)
