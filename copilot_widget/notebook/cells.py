"""`read_cells`, `insert_cell`, `edit_cell`: the notebook's own cells, through the page that has its document.

A change is asked for with its diff, worked out against the cell as it is in the page then. The consent rests on that
(`ApprovalRequest.basis`): where the cell has changed since, it is left alone. Where no page has the document, the
tools say so; none claims what it has not done.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Annotated, Any, Literal

from ..errors import ToolError
from ..models.base import Json
from ..tools.base import ApprovalRequest, ToolContext, ToolResult
from ..tools.difference import counted, unified
from ..tools.function import FunctionTool, tool
from .cell_text import ALONE, AMONG_OTHERS, LEFT_OUT, history_text, page_text
from .changes import Change
from .document import Document, NoDocumentError, RefusedError, document
from .kernel import MainThread, is_headless

SOURCE_LIMIT = 100_000
"""Characters of a cell that is inserted or edited."""

_SERVED_SECONDS = 5.0

_CELL = "Its number as the notebook shows it, [12] or 12, or its id from read_cells."


def cell_tools(shell: Any, main_thread: MainThread) -> list[FunctionTool[..., Any]]:
    """The three of them. Reading asks nobody; both changes ask each time."""
    pages = document()
    pages.may_appear = lambda: not is_headless(shell)
    return [_read_tool(shell, pages), _Insertion(shell, main_thread, pages).tool(), _edit_tool(pages)]


def _read_tool(shell: Any, pages: Document) -> FunctionTool[..., Any]:
    @tool(name="read_cells", title="Read cells", read_only=True)
    def read_cells(context: ToolContext, cells: str = "", outputs: bool = True, offset: int = 1) -> str:
        """Read cells of the user's notebook as they stand: number, id, source and outputs, also of those not run.

        Args:
            cells: One cell by its number ([12]) or id; or a range of places from the top, as 0:10. Empty: all.
            outputs: Also what they put out; pictures are named only.
            offset: Of one cell that is long: the first line to read, from 1.
        """
        wanted = _wanted(cells)
        limits = dict(ALONE if "cell" in wanted else AMONG_OTHERS)
        if not outputs or offset > 1:
            limits["outputs"] = 0
        try:
            found = pages.ask(context.run_id, "cells", **wanted, **limits)
        except NoDocumentError as error:
            return history_text(shell, cells, error.message, offset)
        return page_text(found, alone="cell" in wanted, offset=offset)

    return read_cells


def _wanted(cells: str) -> dict[str, Json]:
    first, colon, last = cells.strip().strip("[]").partition(":")
    if not colon:
        return {"cell": cells.strip()} if cells.strip() else {}
    try:
        return {"from": int(first or 0), **({"to": int(last)} if last.strip() else {})}
    except ValueError:
        raise ToolError(f"cells is {cells!r}.", hint="Give one cell as [12], or a range of places as 0:10.") from None


# ---- editing -------------------------------------------------------------------------------------------


def _edit_tool(pages: Document) -> FunctionTool[..., Any]:
    def look(given: Json, context: ToolContext) -> ApprovalRequest:
        found = _cell_now(pages, given["cell"], context)
        diff = _diff(found["source"], _checked(given["source"]), found)
        return ApprovalRequest(title=f"edit {_name(found)}", diff=diff, basis=_basis(found), edits="source")

    @tool(name="edit_cell", title="Edit cell", question=look)
    def edit_cell(cell: Annotated[str, _CELL], source: str, context: ToolContext) -> ToolResult:
        """Replace the source of a cell of the user's notebook. The user is shown the diff and asked first.

        It is not run, and its old output stays: say that the user should run it. Fix a cell in place with this.

        Args:
            source: All that the cell shall hold.
        """
        found = _cell_now(pages, cell, context)
        if context.basis is not None and context.basis != _basis(found):
            raise _changed(found)
        diff = _diff(found["source"], _checked(source), found)
        try:
            pages.ask(context.run_id, "edit", cell=found["id"], expected=found["source"], source=source)
        except RefusedError as refusal:
            raise _changed(found) if refusal.code == "changed" else refusal from None
        change = Change(context.run_id, context.call_id, found["id"], found["source"], source)
        _remember(pages, change)
        change_of = counted(_lined(found["source"]), _lined(source))
        words = f"Edited {_name(found)} (id {found['id']}): {change_of}. It was not run."
        return ToolResult(words, _shown(diff))

    return edit_cell


def _cell_now(pages: Document, name: str, context: ToolContext) -> dict[str, Any]:
    try:
        return pages.ask(context.run_id, "cell", cell=name)
    except NoDocumentError as error:
        raise _nowhere(error, "edited") from None


def _checked(source: str) -> str:
    if len(source) > SOURCE_LIMIT:
        raise ToolError(f"The cell would have {len(source):,} characters.", hint="Split it, or write a file.")
    return source


def _diff(before: str, after: str, cell: dict[str, Any]) -> str:
    if before == after:
        raise ToolError(f"{_name(cell).capitalize()} holds exactly that already.", hint="Nothing is to be done.")
    mark = LEFT_OUT.search(after)
    if mark is not None and mark[0] not in before:
        raise ToolError(
            f"The source holds a mark of what you were not shown ({mark[0]}), so that would be lost.",
            hint="Read the cell whole with read_cells, and give it whole; or show the user the lines to change.",
        )
    return _body(unified(_lined(before), _lined(after), ""))


def _lined(source: str) -> str:
    """A cell's last line has no end, which is no news."""
    return f"{source}\n" if source else ""


