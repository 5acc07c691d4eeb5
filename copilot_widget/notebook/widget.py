"""The widget below a cell: some turns of a conversation, or all of it with a composer."""

from __future__ import annotations

import base64
import contextvars
import time
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import anywidget
import ipywidgets  # pyright: ignore[reportMissingTypeStubs]
import traitlets
from IPython.core.getipython import get_ipython

from ..errors import UsageError
from ..protocol.commands import (
    Answer,
    Approve,
    Asset,
    Complete,
    Cursor,
    Deliver,
    Hello,
    Regenerate,
    Reopen,
    Resume,
    Send,
    Stop,
    Take,
    Undo,
    Upload,
    ViewCommand,
    Withdraw,
)
from ..protocol.jsontext import dumps
from ..protocol.messages import FilePart
from ..state import TERMINAL
from .assets import assets, compressed, read
from .document import document
from .envelope import envelope
from .kept import reopen
from .magic import attach
from .note import Note
from .router import router
from .slash import Here, check_offered, find
from .transport import Transport
from .uploads import Uploads
from .view import about, choices, turn, turns

if TYPE_CHECKING:
    from ..conversation import Change
    from ..copilot import Copilot
    from ..run import Run

Kind = Literal["turn", "panel"]

_ANSWER_SIZE = 150_000
"""Characters of JSON after which an answer to `resume` holds no further run: the page takes it in without a pause that
one could feel, and shows the last turns of a long conversation before the first have come."""


