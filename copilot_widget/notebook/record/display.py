"""The record's place in a notebook: an output of its own, replaced from any thread."""

from __future__ import annotations

import contextvars
import uuid
from collections.abc import Mapping


class RecordDisplay:
    """The record as an output. `show` it, display the live view directly after it, `update` it once a turn.

    Make it in the cell that it belongs to: ipykernel finds that cell's message in a ContextVar, and publishing
    from a thread that has none raises LookupError (7.0) or lands in another cell. So the context is kept.
    """

    def __init__(self, bundle: Mapping[str, str]) -> None:
        self.display_id = uuid.uuid4().hex
        self._bundle = dict(bundle)
        self._context = contextvars.copy_context()

    @property
    def bundle(self) -> dict[str, str]:
        """What shows now."""
        return dict(self._bundle)

    def show(self) -> None:
        """Publish it as a new output of the current cell."""
        self._publish(update=False)

    def update(self, bundle: Mapping[str, str]) -> None:
        """Replace it, also in what the notebook file will hold. Any thread may call this."""
        self._bundle = dict(bundle)
        self._publish(update=True)

    def _publish(self, *, update: bool) -> None:
        from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

        def publish() -> None:
            display(self._bundle, raw=True, display_id=self.display_id, update=update)

        self._context.copy().run(publish)  # a copy: a context cannot be entered by two threads at once
