"""What the log in Redis and the bell in RabbitMQ say alike of a server that they cannot use."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from ..errors import CopilotError, LogError, one_line, redact


def missing(library: str) -> CopilotError:
    return CopilotError(
        f"Runs on workers need {library}, which is not installed.",
        hint="pip install 'copilot-widget[executor]'",
        code="missing",
    )


def bare(url: str) -> str:
    """The address without user, password and options."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def unavailable(server: str, url: str, error: BaseException | str) -> LogError:
    return LogError(
        f"{server} at {bare(url)} cannot be used now: {_reason(url, error)}.",
        hint=f"See that {server} runs and can be reached from here.",
        code="unavailable",
    )


def forbidden(server: str, url: str, error: BaseException | str) -> LogError:
    return LogError(
        f"{server} at {bare(url)} refuses this user: {_reason(url, error)}.",
        hint="Check the user, the password and what that user may do.",
        code="credentials",
    )


def _reason(url: str, error: BaseException | str) -> str:
    text = error if isinstance(error, str) else one_line(error)
    return redact(text, urlsplit(url).password).rstrip(".")


__all__ = ["bare", "forbidden", "missing", "unavailable"]
