"""What keeps a run alive, as everyone else sees it: events, the log, the bell, the executor.

The log is the truth: it holds a run's request, its events, the state at the last finished step, who works on it and
what it was told. The bell only says "look at this run"; a ring that is lost or comes twice costs time, never a run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypedDict

from ..protocol.messages import TextPart
from ..state import Reply, RunRequest, RunStatus
from ..tools.jsonable import well_formed

RunId = str

TRIES = 3
"""Attempts at one step, after which a run is given up."""
LEASE_SECONDS = 5.0
"""How long a worker that says nothing is believed to live."""
MAX_REQUEST_BYTES = 16_000_000
KEEP_SECONDS = 24 * 3600.0
"""How long a log is kept after its terminal event."""


class Event(TypedDict):
    """One entry of a run's log. `seq` counts from 1 without gaps; `ts` is epoch seconds; `chunk` is raw wire JSON,
    so that a type from a newer version passes through: only readers validate."""

    run: RunId
    seq: int
    attempt: int
    ts: float
    chunk: dict[str, Any]


@dataclass(frozen=True)
class RunInfo:
    """What a list of runs shows. Times are epoch seconds; `worker` is who works on it, or did last ("" nobody yet)."""

    run: RunId
    thread: str
    owner: str
    status: RunStatus
    prompt: str
    """The question's first words."""
    created: float
    updated: float
    worker: str = ""
    attempt: int = 0
    last_seq: int = 0


@dataclass(frozen=True)
class Claim:
    """A run in one writer's hands."""

    fence: int
    """Rises with each claim; the number of the attempt. Who appends with an earlier one is refused."""
    request: RunRequest
    state: str | None
    """The state at the last finished step, as JSON; None: no step has been finished."""
    tail: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """The chunks that an earlier attempt logged after that state."""
    last_seq: int = 0
    tries: int = 1
    """Attempts at the step that follows the last finished one, with this one."""
    replies: Mapping[str, Reply] = field(default_factory=dict[str, Reply])
    stop: str | None = None
    """The reason, where the run has been stopped."""
    overdue: bool = False
    """It waited for replies until it was due."""


@dataclass(frozen=True)
class Commit:
    """What a step ends with. `status` running: go on · waiting: for one of `awaited`, or until `due` · queued: given
    back · completed, failed, stopped: ended. All but running give the run out of hand."""

    status: RunStatus
    state: str | None = None
    awaited: Sequence[str] = ()
    due: float | None = None
    """Epoch seconds at which a waiting run goes on without a reply."""


@dataclass(frozen=True)
class Appended:
    """What the writer is told."""

    stop: str | None = None
    replies: Mapping[str, Reply] = field(default_factory=dict[str, Reply])
    """To a waiting commit: replies that are there already. Where there are any, the run stays in the writer's hands."""
    ring: Sequence[RunId] = ()
    """Runs that can be claimed from now on."""


