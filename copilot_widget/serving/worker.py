"""`copilot-widget worker`: a process that executes runs, and says over HTTP how it is."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..runs.base import KEEP_SECONDS, LEASE_SECONDS, Bell, Log
from ..runs.worker import Worker
from ..store.open import open_store
from .app import keep_loaded, load_app
from .backends import refuse_memory
from .ports import HttpServer, listen, needs
from .signals import on_signals

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from ..runs.process import SignOfLife

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkerOptions:
    """How a worker is started. Addresses may hold credentials and are never shown."""

    amqp: str = ""
    redis: str = ""
    pool: Path | None = None
    """The folder of a pool of this machine, instead of a broker."""
    slots: int = 5
    owner_limit: int | None = None
    host: str = "127.0.0.1"
    port: int | None = 8008
    """None: no HTTP."""
    app: str | None = None
    name: str = ""
    lease: float = LEASE_SECONDS
    grace: float = 30.0
    """Seconds that steps get to end after SIGTERM."""
    keep: float = KEEP_SECONDS
    """Seconds that a log is kept after its run has ended."""


def run_worker(options: WorkerOptions) -> int:
    """Work until SIGTERM or SIGINT; returns the exit code. Raises CopilotError where it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return asyncio.run(_work(options))


async def _work(options: WorkerOptions) -> int:
    copilot = load_app(options.app)
    listener = None if options.port is None else listen(options.host, options.port)
    store = open_store()
    refuse_memory(store)
    await store.check()
    log, bell = await _open(options)
    worker = Worker(
        log,
        bell,
        store,
        copilot.agents.on_worker,
        slots=options.slots,
        lease=options.lease,
        name=options.name,
    )
    life = None if options.pool is None else _begin_life(options.pool, worker.name)
    server = None
    if listener is not None:
        server = HttpServer(worker_app(worker), listener)
        await server.start()
    ended = on_signals()
    keep_loaded()
    working = asyncio.ensure_future(worker.run())
    logger.info("worker %s: %d runs at once%s", worker.name, worker.slots, f", {server.address}" if server else "")
    waits = [ended.wait()] if options.pool is None else [ended.wait(), _idle(worker, log)]
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait([*tasks, working], return_when=asyncio.FIRST_COMPLETED)
    if working.done():
        working.result()
    logger.info("worker %s drains: %d runs", worker.name, len(worker.held))
    await worker.drain(options.grace)
    for task in (*tasks, working):
        task.cancel()
    await asyncio.wait([*tasks, working])
    if server is not None:
        await server.close()
    await bell.close()
    await log.close()
    await store.close()
    if life is not None:
        life.end()
    logger.info("worker %s ended", worker.name)
    return 0


async def _open(options: WorkerOptions) -> tuple[Log, Bell]:
    if options.pool is not None:
        from ..runs.process import LOG_NAME
        from ..runs.sqlite import SqliteLog
        from ..runs.sqlite_news import SqliteBell

        local = SqliteLog(options.pool / LOG_NAME, owner_limit=options.owner_limit, keep=options.keep)
        return local, SqliteBell(local)
    if not options.amqp or not options.redis:
        raise UsageError(
            "A worker needs the addresses of RabbitMQ and Redis.",
            hint="Set COPILOT_AMQP and COPILOT_REDIS, e.g. amqp://host and redis://host:6379/0.",
        )
    from ..runs.amqp import AmqpBell
    from ..runs.redis import RedisLog

    log = RedisLog(options.redis, owner_limit=options.owner_limit, keep=options.keep)
    bell = AmqpBell(options.amqp, name=options.name)
    await log.check()
    await bell.check()
    return log, bell


def _begin_life(pool: Path, name: str) -> SignOfLife:
    from ..runs.process import SignOfLife

    life = SignOfLife(pool, name)
    if not life.begin():
        raise UsageError(f"A worker named {name} lives already.", hint="Give this one another --name.")
    return life


async def _idle(worker: Worker, log: Log) -> None:
    """Until there has been nothing to do for a while."""
    from ..runs.process import IDLE_SECONDS

    while worker.idle_seconds < IDLE_SECONDS or await log.due(1):  # noqa: ASYNC110 - looked at, not told
        await asyncio.sleep(1)


def worker_app(worker: Worker) -> Starlette:
    """/health (the process lives), /ready (it can take runs), /metrics (Prometheus)."""
    applications: Any = needs("starlette.applications", "executor")
    responses: Any = needs("starlette.responses", "executor")
    routing: Any = needs("starlette.routing", "executor")
    from .metrics import CONTENT_TYPE, worker_metrics

    metrics = worker_metrics(worker)

    async def health(_request: Any) -> Any:
        return responses.JSONResponse({"status": "ok", "worker": worker.name, "runs": len(worker.held)})

    async def ready(_request: Any) -> Any:
        reason = "draining" if worker.draining else worker.trouble
        return responses.JSONResponse(
            {"status": "not ready", "reason": reason} if reason else {"status": "ok"}, 503 if reason else 200
        )

    async def page(_request: Any) -> Any:
        return responses.Response(metrics.text(), media_type=CONTENT_TYPE)

    return applications.Starlette(
        routes=[
            routing.Route("/health", health),
            routing.Route("/ready", ready),
            routing.Route("/metrics", page),
        ]
    )


__all__ = ["WorkerOptions", "run_worker", "worker_app"]
