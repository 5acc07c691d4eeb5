"""Slash commands: one table, for %copilot, for the composer, and for what completes them.

A command is a text that begins with its name, as in `/model demo`. Some only tell: they return a Note, at once, also
while a run goes on, and nothing is sent. Others ask the model (`asks`) and return the Run. Within Run All those become
drafts, like any other question.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, cast

from ..errors import UsageError
from ..host import host
from .expanded import expanded
from .note import Code, Note, Table, note

if TYPE_CHECKING:
    from ..copilot import Copilot
    from ..protocol.messages import DataPart
    from ..run import Run
    from .magic import Extension

Outcome = Union[Note, "Run"]

_COMMAND = re.compile(r"/([A-Za-z][\w-]*)[?!.]*(?=\s|\Z)")


@dataclass
class Here:
    """Where a command was given: a cell, or a view. `options` are those of its questions (model, executor, …)."""

    copilot: Copilot
    extension: Extension | None
    """None where there is no IPython."""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    in_page: bool = False
    """A view's composer gave it: nothing can be displayed there but the answer."""
    selection: Mapping[str, Any] | None = None
    """What is selected in the page, {text, cell}."""

    @property
    def notebook(self) -> Extension:
        """The extension. Raises UsageError where there is no IPython."""
        if self.extension is None:
            raise UsageError("This needs IPython, which is not here.", code="unknown-slash")
        return self.extension

    def ask(self, command: str, argument: str, context: list[DataPart], *, mark: str = "", **for_once: Any) -> Run:
        """Ask by a command: the transcript shows it with its argument, the model reads the context, too."""
        text = expanded(argument).after(f"{command} ").part(0)
        parts = self.copilot.question(text, selection=self.selection)
        return self.copilot.put([parts[0], *context, *parts[1:]], self.options, mark=mark, **for_once)


@dataclass(frozen=True)
class SlashCommand:
    """`argument` is a hint: "[name]". `asks`: it asks the model. `act` gets what stands after the name."""

    name: str
    argument: str
    summary: str
    act: Callable[[Here, str], Outcome]
    asks: bool = False

    @property
    def usage(self) -> str:
        return f"/{self.name} {self.argument}".strip()


@dataclass(frozen=True)
class Given:
    """A command as somebody wrote it."""

    command: SlashCommand
    argument: str

    def act(self, here: Here) -> Outcome:
        return self.command.act(here, self.argument)


def find(text: str) -> Given | None:
    """The command that `text` is; None where it is a question, also one that begins with a path or with a value.

    Raises UsageError for what looks like a command and is none.
    """
    given = expanded(text).part(0)
    found = _COMMAND.match(given)
    if found is None or not given.is_typed(*found.span()):
        return None
    name = found[1].lower()
    command = BY_NAME.get(name)
    if command is not None:
        return Given(command, given.part(found.end()))
    if Path(f"/{found[1]}").exists():
        return None
    near = difflib.get_close_matches(name, list(BY_NAME), n=2, cutoff=0.5)
    meant = f"Did you mean {' or '.join(f'/{each}' for each in near)}? " if near else ""
    raise UsageError(
        f"There is no command /{found[1]}.",
        hint=f"{meant}/help lists them; a question that begins with a slash needs a word before it.",
        code="unknown-slash",
    )


def offered() -> list[SlashCommand]:
    """Those that a composer has here; a cell has all."""
    names = host().commands
    return [each for each in COMMANDS if names is None or each.name in names]


def check_offered(name: str) -> None:
    """Raise UsageError for a command that a composer does not have here."""
    names = [each.name for each in offered()]
    if name not in names:
        hint = "/help lists those that do." if names else "Ask in words."
        raise UsageError(f"/{name} does not work here.", hint=hint, code="unknown-slash")


# ---- what they do ----------------------------------------------------------------------------------------------


