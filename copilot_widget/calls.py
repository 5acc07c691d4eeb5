"""Running the tool calls of one step: decide, run, and turn what comes into chunks."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

from .errors import ToolError, one_line
from .funnel import Funnel, StopSignal
from .history import SO_FAR, as_printed
from .models.base import Json
from .protocol.chunks import Chunk, Data, ToolOutputAvailable, ToolOutputError
from .protocol.displays import DISPLAY, call_of, display_id
from .protocol.messages import DataPart, UIMessage
from .state import PendingCall
from .threads import as_ordinary
from .timing import timeout
from .tools.approval import Decision, Outcome, Policy, asked_in_time, decided
from .tools.base import MimeBundle, Tool, ToolContext, ToolResult
from .tools.result import Converted, to_output


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

    async def decisions(self, policy: Policy, calls: Sequence[PendingCall], stop: StopSignal) -> dict[str, Decision]:
        """What the policy says, by call; on Stop, as far as it is known. Tools that must look elsewhere do so side by
        side, then one call after the other is decided on."""
        known = [call for call in calls if call.tool in self._tools]
        looking: Funnel[tuple[str, Outcome]] = Funnel(stop)
        for call in known:
            if hasattr(self._tools[call.tool], "question"):
                looking.add(self._asked(call))
        asked = {call_id: question async for call_id, question in looking}
        deciding: Funnel[tuple[str, Decision]] = Funnel(stop)
        deciding.add(self._decided(policy, known, asked))
        return {call_id: decision async for call_id, decision in deciding}

    async def _asked(self, call: PendingCall) -> AsyncIterator[tuple[str, Outcome]]:
        context = ToolContext(call_id=call.call_id, run_id=self._run_id, deps=self._deps)
        yield call.call_id, await asked_in_time(self._tools[call.tool], call.input, context)

    async def _decided(
        self, policy: Policy, calls: Sequence[PendingCall], asked: dict[str, Outcome]
    ) -> AsyncIterator[tuple[str, Decision]]:
        for call in calls:
            if call.call_id not in asked:
                asked |= {call_id: question async for call_id, question in self._asked(call)}
            decision = await decided(policy, self._tools[call.tool], call.input, asked[call.call_id])
            yield call.call_id, decision

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
        card = _Card(call.call_id)
        last, so_far = ToolResult(), None
        try:
            async for result in _timed(tool.call(call.input, context), tool.timeout):
                last = result
                if result.preliminary:
                    so_far, display = to_output(result)
                    for part in card.show(display):
                        yield part
                    yield ToolOutputAvailable(tool_call_id=call.call_id, output=so_far, preliminary=True)
            output, display = (so_far, None) if last.preliminary else to_output(last)
        except GeneratorExit:
            raise
        except BaseException as error:  # what was shown before it stays in the card
            if await funnel.is_ours(error):
                raise
            yield ToolOutputError(tool_call_id=call.call_id, error_text=_why(as_ordinary(error), tool, call, so_far))
            return
        if display is not None:
            for part in card.show(display, whole=True):
                yield part
        if display and last.sees:
            yield Data(type="data-seen", id=call.call_id, data=_seen(last))
        yield ToolOutputAvailable(tool_call_id=call.call_id, output=output)


class _Card:
    """What the card of one call shows, as data parts: each is sent when it is new or has changed."""

    def __init__(self, call_id: str) -> None:
        self._call_id = call_id
        self._sent: list[list[MimeBundle]] = []

    def show(self, bundles: list[MimeBundle], *, whole: bool = False) -> list[Data]:
        """Show these. `whole`: no more will come, so those that nobody has seen yet need no parts of their own."""
        if not bundles and not self._sent:
            return []
        parts = [bundles] if whole and not self._sent else self._parts(bundles)
        parts += [[]] * (len(self._sent) - len(parts))
        before, self._sent = self._sent, parts
        changed = [number for number, part in enumerate(parts) if before[number : number + 1] != [part]]
        return [Data(type=DISPLAY, id=display_id(self._call_id, n), data=cast("Json", parts[n])) for n in changed]

    def _parts(self, bundles: list[MimeBundle]) -> list[list[MimeBundle]]:
        """One for each. What has come to stand before the first that was shown joins it, so that no other moves."""
        first = self._sent[0][-1:] if self._sent else []
        ahead = bundles.index(first[0]) if first and first[0] in bundles else 0
        return [bundles[: ahead + 1], *([bundle] for bundle in bundles[ahead + 1 :])] if bundles else []


def hidden(message: UIMessage, calls: Sequence[PendingCall]) -> list[Data]:
    """Empties what the cards of calls show that will run again."""
    shown = [part for part in message.parts if isinstance(part, DataPart) and part.type == DISPLAY and part.data]
    again = {call.call_id for call in calls}
    return [Data(type=DISPLAY, id=part.id, data=[]) for part in shown if call_of(part.id or "") in again]


def _seen(result: ToolResult) -> Json:
    seen = result.seen if isinstance(result, Converted) else None
    return {} if seen is None else {"pictures": list(seen)}


def _why(error: Exception, tool: Tool, call: PendingCall, so_far: Json) -> str:
    """An error of a call, as the model reads it."""
    if isinstance(error, ToolError):
        return str(error)
    if isinstance(error, asyncio.TimeoutError):
        told = f"{call.tool} gave no result within {tool.timeout:g} s and was given up."
        return told if so_far is None else f"{told} {SO_FAR}\n{as_printed(so_far)}"
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
