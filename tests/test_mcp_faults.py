"""MCP servers that fail: each is an error that says which, why and what to do, and none holds the agent's loop up."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import json
import logging
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from copilot_widget.errors import ToolError
from copilot_widget.tools.mcp.tools import McpToolset

from .mcp_tools import REPOSITORY, bad, config, lives, outputs, result, toolset


async def until_dead(pid: int, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while lives(pid):
        assert time.monotonic() < deadline, f"process {pid} lives on"
        await asyncio.sleep(0.02)


def notes(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


async def until_noted(path: Path, words: str) -> None:
    deadline = time.monotonic() + 5
    while words not in notes(path):
        assert time.monotonic() < deadline, f"the server never noted {words!r}"
        await asyncio.sleep(0.02)


# ---- it cannot start -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (bad("refuses"), r"exited with code 3; its last words: Fatal: no database"),
        (bad("garbage"), r"printed what is no MCP message \('Welcome! This is line 0"),
        (bad("silent", connectTimeout=1), r"did not answer within 1 s; its last words: I think"),
        ({"command": "no-such-program-9"}, r"there is no program 'no-such-program-9' on PATH"),
        ({"command": sys.executable, "cwd": "/no/such/folder"}, r"its folder /no/such/folder is not there"),
    ],
)
async def test_one_that_cannot_start_is_told_and_the_others_are_there(server: dict[str, object], said: str):
    async with toolset(bad=server, good=bad("chatty")) as tools:
        assert list(tools.tools()) == ["good_echo"]
        (trouble,) = tools.troubles()
        assert trouble.startswith("The MCP server 'bad' (")
        assert re.search(said, trouble), trouble
        error = trouble.removesuffix(" Its tools are missing.")
        assert tools.status()["bad"] == {"status": "failed", "tools": 0, "error": error}
        assert (await result(tools, "good_echo", words="hi")).output == "hi", "a banner is no harm"


async def test_a_key_in_its_last_words_is_not_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    monkeypatch.setenv("MY_KEY", "very-private-9")
    async with toolset(bad=bad("refuses", env={"SHOP_KEY": "${MY_KEY}"})) as tools:
        assert "no database" in tools.troubles()[0]
        assert "very-private-9" not in tools.troubles()[0] + caplog.text
        assert "no database" in caplog.text


async def test_what_was_tried_in_vain_just_now_is_not_tried_again(tmp_path: Path):
    tools = McpToolset(config(bad=bad("silent", connectTimeout=0.5)))
    told = [text async for text in tools.prepare()]
    assert told[0] == "connecting to bad"
    assert "did not answer" in told[1]
    begun = time.monotonic()
    again = [text async for text in tools.prepare()]
    assert again == told[1:]
    assert time.monotonic() - begun < 0.4, "the second question does not wait for it"
    await tools.close()


# ---- it dies -------------------------------------------------------------------------------------------------


async def test_one_that_dies_in_a_call_is_told_and_is_there_again_for_the_next(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MY_KEY", "very-private-9")
    async with toolset(bad=bad("dies", env={"SHOP_KEY": "${MY_KEY}"})) as tools:
        first = (await result(tools, "bad_pid")).output
        with pytest.raises(ToolError) as raised:
            await result(tools, "bad_die")
        assert "The MCP server 'bad'" in raised.value.message
        assert "exited with code 7; its last words: out of luck with …" in raised.value.message
        assert "Whether the call had its effect is not known" in raised.value.hint
        assert tools.status()["bad"]["status"] == "lost"
        assert (await result(tools, "bad_pid")).output != first
        assert tools.status()["bad"] == {"status": "ready", "tools": 2, "error": ""}


async def test_one_that_was_killed_between_calls_is_started_again():
    async with toolset(bad=bad("dies")) as tools:
        first = int((await result(tools, "bad_pid")).output)
        os.kill(first, signal.SIGKILL)
        while tools.status()["bad"]["status"] == "ready":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert int((await result(tools, "bad_pid")).output) != first


async def test_one_that_always_dies_is_not_started_again_and_again(tmp_path: Path):
    path = tmp_path / "notes"
    async with toolset(bad=bad("dies_always", env={"NOTES": str(path)})) as tools:
        said: list[str] = []
        begun = time.monotonic()
        while time.monotonic() - begun < 20 and not any("tried" in words for words in said):
            with pytest.raises(ToolError) as raised:
                await result(tools, "bad_die")
            said.append(str(raised.value))
        assert "exited with code 9" in said[0]
        assert "It was tried" in said[-1]
        assert "It is tried again in" in said[-1]
        assert len(notes(path)) <= 5


# ---- it takes its time, and is stopped -----------------------------------------------------------------------


async def test_a_call_that_is_given_up_is_cancelled_at_the_server(tmp_path: Path):
    path = tmp_path / "notes"
    async with toolset(bad=bad("slow", env={"NOTES": str(path)})) as tools:
        call = asyncio.ensure_future(outputs(tools, "bad_wait"))
        await until_noted(path, "wait")
        call.cancel()
        await until_noted(path, "cancelled")
        assert tools.status()["bad"]["status"] == "ready", "the server goes on"


async def test_time_is_up_where_no_sign_of_life_comes(tmp_path: Path):
    path = tmp_path / "notes"
    async with toolset(bad=bad("slow", timeout=0.5, env={"NOTES": str(path)})) as tools:
        with pytest.raises(ToolError, match=r"server 'bad' gave no answer within [01] s") as raised:
            await result(tools, "bad_wait")
        assert '"timeout" in its entry' in raised.value.hint
        await until_noted(path, "cancelled")
        *passing, last = await outputs(tools, "bad_busy")  # three seconds of work, with progress
        assert last.output == "busy done"
        assert len(passing) > 5


# ---- it sends too much ---------------------------------------------------------------------------------------


async def test_fifty_megabytes_are_refused_and_hold_nobody_up():
    import psutil

    async with toolset(bad=bad("floods")) as tools:
        assert len((await result(tools, "bad_flood", size=1_000_000)).output) == 1_000_000
        longest, before = 0.0, psutil.Process().memory_info().rss

        async def watch() -> None:
            nonlocal longest
            while True:
                begun = time.monotonic()
                await asyncio.sleep(0.01)
                longest = max(longest, time.monotonic() - begun)

        watching = asyncio.ensure_future(watch())
        with pytest.raises(ToolError, match="server 'bad' sent a message of more than 10 MB") as raised:
            await result(tools, "bad_flood", size=50_000_000)
        assert "less at a time" in raised.value.hint
        assert psutil.Process().memory_info().rss - before < 60_000_000
        with pytest.raises(ToolError, match="or of more than 400,000 values"):
            await result(tools, "bad_numbers", count=900_000)
        assert longest < 1.0, "Stop is promised within a second"
        watching.cancel()
        assert (await result(tools, "bad_flood", size=3)).output == "xxx", "the server goes on"


async def test_what_a_model_reads_of_much_is_cut():
    from copilot_widget.tools.result import to_output

    async with toolset(bad=bad("floods")) as tools:
        output, _ = to_output(await result(tools, "bad_flood", size=1_000_000))
        assert len(output) < 21_000
        for count in (5_000, 300_000):
            rows, _ = to_output(await result(tools, "bad_numbers", count=count))
            assert f"more of {count:,} items" in str(rows)[-200:]


# ---- over HTTP ---------------------------------------------------------------------------------------------


class BadHttp(http.server.BaseHTTPRequestHandler):
    """Knows one key; its tools answer 503, with 50 MB, or with what is no message."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method, number = asked["method"], asked.get("id")
        if self.headers["Authorization"] != "Bearer very-private-9":
            self._answer(401, b"")
        elif method == "initialize":
            version = asked["params"]["protocolVersion"]
            info = {"name": "bad", "version": "1"}
            self._result(number, {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info})
        elif method == "tools/list":
            self._result(number, {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in "abcd"]})
        elif method == "tools/call" and asked["params"]["name"] == "b":
            self._result(number, {"content": [{"type": "text", "text": "x" * 50_000_000}]})
        elif method == "tools/call" and asked["params"]["name"] == "c":
            self._answer(200, b"{{{{ no json")
        elif method == "tools/call" and asked["params"]["name"] == "d":
            self._result(number, {"content": "no list"})
        elif method == "tools/call":
            self._answer(503, b"")
        else:
            self._answer(404 if number is not None else 202, b"")

    def _result(self, number: int, result: dict[str, object]) -> None:
        self._answer(200, json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode())

    def _answer(self, status: int, body: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


@contextlib.contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server that answers so."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def bad_http() -> Iterator[str]:
    with serving(BadHttp) as url:
        yield f"{url}/mcp"


async def test_errors_and_floods_over_http_are_told(
    bad_http: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("MY_KEY", "very-private-9")
    shop = {"url": f"{bad_http}?token=${{MY_KEY}}", "headers": {"Authorization": "Bearer ${MY_KEY}"}}
    async with toolset(shop=shop) as tools:
        with pytest.raises(ToolError, match=r"server 'shop' answered HTTP 503"):
            await result(tools, "shop_a")
        with pytest.raises(ToolError, match=r"server 'shop' sent a message of more than 10 MB"):
            await result(tools, "shop_b")
        for name in ("shop_c", "shop_d"):
            with pytest.raises(ToolError, match=r"server 'shop' sent what is no message of MCP") as raised:
                await result(tools, name)
            assert "validation" not in str(raised.value)
        assert tools.status()["shop"]["status"] == "ready"
    assert "very-private-9" not in caplog.text


class NoServer(http.server.BaseHTTPRequestHandler):
    """What may be at an address that is no MCP server's; the path says which."""

    ANSWERS: ClassVar = {
        "/page": ("text/html", b"<html>Log in, please</html>"),
        "/braces": ("application/json", b"{{{{ no json"),
        "/list": ("application/json", b"[1, 2]"),
        "/events": ("text/event-stream", b"data: hello\n\n"),
        "/flood": ("text/event-stream", b"data: " + b"x" * 12_000_000),
    }

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        with contextlib.suppress(ConnectionError):
            kind, body = self.ANSWERS.get(self.path, ("", b""))
            self.send_response(200 if kind else 302)
            self.send_header(*(("Content-Type", kind) if kind else ("Location", "/login?key=private-key-1")))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/page", "answered with text/html, which is no message of MCP"),
        ("/braces", "sent what is no message of MCP"),
        ("/list", "sent what is no message of MCP"),
        ("/events", "sent what is no message of MCP"),
        ("/flood", "sent a message of more than 10 MB"),
        ("/moved", r"is at another address, http://127.0.0.1:\d+/login; write that"),
    ],
)
async def test_what_is_no_mcp_server_is_told_in_plain_words(path: str, said: str):
    with serving(NoServer) as url:
        async with toolset(web={"url": f"{url}{path}", "connectTimeout": 20}) as tools:
            (trouble,) = tools.troubles()
    assert re.match(rf"The MCP server 'web' \(http://127.0.0.1:\d+{path}\) {said}", trouble), trouble
    for foreign in ("pydantic", "validation error", "JSONRPC", "private-key-1", "Error"):
        assert foreign not in trouble


