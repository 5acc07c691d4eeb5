"""What comes from outside stays text: nothing in a record runs, loads or hides what follows it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from copilot_widget.record import RecordTurn, render
from copilot_widget.record.prose import to_html, to_markdown
from copilot_widget.record.sanitize import sanitize
from copilot_widget.record.text import literal

from .record_samples import PAYLOADS, assistant, hostile, ordinary, text, user

TAGS = frozenset(
    """a abbr b bdi blockquote br caption code dd del details dfn div dl dt em figcaption figure h5 h6 hr i img ins kbd
    li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr u ul var""".split()  # noqa: SIM905
)
ATTRIBUTES = {
    "*": {"class", "dir", "align"},
    "a": {"href", "rel", "title"},
    "img": {"src", "alt"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "details": {"open"},
    "ol": {"start"},
}
CLASS = re.compile(
    r"copilot-record(-text|-usage|-error|-status|-display|-beside)?|language-\S*|(mathjax|tex2jax)_(ignore|process)"
)
"""A fence's language is whatever it says, to readers of Markdown: as a class it is inert."""
LINK = re.compile(r"(https?://|mailto:)\S+\Z", re.IGNORECASE)
IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=]+\Z")


class AllowList(HTMLParser):
    """Fails at the first tag or attribute that is not on the list; checks that tags are balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        for name, value in attrs:
            assert name in ATTRIBUTES["*"] | ATTRIBUTES.get(tag, set()), f"{tag} {name}"
            if name == "href":
                assert LINK.match(value or ""), value
            if name == "src":
                assert IMAGE.match(value or ""), value
            if name == "class":
                assert all(CLASS.fullmatch(word) for word in (value or "").split()), value
        if tag not in ("br", "hr", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        assert tag in ("br", "hr", "img"), tag

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1:] == [tag], f"</{tag}> after {self.open}"
        self.open.pop()

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    handle_decl = handle_pi = unknown_decl = handle_comment


def check_html(html: str) -> None:
    """The style's link, once, at the start; behind it nothing but what is on the list."""
    link, _, body = html.partition("\n")
    style = re.fullmatch(r'<link rel="stylesheet" href="data:text/css,([^"<>&#\n]+)">', link)
    assert style
    css = unquote(style.group(1))
    assert "url(" not in css
    assert "@import" not in css
    parser = AllowList()
    parser.feed(body)
    parser.close()
    assert parser.open == []


def test_an_ordinary_record_is_on_the_allow_list() -> None:
    check_html(render([ordinary(), ordinary()])["text/html"])
    check_html(render([ordinary()], beside=True)["text/html"])


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_record_is_on_the_allow_list_and_hides_nothing(payload: str) -> None:
    turn, marks = hostile(payload)
    bundle = render([turn, ordinary()])
    check_html(bundle["text/html"])
    for mark in marks:
        assert mark in bundle["text/html"], mark
        assert mark in bundle["text/markdown"], mark


def test_the_live_views_attributes_are_in_no_record() -> None:
    assert not re.search(r"data-(part|tool|state|usage)", render([ordinary()])["text/html"])


@pytest.mark.parametrize("payload", PAYLOADS)
def test_markdown_stays_what_it_seems(payload: str) -> None:
    """Read by a CommonMark parser that lets html and any link pass: there is none but the record's own `<details>`."""
    markdown = render([hostile(payload)[0]])["text/markdown"]
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    html = parser.render(markdown)
    # Its fallback html for displays is checked above; here the tags of the viewer's result are.
    checker = AllowList()
    checker.feed(re.sub(r"<(/?)h[1-4]>", r"<\1h5>", re.sub(r' style="text-align:\w+"', "", html)))
    checker.close()
    assert checker.open == []
    assert html.endswith("</em></p>\n")  # the footer, as a paragraph of its own: nothing has swallowed it


# ---- what nobody sees ----------------------------------------------------------------------------------

HIDDEN = json.loads((Path(__file__).parent / "fixtures/hidden.json").read_text())


@pytest.mark.parametrize(("source", "shown"), HIDDEN)
def test_what_nobody_sees_is_named(source: str, shown: str) -> None:
    assert literal(source) == shown


@pytest.mark.parametrize(
    "markdown", ["`x\u202ey`", "```python\nx\u202ey\n```", "    x\u202ey", "> ```\n> x\u202ey\n> ```"]
)
def test_code_of_an_answer_reads_as_it_runs(markdown: str) -> None:
    for written in (to_html(markdown), to_markdown(markdown)):
        assert "x⟨U+202E⟩y" in written


def test_prose_may_be_written_from_right_to_left() -> None:
    prose = "כתוב \u2067df.head()\u2069 כאן"
    assert to_markdown(prose) == prose
    assert prose in to_html(prose)


@pytest.mark.parametrize("form", ["text/html", "text/markdown"])
def test_a_call_shows_what_was_allowed(form: str) -> None:
    call = {
        "type": "tool-run_code",
        "toolCallId": "c",
        "title": "Run\u202e code",
        "state": "output-available",
        "input": {"code": "# fine\rimport os\nx = 1\u202e", "why": "a\u2066b"},
        "output": "10 %\r20 %",
    }
    record = render([RecordTurn(user("Why?"), assistant(call))])[form]
    assert "Run⟨U+202E⟩ code" in record
    assert "# fine⟨U+000D⟩import os" in record
    assert "x = 1⟨U+202E⟩" in record
    assert "a⟨U+2066⟩b" in record
    assert "10 %\n20 %" in record.replace("    ", "")  # what was printed is no call


