"""What it costs to have the package at all: seconds to import it, bytes of the bundle."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

import copilot_widget

from .report import Figure

ROUNDS = 7

_IMPORT = """
import time
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""

_LOAD = """
import time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)
"""

_HEAVY = """
from IPython.core.interactiveshell import InteractiveShell
import sys
InteractiveShell.instance().run_line_magic("load_ext", "copilot_widget")
print(sum(name in sys.modules for name in ("litellm", "pydantic", "pandas", "openai")))
"""


def measure() -> list[Figure]:
    """Medians of fresh interpreters, one after the other and in turn, so that a busy moment hits all alike."""
    programs = {
        "anywidget": _IMPORT.format(module="anywidget"),
        "package": _IMPORT.format(module="copilot_widget"),
        "anywidget in IPython": _LOAD.format(statement="import anywidget"),
        "load_ext": _LOAD.format(statement="shell.run_line_magic('load_ext', 'copilot_widget')"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(ROUNDS + 1):
        for name, program in programs.items():
            seconds[name].append(_run(program))
    median = {name: statistics.median(values[1:]) for name, values in seconds.items()}  # the first fills the caches
    static = Path(copilot_widget.__file__).parent / "static"
    return [
        Figure("import copilot_widget, over import anywidget", _over(median, "package", "anywidget"), 100, "ms"),
        Figure("%load_ext, over import anywidget", _over(median, "load_ext", "anywidget in IPython"), 100, "ms"),
        Figure("of litellm, openai, pydantic, pandas loaded by %load_ext", _run(_HEAVY), 0, "modules"),
        Figure("bundle, minified", (static / "widget.js").stat().st_size / 1000, 150, "kB"),
    ]


def _over(median: dict[str, float], ours: str, base: str) -> float:
    return (median[ours] - median[base]) * 1000


def _run(program: str) -> float:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return float(done.stdout)
