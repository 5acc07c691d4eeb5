"""Markdown of foreign origin: as safe html, and as markdown that stays what it seems.

Raw html in it is text. Links are http, https or mailto. Pictures are links: to load one would tell its
server who reads the notebook and when. Math is left in its delimiters, which Jupyter and nbconvert typeset.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from .sanitize import safe_link
from .text import attribute, clean, code_span, escape, escape_markdown, fence, language_word, literal

_MATH = re.compile(r"\$(?![\s$])(?:\\.|[^$\\\n])*(?<!\s)\$(?!\d)")
_MONEY = re.compile(r"\$\d[^\\^_={}]*\Z")  # "$5 and $6"
_MATH_BLOCKS = {"$$": "$$", "\\(": "\\)", "\\[": "\\]"}
_LONGEST_MATH = 4000
_MANY_BRACKETS = 500
_BARE_URL = re.compile(r"https?://[^\s<>\"'`{}|\\^]+[^\s<>\"'`{}|\\^.,:;!?)\]*_~]", re.IGNORECASE)
_TASK = re.compile(r"\[([ xX])\] ")
_DEEP = 40
"""Lists and quotes nested deeper show as their source: from 100 on markdown-it-py would leave out what they hold."""
_DEEP_FOR_VIEWERS = 16
"""The same for markdown that others read: some leave out what is nested deeper than 20."""


def to_html(markdown: str) -> str:
    """The html of a piece of foreign markdown."""
    parser, source = _parser(), clean(markdown)
    tokens = parser.parse(source, {})
    if _is_deep(tokens, _DEEP):
        return f"<pre><code>{escape(literal(source))}</code></pre>"
    return parser.renderer.render(tokens, parser.options, {}).strip()


def to_markdown(markdown: str) -> str:
    """The same markdown where it is harmless as it is; else written anew from its parsed form.

    Harmless means: no html, no picture, no link but safe ones, no reference definition, no character in code that
    nobody sees, and nothing left open at its end that would swallow what follows. What cannot be written harmlessly is
    shown as its source.
    """
    source = clean(markdown).strip("\n")
    if _is_harmless(source, strict=True):
        return source
    tokens = _parser().parse(source, {})
    written = "" if _is_deep(tokens, _DEEP_FOR_VIEWERS) else _Writer().write(tokens)
    return written if written and _is_harmless(written) else fence(literal(source), "markdown")


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 100})
    parser.enable(["table", "strikethrough"])
    parser.validateLink = lambda url: bool(safe_link(url))  # type: ignore[method-assign]
    parser.inline.ruler.before("escape", "math", _math)
    parser.inline.ruler.before("link", "brackets", _brackets)
    parser.core.ruler.push("small_headings", _small_headings)
    parser.core.ruler.push("tasks", _tasks)
    parser.core.ruler.push("bare_urls", _bare_urls)
    parser.add_render_rule("math", _render_math)
    parser.add_render_rule("image", _render_image)
    parser.add_render_rule("fence", _render_fence)
    parser.add_render_rule("code_block", _render_fence)
    parser.add_render_rule("code_inline", _render_code)
    for rule in ("th_open", "td_open"):
        parser.add_render_rule(rule, _render_cell)
    parser.add_render_rule("link_open", _render_link)
    return parser


# ---- rules ---------------------------------------------------------------------------------------------


def _math(state: StateInline, silent: bool) -> bool:
    start = state.pos
    closing = _MATH_BLOCKS.get(state.src[start : start + 2])
    if closing:
        close = state.src.find(closing, start + 2, min(state.posMax, start + _LONGEST_MATH))
        end = close + 2 if close > 0 and state.src[start + 2 : close].strip() else -1
    else:
        found = (
            _MATH.match(state.src, start, min(state.posMax, start + _LONGEST_MATH)) if state.src[start] == "$" else None
        )
        end = found.end() if found and not _MONEY.match(found.group()) else -1
    if end < 0:
        return False
    if not silent:
        state.push("math", "", 0).content = state.src[start:end]
    state.pos = end
    return True


def _brackets(state: StateInline, silent: bool) -> bool:
    """Brackets are text where there are very many: to look for the partner of each costs the square of their number."""
    if state.src[state.pos] not in "![" or _count_brackets(state.src) <= _MANY_BRACKETS:
        return False
    if not silent:
        state.pending += state.src[state.pos]
    state.pos += 1
    return True


@lru_cache(maxsize=1)
def _count_brackets(source: str) -> int:
    return source.count("[")


def _small_headings(state: StateCore) -> None:
    """JupyterLab lists h1 to h4 of outputs in the notebook's table of contents, also those of a hidden record."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h5" if token.tag in ("h1", "h2") else "h6"


