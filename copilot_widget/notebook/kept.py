"""Conversations that were kept, in a notebook: one of them is offered after a restart, and commands to find the others.

`keep_command` is all that a table of commands needs; nothing here asks a model.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CopilotError, UsageError
from .expanded import expanded
from .note import escape

if TYPE_CHECKING:
    from ..copilot import Copilot
    from ..store.base import Summary
    from .slash import Here
    from .widget import ChatWidget, Kind

_SHOWN = 30
_GONE = "The variables of the kernel before are gone: run the cells again that made them."

_mentioned = False
"""A question in a fresh kernel has said that there is an earlier conversation; once is enough."""
_declined = False
"""The user wanted to begin a new one; that holds for this kernel."""


# ---- the offer ----------------------------------------------------------------------------------------------


def offer_earlier(copilot: Copilot, widget: ChatWidget, kind: Kind) -> None:
    """Offer the notebook's latest conversation in a view of a new one. Returns at once; the offer comes when it is
    found."""
    global _mentioned
    own = [run for run in copilot.runs if run.request.thread == copilot.thread]
    if _declined or copilot.keeping.place is None or len(own) > (0 if kind == "panel" else 1) or widget.runs[1:]:
        return
    if kind == "turn":
        if _mentioned or not own:
            return
        _mentioned = True
    from ..runs.loop import start

    start(_offer(copilot, widget, kind))


async def _offer(copilot: Copilot, widget: ChatWidget, kind: Kind) -> None:
    try:
        found = await copilot.keeping.find()
    except CopilotError:
        return  # who keeps the conversation says it
    in_use = _threads_here()
    earlier = next((each for each in found if each.thread not in in_use), None)
    if earlier is None:
        return
    if kind == "turn":
        what = f"{earlier.title}, {about(earlier, copilot.keeping.place)}"
        widget.tell(f"An earlier conversation of this notebook can be resumed: %copilot /resume ({what})")
    elif not widget.runs:
        widget.offer({"thread": earlier.thread, "title": earlier.title, "about": about(earlier, copilot.keeping.place)})


def reopen(widget: ChatWidget, copilot: Copilot, thread: str | None) -> dict[str, Any]:
    """The user's answer to the offer."""
    global _declined
    if thread is None:
        _declined = True
        widget.offer(None)
        return {}
    copilot.resume(thread)
    widget.tell(_GONE)
    return {}


def _threads_here() -> set[str]:
    from ..copilot import alive

    return {copilot.thread for copilot in alive} | {run.request.thread for copilot in alive for run in copilot.runs}


# ---- the commands -------------------------------------------------------------------------------------------


def keep_command(here: Here, name: str, argument: str) -> str:
    """Do /history, /resume, /export or /import with what stands after it. Returns what to tell the user, as Markdown.

    Raises UsageError for an argument that means nothing, StoreError where what is kept cannot be read.
    """
    commands = {"history": _history, "resume": _resume, "export": _export, "import": _import}
    return commands[name](here, argument)


def _resume(here: Here, argument: str) -> str:
    """[ID|words]: the latest conversation of this notebook, or the one that is named. In a composer it takes the place
    of one that has not begun."""
    copilot = here.copilot
    place = copilot.keeping.place
    if argument:
        chosen = choose(copilot.keeping.conversations(everywhere=True), argument, place)
    else:
        in_use = _threads_here()
        found = [each for each in copilot.keeping.conversations() if each.thread not in in_use]
        if not found:
            raise UsageError(
                "There is no earlier conversation of this notebook.",
                hint="%copilot /history --all lists all that are kept.",
            )
        chosen = found[0]
    if here.in_page:
        copilot.resume(chosen.thread)
    else:
        here.notebook.host.show_panel(here.notebook.resume(chosen.thread))
    return f"Resumed: {escape(chosen.title)} · {escape(about(chosen, None if argument else place))}. {_GONE}"


def _history(here: Here, argument: str) -> str:
    copilot = here.copilot
    words, everywhere = _split(argument, "--all")
    if len(words) >= 2 and words[0] == "delete":
        return _delete(copilot, _own(copilot, " ".join(words[1:])))
    if len(words) >= 2 and words[0] == "rename":
        title = " ".join(words[2:])
        if not title:
            raise UsageError("There is no new title.", hint="%copilot /history rename ID the new title")
        chosen = _own(copilot, words[1])
        copilot.keeping.rename(chosen.thread, title[:200])
        return f"Renamed: {escape(chosen.title)} is called {escape(title[:200])} now."
    return _table(
        copilot.keeping.conversations(words, everywhere=everywhere),
        words,
        None if everywhere else copilot.keeping.place,
    )


def _export(here: Here, argument: str) -> str:
    """[FILE] [--overwrite]"""
    files, overwrite = _split(argument, "--overwrite")
    if len(files) > 1:
        raise UsageError(
            "One file is exported at a time.",
            hint="%copilot /export chat.md, or .html, .json, .ipynb; a name with spaces in quotes.",
        )
    written = here.copilot.export(files[0] if files else ".md", overwrite=overwrite)
    return f"Exported to {escape(str(written))}."


def _import(here: Here, argument: str) -> str:
    """FILE"""
    words, _ = _split(argument)
    if len(words) != 1:
        raise UsageError("There is no file's name.", hint="%copilot /import chat.json; a name with spaces in quotes.")
    if here.in_page:
        raise UsageError("A conversation is imported in a cell.", hint=f"%copilot /import {words[0]}")
    imported = here.notebook.load(words[0])
    here.notebook.host.show_panel(imported)
    return f"Imported from {escape(words[0])}: {_turns(len(imported.runs))}. The next question goes on there."


