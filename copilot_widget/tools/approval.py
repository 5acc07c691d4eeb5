"""Who is asked before a call that acts: `Policy` turns the user's `approvals` setting into a decision per call.

A tool whose `approval(input)` is None only reads, and runs under every policy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NoReturn, Union, cast

from ..errors import ToolError, UsageError, one_line
from ..models.base import Json
from ..threads import aside
from ..timing import timeout
from .base import ApprovalRequest, Tool, ToolContext, tool_name
from .jsonable import safe_repr

Rule = Union[Literal["ask", "auto", "never"], Callable[[str, Json], Any]]
"""A function gets the tool's name and input; it returns True or "allow", False or "deny", None or "ask"."""

_RULES = ("ask", "auto", "never")

PATIENCE_SECONDS = 3_600.0
"""For an approvals function, which may ask somebody elsewhere, and at most for what a tool has to say."""

Outcome = Callable[[], Any]
"""Gives what a function has returned, or raises what it has raised."""


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

    def decide(
        self, tool: Tool, input: Json, question: Outcome | None = None, answer: Outcome | None = None
    ) -> Decision:
        """`question` is what the tool wants to ask, `answer` what the approvals function says; what is None is asked
        here and now, which may take its time: see `decided`."""
        try:
            request: ApprovalRequest | ToolError | None = question() if question is not None else tool.approval(input)
        except ToolError as error:  # allowed unasked it may still run: another call may have come before it
            request = error
        except _TooLateError as late:
            return Decision("deny", f"Not allowed: what to ask could not be told, since {tool_name(tool)} {late}.")
        except Exception as error:  # a faulty tool or rule must never allow
            return Decision("deny", f"Not allowed: what to ask could not be told ({one_line(error)}).")
        if request is None or self.rule == "auto":
            return Decision("allow")
        if self.rule == "never":
            return Decision("deny", 'Not allowed: approvals are set to "never".')
        if callable(self.rule):
            return self._by_function(answer or partial(self.rule, tool_name(tool), input), tool, input, request)
        return self._ask(tool_name(tool), input, request)

    def consults(self, question: Outcome) -> bool:
        """Whether a function of the user's decides on a call about which a tool wants to ask this."""
        try:
            request = question()
        except Exception as error:
            request = error if isinstance(error, ToolError) else None
        return callable(self.rule) and request is not None

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

    def _by_function(self, ask: Outcome, tool: Tool, input: Json, request: ApprovalRequest | ToolError) -> Decision:
        try:
            answer = ask()
        except _TooLateError as late:
            return Decision("deny", f"Not allowed: the approvals function {late}.")
        except Exception as error:
            return Decision("deny", f"Not allowed: the approvals function failed with {one_line(error)}.")
        if isinstance(answer, Decision):
            return self._ask(tool_name(tool), input, request) if answer.kind == "ask" else answer
        if answer is True or answer == "allow":
            return Decision("allow")
        if answer is False or answer == "deny":
            return Decision("deny", "Not allowed by the approvals function.")
        if answer is None or answer == "ask":
            return self._ask(tool_name(tool), input, request)
        return Decision("deny", f"Not allowed: the approvals function returned {safe_repr(answer, 80)}.")


async def question_of(tool: Tool, input: Json, context: ToolContext) -> ApprovalRequest | None:
    """What a tool wants to ask about one call; its own code runs beside the loop. Raises what that raises."""
    look: Callable[[Json, ToolContext], Awaitable[ApprovalRequest | None]] | None = getattr(tool, "question", None)
    if look is not None:
        return await look(input, context)
    return cast("ApprovalRequest | None", await aside(partial(tool.approval, input), "approval"))


async def asked_in_time(tool: Tool, input: Json, context: ToolContext) -> Outcome:
    """The same under the call's own limit."""
    return await _outcome(question_of(tool, input, context), min(tool.timeout, PATIENCE_SECONDS))


async def decided(policy: Policy, tool: Tool, input: Json, question: Outcome) -> Decision:
    """What the policy says of one call, about which `question` is what the tool wants to ask.

    A function that decides runs beside the loop, and has an hour for it: what raises or is too late denies.
    """
    if not (callable(policy.rule) and policy.consults(question)):
        return policy.decide(tool, input, question)
    answer = aside(partial(policy.rule, tool_name(tool), input), "approvals")
    return policy.decide(tool, input, question, await _outcome(answer, PATIENCE_SECONDS))


class _TooLateError(Exception):
    """Completes "The function …"."""


async def _outcome(asking: Awaitable[Any], seconds: float) -> Outcome:
    try:
        async with timeout(seconds):
            try:
                value = await asking
            except Exception as error:
                return partial(_raise, error)
    except asyncio.TimeoutError:
        return partial(_raise, _TooLateError(f"gave no answer within {seconds:g} s"))
    return lambda: value


def _raise(error: Exception) -> NoReturn:
    raise error


__all__ = ["Decision", "Outcome", "Policy", "Rule", "asked_in_time", "decided", "question_of"]
