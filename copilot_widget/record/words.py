"""States, durations, tokens and prices in words, as the record says them; numbers as in js/src/format.ts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .wire import mapping, number

_STATES = {
    "input-streaming": "arguments incomplete",
    "input-available": "no result",
    "approval-requested": "approval not answered",
    "output-available": "done",
    "output-error": "failed",
    "output-denied": "denied",
}

NOTHING = "No messages yet."

_STATUSES = {
    "queued": "Waiting for its turn when saved.",
    "running": "Still running when saved.",
    "waiting": "Waiting for the user's answer when saved.",
    "failed": "The run failed.",
    "stopped": "Stopped by the user.",
    "interrupted": "Interrupted: the kernel ended before the answer was complete.",
}


def call_state(state: str, *, preliminary: bool, approval: Mapping[str, Any]) -> str:
    """A tool call's state in words."""
    if state == "approval-responded":
        return "allowed, no result" if approval.get("approved") else "denied"
    if state == "output-available" and preliminary:
        return "first results"
    return _STATES.get(state, state or "no result")


def status_line(status: str, metadata: Mapping[str, Any]) -> str:
    """What to say about a turn that did not simply complete, or met a limit of its run; empty for one that did."""
    limit = mapping(metadata.get("limit"))
    return _STATUSES.get(status, "") or f"{limit.get('message') or ''} {limit.get('hint') or ''}".strip()


def left_out(turns: int) -> str:
    """What stands above a record of the end of a conversation."""
    what = "1 earlier turn is" if turns == 1 else f"{turns:,} earlier turns are"
    return f"{what} not in this record. /export writes the whole conversation to a file."


def seconds_of(part: Mapping[str, Any]) -> float | None:
    """How long a part took, in seconds, where its metadata carries `durationMs`."""
    for metadata in (part.get("toolMetadata"), mapping(part.get("providerMetadata")).get("copilot")):
        milliseconds = number(mapping(metadata).get("durationMs"))
        if milliseconds is not None:
            return milliseconds / 1000
    return None


def duration(seconds: float | None) -> str:
    """`12 ms`, `0.4 s`, `12.3 s`, `2 min 5 s`, `1 h 2 min`; empty for None."""
    if seconds is None or seconds < 0:
        return ""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def thought(seconds: float | None) -> str:
    """`Thought for 4 s`, to the second as a live view says it; `Thought` where nobody knows for how long."""
    if seconds is None or seconds < 0:
        return "Thought"
    whole = max(1, round(seconds))
    return f"Thought for {f'{whole} s' if whole < 60 else duration(whole)}"


def count(tokens: float) -> str:
    """`950`, `1.2k`, `45.2k`, `1.3M`: three digits are enough to judge a cost."""
    if tokens < 1000:
        return f"{tokens:.0f}"
    scaled, unit = (tokens / 1000, "k") if tokens < 999_500 else (tokens / 1e6, "M")
    return f"{scaled:.{1 if scaled < 99.95 else 0}f}".removesuffix(".0") + unit


def dollars(cost: float) -> str:
    """`≈ $0.08`, as the widget says it; two digits that say something also where it is a fraction of a cent."""
    if cost == 0:
        return "$0"
    if cost < 0.000_1:
        return "< $0.0001"
    return f"≈ ${cost:.2f}" if cost >= 0.01 else f"≈ ${cost:.2g}"


def footer(metadata: Mapping[str, Any], model: str = "") -> str:
    """`model · 12.3 s · 3 steps · 45.2k in (38k cached) / 1.2k out · ≈ $0.08`, with only what is known.

    A price is spoken of only where tokens were counted: "price unknown" says nothing about a run that sent none.
    """
    name, badge = str(metadata.get("model") or model or ""), str(metadata.get("badge") or "")
    words = [badge] if badge.startswith(f"{name}:") else [name, badge]
    milliseconds = number(metadata.get("durationMs"))
    if milliseconds is not None:
        words.append(duration(milliseconds / 1000))
    steps = number(metadata.get("steps"))
    if steps:
        words.append("1 step" if steps == 1 else f"{steps:.0f} steps")
    usage = mapping(metadata.get("usage"))
    cost = number(metadata.get("cost"))
    if usage:
        words.append(_tokens(usage))
        if cost is None and words[-1]:
            words.append("price unknown")
    if cost is not None:
        words.append(dollars(cost))
    return " · ".join(word for word in words if word)


def _tokens(usage: Mapping[str, Any]) -> str:
    prompt, completion = number(usage.get("promptTokens")), number(usage.get("completionTokens"))
    if prompt is None and completion is None:
        total = number(usage.get("totalTokens"))
        return "" if total is None else f"{count(total)} tokens"
    cached = number(usage.get("cachedTokens"))
    inside = f" ({count(cached)} cached)" if cached else ""
    return f"{count(prompt or 0)} in{inside} / {count(completion or 0)} out"
