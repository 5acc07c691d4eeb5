"""The notebook's document, which only a page has: the kernel asks one page for one operation on it.

The request goes out as a custom message of a widget that shows the run, to all pages that have it; the one that it
names takes it (`take`), does what it says, and tells the outcome (`deliver`). A page that does not take it in time is
passed over, and what it would take later is refused: so a change is made once, however many tabs are open.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from weakref import WeakSet

from ..errors import ToolError, UsageError
from ..models.base import Json
from .changes import Changes

APPEAR_SECONDS = 5.0
"""For the first page to show a run: a quick model calls a tool before the view has been drawn."""
TAKE_SECONDS = 2.0
"""For a page to say that it is there; one that is hidden still answers within milliseconds."""
ANSWER_SECONDS = 15.0
"""From then on. The page may first have to fetch the part of the front end that does it."""

_MOST_SILENT = 3
"""Pages that are asked in vain; those that were closed are still known."""
_TRY_NEXT = frozenset({"no-document", "elsewhere"})
"""Refusals of one page after which another one may have the document."""


class View(Protocol):
    """A widget, as far as requests go through it."""

    pages: dict[str, float]
    """Pages that have it, by id; when each spoke last, by the clock `time.monotonic`."""

    def shows(self, run: str) -> bool: ...

    def send_to_pages(self, content: dict[str, Json]) -> None: ...

    def tell_changes(self) -> None:
        """Say anew which changes can be undone."""
        ...


class NoDocumentError(ToolError):
    """No page that is there has the notebook's document, so its cells can be neither read nor changed."""

    code = "no-document"


class RefusedError(ToolError):
    """The page did nothing. `code` says why: not-found, ambiguous, changed, read-only, bad-request, failed."""


_MOST_LEFT = 100
"""Requests for which nobody waits."""


@dataclass
class _Request:
    id: str
    page: str
    operation: dict[str, Json]
    then: Callable[[Any], None] | None = None
    """Called with the result where nobody waits for it."""
    withdrawn: bool = False
    taken: threading.Event = field(default_factory=threading.Event)
    answer: concurrent.futures.Future[Any] = field(default_factory=concurrent.futures.Future[Any])

    @property
    def message(self) -> dict[str, Json]:
        return {**self.operation, "type": "request", "id": self.id, "page": self.page}


class Document:
    """Requests to pages, and what became of them. For any thread but those that carry commands."""

    def __init__(self) -> None:
        self._views: WeakSet[Any] = WeakSet()
        self._requests: dict[str, _Request] = {}
        self._lock = threading.Lock()
        self._names = map("{}-{}".format, itertools.repeat(secrets.token_urlsafe(6)), itertools.count(1))
        self._unseen: set[str] = set()
        """Runs whose view has been waited for in vain."""
        self.changes = Changes()
        self.may_appear: Callable[[], bool] = lambda: True
        """Whether a page may come; not where nobody watches."""

    def add(self, view: View) -> None:
        """Ask through `view`, too, for as long as somebody else holds on to it."""
        with self._lock:
            self._views.add(view)

    def ask(self, run: str, op: str, **arguments: Json) -> Any:
        """Have a page that shows `run` do one operation, and return its result. Blocks the calling thread.

        Raises NoDocumentError where no page could, RefusedError where one would not, ToolError where it is not known.
        """
        why, silent = "", set[str]()
        for view, page in self._places(run) or self._awaited(run):
            if page in silent:
                continue
            if len(silent) == _MOST_SILENT:
                break
            request = self._open(page, {"op": op, **arguments})
            try:
                view.send_to_pages(request.message)
                if not request.taken.wait(TAKE_SECONDS) and self._withdraw(request):
                    silent.add(page)
                    continue
                return request.answer.result(ANSWER_SECONDS)
            except RefusedError as refusal:
                if refusal.code not in _TRY_NEXT:
                    raise
                why = refusal.message
            except concurrent.futures.TimeoutError:
                raise ToolError(
                    "The page began with it and gave no answer, so whether it was done is not known.",
                    hint="Read the cells again before going on.",
                ) from None
            finally:
                self._close(request)
        raise NoDocumentError(why or "No page that shows this notebook answers.")

    def hand_over(self, page: str, operation: dict[str, Json], then: Callable[[Any], None]) -> dict[str, Json]:
        """A request for a page, for which nobody waits: send it. `then` gets its result, on a thread that carries
        commands; it is not called where the page refuses or never answers."""
        return self._open(page, operation, then).message

    def tell(self, run: str) -> None:
        """Let the views of `run` know that one of its changes was made, undone or made again."""
        for view in self._showing(run):
            view.tell_changes()

    # ---- from the page: on any thread, at once ---------------------------------------------------------------

    def take(self, id: str, page: str) -> None:
        """`page` is about to act. Raises UsageError where it may not: too late, taken before, meant for another."""
        with self._lock:
            request = self._requests.get(id)
            if request is None or request.withdrawn or request.page != page or request.taken.is_set():
                raise UsageError("This request is not for you, or no longer.", code="withdrawn")
            request.taken.set()

    def deliver(self, id: str, page: str, result: Json, error: dict[str, Json] | None) -> None:
        """What became of a request that `page` has taken. Raises UsageError for any other."""
        with self._lock:
            request = self._requests.get(id)
            if request is None or request.page != page or not request.taken.is_set() or request.answer.done():
                raise UsageError("Nobody waits for this.", code="withdrawn")
            if error is not None:
                request.answer.set_exception(RefusedError(str(error.get("message")), code=str(error.get("code"))))
            else:
                request.answer.set_result(result)
            if request.then is not None:
                del self._requests[id]
        if request.then is not None and error is None:
            request.then(result)

    # ---- requests ----------------------------------------------------------------------------------------

    def _open(self, page: str, operation: dict[str, Json], then: Callable[[Any], None] | None = None) -> _Request:
        request = _Request(next(self._names), page, operation, then)
        with self._lock:
            if then is not None:  # what a page left behind is not waited for
                left = [one for one in self._requests.values() if one.then is not None]
                same = [one for one in left if one.page == page and one.operation["op"] == operation["op"]]
                for old in same or left[:-_MOST_LEFT]:
                    del self._requests[old.id]
            self._requests[request.id] = request
        return request

    def _withdraw(self, request: _Request) -> bool:
        """False where the page has taken it at the last moment."""
        with self._lock:
            request.withdrawn = not request.taken.is_set()
            return request.withdrawn

    def _close(self, request: _Request) -> None:
        with self._lock:
            self._requests.pop(request.id, None)

    def _showing(self, run: str) -> list[View]:
        with self._lock:
            return [view for view in self._views if view.shows(run)]

    def _awaited(self, run: str) -> list[tuple[View, str]]:
        """As `_places`, once a page is there."""
        deadline = time.monotonic() + APPEAR_SECONDS
        while run not in self._unseen and self.may_appear():
            places = self._places(run)
            if places:
                return places
            if time.monotonic() > deadline:
                self._unseen.add(run)
            time.sleep(0.02)
        return []

    def _places(self, run: str) -> list[tuple[View, str]]:
        """Where to ask: the page that spoke last before the others, each by every view that it has."""
        found = [(spoke, view, page) for view in self._showing(run) for page, spoke in list(view.pages.items())]
        found.sort(key=lambda place: place[0], reverse=True)
        return [(view, page) for _, view, page in found]


_document: Document | None = None


def document() -> Document:
    """The one of this kernel."""
    global _document
    if _document is None:
        _document = Document()
    return _document


__all__ = ["Document", "NoDocumentError", "RefusedError", "View", "document"]