async def test_a_refused_key_is_told(bad_http: str):
    async with toolset(shop={"url": bad_http, "headers": {"Authorization": "Bearer another-key-1"}}) as tools:
        (trouble,) = tools.troubles()
        assert "HTTP 401" in trouble
        assert "another-key-1" not in trouble


# ---- its end -------------------------------------------------------------------------------------------------


async def test_one_that_will_not_end_is_killed_with_its_children(tmp_path: Path):
    path = tmp_path / "notes"
    async with toolset(bad=bad("stubborn", env={"NOTES": str(path)})) as tools:
        assert (await result(tools, "bad_echo")).output == "here"
        pids = [int(pid) for pid in notes(path)]
        assert len(pids) == 2
        assert all(map(lives, pids))
    for pid in pids:
        await until_dead(pid)


PROGRAM = """
    import sys, time
    from copilot_widget import Copilot
    from tests.mcp_tools import bad, config, everything

    servers = config(bad=bad("stubborn", env={{"NOTES": {notes!r}}}), all=everything())
    copilot = Copilot("script:{script}", mcp=servers, approvals="auto")
    run = copilot.ask("go").wait(60)
    print(run.status, copilot.mcp_status(), flush=True)
    {end}
"""


@pytest.mark.parametrize(
    "end", ["", "sys.exit(1)", "raise RuntimeError", "import os; os.kill(os.getpid(), __import__('signal').SIGINT)"]
)
def test_no_child_outlives_its_process(tmp_path: Path, end: str):
    path, script = tmp_path / "notes", tmp_path / "script.json"
    script.write_text('{"steps": ["done"]}')
    program = textwrap.dedent(PROGRAM).format(notes=str(path), script=script, end=end)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, timeout=90, check=False
    )
    assert "completed" in done.stdout, done.stderr
    assert "'all': {'status': 'ready', 'tools': 13" in done.stdout
    assert len(notes(path)) == 2
    assert not any(lives(int(pid)) for pid in notes(path))


def test_a_process_that_is_killed_leaves_no_server(tmp_path: Path):
    script = tmp_path / "script.json"
    script.write_text('{"steps": ["done"]}')
    program = textwrap.dedent(PROGRAM).format(notes=str(tmp_path / "notes"), script=script, end="time.sleep(60)")
    program = program.replace('bad=bad("stubborn"', 'bad=bad("chatty"')
    process = subprocess.Popen([sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "completed" in process.stdout.readline()
    import psutil

    children = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    assert len(children) >= 2
    process.kill()
    process.wait()
    deadline = time.monotonic() + 5
    while any(map(lives, children)):
        assert time.monotonic() < deadline, "a server lives on"
        time.sleep(0.02)
