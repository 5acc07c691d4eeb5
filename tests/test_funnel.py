import asyncio
import contextlib
import threading

import pytest

from copilot_widget.funnel import Funnel, StoppedError, StopSignal, unless_stopped


async def count(to: int, *, pause: float = 0.0):
    for number in range(to):
        await asyncio.sleep(pause)
        yield number


async def test_items_of_several_producers_all_come_and_keep_their_order():
    funnel: Funnel[int] = Funnel(StopSignal())
    funnel.add(count(50))
    funnel.add(number + 100 async for number in count(50))
    items = [item async for item in funnel]
    assert [item for item in items if item < 100] == list(range(50))
    assert [item for item in items if item >= 100] == list(range(100, 150))


async def test_a_producers_error_reaches_the_consumer_after_its_items():
    async def failing():
        yield 1
        raise ValueError("broken")

    funnel: Funnel[int] = Funnel(StopSignal())
    funnel.add(failing())
    items = aiter(funnel)
    assert await anext(items) == 1
    with pytest.raises(ValueError, match="broken"):
        await anext(items)


async def test_stop_ends_the_iteration_and_closes_the_producer():
    closed = asyncio.Event()

    async def endless():
        try:
            while True:
                yield 1
                await asyncio.sleep(0.001)
        finally:
            closed.set()

    stop = StopSignal()
    funnel: Funnel[int] = Funnel(stop)
    funnel.add(endless())
    async for _ in funnel:
        stop.set()
    assert closed.is_set()


async def test_a_producer_that_ignores_its_cancellation_cannot_hold_the_consumer():
    release = threading.Event()

    async def stubborn():
        yield 1
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.05)

    stop = StopSignal()
    funnel: Funnel[int] = Funnel(stop)
    funnel.add(stubborn())
    async for _ in funnel:
        stop.set()
    assert not release.is_set()  # reached although the producer is still at it
    release.set()


async def test_a_stop_that_came_before_the_start_counts():
    stop = StopSignal()
    stop.set("first")
    stop.set("second")
    funnel: Funnel[int] = Funnel(stop)
    funnel.add(count(3, pause=60))
    assert [item async for item in funnel] == []
    assert stop.reason == "first"


async def test_items_may_come_from_another_thread():
    funnel: Funnel[int] = Funnel(StopSignal())
    funnel.add(count(1, pause=0.1))
    threading.Thread(target=lambda: funnel.put_threadsafe(7)).start()
    assert [item async for item in funnel] == [7, 0]


async def lost_task() -> None:
    """Awaits a task that somebody else cancels."""
    task = asyncio.ensure_future(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    await task


@pytest.mark.parametrize(("error", "words"), [(None, "CancelledError"), (SystemExit(3), "SystemExit: 3")])
async def test_what_would_end_a_task_or_the_loop_is_an_error_like_any_other(error: BaseException | None, words: str):
    async def failing():
        yield 1
        if error is not None:
            raise error
        await lost_task()

    funnel: Funnel[int] = Funnel(StopSignal())
    funnel.add(failing())
    items = aiter(funnel)
    assert await anext(items) == 1
    with pytest.raises(RuntimeError, match=words):
        await anext(items)


async def test_a_producer_whose_closing_fails_still_ends():
    class Source:
        def __aiter__(self):
            return self

        async def __anext__(self):
            raise StopAsyncIteration

        async def aclose(self):
            raise ValueError("cannot be closed")

    funnel: Funnel[int] = Funnel(StopSignal())
    funnel.add(Source())
    with pytest.raises(ValueError, match="cannot be closed"):
        [item async for item in funnel]


async def test_what_is_no_longer_wanted_is_left_at_once_and_its_error_is_nobodys():
    left = asyncio.Event()

    async def slow() -> int:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            left.set()
            raise ValueError("in the middle") from None
        return 1

    stop = StopSignal()
    waiting = asyncio.ensure_future(unless_stopped(stop, slow()))
    await asyncio.sleep(0)
    stop.set()
    with pytest.raises(StoppedError):
        await waiting
    await left.wait()

    async def quick() -> int:
        return 7

    assert await unless_stopped(StopSignal(), quick()) == 7
