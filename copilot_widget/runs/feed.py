"""This process's copy of one run's log: what the Python API and the widget read, from any thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from ..elsewhere import CLIENT_CALL
from ..errors import LogError, one_line
from ..protocol.messages import UIMessage
from ..protocol.reducer import Reducer
from ..state import TERMINAL, RunStatus, client_reply, is_final
from .base import Event, Executor, RunId
from .events import Events

Listener = Callable[[Event], None]
Aside = Callable[[dict[str, Any]], None]

_ENDS: dict[str, RunStatus] = {"finish": "completed", "error": "failed", "abort": "stopped"}


class Feed:
    """Follows a run from a cursor. `events[i]` has seq i + 1; the list only grows, so reading it needs no lock."""

    def __init__(self, run: RunId, message_id: str) -> None:
        self.run = run
        self.events = Events()
        self.status: RunStatus = "queued"
        self.done = threading.Event()
        self.ended: Future[None] = Future()
        """The same for who awaits it."""
        self._message_id = message_id
        self._asked: set[str] = set()
        self._listeners: list[Listener] = []
        self._asides: list[Aside] = []
        self._reducer: Reducer | None = None
        self._reduced = 0
        self._lock = threading.Lock()

    async def follow(self, executor: Executor) -> None:
        """Read the run's log to its end; on the agent's loop. A log that breaks ends the feed with an error event."""
        try:
            async for event in executor.subscribe(self.run, len(self.events)):
                self._push(event)
        except LogError as error:
            self._push(self._made_up(f"The run's log cannot be read: {one_line(error)}"))
        if self.status not in TERMINAL:
            self._push(self._made_up("The run's log ended without an ending."))

    def fill(self, chunks: Iterable[dict[str, Any]], ts: float) -> None:
        """The whole run at once, from its message, where no log of it is left. When what happened is not known: `ts`
        is when it began, in epoch seconds, and 0 for all else."""
        for number, chunk in enumerate(chunks):
            self._push(Event(run=self.run, seq=number + 1, attempt=0, ts=ts if number == 0 else 0.0, chunk=chunk))

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each further event, on the agent's loop. Returns the function that ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def listen_aside(self, listener: Aside) -> Callable[[], None]:
        """Call `listener` with each chunk that stands in no log, on the loop. Returns the function that ends it."""
        self._asides.append(listener)
        return lambda: self._asides.remove(listener) if listener in self._asides else None

    def say_aside(self, chunk: dict[str, Any]) -> None:
        """Show a chunk that passes, such as a call's preliminary output, to who watches in this process; on the agent's
        loop. Another process's log is not kept waiting for it."""
        for listener in list(self._asides):
            listener(chunk)

    @property
    def message(self) -> UIMessage:
        """The assistant's message so far. Each call reduces only what is new."""
        with self._lock:
            if self._reducer is None:
                self._reducer = Reducer(UIMessage(id=self._message_id, role="assistant", parts=[]))
            while self._reduced < len(self.events):
                self._reducer.push(self.events[self._reduced]["chunk"])
                self._reduced += 1
            return self._reducer.message

    def _push(self, event: Event) -> None:
        self.events.append(event)
        self._follow_status(event["chunk"])
        for listener in list(self._listeners):
            listener(event)
        if self.status in TERMINAL:
            self.events.pack()
            self.done.set()
            self.ended.set_result(None)

    def _follow_status(self, chunk: dict[str, Any]) -> None:
        kind = chunk["type"]
        if kind == "tool-approval-request":
            self._asked.add(chunk["approvalId"])
        elif kind == "tool-approval-response":
            self._asked.discard(chunk["approvalId"])
        elif kind == CLIENT_CALL:
            self._asked.add(chunk["data"]["reply"])
        elif is_final(chunk):
            self._asked.discard(client_reply(chunk["toolCallId"]))
        self.status = _ENDS.get(kind) or ("waiting" if self._asked else "running")

    def _made_up(self, text: str) -> Event:
        chunk = {"type": "error", "errorText": text}
        return Event(run=self.run, seq=len(self.events) + 1, attempt=0, ts=0.0, chunk=chunk)
