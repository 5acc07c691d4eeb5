"""The record's place in a notebook: an output of its own, replaced from any thread."""

from __future__ import annotations

import contextvars
import uuid
from collections.abc import Mapping


class RecordDisplay:
    """The record as an output. `show` it, display the live view directly after it, `update` it once a turn."""

    def __init__(self, bundle: Mapping[str, str]) -> None:
        self.display_id = uuid.uuid4().hex
        self._bundle = dict(bundle)
        self._cell = contextvars.copy_context()

    @property
    def bundle(self) -> dict[str, str]:
        """What shows now."""
        return dict(self._bundle)

    def show(self) -> None:
        """Publish it as a new output of the current cell."""
        self._cell = contextvars.copy_context()
        self._publish(update=False)

    def update(self, bundle: Mapping[str, str]) -> None:
        """Replace it, also in what the notebook file will hold, where it differs. Any thread may call this.

        A front end finds the output by its id, whatever cell the message belongs to; nbclient reads only messages of
        the cell that runs now. ipykernel falls back to that one where its ContextVar holds none, as in an empty
        context (7.0 raises LookupError instead: then the message belongs to the record's own cell).
        """
        if bundle == self._bundle:
            return
        self._bundle = dict(bundle)
        try:
            contextvars.Context().run(self._publish, update=True)
        except LookupError:
            self._cell.copy().run(self._publish, update=True)  # a copy: no two threads may enter one context

    def _publish(self, *, update: bool) -> None:
        from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

        display(self._bundle, raw=True, display_id=self.display_id, update=update)
