"""Turns as they are looked back at: those that were kept, as runs that have ended, and runs as a record shows them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from .endings import resolve_calls
from .errors import CopilotError, UsageError, one_line
from .history import FORGET, mark_of
from .protocol.chunks import Abort, Chunk, Error, Finish, ReasoningEnd, TextEnd
from .protocol.messages import UIMessage, metadata_of
from .protocol.reducer import Reducer
from .protocol.replay import chunks_of
from .protocol.wire import to_wire
from .record import RecordTurn
from .run import Run
from .runs.base import Executor
from .state import TERMINAL, RunRequest

if TYPE_CHECKING:
    from .copilot import Copilot

Ending = Literal["completed", "failed", "stopped", "interrupted"]

_PARTED = (
    "This conversation went on in another kernel. What is asked here goes on in a copy of it, with the turns above; "
    "/history lists both."
)

CUT = "the kernel ended before this call did"

FORGOTTEN = "forgotten above"
NEW = "new conversation"


def ending_of(message: UIMessage) -> Ending:
    """How the run of a kept answer ended. One that was still at work when it was kept last was interrupted."""
    metadata = metadata_of(message)
    status = metadata.get("status")
    if status in ("running", "waiting", "interrupted"):
        return "interrupted"
    if status == "stopped":
        return "stopped"
    return "failed" if isinstance(metadata.get("error"), dict) else "completed"


def resume(copilot: Copilot, thread: str) -> None:
    """See Copilot.resume."""
    if any(run.request.thread == copilot.thread for run in copilot.runs):
        raise UsageError(
            "This conversation has begun already.",
            hint="Resume the other one by %copilot /resume, in a cell of its own.",
        )
    kept = copilot.keeping.load(thread)
    if not kept:
        raise UsageError(
            f"No conversation {thread!r} is kept here.", hint="%copilot /history lists those that are.", code="unknown"
        )
    copilot.keeping.adopt(thread)
    copilot.thread = thread
    copilot.keeping.labelled.add(thread)
    take(copilot, kept)


def go_on(copilot: Copilot, name: str) -> None:
    """With what is kept of the conversation of that name, where there is something."""
    try:
        kept = copilot.keeping.load(copilot.thread)
        before = None if kept or name == copilot.thread else copilot.keeping.named(name)
        if before is not None:
            copilot.keeping.adopt(before)
            copilot.thread, kept = before, copilot.keeping.load(before)
    except CopilotError as error:
        copilot.notices.say(f"What was said in {name!r} before cannot be read. {error}")
        return
    if kept:
        copilot.keeping.labelled.add(copilot.thread)
        take(copilot, kept)
    elif name != copilot.thread:
        copilot.keeping.begin(copilot.thread, name)


def part_ways(copilot: Copilot) -> None:
    """Before a question: where another kernel has gone on with this conversation, go on in a copy of what is known
    here. So no turn is lost, and none stands between those of others that its model has not read."""
    asked = copilot.asked
    if not asked or any(run.status not in TERMINAL for run in asked):
        return
    known = {each for run in asked for each in (run.prompt.id, run.request.message_id)}
    copy = copilot.keeping.part(copilot.thread, known)
    if copy is not None:
        copilot.move(copy)
        copilot.notices.keep(_PARTED)


def take(copilot: Copilot, messages: Iterable[UIMessage]) -> None:
    """Make messages the first turns of a Copilot."""
    for run in past_runs(copilot, copilot.executor("kernel"), messages):
        copilot.enter(run)
    copilot.changed("resumed")


def unfinished(runs: Iterable[Run], executor: Executor | None) -> Iterator[tuple[str, UIMessage]]:
    """Answers that are being given on an executor now, with their threads."""
    for run in runs:
        if run.executor is executor and run.status in ("running", "waiting"):
            yield run.request.thread, run.message


def past_runs(copilot: Copilot, executor: Executor, messages: Iterable[UIMessage]) -> list[Run]:
    """A run for each turn. Nothing in them waits for anybody: what had no answer has none."""
    return [_run(copilot, executor, user, answer) for user, answer in turns_of(messages)]


def turns_of(messages: Iterable[UIMessage]) -> Iterator[tuple[UIMessage, UIMessage | None]]:
    """Each question with its answer. An answer that follows no question has an empty one."""
    question: UIMessage | None = None
    for message in messages:
        if message.role == "user":
            if question is not None:
                yield question, None
            question = message
        elif message.role == "assistant":
            yield question or UIMessage(f"{message.id}-user", "user"), message
            question = None
    if question is not None:
        yield question, None


def divider(run: Run, before: Run | None) -> str:
    """The line above a turn where the model reads nothing of what stands higher up, else "".

    `before` is the run that is shown above it.
    """
    if before is not None and before.request.thread != run.request.thread:
        return NEW
    return FORGOTTEN if mark_of(run.prompt) == FORGET else ""


def recorded(runs: Sequence[Run], first: int = 0) -> list[RecordTurn]:
    """Runs as the record shows them, from the one at `first` on."""
    turns: list[RecordTurn] = []
    for place, run in enumerate(runs[first:], first):
        line = divider(run, runs[place - 1] if place else None)
        turns.append(RecordTurn(run.prompt, run.message, _status(run), _seconds(run), line))
    return turns


def _status(run: Run) -> str:
    return "interrupted" if ending_of(run.message) == "interrupted" else run.status


_BEGINS = {"tool-input-available": "toolCallId", "reasoning-start": "id"}
_ENDS = {"tool-output-available": "toolCallId", "tool-output-error": "toolCallId", "reasoning-end": "id"}


def _seconds(run: Run) -> dict[str, float]:
    """How long each tool call took, from its arguments to its result, and each reasoning, by the log's clock."""
    begun: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for event in run.feed.events:
        chunk, now = event["chunk"], event["ts"]
        if not now:
            continue  # of a turn that was kept, nobody knows
        if chunk["type"] in _BEGINS:
            begun[chunk[_BEGINS[chunk["type"]]]] = now
        elif chunk["type"] in _ENDS and (part := chunk[_ENDS[chunk["type"]]]) in begun:
            seconds[part] = now - begun[part]
    return seconds


