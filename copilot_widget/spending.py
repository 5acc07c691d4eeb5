"""What a run may still spend: looked at before each request, while its answer comes, and after it."""

from __future__ import annotations

from collections.abc import Callable

from .errors import CopilotError
from .models.base import ModelRequest, ModelUsage
from .models.usage import estimate_prompt
from .state import Budget, Totals
from .turn import ModelTurn

Price = Callable[[ModelUsage], "float | None"]
"""US dollars for these tokens, None where no price is known."""


class Spending:
    """One request's share of a budget. `totals` is what the run has spent before it."""

    def __init__(self, budget: Budget, totals: Totals, price: Price) -> None:
        self._budget = budget
        self._totals = totals
        self._price = price
        self._prompt_tokens = 0

    def refusal(self, request: ModelRequest, model: str) -> CopilotError | None:
        """Why the request cannot be made: the budget is used up, or what is asked alone would exceed it."""
        if self._budget.usd is not None and self._totals.cost is None:
            text = f"The price of {model} is not known, so a budget in US dollars cannot hold."
            return CopilotError(text, hint="Give the budget in tokens.", code="no-price")
        if self._is_over(ModelUsage(), reached=True):
            return self.error()
        self._prompt_tokens = estimate_prompt(request)
        # As much of it will come from the provider's cache as did so far in this run.
        cached = self._prompt_tokens * self._totals.cached_tokens // max(self._totals.prompt_tokens, 1)
        asked = ModelUsage(prompt_tokens=self._prompt_tokens, cached_tokens=cached)
        if not self._is_over(ModelUsage(prompt_tokens=self._prompt_tokens, cost=self._price(asked))):
            return None
        over = "more than what is left of the budget of" if self._totals.total_tokens else "and the budget is"
        return CopilotError(
            f"The next request has about {self._prompt_tokens:,} tokens, {over} {self._budget}.",
            hint="Raise it with --budget, shorten the conversation with /compact or /clear, or mention less.",
            code="budget",
        )

    def is_over(self, turn: ModelTurn) -> bool:
        """Whether the answer, as far as it has come, has exceeded the budget."""
        usage = turn.usage or ModelUsage(estimated=True)
        if usage.estimated:  # it may be older than what has come since
            usage = ModelUsage(
                prompt_tokens=max(usage.prompt_tokens, self._prompt_tokens),
                completion_tokens=max(usage.completion_tokens, turn.streamed_tokens),
                cost=usage.cost,
            )
        return self._is_over(usage)

    def overrun(self, turn: ModelTurn) -> CopilotError | None:
        """What to say where the answer, now that it is complete, has taken more than was left."""
        if not self.is_over(turn):
            return None
        return CopilotError(
            f"With this answer the run has taken more than its budget of {self._budget}.",
            hint="What it asks for next needs a larger one: --budget.",
            code="budget",
        )

    def _is_over(self, usage: ModelUsage, *, reached: bool = False) -> bool:
        """Whether `usage` is more than is left; with `reached` also where nothing is left."""
        if self._budget.tokens is not None:
            spent: float = self._totals.total_tokens + usage.prompt_tokens + usage.completion_tokens
            limit: float = self._budget.tokens
        else:
            spent = (self._totals.cost or 0.0) + (usage.cost or 0.0)
            limit = self._budget.usd or 0.0
        return spent > limit or (reached and spent == limit)

    def error(self) -> CopilotError:
        return CopilotError(
            f"The budget of {self._budget} is used up.",
            hint="Raise it with --budget, or ask for less.",
            code="budget",
        )


__all__ = ["Price", "Spending"]
