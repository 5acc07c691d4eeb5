"""The `mcpServers` of files and dicts: what is taken, and what is said of mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from copilot_widget import Copilot
from copilot_widget.errors import UsageError
from copilot_widget.tools.mcp.config import McpConfig, read_servers


def one(monkeypatch: pytest.MonkeyPatch | None = None, **fields: Any) -> McpConfig:
    return read_servers({"mcpServers": {"shop": fields}})[0]


def test_a_file_of_another_program_is_read_and_what_is_not_known_is_ignored(tmp_path: Path):
    path = tmp_path / "claude_desktop_config.json"
    servers = {
        "files": {"command": "npx", "args": ["-y", "server"], "env": {"A": "1"}, "cwd": "/srv", "type": "stdio"},
        "shop": {"url": "https://shop.example/mcp?key=k", "headers": {"X-A": "b"}, "alwaysAllow": ["x"], "timeout": 5},
        "off": {"command": "nothing", "disabled": True, "env": {"B": "${NOT_THERE_AT_ALL}"}},
    }
    path.write_text("\ufeff" + json.dumps({"theme": "dark", "mcpServers": servers}), encoding="utf-8")
    files, shop = read_servers(str(path))
    assert (files.command, files.args, files.env, files.cwd) == ("npx", ("-y", "server"), {"A": "1"}, "/srv")
    assert (files.timeout, files.connect_timeout, files.ask_always) == (60, 30, False)
    assert (shop.url, shop.headers, shop.timeout) == ("https://shop.example/mcp?key=k", {"X-A": "b"}, 5)
    assert shop.place == "https://shop.example/mcp"


@pytest.mark.parametrize("key", ["mcpServers", "mcp_servers", "servers"])
def test_the_keys_that_programs_use(key: str):
    assert [server.name for server in read_servers({key: {"a": {"command": "b"}}})] == ["a"]


def test_a_list_of_files_and_dicts_is_all_of_them(tmp_path: Path):
    path = tmp_path / "mcp.json"
    path.write_text(json.dumps({"mcpServers": {"a": {"command": "a"}}}))
    given = [path, {"mcpServers": {"b": {"command": "b"}}}, None]
    assert [server.name for server in read_servers(given)] == ["a", "b"]


def test_variables_are_filled_in_wherever_a_key_may_stand(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHOP_TOKEN", "s3cr3t-value")
    monkeypatch.setenv("SHOP_HOST", "shop.example")
    given = {
        "headers": {"Authorization": "Bearer ${env:SHOP_TOKEN}", "X-Region": "${REGION:-eu}"},
        "url": "https://${SHOP_HOST}/mcp?t=${SHOP_TOKEN}",
    }
    shop = one(**given)
    assert shop.headers == {"Authorization": "Bearer s3cr3t-value", "X-Region": "eu"}
    assert shop.url == "https://shop.example/mcp?t=s3cr3t-value"
    assert "s3cr3t-value" in shop.secrets
    assert "s3cr3t" not in repr(shop) + shop.place
    local = one(command="run", args=["--key", "${SHOP_TOKEN}", "$HOME"], env={"TOKEN": "${SHOP_TOKEN}"})
    assert local.args == ("--key", "s3cr3t-value", "$HOME")
    assert local.env == {"TOKEN": "s3cr3t-value"}
    assert "s3cr3t" not in repr(local) + local.place


def test_a_variable_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SHOP_TOKEN", raising=False)
    with pytest.raises(UsageError, match=r"server 'shop': \"env.TOKEN\" needs .* SHOP_TOKEN") as raised:
        one(command="run", env={"TOKEN": "${SHOP_TOKEN}"})
    assert "disabled" in raised.value.hint


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"command": 1}, '"command" must be a text, not a number'),
        ({"command": "a", "args": "b"}, '"args" must be a list of texts, not a text'),
        ({"command": "a", "args": ["b", 2]}, r'"args\[1\]" must be a text, not a number'),
        ({"command": "a", "env": ["K=v"]}, '"env" must be an object of texts, not a list'),
        ({"command": "a", "env": {"PORT": 80}}, '"env.PORT" must be a text, not a number'),
        ({"command": "a", "timeout": 0}, '"timeout" must be a number of seconds above 0'),
        ({"command": "a", "timeout": True}, '"timeout" must be a number of seconds above 0, not true or false'),
        ({"command": "a", "disabled": "yes"}, '"disabled" must be true or false, not a text'),
        ({"command": "a", "approve": "never"}, '"approve" must be "always" or "hints"'),
        ({"url": "ftp://a"}, '"url" must begin with http'),
        ({"url": "http://"}, '"url" is no address'),
        ({"url": "http://a:port/"}, '"url" is no address'),
        ({"url": "http://a", "type": "sse"}, "given up"),
        ({"url": "http://a", "headers": {"X": "a\nb"}}, "line break"),
        ({"command": "a", "args": ["${input:key}"]}, "only an editor asks for"),
        ({}, 'neither "command" nor "url"'),
        ({"command": "a", "url": "http://a"}, 'both "command" and "url"'),
    ],
)
def test_a_mistake_is_told_with_server_and_field_and_without_the_value(fields: dict[str, Any], said: str):
    with pytest.raises(UsageError, match=said) as raised:
        one(**fields)
    assert raised.value.message.startswith("mcp=: server 'shop': ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"mcpServers": {"a": {}},}', "not valid JSON: .* line 1, column"),
        ('{"servers": []}', '"servers" must be an object'),
        ('{"other": {}}', 'no "mcpServers"'),
        ("[]", "must be an object"),
        ('{"mcpServers": {"a": []}}', "server 'a': must be an object, not a list"),
        ('{"mcpServers": {" ": {"command": "a"}}}', "a server's name"),
    ],
)
def test_a_mistake_in_a_file_names_the_file(tmp_path: Path, text: str, said: str):
    path = tmp_path / "mcp.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=said) as raised:
        read_servers(path)
    assert str(path) in raised.value.message


def test_a_file_that_is_not_there_and_two_servers_of_one_name(tmp_path: Path):
    with pytest.raises(UsageError, match=r"gone.json cannot be read: No such file"):
        read_servers(tmp_path / "gone.json")
    twice = {"mcpServers": {"a": {"command": "a"}}}
    with pytest.raises(UsageError, match="Two MCP servers are named 'a'"):
        read_servers([twice, twice])
    with pytest.raises(UsageError, match="mcp is a number"):
        Copilot("demo", mcp=7)  # type: ignore[arg-type]
