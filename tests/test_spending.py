"""A budget is a hard limit: before a request, while its answer comes, and after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from copilot_widget.models.base import Finish, ModelEvent, ModelInfo, ModelRequest, ModelUsage, TextDelta, ToolCall
from copilot_widget.models.usage import TokenCounter, estimate_tokens

from .agents import begin, drive, kinds, make_agent

CENT = 1_000
"""Tokens of a cent."""


class Priced:
    """A model that says what it costs, as it was told to."""

    info = ModelInfo("priced", priced=True)

    def __init__(self, *answers: list[ModelEvent]) -> None:
        self.answers = list(answers)
        self.requests = 0

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        self.requests += 1
        for event in self.answers.pop(0):
            yield event
            await asyncio.sleep(0)

    def price(self, usage: ModelUsage) -> float | None:
        return (usage.prompt_tokens - 0.9 * usage.cached_tokens + usage.completion_tokens) / CENT / 100


def used(prompt: int, completion: int, *, estimated: bool = False, **more: Any) -> ModelUsage:
    cost = (prompt + completion) / CENT / 100
    return ModelUsage(prompt_tokens=prompt, completion_tokens=completion, cost=cost, estimated=estimated, **more)


def lookup(order_id: int) -> str:
    "Find an order."
    return "late"


CALL = ToolCall("c1", "lookup", '{"order_id": 1}')


def agent_of(model: Priced) -> Any:
    return make_agent([], lookup, model=model)


async def test_dollars_end_an_answer_in_the_middle():
    parts = [(TextDelta("word " * 10), used(1_000, 1_000 * n, estimated=True)) for n in range(1, 100)]
    model = Priced([event for part in parts for event in part])
    chunks, state = await drive(agent_of(model), begin(budget={"usd": 0.05}))
    assert state.status == "failed"
    assert state.message.metadata["error"]["code"] == "budget"
    assert kinds(chunks).count("text-delta") == 5
    assert state.message.metadata["cost"] == pytest.approx(0.06)


async def test_the_prompt_counts_as_soon_as_the_answer_begins():
    model = Priced([TextDelta("a"), used(90_000, 0, estimated=True), *[TextDelta("word ")] * 100])
    chunks, state = await drive(agent_of(model), begin(budget={"tokens": 20_000}))
    assert state.message.metadata["error"]["code"] == "budget"
    assert kinds(chunks).count("text-delta") == 1


@pytest.mark.parametrize("budget", [{"tokens": 1_000}, {"usd": 0.01}])
async def test_a_question_that_alone_is_too_long_is_not_sent(budget: dict[str, Any]):
    model = Priced([TextDelta("a")])
    _, state = await drive(agent_of(model), begin("word " * 5_000, budget=budget))
    assert model.requests == 0
    error = state.message.metadata["error"]
    assert error["code"] == "budget"
    assert "about 5,0" in error["message"]
    assert state.message.metadata["usage"]["totalTokens"] == 0


async def test_a_request_that_what_is_left_cannot_pay_is_not_sent():
    model = Priced([CALL, used(2_000, 100), Finish("tool-calls")], [TextDelta("a")])
    prompt = "word " * 2_000
    _, state = await drive(agent_of(model), begin(prompt, budget={"tokens": 3_000}))
    assert model.requests == 1
    assert "more than what is left of the budget of 3,000 tokens" in state.message.metadata["error"]["message"]


async def test_what_the_provider_keeps_is_priced_as_such():
    """A long conversation that is cached costs a tenth: its next request is not refused for its full price."""
    first = [CALL, used(2_000, 10, cached_tokens=1_900), Finish("tool-calls")]
    model = Priced(first, [TextDelta("Late."), used(2_100, 10), Finish()])
    _, state = await drive(agent_of(model), begin("word " * 2_000, budget={"usd": 0.03}))
    assert model.requests == 2
    assert state.message.metadata["limit"]["code"] == "budget"


async def test_calls_of_an_answer_that_took_too_much_are_not_run():
    model = Priced([CALL, used(9_000, 100), Finish("tool-calls")])
    chunks, state = await drive(agent_of(model), begin(budget={"tokens": 5_000}))
    assert state.message.metadata["error"]["code"] == "budget"
    assert "tool-output-available" not in kinds(chunks)
    assert [chunk["errorText"] for chunk in chunks if chunk["type"] == "tool-output-error"]


async def test_a_whole_answer_that_took_more_is_kept_and_says_so():
    model = Priced([TextDelta("All of it."), used(9_000, 100), Finish()])
    _, state = await drive(agent_of(model), begin(budget={"tokens": 5_000}))
    assert state.status == "completed"
    limit = state.message.metadata["limit"]
    assert (limit["code"], limit["message"]) == (
        "budget",
        "With this answer the run has taken more than its budget of 5,000 tokens.",
    )


async def test_within_the_budget_nothing_is_said():
    model = Priced([TextDelta("All of it."), used(4_000, 100), Finish()])
    _, state = await drive(agent_of(model), begin(budget={"tokens": 5_000}))
    assert state.status == "completed"
    assert "limit" not in state.message.metadata


def test_a_text_in_pieces_counts_about_as_a_whole():
    text = "Ordnung 17 kommt später: 你好世界, def f(x): return x ** 2\n" * 50
    counter = TokenCounter()
    for start in range(0, len(text), 3):
        counter.add(text[start : start + 3])
    assert counter.tokens == pytest.approx(estimate_tokens(text), rel=0.05)
