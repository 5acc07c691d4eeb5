"""The end of a process, when its system asks for it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal


def on_signals() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT; the second one ends the process at once."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def first() -> None:
        if ended.is_set():
            os._exit(1)
        ended.set()

    for name in ("SIGTERM", "SIGINT"):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt
            loop.add_signal_handler(getattr(signal, name), first)
    return ended


__all__ = ["on_signals"]
