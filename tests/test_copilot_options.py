"""Options of one run, over those of its Copilot."""

from __future__ import annotations

from typing import Any

import pytest

from copilot_widget import Copilot
from copilot_widget.errors import UsageError
from copilot_widget.state import Budget


def made(**options: Any) -> Copilot:
    return Copilot("demo", max_steps=7, budget="500 tokens", approvals="never", **options)


def test_what_is_not_given_is_the_copilots():
    assert made().options() == {"max_steps": 7, "budget": Budget(tokens=500), "approvals": "never"}


def test_what_is_given_goes_first():
    given = made().options(max_steps=1, budget="2 USD", approvals="auto")
    assert given == {"max_steps": 1, "budget": Budget(usd=2), "approvals": "auto"}


def test_an_empty_budget_is_none_for_this_run():
    assert made().options(budget="")["budget"] is None


@pytest.mark.parametrize(
    ("option", "named"), [({"max_steps": 0}, "max_steps is 0"), ({"approvals": ""}, "approvals is ''")]
)
def test_nothing_is_no_default(option: dict[str, Any], named: str):
    copilot = made()
    with pytest.raises(UsageError, match=named):
        copilot.ask("hello", **option)
    assert copilot.runs == []
