"""Errors a user can act on.

    CopilotError            code, message, hint
    ├── UsageError          the call was wrong: an option, a name, a value       (also a ValueError)
    ├── ModelError          the model could not answer; `retryable`, `retry_after`
    ├── ProtocolError       a stream or a chunk breaks the wire's rules          (also a ValueError)
    ├── ToolError           raise it in a tool: the model reads its message as the tool's result
    ├── LogError            an event log refused: expired, gapped, stale writer
    └── StoreError          the store of conversations could not be read or written

`code` is a stable, machine-readable word; `message` says what happened and why in one sentence; `hint` says what
to do next. None of the three may hold a key: whoever builds one from foreign text passes it through `redact`.
"""

from __future__ import annotations

import re


class CopilotError(Exception):
    """What happened (`message`), for programs (`code`), and what to do next (`hint`, may be empty)."""

    code: str = "error"

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def told(self) -> dict[str, str]:
        """As views, clients and recordings are told of it."""
        return {"code": self.code, "message": self.message, "hint": self.hint}

    def _render_traceback_(self) -> list[str]:
        """IPython's hook: a user's mistake is a sentence below the cell, not a traceback.

        IPython prints what this returns; an error raised inside our own code still has its full
        traceback in `sys.last_exc` and under `%tb`.
        """
        lines = [f"{type(self).__name__}: {self.message}"]
        if self.hint:
            lines.append(self.hint)
        return lines


class UsageError(CopilotError, ValueError):
    """The call was wrong; nothing was started, nothing is lost."""

    code = "usage"


class ModelError(CopilotError):
    """The model could not answer.

    `code` is one of: auth, not-found, permission, rate-limit, context-overflow, timeout, connection,
    unavailable, bad-request, interrupted (the stream broke in the middle), content-filter, no-price, unknown.
    `retryable` is true where the same request may succeed later; `retry_after` is in seconds.
    """

    code = "unknown"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        code: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.retryable = retryable
        self.retry_after = retry_after


class ProtocolError(CopilotError, ValueError):
    """A chunk or a stream breaks the rules of the wire. `index` is the chunk's place (0-based), if known."""

    code = "protocol"

    def __init__(self, message: str, *, hint: str = "", index: int | None = None) -> None:
        super().__init__(message if index is None else f"chunk {index}: {message}", hint=hint)
        self.reason = message
        self.index = index


class ToolError(CopilotError):
    """Raise it in a tool to tell the model, in words, what went wrong; the run goes on."""

    code = "tool"


class LogError(CopilotError):
    """An event log, or the bell beside it, refused; `runs/base.py` lists the codes."""

    code = "log"


class StoreError(CopilotError):
    """The store of conversations could not be read or written."""

    code = "store"


_SECRETS = re.compile(
    # The usual providers' key shapes; never the middle or the whole of a word ("sklearn_linear_model").
    r"(?<![A-Za-z0-9])(?:sk|gsk|xai|ghp|gho|github_pat)[-_][A-Za-z0-9_\-*]{12,}"
    r"|(?<![A-Za-z0-9])(?:pk|rk|key|hf)[-_](?=[A-Za-z_\-]{0,100}[0-9*])[A-Za-z0-9_\-*]{12,}"
    r"|(?<![A-Za-z0-9])(?:AIza[A-Za-z0-9_\-]{20,}|AKIA[A-Z0-9]{12,})"
    r"|(?i:bearer\s+)[A-Za-z0-9._\-]{12,}"
    r"|(?i:(?:api[-_ ]?key|token|secret|password)['\"]?\s*[:=]\s*['\"]?)[^\s'\",;)]{6,}"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # user:password in a URL
)


def redact(text: str, *known: str | None) -> str:
    """`text` without anything that looks like a key, and without the `known` secrets themselves.

    It takes about 0.3 µs a character, in which no other thread runs: who shows but a part of a long text cuts it first.
    """
    for secret in known:
        if secret and len(secret) >= 4:
            text = text.replace(secret, "…")
    return _SECRETS.sub("…", text)


_READ = 20_000
"""Characters of an exception's message that are looked at: a server may write megabytes into one."""


def one_line(error: BaseException, *, limit: int = 300) -> str:
    """`Type: message` of any exception on one line, redacted and cut; for texts that reach a user or a model."""
    try:
        message = str(error)
    except Exception:  # an exception whose __str__ raises must not hide the first one
        message = "(its message could not be read)"
    text = " ".join(message[:_READ].split())
    name = type(error).__name__
    text = redact(f"{name}: {text}" if text else name)
    return text if len(text) <= limit else text[: limit - 1] + "…"


__all__ = [
    "CopilotError",
    "LogError",
    "ModelError",
    "ProtocolError",
    "StoreError",
    "ToolError",
    "UsageError",
    "one_line",
    "redact",
]
