"""Commands from the page, by every route that works, each acted on once.

While a cell runs, the messages of a widget's own comm wait (ipykernel 6.31), or often wait (7.4). So the page sends
each command on a comm that it opened itself and on the control channel; the doubles are dropped here by id. On
that comm only replies are published, from within its handler: publishing there from elsewhere would bind it to
whatever subshell was active then. Handlers may run on the main thread, on a subshell's or on the control thread.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from typing import Any, Protocol, cast
from weakref import WeakValueDictionary

from ..errors import CopilotError, one_line
from ..protocol.commands import (
    Asset,
    Attach,
    Command,
    CommandError,
    Complete,
    Hello,
    Resume,
    ViewCommand,
    accepted,
    parse_command,
    refused,
)
from .reattach import COMM_TARGET, go_on

CONTROL_TYPE = "copilot_command"
REPLY_TYPE = "copilot_reply"

_REMEMBERED = 2_000
"""Replies kept for doubles, which may come minutes later: when a cell that ran meanwhile has ended."""
_READS = (Asset, Complete, Hello, Resume)
_READS_REMEMBERED = 20
"""Of commands that only read: their replies may be large, and a late double does no harm."""


class Handler(Protocol):
    """A widget: acts on a command and returns the reply's result. Raises CopilotError to refuse."""

    def handle(self, command: ViewCommand) -> Any: ...


class Router:
    """Finds the widget that a command is meant for, and remembers what it said."""

    def __init__(self) -> None:
        self._handlers: WeakValueDictionary[str, Any] = WeakValueDictionary()
        self._replies: OrderedDict[str, _Reply] = OrderedDict()
        self._read: OrderedDict[str, _Reply] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, widget_id: str, handler: Handler) -> None:
        """Send commands for `widget_id` to `handler`, for as long as somebody else holds on to it."""
        self._handlers[widget_id] = handler

    def dispatch(self, wire: Any) -> dict[str, Any]:
        """Act on one command, or find out what its twin was told; every command gets a reply."""
        try:
            command = parse_command(wire)
        except CommandError as error:
            return refused(error.id, error)
        reads = isinstance(command, _READS)
        replies, most = (self._read, _READS_REMEMBERED) if reads else (self._replies, _REMEMBERED)
        with self._lock:
            reply = replies.get(command.id)
            first = reply is None
            if reply is None:
                reply = replies[command.id] = _Reply()
                while len(replies) > most:
                    replies.popitem(last=False)
        if first:
            reply.set(self._act(command))
        return reply.wait()

    def _act(self, command: Command) -> dict[str, Any]:
        handler = self._handlers.get(command.widget)
        try:
            if isinstance(command, Attach):
                return accepted(command.id, go_on(command))
            if handler is None:
                hint = "Run its cell again."
                raise CopilotError("This copilot is no longer in the kernel.", hint=hint, code="unknown-widget")
            return accepted(command.id, handler.handle(command))
        except CopilotError as error:
            return refused(command.id, error)
        except Exception as error:
            return refused(command.id, CopilotError(f"Internal error: {one_line(error)}.", code="internal"))

    # ---- routes ----------------------------------------------------------------------------------------

    def install(self, kernel: Any) -> None:
        """Listen on a kernel's comm manager and control channel, where it has them."""
        manager = getattr(kernel, "comm_manager", None)
        if manager is not None:
            manager.register_target(COMM_TARGET, self.on_open)
        handlers = getattr(kernel, "control_handlers", None)
        if isinstance(handlers, dict):
            cast("dict[str, Any]", handlers)[CONTROL_TYPE] = functools.partial(self._on_control, kernel)

    def on_open(self, comm: Any, _message: Any) -> None:
        """The page has opened a comm for its commands."""

        def answer(message: Any) -> None:
            comm.send(self.dispatch(message["content"].get("data")))

        comm.on_msg(answer)

    def _on_control(self, kernel: Any, *arguments: Any) -> None:
        # 6.x and 7.x both call handler(stream, idents, message)
        stream, idents, message = arguments[-3:]
        reply = self.dispatch(message.get("content"))
        kernel.session.send(stream, REPLY_TYPE, reply, parent=message, ident=idents)


class _Reply:
    """A reply that may still be on its way from another thread."""

    def __init__(self) -> None:
        self._known = threading.Event()
        self._value: dict[str, Any] = {}

    def set(self, value: dict[str, Any]) -> None:
        self._value = value
        self._known.set()

    def wait(self) -> dict[str, Any]:
        self._known.wait(10)
        return self._value


_router: Router | None = None


def router(kernel: Any) -> Router:
    """The router of this kernel."""
    global _router
    if _router is None:
        _router = Router()
        _router.install(kernel)
    return _router