class ChatWidget(anywidget.AnyWidget):
    """Synced are only the loader, the id of the bundle's widget, and the view's first state: what the view
    needs beyond that it fetches by command, from the runs' logs."""

    _esm = traitlets.Unicode().tag(sync=True)
    _assets = traitlets.Unicode().tag(sync=True)
    initial = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        copilot: Copilot,
        *,
        kind: Kind,
        runs: Sequence[Run] = (),
        draft: str | None = None,
        notice: str | None = None,
        options: dict[str, Any] | None = None,
        kernel: Any = None,
        heir: str | None = None,
        whole: bool = False,
    ) -> None:
        """`whole`: the page cannot look the bundle's widget up, so this one brings the bundle."""
        self._copilot = copilot
        self._kind: Kind = kind
        self._runs: list[Run] = []
        self._draft = draft
        self._notice = notice or copilot.notices.take()
        self._earlier: dict[str, Any] | None = None
        self._options = dict(options or (runs[-1].options if runs and kind == "turn" else {}))
        """Follow-ups are asked as the cell asked: of the same model, under the same limits."""
        # A thread's publishing needs the context of the cell that made the widget: ipykernel looks the parent up there.
        self._context = contextvars.copy_context()
        self._transport = Transport(self._send_from_anywhere)
        self._uploads = Uploads()
        self.on_run: list[Callable[[Run], None]] = []
        """Called with each run that this widget shows from now on."""
        self._id = heir or uuid.uuid4().hex
        self._router = router(kernel)
        self._router.add(self._id, self)
        self.pages: dict[str, float] = {}
        """When each page spoke last, in the order in which they came."""
        self.on_page: list[Callable[[str], None]] = []
        """Called with each page but the first: it was loaded after the view had been shown."""
        document().add(self)
        for place, run in enumerate(runs):
            self._watch(run, place)
        # All state goes with the comm's opening: what is set after it may reach the page too late for its first paint.
        loader = read("whole.js" if whole else "loader.js").decode()
        super().__init__(
            model_id=self._id,
            layout=_layout(),
            _esm=loader,
            _assets="" if whole else f"IPY_MODEL_{assets().model_id}",
            initial=self.view(),
        )
        self.on_msg(self._on_fallback)  # pyright: ignore[reportUnknownMemberType]
        self._unlisten = [
            copilot.notices.listen(self.tell),
            copilot.on_turn(self._added),
            copilot.on_change(self._changed),
        ]

    # ---- state -----------------------------------------------------------------------------------------

    def view(self) -> dict[str, Any]:
        """What the page shows besides the runs' events."""
        return {
            **about(self._copilot, self._runs),
            **choices(self._copilot, self._kind),
            "kind": self._kind,
            "widget": self._id,
            "turns": turns(self._runs),
            "draft": self._draft,
            "notice": self._notice,
            "earlier": self._earlier,
            "changes": self._changes(),
        }

    def tell(self, notice: str) -> None:
        """Say something beside the conversation."""
        self._notice = notice
        self._send_from_anywhere({"type": "view", "view": {"notice": notice}})

    def offer(self, earlier: dict[str, Any] | None) -> None:
        """Offer to go on with a kept conversation, {thread, title, about}; None: no more."""
        self._earlier = earlier
        self._send_from_anywhere({"type": "view", "view": {"earlier": earlier}})

    def add(self, run: Run) -> None:
        """Show one more run, or one in the place of that which it replaces."""
        if run in self._runs:
            return
        if self._earlier is not None:
            self.offer(None)
        place = next((n for n, shown in enumerate(self._runs) if shown.id == run.replaces), len(self._runs))
        before = self._runs[place - 1] if place else None
        self._watch(run, place)
        self._send_from_anywhere({"type": "turn", "turn": turn(run, before), "replaces": run.replaces})
        self._send_about()
        for callback in list(self.on_run):
            callback(run)

    def _added(self, run: Run) -> None:
        """The conversation has one more: a panel shows it, a cell's view only where it replaces one of its own."""
        if self._kind == "panel" or any(shown.id == run.replaces for shown in self._runs):
            self.add(run)

    def _changed(self, what: Change) -> None:
        if what == "model":
            self._options.pop("model", None)
        if what == "withdrawn":
            self._runs = [run for run in self._runs if run in self._copilot.runs]
            self._send_from_anywhere({"type": "view", "view": {"turns": turns(self._runs)}})
        if what == "resumed" and self._kind == "panel":
            self._resumed()
        self._send_about()

    def _resumed(self) -> None:
        """All at once: there may be hundreds."""
        new = [run for run in self._copilot.turns if run not in self._runs]
        for run in new:
            self._watch(run, len(self._runs))
        self._earlier = None
        self._send_from_anywhere({"type": "view", "view": {"turns": turns(self._runs), "earlier": None}})
        for callback in list(self.on_run):
            for run in new:
                callback(run)

    def _send_about(self) -> None:
        self._send_from_anywhere({"type": "view", "view": about(self._copilot, self._runs)})

    @property
    def runs(self) -> list[Run]:
        return list(self._runs)

    # ---- the notebook's document, see document.py --------------------------------------------------------

    def shows(self, run: str) -> bool:
        return any(shown.id == run for shown in list(self._runs))

    def send_to_pages(self, content: dict[str, Any]) -> None:
        self._send_from_anywhere(content)

    def tell_changes(self) -> None:
        self._send_from_anywhere({"type": "view", "view": {"changes": self._changes()}})

    def _changes(self) -> dict[str, dict[str, str]]:
        states = {run.id: document().changes.states(run.id) for run in list(self._runs)}
        return {run: calls for run, calls in states.items() if calls}

    def _served(self, command: Take | Deliver) -> dict[str, Any]:
        if isinstance(command, Take):
            document().take(command.request, command.page)
        else:
            error = command.error.model_dump() if command.error is not None else None
            document().deliver(command.request, command.page, command.result, error)
        return {}

    def _undo(self, command: Undo) -> dict[str, Any]:
        change = document().changes.get(self._run(command.run).id, command.call_id)

        def turned(result: Any) -> None:
            change.turned(result)
            document().tell(change.run)

        return {"request": document().hand_over(command.page, change.turn(), turned)}

    def _watch(self, run: Run, place: int) -> None:
        self._runs[place : place + 1] = [run]
        self._transport.watch(run.feed)

    def _send_from_anywhere(self, content: dict[str, Any]) -> None:
        if getattr(self, "comm", None) is not None:  # before it is there, the page fetches what it lacks
            self._context.copy().run(self._publish, content)

    def _publish(self, content: dict[str, Any]) -> None:
        self.send(content)  # pyright: ignore[reportUnknownMemberType]

    # ---- commands --------------------------------------------------------------------------------------

    def handle(self, command: ViewCommand) -> Any:
        """Act on a command of the page and return its result; raises CopilotError to refuse."""
        is_late = command.page not in self.pages and len(self.pages) > 0
        self.pages[command.page] = time.monotonic()
        for callback in list(self.on_page) if is_late else ():
            callback(command.page)
        if isinstance(command, Hello):
            return self.view()
        if isinstance(command, (Take, Deliver)):
            return self._served(command)
        if isinstance(command, Undo):
            return self._undo(command)
        if isinstance(command, Resume):
            return {"runs": self._resume(command.runs)}
        if isinstance(command, (Send, Reopen, Upload, Asset, Complete)):
            return self._act(command)
        return self._handle_of_run(command, self._run(command.run))

    def _handle_of_run(self, command: Regenerate | Withdraw | Stop | Approve | Answer, run: Run) -> dict[str, Any]:
        if isinstance(command, Regenerate):
            return self._shown(self._copilot.ask_again(run))
        if isinstance(command, Withdraw):
            return self._withdraw(run)
        if isinstance(command, Stop):
            run.stop()
        elif isinstance(command, Answer):
            if not run.reply(command.call_id, command.output):
                raise UsageError("This question was answered already, or nobody asks it.", code="answered")
        elif not run.answer(
            command.approval_id,
            command.approved,
            command.reason,
            scope=command.scope,
            digest=command.digest,
            input=command.input,
        ):
            raise UsageError("This approval was answered already, or nobody asks for it.", code="answered")
        return {"status": run.status}

    def _complete(self, text: str, cursor: int) -> list[dict[str, Any]]:
        from ..host import host
        from .completion import complete_in_page

        surroundings = getattr(host(), "surroundings", None)
        return complete_in_page(text, cursor, surroundings(self._copilot)) if surroundings is not None else []

    def _act(self, command: Send | Reopen | Upload | Asset | Complete) -> Any:
        """On a command that means no run."""
        if isinstance(command, Send):
            return self._ask(command)
        if isinstance(command, Reopen):
            check_offered("resume")
            return reopen(self, self._copilot, command.thread)
        if isinstance(command, Upload):
            return {"received": self._uploads.add(command.upload, command.at, command.data)}
        if isinstance(command, Asset):
            return {"data": base64.b64encode(compressed(command.name)).decode()}
        return {"items": self._complete(command.text, command.cursor)}

    def _resume(self, cursors: Sequence[Cursor]) -> dict[str, Any]:
        shown = {run.id: run for run in self._runs}
        answer: dict[str, Any] = {}
        size = 0
        for cursor in cursors:
            run = shown.get(cursor.run)
            answer[cursor.run] = came = self._came(run, cursor.after) if run is not None else None
            size += len(dumps(came))
            if size > _ANSWER_SIZE:
                break
        return answer

    def _came(self, run: Run, after: int) -> dict[str, Any]:
        sent = self._transport.sent(run.feed)
        events = run.feed.events[after:sent]
        is_behind = sent < len(run.feed.events)  # then the ending is still to come, with the next envelope
        status = "running" if is_behind and run.status in TERMINAL else run.status
        return {"envelopes": [envelope(events, times=True)] if events else [], "status": status}

    def _ask(self, command: Send) -> dict[str, Any]:
        draft = self._draft
        # A draft that is sent as it was is what its cell asks: values of {expressions} are no more than that here, too.
        text = draft if draft is not None and draft.split() == command.text.split() else command.text
        given = find(text)
        selection = command.selection.model_dump() if command.selection is not None else None
        files = [self._uploads.part(attachment) for attachment in command.attachments]
        if given is not None and (files or command.replaces):
            raise UsageError(f"/{given.command.name} takes no files, and replaces no question.", hint="Send it alone.")
        if given is not None:
            check_offered(given.command.name)
            shell = get_ipython()
            extension = attach(shell) if shell is not None else None
            outcome = given.act(Here(self._copilot, extension, self._options, in_page=True, selection=selection))
            if isinstance(outcome, Note):
                return {"note": outcome.markdown}
            run = outcome
        elif command.replaces is not None:
            edited = self._run(command.replaces)
            # A file that is an address is none of the page's, so it stays.
            remote = [p for p in edited.prompt.parts if isinstance(p, FilePart) and not p.url.startswith("data:")]
            run = self._copilot.ask_again(edited, text, [*files, *remote], selection)
        else:
            run = self._copilot.ask(text, attachments=files, selection=selection, **self._options)
        self._uploads.done(command.attachments)
        return self._shown(run)

    def _shown(self, run: Run) -> dict[str, Any]:
        self._draft, self._notice = None, self._copilot.notices.take()
        self.add(run)
        self._send_from_anywhere({"type": "view", "view": {"draft": None, "notice": self._notice}})
        place = self._runs.index(run)
        return {"turn": turn(run, self._runs[place - 1] if place else None), "replaces": run.replaces}

    def _withdraw(self, run: Run) -> dict[str, Any]:
        self._copilot.withdraw(run)
        return {"status": "withdrawn"}

    def _run(self, run_id: str) -> Run:
        for run in self._runs:
            if run.id == run_id:
                return run
        raise UsageError(f"There is no run {run_id!r} in this view.", code="unknown-run")

    def _on_fallback(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Commands on the widget's own comm: for front ends that offer no other route."""
        if isinstance(content, dict) and "command" in content:
            self._publish({"type": "reply", **self._router.dispatch(content)})

    def close(self) -> None:
        """Take the widget away; its runs go on."""
        self._transport.close()
        for unlisten in self._unlisten:
            unlisten()
        super().close()


def _layout() -> ipywidgets.Layout:
    """One for all: ipywidgets would make one of 2 kB for each widget, and ours has nothing to lay out."""
    global _shared_layout
    if _shared_layout is None or _shared_layout.comm is None:
        _shared_layout = ipywidgets.Layout()
    return _shared_layout


_shared_layout: Any = None
