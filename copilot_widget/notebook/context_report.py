"""What the next question would send to the model, in tokens: for who wonders what fills the window, or the bill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ..host import host
from ..instructions import pieces_for
from ..models.base import Image, ModelRequest, UserMessage
from ..models.providers import catalogue
from ..models.usage import estimate_prompt, estimate_tokens, message_tokens, part_tokens, tool_tokens
from ..protocol.messages import DataPart, UIMessage
from .note import escape

if TYPE_CHECKING:
    from ..copilot import Attachment, Copilot

_LARGEST = 5  # tools that are named


@dataclass(frozen=True)
class Row:
    """`tokens` that `name` takes; `level` 1 is a part of the row of level 0 above it."""

    name: str
    tokens: int
    level: int = 0


@dataclass(frozen=True)
class ContextReport:
    """The rows of level 0 make the `total`. All figures are estimates (models/usage.py says how good).

    `window` is how many tokens the model takes, None where that is not known; `notes` are sentences.
    """

    model: str
    rows: Sequence[Row]
    total: int
    window: int | None
    notes: Sequence[str] = ()

    @property
    def headline(self) -> str:
        """The sum in a sentence."""
        name = self.model or "the model"
        if self.window is None:
            return f"About {self.total:,} tokens with the next question; the window of {name} is not known."
        share = self.total / self.window
        used = f"{share:.0%}" if share >= 0.01 else "less than 1%"
        return f"About {self.total:,} tokens with the next question, {used} of the {self.window:,} that {name} takes."

    def __str__(self) -> str:
        names = [f"{'  ' * row.level}{row.name}" for row in self.rows]
        width = max(map(len, names), default=0)
        lines = [f"{name:<{width}}  {row.tokens:>9,}" for name, row in zip(names, self.rows, strict=True)]
        return "\n".join([self.headline, "", *lines, *(["", *self.notes] if self.notes else [])])

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        lines = [
            f"| {'– ' * row.level}{escape(row.name)} | {f'{row.tokens:,}' if row.level else f'**{row.tokens:,}**'} |"
            for row in self.rows
        ]
        table = "\n".join(["| what is sent | tokens |", "|---|---:|", *lines])
        return "\n\n".join([escape(self.headline), table, *map(escape, self.notes)])


def context_report(copilot: Copilot, prompt: str = "", attachments: Sequence[Attachment] = ()) -> ContextReport:
    """What `copilot.ask(prompt)` would send now. Nothing is sent. Raises UsageError for a mention that is not there."""
    message, request = copilot.draft(prompt, attachments)
    asked = bool(message.parts) and bool(prompt.strip() or attachments)
    history = request.messages[:-1] if asked else request.messages
    rows = [*_instructions(copilot, request), *_tools(request)]
    turns = sum(isinstance(each, UserMessage) for each in history)
    if history:
        told = "1 question" if turns == 1 else f"{turns} questions"
        rows.append(Row(f"history: {told} and what followed", sum(map(message_tokens, history))))
    last = request.messages[-1] if asked else None
    if isinstance(last, UserMessage):
        rows += _question(message, last)
    name = copilot.model_info.name
    return ContextReport(name, rows, estimate_prompt(request), _window(name), _notes(copilot))


def _instructions(copilot: Copilot, request: ModelRequest) -> list[Row]:
    rows = [Row("instructions", estimate_tokens(request.instructions))]
    pieces = pieces_for(copilot.instructions, host(), copilot.agents.root)
    if len(pieces) > 1:
        rows += [Row(name, estimate_tokens(piece), 1) for name, piece in pieces.items()]
    return rows


def _tools(request: ModelRequest) -> list[Row]:
    if not request.tools:
        return []
    costs = sorted(((tool_tokens(tool), tool.name) for tool in request.tools), reverse=True)
    rows = [Row(f"{len(costs)} tools" if len(costs) > 1 else "1 tool", sum(cost for cost, _ in costs))]
    rows += [Row(name, cost, 1) for cost, name in costs[:_LARGEST]]
    if rest := costs[_LARGEST:]:
        rows.append(Row(f"{len(rest)} more", sum(cost for cost, _ in rest), 1))
    return rows


def _question(message: UIMessage, sent: UserMessage) -> list[Row]:
    """The message's parts beside what became of them: one piece of content each."""
    rows = [Row("the question", message_tokens(sent))]
    if len(sent.content) == 1:
        return rows
    for part, content in zip(message.parts, sent.content, strict=True):
        if isinstance(part, DataPart):
            name = str(cast("dict[str, Any]", part.data or {}).get("name", "context"))
        elif isinstance(content, Image):
            name = f"image {getattr(part, 'filename', None) or ''}".strip()
        else:
            name = getattr(part, "filename", None) or "its text"
        rows.append(Row(name, part_tokens(content), 1))
    return rows


def _window(model: str) -> int | None:
    found = (catalogue().entry(model) or {}).get("max_input_tokens") if "/" in model else None
    return found if isinstance(found, int) else None


def _notes(copilot: Copilot) -> list[str]:
    waiting = [name for name, status in copilot.mcp_status().items() if status["status"] in ("idle", "connecting")]
    return [f"The tools of {', '.join(waiting)} come with the first question and are not counted."] if waiting else []


__all__ = ["ContextReport", "Row", "context_report"]