# ---- anything at all -----------------------------------------------------------------------------------

_MARKS = """
`` ``` ~~~ > - 1. | |-| < > & [ ]( ) * _ $ $$ \\ \\( \\) # = --- x é <b> </b> <td> </table>
"""
_BITS = st.sampled_from(
    [
        *PAYLOADS,
        *_MARKS.split(),
        " ",
        "    ",
        "\n",
        "\n\n",
        "\t",
        "\u202e",
        "\r",
        "\ud800",
        "\x00",
        "https://example.org/",
    ]
)
SOURCES = st.lists(st.one_of(_BITS, st.text(max_size=8)), max_size=12).map("".join)


@settings(max_examples=300, deadline=None)
@given(SOURCES)
def test_any_markdown_becomes_safe_html(source: str) -> None:
    parser = AllowList()
    parser.feed(to_html(source))
    parser.close()
    assert parser.open == []


@settings(max_examples=300, deadline=None)
@given(SOURCES)
def test_any_html_becomes_safe_html(source: str) -> None:
    parser = AllowList()
    parser.feed(sanitize(source).html)
    parser.close()
    assert parser.open == []


@settings(max_examples=300, deadline=None)
@given(SOURCES)
def test_any_markdown_becomes_markdown_that_ends_where_it_ends(source: str) -> None:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    html = parser.render(to_markdown(source) + "\n\nthe end")
    assert html.endswith("<p>the end</p>\n")
    assert "pwned()>" not in re.sub(r"<code.*?</code>", "", html, flags=re.DOTALL)


@settings(max_examples=150, deadline=None)
@given(SOURCES, SOURCES)
def test_a_record_of_anything_can_be_saved(question: str, answer: str) -> None:
    bundle = render([RecordTurn(user(question), assistant(text(answer), model=question))])
    check_html(bundle["text/html"])
    for form in bundle.values():
        form.encode("utf-8")
        assert "\0" not in form
    assert not re.search(r"\n[ \t]*\n", bundle["text/html"])


# ---- foreign html --------------------------------------------------------------------------------------


def test_a_dataframe_keeps_its_table() -> None:
    found = sanitize(
        "<style>td {color: red}</style><table class=dataframe border=1><tr style='text-align:right'>"
        "<th colspan=2>a</th><tr><td onclick=x()>1<td>2</table>"
    )
    assert found.html == '<table><tr><th colspan="2">a</th></tr><tr><td>1</td><td>2</td></tr></table>'
    assert found.left_out == ()


def test_what_a_reader_would_have_seen_is_named_when_left_out() -> None:
    found = sanitize("<p>a</p><script>x()</script><iframe src=https://example.org></iframe><style>p{}</style>")
    assert found.html == "<p>a</p>"
    assert found.left_out == ("script", "iframe")
    assert not sanitize("<div><script>x()</script></div>").seen


def test_remote_pictures_are_links_and_own_pictures_stay() -> None:
    assert sanitize('<img src="https://example.org/a.png" alt="a plot">').html == (
        '<a href="https://example.org/a.png" rel="noopener noreferrer">a plot</a>'
    )
    assert "<img" in sanitize('<img src="data:image/png;base64,AAAA">').html
    assert sanitize('<img src="data:text/html;base64,AAAA">').html == "[picture: no description]"
    assert "<img" not in to_html("![a plot](https://example.org/a.png)")


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("a<!-- <b>x</b> -->b", "ab"),
        ("a<!-->b", "ab"),
        ("a<!-- x --!>b", "ab"),
        ("a<!-- never closed <b>b</b>", "a"),
        ("a<br never closed", "a"),
        ("a<b title='>'>b</b>", "a<b>b</b>"),
        ('a<b title=">" x=1>b', "a<b>b</b>"),
        ("1 < 2 <3 & 4 &lt; 5", "1 &lt; 2 &lt;3 &amp; 4 &lt; 5"),
        ("<script>'</b>' <b>x</b></script >y", "y"),
        ("<SCRIPT>x</sCrIpT/>y", "y"),
        ("<style><!-- </style>y", "y"),
        ("<p>a<p>b", "<p>a</p><p>b</p>"),
        ("<b/>x", "<b>x</b>"),
        ("</div>x</b><!doctype html><?php x ?>", "x"),
        ("<ul><li>a<ul><li>b</ul><li>c</ul>", "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>"),
        ("<a href=' https://example.org/ ' href=javascript:x>y</a>", None),
    ],
)
def test_html_is_read_as_browsers_read_it(html: str, said: str | None) -> None:
    found = sanitize(html).html
    assert found == (said or '<a href="https://example.org/" rel="noopener noreferrer">y</a>')


@pytest.mark.parametrize("bit", ["<a ", "<!--", "<x", '<a b="', "<td>", "[", "![", "\\(", "[](", "> ", "`x`` "])
def test_broken_markup_takes_no_longer_than_it_is_long(bit: str) -> None:
    """Where the time grew with the square of the length, these took from minutes to hours."""
    source = (bit * 60_000)[:200_000]
    sanitize(source)
    to_html(source[:40_000])
    to_markdown(source[:40_000])
