"""HTTP in a process of ours: a port that is really ours, and a server that ends when it is told."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import socket
from typing import TYPE_CHECKING, Any

from ..errors import CopilotError, UsageError

if TYPE_CHECKING:
    from starlette.applications import Starlette


def needs(module: str, extra: str) -> Any:
    """An optional library. Raises UsageError that names what to install."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise UsageError(
            f"This needs {module.partition('.')[0]}, which is not installed.",
            hint=f"pip install 'copilot-widget[{extra}]'.",
        ) from None


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises UsageError for one that is taken or not allowed."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        raise UsageError(
            f"The port {port} on {host} cannot be used: {getattr(error, 'strerror', None) or error}.",
            hint="Stop what uses it, or name another with --port (0: any that is free).",
            code="port",
        ) from None
    return listener


class HttpServer:
    """Serves an application on a socket until `close`; signals are left to the process."""

    def __init__(self, app: Starlette, listener: socket.socket) -> None:
        uvicorn = needs("uvicorn", "serve")
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=2)
        self._server = uvicorn.Server(config)
        self._server.capture_signals = contextlib.nullcontext  # the process has its own handlers
        self._listener = listener
        self._task: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        host, port = self._listener.getsockname()[:2]
        return f"http://{host}:{port}"

    async def start(self) -> None:
        task = self._task = asyncio.ensure_future(self._server.serve(sockets=[self._listener]))
        while not self._server.started:
            if task.done():
                raise CopilotError("The HTTP server did not start.", code="serve")
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        self._server.should_exit = True
        if self._task is not None:
            await self._task


__all__ = ["HttpServer", "listen", "needs"]
