"""A worker: claims runs that the bell or a sweep of the log tells of, and drives them."""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from ..errors import LogError, one_line
from ..store import Store
from ..timing import timeout
from .attempt import AgentFactory, Attempt
from .base import LEASE_SECONDS, Bell, Log, Ring, RunId

logger = logging.getLogger(__name__)

_SWEEP_SECONDS = 1.0
_PAUSE_SECONDS = 1.0
"""Before the log or the bell is tried again after an error: what is broken is not asked in a hot loop."""

_END_SECONDS = 5.0
"""What was cancelled says so to the bell, which may be out of reach."""


@dataclass
class Stats:
    """What a worker has done since it started."""

    claimed: int = 0
    ended: dict[str, int] = field(default_factory=dict[str, int])
    """Attempts by what they ended with: completed, failed, stopped, waiting, queued, lost."""
    events: int = 0
    troubles: int = 0
    """Appends that had to be tried again."""
    swept: int = 0
    """Runs that no bell had told of."""

    def count(self, ending: str) -> None:
        self.ended[ending] = self.ended.get(ending, 0) + 1


class Worker:
    """Executes up to `slots` runs at once, each under a lease of `lease` seconds (inf: none is needed)."""

    def __init__(
        self,
        log: Log,
        bell: Bell,
        store: Store,
        agent_for: AgentFactory,
        *,
        slots: int = 5,
        lease: float = LEASE_SECONDS,
        name: str = "",
        keep_steps: bool = False,
    ) -> None:
        self.name = name or f"{socket.gethostname()}-{secrets.token_hex(4)}"
        self.slots = slots
        self.stats = Stats()
        self.held: dict[RunId, Attempt] = {}
        self.draining = False
        self.trouble = ""
        """What the log or the bell last complained of; "" where all is well."""
        self._log = log
        self._bell = bell
        self._store = store
        self._agent_for = agent_for
        self._lease = lease
        self._keep_steps = keep_steps
        self._free = asyncio.Semaphore(slots)
        self._works: dict[RunId, asyncio.Task[None]] = {}
        self._wanted: set[RunId] = set()
        """Those that are worked on, or wait for a slot."""
        self._again: set[RunId] = set()
        self._retaking: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._keeping = threading.Event()
        self._since = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        """How long nothing has been worked on; 0 while something is."""
        return 0.0 if self._works else time.monotonic() - self._since

    async def run(self) -> None:
        """Work until cancelled; `drain` before that loses nothing."""
        loops = [self._listen, self._obey]
        if math.isfinite(self._lease):
            loop = asyncio.get_running_loop()
            threading.Thread(target=self._keep, args=(loop,), name="copilot-leases", daemon=True).start()
            loops.append(self._sweep)
        tasks = [asyncio.ensure_future(self._on_and_on(each)) for each in loops]
        try:
            await asyncio.gather(*tasks)
        finally:
            self._keeping.set()
            self.draining = True  # what is cancelled is not taken again
            ending = [*tasks, *self._works.values(), *self._retaking]
            for task in ending:
                task.cancel()
            await asyncio.wait(ending, timeout=_END_SECONDS)

    async def _on_and_on(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except LogError as error:
                if self.trouble != str(error):
                    logger.warning("worker %s: %s", self.name, error)
                self.trouble = str(error)
            except Exception as error:
                logger.exception("worker %s: %s", self.name, one_line(error))
                self.trouble = one_line(error)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def drain(self, grace: float = 30.0) -> None:
        """Take nothing more; give runs back at the end of their step, after `grace` seconds in the middle of it."""
        self.draining = True
        for attempt in list(self.held.values()):
            attempt.give_back()
        try:
            async with timeout(grace):
                await self._idle.wait()
        except asyncio.TimeoutError:
            for attempt in list(self.held.values()):
                attempt.give_back(now=True)
            await asyncio.wait(self._works.values(), timeout=grace)

    # ---- where runs come from -----------------------------------------------------------------------------

    async def _listen(self) -> None:
        async for ring in self._bell.rings(self.slots):
            await self._take(ring)

    async def _sweep(self) -> None:
        """What no bell tells of: rings that were lost, workers that died."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            free = self.slots - len(self._works)
            if free > 0 and not self.draining:
                for run in await self._log.due(free):
                    if run not in self._wanted:
                        self.stats.swept += 1
                        await self._take(Ring(run))
            self.trouble = ""

    async def _take(self, ring: Ring) -> None:
        """Begin to work on a run in a slot of its own; waits for the slot."""
        run = ring.run
        if run in self._wanted or self.draining:
            await self._leave(ring)
            return
        self._wanted.add(run)
        try:
            await self._free.acquire()
        except BaseException:
            self._wanted.discard(run)
            raise
        if self.draining:  # since it waits for its slot
            self._wanted.discard(run)
            self._free.release()
            await self._leave(ring)
            return
        self._idle.clear()
        self._works[run] = asyncio.ensure_future(self._work(ring))
        self._works[run].add_done_callback(lambda _task: self._release(run))

    async def _leave(self, ring: Ring) -> None:
        self._again.add(ring.run)  # it may be about to leave this worker's hands
        await ring.done()

    def _release(self, run: RunId) -> None:
        self._free.release()
        self._wanted.discard(run)
        del self._works[run]
        if run in self._again:
            self._again.discard(run)
            retaking = asyncio.ensure_future(self._take(Ring(run)))
            self._retaking.add(retaking)
            retaking.add_done_callback(self._retaking.discard)
        if not self._works:
            self._since = time.monotonic()
            self._idle.set()

    # ---- one run --------------------------------------------------------------------------------------------

    async def _work(self, ring: Ring) -> None:
        following: Sequence[RunId] = ()
        try:
            following = await self._drive(ring)
        except asyncio.CancelledError:
            self.stats.count("lost")
        except LogError as error:
            self.stats.count("lost")
            logger.warning("run %s: %s", ring.run, one_line(error))
        except Exception as error:
            logger.exception("run %s: %s", ring.run, one_line(error))
        try:
            await ring.done()
            if following:
                await self._bell.ring(following)
        except LogError as error:  # a sweep finds them
            logger.warning("the bell: %s", one_line(error))

    async def _drive(self, ring: Ring) -> Sequence[RunId]:
        claim = await self._log.claim(ring.run, self.name, lease=self._lease, takeover=ring.again)
        if claim is None:
            return ()
        self.stats.claimed += 1
        attempt = Attempt(claim, self._log, self._store, self._agent_for, keep_steps=self._keep_steps)
        self.held[ring.run] = attempt
        if self.draining:
            attempt.give_back()
        try:
            following = await attempt.drive()
        finally:
            del self.held[ring.run]
            self.stats.events += attempt.logged
            self.stats.troubles += attempt.troubles
        self.stats.count(attempt.status)
        return following if attempt.status != "queued" else [*following, ring.run]

    # ---- what others tell it -----------------------------------------------------------------------------------

    async def _obey(self) -> None:
        async for run in self._bell.cancels():
            attempt = self.held.get(run)
            if attempt is not None:
                held = {run: attempt.claim.fence}
                self._heed(held, await self._renewed(held))

    async def _renewed(self, held: dict[RunId, int]) -> dict[RunId, str | None]:
        if self._log.buffered:
            return await asyncio.to_thread(self._log.renew, held, lease=self._lease)
        return self._log.renew(held, lease=self._lease)

    def _keep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Prolong the leases, in a thread: no tool that blocks the loop costs a run its worker."""
        pause = self._lease / 3
        while not self._keeping.wait(pause):
            held = {run: attempt.claim.fence for run, attempt in list(self.held.items())}
            if not held:
                continue
            try:
                kept = self._log.renew(held, lease=self._lease)
            except LogError as error:
                self.trouble = str(error)
                pause = min(0.5, self._lease / 3)
                continue
            pause = self._lease / 3
            loop.call_soon_threadsafe(self._heed, held, kept)

    def _heed(self, held: dict[RunId, int], kept: dict[RunId, str | None]) -> None:
        for run, fence in held.items():
            attempt = self.held.get(run)
            if attempt is None or attempt.claim.fence != fence:
                continue
            if run not in kept:
                self._works[run].cancel()  # somebody else works on it, or it has ended
            elif kept[run] is not None:
                attempt.stop.set(kept[run] or "")


__all__ = ["Stats", "Worker"]
