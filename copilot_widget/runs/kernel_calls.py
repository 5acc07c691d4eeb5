"""Calls that a worker posts to this kernel: run here, after this kernel's own gate, and replied to."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import Any

from ..calls import CallRunner
from ..elsewhere import KERNEL_CALL, PATIENCE_SECONDS
from ..errors import LogError, ToolError, one_line
from ..funnel import Funnel, StopSignal
from ..protocol.chunks import (
    Chunk,
    Data,
    ToolApprovalRequest,
    ToolApprovalResponse,
    ToolOutputAvailable,
    ToolOutputDenied,
    ToolOutputError,
)
from ..protocol.displays import DISPLAY
from ..protocol.messages import ToolPart
from ..protocol.wire import to_wire
from ..state import TERMINAL, Ask, Output, PendingCall, Reply, digest
from ..tools.approval import Policy
from ..tools.base import Tool, Toolset
from .base import Event, Executor
from .feed import Feed

logger = logging.getLogger(__name__)

_SIGN_OF_LIFE_SECONDS = PATIENCE_SECONDS / 3
_RETRY_SECONDS = 0.5


class KernelCalls:
    """Serves one run. `gate` gives today's tools, the policy, and what the host offers to tools."""

    def __init__(
        self, kernel: str, executor: Executor, feed: Feed, gate: Callable[[], tuple[Toolset, Policy, dict[str, Any]]]
    ) -> None:
        self._kernel = kernel
        self._executor = executor
        self._feed = feed
        self._gate = gate
        self._stop = StopSignal()
        self._seen: set[str] = set()
        self._basis: dict[str, str] = {}
        """What the user was asked about each call rested on."""
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._unhook = feed.listen(self._hear)

    def _hear(self, event: Event) -> None:
        chunk = event["chunk"]
        if self._feed.status in TERMINAL:
            self._stop.set(f"the run is {self._feed.status}")
            self._unhook()
        elif chunk["type"] == KERNEL_CALL and chunk["data"]["kernel"] == self._kernel:
            self._begin(chunk["id"], chunk["data"])

    def _begin(self, call_id: str, data: dict[str, Any]) -> None:
        reply_id = data["reply"]
        if reply_id in self._seen:  # an attempt that was cut has posted it before
            return
        self._seen.add(reply_id)
        task = asyncio.ensure_future(self._serve(call_id, reply_id, data["digest"], bool(data["approved"])))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, call_id: str, reply_id: str, expected: str, approved: bool) -> None:
        living = asyncio.ensure_future(self._live())
        try:
            try:
                reply = await self._reply(call_id, expected, approved)
            except Exception as error:  # of a tool that is no function: the run waits for a reply, whatever happens
                reply = _error(call_id, one_line(error, limit=2_000))
            if not self._stop.is_set:
                await self._answer(reply_id, reply)
        except LogError as error:
            logger.warning("the reply to %s: %s", call_id, one_line(error))
        finally:
            living.cancel()

    async def _answer(self, reply_id: str, reply: Reply) -> None:
        """A log that is away is waited for: what the call has done must not be taken for not done."""
        while True:
            try:
                await self._executor.answer(self._feed.run, reply_id, reply)
                return
            except LogError as error:
                if error.code != "unavailable" or self._stop.is_set:
                    raise
            await asyncio.sleep(_RETRY_SECONDS)

    async def _live(self) -> None:
        """Signs of life, so that a call may take its time."""
        while True:
            try:
                await self._executor.postpone(self._feed.run, time.time() + PATIENCE_SECONDS)
            except LogError as error:
                logger.warning("the sign of life: %s", one_line(error))
            await asyncio.sleep(_SIGN_OF_LIFE_SECONDS)

    async def _reply(self, call_id: str, expected: str, approved: bool) -> Reply:
        part = self._part(call_id)
        if part is None or digest(part.tool_name, part.input) != expected:
            return _error(call_id, "Refused: these are not the arguments that were shown.")
        toolset, policy, deps = self._gate()
        tool = toolset.tools().get(part.tool_name)
        if tool is None:
            return _error(call_id, f"The tool {part.tool_name} is no longer there.")
        try:
            arguments = tool.parse(json.dumps(part.input))
        except ToolError as error:
            return _error(call_id, str(error))
        call = PendingCall(call_id=call_id, tool=part.tool_name, input=arguments)
        runner = CallRunner({call.tool: tool}, self._feed.run, deps)
        decision = (await runner.decisions(policy, [call], self._stop)).get(call_id)
        if decision is None:
            return _error(call_id, "Stopped before it was decided on.")
        if decision.kind == "deny":
            return _denied(self._feed.run, call_id, decision.reason)
        if decision.kind == "fail":
            return _error(call_id, decision.reason)
        if decision.kind == "ask" and not (approved and part.approval is not None and part.approval.approved):
            card = {key: value for key, value in vars(decision.request).items() if value}
            self._basis[call_id] = card.pop("basis", "")
            return Ask(card=card)
        call.basis = self._basis.get(call_id) or None
        if tool.parallel:
            return await self._run(tool, call, deps)
        async with self._turn:
            return await self._run(tool, call, deps)

    async def _run(self, tool: Tool, call: PendingCall, deps: dict[str, Any]) -> Reply:
        funnel: Funnel[Chunk] = Funnel(self._stop)
        CallRunner({call.tool: tool}, self._feed.run, deps).start([call], funnel)
        chunks: dict[str, dict[str, Any]] = {}  # of what is shown while the call runs, the newest
        async for chunk in funnel:
            if _is_shown_live(chunk):
                self._feed.say_aside(to_wire(chunk))
            if not _is_passing(chunk):
                key = f"{chunk.type} {chunk.id}" if isinstance(chunk, Data) else chunk.type
                chunks[key] = to_wire(chunk)
        return Output(chunks=list(chunks.values()))

    def _part(self, call_id: str) -> ToolPart | None:
        for part in self._feed.message.parts:
            if isinstance(part, ToolPart) and part.tool_call_id == call_id:
                return part
        return None


def _is_shown_live(chunk: Chunk) -> bool:
    return _is_passing(chunk) or (isinstance(chunk, Data) and chunk.type == DISPLAY)


def _is_passing(chunk: Chunk) -> bool:
    """Shown only while the call runs, and only here."""
    return (isinstance(chunk, Data) and bool(chunk.transient)) or (
        isinstance(chunk, ToolOutputAvailable) and bool(chunk.preliminary)
    )


def _error(call_id: str, text: str) -> Output:
    return Output(chunks=[to_wire(ToolOutputError(tool_call_id=call_id, error_text=text))])


def _denied(run: str, call_id: str, reason: str) -> Output:
    approval_id = f"{run}-{call_id}-kernel"
    chunks: list[Chunk] = [
        ToolApprovalRequest(approval_id=approval_id, tool_call_id=call_id, is_automatic=True),
        ToolApprovalResponse(approval_id=approval_id, approved=False, reason=reason),
        ToolOutputDenied(tool_call_id=call_id),
    ]
    return Output(chunks=[to_wire(chunk) for chunk in chunks])


__all__ = ["KernelCalls"]
