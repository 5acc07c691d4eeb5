"""One turn, as its user sees it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from .errors import CopilotError, one_line
from .host import host
from .protocol.chunks import ToolOutputAvailable
from .protocol.messages import TextPart, UIMessage, metadata_of
from .protocol.tool_part import ToolPart
from .protocol.wire import Usage, to_wire
from .runs import loop
from .runs.attempt import NOT_KEPT
from .runs.base import Event, Executor
from .runs.feed import Feed
from .state import TERMINAL, Approval, Grant, Output, RunRequest, RunStatus, client_reply, digest

if TYPE_CHECKING:
    from .copilot import Copilot


Scope = Literal["once", "run", "session", "same"]


@dataclass(frozen=True)
class RunError:
    """Why a run failed: `code` for programs, `message` what happened and why, `hint` what to do next."""

    code: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Run:
    """A turn of a Copilot: running, or ended. Made by `Copilot.ask`; displays itself as a cell's last value."""

    def __init__(
        self,
        copilot: Copilot,
        request: RunRequest,
        executor: Executor,
        options: Mapping[str, Any],
        *,
        replaces: Run | None = None,
    ) -> None:
        self._copilot = copilot
        self._request = request
        self._executor = executor
        self.options = {name: value for name, value in options.items() if value is not None}
        """What was asked for this run alone (model, max_steps, budget, approvals); its follow-ups keep to it."""
        self._feed = Feed(request.run, request.message_id)
        self.replaces = None if replaces is None else replaces.id
        """The run whose turn this one has taken: its question was edited, or another answer was asked for."""
        self.shown = False
        """True once a magic has displayed it, so that the cell's value does not display it again."""

    @property
    def id(self) -> str:
        return self._request.run

    @property
    def prompt(self) -> UIMessage:
        """The user's message."""
        return self._request.message

    @property
    def request(self) -> RunRequest:
        """What was asked for."""
        return self._request

    def move(self, thread: str) -> None:
        """Count it, which has ended, to another conversation."""
        self._request = self._request.model_copy(update={"thread": thread})

    @property
    def executor(self) -> Executor:
        """Where it is executed."""
        return self._executor

    @property
    def copilot(self) -> Copilot:
        return self._copilot

    @property
    def feed(self) -> Feed:
        """The run's events as this process knows them."""
        return self._feed

    @property
    def status(self) -> RunStatus:
        """queued, running, waiting (for an answer of the user), completed, failed or stopped."""
        return self._feed.status

    @property
    def message(self) -> UIMessage:
        """The assistant's message so far."""
        return self._feed.message

    @property
    def text(self) -> str:
        """The answer's text so far, its parts joined by blank lines."""
        texts = [part.text for part in self.message.parts if isinstance(part, TextPart) and part.text]
        return "\n\n".join(texts)

    @property
    def output(self) -> Any:
        """The answer as a value: its text."""
        return self.text if self.status == "completed" else None

    @property
    def usage(self) -> Usage:
        """Tokens so far; all zero until the first request has been counted."""
        return _usage(self._metadata)

    @property
    def cost(self) -> float | None:
        """US dollars so far, or None where no price is known."""
        cost = self._metadata.get("cost")
        return float(cost) if isinstance(cost, (int, float)) else None

    @property
    def error(self) -> RunError | None:
        """Why the run failed, or None."""
        if self.status != "failed":
            return None
        told = _mapping(self._metadata.get("error"))
        if told:
            return RunError(str(told.get("code")), str(told.get("message")), str(told.get("hint") or ""))
        return RunError("log", str(self._feed.events[-1]["chunk"].get("errorText")))

    @property
    def _metadata(self) -> dict[str, Any]:
        return metadata_of(self.message)

    def wait(self, timeout: float | None = None) -> Run:
        """Wait for the end, also of a run that fails; serves the tools that need this thread meanwhile.

        `timeout` is in seconds. Raises TimeoutError when the time is up; the run goes on.
        """
        if not host().wait(self._feed.done, timeout):
            raise TimeoutError(f"The run {self.id} has not ended within {timeout:g} s; it goes on.")
        return self

    def __await__(self) -> Generator[Any, None, Run]:
        return self._wait_async().__await__()

    async def _wait_async(self) -> Run:
        # shielded: giving up the wait must not mark the run as ended
        await host().serve(asyncio.shield(asyncio.wrap_future(self._feed.ended)))
        return self

    def stop(self) -> None:
        """End the run; returns at once. No error where it has ended; where it cannot be reached, a notice says so."""
        loop.start(self._stop())

    async def _stop(self) -> None:
        try:
            await self._executor.stop(self.id)
        except Exception as error:
            said = str(error) if isinstance(error, CopilotError) else f"{one_line(error)}."
            self._copilot.notices.say(f"The run could not be stopped, and goes on. {said}")

    def answer(
        self,
        approval_id: str,
        approved: bool,
        reason: str | None = None,
        *,
        scope: Scope = "once",
        digest: str | None = None,
        input: dict[str, Any] | None = None,
    ) -> bool:
        """Answer an approval; only the first answer counts. False for any other. Raises LogError for an answer to
        another call than the one that is asked about: it allows nothing, and the right one can still be given.

        `scope` is how far consent goes: "once"; "run", for the tool in the rest of this run; "session", for the tool in
        this Copilot's further runs, too; "same", so for calls with the same arguments. `input` are arguments to run
        instead of the model's. `digest` is of the call that was shown, as its card has it.
        """
        grant = self._grant(approval_id, scope) if approved and scope != "once" else None
        reply = Approval(approved=approved, reason=reason, grant=grant, digest=digest, input=input)
        taken = loop.start(self._executor.answer(self.id, approval_id, reply)).result()
        if taken and grant is not None and scope != "run":
            self._copilot.grants.append(grant)
        return taken

    def reply(self, call_id: str, output: Any) -> bool:
        """Give the output of a call that waits for one: the answer to `ask_user`. False where none is waited for."""
        chunk = to_wire(ToolOutputAvailable(tool_call_id=call_id, output=output))
        reply = self._executor.answer(self.id, client_reply(call_id), Output(chunks=[chunk]))
        return loop.start(reply).result()

    def _grant(self, approval_id: str, scope: Scope) -> Grant | None:
        for part in self.message.parts:
            if isinstance(part, ToolPart) and part.approval is not None and part.approval.id == approval_id:
                tool, same = part.tool_name, scope == "same"
                return Grant(tool=tool, digest=digest(tool, part.input) if same else None)
        return None

    def events(self, after: int = 0) -> Iterator[Event]:
        """The run's events from `after` + 1 on, live, until the terminal one."""
        feed, cursor = self._feed, after
        while True:
            grown = threading.Event()
            unlisten = feed.listen(lambda event, grown=grown: grown.set())
            try:
                ended = feed.status in TERMINAL  # read before the events: nothing follows a terminal status
                while events := feed.events.after(cursor):
                    cursor += len(events)
                    yield from events
                if ended:
                    return
                host().wait(grown, None)
            finally:
                unlisten()

    def _ipython_display_(self) -> None:
        if self.shown:
            self.shown = False
            return
        host().show_run(self)

    def _display_(self) -> Any:
        """What marimo shows in its place."""
        return host().show_run(self)

    def __repr__(self) -> str:
        return f"<Run {self.id} {self.status}>"


def _mapping(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _usage(metadata: dict[str, Any]) -> Usage:
    counts = _mapping(metadata.get("usage"))
    return Usage(
        prompt_tokens=counts.get("promptTokens", 0),
        completion_tokens=counts.get("completionTokens", 0),
        total_tokens=counts.get("totalTokens", 0),
        cached_tokens=counts.get("cachedTokens", 0),
        reasoning_tokens=counts.get("reasoningTokens", 0),
    )


async def follow(run: Run) -> None:
    """Keep a run's feed up to date; on the agent's loop."""
    task = asyncio.current_task()
    if task is not None:
        task.set_name(f"copilot-feed-{run.id}")
    await run.feed.follow(run.executor)
    why = metadata_of(run.message).get(NOT_KEPT)
    if why:
        run.copilot.notices.say(f"This answer could not be added to the conversation where that is kept. {why}")
