"""A steady rate for models that make their own stream."""

from __future__ import annotations

import asyncio
import re

_TOKEN = re.compile(r"\s*\S{1,6}|\s+\Z")
_BREATHE_EVERY = 64


def split_tokens(text: str) -> list[str]:
    """`text` in pieces of the size of tokens; joined they are `text` again."""
    return _TOKEN.findall(text)


class Pace:
    """Keeps a stream of pieces to a rate without drift: a late piece makes the next ones come sooner.

    Create it when the stream starts, within a running event loop.
    """

    def __init__(self) -> None:
        self._clock = asyncio.get_running_loop().time
        self._due: float | None = None
        self._count = 0

    async def tick(self, rate: float | None) -> None:
        """Return when the next piece is due at `rate` pieces a second; at once where `rate` is None or 0."""
        self._count += 1
        if not rate:
            self._due = None
            if self._count % _BREATHE_EVERY == 0:  # a long answer at once must not keep the loop from others
                await asyncio.sleep(0)
            return
        now = self._clock()
        self._due = now if self._due is None else self._due + 1 / rate
        if self._due > now:
            await asyncio.sleep(self._due - now)
        elif self._count % _BREATHE_EVERY == 0:
            await asyncio.sleep(0)

    async def wait(self, seconds: float) -> None:
        """Pause the stream; what follows is not hurried to make up for it."""
        await asyncio.sleep(seconds)
        self._due = None


__all__ = ["Pace", "split_tokens"]
