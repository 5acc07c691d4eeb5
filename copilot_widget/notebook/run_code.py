"""`run_code`: the one tool that acts on the notebook, hence with approval; its output streams while it runs."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import re
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ToolError
from ..models.base import Json, ToolSchema
from ..threads import in_thread
from ..tools.base import ApprovalRequest, MimeBundle, ToolContext, ToolResult
from ..tools.docstring import parse_docstring
from ..tools.jsonable import OUTPUT_LIMIT, cut
from ..tools.result import Converted, figure_of, to_output
from ..tools.running import Pace, first_of
from ..tools.schema import Arguments
from .capture import Capture, execute
from .kernel import MainThread
from .namespace import Variables
from .packages import install_hint
from .pictures import seen_of

_STREAM_LIMIT = 6_000  # characters of a stream that the model reads
_TRACEBACK_LIMIT = 4_000
_LEAST_RESULT = 4_000
_ROOM_FOR_NAMES = 600  # of streams, and the kinds of displays
_UPDATE_SECONDS = 0.1  # between two previews at first; it grows, so that an hour of prints does not fill the log
_SLOWEST_UPDATE_SECONDS = 1.0
_FRAME_SECONDS = 0.03  # between two displays
_PREVIEW_LIMIT = 2_000  # characters of a stream in a preview
_FENCED = re.compile(r"\s*```[\w+-]*[ \t]*\n(.*?)\n?```\s*", re.DOTALL)  # some models send code as they would show it
_STOPPED = {"KeyboardInterrupt", "CancelledError"}


def run_code(code: str) -> None:
    """Run Python code in the user's notebook, in the same namespace as the cells, as if it were a cell.

    Variables that it sets stay. IPython syntax (%magic, !command) and top-level await work. Returns what it printed
    (stdout, stderr), the value of the last expression (result), the variables that it created, changed or deleted, and
    the error if it failed. Figures and tables that it displays are shown to the user; if you can see pictures, you see
    the last of its figures, too. The user is asked before it runs.

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
            async for preview in _previews(running, capture):
                yield preview
            ended = running.result()
        finally:
            running.cancel()
            context.stopped.set()
        if capture.failure is not None:
            if capture.displays:  # what was drawn before the error stays in the card
                yield Converted(_streams(capture, _PREVIEW_LIMIT), capture.displayed(), preliminary=True)
            timed_out = capture.failure.type in _STOPPED and time.monotonic() - began >= self._time_limit
            raise _failed(capture, self._time_limit if timed_out else None)
        yield await in_thread(functools.partial(_whole, capture, ended), self.name)  # pictures are made small


async def _previews(running: asyncio.Future[Any], capture: Capture) -> AsyncIterator[ToolResult]:
    """What there is so far, while the code runs: a display at once, what is printed with some patience."""
    loop, drawn, pace = asyncio.get_running_loop(), asyncio.Event(), Pace()

    def on_display() -> None:
        loop.call_soon_threadsafe(drawn.set)

    capture.on_display = on_display
    size, displayed, patience = capture.size, 0, _UPDATE_SECONDS
    while not running.done():
        await first_of(running, drawn, patience)
        drawn.clear()
        if running.done() or capture.size == size:
            continue
        news, size, displayed = capture.displayed_size - displayed, capture.size, capture.displayed_size
        patience = min(patience * 1.1, _SLOWEST_UPDATE_SECONDS)
        yield Converted(_streams(capture, _PREVIEW_LIMIT), capture.displayed(), preliminary=True)
        await asyncio.wait({running}, timeout=pace.gap(_FRAME_SECONDS, news))


def _whole(capture: Capture, ended: _Ended) -> ToolResult:
    """The result of code that has not failed."""
    output = _streams(capture)
    if capture.has_result:
        output["result"] = ended.value
    displays = [*capture.displays, *ended.shown]
    if displays:
        left_out = [capture.words_left_out] if capture.left_out else []
        output["displays"] = [*map(_kind, displays), *left_out]
    output.update(ended.changes)
    printed: list[MimeBundle] = [{"text/plain": text} for text in _streams(capture).values()]
    display = [*printed, *capture.displayed(), *ended.shown, *ended.plain]
    seen = seen_of(display)
    return Converted(output, display or None, sees=bool(seen), seen=seen)


def _job(shell: Any, code: str, capture: Capture) -> Any:
    """On the main thread: run the code, then make of its result what model and card get, where its objects live."""
    before = Variables(shell.user_ns, shell.user_ns_hidden)
    pending = execute(shell, code, capture)
    if pending is None:
        return _ended(shell, capture, before)

    async def rest() -> _Ended:
        await pending
        return _ended(shell, capture, before)

    return rest()


@dataclass(frozen=True)
class _Ended:
    """What code has left behind. The last expression's `value` is for the model; it is `shown` in its rich forms, and
    `plain` where it has none."""

    changes: dict[str, Json]
    value: Json = None
    shown: Sequence[MimeBundle] = ()
    plain: Sequence[MimeBundle] = ()


def _ended(shell: Any, capture: Capture, before: Variables) -> _Ended:
    changes = before.changes(shell.user_ns)
    if not capture.has_result:
        return _Ended(changes)
    room = OUTPUT_LIMIT - len(json.dumps([_streams(capture), changes], ensure_ascii=False)) - _ROOM_FOR_NAMES
    output, shown = to_output(capture.result, max(room, _LEAST_RESULT))
    is_drawn = capture.drew_figures and figure_of(capture.result) is not None
    capture.result = None
    if is_drawn:  # plt.title(…) or df.plot() as the last line: the figure is there already
        return _Ended(changes, output)
    return _Ended(changes, output, shown, [] if shown else [_plain(output)])


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