def _own(copilot: Copilot, text: str) -> Summary:
    """The conversation to change: of this notebook, or of another one where `text` is its whole id."""
    everywhere = copilot.keeping.conversations(everywhere=True)
    named = [each for each in everywhere if each.thread in (text, f"thread-{text}")]
    return choose(named or copilot.keeping.conversations(), text, copilot.keeping.place)


def _delete(copilot: Copilot, chosen: Summary) -> str:
    from ..copilot import alive
    from ..state import TERMINAL

    here = [each for each in alive if each.thread == chosen.thread]
    if any(run.status not in TERMINAL for each in here for run in each.runs):
        raise UsageError("A run of this conversation goes on.", hint="Stop it first.")
    copilot.keeping.delete(chosen.thread)
    for each in here:
        each.leave()
    return f"Deleted: {escape(chosen.title)} · {about(chosen)}. What stands in notebooks stays there."


def choose(found: Sequence[Summary], text: str, place: str | None) -> Summary:
    """The conversation that `text` means: an id, its beginning, or words of its title; those at `place` go first.

    Raises UsageError.
    """
    text = text.strip()
    same = [each for each in found if each.thread == text]
    starts = [each for each in found if each.thread.startswith((text, f"thread-{text}"))]
    words = text.casefold().split()
    titled = [each for each in found if all(word in each.title.casefold() for word in words)]
    for group in (same, starts, titled):
        here = [each for each in group if each.place == place] or group
        if len(here) == 1:
            return here[0]
        if here:
            several = "; ".join(f"{short_id(each)} {each.title}" for each in here[:3])
            raise UsageError(
                f"{text!r} names {len(here)} conversations: {several}.",
                hint="Give more letters of the id, or more words.",
            )
    raise UsageError(
        f"{text!r} names no conversation that is kept.", hint="%copilot /history lists those of this notebook."
    )


def _table(found: Sequence[Summary], words: Sequence[str], place: str | None) -> str:
    """`place`: the notebook whose they are; None: those of all."""
    everywhere = place is None
    where = "" if everywhere else " of this notebook"
    if not found:
        having = f" with {escape(' '.join(words))}" if words else ""
        more = "" if everywhere else " `%copilot /history --all` looks through all notebooks."
        return f"No conversations{where}{having} are kept.{more}"
    head = ["title", "turns", "last", "model", "cost", "id", *(["notebook"] if everywhere else [])]
    rows = [_row(each, place) for each in found[:_SHOWN]]
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
    notes = ["Go on with one: `%copilot /resume ID`. Others: `/history WORDS`, `/history rename ID TITLE`, "]
    notes[0] += "`/history delete ID`, `/history --all`."
    if len(found) > _SHOWN:
        notes.insert(0, f"{len(found) - _SHOWN} older ones are not shown.")
    return "\n".join(lines) + "\n\n" + "\n\n".join(notes)


def _row(each: Summary, place: str | None) -> list[str]:
    cost = (
        "?"
        if each.cost is None
        else f"\\${each.cost:.2f}"
        if each.cost >= 0.1 or not each.cost
        else f"\\${each.cost:.4f}"
    )
    cells = [
        escape(each.title + _origin(each, place)),
        str(each.turns),
        when(each.updated),
        escape(each.model),
        cost,
        f"`{short_id(each)}`",
    ]
    return [*cells, escape(Path(each.place).name)] if place is None else cells


def short_id(each: Summary) -> str:
    """What is enough to name it by."""
    name, _, _ = each.thread.removeprefix("thread-").rpartition("@")
    return (name or each.thread.removeprefix("thread-")).replace("`", "")


def about(each: Summary, place: str | None = None) -> str:
    """`3 turns, yesterday 17:02`; at a notebook's `place` also where it is from, if from elsewhere."""
    return f"{_turns(each.turns)}, {when(each.updated)}{_origin(each, place)}"


def _origin(each: Summary, place: str | None) -> str:
    if place is None or each.place == place:
        return ""
    name = Path(each.place).name
    return f", from {name if name != Path(place).name else each.place}, which is no longer there"


def _turns(number: int) -> str:
    return f"{number} {'turn' if number == 1 else 'turns'}"


def when(seconds: float, now: datetime.datetime | None = None) -> str:
    """A time as people say it; `seconds` are epoch seconds."""
    then = datetime.datetime.fromtimestamp(seconds)
    days = ((now or datetime.datetime.now()).date() - then.date()).days
    if days == 0:
        return f"today {then:%H:%M}"
    return f"yesterday {then:%H:%M}" if days == 1 else f"{then:%Y-%m-%d %H:%M}"


def _split(argument: str, option: str = "") -> tuple[list[str], bool]:
    """Its words, as a shell has them, and whether the option is among those that were typed. A value of an {expression}
    is no option, and as a whole one word, or part of one."""
    import shlex

    given = expanded(argument)
    values = [given[first:last] for first, last in given.values]
    typed = given
    for number, (first, last) in reversed([*enumerate(given.values)]):
        typed = f"{typed[:first]}\0{number}\0{typed[last:]}"
    try:
        words = shlex.split(typed)
    except ValueError:  # a quote that does not end
        words = typed.split()
    others = [re.sub("\0(\\d+)\0", lambda found: values[int(found[1])], word) for word in words if word != option]
    return others, option in words


__all__ = ["about", "choose", "keep_command", "offer_earlier", "reopen", "when"]