def _body(diff: str) -> str:
    """Without the names of files: a cell has none."""
    return diff.split("\n", 2)[-1]


def _basis(cell: dict[str, Any]) -> str:
    return hashlib.sha256(f"{cell['id']}\n{cell['source']}".encode("utf-8", "surrogatepass")).hexdigest()


def _changed(cell: dict[str, Any]) -> ToolError:
    return ToolError(
        f"{_name(cell).capitalize()} has changed since its change was shown, so it was left as it is.",
        hint="Read it again, and propose the change anew.",
    )


# ---- inserting -----------------------------------------------------------------------------------------


class _Insertion:
    """`insert_cell`. Remembers where each run has put its last cell, so that several come in their order."""

    def __init__(self, shell: Any, main_thread: MainThread, pages: Document) -> None:
        self._shell = shell
        self._main = main_thread
        self._pages = pages
        self._last: dict[str, str] = {}

    def tool(self) -> FunctionTool[..., Any]:
        @tool(name="insert_cell", title="Insert cell", question=self._look)
        def insert_cell(
            source: str,
            context: ToolContext,
            cell: Annotated[str, f"{_CELL} Empty: the cell below which you answer."] = "",
            place: Literal["below", "above"] = "below",
            type: Literal["code", "markdown"] = "code",
        ) -> ToolResult:
            """Insert a new cell into the user's notebook. The user is shown it and asked first.

            It is not run: say that the user should run it. Several without a cell named come one below the other.

            Args:
                source: What the cell shall hold.
            """
            _checked(source)
            try:
                return self._insert(source, cell, place, type, context)
            except NoDocumentError as error:
                if type != "code" or not self._has_next_input:
                    raise _nowhere(error, "inserted") from None
                self._main.submit(functools.partial(self._shell.set_next_input, source)).future.result(_SERVED_SECONDS)
            words = "No page lets cells be inserted, so it becomes the next input, when the running cell ends. Not run."
            return ToolResult(words, _shown(_added(source)))

        return insert_cell

    def _look(self, given: Json, context: ToolContext) -> ApprovalRequest:
        kind = "markdown cell" if given.get("type") == "markdown" else "cell"
        place, name = given.get("place", "below"), given.get("cell", "")
        diff = _added(_checked(given["source"]))
        try:
            beside = self._pages.ask(context.run_id, "cell", cell=name)
        except NoDocumentError as error:
            if kind != "cell" or not self._has_next_input:
                raise _nowhere(error, "inserted") from None
            return ApprovalRequest(title="make this the next input", diff=diff, edits="source")
        where = _name(beside).removeprefix("cell ") if name else "this one"
        title = f"insert a {kind} {place} {where}"
        return ApprovalRequest(title=title, diff=diff, basis=str(beside["id"]), edits="source")

    def _insert(self, source: str, cell: str, place: str, type: str, context: ToolContext) -> ToolResult:
        beside = self._pages.ask(context.run_id, "cell", cell=cell)
        if context.basis is not None and context.basis != beside["id"]:
            raise ToolError("The cell that it was to stand beside has changed its number.", hint="Ask for it anew.")
        given: dict[str, Json] = {"place": place, "cellType": type, "source": source}
        last = self._last.get(context.run_id, "") if not cell and place == "below" else ""
        try:
            made = self._pages.ask(context.run_id, "insert", cell=last or beside["id"], **given)
        except RefusedError as refusal:
            if not last or refusal.code != "not-found":
                raise
            made = self._pages.ask(context.run_id, "insert", cell=beside["id"], **given)
        if not cell and place == "below":
            self._last[context.run_id] = str(made["id"])
        change = Change(
            context.run_id, context.call_id, str(made["id"]), None, source, str(made["beside"]), place, type
        )  # fmt: skip
        _remember(self._pages, change)
        where = _name(beside) if cell else "the cell below which you answer"
        words = f"Inserted a {type} cell {place} {where}; its id is {made['id']}. It was not run."
        return ToolResult(words, _shown(_added(source)))

    @property
    def _has_next_input(self) -> bool:
        """Whether IPython's next input would reach a person: where a cell waits for the run, and somebody types the
        next one. It is set at the end of that cell."""
        if not self._main.is_served or not hasattr(self._shell, "set_next_input"):
            return False
        return getattr(self._shell, "kernel", None) is None or not is_headless(self._shell)


def _added(source: str) -> str:
    return "\n".join(f"+{line}" for line in source.split("\n"))


def _nowhere(error: NoDocumentError, done: str) -> ToolError:
    return ToolError(
        f"Not {done}: {error.message}",
        hint="Show the code in your answer, for the user to copy into a cell.",
        code="no-document",
    )


# ---- both ----------------------------------------------------------------------------------------------


def _remember(pages: Document, change: Change) -> None:
    pages.changes.add(change)
    pages.tell(change.run)


def _name(cell: dict[str, Any]) -> str:
    """ "cell [12]", or by its place where it has not run."""
    number = cell.get("executionCount")
    return f"cell [{number}]" if number else f"cell {cell['index'] + 1} from the top"


def _shown(diff: str) -> dict[str, str]:
    fence = "```"
    while fence in diff:
        fence += "`"
    return {"text/markdown": f"{fence}diff\n{diff}\n{fence}", "text/plain": diff}


__all__ = ["SOURCE_LIMIT", "cell_tools"]
