"""Where conversations are kept: what the surroundings name, or a file of this user's."""

from __future__ import annotations

import os

from ..config import data_folder, setting
from ..errors import UsageError
from .base import Store
from .memory import MemoryStore

FILE_NAME = "threads.sqlite3"


def open_store(url: str | None = None) -> Store:
    """The store that `url` names, or COPILOT_STORE: a database's URL, or "off" (in memory).

    Where neither does, COPILOT_SERVICE_URL: every call then goes to that service, over HTTP. Else a file in the data
    folder. Nothing is connected to yet: `check` does. Raises UsageError.
    """
    chosen = setting("store", url, env="COPILOT_STORE")
    if chosen == "off":
        return MemoryStore()
    service = os.environ.get("COPILOT_SERVICE_URL")
    if not chosen and service:
        from .remote import RemoteStore

        return RemoteStore(service, os.environ.get("COPILOT_SERVICE_TOKEN", ""))
    try:
        from .sql import SqlStore
    except ImportError:
        raise UsageError(
            "Conversations in a database need SQLAlchemy, which is not installed.",
            hint="pip install sqlalchemy, or set COPILOT_STORE=off.",
            code="missing",
        ) from None
    return SqlStore(chosen or data_folder() / FILE_NAME)


def shared_store() -> Store:
    """Conversations that workers can read, too."""
    store = open_store()
    if isinstance(store, MemoryStore):
        raise UsageError(
            "Conversations are kept in this process only (COPILOT_STORE is off): no other process can answer in them.",
            hint="Set COPILOT_STORE to a database URL, or leave it out; or let runs be executed in the kernel.",
        )
    return store


__all__ = ["FILE_NAME", "open_store", "shared_store"]
