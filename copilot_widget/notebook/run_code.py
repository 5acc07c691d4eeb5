"""`run_code`: the one tool that acts on the notebook, hence with approval; its output streams while it runs."""

from __future__ import annotations

import asyncio
import functools
import inspect
import re
import time
from collections.abc import AsyncIterator
from typing import Any

from ..errors import ToolError
from ..models.base import Json, ToolSchema
from ..tools.base import ApprovalRequest, MimeBundle, ToolContext, ToolResult
from ..tools.docstring import parse_docstring
from ..tools.jsonable import cut
from ..tools.result import figure_of, to_output
from ..tools.schema import Arguments
from .capture import Capture, execute
from .kernel import MainThread
from .packages import install_hint

_STREAM_LIMIT = 6_000  # characters of a stream that the model reads
_TRACEBACK_LIMIT = 4_000
_UPDATE_SECONDS = 0.1  # between two previews at first; it grows, so that an hour of prints does not fill the log
_SLOWEST_UPDATE_SECONDS = 1.0
_PREVIEW_LIMIT = 2_000  # characters of a stream in a preview
_FENCED = re.compile(r"\s*```[\w+-]*[ \t]*\n(.*?)\n?```\s*", re.DOTALL)  # some models send code as they would show it
_STOPPED = {"KeyboardInterrupt", "CancelledError"}


def run_code(code: str) -> None:
    """Run Python code in the user's notebook, in the same namespace as the cells, as if it were a cell.

    Variables that it sets stay. IPython syntax (%magic, !command) and top-level await work. Returns what it printed
    (stdout, stderr), the value of the last expression (result), and the error if it failed; figures and tables that
    it displays are shown to the user. The user is asked before it runs.

    Args:
        code: The code.
    """


class RunCode:
    """A Tool (tools/base.py). `timeout` counts seconds from the start of the code, not from the wait for a cell."""

    name = "run_code"
    title = "Run code"
    timeout = float("inf")
    parallel = False

    def __init__(self, shell: Any, main_thread: MainThread, time_limit: float = 600.0) -> None:
        self._shell = shell
        self._main = main_thread
        self._time_limit = time_limit
        self._docstring = parse_docstring(inspect.getdoc(run_code))
        self._arguments = Arguments(run_code, self._docstring)
        self._schema: ToolSchema | None = None

    @property
    def schema(self) -> ToolSchema:
        if self._schema is None:
            self._schema = ToolSchema(self.name, self._docstring.description, self._arguments.json_schema())
        return self._schema

    def parse(self, text: str) -> Json:
        given = self._arguments.parse(text)
        fenced = _FENCED.fullmatch(given["code"])
        return {**given, "code": fenced[1]} if fenced else given

    def approval(self, input: Json) -> ApprovalRequest | None:
        return ApprovalRequest(title="run code", code=input["code"], language="python")

    async def call(self, input: Json, context: ToolContext) -> AsyncIterator[ToolResult]:
        capture = Capture()
        job = functools.partial(_job, self._shell, input["code"], capture)
        began = time.monotonic()
        running = asyncio.ensure_future(self._main.run(job, notify=context.notify, timeout=self._time_limit))
        try:
            size, shown_count, pause = 0, 0, _UPDATE_SECONDS
            while not (await asyncio.wait({running}, timeout=pause))[0]:
                if capture.size != size:
                    size, pictures = capture.size, list(capture.displays)
                    news = pictures if len(pictures) != shown_count else None
                    shown_count, pause = len(pictures), min(pause * 1.1, _SLOWEST_UPDATE_SECONDS)
                    yield ToolResult(_streams(capture, _PREVIEW_LIMIT), news or None, preliminary=True)
            value, shown, plain = running.result()
        finally:
            running.cancel()
            context.stopped.set()
        output = _streams(capture)
        if capture.failure is not None:
            if capture.displays:  # what was drawn before the error stays in the card
                yield ToolResult(output, list(capture.displays), preliminary=True)
            timed_out = capture.failure.type in _STOPPED and time.monotonic() - began >= self._time_limit
            raise _failed(capture, self._time_limit if timed_out else None)
        printed: list[MimeBundle] = [{"text/plain": text} for text in output.values()]
        displays = [*capture.displays, *shown]
        if capture.has_result:
            output["result"] = value
        if displays:
            output["displays"] = [_kind(bundle) for bundle in displays]
        yield ToolResult(output, [*printed, *displays, *plain] or None)


def _job(shell: Any, code: str, capture: Capture) -> Any:
    """On the main thread: run the code, then make of its result what model and card get, where its objects live."""
    pending = execute(shell, code, capture)
    if pending is None:
        return _result(capture)

    async def rest() -> _Result:
        await pending
        return _result(capture)

    return rest()


_Result = tuple[Json, list[MimeBundle], list[MimeBundle]]
"""The last expression's value: for the model, its rich forms, and where it has none its plain one."""


def _result(capture: Capture) -> _Result:
    if not capture.has_result:
        return None, [], []
    output, shown = to_output(capture.result)
    is_drawn = capture.drew_figures and figure_of(capture.result) is not None
    capture.result = None
    if is_drawn:
        return output, [], []  # plt.title(…) or df.plot() as the last line: the figure is there already
    return output, shown or [], [] if shown else [_plain(output)]


def _streams(capture: Capture, limit: int = _STREAM_LIMIT) -> dict[str, Json]:
    texts = {"stdout": capture.stdout.text(), "stderr": capture.stderr.text()}
    return {name: cut(text, limit) for name, text in texts.items() if text}


def _failed(capture: Capture, time_limit: float | None) -> ToolError:
    """What the model reads, and the card shows: the error in the first line, where it happened, what was printed."""
    failure = capture.failure
    assert failure is not None
    if time_limit is not None:
        told = f"TimeoutError: stopped after {time_limit:g} s"
    elif failure.type in _STOPPED:
        told = "KeyboardInterrupt: stopped by the user"
    else:
        first = f"{failure.type}: {failure.message}".removesuffix(": ")
        told = f"{first}\n\n{cut(failure.traceback, _TRACEBACK_LIMIT).removesuffix(first).rstrip()}"
    printed = "".join(_streams(capture).values())
    told = f"{told}\n\nIt printed:\n{printed}" if printed else told
    hint = install_hint(failure.type, failure.message)
    return ToolError(f"{told}\n\n{hint}" if hint else told)


def _plain(value: Json) -> MimeBundle:
    """A result without a rich form: text as text, all else as the value it is."""
    return {"text/plain": value} if isinstance(value, str) else {"application/json": value, "text/plain": str(value)}


def _kind(bundle: MimeBundle) -> str:
    """The richest MIME type of a bundle."""
    return next((mime for mime in bundle if mime != "text/plain"), "text/plain")


__all__ = ["RunCode"]
