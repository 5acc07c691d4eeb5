"""Tools of MCP servers that others wrote: what they are to an agent, and what their answers become."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from copilot_widget.errors import ToolError
from copilot_widget.tools.base import Tool
from copilot_widget.tools.mcp.tools import McpToolset, _named, parse_arguments  # pyright: ignore[reportPrivateUsage]

from .mcp_tools import NODE_BIN, REPOSITORY, bad, clock, everything, files, git, outputs, result, toolset
from .ports import free_port


@pytest.fixture
async def reference() -> AsyncIterator[McpToolset]:
    async with toolset(all=everything()) as tools:
        yield tools


# ---- what they are -----------------------------------------------------------------------------------------


async def test_a_tool_is_as_its_server_describes_it(reference: McpToolset):
    assert reference.status() == {"all": {"status": "ready", "tools": 13, "error": ""}}
    echo = reference.tools()["all_echo"]
    assert isinstance(echo, Tool)
    assert (echo.title, echo.schema.description) == ("Echo Tool", "Echoes back the input string")
    assert echo.schema.input_schema["properties"] == {"message": {"type": "string", "description": "Message to echo"}}
    assert reference.tools() is reference.tools(), "nothing has changed, so nothing is made anew"


async def test_what_only_reads_runs_unasked_and_what_may_destroy_asks(tmp_path: Path):
    async with toolset(fs=files(tmp_path)) as tools:
        listing, writing = tools.tools()["fs_list_directory"], tools.tools()["fs_write_file"]
        assert listing.approval({"path": "."}) is None
        assert listing.parallel
        given = {"path": str(tmp_path / "new.txt"), "content": 'a "word"\n'}
        asked = writing.approval(given)
        assert asked is not None
        assert asked.title == "call write_file of the MCP server fs, which may delete or overwrite"
        making = tools.tools()["fs_create_directory"].approval({"path": "."})
        assert making is not None
        assert making.title == "call create_directory of the MCP server fs", "its server says that it destroys nothing"
        assert (json.loads(asked.code), asked.language) == (given, "json")
        assert not writing.parallel
        await result(tools, "fs_write_file", **given)
        assert (tmp_path / "new.txt").read_text() == 'a "word"\n'


async def test_approve_always_asks_also_for_what_only_reads():
    async with toolset(all=everything(approve="always")) as tools:
        echo = tools.tools()["all_echo"]
        assert echo.approval({"message": "hi"}) is not None
        assert not getattr(echo, "read_only", None), "a call that was cut is not made again unasked"


async def test_a_tool_that_says_that_it_destroys_asks_whatever_else_it_says():
    async with toolset(bad=bad("hints")) as tools:
        asked = {name: tool.approval({}) for name, tool in tools.tools().items()}
        assert asked.pop("bad_reads") is None
        assert not tools.tools()["bad_both"].parallel
        titles = {name: request.title if request is not None else "" for name, request in asked.items()}
        words = {name: "may delete or overwrite" in title for name, title in titles.items()}
        assert words == {"bad_both": True, "bad_destroys": True, "bad_says_nothing": True, "bad_adds": False}


@pytest.mark.parametrize(
    ("first", "second", "name", "owner"),
    [
        (("google", "drive_delete"), ("google_drive", "delete"), "google_drive_delete", "google_drive"),
        (("google_drive", "delete"), ("google", "drive_delete"), "google_drive_delete", "google_drive"),
        (("google_drive", ""), ("google", "drive_delete"), "google_drive_delete", None),
        (("google", "drive_delete"), ("google_drive", ""), "google_drive_delete", None),
        (("a.b", "c"), ("a_b", "c"), "a_b_c", "a.b"),
        (("a.b", ""), ("a_b", "c"), "a_b_c", None),
        (("google", "drive"), ("google_drive", "delete"), "google_drive", "google"),
    ],
)
def test_no_server_takes_the_name_of_anothers_tool(
    first: tuple[str, str], second: tuple[str, str], name: str, owner: str | None
):
    """Not even while the other one lists nothing: consent to a name stays with its server."""
    servers = [_server(*first), _server(*second)]
    named = {tool.name: tool._server.config.name for tool in _named(servers)}
    assert named.get(name) == owner
    assert len(named) == sum(len(server.tools) for server in servers)


def _server(name: str, tool: str) -> Any:
    listed = SimpleNamespace(name=tool, title="", description="", input_schema={}, read_only=False, destructive=False)
    return SimpleNamespace(config=SimpleNamespace(name=name, ask_always=False), tools=[listed] if tool else [])


async def test_names_fit_providers_and_no_two_are_the_same():
    async with toolset(**{"my shop.eu": bad("tells"), "my": bad("tells")}) as tools:
        names = list(tools.tools())
        odd = [name for name in names if "odd" in name and name.startswith("my_shop")]
        long = next(name for name in names if "long" in name)
        assert all(len(name) <= 64 and name.replace("_", "").replace("-", "").isalnum() for name in names)
        assert all(name.isascii() for name in names)
        assert len(names) == 24
        assert odd[0].startswith("my_shop_eu_odd_n_me_with_spaces")
        assert {(await result(tools, name)).output for name in odd} == {
            "this is odd.näme/with spaces", "this is odd.n_me/with spaces"
        }  # fmt: skip
        assert len(tools.tools()[long].schema.description) < 10_000


def test_arguments_are_checked_as_far_as_the_schema_is_plain():
    schema = {
        "properties": {
            "n": {"type": "integer"},
            "at": {"type": "object"},
            "any": {},
            "s": {"type": ["string", "null"]},
        },
        "required": ["n"],
        "additionalProperties": False,
    }
    assert parse_arguments('{"n": 1, "at": "{\\"x\\": 2}", "s": null}', schema) == {"n": 1, "at": {"x": 2}, "s": None}
    assert parse_arguments("", {}) == {}
    with pytest.raises(ToolError) as raised:
        parse_arguments('{"n": "one", "other": 1}', schema)
    assert "n: should be integer, got 'one'" in str(raised.value)
    assert "other: is not an argument" in str(raised.value)
    with pytest.raises(ToolError, match="n: is required"):
        parse_arguments("{}", schema)
    with pytest.raises(ToolError, match="must be an object"):
        parse_arguments("[1]", schema)
    with pytest.raises(ToolError, match="not valid JSON"):
        parse_arguments('{"n": ', schema)
    with pytest.raises(ToolError, match="n: should be integer, got True"):
        parse_arguments('{"n": true}', schema)


# ---- what they answer --------------------------------------------------------------------------------------


async def test_text_is_what_the_model_reads(reference: McpToolset):
    answer = await result(reference, "all_echo", message="hi")
    assert (answer.output, answer.display) == ("Echo: hi", None)


async def test_a_picture_is_shown_and_is_a_few_words_to_the_model(reference: McpToolset):
    answer = await result(reference, "all_get-tiny-image")
    assert "[image, image/png, " in answer.output
    assert "iVBOR" not in answer.output
    pictures = [bundle["image/png"] for bundle in answer.display if "image/png" in bundle]
    assert pictures[0].startswith("iVBOR")


async def test_structured_content_is_the_output(reference: McpToolset):
    answer = await result(reference, "all_get-structured-content", location="Chicago")
    assert set(answer.output) == {"temperature", "conditions", "humidity"}


async def test_resources_and_links_are_told(reference: McpToolset):
    links = await result(reference, "all_get-resource-links", count=2)
    assert "[resource demo://resource/dynamic/text/2: Text Resource 2, text/plain" in links.output
    inline = await result(reference, "all_get-resource-reference", resourceType="Text", resourceId=1)
    assert "[resource demo://resource/dynamic/text/1]\nResource 1: This is a plaintext resource" in inline.output
    blob = await result(reference, "all_get-resource-reference", resourceType="Blob", resourceId=1)
    assert "[resource demo://resource/dynamic/blob/1, text/plain, " in blob.output


async def test_what_is_for_the_user_alone_is_not_read_by_the_model(reference: McpToolset):
    answer = await result(reference, "all_get-annotated-message", messageType="success")
    assert answer.output == "Done; the result is shown to the user."
    assert answer.display == [{"text/plain": "Operation completed successfully"}]


async def test_progress_is_shown_until_the_result(reference: McpToolset):
    *passing, last = await outputs(reference, "all_trigger-long-running-operation", duration=1, steps=4)
    assert [one.output for one in passing] == ["1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    assert all(one.preliminary for one in passing)
    assert (last.preliminary, last.output) == (
        False,
        "Long running operation completed. Duration: 1 seconds, Steps: 4.",
    )


async def test_an_error_of_a_tool_is_its_words(tmp_path: Path):
    async with toolset(fs=files(tmp_path)) as tools:
        with pytest.raises(ToolError, match="Access denied - path outside allowed directories"):
            await result(tools, "fs_read_text_file", path="/etc/hostname")


async def test_a_server_that_speaks_the_newest_protocol():
    async with toolset(clock=clock()) as tools:
        answer = await result(
            tools, "clock_convert_time", source_timezone="UTC", time="12:00", target_timezone="Asia/Tokyo"
        )
        assert "21:00" in json.dumps(answer.output)
        with pytest.raises(ToolError, match=r"(?i)mars"):
            await result(tools, "clock_get_current_time", timezone="Mars/Olympus")


async def test_a_server_of_a_git_repository(tmp_path: Path):
    for command in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--allow-empty", "-qm", "one"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)  # noqa: ASYNC221
    async with toolset(git=git(tmp_path)) as tools:
        log = await result(tools, "git_git_log", repo_path=str(tmp_path))
        assert "one" in json.dumps(log.output)
        assert tools.tools()["git_git_status"].approval({}) is None
        assert tools.tools()["git_git_reset"].approval({}) is not None


async def test_foreign_content_is_never_html_and_a_false_picture_is_only_named():
    async with toolset(bad=bad("tells")) as tools:
        answer = await result(tools, "bad_html")
        assert all(set(bundle) == {"text/plain"} for bundle in answer.display)
        assert "[audio, audio/wav, 3 bytes]" in answer.output
        assert (await result(tools, "bad_nothing")).output == "Done, without output."
        with pytest.raises(ToolError, match="server 'bad' sent what is no message of MCP"):
            await result(tools, "bad_broken")


@pytest.mark.parametrize("form", ["png", "jpeg", "gif", "webp"])
async def test_pictures_that_cards_and_records_show_are_shown(form: str):
    async with toolset(bad=bad("tells")) as tools:
        answer = await result(tools, f"bad_{form}")
    assert answer.display == [{f"image/{form}": "AAAA", "text/plain": f"[image, image/{form}, 3 bytes]"}]
    assert answer.output == f"[image, image/{form}, 3 bytes]"


async def test_keys_that_a_server_was_given_do_not_come_back(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("A_KEY", "very-private-9")
    monkeypatch.setenv("UNRELATED_KEY", "of somebody else")
    env = {"SHOP_KEY": "${A_KEY}"}
    async with toolset(bad=bad("tells", env=env), all=everything(env=env)) as tools:
        assert (await result(tools, "bad_keys")).output == "my key is …"
        with pytest.raises(ToolError, match="cannot with …"):
            await result(tools, "bad_fails")
        told = json.dumps((await result(tools, "all_get-env")).output)
        assert "SHOP_KEY" in told
        assert "very-private-9" not in told
        assert "UNRELATED_KEY" not in told, "a server gets the variables of its entry, not the whole environment"


# ---- their list changes ------------------------------------------------------------------------------------


async def until(tools: McpToolset, name: str) -> None:
    deadline = time.monotonic() + 10
    while name not in tools.tools():
        assert time.monotonic() < deadline, f"{name} was never listed"
        await asyncio.sleep(0.02)


async def test_a_list_that_changes_is_read_anew():
    async with toolset(bad=bad("changes")) as tools:
        await result(tools, "bad_grow")
        await until(tools, "bad_grown")
        assert "bad_grow" not in tools.tools()
        assert (await result(tools, "bad_grown")).output == "grown done"


async def test_a_list_that_changes_is_read_anew_in_the_newest_protocol():
    async with toolset(
        new={"command": sys.executable, "args": [str(REPOSITORY / "tests" / "growing_mcp.py")]}
    ) as tools:
        assert list(tools.tools()) == ["new_grow"]
        await result(tools, "new_grow")
        await until(tools, "new_grown")


# ---- over HTTP ---------------------------------------------------------------------------------------------


class HttpServer:
    """server-everything over streamable HTTP, on a port of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(NODE_BIN / "mcp-server-everything"), "streamableHttp"]
        env = {"PATH": os.environ["PATH"], "PORT": str(self.port)}
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("server-everything did not listen")

    def stop(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


async def test_over_http_it_is_the_same_and_a_restart_goes_unnoticed():
    server = HttpServer()
    server.start()
    try:
        async with toolset(web={"url": server.url}) as tools:
            assert (await result(tools, "web_get-sum", a=2, b=3)).output == "The sum of 2 and 3 is 5."
            *passing, _ = await outputs(tools, "web_trigger-long-running-operation", duration=1, steps=2)
            assert passing[-1].output == "2 of 2"
            server.stop()
            server.start()  # which knows nothing of our session
            assert (await result(tools, "web_echo", message="again")).output == "Echo: again"
            server.stop()
            with pytest.raises(ToolError, match=f"MCP server 'web' .* nothing answers at {server.url}"):
                await result(tools, "web_echo", message="gone")
            assert tools.status()["web"]["status"] == "lost"
            server.start()
            assert (await result(tools, "web_echo", message="back")).output == "Echo: back"
    finally:
        server.stop()


async def test_over_http_nobody_is_there():
    async with toolset(web={"url": f"http://127.0.0.1:{free_port()}/mcp?key=private-key-1"}) as tools:
        (trouble,) = tools.troubles()
        assert "MCP server 'web'" in trouble
        assert "nothing answers at http://127.0.0.1" in trouble
        assert "private-key-1" not in trouble
        assert tools.tools() == {}
