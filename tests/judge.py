"""What the real `ai` client, and the page's reducer, make of a stream."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "js" / "scripts" / "judge.mjs"


class Judge:
    """A Node process that judges one stream after the other, so that a search may ask it for hundreds."""

    def __init__(self) -> None:
        path = os.environ.get("PATH", "") + os.pathsep + str(ROOT / ".venv" / "bin")
        node = shutil.which("node", path=path)
        assert node, "Node.js is needed for the official client; `make test` installs it with the other parts."
        self._process = subprocess.Popen(
            [node, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=SCRIPT.parent
        )

    def __call__(self, chunks: list[dict[str, Any]], initial: dict[str, Any] | None = None) -> dict[str, Any]:
        """{final, violation, page}, as the script says."""
        stream = {"chunks": chunks} if initial is None else {"chunks": chunks, "initial": initial}
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(stream) + "\n")
        self._process.stdin.flush()
        verdict = self._process.stdout.readline()
        assert verdict, "the judge has ended; what it said is on standard error"
        return json.loads(verdict)

    def __enter__(self) -> Judge:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()
