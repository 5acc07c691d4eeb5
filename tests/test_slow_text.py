"""What a model, a tool or a server wrote is read in time that grows with its length, whatever it wrote.

`re` lets no other thread run: a pattern that takes the square of a text's length stops the kernel.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from copilot_widget import errors, export, keeping
from copilot_widget.models import refusals, usage
from copilot_widget.models.base import ModelRequest, Text, UserMessage
from copilot_widget.models.demo import decide
from copilot_widget.notebook import context
from copilot_widget.protocol.messages import UIMessage
from copilot_widget.protocol.partial_json import parse_partial_json
from copilot_widget.record import pieces, prose, text
from copilot_widget.record.sanitize import sanitize
from copilot_widget.record.turn import RecordTurn
from copilot_widget.tools import difference, docstring
from copilot_widget.tools.ai_repr import without_tags

LENGTH = 48_000
"""Characters of the longer text; the shorter one has a quarter."""
MOST_GROWTH = 10
"""Times as long as a quarter of the text may take: 4 is linear, 16 the square."""
QUICK = 0.15
"""Seconds of the processor in which growth cannot be told from noise."""
GIVEN_UP = 20

PATTERNS = (
    "a", "A ", "1", "1,", " ", " \n", "\n", "\r", "\t", "word ", "*", "*a ", "_a*", "**a ", "**", "~~a ", "_", "a_b_",
    "[", "![", "[a](", "[a]", "[a](b(", "[[a](b), ", "[a]: ", "[x]: y\n", "]", "(", "x (", "`", "`` ", "`a``b",
    "```\n", "```python\n", "~~~\n", "```python\n\n", "$", "$a ", "$1^", "$1" + "^" * 3_980 + "\n", "\\", "\\(", "\\[",
    "|", "a|b\n", "| a | b |\n|---|---|\n| c |\n", "- ", "- a\n  ", "> ", "> a\n", "1. ", "1. a\n", "# ", "a\n=\n",
    "<", "<a ", '<a b="', "<a b=c ", "</", "<!--", "<?", "<![CDATA[", "<div>\n", "<script>", "<script></scrip",
    "<style>", "&", "&amp", "http://", "http://a", "www.a.", "a@b.", "@a.a", "@a[", "@file:", "key-", "hf_", "sk-",
    "token=", "token=a;", "bearer ", "://a:b", "://a:a@", ":", "a:", "'", '"', '{"a":', "{", "'message': '", "missing ",
    "model ", "maximum ", "exceed ", "\x1b[", "\x1b]", ":param ", "-> 1 ", 'File "a", line 1\n ', "\u202e", "#!",
)  # fmt: skip


class FailedError(Exception):
    """What an error of a server is wrapped in."""


def exported(source: str, folder: Path) -> None:
    parts = [{"type": "text", "text": source, "state": "done"}]
    answer = {"id": "a", "role": "assistant", "parts": parts}
    asked = {"id": "q", "role": "user", "parts": [{"type": "text", "text": "Why?"}]}
    turn = RecordTurn(asked, answer)
    export.export(
        [turn], [UIMessage.from_wire(asked), UIMessage.from_wire(answer)], folder / "talk.ipynb", overwrite=True
    )


def explained(source: str) -> None:
    provider = refusals.Source("openai/m")
    refusals.explain(FailedError(source), provider, started=False)


def answered(source: str) -> None:
    decide(ModelRequest(messages=[UserMessage([Text(f"run {source}")])]))


READERS: dict[str, Callable[[str], Any]] = {
    "redact": errors.redact,
    "one_line": lambda source: errors.one_line(FailedError(source)),
    "title_of": keeping.title_of,
    "to_html": prose.to_html,
    "to_markdown": prose.to_markdown,
    "sanitize": sanitize,
    "sanitize within": lambda source: sanitize(f"<p>a{source}b</p>"),
    "literal": text.literal,
    "first_line": text.first_line,
    "code_span": text.code_span,
    "fence": text.fence,
    "escape_markdown": text.escape_markdown,
    "keep_indents": text.keep_indents,
    "without_blank_lines": text.without_blank_lines,
    "of_output": pieces.of_output,
    "of_display": lambda source: pieces.of_display({"text/html": source}),
    "data_url": lambda source: pieces.data_url(f"data:image/png;base64,{source}"),
    "find_mentions": context.find_mentions,
    "estimate_tokens": usage.estimate_tokens,
    "parse_docstring": docstring.parse_docstring,
    "parse_partial_json": parse_partial_json,
    "unified": lambda source: difference.unified("", source, "a"),
    "without_tags": without_tags,
    "explain": explained,
    "demo": answered,
}
SHORTER = {"to_html": 4, "to_markdown": 4, "notebook": 4, "demo": 4, "escape_markdown": 2, "parse_partial_json": 4}
"""Readers that take longer for each character, linear as they are: they get a part of the length."""


@contextmanager
def given_up(seconds: int) -> Iterator[None]:
    """Fails after so many seconds of the processor; `re` looks for signals, but lets no thread run."""

    def late(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def seconds_for(read: Callable[[str], Any], pattern: str, length: int) -> float:
    source = (pattern * (length // len(pattern) + 1))[:length]
    start = time.process_time()
    try:
        with given_up(GIVEN_UP):
            read(source)
    except errors.CopilotError:
        pass
    except TimeoutError:
        pytest.fail(f"{length:,} characters of {pattern[:20]!r} took more than {GIVEN_UP} s")
    return time.process_time() - start


def grows_too_fast(read: Callable[[str], Any], pattern: str, length: int) -> str:
    """What is wrong, in words. A second look, since other programs use the same caches."""
    for _ in range(2):
        long = seconds_for(read, pattern, length)
        if long < QUICK:
            return ""
        short = seconds_for(read, pattern, length // 4)
        if long < MOST_GROWTH * short:
            return ""
    return f"{pattern[:20]!r}: {short:.2f} s for {length // 4:,} characters, {long:.2f} s for {length:,}"


@pytest.mark.parametrize("name", [*READERS, "notebook"])
def test_what_is_read_takes_time_as_its_length(name: str, tmp_path: Path) -> None:
    read = READERS.get(name) or (lambda source: exported(source, tmp_path))
    read("warm")
    length = LENGTH // SHORTER.get(name, 1)
    assert not [wrong for pattern in PATTERNS if (wrong := grows_too_fast(read, pattern, length))]


def test_an_error_of_a_megabyte_is_cut_before_it_is_searched_for_keys() -> None:
    start = time.process_time()
    told = errors.one_line(FailedError("a key- and " * 1_000_000))
    assert time.process_time() - start < 1
    assert told.endswith("…")


def test_growth_is_noticed() -> None:
    """The measure itself can fail."""
    import re

    assert grows_too_fast(re.compile(r"[ab]*c").findall, "a", LENGTH // 3)
