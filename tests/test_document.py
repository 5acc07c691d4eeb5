"""Requests to pages: one page acts, once, and what it does not say is not taken for done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from copilot_widget.errors import ToolError, UsageError
from copilot_widget.notebook import document as module
from copilot_widget.notebook.changes import Change, Changes
from copilot_widget.notebook.document import Document, NoDocumentError, RefusedError


class Pages:
    """A widget shown in pages, each of which does with a request what its function says, in a thread of its own."""

    def __init__(self, document: Document, *pages: tuple[str, Callable[[Document, dict[str, Any]], None]]) -> None:
        self.pages = {name: float(number) for number, (name, _) in enumerate(pages)}
        self._acts = dict(pages)
        self._document = document
        self.told = 0
        document.add(self)

    def shows(self, run: str) -> bool:
        return run == "r"

    def send_to_pages(self, content: dict[str, Any]) -> None:
        assert content["type"] == "request"
        threading.Thread(target=self._acts[content["page"]], args=(self._document, content)).start()

    def tell_changes(self) -> None:
        self.told += 1


def does(document: Document, request: dict[str, Any]) -> None:
    document.take(request["id"], request["page"])
    document.deliver(request["id"], request["page"], {"by": request["page"], "op": request["op"]}, None)


def sleeps(document: Document, request: dict[str, Any]) -> None:
    pass


def refuses(code: str) -> Callable[[Document, dict[str, Any]], None]:
    def act(document: Document, request: dict[str, Any]) -> None:
        document.take(request["id"], request["page"])
        document.deliver(request["id"], request["page"], None, {"code": code, "message": f"It is {code}."})

    return act


@pytest.fixture
def document(monkeypatch: pytest.MonkeyPatch) -> Document:
    for name, seconds in {"TAKE_SECONDS": 0.1, "ANSWER_SECONDS": 0.2, "APPEAR_SECONDS": 0.2}.items():
        monkeypatch.setattr(module, name, seconds)
    return Document()


def test_the_page_that_spoke_last_acts(document: Document) -> None:
    kept = Pages(document, ("a", does), ("b", does))
    assert document.ask("r", "cells") == {"by": "b", "op": "cells"}
    kept.pages["a"] = 9.0
    assert document.ask("r", "cells") == {"by": "a", "op": "cells"}


def test_a_page_that_sleeps_is_passed_over_and_refused_when_it_wakes(document: Document) -> None:
    asked: list[dict[str, Any]] = []

    def wakes_late(document: Document, request: dict[str, Any]) -> None:
        asked.append(request)

    kept = Pages(document, ("a", does), ("b", wakes_late))
    assert document.ask("r", "insert")["by"] == "a"
    with pytest.raises(UsageError, match="no longer"):
        document.take(asked[0]["id"], "b")
    assert kept.told == 0


def test_a_request_is_taken_once_and_by_the_page_that_it_names(document: Document) -> None:
    outcomes: list[str] = []

    def greedy(document: Document, request: dict[str, Any]) -> None:
        for page in ("other", "a", "a"):
            try:
                document.take(request["id"], page)
                outcomes.append("taken")
            except UsageError as error:
                outcomes.append(error.code)
        with pytest.raises(UsageError):
            document.deliver(request["id"], "other", "forged", None)
        document.deliver(request["id"], "a", "done", None)
        with pytest.raises(UsageError):
            document.deliver(request["id"], "a", "again", None)

    kept = Pages(document, ("a", greedy))
    assert (document.ask("r", "edit"), kept.told) == ("done", 0)
    assert outcomes == ["withdrawn", "taken", "withdrawn"]


def test_what_one_page_has_not_another_may_have(document: Document) -> None:
    kept = Pages(document, ("a", does), ("b", refuses("elsewhere")))
    assert document.ask("r", "cells")["by"] == "a"
    assert kept.pages


def test_a_refusal_ends_it(document: Document) -> None:
    kept = Pages(document, ("a", does), ("b", refuses("changed")))
    with pytest.raises(RefusedError, match="It is changed") as raised:
        document.ask("r", "edit")
    assert (raised.value.code, kept.told) == ("changed", 0)


def test_no_page_is_said_so(document: Document) -> None:
    with pytest.raises(NoDocumentError, match="No page that shows this notebook answers"):
        document.ask("r", "cells")
    kept = Pages(document, ("a", sleeps), ("b", refuses("no-document")))
    with pytest.raises(NoDocumentError, match="It is no-document"):
        document.ask("r", "cells")
    assert kept.pages


def test_an_outcome_that_is_not_known_is_no_success(document: Document) -> None:
    def dies(document: Document, request: dict[str, Any]) -> None:
        document.take(request["id"], request["page"])

    kept = Pages(document, ("a", does), ("b", dies))
    with pytest.raises(ToolError, match="whether it was done is not known"):
        document.ask("r", "edit")
    assert kept.told == 0


def test_a_page_that_is_about_to_come_is_waited_for_once(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TAKE_SECONDS", "ANSWER_SECONDS", "APPEAR_SECONDS"):
        monkeypatch.setattr(module, name, 10.0)  # however busy the machine is
    kept: list[Pages] = []
    timer = threading.Timer(0.1, lambda: kept.append(Pages(document, ("a", does))))
    timer.start()
    assert document.ask("r", "cells")["by"] == "a"
    document.may_appear = lambda: False
    with pytest.raises(NoDocumentError):
        document.ask("another", "cells")


def test_a_change_is_undone_and_made_again_by_the_page_that_asks(document: Document) -> None:
    changes = Changes()
    changes.add(Change("r", "c1", "id1", "old", "new"))
    change = changes.get("r", "c1")
    request = document.hand_over("a", change.turn(), change.turned)
    expected = {"op": "edit", "cell": "id1", "expected": "new", "source": "old"}
    assert {key: request[key] for key in expected} == expected
    document.take(request["id"], "a")
    document.deliver(request["id"], "a", {}, None)
    assert changes.states("r") == {"c1": "undone"}
    assert change.turn()["source"] == "new"
    request = document.hand_over("a", change.turn(), change.turned)
    document.take(request["id"], "a")
    document.deliver(request["id"], "a", None, {"code": "changed", "message": "No."})
    assert changes.states("r") == {"c1": "undone"}, "the page refused"
    with pytest.raises(UsageError, match="not known here"):
        changes.get("r", "c2")


def test_an_inserted_cell_that_is_made_again_has_another_id() -> None:
    change = Change("r", "c1", "id1", None, "x = 1", "own", "below", "code")
    assert change.turn() == {"op": "remove", "cell": "id1", "expected": "x = 1"}
    change.turned({})
    assert change.turn() == {"op": "insert", "cell": "own", "place": "below", "cellType": "code", "source": "x = 1"}
    change.turned({"id": "id2"})
    assert change.turn() == {"op": "remove", "cell": "id2", "expected": "x = 1"}
