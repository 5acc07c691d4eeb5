"""Servers of notebooks that are not Jupyter's: marimo and Voilà, from a folder of their own (see the Makefile)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..ports import free_port
from .jupyter import ROOT, START_SECONDS
from .scripts import TALK

HOSTS = ROOT / ".venv" / "hosts"


@dataclass(frozen=True)
class Host:
    url: str
    log: Path


@contextmanager
def served(folder: Path, command: Sequence[str]) -> Iterator[Host]:
    """Run `python -m *command` in `folder`, where talk.json is, too; "PORT" in it becomes a free port."""
    (folder / "talk.json").write_text(json.dumps(TALK))
    home = folder / "home"
    home.mkdir()
    port = free_port()
    url, log = f"http://127.0.0.1:{port}", folder / "server.log"
    own = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "JUPYTER_PATH": str(HOSTS / "share" / "jupyter"),
        "PYTHONPATH": f"{HOSTS}{os.pathsep}{ROOT}",
    }
    arguments = [part.replace("PORT", str(port)) for part in command]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=folder,
            env={**os.environ, **own},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
        )
    try:
        _wait(process, url, log)
        yield Host(url, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            # A path that starts no kernel.
            urllib.request.urlopen(f"{url}/static/none", timeout=5).close()
            return
        except urllib.error.HTTPError:
            return  # it answers
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError(f"{process.args} did not start:\n{log.read_text()[-4000:]}")
