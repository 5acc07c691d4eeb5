"""@mentions in a prompt: which there are, and what the model reads for each.

`@df` a variable, `@df.price` a column or attribute of it, `@cfg["a"]` an item, `@file:data/x.csv` a file, `@cell:3`
the cell that ran as [3], `@error` the last error, `@selection` what is selected in the page. An e-mail address, a
decorator in code and an escaped `\\@` are none.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError, redact
from ..models.base import Json
from ..models.usage import cut_to_tokens, estimate_tokens
from ..tools.jsonable import cut, json_text, to_json
from ..tools.kinds import is_a
from .expanded import expanded
from .mentioned_file import describe_file
from .paths import public_names, resolve, suggestion

BUDGET = 6_000
"""Tokens of all that one prompt mentions."""
SECONDS = 3.0
"""For describing all of it."""
SELECTION_LIMIT = 20_000
"""Characters of a selection."""
_LEAST = 100  # tokens of one mention, however many there are
_LONGEST = 1_600_000  # characters of one text, before it is cut to its share

_NAME = r"[^\W\d]\w*"
_ITEM = r"""\[(?:-?\d+|'[^'\n]*'|"[^"\n]*")\]"""
_MENTION = re.compile(
    rf"""(?<![\w@.\\/])@(?:
        file:(?:"(?P<quoted>[^"\n]+)"|(?P<file>[^\s"]+))
        |cell:(?P<cell>-?\d+)
        |(?P<path>{_NAME}(?:\.{_NAME}|{_ITEM})*)
    )""",
    re.VERBOSE,
)
_FENCE = re.compile(r"(^|\n)[ \t]*(```|~~~).*?(\n[ \t]*\2|$)", re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")


@dataclass(frozen=True)
class Mention:
    """One mention as written. `kind`: variable, file, cell, error, selection; `target`: the path, file or number."""

    name: str
    kind: str
    target: str


def find_mentions(prompt: str) -> list[Mention]:
    """The mentions of a prompt in their order, each once. Code between backticks has none, and no value of an
    {expression}; but one that is typed may go on with a value, as in @file:{path}."""
    result: dict[str, Mention] = {}
    given = expanded(prompt)
    code = without_code(given.masked("x"))  # backticks of a value end no code
    prose = "".join(" " if blank == " " else each for blank, each in zip(code, given, strict=True))
    for found in _MENTION.finditer(prose):
        if not given.is_typed(found.start(), found.start() + 1):
            continue
        if (cell := found["cell"]) is not None:
            mention = Mention(f"@cell:{cell}", "cell", cell)
        elif (file := found["quoted"] or found["file"]) is not None:
            file = file if found["quoted"] else file.rstrip(".,;:!?)]}'")
            mention = Mention(f"@file:{file}", "file", file)
        elif found["path"] in ("error", "selection"):
            mention = Mention(f"@{found['path']}", found["path"], "")
        else:
            mention = Mention(f"@{found['path']}", "variable", found["path"])
        result.setdefault(mention.name, mention)
    return list(result.values())


def without_code(prompt: str) -> str:
    """`prompt` with blanks in place of code between backticks."""
    blank = _FENCE.sub(lambda found: " " * len(found[0]), prompt)
    return _CODE.sub(lambda found: " " * len(found[0]), blank)


@dataclass(frozen=True)
class Selection:
    """What is selected in the page; `cell` is the number of its cell, as in [3], None where that has none."""

    text: str
    cell: int | None = None


@dataclass
class Described:
    """A text for the model by its name, and a shorter one of so many characters."""

    name: str
    text: str
    shorter: Callable[[int], str]
    tokens: int = 0

    def __post_init__(self) -> None:
        self.tokens = estimate_tokens(self.text)

    def within(self, tokens: int) -> str:
        if self.tokens <= tokens:
            return self.text
        return cut_to_tokens(self.text, tokens, lambda _text, characters: self.shorter(characters))


def resolve_mentions(
    prompt: str,
    namespace: Mapping[str, Any],
    shell: Any = None,
    root: str | Path | None = None,
    *,
    selection: Selection | None = None,
    budget: int = BUDGET,
    seconds: float = SECONDS,
) -> list[dict[str, str]]:
    """{name, text} of each mention. Raises UsageError for one that isn't there.

    Together they have about `budget` tokens at most: what one does not need goes to the others. What is not described
    after `seconds` is named with a note instead. Files are looked for below `root` (the working directory), and not
    outside of it.
    """
    source = _Source(namespace, shell, Path(root) if root is not None else Path.cwd(), selection)
    deadline = time.monotonic() + seconds
    found = [source.describe(mention, max(deadline - time.monotonic(), 0.0)) for mention in find_mentions(prompt)]
    texts = within_budget(found, budget)
    return [{"name": each.name, "text": redact(texts[each.name])} for each in found]


def within_budget(found: Sequence[Described], budget: int = BUDGET) -> dict[str, str]:
    """The texts by name, of about `budget` tokens together: what one does not need goes to the others."""
    texts: dict[str, str] = {}
    left = budget
    for place, each in enumerate(sorted(found, key=lambda described: described.tokens)):
        text = texts[each.name] = each.within(max(left // (len(found) - place), _LEAST))
        left -= estimate_tokens(text)
    return texts


@dataclass(frozen=True)
class _Source:
    """Where mentions are looked up."""

    namespace: Mapping[str, Any]
    shell: Any
    root: Path
    selection: Selection | None

    def describe(self, mention: Mention, seconds: float) -> Described:
        if mention.kind == "variable":
            return _variable(mention, self.namespace, seconds)
        if mention.kind == "file":
            return _plain(mention, describe_file(mention.name, mention.target, self.root))
        if mention.kind == "selection":
            return self._selected(mention, seconds)
        if mention.kind == "cell":
            return _plain(mention, _cell(mention, self.namespace, self.shell, seconds))
        if "error" in self.namespace and _no_error():
            return _variable(Mention("@error", "variable", "error"), self.namespace, seconds)
        from .tools import error_within

        return as_json(mention.name, error_within(self.shell, seconds))

    def _selected(self, mention: Mention, seconds: float) -> Described:
        if self.selection is None:
            if "selection" in self.namespace:
                return _variable(Mention("@selection", "variable", "selection"), self.namespace, seconds)
            raise UsageError(
                "@selection: nothing is selected that the copilot could see.",
                hint="It works in the box below an answer, and in the panel (%copilot alone): select text in a cell or "
                "an output, then ask there. In a cell, mention what you mean, as in @cell:3.",
            )
        place = f"Selected in cell [{self.selection.cell}]:\n" if self.selection.cell is not None else ""
        return _plain(mention, place + self.selection.text[:SELECTION_LIMIT])


def _plain(mention: Mention, text: str) -> Described:
    text = text[:_LONGEST]
    return Described(mention.name, cut(text, len(text)), lambda characters: cut(text, characters))


def _no_error() -> bool:
    from .failure import last_exception

    return last_exception() is None


def _variable(mention: Mention, namespace: Mapping[str, Any], seconds: float) -> Described:
    from .tools import look

    path = mention.target
    first = re.match(_NAME, path)
    assert first is not None
    if first[0] not in namespace:
        raise UsageError(
            f"{mention.name.partition('.')[0].partition('[')[0]} is not a variable.",
            hint=suggestion(first[0], public_names(namespace), "@") or "List what there is with %whos.",
        )
    try:
        value = resolve(path, namespace)
    except UsageError as error:
        raise UsageError(f"{mention.name}: {error.message}", hint=error.hint) from None
    return as_json(mention.name, look(path, value, show=False, seconds=seconds).output)


def as_json(name: str, value: Json) -> Described:
    return Described(name, json_text(value), lambda characters: json_text(to_json(value, characters)))


def _cell(mention: Mention, namespace: Mapping[str, Any], shell: Any, seconds: float) -> str:
    """Source and result of a cell by its number; -1 is the last one before this."""
    sources: list[str] = list(namespace.get("In", ()))
    number = int(mention.target)
    place = number if number >= 0 else len(sources) - 1 + number
    if not 0 < place < len(sources) or not sources[place]:
        raise UsageError(
            f"{mention.name}: no cell has run as [{mention.target}].",
            hint=f"Cells [1] to [{len(sources) - 1}] have." if len(sources) > 1 else "",
        )
    history = getattr(shell, "history_manager", None)
    raw: list[str] = list(getattr(history, "input_hist_raw", ()))
    source = raw[place] if place < len(raw) and raw[place] else sources[place]
    text = f"In [{place}]:\n{source}"
    results: Any = namespace.get("Out")
    if is_a(results, dict) and place in results:
        from .tools import look

        output = look(f"Out[{place}]", results[place], show=False, seconds=seconds).output
        text += f"\nOut[{place}]: {json_text(to_json(output, 4_000))}"
    return text


__all__ = [
    "BUDGET",
    "SECONDS",
    "Described",
    "Mention",
    "Selection",
    "as_json",
    "find_mentions",
    "resolve_mentions",
    "within_budget",
    "without_code",
]
