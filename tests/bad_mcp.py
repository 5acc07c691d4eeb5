"""MCP servers that misbehave, each by name: `python tests/bad_mcp.py NAME`. No library: a library would behave."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

TOOL: dict[str, Any] = {"inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}}
KEY = os.environ.get("SHOP_KEY", "")


def send(**message: Any) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def text(words: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": words}]}


def serve(tools: list[dict[str, Any]], call: Any) -> None:
    """Answer until the input ends; `call` gets the server's tools, the name, the arguments and the id."""
    for line in sys.stdin:
        message = json.loads(line)
        method, number = message.get("method"), message.get("id")
        if method == "initialize":
            capabilities = {"tools": {"listChanged": True}}
            info = {"name": "bad", "version": "1"}
            version = message["params"]["protocolVersion"]
            send(id=number, result={"protocolVersion": version, "capabilities": capabilities, "serverInfo": info})
        elif method == "tools/list":
            send(id=number, result={"tools": tools})
        elif method == "tools/call":
            result = call(tools, message["params"]["name"], message["params"].get("arguments", {}), number)
            if result is not None:
                send(id=number, result=result)
        elif method == "notifications/cancelled":
            note("cancelled")
        elif number is not None:
            send(id=number, error={"code": -32601, "message": "no such method"})


def note(words: str) -> None:
    """For the test to see what the server has seen."""
    with Path(os.environ.get("NOTES", os.devnull)).open("a") as file:
        file.write(words + "\n")


def named(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, **TOOL} for name in names]


def garbage() -> None:
    for number in range(1000):
        print(f"Welcome! This is line {number} of my banner.", flush=True)
    time.sleep(60)


def chatty() -> None:
    """A line that is no message before each message: many real servers print a banner."""
    print("Server started on stdio", flush=True)
    serve(named("echo"), lambda _tools, _name, given, _id: text(given.get("words", "")))


def silent() -> None:
    print(f"I think, with the key {KEY}.", file=sys.stderr, flush=True)
    time.sleep(60)


def refuses() -> None:
    print(f"Fatal: no database, key={KEY}", file=sys.stderr, flush=True)
    sys.exit(3)


def dies() -> None:
    def call(_tools: Any, name: str, _given: Any, _id: int) -> dict[str, Any]:
        if name == "pid":
            return text(str(os.getpid()))
        print(f"out of luck with {KEY}", file=sys.stderr, flush=True)
        os._exit(7)

    serve(named("die", "pid"), call)


def dies_always() -> None:
    """Lists its tools, and dies of every call."""
    note("started")
    serve(named("die"), lambda *_: os._exit(9))


def floods() -> None:
    def call(_tools: Any, name: str, given: Any, _id: int) -> dict[str, Any]:
        if name == "numbers":
            return {"content": [], "structuredContent": {"rows": [[n] for n in range(given["count"])]}}
        return text("x" * given["size"])

    serve(named("flood", "numbers"), call)


def changes() -> None:
    def call(tools: list[dict[str, Any]], name: str, _given: Any, _id: int) -> dict[str, Any]:
        if name == "grow":
            tools.extend(named("grown"))
            tools.pop(0)
            send(method="notifications/tools/list_changed")
        return text(f"{name} done")

    serve(named("grow"), call)


def slow() -> None:
    """Never answers a call, and notes that it was told to give it up."""

    def call(_tools: Any, name: str, _given: Any, number: int) -> None:
        note(name)
        if name == "busy":
            for step in range(30):
                send(method="notifications/progress", params={"progressToken": number, "progress": step})
                time.sleep(0.1)
            send(id=number, result=text("busy done"))

    serve(named("wait", "busy"), call)


def stubborn() -> None:
    """Ends neither with its input nor on SIGTERM, and has a child that does the same."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        note(str(os.getpid()))
        time.sleep(60)
    note(str(os.getpid()))
    serve(named("echo"), lambda *_: text("here"))
    time.sleep(60)


def hints() -> None:
    """Says of its tools what they do to the world, also what cannot both be true."""
    said: dict[str, dict[str, Any]] = {
        "reads": {"readOnlyHint": True},
        "both": {"readOnlyHint": True, "destructiveHint": True},
        "destroys": {"destructiveHint": True},
        "adds": {"destructiveHint": False},
    }
    tools = [{"name": name, "inputSchema": {"type": "object"}, "annotations": hint} for name, hint in said.items()]
    tools.append({"name": "says_nothing", "inputSchema": {"type": "object"}})
    serve(tools, lambda *_: text("done"))


def tells() -> None:
    """Says what it should not, in each way that it can."""
    blocks: dict[str, Any] = {
        "keys": text(f"my key is {KEY}"),
        "html": {
            "content": [
                {
                    "type": "resource",
                    "resource": {"uri": "ui://page", "mimeType": "text/html", "text": "<script>1</script>"},
                },
                {"type": "image", "data": "not base64!", "mimeType": "image/png"},
                {"type": "image", "data": "PHN2Zy8+", "mimeType": "image/svg+xml"},
                {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"},
            ]
        },
        "fails": {**text(f"cannot with {KEY}"), "isError": True},
        "nothing": {"content": []},
        "broken": {"content": "no list"},
    }
    for form in ("png", "jpeg", "gif", "webp"):
        blocks[form] = {"content": [{"type": "image", "data": "AAAA", "mimeType": f"image/{form}"}]}
    tools = named(*blocks)
    tools.append({"name": "odd.näme/with spaces", **TOOL})
    tools.append({"name": "odd.n_me/with spaces", **TOOL})
    tools.append({"name": "long" * 30, "inputSchema": {"type": "object"}, "description": "d" * 100_000})
    serve(tools, lambda _tools, name, _given, _id: blocks.get(name) or text(f"this is {name}"))


if __name__ == "__main__":
    globals()[sys.argv[1]]()
