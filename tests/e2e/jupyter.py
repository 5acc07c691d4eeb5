"""A Jupyter server of the tests' own: JupyterLab and Notebook 7 on one port, and a kernelspec per ipykernel."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import nbformat
from nbformat.sign import NotebookNotary

from ..ports import free_port

Front = Literal["lab", "notebook"]

ROOT = Path(__file__).resolve().parents[2]
KERNELS = ROOT / ".venv" / "kernels"
DEFAULT_KERNEL = "python3"
OLDER_KERNELS = ("ipykernel-7.3.0", "ipykernel-6.31.0")
"""Names of kernelspecs; each runs that ipykernel with everything else of the environment (see the Makefile)."""

START_SECONDS = 90


class JupyterServer:
    """Start with a folder that nothing else uses; everything Jupyter reads or writes is in there."""

    def __init__(self, folder: Path, *, env: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.token = secrets.token_hex(8)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self.files.mkdir(parents=True)
        self._write_kernelspecs()
        self._write_settings()
        self._process = self._start(env or {})

    # ---- notebooks -------------------------------------------------------------------------------------

    def write(self, name: str, cells: Iterable[str], *, kernel: str = DEFAULT_KERNEL) -> str:
        """Write a notebook of code cells and return its path on the server."""
        notebook: Any = nbformat.v4.new_notebook()
        notebook.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
        notebook.cells = [nbformat.v4.new_code_cell(source) for source in cells]
        nbformat.write(notebook, self.files / name)
        return name

    def read(self, name: str) -> Any:
        """A notebook as it is on disk."""
        return nbformat.read(self.files / name, as_version=4)

    def rewrite(self, name: str, notebook: Any) -> None:
        """Write a notebook anew, and sign it, as if this server's user had saved it."""
        nbformat.write(notebook, self.files / name)
        notary = NotebookNotary(data_dir=str(self.folder / "data"))
        notary.sign(notebook)
        notary.store.close()

    def address(self, front: Front, name: str) -> str:
        """Where a browser finds this notebook."""
        path = f"lab/tree/{name}?reset&" if front == "lab" else f"notebooks/{name}?"
        return f"{self.url}/{path}token={self.token}"

    # ---- sessions --------------------------------------------------------------------------------------

    def request(self, method: str, path: str) -> Any:
        """Call the server's REST API."""
        request = urllib.request.Request(
            f"{self.url}/api/{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            body = response.read()
        return json.loads(body) if body else None

    def shut_kernels_down(self) -> None:
        """End every session and its kernel."""
        for session in self.request("GET", "sessions"):
            self.request("DELETE", f"sessions/{session['id']}")

    def close(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    # ---- starting --------------------------------------------------------------------------------------

    def _start(self, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        command = [
            *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--ip=127.0.0.1", f"--port={self.port}"),
            "--ServerApp.port_retries=0",
            "--ServerApp.terminals_enabled=False",
            f"--ServerApp.root_dir={self.files}",
            f"--IdentityProvider.token={self.token}",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
            f"--LabApp.user_settings_dir={self.folder / 'settings'}",
            f"--LabApp.workspaces_dir={self.folder / 'workspaces'}",
            "--LabApp.news_url=None",
            "--allow-root",
        ]
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                command, cwd=self.files, env=self._environment(env), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                self.request("GET", "status")
                return process
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        process.kill()
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text()[-4000:]}")

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        own = {
            "HOME": self.folder / "home",
            "IPYTHONDIR": self.folder / "ipython",
            "JUPYTER_CONFIG_DIR": self.folder / "config",
            "JUPYTER_DATA_DIR": self.folder / "data",
            "JUPYTER_RUNTIME_DIR": self.folder / "runtime",
        }
        for path in own.values():
            path.mkdir(exist_ok=True)
        # An installed package has its bytecode; a machine that writes none would compile ours for each kernel.
        ours = {"JUPYTER_NO_CONFIG": "", "PYTHONDONTWRITEBYTECODE": ""}
        return {**os.environ, **{name: str(path) for name, path in own.items()}, **ours, **more}

    def _write_kernelspecs(self) -> None:
        for name in OLDER_KERNELS:
            spec = {
                "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                "display_name": name,
                "language": "python",
                "env": {"PYTHONPATH": f"{KERNELS / name}{os.pathsep}{ROOT}"},
            }
            folder = self.folder / "data" / "kernels" / name
            folder.mkdir(parents=True)
            (folder / "kernel.json").write_text(json.dumps(spec))

    def _write_settings(self) -> None:
        """No news, no update checks, no autosave in the middle of a test."""
        settings = {
            "apputils-extension/notification.jupyterlab-settings": {
                "fetchNews": "false",
                "checkForUpdates": False,
                "doNotDisturbMode": True,
            },
            "docmanager-extension/plugin.jupyterlab-settings": {"autosave": False},
        }
        for name, content in settings.items():
            path = self.folder / "settings" / "@jupyterlab" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content))
