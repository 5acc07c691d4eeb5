"""Which rule answers a question. The first that fits does."""

from __future__ import annotations

import re

from . import basics
from .compute import asks_for_figures, compute, counts_rows
from .failures import explain
from .frames import Frame, find_columns, find_frame, groups_in, measures_in
from .looking import columns, namespace, profile, size, thing
from .nulls import nulls
from .plots import plot
from .repairs import fix, summary
from .running import NoResult
from .trends import NEGATIVE, asks_for_trend, negative, trend
from .turn import NotOffered, Turn
from .usertools import call_tool, choose
from .words import content_stems, has, words_of

_ERROR = (
    r"errors?|exception|traceback|stack ?trace|went "
    r"wrong|fail(?:s|ed|ing|ure)?|broken?|bug|crash(?:es|ed)?|/fix|doesn'?t work|not work(?:ing)?"
)
_PLOT = r"plots?|charts?|graphs?|draw|histograms?|scatter(?:plot)?|box ?plots?|visuali[sz]e|bar chart"
_NULLS = r"nulls?|nans?|nas|na values?|missing|empty (?:values?|cells?|rows?)|incomplete|blanks?"
_NAMES = (
    r"variables|namespace|workspace|what (?:do i have|is there|have i)|which (?:data|dataframes?)|list "
    r"(?:my|all|the) (?:data|names)"
)
_PROFILE = (
    r"describe|summar\w+|profile|overview|look at|inspect|explain|tell me "
    r"about|info|schema|columns?|types?|dtypes?|structure|what(?:'s| is| are)|show|understand|explore"
)
_WHO = (
    r"what (?:can|do) you do|what you (?:can|do)|how do you work|who are you|what are you"
    r"|are you (?:an? )?(?:ai|real|human|model)|which model"
)
_CONNECT = (
    r"connect|api ?key|real model|another model|use (?:gpt|claude|ollama|gemini|a "
    r"model)|gpt|claude|ollama|openai|anthropic|gemini|litellm"
)


_KNOWN = words_of(
    """
    describe description summary summarise summarize profile overview look inspect explain info schema column type dtype
    structure understand explore data dataset dataframe table content row first sample quick please statistic stat
    """
)


def answer(turn: Turn) -> str:
    """The answer in Markdown. Raises Need where a tool has to be called first."""
    try:
        return _answer(turn)
    except NoResult as instead:
        return instead.text
    except NotOffered as missing:
        return _without(turn, missing.tool)


def _answer(turn: Turn) -> str:
    text = turn.text
    by_command = {"/fix": fix, "/explain": explain, "/compact": summary}.get(turn.command)
    if by_command is not None:
        return by_command(turn)
    simple = _simple(turn)
    if simple:
        return simple
    if _asks_for_error(turn):
        return explain(turn)
    if not turn.variables:
        own = call_tool(turn)
        if own:
            return own
    if has(text, _NAMES) and not turn.variables and turn.offers("list_variables"):
        return namespace(turn)
    return _about_data(turn)


def _asks_for_error(turn: Turn) -> bool:
    if turn.variables:
        return False
    return has(turn.text, _ERROR) or any(name.lower() == "error" for name in turn.mentions)


def _simple(turn: Turn) -> str:
    """Questions that need no look at the notebook, and code that the user gave; "" for all others."""
    text = turn.text.strip(" .!?")
    source = basics.given_code(turn.question)
    if source:
        return basics.run_given(turn, source)
    total = basics.arithmetic(turn.question)
    if total:
        return total
    if not text or re.fullmatch(r"(?:/?help|how does this work)(?: me| here)?", text):
        return basics.who(turn)
    if has(text, _WHO):
        return basics.who(turn)
    if re.fullmatch(r"(?:hi|hello|hey|good (?:morning|evening|day)|moin|hallo)(?: there| copilot)?", text):
        return basics.hello(turn)
    if re.fullmatch(r"(?:thanks?|thank you|thx|great|perfect|nice)(?: .{0,20})?", text):
        return basics.thanks(turn)
    if has(text, _CONNECT) and not turn.variables and choose(turn) is None:
        return basics.CONNECT
    return ""


def _about_data(turn: Turn) -> str:
    frame = find_frame(turn)
    if frame is None and turn.variables:
        return _other_variable(turn)
    if frame is None:
        return _no_data(turn)
    return _about_frame(turn, frame)


def _about_frame(turn: Turn, frame: Frame) -> str:
    if frame.library != "pandas":
        return (
            f"My rules write pandas code, and `{frame.name}` is a {frame.library} table. I can only describe it; "
            f"for more make a copy: `df = {frame.name}.to_pandas()`.\n\n{profile(frame)}"
        )
    return _about_values(turn, frame) or _about_shape(turn, frame)


def _about_values(turn: Turn, frame: Frame) -> str:
    """Plots, nulls, what changed; "" where none of them is asked for."""
    text = turn.text
    if has(text, _PLOT):
        return plot(turn, frame)
    if has(text, _NULLS):
        return nulls(turn, frame)
    told = negative(turn, frame) if has(text, NEGATIVE) else ""
    if not told and asks_for_trend(text) and (measures_in(frame, text) or has(text, "why|trend")):
        told = trend(turn, frame)
    return told


def _about_shape(turn: Turn, frame: Frame) -> str:
    """Figures, columns, the whole profile, or the honest answer that no rule fits."""
    text = turn.text
    asked_by_name = frame.name in turn.variables or frame.name.lower() in text
    if counts_rows(text) and not groups_in(frame, text):
        return size(frame)
    if asks_for_figures(turn.question, frame) or find_columns(frame, turn.question):
        return compute(turn, frame) or columns(turn, frame)
    rest = content_stems(turn.question) - content_stems(frame.name)
    if asked_by_name and not rest - _KNOWN:
        return profile(frame)
    if asked_by_name and has(text, _PROFILE):
        return f"I have no rule for exactly that. This is what `{frame.name}` holds:\n\n{profile(frame)}"
    if has(text, _PROFILE) and has(text, "data|dataframe|table|columns?|dataset|it|this"):
        return profile(frame)
    return basics.beyond(turn, frame)


def _other_variable(turn: Turn) -> str:
    """Mentioned variables that are no DataFrames; find_frame has looked at each."""
    looked = [exchange for exchange in turn.done if exchange.tool == "inspect_variable"]
    return "\n\n".join(thing(name, exchange) for name, exchange in zip(turn.variables, looked, strict=False))


def _no_data(turn: Turn) -> str:
    if has(turn.text, f"{_PLOT}|{_NULLS}|{_PROFILE}") and has(
        turn.text, "data|dataframe|table|by|mean|column|null|plot"
    ):
        return (
            'There is no DataFrame in this session yet. Load one, for example with `df = pd.read_csv("file.csv")`, '
            "and ask again with its name: `describe @df`."
        )
    return basics.beyond(turn, None)


def _without(turn: Turn, tool: str) -> str:
    """What to say where a tool that a rule needs is not offered."""
    told = [f"**{name}**\n\n{text.strip()}" for name, text in turn.contexts.items() if text.strip()]
    if told:
        return (
            "I have no tool to look any further; this is what came with your question:\n\n" + "\n\n".join(told)[:3000]
        )
    what = {
        "list_variables": "see your variables",
        "inspect_variable": "look at your variables",
        "last_error": "see the last error",
        "run_code": "run code",
    }.get(tool, f"use {tool}")
    return f"I have no tool to {what} here (`{tool}` is not offered). " + basics.what_i_can(turn)


__all__ = ["answer"]
