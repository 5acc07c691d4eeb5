"""The errors of logs, worded once for every implementation."""

from __future__ import annotations

from ..errors import LogError
from ..state import Approval, Reply, RunRequest, json_of
from .base import MAX_REQUEST_BYTES, RunId


def unknown(run: RunId) -> LogError:
    return LogError(f"There is no run {run!r}.", code="unknown-run")


def expired(run: RunId) -> LogError:
    hint = "Its answer is in the conversation, where that is kept."
    return LogError(f"The log of run {run!r} has expired.", hint=hint, code="expired")


def stale(run: RunId) -> LogError:
    return LogError(f"Another writer has taken over run {run!r}.", code="stale")


def ended(run: RunId) -> LogError:
    return LogError(f"Run {run!r} has ended; nothing may follow.", code="ended")


def gap(run: RunId, last: int, first_seq: int) -> LogError:
    return LogError(f"Events {last + 1} to {first_seq - 1} of run {run!r} are missing.", code="gap")


def other_call() -> LogError:
    return LogError(
        "This answer is to another call than the one that is asked about. It does not count, and nothing was allowed.",
        hint="Look at the question again, and answer what it shows.",
        code="other-call",
    )


def shown_to(reply: Reply) -> str | None:
    """The digest of the call that whoever replies was shown; None where it does not say."""
    return reply.digest if isinstance(reply, Approval) else None


def check_size(request: RunRequest, limit: int = MAX_REQUEST_BYTES) -> str:
    """The request as JSON. Raises LogError too-large."""
    text = json_of(request)
    size = len(text.encode())
    if size > limit:
        raise LogError(
            f"The question with its attachments has {size / 1e6:.1f} MB; at most {limit / 1e6:g} MB go to a worker.",
            hint="Attach less, or smaller pictures.",
            code="too-large",
        )
    return text
