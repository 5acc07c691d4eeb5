"""A model server that says byte for byte what a test wants: for shapes that the mock servers do not make."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class WireServer:
    """`lines` are the body of each POST's answer; a float among them waits so many seconds. `models`: GET's answer."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.lines: list[str | float] = []
        self.choose: Callable[[Any], list[str | float]] = lambda body: self.lines
        """The lines for a request's body."""
        self.content_type = "text/event-stream"
        self.status = 200
        self.models: Any = {"data": []}
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.asked = threading.Event()
        """Set when a request has come."""
        self.gone = threading.Event()
        """Set when a client has closed its connection before the end of the body."""

    def openai(self, *deltas: dict[str, Any], finish: str | None = "stop", usage: dict[str, Any] | None = None) -> None:
        """Say these deltas as OpenAI's chat completions do."""
        chunks: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
        if finish:
            chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        if usage:
            chunks.append({"choices": [], "usage": usage})
        common = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        self.lines = [f"data: {json.dumps({**common, **chunk})}\n\n" for chunk in chunks]
        if finish:
            self.lines.append("data: [DONE]\n\n")

    def anthropic(self, *events: dict[str, Any]) -> None:
        """Say these events as Anthropic's messages do."""
        self.lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]

    def json_lines(self, lines: Iterable[Any]) -> None:
        """Say these objects as Ollama does."""
        self.content_type = "application/x-ndjson"
        self.lines = [json.dumps(line) + "\n" for line in lines]


@contextmanager
def wire_server() -> Iterator[WireServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(json.dumps(state.models).encode())

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            state.headers.append(dict(self.headers.items()))
            state.bodies.append(json.loads(body) if body else None)
            state.asked.set()
            self.send_response(state.status)
            self.send_header("Content-Type", state.content_type)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for line in state.choose(state.bodies[-1]):
                    if isinstance(line, float):
                        self._wait(line)
                    else:
                        data = line.encode()
                        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                        self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                state.gone.set()
                self.close_connection = True

        def _wait(self, seconds: float) -> None:
            """Wait, and notice when the client goes."""
            self.connection.settimeout(seconds)
            try:
                if self.connection.recv(1) == b"":
                    raise ConnectionResetError
            except TimeoutError:
                pass
            finally:
                self.connection.settimeout(None)

        def _send(self, data: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = WireServer(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
