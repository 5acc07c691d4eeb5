"""Threads: the conversations that runs belong to. `open.open_store` opens the one that the surroundings name."""

from .base import Store
from .memory import MemoryStore

__all__ = ["MemoryStore", "Store"]
