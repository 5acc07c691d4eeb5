"""The logs that the contract suites run through: one maker each, of what several processes would open."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
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


def sqlite(path: Path, **options: Any) -> Opener:
    """Each opening is what another process would have: a connection of its own to the file."""
    from copilot_widget.runs.sqlite import SqliteLog

    return lambda: SqliteLog(path, **options)


def redis(url: str, **options: Any) -> Opener:
    """Keys of its own in a server that all tests share."""
    from copilot_widget.runs.redis import RedisLog

    prefix = secrets.token_hex(8)
    return lambda: RedisLog(url, prefix=prefix, **options)


def ask(run: str = "r", thread: str = "t", owner: str = "local", prompt: str = "go on and on") -> RunRequest:
    message = UIMessage(id=f"{run}-user", role="user", parts=[TextPart(text=prompt)])
    return RunRequest(run=run, thread=thread, owner=owner, message=message, message_id=f"{run}-answer", model="script")
