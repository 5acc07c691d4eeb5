"""A conversation as this process knows it: what was asked, what of it stands, and what the model still reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import wait
from typing import TYPE_CHECKING, Any, Literal

from .errors import UsageError
from .history import FORGET
from .keeping import new_thread
from .protocol.messages import Part, UIMessage
from .protocol.wire import Usage
from .runs import loop
from .state import TERMINAL

if TYPE_CHECKING:
    from .run import Run

Change = Literal["model", "history", "withdrawn", "resumed"]
"""resumed: turns that ended long ago were taken in, all at once."""
ChangeListener = Callable[[Change], None]

_PATIENCE_SECONDS = 5.0
"""For a run that nobody works on to end."""


class Conversation:
    """The runs of a thread."""

    def __init__(self) -> None:
        self.thread = new_thread()
        """Its name in the store."""
        self.runs: list[Run] = []
        """All that were asked here; `turns` are those of the conversation as it stands."""
        self._replaced: set[str] = set()
        self._forgets = False
        self._watchers: list[ChangeListener] = []

    @property
    def messages(self) -> list[UIMessage]:
        """The conversation: each question and its answer as far as it has come."""
        result: list[UIMessage] = []
        for run in self.turns:
            result.append(run.prompt)
            if run.message.parts:
                result.append(run.message)
        return result

    @property
    def asked(self) -> list[Run]:
        """All runs of this conversation, also those whose turn was replaced: what they cost was paid."""
        return [run for run in self.runs if run.request.thread == self.thread]

    @property
    def turns(self) -> list[Run]:
        """The runs that make up the conversation."""
        return [run for run in self.asked if run.id not in self._replaced]

    @property
    def usage(self) -> Usage:
        """Tokens of all runs of the conversation so far."""
        spent = [run.usage for run in self.asked]
        names = ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")
        return Usage(**{name: sum(getattr(usage, name) or 0 for usage in spent) for name in names})

    # ---- its beginning and its end ------------------------------------------------------------------------

    def enter(self, run: Run) -> None:
        """It has one more."""
        self.runs.append(run)
        if run.replaces is None:
            self._forgets = False
        else:
            self._replaced.add(run.replaces)

    def check_last(self, run: Run) -> None:
        """Raises UsageError where something follows a run, or it goes on."""
        turns = self.turns
        if not turns or turns[-1].id != run.id:
            raise UsageError(
                "Only the last question of a conversation can be edited or answered anew.", code="not-last"
            )
        if run.status not in TERMINAL:
            raise UsageError("This run has not ended.", hint="Stop it first.", code="running")

    def message_of(self, run_id: str, parts: Sequence[Part], mark: str = "", replaces: Run | None = None) -> UIMessage:
        """The user's message of a run."""
        if replaces is not None:  # the store finds the place by the id
            before = replaces.prompt
            return UIMessage(id=before.id, role="user", parts=list(parts), metadata=before.metadata)
        mark = mark or (FORGET if self._forgets else "")
        metadata: Any = {"history": mark} if mark else None
        return UIMessage(id=f"{run_id}-user", role="user", parts=list(parts), metadata=metadata)

    def forget(self) -> bool:
        """Let the model read nothing of what was said so far; it stays kept and shown. False where there is nothing."""
        if not self.turns or self._forgets:
            return False
        self._forgets = True
        self.changed("history")
        return True

    def start_anew(self) -> bool:
        """Begin a new conversation; the one so far stays kept. False where this one is new."""
        if not self.turns:
            return False
        self.leave()
        return True

    def move(self, thread: str) -> None:
        """Call it `thread` from now on, with all that was said."""
        for run in self.asked:
            run.move(thread)
        self.thread = thread
        self.changed("history")

    def leave(self) -> None:
        """Begin a new conversation with the next question."""
        self.thread = new_thread()
        self._forgets = False
        self.changed("history")

    @property
    def forgets(self) -> bool:
        """True where the next question is the first that the model reads."""
        return self._forgets

    def withdraw(self, run: Run) -> None:
        """Take a question back that waits for the runs before it. Raises UsageError where it waits no longer."""
        if run.status == "queued":
            loop.start(run.executor.stop(run.id, "taken back before it began")).result()
            wait([run.feed.ended], _PATIENCE_SECONDS)
        if run.status != "stopped" or any(event["chunk"]["type"] == "start-step" for event in run.feed.events):
            raise UsageError("This message is being answered already.", hint="Stop the run.", code="begun")
        self.runs.remove(run)
        self.changed("withdrawn")

    # ---- who is told --------------------------------------------------------------------------------------

    def on_change(self, watcher: ChangeListener) -> Callable[[], None]:
        """Call `watcher` when something besides a new turn has changed what views show. Returns the function that ends
        it."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher) if watcher in self._watchers else None

    def changed(self, what: Change) -> None:
        for watcher in list(self._watchers):
            watcher(what)


__all__ = ["Change", "ChangeListener", "Conversation"]
