"""The time limit that a cancel goes through."""

from __future__ import annotations

import asyncio

import pytest

from copilot_widget.timing import timeout


async def test_a_cancel_that_comes_with_the_result_is_not_forgotten():
    """A task that listens in a loop would go on for ever."""
    result: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    went_on = False

    async def waits() -> None:
        nonlocal went_on
        async with timeout(60):
            await result
        went_on = True

    task = asyncio.ensure_future(waits())
    await asyncio.sleep(0)
    result.set_result(None)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert not went_on


async def test_what_takes_longer_is_told():
    with pytest.raises(asyncio.TimeoutError):
        async with timeout(0.01):
            await asyncio.sleep(60)


async def test_no_limit():
    async with timeout(None):
        await asyncio.sleep(0)
