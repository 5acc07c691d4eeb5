"""Who is asked before a call that acts: `Policy` turns the user's `approvals` setting into a decision per call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Union, cast

from ..errors import UsageError, one_line
from ..models.base import Json

Rule = Union[Literal["ask", "auto", "never"], Callable[[str, Json], Any]]
"""A function gets the tool's name and input; it returns True or "allow", False or "deny", None or "ask"."""

_RULES = ("ask", "auto", "never")


@dataclass(frozen=True)
class Decision:
    """`reason` is for the model and the card where a call is denied without asking."""

    kind: Literal["allow", "deny", "ask"]
    reason: str = ""


class Policy:
    """Decides on calls whose tool wants approval; calls that only read never get here.

    `headless`: nobody can answer, so what would be asked is denied. Raises UsageError for an unknown rule.
    """

    def __init__(self, rule: Rule = "ask", *, headless: bool = False) -> None:
        if not callable(rule) and rule not in _RULES:
            raise UsageError(f"approvals is {rule!r}.", hint='Use "ask", "auto", "never" or a function of (tool, input).')
        self.rule = rule
        self.headless = headless

    def decide(self, tool: str, input: Json) -> Decision:
        if callable(self.rule):
            return self._by_function(self.rule, tool, input)
        if self.rule == "auto":
            return Decision("allow")
        if self.rule == "never":
            return Decision("deny", 'Not allowed: approvals are set to "never".')
        return self._ask()

    def _ask(self) -> Decision:
        if self.headless:
            return Decision("deny", 'Not allowed: nobody is here to approve it. Start with approvals="auto" to allow it.')
        return Decision("ask")

    def _by_function(self, rule: Callable[[str, Json], Any], tool: str, input: Json) -> Decision:
        try:
            answer = rule(tool, input)
        except Exception as error:  # a faulty rule must never allow
            return Decision("deny", f"Not allowed: the approvals function failed with {one_line(error)}.")
        if isinstance(answer, Decision):
            return self._ask() if answer.kind == "ask" else answer
        if answer is True or answer == "allow":
            return Decision("allow")
        if answer is False or answer == "deny":
            return Decision("deny", "Not allowed by the approvals function.")
        if answer is None or answer == "ask":
            return self._ask()
        return Decision("deny", f"Not allowed: the approvals function returned {cast('Any', answer)!r}.")


__all__ = ["Decision", "Policy", "Rule"]