class Log(Protocol):
    """Numbered events of runs, and all that an attempt to execute one needs.

    Every method is one atomic step. LogError codes: unknown-run, expired, stale (a later claim has been made), gap,
    ended, too-large, full (no room; nothing was written), other-call (consent to what was not shown), unavailable (the
    server cannot be reached), version.
    """

    @property
    def buffered(self) -> bool:
        """True where an append takes a while: what comes meanwhile is then gathered for the next one."""
        ...

    async def create(self, request: RunRequest, *, key: str) -> RunId:
        """Queue a run. The same key of the same owner twice is the same run: the id of the first is returned.

        Runs of one thread (of an owner) can be claimed one after the other only, in the order of their creation.
        Raises LogError: too-large, full.
        """
        ...

    async def claim(
        self, run: RunId, worker: str, *, lease: float = LEASE_SECONDS, takeover: bool = False, ending: bool = False
    ) -> Claim | None:
        """Become the one writer of a run for `lease` seconds. None where it cannot be worked on now: it has ended,
        another worker's lease holds (unless `takeover`), its thread's turn has not come, its owner has as many at
        work as are allowed, or it waits and nothing it waits for has come. `ending` passes over all but the first two:
        for who only ends it. Raises LogError unknown-run, expired.
        """
        ...

    async def append(
        self,
        run: RunId,
        fence: int,
        first_seq: int,
        chunks: Sequence[dict[str, Any]],
        *,
        opened: Sequence[str] = (),
        shown: Mapping[str, str] | None = None,
        commit: Commit | None = None,
    ) -> Appended:
        """Append events, and with `commit` what the step ends with. What is there already is skipped.

        `opened` are ids that may be answered from now on; `shown` is the digest of the call that was shown for some of
        them. Raises LogError stale, gap, ended, full, unavailable.
        """
        ...

    def renew(self, held: Mapping[RunId, int], *, lease: float = LEASE_SECONDS) -> dict[RunId, str | None]:
        """Prolong leases; from a thread of its own, so that a busy loop loses none. `held` is run → fence.

        Returns for each run: None, or the reason for which it was stopped; runs that are lost (taken over, ended,
        expired) are left out. Raises LogError unavailable.
        """
        ...

    async def answer(self, run: RunId, reply_id: str, reply: Reply) -> bool:
        """Give the reply to something that was opened. The first one counts; False for any other, for an id that
        nobody opened and for a run that has ended. An approval of another call than the one that was shown is not
        filed, so that the right one can still be given. Raises LogError other-call for it, unknown-run, expired."""
        ...

    async def postpone(self, run: RunId, due: float) -> None:
        """A waiting run is due later: whoever it waits for lives."""
        ...

    async def stop(self, run: RunId, reason: str) -> bool:
        """Ask that the run ends; the first reason counts. False where it has ended. Raises LogError unknown-run."""
        ...

    async def due(self, limit: int) -> list[RunId]:
        """Runs that could be claimed now and that no bell may have told of: queued for a while, their lease lapsed,
        replied to, or due. At most `limit`."""
        ...

    async def info(self, run: RunId) -> RunInfo:
        """Raises LogError unknown-run, expired."""
        ...

    async def request(self, run: RunId) -> RunRequest:
        """What was asked for. Raises LogError unknown-run, expired."""
        ...

    async def runs(self, owner: str, limit: int = 100) -> list[RunInfo]:
        """The owner's runs, the newest first."""
        ...

    def read(self, run: RunId, after: int = 0) -> AsyncIterator[Event]:
        """Events from `after` + 1 on: those there are, then live, until the terminal one.

        Raises LogError: unknown-run, expired.
        """
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Ring:
    """One ring of the bell. `again`: it was delivered before, to a worker whose connection then broke."""

    run: RunId
    again: bool = False

    async def done(self) -> None:
        """The run is out of this worker's hands: the ring need not be delivered to another."""


class Bell(Protocol):
    """Tells workers of runs that can be claimed, and the one that holds a run that it should look whether to stop."""

    async def ring(self, runs: Sequence[RunId]) -> None:
        """Raises LogError unavailable; the runs are then found by a sweep of the log, later."""
        ...

    async def cancel(self, run: RunId) -> None: ...

    def rings(self, slots: int) -> AsyncIterator[Ring]:
        """Rings for this worker, at most `slots` at a time that are not done."""
        ...

    def cancels(self) -> AsyncIterator[RunId]:
        """Every cancel of any run."""
        ...

    async def close(self) -> None: ...


class Executor(Protocol):
    """Where runs are executed, for one owner. All methods may be awaited on the agent's loop only.

    Raises LogError unknown-run also for another owner's run.
    """

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

    async def request(self, run: RunId) -> RunRequest:
        """What was asked for."""
        ...

    async def answer(self, run: RunId, reply_id: str, reply: Reply) -> bool:
        """Reply to what a run waits for. Only the first reply counts; False for any other. Raises LogError other-call
        for an approval of another call than the one that was shown; the right one can still be given."""
        ...

    async def postpone(self, run: RunId, due: float) -> None:
        """The kernel still works on a call of the run."""
        ...

    async def runs(self, limit: int = 100) -> list[RunInfo]:
        """The owner's runs, the newest first."""
        ...

    async def close(self) -> None: ...


def prompt_of(request: RunRequest) -> str:
    """The question's first words, for lists."""
    text = " ".join(part.text for part in request.message.parts if isinstance(part, TextPart))
    text = " ".join(text.split())
    return well_formed(text if len(text) <= 80 else text[:79] + "…")
