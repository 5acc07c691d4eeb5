"""What needs no tool, or only the user's own words: help, small talk, sums, code that the user wrote."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

from .frames import Frame
from .running import run
from .tables import code, number
from .turn import Turn
from .usertools import own_tools
from .words import has, words_of

CONNECT = """\
To connect a real model, name one as provider/model:

| you have | then |
|---|---|
| an OpenAI key | set `OPENAI_API_KEY`, then `%copilot --model openai/gpt-5.6-terra …` |
| an Anthropic key | set `ANTHROPIC_API_KEY`, then `%copilot --model anthropic/claude-sonnet-5-5 …` |
| a Gemini key | set `GEMINI_API_KEY`, then `%copilot --model gemini/gemini-flash-latest …` |
| Ollama on this machine | no key: `%copilot --model ollama/llama3.2 …` |
| another server | `Copilot(model="openai/NAME", api_base="http://…/v1")` |

Set keys outside the notebook, so that they are not saved with it, or in a cell without showing them: \
`import os, getpass; os.environ["OPENAI_API_KEY"] = getpass.getpass()`. With `COPILOT_MODEL` the \
choice holds for all notebooks."""

_MAX_DIGITS = 300


def who(turn: Turn) -> str:
    return "I am the demo model of this copilot: **rules, no AI**. " + what_i_can(turn) + "\n\n" + CONNECT


def hello(turn: Turn) -> str:
    return "Hello! I am a demo: rules, no AI. " + what_i_can(turn)


def thanks(turn: Turn) -> str:
    return "You are welcome."


def what_i_can(turn: Turn, frame: Frame | None = None) -> str:
    """The list of abilities that the offered tools allow, with the names of the user's own data where known."""
    name = frame.name if frame is not None else "df"
    measure = next((column for column in frame.columns if column.measure), None) if frame is not None else None
    group = next(iter(frame.groups), None) if frame is not None else None
    quantity, kind = (measure.label if measure else "price"), (group.label if group else "region")
    items: list[str] = []
    if turn.offers("inspect_variable"):
        items.append(
            f"describe your data: `describe @{name}`, `why are there nulls in @{name}?`, `what variables do I have?`"
        )
    if turn.offers("last_error"):
        items.append("explain the last error: `explain the error`")
    if turn.offers("run_code"):
        items.append(f"plot, once you allow the code: `plot {quantity} by {kind} in @{name}`")
        items.append(f"compute, once you allow the code: `mean {quantity} by {kind} in @{name}`, `outliers in @{name}`")
    tools = own_tools(turn)
    if tools:
        named = ", ".join(f"`{tool.name}`" for tool in tools[:6])
        items.append(f"call your own {'tool' if len(tools) == 1 else 'tools'} {named}, with values from your question")
    if not items:
        return "There are no notebook tools here, so I can only do sums and say how to connect a model."
    return "What I can do here:\n\n" + "\n".join(f"- {item}" for item in items)


def beyond(turn: Turn, frame: Frame | None) -> str:
    """The honest answer to everything else."""
    return (
        "I am a demo (rules, no AI), and no rule of mine fits that question. "
        + what_i_can(turn, frame)
        + "\n\nFor everything else connect a model; ask me “how do I connect a model?”."
    )


# ---- sums ------------------------------------------------------------------------------------------------

_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
    ast.Pow: lambda a, b: a**b,
}
_SUM_WORDS = words_of(
    """
    what is s the how much calculate compute result of please equal equals whats eval
    """
)
_SUM = re.compile(r"[\d\s.()+\-*/%^×÷]+")


def arithmetic(question: str) -> str:
    """The answer to "what is 17 * 23?", "" where the question is no sum."""
    candidates = [match.group().strip() for match in _SUM.finditer(question)]
    text = max(candidates, key=len, default="")
    rest = question.replace(text, "", 1) if text else question
    if not re.search(r"\d\s*[-+*/%^×÷]+\s*[\d(]", text) or re.search(r"[A-Za-z_]{3,}\s*[\[(.]", rest):
        return ""
    if not set(re.findall(r"[a-z]+", rest.lower())) <= _SUM_WORDS:
        return ""
    expression = text.replace("×", "*").replace("÷", "/").replace("^", "**")
    try:
        value = _evaluate(ast.parse(expression, mode="eval").body)
    except ZeroDivisionError:
        return f"`{text}` divides by zero, so it has no value."
    except (SyntaxError, ValueError, OverflowError, RecursionError):
        return ""
    return f"{text} = **{number(value) if isinstance(value, float) else f'{value:,}'}**"


def _evaluate(node: ast.AST) -> int | float:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        value = _evaluate(node.operand)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _evaluate(node.left), _evaluate(node.right)
        if isinstance(node.op, ast.Pow) and (abs(right) > 1000 or len(str(left)) * abs(right) > _MAX_DIGITS):
            raise ValueError("too large")
        return _OPERATORS[type(node.op)](left, right)
    raise ValueError("no sum")


# ---- the user's own code -----------------------------------------------------------------------------------

_FENCE = re.compile(r"```(?:python|py)?[^\S\n]*\n(.*?)```", re.DOTALL)


def given_code(question: str) -> str:
    """Code that the user wants to have run: in a fence or in backticks, after "run" or "execute"."""
    if not has(question, "run|execute|try|evaluate|eval"):
        return ""
    fence = _FENCE.search(question)
    if fence:
        return fence[1].rstrip()
    ticks = re.search(r"`([^`\n]+)`", question)
    if ticks:
        return ticks[1]
    plain = re.match(r"\s*(?:please\s+)?(?:run|execute|eval(?:uate)?)(?:\s*:)?\s+(.+)$", question, re.IGNORECASE)
    return plain[1] if plain and _is_code(plain[1]) else ""


def _is_code(text: str) -> bool:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return not (len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr) and isinstance(tree.body[0].value, ast.Name))


def run_given(turn: Turn, source: str) -> str:
    output = run(turn, source, "I run your code.", reads=False)
    shown = [output.stdout.strip(), "" if output.result is None else str(output.result)]
    text = "\n".join(part for part in shown if part)
    return f"It ran:\n\n{code(text[:3000], 'text')}" if text else "It ran, and printed nothing."


__all__ = ["CONNECT", "arithmetic", "beyond", "given_code", "hello", "run_given", "thanks", "what_i_can", "who"]
