"""One response of a conversation: as far as the run goes without its client.

A stock client sends its replies, to approval requests and for client-side tools, with its next request, which it
makes when a response has ended. So a response ends where the run waits for the client alone, and says in the message's
metadata how far it came (`seq`); the next one goes on from there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from ..elsewhere import CLIENT_CALL, KERNEL_CALL
from ..errors import LogError, UsageError
from ..protocol.chunks import ToolOutputAvailable, ToolOutputError
from ..protocol.messages import UIMessage, metadata_of
from ..protocol.parts import DataPart
from ..protocol.tool_part import ToolPart
from ..protocol.wire import to_wire
from ..runs.base import Event, RunId
from ..runs.executor import LogExecutor
from ..state import TERMINAL, Approval, Output, Reply, client_reply, is_final

_FIRST_LOOK, _LONGEST_LOOK = 0.01, 0.25
"""Seconds without an event after which is looked whether the run waits."""

_WAITS = Event(run="", seq=0, attempt=0, ts=0.0, chunk={})
"""In the place of an event: there is none, since the run waits."""


class _Pending:
    """What a run waits for, as its events tell."""

    def __init__(self) -> None:
        self.step_has_calls = False
        self._of_client: dict[str, str] = {}
        self._of_kernel: set[str] = set()

    @property
    def is_clients(self) -> bool:
        """Somebody is waited for, and nobody but the client."""
        return bool(self._of_client) and not self._of_kernel

    def forget(self, replies: Collection[str]) -> None:
        """These the client has given."""
        self._of_client = {call: key for call, key in self._of_client.items() if key not in replies}

    def see(self, chunk: dict[str, Any]) -> None:
        kind = chunk["type"]
        if kind in ("start-step", "reset-step"):
            self.step_has_calls = False
        elif kind in ("tool-input-start", "tool-input-available", "tool-input-error"):
            self.step_has_calls = True
        elif kind == "tool-approval-request" and not chunk.get("isAutomatic"):
            self._of_client[chunk["toolCallId"]] = chunk["approvalId"]
            self._of_kernel.discard(chunk["toolCallId"])
        elif kind == CLIENT_CALL:
            self._of_client[chunk["id"]] = chunk["data"]["reply"]
        elif kind == KERNEL_CALL:
            self._of_kernel.add(chunk["id"])
        elif kind == "tool-approval-response":
            self.forget([chunk["approvalId"]])
        elif is_final(chunk):
            self._of_client.pop(chunk["toolCallId"], None)
            self._of_kernel.discard(chunk["toolCallId"])


@dataclass(frozen=True)
class Replied:
    """What a client has sent back: the number of the last event that it has, the replies, and whether any of them was
    the first for its request, so that the run goes on."""

    after: int
    replies: Collection[str]
    taken: bool


async def turn(executor: LogExecutor, run: RunId, replied: Replied | None = None) -> AsyncIterator[Event]:
    """A run's events, until it ends or waits for its client: then `finish` says tool-calls.

    After a reply those that the client does not have, and first a `start` that says which message goes on. Raises
    LogError.
    """
    pending, after = _Pending(), 0
    if replied is not None:
        after = replied.after
        async with aclosing(_subscribed(executor, run, 0)) as earlier:
            async for event in earlier:
                pending.see(event["chunk"])
                if event["seq"] >= after:
                    break
        pending.forget(replied.replies)
        message_id = (await executor.request(run)).message_id
        yield _made(run, after, {"type": "start", "messageId": message_id})
    cursor, acted = after, replied is None or not replied.taken
    async with aclosing(_subscribed(executor, run, after)) as events:
        while True:
            if acted and pending.is_clients:
                event = await _next_unless_waiting(events, executor, run, cursor)
            else:
                event = await anext(events, None)
            if event is None:
                return
            if event is _WAITS:
                yield _made(run, cursor, {"type": "message-metadata", "messageMetadata": {"seq": cursor}})
                yield _made(run, cursor, {"type": "finish", "finishReason": "tool-calls"})
                return
            if event["chunk"]["type"] in ("finish", "abort") and pending.step_has_calls:
                # A client may ask for more where a message ends with results, also of a run that has ended.
                for kind in ("start-step", "finish-step"):
                    yield _made(run, cursor, {"type": kind})
            pending.see(event["chunk"])
            cursor, acted = event["seq"], True
            yield event


async def _next_unless_waiting(
    events: AsyncIterator[Event], executor: LogExecutor, run: RunId, cursor: int
) -> Event | None:
    """The next event; `_WAITS` where the run waits and there is none."""
    following, pause = asyncio.ensure_future(anext(events, None)), _FIRST_LOOK
    try:
        while not following.done():
            await asyncio.wait([following], timeout=pause)
            pause = min(2 * pause, _LONGEST_LOOK)
            if not following.done() and await _waits(executor, run, cursor):
                return _WAITS
        return following.result()
    finally:
        following.cancel()
        await asyncio.wait([following])


def _subscribed(executor: LogExecutor, run: RunId, after: int) -> AsyncGenerator[Event, None]:
    return cast("AsyncGenerator[Event, None]", executor.subscribe(run, after))


async def _waits(executor: LogExecutor, run: RunId, cursor: int) -> bool:
    info = await executor.info(run)
    return info.status == "waiting" and info.last_seq == cursor


def _made(run: RunId, seq: int, chunk: dict[str, Any]) -> Event:
    """An event of this response alone, under the number of the last one in the log."""
    return Event(run=run, seq=seq, attempt=0, ts=0.0, chunk=chunk)


# ---- what a client sends back -------------------------------------------------------------------------------


async def run_of(executor: LogExecutor, thread: str, message: UIMessage) -> RunId:
    """The run that made an assistant's message. Raises UsageError where there is none in the conversation."""
    named = metadata_of(message).get("run")
    candidates = [named] if isinstance(named, str) else [info.run for info in await executor.runs()]
    for run in candidates:
        try:
            request = await executor.request(run)
        except LogError as error:
            if error.code not in ("unknown-run", "expired"):
                raise
            continue
        if request.thread == thread and request.message_id == message.id:
            return run
    raise UsageError(
        "No run of this conversation waits for this message.",
        hint="Send the assistant's message as it came, with its id and metadata; or ask again.",
    )


