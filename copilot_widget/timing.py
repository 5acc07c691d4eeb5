"""A time limit that a cancel goes through.

Before Python 3.12, `asyncio.wait_for` forgets that its caller was cancelled when its result comes in the same turn of
the loop: a loop around it goes on as if nobody had stopped it. A task is stopped by `timeout` alone, here.
"""

from __future__ import annotations

import sys
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:

    def timeout(delay: float | None, /) -> AbstractAsyncContextManager[object]:
        """`async with timeout(seconds):` raises asyncio.TimeoutError where its body takes longer; None: no limit."""
        raise NotImplementedError

elif sys.version_info >= (3, 11):
    from asyncio import timeout
else:
    from async_timeout import timeout


__all__ = ["timeout"]
