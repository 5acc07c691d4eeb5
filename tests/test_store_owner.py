"""Whose conversations and runs a process's are: the same person's, wherever its runs are executed."""

from __future__ import annotations

from pathlib import Path

import pytest

from copilot_widget.keeping import Keeping
from copilot_widget.runs.executor import LogExecutor
from copilot_widget.runs.places import open_place
from copilot_widget.store import MemoryStore

POSTGRES = {"COPILOT_STORE": "postgresql://u:p@127.0.0.1:9/db"}
SERVICE = {"COPILOT_STORE": "", "COPILOT_SERVICE_URL": "https://service"}
OWN_FILE = {"COPILOT_STORE": ""}


@pytest.mark.parametrize(
    ("env", "place", "owner"),
    [
        (OWN_FILE, "process", "local"),
        (POSTGRES, "process", "ann"),
        (SERVICE, "process", "ann"),
        (POSTGRES, "amqp://nowhere", "ann"),
        (OWN_FILE, "amqp://nowhere", "ann"),
    ],
)
async def test_an_executors_owner_is_the_conversations(
    env: dict[str, str], place: str, owner: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    for name in ("COPILOT_OWNER", "COPILOT_SERVICE_URL", "COPILOT_REDIS"):
        monkeypatch.delenv(name, raising=False)
    if place != "process":
        env = {**env, "COPILOT_REDIS": "redis://127.0.0.1:9/0"}
    for name, value in {**env, "JUPYTERHUB_USER": "ann", "JUPYTER_DATA_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    executor = open_place(place, MemoryStore)
    assert isinstance(executor, LogExecutor)
    assert executor.owner == owner
    assert Keeping(None, print).owner == owner
    assert open_place(place, MemoryStore) is executor
    monkeypatch.setenv("JUPYTERHUB_USER", "bob")
    other = open_place(place, MemoryStore)
    assert isinstance(other, LogExecutor)
    assert other.owner == (owner if owner == "local" else "bob")
