"""The bell in RabbitMQ: rings that survive, rings that come again, cancels that reach everybody."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aio_pika
import pytest

from copilot_widget.errors import LogError, UsageError
from copilot_widget.runs.amqp import AmqpBell
from copilot_widget.runs.base import Ring
from tests.servers import RabbitServer


@pytest.fixture(scope="module")
def server() -> Iterator[RabbitServer]:
    with RabbitServer() as server:
        yield server


@pytest.fixture
async def opened(server: RabbitServer) -> AsyncIterator[Callable[..., AmqpBell]]:
    """Opens the bell of this test once more; `.prefix` is its own."""
    bells: list[AmqpBell] = []
    prefix = secrets.token_hex(8)

    def opened(url: str = server.url, **options: Any) -> AmqpBell:
        bells.append(AmqpBell(url, **{"prefix": prefix, **options}))
        return bells[-1]

    yield opened
    for bell in bells:
        await bell.close()


class Worker:
    """Takes rings and cancels as a worker does: again a moment after an error."""

    def __init__(self, bell: AmqpBell, slots: int = 5) -> None:
        self.rings: asyncio.Queue[Ring] = asyncio.Queue()
        self.cancelled: list[str] = []
        self.errors: list[LogError] = []
        self._bell = bell
        self._slots = slots
        self._tasks = [asyncio.ensure_future(self._on_and_on(work)) for work in (self._listen, self._obey)]

    async def _on_and_on(self, work: Callable[[], Any]) -> None:
        while True:
            try:
                await work()
            except LogError as error:
                self.errors.append(error)
            await asyncio.sleep(0.1)

    async def _listen(self) -> None:
        async for ring in self._bell.rings(self._slots):
            self.rings.put_nowait(ring)

    async def _obey(self) -> None:
        async for run in self._bell.cancels():
            self.cancelled.append(run)

    async def next(self, timeout: float = 20) -> Ring:
        return await asyncio.wait_for(self.rings.get(), timeout)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)


@pytest.fixture
async def working() -> AsyncIterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def working(*args: Any, **options: Any) -> Worker:
        workers.append(Worker(*args, **options))
        return workers[-1]

    yield working
    for worker in workers:
        await worker.stop()


async def refused(call: Any) -> LogError:
    with pytest.raises(LogError) as caught:
        await call
    return caught.value


async def waiting(bell: AmqpBell, queue: str = "runs") -> int:
    """Messages that wait in a queue of the bell."""
    connection = await aio_pika.connect(bell._url)
    async with connection, connection.channel() as channel:
        found = await channel.declare_queue(f"{bell._prefix}.{queue}", passive=True)
        return found.declaration_result.message_count or 0


async def until_waiting(bell: AmqpBell, count: int, queue: str = "runs") -> None:
    until = time.monotonic() + 10
    while await waiting(bell, queue) != count:
        assert time.monotonic() < until
        await asyncio.sleep(0.05)


async def test_a_ring_reaches_one_worker_and_is_gone_when_it_is_done(
    opened: Callable[..., AmqpBell], working: Callable[..., Worker]
):
    await opened().ring(["a", "b", "c"])
    one, two = working(opened(), slots=1), working(opened(), slots=1)
    rings = [await one.next(), await two.next()]
    await asyncio.sleep(0.2)
    assert one.rings.empty(), "no more than its slots"
    assert two.rings.empty()
    await rings[0].done()
    await rings[0].done()
    rings.append(await one.next())
    assert sorted(ring.run for ring in rings) == ["a", "b", "c"]
    assert not any(ring.again for ring in rings)
    for ring in rings:
        await ring.done()
    await one.stop()
    await two.stop()
    await until_waiting(opened(), 0)


HOLDER = """
import asyncio, sys
from copilot_widget.runs.amqp import AmqpBell

async def main():
    async for ring in AmqpBell(sys.argv[1], prefix=sys.argv[2]).rings(5):
        print(ring.run, ring.again, flush=True)

