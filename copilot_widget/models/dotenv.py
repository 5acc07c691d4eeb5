"""The `.env` file of the working folder, as far as it is about models.

A notebook folder may be someone else's. So the file is only read for keys and COPILOT_MODEL; an address is taken only
together with a key of the same file, and not where another key is used (or the user's own key would be sent to an
address of somebody else's), and nothing is put into os.environ, which code in cells and child processes would see.
"""

from __future__ import annotations

import os
import re
from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path

from .providers import CLOUD

_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$")
_LIMIT = 100_000


def read_dotenv(folder: str | Path = ".") -> dict[str, str]:
    """What the `.env` file of `folder` says about models, {} where there is none."""
    path = Path(folder) / ".env"
    try:
        if not path.is_file():  # a pipe would keep us until somebody writes
            return {}
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_LIMIT)
    except OSError:
        return {}
    values = {match[1]: _unquoted(match[2]) for match in map(_LINE.match, text.split("\n")) if match}
    allowed = {"COPILOT_MODEL"}
    for provider in CLOUD:
        keys = [name for name in provider.variables if values.get(name)]
        allowed.update(keys)
        if keys:
            allowed.update(provider.base_variables)
    return {name: value for name, value in values.items() if name in allowed and value}


def environment(folder: str | Path = ".") -> Mapping[str, str]:
    """os.environ, live, before the `.env` file of `folder`.

    Where os.environ has a key of a provider, nothing of that provider is taken from the file: the file's addresses
    belong to the file's keys.
    """
    found = read_dotenv(folder)
    for provider in CLOUD:
        if any(os.environ.get(name) for name in provider.variables):
            for name in (*provider.variables, *provider.base_variables):
                found.pop(name, None)
    return ChainMap(os.environ, found) if found else os.environ


def without_addresses(env: Mapping[str, str]) -> Mapping[str, str]:
    """What `environment` gave, without the file's addresses: for a key that is not the file's."""
    if not isinstance(env, ChainMap):
        return env
    bases = {name for provider in CLOUD for name in provider.base_variables}
    return ChainMap(env.maps[0], {name: value for name, value in env.maps[1].items() if name not in bases})


def _unquoted(value: str) -> str:
    for quote in ('"', "'"):
        if len(value) >= 2 and value[0] == quote and quote in value[1:]:
            return value[1 : value.index(quote, 1)]
    return re.split(r"\s+#", value, maxsplit=1)[0].strip()


__all__ = ["environment", "read_dotenv", "without_addresses"]
