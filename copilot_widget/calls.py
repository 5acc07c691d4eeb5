"""Running the tool calls of one step: decide, run, and turn what comes into chunks."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from .errors import ToolError, one_line
from .funnel import Funnel, StopSignal
from .protocol.chunks import Chunk, Data, ToolOutputAvailable, ToolOutputError
from .state import PendingCall
from .threads import as_ordinary
from .timing import timeout
from .tools.approval import Question, question_of
from .tools.base import Tool, ToolContext, ToolResult
from .tools.result import to_output


class CallRunner:
    """Runs calls for one step. `deps` is what the host offers to tools (ToolContext.deps)."""

    def __init__(self, tools: Mapping[str, Tool], run_id: str, deps: Mapping[str, Any]) -> None:
        self._tools = tools
        self._run_id = run_id
        self._deps = deps

    def start(self, calls: Sequence[PendingCall], funnel: Funnel[Chunk]) -> None:
        """Put the calls into the funnel: those declared parallel side by side, the others one after the other."""
        serial: list[PendingCall] = []
        for call in calls:
            if self._tools[call.tool].parallel:
                funnel.add(self._lane([call], funnel))
            else:
                serial.append(call)
        if serial:
            funnel.add(self._lane(serial, funnel))

    async def questions(self, calls: Sequence[PendingCall], stop: StopSignal) -> dict[str, Question]:
        """What tools that must look elsewhere first want to ask, by call; on Stop, as far as it is known."""
        funnel: Funnel[tuple[str, Question]] = Funnel(stop)
        for call in calls:
            if hasattr(self._tools.get(call.tool), "question"):
                funnel.add(self._asked(call))
        return {call_id: question async for call_id, question in funnel}

    async def _asked(self, call: PendingCall) -> AsyncIterator[tuple[str, Question]]:
        context = ToolContext(call_id=call.call_id, run_id=self._run_id, deps=self._deps)
        question = await question_of(self._tools[call.tool], call.input, context)
        if question is not None:
            yield call.call_id, question

    async def _lane(self, calls: Sequence[PendingCall], funnel: Funnel[Chunk]) -> AsyncIterator[Chunk]:
        for call in calls:
            async for chunk in self._run(call, funnel):
                yield chunk

    async def _run(self, call: PendingCall, funnel: Funnel[Chunk]) -> AsyncIterator[Chunk]:
        tool = self._tools[call.tool]

        def notify(text: str) -> None:
            funnel.put_threadsafe(Data(type="data-tool-status", id=call.call_id, data={"text": text}, transient=True))

        context = ToolContext(
            call_id=call.call_id, run_id=self._run_id, deps=self._deps, notify=notify, basis=call.basis
        )
        last: ToolResult | None = None
        try:
            async for result in _timed(tool.call(call.input, context), tool.timeout):
                last = result
                if result.preliminary:
                    output, _ = to_output(result)
                    yield ToolOutputAvailable(tool_call_id=call.call_id, output=output, preliminary=True)
            if last is None or last.preliminary:
                last = ToolResult(output=last.output if last else None)
            output, display = to_output(last)
        except GeneratorExit:
            raise
        except BaseException as error:
            if await funnel.is_ours(error):
                raise
            display = to_output(last)[1] if last is not None and last.preliminary else None
            ending: Chunk = ToolOutputError(tool_call_id=call.call_id, error_text=_why(as_ordinary(error), tool, call))
        else:
            ending = ToolOutputAvailable(tool_call_id=call.call_id, output=output)
        if display:
            yield Data(type="data-display", id=call.call_id, data=display)
        if display and last is not None and last.sees and isinstance(ending, ToolOutputAvailable):
            yield Data(type="data-seen", id=call.call_id, data={})
        yield ending


def _why(error: Exception, tool: Tool, call: PendingCall) -> str:
    """An error of a call, as the model reads it."""
    if isinstance(error, ToolError):
        return str(error)
    if isinstance(error, asyncio.TimeoutError):
        return f"{call.tool} gave no result within {tool.timeout:g} s and was given up."
    return one_line(error, limit=2_000)


async def _timed(source: AsyncIterator[ToolResult], seconds: float) -> AsyncIterator[ToolResult]:
    """`source`, given up when it has not ended so many `seconds` from now."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    try:
        while True:
            try:
                left = None if math.isinf(seconds) else max(0.0, deadline - loop.time())
                async with timeout(left):
                    result = await source.__anext__()
            except StopAsyncIteration:
                return
            yield result
    finally:
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()
