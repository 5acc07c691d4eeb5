"""The options of %copilot, and {expressions} in its prompt."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import UsageError
from .expanded import Expanded

VALUES = {
    "--model": "model",
    "-m": "model",
    "--executor": "executor",
    "--approvals": "approvals",
    "--max-steps": "max_steps",
    "--budget": "budget",
    "--thread": "thread",
    "--record": "record",
    "--replay": "replay",
}
FLAGS = {"--wait": "wait", "--new": "new", "--send": "send"}

SUMMARIES = {
    "--model": "provider/model, demo, script:FILE or replay:FILE",
    "--wait": "the cell ends with the answer",
    "--approvals": "what becomes of calls that ask: ask, auto, never",
    "--executor": "where it runs: kernel, process, amqp://…",
    "--max-steps": "model requests at most",
    "--budget": "'0.50 USD' or '20000 tokens'",
    "--thread": "name of the conversation",
    "--new": "in a new conversation",
    "--send": "also within Run All",
    "--record": "file that the answers are added to",
    "--replay": "file that answers in place of a model",
    "-m": "short for --model",
}
CHOICES = {
    "--approvals": {"ask": "the user is asked", "auto": "all are allowed", "never": "all are denied"},
    "--executor": {"kernel": "in this kernel", "process": "in a process that outlives the kernel"},
}
"""The values that an option can have, where they can be listed."""

WORD = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|(\S+))""")


@dataclass
class MagicCall:
    """What one %copilot asks for. `values` holds the options that were given."""

    prompt: str
    values: dict[str, str] = field(default_factory=dict[str, str])
    wait: bool = False
    new: bool = False
    send: bool = False


def parse(line: str) -> MagicCall:
    """Options before the prompt; the first word that is none begins it, and `--` ends the options.

    Raises UsageError for an option that is unknown or lacks its value.
    """
    call = MagicCall(prompt="")
    rest = line.strip()
    while rest.startswith("-"):
        word, after = _next(rest)
        if word == "--":
            rest = after
            break
        name, equals, value = word.partition("=")
        if name in FLAGS and not equals:
            setattr(call, FLAGS[name], True)
        elif name in VALUES:
            if not equals:
                if not after.strip():
                    raise UsageError(f"The option {name} needs a value.", hint=f"For example {_EXAMPLES[VALUES[name]]}")
                value, after = _next(after)
            call.values[VALUES[name]] = value.strip("\"'")
        elif re.match(r"-{1,2}[a-zA-Z]", name):
            raise _unknown(name)
        else:
            break  # a prompt that begins with a dash or a negative number
        rest = after
    call.prompt = rest.strip()
    return call


_EXAMPLES = {
    "model": "--model openai/gpt-5",
    "executor": "--executor process",
    "approvals": "--approvals ask",
    "max_steps": "--max-steps 5",
    "budget": "--budget '0.50 USD'",
    "thread": "--thread analysis",
    "record": "--record lesson.jsonl",
    "replay": "--replay lesson.jsonl",
}


def _next(text: str) -> tuple[str, str]:
    match = WORD.match(text)
    assert match is not None
    word = next(group for group in match.groups() if group is not None)
    return word, text[match.end() :].lstrip()


def _unknown(name: str) -> UsageError:
    known = sorted([*VALUES, *FLAGS])
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"Did you mean {close[0]}? " if close else ""
    hint = f"{meant}The options are {', '.join(known)}; put -- before a prompt that begins with a dash."
    return UsageError(f"%copilot has no option {name}.", hint=hint)


def expand(text: str, namespace: Mapping[str, Any]) -> Expanded:
    """`{expression}` replaced by its value, one by one; a brace that is no expression here stays as typed.

    What it returns knows which of it are values.
    """
    result: list[str] = []
    values: list[tuple[int, int]] = []
    length = position = 0
    while position < len(text):
        start = text.find("{", position)
        if start < 0:
            break
        end = _closing(text, start)
        value = _evaluate(text[start + 1 : end], namespace) if end > 0 else None
        result += (text[position:start], "{" if value is None else value)
        length += len(result[-2]) + len(result[-1])
        if value is not None:
            values.append((length - len(value), length))
        position = start + 1 if value is None else end + 1
    result.append(text[position:])
    return Expanded("".join(result), values)


def _closing(text: str, start: int) -> int:
    """The place of the brace that closes the one at `start`, or -1."""
    depth = 0
    for index in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return index
    return -1


def _evaluate(source: str, namespace: Mapping[str, Any]) -> str | None:
    """The value as text, or None where `source` is not an expression that has one here."""
    if not source.strip():
        return None
    try:
        code = compile(source.strip(), "<prompt>", "eval")
        return str(eval(code, dict(namespace)))  # the user typed it in their own cell
    except Exception:
        return None