async def reply(executor: LogExecutor, run: RunId, message: UIMessage) -> Replied:
    """Give a run the replies that its message holds.

    Only what the run asked for counts, and of that the first reply: all else in the message is the client's alone.
    Raises LogError other-call for consent to another call than the one that was shown.
    """
    last = (await executor.info(run)).last_seq
    shown = _shown(message)
    replies = dict(each for part in message.parts if isinstance(part, ToolPart) for each in _replies(part, shown))
    taken = [await executor.answer(run, reply_id, answer) for reply_id, answer in replies.items()]
    seq = metadata_of(message).get("seq")
    has = seq if isinstance(seq, int) and not isinstance(seq, bool) and 0 < seq <= last else last
    return Replied(has, replies.keys(), any(taken))


async def goes_on(executor: LogExecutor, run: RunId, replied: Replied, seconds: float = 1.0) -> bool:
    """False where there is nothing after what the client has: the run has ended, or still waits some time from now."""
    deadline = time.monotonic() + seconds
    while not replied.taken:
        info = await executor.info(run)
        if info.last_seq > replied.after or info.status not in ("waiting", *TERMINAL):
            return True
        if info.status != "waiting" or time.monotonic() > deadline:
            return False
        await asyncio.sleep(_FIRST_LOOK)
    return True


def _shown(message: UIMessage) -> dict[str | None, str]:
    """Digests of the calls that the client was shown, by call."""
    shown: dict[str | None, str] = {}
    for part in message.parts:
        card: Any = part.data if isinstance(part, DataPart) and part.type == "data-approval" else None
        if isinstance(card, dict) and isinstance(digest := cast("dict[str, Any]", card).get("digest"), str):
            shown[cast("DataPart", part).id] = digest
    return shown


def _replies(part: ToolPart, shown: Mapping[str | None, str]) -> list[tuple[str, Reply]]:
    replies: list[tuple[str, Reply]] = []
    call = part.tool_call_id
    if part.approval is not None and isinstance(cast("Any", part.approval.approved), bool):
        reason = part.approval.reason
        reason = reason if isinstance(reason, str) else None
        answer = Approval(approved=bool(part.approval.approved), reason=reason, digest=shown.get(call))
        replies.append((part.approval.id, answer))
    if part.state == "output-available" and part.has_output and not part.preliminary:
        output = to_wire(ToolOutputAvailable(tool_call_id=call, output=part.output))
        replies.append((client_reply(call), Output(chunks=[output])))
    elif part.state == "output-error":
        text = part.error_text if isinstance(cast("Any", part.error_text), str) else "The client's tool failed."
        error = to_wire(ToolOutputError(tool_call_id=call, error_text=text or "The client's tool failed."))
        replies.append((client_reply(call), Output(chunks=[error])))
    return replies


__all__ = ["Replied", "goes_on", "reply", "run_of", "turn"]
