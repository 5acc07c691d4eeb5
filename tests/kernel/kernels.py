"""Real kernels for tests, one process each, of any ipykernel that set-up has installed.

kernel.run("x = 1")            a cell, to its end; → Reply
cell = kernel.submit("…")      a cell that the test does not wait for yet; kernel.reply(cell) does
kernel.value("x + 1")          a JSON value, read out of the kernel by a silent request
kernel.control("…")            code that runs at once, on the control thread, also beside a running cell
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).resolve().parents[2]
EXTRA = ROOT / ".venv" / "kernels"
"""Folders named ipykernel-<version>, put before site-packages."""

TIMEOUT = 60.0


def installed() -> list[str]:
    """Kernels to test on: "installed" is the environment's own; TEST_KERNELS (comma separated) chooses others."""
    chosen = os.environ.get("TEST_KERNELS")
    if chosen:
        return [name.strip() for name in chosen.split(",")]
    return ["installed", "ipykernel-7.3.0", "ipykernel-6.31.0"]


@dataclass
class Reply:
    """What a cell put out, as a front end would show it."""

    status: str = ""
    stdout: str = ""
    stderr: str = ""
    displays: list[dict[str, Any]] = field(default_factory=list)
    metadata: list[dict[str, Any]] = field(default_factory=list)
    """Of each of `displays`."""
    updates: list[dict[str, Any]] = field(default_factory=list)
    result: dict[str, Any] | None = None
    error: str = ""
    payload: list[dict[str, Any]] = field(default_factory=list)

    def check(self) -> Reply:
        assert self.status == "ok", f"{self.status}: {self.error}\n{self.stderr}"
        return self


class Kernel:
    """One kernel process and a client of it. `allow_stdin=False` is what headless clients say of every cell; `env` is
    added to the environment."""

    def __init__(
        self,
        name: str = "installed",
        allow_stdin: bool = True,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        path = [str(ROOT)]
        if name != "installed":
            folder = EXTRA / name
            assert folder.is_dir(), f"{folder} is missing; make test-py installs it"
            path.insert(0, str(folder))
        self.name = name
        self.allow_stdin = allow_stdin
        own = {"PYTHONPATH": os.pathsep.join(path), "IPYTHONDIR": "/nonexistent", "PYTHONUNBUFFERED": "1"}
        own = {**os.environ, **own, **(env or {})}
        try:
            self.client = self._start(own, cwd or ROOT)
        except RuntimeError:  # it died: what starts beside it has taken a port that had been free for it
            self._manager.shutdown_kernel(now=True)
            self.client = self._start(own, cwd or ROOT)
        self._replies: dict[str, Reply] = {}
        self._idle: set[str] = set()
        self.outside: list[dict[str, Any]] = []
        """iopub messages of no cell of ours."""

    def _start(self, env: dict[str, str], cwd: Path) -> BlockingKernelClient:
        self._manager = KernelManager()
        self._manager._kernel_spec = KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name=self.name,
            language="python",
        )
        self._manager.start_kernel(env=env, cwd=str(cwd))
        client = self._manager.blocking_client()
        assert isinstance(client, BlockingKernelClient)
        client.start_channels()
        client.wait_for_ready(timeout=TIMEOUT)
        return client

    # ---- cells -------------------------------------------------------------------------------------------

    def submit(self, code: str, silent: bool = False, *, cell_id: str = "") -> str:
        """`cell_id`: as JupyterLab and Notebook 7 say which cell it is."""
        content = {"code": code, "silent": silent, "store_history": not silent, "user_expressions": {}}
        content |= {"allow_stdin": self.allow_stdin, "stop_on_error": True}
        metadata = {"cellId": cell_id} if cell_id else {}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        cell = message["header"]["msg_id"]
        self._replies[cell] = Reply()
        return cell

    def reply(self, cell: str, timeout: float = TIMEOUT) -> Reply:
        deadline = time.monotonic() + timeout
        reply = self._replies[cell]
        while cell not in self._idle or not reply.status:
            assert time.monotonic() < deadline, f"no end of the cell within {timeout} s: {reply}"
            self._read()
        return reply

    def run(self, code: str, timeout: float = TIMEOUT) -> Reply:
        return self.reply(self.submit(code), timeout)

    def value(self, expression: str, timeout: float = TIMEOUT) -> Any:
        reply = self.run(f"import json as _json; print(_json.dumps({expression}))", timeout).check()
        return json.loads(reply.stdout)

    def _read(self) -> None:
        """Take what has arrived; wait a moment for something where nothing has."""
        channels = (self.client.iopub_channel, self.client.shell_channel)
        poller = zmq.Poller()
        for channel in channels:
            assert channel.socket is not None
            poller.register(channel.socket, zmq.POLLIN)
        ready = dict(poller.poll(100))
        for channel in channels:
            if channel.socket in ready:
                self._take(channel.get_msg(timeout=1))

    def _take(self, message: dict[str, Any]) -> None:
        cell = message["parent_header"].get("msg_id", "")
        content, kind = message["content"], message["msg_type"]
        reply = self._replies.get(cell)
        if reply is None:
            self.outside.append(message)
        elif kind == "stream":
            setattr(reply, content["name"], getattr(reply, content["name"]) + content["text"])
        elif kind == "display_data":
            reply.displays.append(content["data"])
            reply.metadata.append(content["metadata"])
        elif kind == "update_display_data":
            reply.updates.append(content["data"])
        elif kind == "execute_result":
            reply.result = content["data"]
        elif kind == "error":
            reply.error = "\n".join(content["traceback"])
        elif kind == "execute_reply":
            reply.status = content["status"]
            reply.payload = content.get("payload", [])
        elif kind == "status" and content["execution_state"] == "idle":
            self._idle.add(cell)

    def interrupt(self) -> None:
        """What the interrupt button of a front end does."""
        self._manager.interrupt_kernel()

    def kill(self) -> None:
        """What the system does when memory runs out; nobody starts it anew."""
        self._manager.provisioner.process.kill()  # type: ignore[union-attr]
        self._manager.provisioner.process.wait()  # type: ignore[union-attr]

    def alive(self) -> bool:
        return self._manager.is_alive()

    def close(self) -> None:
        self.client.stop_channels()
        self._manager.shutdown_kernel(now=True)
