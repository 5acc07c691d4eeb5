"""What the first question needs, imported while its user types it.

It is half a second of imports (pydantic's models, ipywidgets, the agent), which %load_ext must not cost and the first
%copilot should not. A daemon thread does it between cells: Python runs one thread at a time, so beside a cell it would
take the cell's time. The models' library is not among it: seconds, and memory, for who may use another model.
"""

from __future__ import annotations

import atexit
import threading
import time
from importlib import import_module
from typing import Any

from ..config import setting

MODULES = (
    *("pydantic", "pydantic_core.core_schema", "pydantic.types", "pydantic.main", "pydantic.json_schema"),
    *("copilot_widget.protocol.chunks", "copilot_widget.protocol.messages", "copilot_widget.protocol.wire"),
    *("copilot_widget.state", "copilot_widget.tools.toolset", "copilot_widget.agent", "copilot_widget.copilot"),
    *("psygnal", "ipywidgets", "anywidget", "copilot_widget.protocol.commands", "copilot_widget.notebook.widget"),
    *("markdown_it", "copilot_widget.record", "copilot_widget.record.html"),
    *("copilot_widget.record.markdown", "copilot_widget.record.plain"),
    *("concurrent.futures.thread", "copilot_widget.notebook.kept", "copilot_widget.notebook.display"),
    *("copilot_widget.notebook.host", "copilot_widget.notebook.tools", "copilot_widget.notebook.context"),
    "copilot_widget.tools.files",
    *("copilot_widget.models.demo.frames", "copilot_widget.models.demo"),
)
"""In pieces, the ones below first: a cell that starts has to wait for one of them at most."""

KEEPING = ("sqlalchemy", "copilot_widget.store.sql")
"""What a conversation that is kept in a file needs; after all else, since no answer waits for it."""

_PAUSE = 0.03
"""Seconds after a cell in which the next one of Run All has started."""
_PATIENCE = 0.1
"""Seconds that a cell waits for the module in hand. It would not run sooner beside it; and packages whose modules
import each other must not be imported from two ends at once: each thread would see the other's half-made ones."""


class Warmer:
    """Imports `MODULES` in a thread, from the end of the current cell on and only while no cell runs."""

    def __init__(self) -> None:
        self._idle = threading.Event()
        self._importing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ended = False

    def pre_run_cell(self, _info: Any) -> None:
        """A cell starts."""
        self._idle.clear()
        if self._importing.acquire(timeout=_PATIENCE):
            self._importing.release()

    def post_run_cell(self, _result: Any) -> None:
        """A cell has ended."""
        self._idle.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="copilot-warmer", daemon=True)
            self._thread.start()
            atexit.register(self._end, self._thread)

    def _run(self) -> None:
        time.sleep(_PAUSE)
        off = setting("store", env="COPILOT_STORE") == "off"
        for name in MODULES if off else (*MODULES, *KEEPING):
            while not self._take():
                self._idle.wait()
                time.sleep(_PAUSE)
            try:
                if self._ended:
                    return
                import_module(name)
            except Exception:
                return  # the question meets the same, and says it to its user
            finally:
                self._importing.release()

    def _take(self) -> bool:
        """Begin with a module, unless a cell runs."""
        self._importing.acquire()
        if self._ended or self._idle.is_set():
            return True
        self._importing.release()
        return False

    def _end(self, thread: threading.Thread) -> None:
        """At the interpreter's exit: a thread that is cut off within compiled code can abort the process."""
        self._ended = True
        self._idle.set()
        thread.join(1)


_warmer: Warmer | None = None


def warm(shell: Any) -> None:
    """Begin when the cell has ended. Once a process, and in kernels only: a terminal shows no widgets."""
    global _warmer
    if _warmer is None and getattr(shell, "kernel", None) is not None:
        _warmer = Warmer()
        shell.events.register("pre_run_cell", _warmer.pre_run_cell)
        shell.events.register("post_run_cell", _warmer.post_run_cell)


__all__ = ["MODULES", "warm"]
