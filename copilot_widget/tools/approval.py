"""Who is asked before a call that acts: `Policy` turns the user's `approvals` setting into a decision per call.

A tool whose `approval(input)` is None only reads, and runs under every policy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, Union

from ..errors import ToolError, UsageError, one_line
from ..models.base import Json
from .base import ApprovalRequest, Tool, ToolContext, tool_name
from .jsonable import safe_repr

Rule = Union[Literal["ask", "auto", "never"], Callable[[str, Json], Any]]
"""A function gets the tool's name and input; it returns True or "allow", False or "deny", None or "ask"."""

_RULES = ("ask", "auto", "never")

Question = Callable[[], Union[ApprovalRequest, None]]
"""Gives what a tool wants to ask about one call, or raises what it raised when it was asked that."""


@dataclass(frozen=True)
class Decision:
    """`reason` is for the model and the card where a call is denied unasked; `request` is what to ask."""

    kind: Literal["allow", "deny", "ask", "fail"]
    """fail: as things are the call cannot succeed, so nobody is asked; `reason` is its error."""
    reason: str = ""
    request: ApprovalRequest | None = None


class Policy:
    """Decides on each call. `headless`: nobody can answer, so what would be asked is denied, unless `granted` says that
    the user has allowed this call beforehand.

    Raises UsageError for an unknown rule.
    """

    def __init__(
        self, rule: Rule = "ask", *, headless: bool = False, granted: Callable[[str, Json], bool] | None = None
    ) -> None:
        if not callable(rule) and rule not in _RULES:
            raise UsageError(
                f"approvals is {rule!r}.", hint='Use "ask", "auto", "never" or a function of (tool, input).'
            )
        self.rule = rule
        self.headless = headless
        self._granted = granted

    @property
    def can_ask(self) -> bool:
        """True where a person is asked, or may be."""
        return not self.headless and (callable(self.rule) or self.rule == "ask")

    def decide(self, tool: Tool, input: Json, question: Question | None = None) -> Decision:
        """`question` is what `question_of` has found out, where the tool needs time to say what to ask."""
        try:
            request = question() if question is not None else tool.approval(input)
        except ToolError as error:  # allowed unasked it may still run: another call may have come before it
            request = error
        except Exception as error:  # a faulty tool or rule must never allow
            return Decision("deny", f"Not allowed: what to ask could not be told ({one_line(error)}).")
        if request is None or self.rule == "auto":
            return Decision("allow")
        if self.rule == "never":
            return Decision("deny", 'Not allowed: approvals are set to "never".')
        if callable(self.rule):
            return self._by_function(self.rule, tool_name(tool), input, request)
        return self._ask(tool_name(tool), input, request)

    def _ask(self, name: str, input: Json, request: ApprovalRequest | ToolError) -> Decision:
        if self._granted is not None and self._granted(name, input):
            return Decision("allow")
        if isinstance(request, ToolError):
            return Decision("fail", str(request))
        if self.headless:
            return Decision(
                "deny", 'Not allowed: nobody is here to approve it. Start with approvals="auto" to allow it.'
            )
        return Decision("ask", request=request)

    def _by_function(
        self, rule: Callable[[str, Json], Any], name: str, input: Json, request: ApprovalRequest | ToolError
    ) -> Decision:
        try:
            answer = rule(name, input)
        except Exception as error:
            return Decision("deny", f"Not allowed: the approvals function failed with {one_line(error)}.")
        if isinstance(answer, Decision):
            return self._ask(name, input, request) if answer.kind == "ask" else answer
        if answer is True or answer == "allow":
            return Decision("allow")
        if answer is False or answer == "deny":
            return Decision("deny", "Not allowed by the approvals function.")
        if answer is None or answer == "ask":
            return self._ask(name, input, request)
        return Decision("deny", f"Not allowed: the approvals function returned {safe_repr(answer, 80)}.")


async def question_of(tool: Tool, input: Json, context: ToolContext) -> Question | None:
    """What a tool that must look elsewhere first wants to ask; None for one that `decide` may ask itself."""
    look: Callable[[Json, ToolContext], Awaitable[ApprovalRequest | None]] | None = getattr(tool, "question", None)
    if look is None:
        return None
    asked = asyncio.ensure_future(look(input, context))
    await asyncio.wait({asked})
    return asked.result


__all__ = ["Decision", "Policy", "Question", "Rule", "question_of"]
