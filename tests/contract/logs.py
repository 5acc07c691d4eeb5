"""The logs that the contract suites run through: one maker each, of what several processes would open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from copilot_widget.protocol import UIMessage
from copilot_widget.protocol.messages import TextPart
from copilot_widget.runs.base import Log
from copilot_widget.runs.memory import MemoryLog
from copilot_widget.state import RunRequest

Opener = Callable[..., Log]
"""Opens the same log once more, as another process would; takes the options `owner_limit` and `keep`."""


def memory(**options: Any) -> Opener:
    """One process: each opening is the same object."""
    log = MemoryLog(**options)
    return lambda: log


def ask(run: str = "r", thread: str = "t", owner: str = "local", prompt: str = "go on and on") -> RunRequest:
    message = UIMessage(id=f"{run}-user", role="user", parts=[TextPart(text=prompt)])
    return RunRequest(run=run, thread=thread, owner=owner, message=message, message_id=f"{run}-answer", model="script")