def _tasks(state: StateCore) -> None:
    """`- [x] done` shows a box as a character: a form field would not survive a sanitiser."""
    tokens = state.tokens
    for item, paragraph, inline in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if (item.type, paragraph.type, inline.type) != ("list_item_open", "paragraph_open", "inline"):
            continue
        first = inline.children[0] if inline.children else None
        if first and (found := _TASK.match(first.content)):
            first.content = ("☐ " if found.group(1) == " " else "☑ ") + first.content[found.end() :]


def _bare_urls(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline" and token.children and "://" in token.content:
            token.children = _linked(token.children)


def _linked(children: Sequence[Token]) -> list[Token]:
    linked: list[Token] = []
    inside = 0
    for child in children:
        inside += {"link_open": 1, "link_close": -1}.get(child.type, 0)
        if child.type != "text" or inside:
            linked.append(child)
            continue
        end = 0
        for found in _BARE_URL.finditer(child.content):
            linked += [_text(child.content[end : found.start()]), *_link(found.group())]
            end = found.end()
        linked.append(_text(child.content[end:]) if end else child)
    return linked


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _link(url: str) -> list[Token]:
    return [Token("link_open", "a", 1, attrs={"href": url}), _text(url), Token("link_close", "a", -1)]


# ---- html ----------------------------------------------------------------------------------------------

_Env = MutableMapping[str, Any]


def _render_math(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: _Env) -> str:
    return f'<span class="mathjax_process tex2jax_process">{escape(tokens[index].content)}</span>'


def _render_fence(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: _Env) -> str:
    language = language_word(tokens[index].info)
    kind = f' class="language-{language}"' if language else ""
    return f"<pre><code{kind}>{escape(literal(tokens[index].content))}</code></pre>\n"


def _render_code(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: _Env) -> str:
    return f"<code>{escape(literal(tokens[index].content))}</code>"


def _render_image(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: _Env) -> str:
    alt, url = _image(tokens[index], tokens[:index])
    return f'<a href="{attribute(url)}" rel="noopener noreferrer">{escape(alt)}</a>' if url else escape(alt)


def _render_cell(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: _Env) -> str:
    token = tokens[index]
    align = str(token.attrGet("style") or "").removeprefix("text-align:")
    return f'<{token.tag} align="{align}">' if align in ("left", "center", "right") else f"<{token.tag}>"


def _render_link(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: _Env) -> str:
    token = tokens[index]
    title = token.attrGet("title")
    more = f' title="{attribute(str(title))}"' if title else ""
    return f'<a href="{attribute(str(token.attrGet("href")))}" rel="noopener noreferrer"{more}>'


def _image(token: Token, before: Sequence[Token]) -> tuple[str, str]:
    """What to show for a picture, and its address; no address within a link, as links cannot be nested."""
    url = safe_link(str(token.attrGet("src") or ""))
    words = "".join(child.content for child in token.children or () if child.type in ("text", "code_inline"))
    inside = sum(child.nesting for child in before if child.type in ("link_open", "link_close"))
    return f"picture: {words}" if words else url or "picture", "" if inside else url


# ---- markdown ------------------------------------------------------------------------------------------

_SENTINEL = "copilot-record-end"
_HTML = re.compile(r"<[A-Za-z/!?]")
_CODE = ("fence", "code_block", "code_inline")


@lru_cache(maxsize=1)
def _plain_parser() -> MarkdownIt:
    """CommonMark as a viewer reads it, html and all, with any link."""
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": 100}).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    parser.inline.ruler.before("link", "brackets", _brackets)
    return parser


def _is_harmless(source: str, *, strict: bool = False) -> bool:
    """`strict` also refuses what CommonMark takes for text and a laxer parser might take for a tag."""
    env: dict[str, Any] = {}
    tokens = _plain_parser().parse(f"{source}\n\n{_SENTINEL}", env)
    end = tokens[-2] if len(tokens) > 2 else tokens[0]
    if env.get("references") or end.type != "inline" or end.content != _SENTINEL or end.level != 1:
        return False
    return all(_token_is_harmless(token, strict) for token in tokens) and not _is_deep(tokens, _DEEP_FOR_VIEWERS)


def _token_is_harmless(token: Token, strict: bool) -> bool:
    if token.type in ("html_block", "html_inline", "image"):
        return False
    if token.type == "link_open" and not safe_link(str(token.attrGet("href") or "")):
        return False
    if strict and token.type == "text" and _HTML.search(token.content):
        return False
    if token.type in _CODE and token.content != literal(token.content):
        return False
    return all(_token_is_harmless(child, strict) for child in token.children or ())


def _is_deep(tokens: Sequence[Token], level: int) -> bool:
    return any(token.level > level for token in tokens)


class _Writer:
    """Parsed markdown, written as markdown again with everything escaped that could be read otherwise."""

    def write(self, tokens: Sequence[Token]) -> str:
        lines, _ = self._blocks(tokens, 0)
        return "\n".join(lines).strip("\n")

    def _blocks(self, tokens: Sequence[Token], start: int, *, tight: bool = False) -> tuple[list[str], int]:
        """The lines of the blocks from `start` up to the close of the enclosing one, and where that is."""
        lines: list[str] = []
        i = start
        while i < len(tokens) and tokens[i].nesting >= 0:
            block, i = self._block(tokens, i)
            if lines and not tight:
                lines.append("")
            lines += block
        return lines, i

    def _block(self, tokens: Sequence[Token], i: int) -> tuple[list[str], int]:
        token = tokens[i]
        if token.type in ("fence", "code_block"):
            return fence(literal(token.content), token.info).split("\n"), i + 1
        if token.type == "hr":
            return ["***"], i + 1
        if token.type == "inline":
            return self._inline(token).split("\n"), i + 1
        if token.type == "table_open":
            return self._table(tokens, i)
        inner, end = self._blocks(tokens, i + 1, tight=token.type.endswith("_list_open"))
        if token.type == "heading_open":
            inner = [f"{token.markup if token.markup.startswith('#') else '##'} {' '.join(inner)}"]
        elif token.type == "blockquote_open":
            inner = [f"> {line}".rstrip() for line in inner]
        elif token.type == "list_item_open":
            mark = f"{token.info}{token.markup}" if token.info else "-"
            inner = [(mark + " " if n == 0 else " " * (len(mark) + 1)) + line for n, line in enumerate(inner or [""])]
        return inner, end + 1

    def _table(self, tokens: Sequence[Token], i: int) -> tuple[list[str], int]:
        rows: list[list[str]] = []
        aligns: list[str] = []
        while tokens[i].type != "table_close":
            token = tokens[i]
            if token.type == "tr_open":
                rows.append([])
            elif token.type in ("th_open", "td_open"):
                if token.type == "th_open":
                    style = str(token.attrGet("style") or "")
                    aligns.append({"text-align:right": "--:", "text-align:center": ":-:"}.get(style, "---"))
                rows[-1].append(self._inline(tokens[i + 1]).replace("\n", " "))
            i += 1
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        return [lines[0], "| " + " | ".join(aligns) + " |", *lines[1:]], i + 1

    def _inline(self, token: Token) -> str:
        written = ""
        links: list[str] = []
        children = token.children or []
        for i, child in enumerate(children):
            if child.type == "link_open":
                links.append(str(child.attrGet("href") or ""))
            written += f"](<{links.pop()}>)" if child.type == "link_close" else self._span(child, children[:i])
        return written

    def _span(self, token: Token, before: Sequence[Token]) -> str:
        if token.type == "text":
            return escape_markdown(token.content)
        if token.type == "code_inline":
            return code_span(token.content)
        if token.type == "image":
            alt, url = _image(token, before)
            return f"[{escape_markdown(alt)}](<{url}>)" if url else escape_markdown(alt)
        if token.type == "math":
            return token.content if _is_harmless(token.content, strict=True) else escape_markdown(token.content)
        return {"softbreak": "\n", "hardbreak": "\\\n", "link_open": "["}.get(token.type, token.markup)
