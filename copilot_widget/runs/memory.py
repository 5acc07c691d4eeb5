"""The log of runs that live in this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import LogError
from ..state import TERMINAL, RunStatus
from .base import Event, RunId


@dataclass
class _Run:
    status: RunStatus = "queued"
    fence: int = 0
    events: list[Event] = field(default_factory=list[Event])
    grown: asyncio.Event = field(default_factory=asyncio.Event)


class MemoryLog:
    """A `Log` in memory. Used from one event loop."""

    def __init__(self) -> None:
        self._runs: dict[RunId, _Run] = {}

    def _get(self, run: RunId) -> _Run:
        try:
            return self._runs[run]
        except KeyError:
            raise LogError(f"There is no run {run!r}.", code="unknown-run") from None

    async def create(self, run: RunId) -> bool:
        if run in self._runs:
            return False
        self._runs[run] = _Run()
        return True

    async def claim(self, run: RunId) -> int:
        entry = self._get(run)
        entry.fence += 1
        return entry.fence

    async def append(
        self, run: RunId, fence: int, first_seq: int, chunks: list[dict[str, Any]], status: RunStatus | None = None
    ) -> None:
        entry = self._get(run)
        if fence != entry.fence:
            raise LogError(f"Another writer has taken over run {run!r}.", code="stale")
        if entry.status in TERMINAL:
            raise LogError(f"Run {run!r} has ended; nothing may follow.", code="ended")
        last = len(entry.events)
        if first_seq > last + 1:
            raise LogError(f"Events {last + 1} to {first_seq - 1} of run {run!r} are missing.", code="gap")
        now = time.time()
        for seq, chunk in enumerate(chunks, first_seq):
            if seq > last:
                entry.events.append(Event(run=run, seq=seq, attempt=fence, ts=now, chunk=chunk))
        if status is not None:
            entry.status = status
        grown, entry.grown = entry.grown, asyncio.Event()
        grown.set()

    async def status(self, run: RunId) -> RunStatus:
        return self._get(run).status

    async def read(self, run: RunId, after: int = 0) -> AsyncIterator[Event]:
        entry = self._get(run)
        cursor = after
        while True:
            grown = entry.grown
            while cursor < len(entry.events):
                cursor += 1
                yield entry.events[cursor - 1]
            if entry.status in TERMINAL:
                return
            if grown is entry.grown:
                await grown.wait()
