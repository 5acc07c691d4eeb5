"""Whose conversations and runs this process's are."""

from __future__ import annotations

import os

from ..config import setting
from ..state import LOCAL


def person() -> str:
    """Who works here, where several people share what keeps conversations, or workers."""
    return os.environ.get("COPILOT_OWNER") or os.environ.get("JUPYTERHUB_USER") or LOCAL


def is_shared(url: str | None = None) -> bool:
    """Whether the store that `url` names, or else the surroundings (see `open_store`), may be several people's."""
    chosen = setting("store", url, env="COPILOT_STORE") or ""
    return not chosen.startswith("sqlite:") if chosen else bool(os.environ.get("COPILOT_SERVICE_URL"))


def owner_in(url: str | None = None) -> str:
    """The owner of what this process keeps in that store, wherever its runs are executed: a conversation is one, in
    the kernel and on workers. In a file of one's own it is always the same one, but workers tell their people apart.
    """
    return person() if is_shared(url) or setting("redis", env="COPILOT_REDIS") else LOCAL


__all__ = ["is_shared", "owner_in", "person"]