def _run(copilot: Copilot, executor: Executor, user: UIMessage, answer: UIMessage | None) -> Run:
    run_id = f"past-{secrets.token_urlsafe(12)}"
    cut = UIMessage(f"{run_id}-answer", "assistant", metadata={"status": "interrupted"})
    message = answer or cut
    if ending_of(message) == "interrupted":
        message = replace(message, metadata={**metadata_of(message), "status": "interrupted"})
    request = RunRequest(run=run_id, thread=copilot.thread, message=user, message_id=message.id, model="")
    run = Run(copilot, request, executor, {})
    run.feed.fill(_chunks(message), _time(message))
    return run


def _chunks(message: UIMessage) -> list[dict[str, Any]]:
    """The answer's stream, with an ending."""
    try:
        chunks = [to_wire(chunk) for chunk in chunks_of(message)]
    except (ValidationError, CopilotError) as error:
        text = f"This answer was kept in a form that cannot be shown: {one_line(error)}"
        return [{"type": "start", "messageId": message.id}, to_wire(Error(error_text=text))]
    reducer = Reducer()
    for chunk in chunks:
        reducer.push(chunk)
    closing: list[Chunk] = [*_open_texts(chunks), *resolve_calls(reducer.message, CUT)]
    return [*chunks, *map(to_wire, closing), to_wire(_last(message))]


def _open_texts(chunks: list[dict[str, Any]]) -> Iterator[Chunk]:
    ended = {chunk["id"] for chunk in chunks if chunk["type"] in ("text-end", "reasoning-end")}
    for chunk in chunks:
        if chunk["type"] == "text-start" and chunk["id"] not in ended:
            yield TextEnd(id=chunk["id"])
        elif chunk["type"] == "reasoning-start" and chunk["id"] not in ended:
            yield ReasoningEnd(id=chunk["id"])


def _last(message: UIMessage) -> Chunk:
    ending = ending_of(message)
    if ending == "failed":
        told = metadata_of(message)["error"]
        return Error(error_text=f"{told.get('message') or ''} {told.get('hint') or ''}".strip())
    return Finish() if ending == "completed" else Abort(reason=ending)


def _time(message: UIMessage) -> float:
    """When it was begun, in epoch seconds; 0 where it does not say so."""
    created = metadata_of(message).get("createdAt")
    try:
        return datetime.fromisoformat(created.replace("Z", "+00:00")).timestamp() if isinstance(created, str) else 0.0
    except ValueError:
        return 0.0


__all__ = [
    "FORGOTTEN",
    "NEW",
    "divider",
    "ending_of",
    "go_on",
    "part_ways",
    "past_runs",
    "recorded",
    "resume",
    "take",
    "turns_of",
    "unfinished",
]
