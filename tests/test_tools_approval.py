"""Policies and toolsets."""

from __future__ import annotations

from typing import Any

import pytest

from copilot_widget.errors import UsageError
from copilot_widget.tools.approval import Decision, Policy
from copilot_widget.tools.base import ApprovalRequest, Tool, ToolContext, Toolset
from copilot_widget.tools.function import tool
from copilot_widget.tools.toolset import (
    ApprovedToolset,
    CombinedToolset,
    FilteredToolset,
    PrefixedToolset,
    RenamedToolset,
    SoundToolset,
    StaticToolset,
    toolset,
)


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


class Shop:
    """What decorated methods are tools of."""

    def __init__(self, name: str) -> None:
        self._name = name

    @tool(read_only=True)
    def greet(self, whom: str) -> str:
        "Greet."
        return f"{self._name} greets {whom}"

    @tool(question=lambda given, context: ApprovalRequest(title="close the shop"))
    def close(self) -> None:
        "Close."

    def not_decorated(self) -> None: ...


def test_tools_of_any_kind_are_a_set() -> None:
    given = [plain, look, Shop("Ann's"), PrefixedToolset(Shop("Bob's"), "bob_"), [act]]
    assert set(toolset(given).tools()) == {"plain", "look", "greet", "close", "bob_greet", "bob_close", "act"}
    assert list(toolset(plain).tools()) == ["plain"]
    assert list(toolset(look).tools()) == ["look"]
    assert "self" not in toolset(Shop("")).tools()["greet"].schema.input_schema["properties"]
    with pytest.raises(UsageError, match="neither a tool nor a function"):
        toolset("look")
    with pytest.raises(UsageError, match="Two tools are named plain"):
        toolset([plain, plain])


def test_renamed_tools_are_what_they_were() -> None:
    renamed = RenamedToolset(Shop("Ann's"), {"greet": "hail", "missing": "found"}).tools()
    assert list(renamed) == ["close", "hail"]
    assert renamed["hail"].schema.name == "hail"
    assert renamed["hail"].read_only is True  # type: ignore[attr-defined]
    assert hasattr(PrefixedToolset(Shop(""), "a_").tools()["a_close"], "question")
    with pytest.raises(UsageError, match="Two tools would have one name"):
        RenamedToolset([], {"a": "c", "b": "c"})


async def test_approved_tools_ask_first() -> None:
    approved = ApprovedToolset([plain, look, act]).tools()
    asked = approved["plain"].approval({"n": 1})
    assert asked is not None
    assert (asked.title, asked.code) == ("run plain", "plain(n=1)")
    assert Policy("never").decide(approved["look"], {}).kind == "deny"
    assert approved["act"].approval({}) == act.approval({}), "what a tool asks by itself is still asked"
    large = ApprovedToolset([plain], lambda given: given["n"] > 9 and "count far").tools()["plain"]
    assert large.approval({"n": 9}) is None
    assert large.approval({"n": 10}).title == "count far"  # type: ignore[union-attr]

    @tool(question=lambda given, context: None)
    def silent() -> None:
        "Finds nothing to ask."

    question: Any = ApprovedToolset([silent]).tools()["silent"].question  # type: ignore[attr-defined]
    assert (await question({}, ToolContext(call_id="c", run_id="r"))).title == "run silent"


def test_two_tools_of_one_name_are_refused_also_across_sets() -> None:
    def greet() -> None: ...

    for given in ([greet, Shop("")], [Shop("Ann's"), Shop("Bob's")], [plain, PrefixedToolset([plain], "")]):
        with pytest.raises(UsageError, match=r"Two tools are named (greet|plain)\. Rename one .* PrefixedToolset"):
            toolset(given)
    with pytest.raises(UsageError, match="There is a tool named greet already"):
        RenamedToolset(Shop(""), {"close": "greet"})
    assert set(RenamedToolset(Shop(""), {"close": "greet", "greet": "close"}).tools()) == {"greet", "close"}
    for prefix in ("x" * 70, "my shop."):
        with pytest.raises(UsageError, match="cannot be a tool's name"):
            PrefixedToolset([plain], prefix)


class Opaque:
    """No schema can be made of it."""


def test_one_tool_without_a_schema_takes_none_of_the_others_along() -> None:
    def bad(thing: Opaque) -> None: ...

    def later(thing: Undefined) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    sound = SoundToolset(toolset([plain, bad, later]))
    assert list(sound.tools()) == ["plain"]
    first, second = sound.troubles()
    assert first.startswith("The tool bad is left out: bad cannot be a tool: ")
    assert second.startswith("The tool later is left out: The type hints of later cannot be read: ")


def test_toolsets_refuse_what_cannot_be_told_apart() -> None:
    with pytest.raises(UsageError, match="Two tools are named look"):
        StaticToolset([look, look])
    with pytest.raises(UsageError, match="neither a tool nor a function"):
        StaticToolset([3])  # type: ignore[list-item]
