"""A copilot in a notebook cell. `%load_ext copilot_widget`, then `%copilot why is revenue falling in @df?`

The names below are the public API. Nothing heavy is imported with the package: pydantic waits for the first
question, litellm for the first request to a model that needs it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .copilot import Copilot as Copilot
    from .run import Run as Run
    from .tools.base import ToolResult as ToolResult
    from .tools.function import tool as tool

__version__ = "0.1.0"

__all__ = ["Copilot", "Run", "ToolResult", "__version__", "load_ipython_extension", "tool"]

_HOMES = {"Copilot": "copilot", "Run": "run", "ToolResult": "tools.base", "tool": "tools.function"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    _attach()
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def _attach() -> None:
    """In an IPython session the notebook is the host, also where the extension was not loaded; in marimo, marimo."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        from .notebook.magic import attach

        attach(ipython.get_ipython())
    elif "marimo" in sys.modules:
        from .notebook.marimo import attach as attach_to_marimo

        attach_to_marimo()


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext copilot_widget`: defines %copilot and %%copilot."""
    from .notebook.magic import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext copilot_widget`: the magics go; what was displayed stays."""
    from .notebook.magic import unload

    unload(shell)
