"""What can stand at the cursor of a prompt: options and their values, slash commands, @mentions.

`complete` reads names, types and sizes. It computes nothing and runs no code of the user's objects, so a page may ask
at each key.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from ..errors import CopilotError
from ..tools.frames import is_frame, is_series
from ..tools.jsonable import cut_line
from ..tools.kinds import is_a, type_name
from ..tools.sensitive import is_secret_file
from .describe import summary_of, user_variables
from .options import CHOICES, FLAGS, SUMMARIES, VALUES, WORD
from .paths import members, resolve, text_keys
from .slash import COMMANDS as SLASH

LIMIT = 100
"""Items that are offered at once."""

COMMANDS: Mapping[str, str] = {f"/{command.name}": command.summary for command in SLASH}
"""Name and summary of each slash command."""

_NAME = r"[^\W\d]\w*"
_ITEM = r"""\[(?:-?\d+|'[^'\n]*'|"[^"\n]*")\]"""
_AT_CURSOR = re.compile(
    rf"""(?<![\w@.\\/])@(?:
        file:(?P<file>"[^"\n]*|[^\s"]*)
        |cell:(?P<cell>-?\d*)
        |(?P<name>(?:{_NAME})?)
        |(?P<owner>{_NAME}(?:\.{_NAME}|{_ITEM})*)(?:\.(?P<member>(?:{_NAME})?)|\[(?P<key>(?:"[^"\n]*|'[^'\n]*|-?\d*)))
    )$""",
    re.VERBOSE,
)
_LONGEST = 1_000  # characters before the cursor in which a mention can begin
_MOST_NAMES = 20_000  # of a folder or a dict that are looked through


@dataclass(frozen=True)
class Completion:
    """`text` takes the place of the characters from `start` to `end`. `kind` is a word for it: option, value, command,
    variable, column, attribute, key, file, folder, cell, error, selection, or mention (what needs more: `@file:`).
    `detail` tells more on one line, or is empty; of a variable it begins with its type, and " · "."""

    text: str
    start: int
    end: int
    kind: str
    detail: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What there is to mention and to choose. `root` is the folder of @file, None for none; `options` is true where
    options may stand before the prompt, `selection` where @selection works; `models` is only called where one is named.
    """

    namespace: Mapping[str, Any] = field(default_factory=dict[str, Any])
    hidden: Mapping[str, Any] = field(default_factory=dict[str, Any])
    root: Path | None = None
    commands: Mapping[str, str] = field(default_factory=lambda: COMMANDS)
    models: Callable[[], Sequence[str]] = tuple[str, ...]
    options: bool = False
    selection: bool = False
    cells: bool = True
    """Whether there are numbered cells, and a last error."""
    error: str = ""
    """The last error in a few words."""


Found = Iterable[tuple[str, str, str]]
"""(text, kind, detail) of each."""


def complete(text: str, cursor: int, around: Surroundings) -> list[Completion]:
    """What can stand at `cursor` (0 to len(text)), the likeliest first, at most `LIMIT`; all have one start and end.

    `text` is what follows %copilot, or what stands in a composer.
    """
    before = text[: max(0, min(cursor, len(text)))]
    start, found = _at(before, around)
    items = (Completion(*(word, start, len(before), kind), detail=detail) for word, kind, detail in found)
    return list(itertools.islice(items, LIMIT))


def complete_in_page(text: str, cursor: int, around: Surroundings) -> list[dict[str, Any]]:
    """The same for a page, which counts UTF-16 code units."""
    data = text.encode("utf-16-le", "surrogatepass")
    place = len(data[: 2 * max(cursor, 0)].decode("utf-16-le", "ignore"))
    items = complete(text, place, around)
    if not items:
        return []
    start, end = (len(text[:at].encode("utf-16-le", "surrogatepass")) // 2 for at in (items[0].start, items[0].end))
    return [{**asdict(item), "start": start, "end": end} for item in items]


def _at(before: str, around: Surroundings) -> tuple[int, Found]:
    begin = 0
    if around.options:
        begin, found = _options(before, around)
        if found is not None:
            return begin, found
    begin += len(before[begin:]) - len(before[begin:].lstrip())
    prompt = before[begin:]
    if prompt.startswith("/"):
        command, space, argument = prompt.partition(" ")
        if not space:
            return begin, _commands(command, around)
        if command == "/model" and " " not in argument:
            return len(before) - len(argument), _models(argument, around)
    return _mentions(before, begin, around)


# ---- options and commands --------------------------------------------------------------------------------


def _options(before: str, around: Surroundings) -> tuple[int, Found | None]:
    """Where the word at the cursor begins and what it can be; or where the prompt begins, and None."""
    position, named, used = 0, "", set[str]()
    while True:
        word = WORD.match(before, position)
        start = word.start(0) + len(word[0]) - len(word[0].lstrip()) if word else len(before)
        if word is None or word.end() == len(before):
            return _option_at(before[start:], start, named, used, around)
        name, equals, _ = before[start : word.end()].partition("=")
        if named:
            named = ""
        elif name == "--":
            return word.end(), None
        elif name in VALUES or (name in FLAGS and not equals):
            named = name if name in VALUES and not equals else ""
            used.add(name)
        else:
            return start, None
        position = word.end()


def _option_at(word: str, start: int, named: str, used: set[str], around: Surroundings) -> tuple[int, Found | None]:
    name, equals, value = word.partition("=")
    if named:
        return start, _values(named, word, around)
    if equals and name in VALUES:
        return start + len(name) + 1, _values(name, value, around)
    if word and not word.startswith("-"):
        return start, None
    offered = [(name, "option", words) for name, words in SUMMARIES.items() if name not in used]
    found = [item for item in offered if item[0].startswith(word) and (word != "-m" or item[0] == "-m")]
    return start, found if word else [*_commands("", around), *found]


def _values(name: str, typed: str, around: Surroundings) -> Found:
    if VALUES[name] == "model":
        return _models(typed, around)
    return [(value, "value", words) for value, words in CHOICES.get(name, {}).items() if value.startswith(typed)]


def _models(typed: str, around: Surroundings) -> Found:
    return [(name, "value", "model") for name in around.models() if name.lower().startswith(typed.lower())]


def _commands(typed: str, around: Surroundings) -> Found:
    return [(name, "command", words) for name, words in around.commands.items() if name.startswith(typed)]


# ---- mentions --------------------------------------------------------------------------------------------


def _mentions(before: str, begin: int, around: Surroundings) -> tuple[int, Found]:
    from .context import without_code

    line = max(before.rfind("\n") + 1, len(before) - _LONGEST, begin)
    found = _AT_CURSOR.search(before, line)
    if found is None or without_code(before)[found.start()] != "@":
        return len(before), ()
    return found.start(), _mention(found, around)


def _mention(found: re.Match[str], around: Surroundings) -> Found:
    if (file := found["file"]) is not None:
        return _files(file, around.root)
    if (cell := found["cell"]) is not None:
        return _cells(cell, around.namespace)
    if (name := found["name"]) is not None:
        return [*itertools.islice(_variables(name, around), LIMIT - 5), *_special(name, around)]
    owner = found["owner"]
    try:
        value = resolve(owner, around.namespace)
    except CopilotError:
        return ()
    if (member := found["member"]) is not None:
        return _members(owner, value, member)
    return _keys(owner, value, found["key"])


def _special(typed: str, around: Surroundings) -> Found:
    last = [("error", "error", around.error or "the last error")] if around.cells else []
    cells = [("cell:", "mention", "a cell that has run")] if around.cells else []
    selected = [("selection", "selection", "what is selected in the notebook")] if around.selection else []
    files = [("file:", "mention", "a file of the folder")] if around.root is not None else []
    for name, kind, detail in (*last, *selected, *files, *cells):
        if name.startswith(typed):
            yield f"@{name}", kind, detail


def _variables(typed: str, around: Surroundings) -> Found:
    """Tables first, modules last, and of each sort the newest first."""
    names = [*user_variables(around.namespace, around.hidden).items()][::-1]
    matching = [(name, value) for name, value in names if _begins(name, typed)]
    matching.sort(key=lambda item: (not item[0].startswith(typed), _rank(item[1])))
    for name, value in matching:
        yield f"@{name}", "variable", f"{type_name(value)} · {summary_of(name, value)}"


def _begins(name: str, typed: str) -> bool:
    return name.lower().startswith(typed.lower())


def _rank(value: Any) -> int:
    if is_frame(value) or is_series(value):
        return 0
    return 3 if is_a(value, ModuleType) else 2 if callable(value) else 1


def _members(owner: str, value: Any, typed: str) -> Found:
    for name, kind in sorted(members(value), key=lambda item: (item[1] != "column", not item[0].startswith(typed))):
        if _begins(name, typed):
            yield f"@{owner}.{name}", kind, ""


def _keys(owner: str, value: Any, typed: str) -> Found:
    quote, begun = (typed[0], typed[1:]) if typed[:1] in ("'", '"') else ('"', typed)
    kind = "column" if is_frame(value) else "key"
    for key in itertools.islice(text_keys(value), _MOST_NAMES):
        if _begins(key, begun) and quote not in key and "\n" not in key:
            yield f"@{owner}[{quote}{key}{quote}]", kind, ""


def _cells(typed: str, namespace: Mapping[str, Any]) -> Found:
    sources = namespace.get("In")
    if not is_a(sources, list):
        return
    for number in range(len(cast("list[Any]", sources)) - 1, 0, -1):
        source = cast("list[Any]", sources)[number]
        if type(source) is str and source and str(number).startswith(typed):
            yield f"@cell:{number}", "cell", cut_line(source.strip(), 60)


def _files(typed: str, root: Path | None) -> Found:
    """Entries of one folder below the root: no hidden ones, no links, nothing that looks like a file of keys."""
    if root is None:
        return
    from ..tools.files.confine import Root
    from ..tools.files.tree import IGNORED

    quoted = typed.startswith('"')
    place, slash, begun = typed.removeprefix('"').rpartition("/")
    try:
        confined = Root(root)
        parts = confined.parts(place) if slash and place else ()
        with confined.folder(parts, place) as folder:
            names = sorted(itertools.islice(folder.names(), _MOST_NAMES))
            for name in names:
                if not _begins(name, begun) or name.startswith(".") or name in IGNORED or not name.isprintable():
                    continue
                if '"' in name or (slash and not place) or is_secret_file((*parts, name)):
                    continue
                kind = _kind(folder, name)
                if kind:
                    yield _file_mention(place + slash + name, kind, quoted=quoted), kind, ""
    except (CopilotError, OSError):
        return


def _kind(folder: Any, name: str) -> str:
    from ..tools.files.confine import kind_of

    try:
        return {"a file": "file", "a folder": "folder"}.get(kind_of(folder.status(name).st_mode), "")
    except OSError:  # it has gone meanwhile
        return ""


def _file_mention(path: str, kind: str, *, quoted: bool) -> str:
    quoted = quoted or " " in path or path[-1] in ".,;:!?)]}'"
    end = "/" if kind == "folder" else '"' if quoted else ""
    return f'@file:"{path}{end}' if quoted else f"@file:{path}{end}"


__all__ = ["COMMANDS", "LIMIT", "Completion", "Surroundings", "complete", "complete_in_page"]