def _help(here: Here, _argument: str) -> Note:
    rows = [(Code(each.usage), each.summary) for each in (offered() if here.in_page else COMMANDS)]
    mentions = "@name hands over a variable, @file:path a file"
    if here.extension is None:  # then there are neither magics nor numbered cells
        return note(Table(("command", "what it does"), rows), f"{mentions}.")
    return note(
        Table(("command", "what it does"), rows),
        f"Each works in %copilot and in the composer. {mentions}, @cell:3 a cell, @error the last error.",
    )


def _model(here: Here, argument: str) -> Note:
    from ..models.detect import known

    copilot = here.copilot
    if argument:
        copilot.use(argument)
        return note(f"The model of this conversation is {copilot.model_info.name} from now on.")
    info = copilot.model_info
    used = [str(run.request.model) for run in copilot.asked if run.request.model]
    names = list(dict.fromkeys([*filter(None, [info.name]), *used, *known()]))
    now = info.name or "not chosen yet: the first question finds one"
    return note(
        f"The model is {now}{f' ({info.reason})' if info.reason else ''}.",
        Table(("known here",), [(Code(name),) for name in names]),
        "Choose one with /model NAME, as provider/model; others that litellm reaches work, too.",
    )


def _tools(here: Here, _argument: str) -> Note:
    from ..tools.approval import Policy

    copilot = here.copilot
    approvals = copilot.options(approvals=here.options.get("approvals"))["approvals"]
    Policy(approvals)
    tools = copilot.agents.toolset().tools()
    rows = [
        (Code(name), _first_sentence(tool.schema.description), _asks(tool, approvals)) for name, tool in tools.items()
    ]
    servers = [
        (Code(name), status["status"], str(status["tools"]), status["error"])
        for name, status in copilot.mcp_status().items()
    ]
    allowed = ", ".join(grant.tool for grant in copilot.grants)
    return note(
        Table(("tool", "what it does", "asks"), rows) if rows else "There are no tools.",
        "Those that don't ask only read, or are functions that were handed over." if rows else "",
        *copilot.agents.remarks(),
        Table(("MCP server", "status", "tools", "trouble"), servers),
        f"Allowed beforehand: {allowed}." if allowed else "",
    )


def _first_sentence(description: str) -> str:
    first = description.strip().partition("\n\n")[0]
    sentence = re.split(r"(?<=[.!?])\s", " ".join(first.split()), maxsplit=1)[0]
    return sentence if len(sentence) <= 160 else sentence[:159] + "…"


def _asks(tool: Any, approvals: Any) -> str:
    """Whether a call of it is asked about."""
    if getattr(tool, "decides", False):
        return "depends on the call"
    try:
        only_reads = tool.approval({}) is None
    except Exception:  # it looks into the arguments to say what to ask: so it asks
        only_reads = False
    if only_reads:
        return "no"
    if callable(approvals):
        return "as the approvals function says"
    return {"auto": "no (approvals: auto)", "never": "denied (approvals: never)"}.get(approvals, "yes")


def _usage(here: Here, _argument: str) -> Note:
    runs = here.copilot.asked
    if not runs:
        return note("This conversation has cost nothing yet.")
    rows = [_cost_row(run) for run in runs]
    sums = [sum(run_tokens(run)[place] for run in runs) for place in range(3)]
    costs = [run.cost for run in runs]
    unknown = sum(cost is None for cost in costs)
    total = _money(sum(cost for cost in costs if cost is not None)) + (" + ?" if unknown else "")
    rows.append(("sum", "", *(f"{count:,}" for count in sums), total))
    goes_on = sum(run.status in ("queued", "running", "waiting") for run in runs)
    return note(
        Table(("question", "model", "in", "cached", "out", "cost"), rows),
        f"The price of {unknown} of {len(runs)} runs is unknown." if unknown else "",
        f"{goes_on} still go on: their figures grow." if goes_on > 1 else "One still goes on." if goes_on else "",
    )


def run_tokens(run: Run) -> tuple[int, int, int]:
    """In, cached (a part of in), out."""
    usage = run.usage
    return usage.prompt_tokens or 0, usage.cached_tokens or 0, usage.completion_tokens or 0


