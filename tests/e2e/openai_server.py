"""A server that speaks OpenAI's streaming chat completions, slowly, and notes when a client hangs up."""

from __future__ import annotations

import json
import select
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKENS_PER_SECOND = 50


class OpenAIServer:
    """`requests` counts what arrived; `started` and `hung_up` tell about the last one."""

    def __init__(self, *, seconds: float = 60) -> None:
        """Each answer goes on for `seconds`, unless its client goes away."""
        self.seconds = seconds
        self.requests: list[dict[str, Any]] = []
        self.started = threading.Event()
        self.hung_up = threading.Event()
        self.hung_up_at = 0.0
        """Epoch seconds of the moment at which the client closed its connection."""
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def api_base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        deadline = time.monotonic() + self.seconds
        number = 0
        while time.monotonic() < deadline and not self._closing.is_set():
            _send(handler, {"content": f"word{number} "})
            self.started.set()
            number += 1
            # Readable means closed: the client has nothing more to say.
            if select.select([handler.connection], [], [], 1 / TOKENS_PER_SECOND)[0]:
                raise ConnectionResetError
        _send(handler, {}, finish="stop")
        handler.wfile.write(b"data: [DONE]\n\n")


def _send(handler: BaseHTTPRequestHandler, delta: dict[str, Any], finish: str | None = None) -> None:
    choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": finish}
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 0, "model": "x", "choices": [choice]}
    handler.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
    handler.wfile.flush()


def _handler(server: OpenAIServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            server.requests.append(json.loads(body))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            try:
                server.answer(self)
            except (ConnectionError, BrokenPipeError):
                server.hung_up_at = time.time()
                server.hung_up.set()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
