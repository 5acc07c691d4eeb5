"""What keeps a run alive, as everyone else sees it: events, logs, executors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol, TypedDict

from ..state import RunRequest, RunStatus

RunId = str


class Event(TypedDict):
    """One entry of a run's log. `seq` counts from 1 without gaps; `ts` is epoch seconds; `chunk` is raw wire JSON,
    so that a type from a newer version passes through: only readers validate."""

    run: RunId
    seq: int
    attempt: int
    ts: float
    chunk: dict[str, Any]


class Log(Protocol):
    """Numbered events of runs. The log is the truth: every view, file and stream is a reader of it with a cursor."""

    async def create(self, run: RunId) -> bool:
        """Begin the log of a run, status queued. False where it is there already."""
        ...

    async def claim(self, run: RunId) -> int:
        """Become the one writer of a run; returns the fence. Earlier fences can no longer append."""
        ...

    async def append(
        self, run: RunId, fence: int, first_seq: int, chunks: list[dict[str, Any]], status: RunStatus | None = None
    ) -> None:
        """Append in one atomic step, with the status that goes with it.

        What is there already is skipped. Raises LogError: stale (a later fence was given out), gap (`first_seq`
        is beyond the end), ended (a terminal status was set), unknown-run.
        """
        ...

    async def status(self, run: RunId) -> RunStatus: ...

    def read(self, run: RunId, after: int = 0) -> AsyncIterator[Event]:
        """Events from `after` + 1 on: those there are, then live, until the terminal one.

        Raises LogError: unknown-run, expired.
        """
        ...


class Executor(Protocol):
    """Where runs are executed. All methods may be awaited on the agent's loop only."""

    async def submit(self, request: RunRequest, *, idempotency_key: str) -> RunId:
        """Queue a run; the same key twice is the same run. Runs of one thread go one after the other."""
        ...

    def subscribe(self, run: RunId, after: int = 0) -> AsyncIterator[Event]:
        """Replay from the cursor, then live; ends at the terminal event."""
        ...

    async def stop(self, run: RunId, reason: str = "stopped by the user") -> None:
        """End a run, wherever it stands. No error where it has ended."""
        ...

    async def status(self, run: RunId) -> RunStatus: ...

    async def answer(self, run: RunId, approval_id: str, approved: bool, reason: str | None = None) -> bool:
        """Answer an approval. Only the first answer counts; False for any other."""
        ...
