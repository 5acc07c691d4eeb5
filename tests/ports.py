"""Ports for servers that tests start."""

from __future__ import annotations

import contextlib
import secrets
import socket


def free_port() -> int:
    """A port that nobody listens on, from below those that the system hands out by itself: what starts at the same
    time, such as a kernel, cannot take it before the server that it is for does."""
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