def _cost_row(run: Run) -> tuple[str, ...]:
    question = " ".join(run.prompt.text.split())
    held: Any = run.message.metadata
    model = cast("dict[str, Any]", held).get("model", "") if isinstance(held, dict) else ""
    cost = "price unknown" if run.cost is None else _money(run.cost)
    shown = question if len(question) <= 50 else question[:49] + "…"
    return (shown, str(model or run.request.model), *(f"{count:,}" for count in run_tokens(run)), cost)


def _money(dollars: float) -> str:
    return f"${dollars:.2f}" if dollars >= 0.1 or dollars == 0 else f"${dollars:.4f}"


def _context(here: Here, argument: str) -> Note:
    from .context_report import context_report

    report = context_report(here.copilot, argument)
    return Note(report._repr_markdown_(), str(report))  # pyright: ignore[reportPrivateUsage] - IPython's name for it


def _clear(here: Here, _argument: str) -> Note:
    if not here.copilot.forget():
        return note("There is nothing to forget.")
    return note("Forgotten: the model will not read what was said so far. It stays in sight, and kept.")


def _new(here: Here, _argument: str) -> Note:
    if not here.copilot.start_anew():
        return note("This conversation is new.")
    if here.extension is not None:
        here.extension.renamed(here.copilot)
    return note("A new conversation begins with the next question. The one so far stays kept.")


def _compact(here: Here, argument: str) -> Outcome:
    from .prompts import compact

    return compact(here, argument)


def _fix(here: Here, argument: str) -> Run:
    from .prompts import fix

    return fix(here, argument)


def _explain(here: Here, argument: str) -> Run:
    from .prompts import explain

    return explain(here, argument)


def _keep(name: str) -> Callable[[Here, str], Note]:
    """A command on conversations that are kept."""

    def act(here: Here, argument: str) -> Note:
        from .kept import keep_command

        told = keep_command(here, name, argument)
        return Note(told, told)

    return act


def _runs(here: Here, argument: str) -> Outcome:
    from .runs import show_runs

    return show_runs(here, argument)


COMMANDS: tuple[SlashCommand, ...] = (
    SlashCommand("help", "", "lists the commands", _help),
    SlashCommand("model", "[name]", "shows the model, or chooses one for this conversation", _model),
    SlashCommand("tools", "", "lists the tools, which of them ask, and how MCP servers are", _tools),
    SlashCommand("usage", "", "tokens and cost of this conversation", _usage),
    SlashCommand("context", "[prompt]", "what the next question would send, in tokens", _context),
    SlashCommand("fix", "[wish]", "proposes a change of the cell that failed last", _fix, asks=True),
    SlashCommand("explain", "[question]", "explains the last error, and does nothing else", _explain, asks=True),
    SlashCommand("compact", "[focus]", "has the model go on from a summary that it writes", _compact, asks=True),
    SlashCommand("clear", "", "lets the model forget what was said so far; you still see it", _clear),
    SlashCommand("new", "", "begins a new conversation; this one stays kept", _new),
    SlashCommand(
        "history", "[words]", "lists the conversations that are kept, renames or deletes one", _keep("history")
    ),
    SlashCommand("resume", "[id]", "goes on with a conversation that is kept", _keep("resume")),
    SlashCommand("export", "[FILE]", "writes the conversation to .md, .html, .ipynb or .json", _keep("export")),
    SlashCommand("import", "FILE", "goes on with a conversation in a .json file", _keep("import")),
    SlashCommand("runs", "[id]", "lists what runs, waits or has ended, and where; or follows one", _runs),
)

BY_NAME = {each.name: each for each in COMMANDS}

__all__ = [
    "BY_NAME",
    "COMMANDS",
    "Given",
    "Here",
    "Outcome",
    "SlashCommand",
    "check_offered",
    "find",
    "offered",
    "run_tokens",
]
