"""The `mcpServers` of a JSON file or a dict, checked: how each server is reached, and what it may cost.

    {"mcpServers": {"files": {"command": "npx", "args": ["-y", "…"], "env": {"TOKEN": "${FILES_TOKEN}"}},
                    "shop":  {"url": "https://…/mcp", "headers": {"Authorization": "Bearer ${SHOP_TOKEN}"}}}}

It is the form that other programs write, so fields that are not known here are theirs and are ignored. A field of the
wrong type is a mistake, and is named. Values that were filled in may be keys: no error here shows one.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Union, cast
from urllib.parse import urlsplit

from ...errors import UsageError
from ..kinds import is_a

McpGiven = Union[str, "os.PathLike[str]", Mapping[str, Any], Sequence[Any], None]
"""A path of a JSON file, a dict of the same form, or a list of these."""

CALL_SECONDS = 60.0
CONNECT_SECONDS = 30.0

_KEYS = ("mcpServers", "mcp_servers", "servers")
_VARIABLE = re.compile(r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_ASKED_FOR = re.compile(r"\$\{input:[^}]*\}")
_SECRET_NAME = re.compile(r"key|token|secret|passw|pwd|auth|credential|cookie|bearer|(?:^|_)pat(?:$|_)", re.IGNORECASE)


@dataclass(frozen=True)
class McpConfig:
    """One server. What may hold a key is not in its repr."""

    name: str
    command: str = ""
    args: tuple[str, ...] = field(default=(), repr=False)
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    cwd: str | None = None
    url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    timeout: float = CALL_SECONDS
    """Seconds without an answer or a sign of progress after which a call is given up."""
    connect_timeout: float = CONNECT_SECONDS
    ask_always: bool = False
    """Ask before each call, also of a tool that says that it only reads."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Values that must not be shown, whoever says them."""

    @property
    def place(self) -> str:
        """Where it is, in words without arguments or query, either of which may hold a key."""
        if self.command:
            return self.command
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"


def read_servers(given: McpGiven) -> list[McpConfig]:
    """All servers that are not disabled. Raises UsageError for what cannot be."""
    found = _all(given, "mcp=")
    seen: set[str] = set()
    for config in found:
        if config.name in seen:
            raise UsageError(f"Two MCP servers are named {config.name!r}.", hint="Rename one, or leave it out.")
        seen.add(config.name)
    return found


def _all(given: Any, where: str) -> list[McpConfig]:
    if given is None:
        return []
    if is_a(given, str, os.PathLike):
        path = Path(given).expanduser()
        return _of_document(_load(path), str(path))
    if isinstance(given, Mapping):
        return _of_document(cast("Any", given), where)
    if isinstance(given, Sequence) and not isinstance(given, (bytes, bytearray)):
        items = list(cast("Sequence[Any]", given))
        return [config for number, item in enumerate(items) for config in _all(item, f"mcp[{number}]")]
    raise UsageError(
        f"mcp is {_kind(given)}.", hint='Give the path of a JSON file with "mcpServers", a dict like it, or a list.'
    )


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"The MCP servers of {path} cannot be read: {error.strerror or error}.") from None
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{path} is not valid JSON: {error.msg}, in line {error.lineno}, column {error.colno}.",
            hint="JSON has neither comments nor commas after the last item.",
        ) from None
    except (UnicodeDecodeError, RecursionError):
        raise UsageError(f"{path} is not a JSON file in UTF-8.") from None


def _of_document(document: Any, where: str) -> list[McpConfig]:
    if not isinstance(document, Mapping):
        raise UsageError(f'{where}: must be an object with "mcpServers", not {_kind(document)}.')
    known = cast("Mapping[str, Any]", document)
    key = next((key for key in _KEYS if key in known), None)
    if key is None:
        raise UsageError(f'{where}: has no "mcpServers".', hint='Write {"mcpServers": {"name": {"command": "…"}}}.')
    servers = known[key]
    if not isinstance(servers, Mapping):
        raise UsageError(f'{where}: "{key}" must be an object of servers by name, not {_kind(servers)}.')
    entries = [_Entry(where, name, entry) for name, entry in cast("Mapping[Any, Any]", servers).items()]
    return [entry.config() for entry in entries if not entry.flag("disabled")]


