"""Tools that run elsewhere: the call is posted in the run's log, and the run goes on with the reply.

Some only the asking kernel can run. The gate is the kernel's: it decides by its own policy, may reply that the user
must be asked first, and runs only calls that were posted to it by name. A kernel that was restarted has another name.

Others run in the client that shows the conversation, an AI SDK page: it may take its time, as a person may.
"""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

from .errors import ToolError
from .models.base import Json, ToolSchema
from .protocol.chunks import Chunk, Data, ToolInputAvailable, ToolOutputError
from .protocol.wire import to_wire
from .state import KernelTool, PendingCall, client_reply, digest
from .tools.base import ApprovalRequest, Tool, ToolContext, ToolResult

KERNEL_CALL, CLIENT_CALL = "data-kernel-call", "data-client-call"
PATIENCE_SECONDS = 30.0
"""How long a worker waits for a sign of life of the kernel that it has asked."""


class RemoteTool:
    """A `Tool` of the kernel `kernel`. It is posted, never called."""

    timeout = math.inf
    parallel = True
    read_only = True  # posting it twice is harmless: the kernel runs each call once

    def __init__(self, kernel: str, tool: KernelTool) -> None:
        self.name = tool.name
        self.title = tool.title or tool.name
        self.schema = ToolSchema(tool.name, tool.description, tool.input_schema)
        self._kernel = kernel

    def parse(self, text: str) -> Json:
        """The arguments as an object; the kernel, which has the function, checks them closer."""
        try:
            value = json.loads(text or "{}")
        except ValueError as error:
            raise ToolError(f"The arguments are not valid JSON: {error}.") from None
        if not isinstance(value, dict):
            raise ToolError("The arguments must be an object.")
        return cast("Json", value)

    def approval(self, input: Json) -> ApprovalRequest | None:
        return None

    async def call(self, input: Json, context: ToolContext) -> AsyncIterator[ToolResult]:
        raise ToolError(f"{self.name} runs in the notebook's kernel only.")
        yield  # an async generator, as the seam asks

    def post(self, call: PendingCall) -> Data:
        """Ask the kernel for the call: for whoever watches the log, no part of the message."""
        call.posted += 1
        approved = call.state == "approved"
        call.state = "elsewhere"
        data = {
            "kernel": self._kernel,
            "reply": call.reply_id,
            "digest": digest(call.tool, call.input),
            "approved": approved,
        }
        return Data(type=KERNEL_CALL, id=call.call_id, transient=True, data=data)


def remote_tools(kernel: str | None, tools: list[KernelTool]) -> list[Tool]:
    return [RemoteTool(kernel or "", tool) for tool in tools]


def runs_in_client(tool: Tool) -> bool:
    """True for a tool that the client runs which shows the conversation."""
    return bool(getattr(tool, "client", False))


def post(tool: Tool | None, call: PendingCall) -> list[Chunk]:
    """Ask for a call that runs elsewhere, once it may run; nothing for one that runs here."""
    if isinstance(tool, RemoteTool):
        return [tool.post(call)]
    if tool is None or not runs_in_client(tool):
        return []
    # A client begins a call when it sees the input: where its user was asked first, it has to see it once more.
    again = ToolInputAvailable(tool_call_id=call.call_id, tool_name=call.tool, input=call.input, title=tool.title)
    chunks: list[Chunk] = [again] if call.state == "approved" else []
    call.state = "client"
    data = {"reply": client_reply(call.call_id)}
    return [*chunks, Data(type=CLIENT_CALL, id=call.call_id, transient=True, data=data)]


def unavailable(call: PendingCall) -> dict[str, Any]:
    """The result of a call whose kernel gives no sign of life, as wire JSON."""
    error_text = (
        f"Kernel unavailable: the notebook's kernel, where {call.tool} runs, did not answer. It was restarted or has "
        "ended; its variables are gone. Go on without it."
    )
    return to_wire(ToolOutputError(tool_call_id=call.call_id, error_text=error_text))


def opened_by(chunk: Mapping[str, Any]) -> str | None:
    """The id under which a chunk (as wire JSON) asks for a reply."""
    if chunk["type"] == "tool-approval-request" and not chunk.get("isAutomatic"):
        return chunk["approvalId"]
    return chunk["data"]["reply"] if chunk["type"] in (KERNEL_CALL, CLIENT_CALL) else None


__all__ = [
    "CLIENT_CALL",
    "KERNEL_CALL",
    "PATIENCE_SECONDS",
    "RemoteTool",
    "opened_by",
    "post",
    "remote_tools",
    "runs_in_client",
    "unavailable",
]
