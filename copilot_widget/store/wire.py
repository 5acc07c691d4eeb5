"""What the service that keeps conversations, and who calls it, must agree on.

`POST /service/threads/{messages,last,put,truncate,clear,label,conversations,check}` with `{version, owner, thread, …}`
is answered by `{version, messages?, last?, conversations?}`, or by `{error: {code, message, hint}}` and a status that
is not 200.
"""

from __future__ import annotations

VERSION = 1
"""Raised when another version could misread it."""
PATH = "/service/threads"

CODES = {"unavailable": 503, "credentials": 503, "version": 409, "too-large": 413, "store": 500}
"""Of a StoreError, with the HTTP status that it travels with."""

__all__ = ["CODES", "PATH", "VERSION"]