asyncio.run(main())
"""


async def test_the_rings_of_a_worker_that_is_killed_come_again(
    opened: Callable[..., AmqpBell], working: Callable[..., Worker]
):
    bell = opened()
    await bell.ring(["a"])
    command = [sys.executable, "-c", HOLDER, bell._url, bell._prefix]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:  # noqa: ASYNC220 - it returns at once
        assert holder.stdout is not None
        assert await asyncio.to_thread(holder.stdout.readline) == b"a False\n"
        worker = working(bell)
        await asyncio.sleep(0.3)
        assert worker.rings.empty()
        holder.kill()
    ring = await worker.next()
    assert (ring.run, ring.again) == ("a", True)
    await bell.ring(["b"])
    assert not (await worker.next()).again


async def test_what_is_not_understood_is_put_aside_and_the_next_is_served(
    opened: Callable[..., AmqpBell], working: Callable[..., Worker]
):
    bell = opened()
    await bell.check()
    connection = await aio_pika.connect(bell._url)
    bad = [
        b"",
        b"not json",
        b"[1]",
        b'{"v":2,"run":"a"}',
        b'{"v":1}',
        b'{"v":1,"run":7}',
        b'{"v":1,"run":"a"}'.ljust(9999),
    ]
    async with connection, connection.channel() as channel:
        exchange = await channel.get_exchange(f"{bell._prefix}.runs")
        for body in bad:
            await exchange.publish(aio_pika.Message(body), f"{bell._prefix}.runs")
    await bell.ring(["good"])
    worker = working(bell, slots=1)
    assert (await worker.next()).run == "good"
    assert not worker.errors
    await until_waiting(bell, len(bad), "dead")
    assert (await refused(bell.ring(["x" * 3000]))).code == "too-large"


async def test_each_cancel_reaches_every_worker(opened: Callable[..., AmqpBell], working: Callable[..., Worker]):
    workers = [working(opened()) for _ in range(3)]
    bell, runs = opened(), [f"r{number}" for number in range(50)]
    await bell.cancel("nobody listens yet")
    await asyncio.sleep(1)
    await asyncio.gather(*(bell.cancel(run) for run in runs))
    await asyncio.sleep(0.5)
    for worker in workers:
        assert sorted(set(worker.cancelled) - {"nobody listens yet"}) == sorted(runs)
        assert worker.rings.empty()


async def test_a_broker_that_is_restarted_loses_no_ring(
    server: RabbitServer, opened: Callable[..., AmqpBell], working: Callable[..., Worker]
):
    bell, ringer = opened(), opened()
    worker, other = working(bell, slots=2), working(opened(), slots=2)
    # RabbitMQ 3.10.8 elects no leader for the queue that was declared within seconds before a power cut.
    await asyncio.sleep(5)
    await ringer.ring(["a", "b", "c", "d", "e"])
    held = [await each.next() for each in (worker, worker, other, other)]
    assert len({ring.run for ring in held}) == 4
    server.kill()
    assert (await refused(ringer.ring(["lost"]))).code == "unavailable"
    await asyncio.sleep(0.3)
    assert {error.code for error in worker.errors} == {"unavailable"}
    server.start()
    for ring in held:
        await ring.done()
    seen: dict[str, Ring] = {}
    rung = False
    while "e" not in seen or "new" not in seen:
        if len(seen) >= 3 and not rung:
            await ringer.ring(["new"])
            rung = True
        for each in (worker, other):
            while not each.rings.empty():
                ring = each.rings.get_nowait()
                seen[ring.run] = ring
                await ring.done()
        await asyncio.sleep(0.1)
    assert not any(ring.again for ring in seen.values()), "a broker's restart is no worker's death"
    await ringer.cancel("a")
    await asyncio.sleep(0.3)
    assert worker.cancelled == other.cancelled == ["a"]


async def test_a_worker_that_reconnects_keeps_what_it_holds(
    opened: Callable[..., AmqpBell], working: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("copilot_widget.runs.amqp.LEASE_SECONDS", 0.0)  # what is held counts, not the time
    bell = opened()
    connections: list[Any] = []
    connect = bell._connect

    async def remembered(what: str) -> Any:
        connections.append(await connect(what))
        return connections[-1]

    monkeypatch.setattr(bell, "_connect", remembered)
    worker = working(bell)
    await bell.ring(["a", "b"])
    first, second = await worker.next(), await worker.next()
    for connection in connections:
        await connection.close()
    await second.done()  # into a channel that is closed
    ring = await worker.next()
    assert (ring.run, ring.again) == ("b", True)
    await ring.done()
    assert worker.rings.empty(), "what it still holds is not told again"
    await first.done()
    await worker.stop()
    await asyncio.sleep(0.2)
    assert await waiting(bell) == 0


async def test_a_long_run_gives_its_ring_up(opened: Callable[..., AmqpBell], working: Callable[..., Worker]):
    """RabbitMQ would close the channel of a ring that is kept for too long."""
    bell = opened(patience=0.3)
    worker = working(bell, slots=1)
    await bell.ring(["long", "next"])
    ring = await worker.next()
    assert (await worker.next()).run == "next"
    await ring.done()
    await asyncio.sleep(0.5)
    await worker.stop()
    await asyncio.sleep(0.2)
    assert await waiting(bell) == 0


async def test_a_queue_that_is_deleted_is_noticed(
    opened: Callable[..., AmqpBell], working: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("copilot_widget.runs.amqp._LOOK_SECONDS", 0.3)
    bell = opened()
    worker = working(bell)
    await bell.ring(["a"])
    await (await worker.next()).done()
    connection = await aio_pika.connect(bell._url)
    async with connection, connection.channel() as channel:
        await channel.queue_delete(f"{bell._prefix}.runs")
    assert (await refused(bell.ring(["b"]))).code == "unavailable"
    await asyncio.sleep(1)
    await bell.ring(["c"])
    assert (await worker.next()).run == "c"


@pytest.mark.parametrize(
    ("user", "code"),
    [("guest:the-wrong-one", "credentials"), ("nobody:the-wrong-one", "credentials")],
)
async def test_a_wrong_password_is_said_and_not_shown(
    server: RabbitServer, opened: Callable[..., AmqpBell], user: str, code: str
):
    bell = opened(server.url.replace("guest:guest", user))
    for call in (bell.check(), bell.ring(["a"]), bell.cancel("a"), anext(bell.rings(1)), anext(bell.cancels())):
        error = await refused(call)
        assert error.code == code
        assert error.hint
        assert "wrong-one" not in str(error)


async def test_a_vhost_or_a_host_that_is_not_there_is_said(server: RabbitServer, opened: Callable[..., AmqpBell]):
    error = await refused(opened(f"{server.url}nowhere").check())
    assert error.code == "credentials"
    assert "nowhere" in str(error)
    error = await refused(opened("amqp://user:secret-word@127.0.0.1:1/").check())
    assert error.code == "unavailable"
    assert "secret-word" not in str(error)
    with pytest.raises(UsageError):
        opened("redis://127.0.0.1")


async def test_two_workers_of_one_name_are_told(opened: Callable[..., AmqpBell], working: Callable[..., Worker]):
    worker = working(opened(name="w1"))
    await opened().ring(["a"])
    await worker.next()
    for call in (opened(name="w1").check(), anext(opened(name="w1").cancels())):
        error = await refused(call)
        assert error.code == "name"
        assert "w1 lives already" in str(error)
    await opened(name="w2").check()
    await worker.stop()
    await opened(name="w1").check()


async def test_queues_that_were_declared_otherwise_are_left_alone(opened: Callable[..., AmqpBell]):
    bell = opened()
    connection = await aio_pika.connect(bell._url)
    async with connection, connection.channel() as channel:
        await channel.declare_queue(f"{bell._prefix}.runs", durable=True)
    for call in (bell.check(), bell.ring(["a"]), anext(bell.rings(1))):
        assert (await refused(call)).code == "version"
