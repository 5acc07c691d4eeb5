"""@mentions in a prompt: which there are, and what the model reads for each.

`@df` a variable, `@df.price` a column or attribute of it, `@cfg["a"]` an item, `@file:data/x.csv` a file, `@cell:3`
the cell that ran as [3], `@error` the last error. An e-mail address, a decorator in code and an escaped `\\@` are none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..models.base import Json
from ..tools.jsonable import cut, json_text, to_json
from .paths import public_names, resolve, suggestion

BUDGET = 24_000
"""Characters of all context of one prompt, ≈ 6,000 tokens."""
_FILE_LIMIT = 200_000  # bytes of a file that are read at all

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
    """One mention as written. `kind`: variable, file, cell, error; `target`: the path, file or number."""

    name: str
    kind: str
    target: str


def find_mentions(prompt: str) -> list[Mention]:
    """The mentions of a prompt in their order, each once. Code between backticks has none."""
    result: dict[str, Mention] = {}
    for found in _MENTION.finditer(without_code(prompt)):
        if (cell := found["cell"]) is not None:
            mention = Mention(f"@cell:{cell}", "cell", cell)
        elif (file := found["quoted"] or found["file"]) is not None:
            file = file if found["quoted"] else file.rstrip(".,;:!?)]}'")
            mention = Mention(f"@file:{file}", "file", file)
        elif found["path"] == "error":
            mention = Mention("@error", "error", "")
        else:
            mention = Mention(f"@{found['path']}", "variable", found["path"])
        result.setdefault(mention.name, mention)
    return list(result.values())


def without_code(prompt: str) -> str:
    """`prompt` with blanks in place of code between backticks."""
    blank = _FENCE.sub(lambda found: " " * len(found[0]), prompt)
    return _CODE.sub(lambda found: " " * len(found[0]), blank)


def resolve_mentions(
    prompt: str, namespace: Mapping[str, Any], shell: Any = None, root: str | Path | None = None, budget: int = BUDGET
) -> list[dict[str, str]]:
    """{name, text} of each mention, within `budget` characters together. Raises UsageError for one that isn't there.

    Files are looked for below `root` (the working directory), and not outside of it.
    """
    mentions = find_mentions(prompt)
    result: list[dict[str, str]] = []
    left = budget
    for place, mention in enumerate(mentions):
        share = max(left // (len(mentions) - place), 500)
        text = _text(mention, namespace, shell, Path(root) if root is not None else Path.cwd(), share)
        left -= len(text)
        result.append({"name": mention.name, "text": text})
    return result


def _text(mention: Mention, namespace: Mapping[str, Any], shell: Any, root: Path, limit: int) -> str:
    if mention.kind == "variable":
        return _variable(mention, namespace, limit)
    if mention.kind == "file":
        return cut(_file(mention, root), limit)
    if mention.kind == "cell":
        return cut(_cell(mention, namespace, shell), limit)
    if "error" in namespace and _no_error(shell):
        return _variable(Mention("@error", "variable", "error"), namespace, limit)
    from .tools import describe_last_error

    return _json(describe_last_error(shell), limit)


def _no_error(shell: Any) -> bool:
    from .failure import last_exception

    return last_exception() is None


def _variable(mention: Mention, namespace: Mapping[str, Any], limit: int) -> str:
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
    return _json(look(path, value, show=False).output, limit)


def _json(value: Json, limit: int) -> str:
    text = json_text(value)
    return text if len(text) <= limit else json_text(to_json(value, limit))


def _file(mention: Mention, root: Path) -> str:
    root = root.resolve()
    path = (root / Path(mention.target).expanduser()).resolve()
    if not path.is_relative_to(root):
        raise UsageError(
            f"{mention.name} is outside of {root}.", hint="Only files below the working directory can be mentioned."
        )
    if path.is_dir():
        names = sorted(f"{p.name}/" if p.is_dir() else p.name for p in path.iterdir() if not p.name.startswith("."))
        return "\n".join(names[:500]) or "(an empty folder)"
    if not path.is_file():
        near = [str(p.relative_to(root)) for p in path.parent.iterdir()] if path.parent.is_dir() else []
        hint = suggestion(mention.target, near, "@file:")
        raise UsageError(f"{mention.name}: there is no such file below {root}.", hint=hint)
    with path.open("rb") as stream:
        data = stream.read(_FILE_LIMIT)
    size = path.stat().st_size
    if b"\0" in data[:8_000]:
        return f"(a binary file of {size:,} bytes)"
    text = data.decode("utf-8", "replace")
    return text + (f"\n… [{size - len(data):,} of {size:,} bytes not read]" if size > len(data) else "")


def _cell(mention: Mention, namespace: Mapping[str, Any], shell: Any) -> str:
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
    results = namespace.get("Out", {})
    if place in results:
        from .tools import look

        text += f"\nOut[{place}]: {_json(look(f'Out[{place}]', results[place], show=False).output, 4_000)}"
    return text


__all__ = ["BUDGET", "Mention", "find_mentions", "resolve_mentions", "without_code"]
