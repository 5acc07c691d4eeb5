"""The whole path through litellm, as its user sees it: servers that no one here wrote, and real inference."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import expect

from tests.model_servers import LlamaServer, llama_server

from .conftest import OpenNotebook
from .scripts import SETUP
from .test_busy_kernel import STOP_SECONDS
from .view import LONG

MODELS = {"openai": "openai/gpt-5.4-mini", "anthropic": "anthropic/claude-sonnet-5-5"}


@pytest.fixture(scope="module")
def llama() -> Iterator[LlamaServer]:
    pytest.importorskip("xllamacpp")
    with llama_server() as server:
        yield server


def copilot(model: str, api_base: str) -> str:
    """The cell that makes the notebook's copilot ask this server."""
    return f"copilot = Copilot({model!r}, api_base={api_base!r}, api_key='unused-here', tools=[lookup, refund])"


@pytest.mark.parametrize("provider", list(MODELS))
def test_from_the_question_to_the_next_question(open_notebook: OpenNotebook, llmock: Any, provider: str) -> None:
    llmock.call_tool("lookup", {"order_id": 17}, text="I will look at the order.")
    llmock.call_tool("refund", {"order_id": 17, "amount": 12.5})
    llmock.reply("All done with the **order**.").reply("This is the second answer.")
    cells = (SETUP, copilot(MODELS[provider], llmock.base_url(provider)), 'copilot.ask("Where is order 17?")', "done")
    notebook = open_notebook(*cells)
    for index in range(3):
        notebook.run(index)
    view = notebook.view(2)
    view.expect_text("I will look at the order.")
    view.expect_state("lookup", "output-available")
    view.expect_state("refund", "approval-requested")
    assert notebook.evaluate(3, "done") == "[('lookup', 17)]"
    view.button("Allow once").click()
    view.expect_state("refund", "output-available")
    view.wait_ended()
    expect(view.log.locator("strong")).to_have_text("order")
    expect(view.usage).to_contain_text(re.compile(r"3 steps · \S+ in.* / \d+ out · ≈ \$0\.\d+"))
    assert notebook.evaluate(3, "done") == "[('lookup', 17), ('refund', 17)]"

    view.ask("And a follow-up")
    view.expect_text("This is the second answer.")
    view.wait_ended(runs=2)
    assert len(llmock.requests) == 4
    assert {request.status for request in llmock.requests} == {200}


def test_a_real_model_answers_is_asked_again_and_is_stopped(open_notebook: OpenNotebook, llama: LlamaServer) -> None:
    notebook = open_notebook(SETUP, copilot("llamacpp/smollm2", llama.base), 'copilot.ask("Say hello.")')
    for index in range(3):
        notebook.run(index)
    view = notebook.view(2)
    expect(view.parts("text").first).not_to_be_empty(timeout=LONG)
    with suppress(PlaywrightTimeout):  # so small a model does not always come to an end by itself
        view.stop.click(timeout=5_000)
    view.wait_ended()
    expect(view.parts("error")).to_have_count(0)
    expect(view.usage).to_contain_text(re.compile(r"\S+ in.* / \d+ out · \$0"))

    view.ask("Tell a story of a thousand words.")
    expect(view.stop).to_be_visible(timeout=LONG)
    expect(view.parts("text").nth(1)).not_to_be_empty(timeout=LONG)
    assert llama.busy
    view.stop.click()
    clicked = time.monotonic()
    while llama.busy:
        assert time.monotonic() < clicked + STOP_SECONDS, "the model was still computing"
    view.wait_ended(runs=2)
    expect(view.usage.nth(1)).to_contain_text("stopped", ignore_case=True)
