"""The same random streams through three reducers: ours, the page's and the official client's."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from copilot_widget.errors import ProtocolError
from copilot_widget.protocol.reducer import Reducer
from copilot_widget.protocol.wire import CHUNK_CLASSES

from .judge import Judge
from .streams import Wire, canonical, plain, random_wires, spoilt_streams


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge() as judge:
        yield judge


def reduced(chunks: list[Wire], initial: Wire | None = None) -> tuple[str, int | None]:
    """The message that we make, and the index of the chunk that we refuse."""
    reducer, failed = Reducer(initial), None
    for index, chunk in enumerate(chunks):
        try:
            reducer.push(chunk)
        except ProtocolError:
            failed = index
            break
    return canonical(plain(reducer.message.to_wire())), failed


def agree(judge: Judge, chunks: list[Wire], initial: Wire | None = None) -> None:
    verdict = judge(chunks, initial)
    violation, page = verdict["violation"], verdict["page"]
    ours, failed = reduced(chunks, initial)
    assert (failed, page["failed"]) == (violation and violation["chunkIndex"],) * 2, violation
    assert canonical(plain(page["final"])) == ours
    if verdict["final"] is not None:  # else the client saw nothing that it would show
        assert canonical(plain(verdict["final"])) == ours


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spoilt_streams)
def test_all_three_make_the_same_message_and_refuse_the_same_chunk(judge: Judge, chunks: list[Wire]) -> None:
    agree(judge, chunks)


@pytest.mark.parametrize("seed", range(12))
def test_they_agree_on_long_streams_and_on_what_follows_a_kept_message(seed: int, judge: Judge) -> None:
    chunks = list(random_wires(numbers(seed, 1_500)))
    agree(judge, chunks)
    agree(judge, list(random_wires(numbers(-1 - seed, 600), faults=True)), judge(chunks)["page"]["final"])


def test_the_random_streams_hold_every_type_and_many_faults() -> None:
    streams = [list(random_wires(numbers(seed, 400), faults=True)) for seed in range(200)]
    types = Counter(chunk.get("type") for stream in streams for chunk in stream if isinstance(chunk.get("type"), str))
    assert {*CHUNK_CLASSES, "data-x", "data-display"} <= set(types)
    refused = [stream[failed] for stream in streams if (failed := reduced(stream)[1]) is not None]
    assert len(refused) > 60
    assert len({chunk.get("type") for chunk in refused if isinstance(chunk.get("type"), str)}) > 15


def numbers(seed: int, count: int) -> list[int]:
    return list(random.Random(seed).choices(range(256), k=count))


def test_a_chunk_that_is_spoilt_in_one_field_is_refused_by_all_or_by_none(judge: Judge) -> None:
    """Each field of each type with each odd value, and without it."""
    for chunks in spoilt_one_by_one():
        agree(judge, chunks)


def spoilt_one_by_one() -> Iterator[list[Wire]]:
    known: list[Wire] = [
        {"type": "start", "messageId": "m"},
        {"type": "text-start", "id": "x"},
        {"type": "reasoning-start", "id": "x"},
        {"type": "tool-input-start", "toolCallId": "x", "toolName": "x"},
        {"type": "tool-approval-request", "approvalId": "x", "toolCallId": "x"},
    ]
    values: list[Any] = [None, 7, 1.5, "x", "stop", "text", True, [], {}, {"x": 1}, {"x": {}}, [1]]
    for kind in (*CHUNK_CLASSES, "data-x"):
        cls = CHUNK_CLASSES.get(kind)
        fields = cls.wire_fields if cls else (("data", "data", True), ("id", "id", False), ("", "transient", False))
        whole: Wire = {"type": kind, **{key: "x" for _, key, required in fields if required}}
        whole |= {"approved": True} if "approved" in whole else {}
        whole |= {"parts": []} if "parts" in whole else {}
        yield [*known, whole]
        for _, key, _ in fields:
            yield [*known, {name: value for name, value in whole.items() if name != key}]
            for value in values:
                yield [*known, {**whole, key: value}]