class _Entry:
    """One server's fields; each reader says which file, server and field was wrong."""

    def __init__(self, where: str, name: Any, fields: Any) -> None:
        if not isinstance(name, str) or not name.strip():
            raise UsageError(f"{where}: a server's name must be a text, not {_kind(name)}.")
        self._at = f"{where}: server {name!r}"
        if not isinstance(fields, Mapping):
            raise UsageError(f"{self._at}: must be an object, not {_kind(fields)}.")
        self._name = name
        self._fields = cast("Mapping[str, Any]", fields)
        self._secrets: list[str] = []

    def config(self) -> McpConfig:
        command, url = self._text("command"), self._text("url")
        self._check_transport(command, url)
        return McpConfig(
            name=self._name,
            command=command,
            args=self._texts("args"),
            env=self._table("env"),
            cwd=os.path.expanduser(self._text("cwd")) or None,  # noqa: PTH111 - "" stays ""
            url=url,
            headers=self._table("headers"),
            timeout=self._seconds("timeout", CALL_SECONDS),
            connect_timeout=self._seconds("connectTimeout", CONNECT_SECONDS),
            ask_always=self._approve(),
            secrets=tuple(sorted(set(self._secrets), key=len, reverse=True)),
        )

    def flag(self, name: str) -> bool:
        value = self._fields.get(name, False)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false", value)
        return value

    def _check_transport(self, command: str, url: str) -> None:
        if bool(command) == bool(url):
            which = "both" if command else "neither"
            raise UsageError(
                f'{self._at}: has {which} "command" {"and" if command else "nor"} "url".',
                hint='Give "command" for a program of this machine, or "url" for a server that runs already.',
            )
        if self._fields.get("type") == "sse":
            raise UsageError(
                f'{self._at}: "type" is "sse", a transport that MCP has given up.',
                hint='Give the server\'s address for streamable HTTP (often …/mcp), and "type": "http".',
            )
        if url and urlsplit(url).scheme not in ("http", "https"):
            raise UsageError(f'{self._at}: "url" must begin with http:// or https://.')
        if url:
            self._check_address(url)

    def _check_address(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            _, password = parts.port, parts.password
            good = bool(parts.hostname)
        except ValueError:  # a port that is no number
            good, password = False, None
        if not good:
            raise UsageError(f'{self._at}: "url" is no address with a host.')
        self._secrets += [password] if password else []

    def _approve(self) -> bool:
        value = self._fields.get("approve", "hints")
        if value not in ("hints", "always"):
            raise self._wrong("approve", '"always" or "hints"', value)
        return value == "always"

    # ---- readers of one field ----------------------------------------------------------------------------

    def _text(self, name: str) -> str:
        value = self._fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._wrong(name, "a text", value)
        return self._filled(value, name)

    def _texts(self, name: str) -> tuple[str, ...]:
        value = self._fields.get(name)
        if value is None:
            return ()
        if not isinstance(value, (list, tuple)):
            raise self._wrong(name, "a list of texts", value)
        items = list(cast("Sequence[Any]", value))
        for number, item in enumerate(items):
            if not isinstance(item, str):
                raise self._wrong(f"{name}[{number}]", "a text", item)
        return tuple(self._filled(item, name) for item in items)

    def _table(self, name: str) -> dict[str, str]:
        value = self._fields.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self._wrong(name, "an object of texts", value)
        result: dict[str, str] = {}
        for key, item in cast("Mapping[Any, Any]", value).items():
            if not isinstance(key, str) or not isinstance(item, str):
                raise self._wrong(f"{name}.{key}", "a text", item)
            result[key] = self._filled(item, f"{name}.{key}")
            if name == "headers" and not result[key].isprintable():
                raise UsageError(f'{self._at}: "{name}.{key}" holds a line break or a control character.')
            if _SECRET_NAME.search(key):
                self._secrets += [result[key], result[key].rpartition(" ")[2]]  # also without its "Bearer "
        return result

    def _seconds(self, name: str, default: float) -> float:
        value = self._fields.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
            raise self._wrong(name, "a number of seconds above 0", value)
        return float(value)

    def _filled(self, text: str, name: str) -> str:
        """`text` with the environment's values in place of ${VAR}, ${env:VAR} and ${VAR:-default}."""
        if _ASKED_FOR.search(text):
            raise UsageError(
                f'{self._at}: "{name}" waits for a ${{input:…}}, which only an editor asks for.',
                hint="Set an environment variable, and write ${ITS_NAME} there.",
            )

        def value(found: re.Match[str]) -> str:
            variable, default = found.group(1), found.group(2)
            filled = os.environ.get(variable) or default
            if filled is None:
                raise UsageError(
                    f'{self._at}: "{name}" needs the environment variable {variable}, which is not set.',
                    hint=f'Set {variable} before the Copilot is made, or give the server "disabled": true.',
                )
            if _SECRET_NAME.search(variable):
                self._secrets.append(filled)
            return filled

        return _VARIABLE.sub(value, text)

    def _wrong(self, name: str, wanted: str, value: Any) -> UsageError:
        return UsageError(f'{self._at}: "{name}" must be {wanted}, not {_kind(value)}.')


def _kind(value: Any) -> str:
    """The kind of a value in words: the value itself may be a key."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number" if math.isfinite(value) and value > 0 else "a number that is not above 0"
    if isinstance(value, str):
        return "a text" if value else "an empty text"
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, (list, tuple)) else f"a {type(value).__name__}"


__all__ = ["CALL_SECONDS", "CONNECT_SECONDS", "McpConfig", "McpGiven", "read_servers"]
