"""`--app module:copilot`: the Copilot whose tools and model a process of ours serves."""

from __future__ import annotations

import gc
import importlib
import sys
from pathlib import Path

from ..copilot import Copilot
from ..errors import UsageError, one_line


def load_app(name: str | None) -> Copilot:
    """The object that `name` means, from a module that can be imported or lies in the working folder.

    None: a Copilot without tools of its own. Raises UsageError.
    """
    if not name:
        return Copilot()
    module_name, colon, attribute = name.partition(":")
    if not colon or not module_name or not attribute:
        raise UsageError(f"--app is {name!r}.", hint="Write it as module:name, for example tools:copilot.")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise UsageError(
            f"The module {module_name!r} of --app could not be imported: {one_line(error)}.",
            hint="Start in the folder that holds it, or install it.",
        ) from error
    copilot = getattr(module, attribute, None)
    if not isinstance(copilot, Copilot):
        raise UsageError(
            f"{module_name} has no Copilot named {attribute!r}.", hint=f"Write {attribute} = Copilot(tools=[…]) in it."
        )
    return copilot


def keep_loaded() -> None:
    """What has been loaded by now is there to stay: a collection that goes through all of it stops every run of this
    process for tens of milliseconds. Those of what comes later are rarer, since events are many and hold no cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


__all__ = ["keep_loaded", "load_app"]
