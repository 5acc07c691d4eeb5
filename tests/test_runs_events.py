"""Events in memory: a list to who reads them, some bytes to who keeps them."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from copilot_widget.runs.base import Event
from copilot_widget.runs.events import Events


def event(number: int, delta: Any = "word ") -> Event:
    chunk = {"type": "text-delta", "id": "text-1-1", "delta": delta}
    return Event(run="r", seq=number, attempt=1, ts=1e9 + number / 7, chunk=chunk)


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 512, 513, 1_100])
@pytest.mark.parametrize("ended", [False, True])
def test_it_reads_as_a_list(count: int, ended: bool) -> None:
    plain = [event(number) for number in range(1, count + 1)]
    events = Events()
    for each in plain:
        events.append(each)
    if ended:
        events.pack()
        events.pack()
    assert len(events) == count
    assert list(events) == plain
    assert [events[place] for place in range(-count, count)] == plain * 2
    for place in (slice(None), slice(3, 300), slice(-5, None), slice(400, 100), slice(0, None, 97)):
        assert events[place] == plain[place]
    with pytest.raises(IndexError):
        events[count]
    read: list[Event] = []
    while more := events.after(len(read)):
        assert len(more) <= 256
        read += more
    assert read == plain


def test_half_characters_come_back_and_what_cannot_be_packed_stays() -> None:
    events = Events()
    odd = object()
    plain = [event(1, "\ud83d"), event(2, None), event(3, odd)]
    for each in plain[:2]:
        events.append(each)
    events.pack()
    assert list(events) == plain[:2]
    kept = Events()
    for each in [*plain, *(event(number) for number in range(4, 1_000))]:
        kept.append(each)
    kept.pack()
    assert len(kept) == 999
    assert kept[2]["chunk"]["delta"] is odd


def test_it_is_read_from_other_threads_while_it_grows() -> None:
    events, total, wrong = Events(), 20_000, list[Any]()

    def read() -> None:
        cursor = 0
        while cursor < total:
            for each in events.after(cursor):
                cursor += 1
                if each["seq"] != cursor:
                    wrong.append((each, cursor))
                    return

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(1, total + 1):
        events.append(event(number))
    events.pack()
    for reader in readers:
        reader.join(30)
    assert not wrong


def test_a_token_that_is_over_takes_some_bytes() -> None:
    import tracemalloc

    events = Events()
    tracemalloc.start()
    try:
        for number in range(1, 3_001):
            events.append(event(number, f"word{number % 500} "))
        events.pack()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 3_000 * 50, held
