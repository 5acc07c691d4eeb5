"""Policies and toolsets."""

from __future__ import annotations

from typing import Any

import pytest

from copilot_widget.errors import UsageError
from copilot_widget.tools.approval import Decision, Policy
from copilot_widget.tools.base import Tool, Toolset
from copilot_widget.tools.function import tool
from copilot_widget.tools.toolset import CombinedToolset, FilteredToolset, PrefixedToolset, StaticToolset


@tool
def look() -> str:
    return "seen"


@tool(approval=True)
def act(n: int = 1) -> int:
    return n


@pytest.mark.parametrize(
    ("rule", "headless", "kind"),
    [
        ("ask", False, "ask"),
        ("ask", True, "deny"),
        ("auto", True, "allow"),
        ("never", False, "deny"),
        (lambda name, given: given["n"] < 3, False, "allow"),
        (lambda name, given: False, False, "deny"),
        (lambda name, given: None, False, "ask"),
        (lambda name, given: None, True, "deny"),
        (lambda name, given: "allow", False, "allow"),
        (lambda name, given: name == "act", False, "allow"),
        (lambda name, given: 1 / 0, False, "deny"),
        (lambda name, given: "yes", False, "deny"),
        (lambda name, given: 1, False, "deny"),
        (lambda name, given: Decision("deny", "mine"), False, "deny"),
    ],
)
def test_rules(rule: Any, headless: bool, kind: str) -> None:
    decision = Policy(rule, headless=headless).decide(act, {"n": 1})
    assert decision.kind == kind
    assert bool(decision.reason) == (kind == "deny")
    assert (decision.request is not None) == (kind == "ask")


@pytest.mark.parametrize("rule", ["ask", "auto", "never"])
def test_a_tool_that_only_reads_is_free(rule: Any) -> None:
    assert Policy(rule, headless=True).decide(look, {}).kind == "allow"


def test_a_headless_denial_says_what_to_do() -> None:
    assert 'approvals="auto"' in Policy("ask", headless=True).decide(act, {}).reason


def test_a_faulty_approval_never_allows() -> None:
    faulty = tool(name="faulty", approval=lambda given: bool(1 / 0))(lambda: 1)
    assert Policy("auto").decide(faulty, {}).kind == "deny"


def test_unknown_rules_are_refused() -> None:
    with pytest.raises(UsageError, match="approvals is 'always'"):
        Policy("always")  # type: ignore[arg-type]


def plain(n: int) -> int:
    "Plain."
    return n


def test_toolsets() -> None:
    static = StaticToolset([look, plain])
    assert isinstance(static, Toolset)
    assert list(static.tools()) == ["look", "plain"]
    assert static.tools()["plain"].schema.description == "Plain."
    other = StaticToolset([tool(name="look", title="Other")(lambda: 1), act])
    both = CombinedToolset(static, other)
    assert set(both.tools()) == {"look", "plain", "act"}
    assert both.tools()["look"] is look
    assert list(FilteredToolset(static, lambda name: name != "look").tools()) == ["plain"]
    prefixed = PrefixedToolset(static, "my_").tools()
    assert list(prefixed) == ["my_look", "my_plain"]
    assert prefixed["my_plain"].schema.name == "my_plain"
    assert prefixed["my_plain"].parse('{"n": 1}') == {"n": 1}
    assert isinstance(prefixed["my_plain"], Tool)


def test_toolsets_refuse_what_cannot_be_told_apart() -> None:
    with pytest.raises(UsageError, match="Two tools are named look"):
        StaticToolset([look, look])
    with pytest.raises(UsageError, match="neither a tool nor a function"):
        StaticToolset([3])  # type: ignore[list-item]
