"""Which models a client of `serve` may name."""

from __future__ import annotations

from typing import Any

import pytest

from copilot_widget import Copilot
from copilot_widget.errors import UsageError
from copilot_widget.serving.models import check_model


def _function(_request: Any) -> Any:
    return "hi"


@pytest.mark.parametrize(
    ("own", "named"),
    [
        ("anthropic/claude-sonnet-5-5", "anthropic/claude-haiku-4-5"),
        ("anthropic/claude-sonnet-5-5", "anthropic:claude-haiku-4-5"),
        ("claude-sonnet-5-5", "anthropic/claude-haiku-4-5"),
        ("anthropic/claude-sonnet-5-5", "groq/llama-3.3-70b"),
        ("anthropic/claude-sonnet-5-5", "openai/gpt-5"),
        ("anthropic/claude-sonnet-5-5", "demo"),
        (None, "demo"),
        (None, "openai/gpt-5"),
        (_function, ""),
    ],
)
def test_those_of_the_apps_provider_and_those_that_are_listed_may_be(own: Any, named: str) -> None:
    assert check_model(named, Copilot(model=own, root=False), ("groq/*", "openai/gpt-5")) == named


@pytest.mark.parametrize(
    ("own", "named"),
    [
        ("anthropic/claude-sonnet-5-5", "lm_studio/x"),
        ("anthropic/claude-sonnet-5-5", "openai/gpt-5"),
        ("demo", "openai/gpt-5"),
        (None, "openai/gpt-5"),
        (_function, "openai/gpt-5"),
        ("anthropic/claude-sonnet-5-5", "anthropic/http://127.0.0.1/"),
        ("oobabooga/x", "oobabooga/https:evil"),
        ("anthropic/claude-sonnet-5-5", "nonsense"),
    ],
)
def test_others_may_not(own: Any, named: str) -> None:
    with pytest.raises(UsageError):
        check_model(named, Copilot(model=own, root=False))


def test_with_a_server_of_ones_own_its_models_go_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPILOT_API_BASE", "http://house/v1")
    assert check_model("house-model", Copilot(root=False)) == "house-model"
    with pytest.raises(UsageError):
        check_model("groq/llama-3.3-70b", Copilot(root=False))
