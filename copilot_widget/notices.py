"""Sentences for whoever looks at a Copilot's views; each is said once, by the view that shows first."""

from __future__ import annotations

from collections.abc import Callable

Listener = Callable[[str], None]


class Notices:
    """From any thread. What is said before anybody listens waits for the first one who does."""

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._listeners: list[Listener] = []

    def say(self, text: str) -> None:
        if not self._listeners:
            self._waiting.append(text)
        for listener in self._listeners[-1:]:  # the latest view is the one that is looked at
            listener(text)

    def keep(self, text: str) -> None:
        """Let it be said by the view that shows the next question."""
        self._waiting.append(text)

    def take(self) -> str | None:
        """What has been said so far, and is now said by who takes it."""
        waiting, self._waiting = self._waiting, []
        return " ".join(waiting) or None

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Returns the function that ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None


__all__ = ["Notices"]
