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

_FOLDERS = frozenset({
    ".ssh", ".aws", ".gnupg", ".kube", ".docker", ".azure", "gcloud", ".oci", ".kaggle", ".snowflake", ".snowsql",
})  # fmt: skip
_FILES = (
    ".env", ".env.*", "*.env", ".envrc", ".netrc", "_netrc", ".pgpass", ".my.cnf", ".git-credentials", ".npmrc",
    ".pypirc", ".htpasswd", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk", "id_rsa*",
    "id_dsa*", "id_ecdsa*", "id_ed25519*", "credentials", "credentials.*", "*credentials.json", "secrets.*",
    "*secret.json", "client_secret*", "*service-account*.json", "*service_account*.json", "token.json",
    "tokens.json", "kernel-*.json", "jpserver-*.json", "jupyter_cookie_secret",
    "token", "*.token", "*_token", "stored_tokens", ".vault-token", "*apikey", "api_key", "api_key.*", "auth.json",
    "auth.toml", "*oauth_creds.json", "hosts.yml", "*.tfvars", "*.tfstate",
    # of what data is fetched from or kept in: Kaggle, Databricks, dbt, Snowflake, S3, Google, rclone, databases,
    "kaggle.json", ".databrickscfg", "profiles.yml", "connections.toml", ".s3cfg", ".boto", ".passwd-s3fs",
    "rclone.conf", ".pg_service.conf", "pg_service.conf", ".mylogin.cnf", "odbc.ini", ".odbc.ini", ".renviron",
    # climate and satellite services, trackers of experiments, clouds for models
    ".cdsapirc", ".ecmwfapirc", ".planet.json", ".comet.config", "clearml.conf", ".modal.toml",
)  # fmt: skip
_HARMLESS = ("*.pub", "*.example", "*.sample", "*.template", "*.md")

_VARIABLE = re.compile(
    r"(?:^|[_'\"])(?:API_?KEYS?|(?:ACCESS|PRIVATE|SECRET|SIGNING|ENCRYPTION|AUTH|ACCOUNT|STORAGE)_KEY(?:_ID)?|TOKENS?|PAT)"
    r"(?:[_'\"]|$)|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|APIKEY",  # a quote: a key of bytes, as b'API_KEY'
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
_NAMED = re.compile(r"\b(\w+)['\"]?\s{0,3}[:=]\s{0,3}b?('|\")")
"""In a repr or in code: a name, and the quote that begins its value."""
_QUOTED = {quote: re.compile(rf"(?:[^{quote}\\\n]|\\.)*") for quote in ("'", '"')}


def without_secret_values(value: Json) -> Json:
    """JSON without texts whose key says that they are secret, or that look like keys themselves.

    What is only called a token must also look like one: tables of words have such columns.
    """
    if isinstance(value, str):
        return redact(_without_named(value))
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


def _without_named(text: str) -> str:
    """`text` without the quoted values that stand after names of secrets, as in the repr of a mapping."""
    result: list[str] = []
    end = 0
    for found in _NAMED.finditer(text):
        if found.start() < end or not is_secret_name(found[1]):
            continue
        value = _QUOTED[found[2]].match(text, found.end())
        if value is not None and _is_secret(found[1], value[0]):
            result += (text[end : found.end()], "…")
            end = value.end()
    return "".join([*result, text[end:]])


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without variables whose name, or login in a URL, looks like a secret."""
    return {
        name: value for name, value in environment.items() if not _VARIABLE.search(name) and not _LOGIN.search(value)
    }


__all__ = ["HIDDEN", "is_secret_file", "is_secret_name", "without_secret_values", "without_secrets"]
