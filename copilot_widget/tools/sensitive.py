"""What looks like a secret by its name: files, and variables of the environment.

A name is only a hint. It decides what a model gets to see unasked, not what code that the user allows can reach.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import cast

from ..errors import redact
from ..models.base import Json

_FOLDERS = frozenset({".ssh", ".aws", ".gnupg", ".kube", ".docker", ".azure", "gcloud"})
_FILES = (
    ".env", ".env.*", "*.env", ".envrc", ".netrc", "_netrc", ".pgpass", ".my.cnf", ".git-credentials", ".npmrc",
    ".pypirc", ".htpasswd", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk", "id_rsa*",
    "id_dsa*", "id_ecdsa*", "id_ed25519*", "credentials", "credentials.*", "*credentials.json", "secrets.*",
    "*secret.json", "client_secret*", "*service-account*.json", "*service_account*.json", "token.json",
    "tokens.json", "kernel-*.json", "jpserver-*.json", "jupyter_cookie_secret",
)  # fmt: skip
_HARMLESS = ("*.pub", "*.example", "*.sample", "*.template", "*.md")

_VARIABLE = re.compile(
    r"(?:^|_)(?:API_?KEYS?|(?:ACCESS|PRIVATE|SECRET|SIGNING|ENCRYPTION|AUTH|ACCOUNT|STORAGE)_KEY(?:_ID)?|TOKENS?|PAT)(?:_|$)"
    r"|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|APIKEY",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"://[^/\s:@]*:[^/\s@]+@")  # user:password in a URL


def is_secret_file(parts: Iterable[str]) -> bool:
    """Whether a path's names look like those of a file that holds keys or passwords."""
    *folders, name = [part.casefold() for part in parts] or [""]
    if not _FOLDERS.isdisjoint(folders):
        return True
    if any(fnmatchcase(name, pattern) for pattern in _HARMLESS):
        return False
    return any(fnmatchcase(name, pattern) for pattern in _FILES)


def is_secret_name(name: str) -> bool:
    """Whether a variable's or a field's name says that it holds a key or a password."""
    return bool(_VARIABLE.search(name))


HIDDEN = "hidden: its name says it is a secret"
_RANDOM = re.compile(r"(?=.*\d).{8,}|\S{24,}", re.DOTALL)


def without_secret_values(value: Json) -> Json:
    """JSON without texts whose key says that they are secret, or that look like keys themselves.

    What is only called a token must also look like one: tables of words have such columns.
    """
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [without_secret_values(item) for item in cast("list[Json]", value)]
    if not isinstance(value, dict):
        return value
    items = cast("dict[str, Json]", value).items()
    return {name: HIDDEN if _is_secret(name, item) else without_secret_values(item) for name, item in items}


def _is_secret(name: str, item: Json) -> bool:
    if not isinstance(item, str) or item == HIDDEN or not is_secret_name(name):
        return False
    return "token" not in name.lower() or bool(_RANDOM.match(item))


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without variables whose name, or login in a URL, looks like a secret."""
    return {
        name: value for name, value in environment.items() if not _VARIABLE.search(name) and not _LOGIN.search(value)
    }


__all__ = ["HIDDEN", "is_secret_file", "is_secret_name", "without_secret_values", "without_secrets"]
