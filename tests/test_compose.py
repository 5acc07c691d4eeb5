"""compose.yaml: what it starts works, without containers, by its own commands, variables and health checks."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from .serving import ROOT, Client, chat_body
from .topology import FILE, RefusedError, Topology, interpolate, services

DOCUMENT = ROOT / "docs" / "scale-out.md"
CREDENTIALS = {
    "RABBITMQ_PASSWORD": secrets.token_hex(12),
    "REDIS_PASSWORD": secrets.token_hex(12),
    "POSTGRES_PASSWORD": secrets.token_hex(12),
    "COPILOT_SERVE_TOKENS": "ann=token-of-ann,bob=token-of-bob",
}


async def test_a_run_goes_through_and_survives_its_worker(tmp_path: Path):
    variables = {**CREDENTIALS, "COPILOT_APP": "tests.serve_app:copilot"}
    with Topology(tmp_path / "site", variables) as site:
        [server], workers = site.containers["serve"], site.containers["worker"]
        assert len(workers) == 2
        client = Client(server.here("http://127.0.0.1:8000"), "token-of-ann")
        assert (await client.ask("hello", "first")).text == "hello"

        async with client.stream("POST", "/api/chat", json=chat_body("count 150", "second")) as stream:
            await stream.read(20)
            info = (await client.http.get(f"/api/runs/{stream.run}")).json()
            [killed] = [each for each in workers if f"worker {info['worker']}:" in each.output()]
            killed.kill()
            await stream.read()
        assert stream.text.split() == [str(n) for n in range(150)]
        assert stream.done
        assert stream.ids == list(range(1, len(stream.ids) + 1))
        after = (await client.http.get(f"/api/runs/{stream.run}")).json()
        assert (after["status"], after["attempt"]) == ("completed", 2)
        assert after["worker"] != info["worker"]

        [postgres] = site.containers["postgres"]
        url = f"postgresql://copilot:{CREDENTIALS['POSTGRES_PASSWORD']}@127.0.0.1:{postgres.ports['5432']}/copilot"
        with psycopg.connect(url) as database:
            rows = database.execute("select owner, thread, last from copilot_threads order by thread").fetchall()
        assert rows == [("ann", "first", 2), ("ann", "second", 2)]

        metrics = (await client.http.get("/metrics")).text
        assert "copilot_serve_chats_total 2.0" in metrics
        for container in [server, *workers]:
            for secret in CREDENTIALS.values():
                assert secret not in container.output()
            assert "token-of" not in container.output()
            assert "Traceback" not in container.output()
            if container is not killed:
                container.process.terminate()
                assert container.process.wait(60) == 0


def test_nothing_starts_without_its_credentials():
    assert services(CREDENTIALS)
    for name in CREDENTIALS:
        with pytest.raises(RefusedError, match=name):
            services({**CREDENTIALS, name: ""})


def test_no_credential_is_written_in_the_file():
    for name, service in yaml.safe_load(FILE.read_text())["services"].items():
        for variable, value in service["environment"].items():
            if re.search("PASS|TOKEN|KEY|AUTH|AMQP|REDIS$|STORE", variable):
                assert value is None or "${" in value, f"{name}: {variable}"
    for service in services({name: f"value-of-{name}" for name in CREDENTIALS}).values():
        assert "value-of" not in str(service["command"])  # which everybody on the machine can read


def test_data_is_kept_in_volumes():
    content: Any = yaml.safe_load(FILE.read_text())
    named = {volume.partition(":")[0] for each in content["services"].values() for volume in each.get("volumes", [])}
    assert named == set(content["volumes"]) == {"rabbitmq", "redis", "postgres"}
    assert "--appendonly yes" in str(content["services"]["redis"]["command"])


def test_what_is_interpolated_is_what_compose_would():
    variables = {"A": "a", "EMPTY": ""}
    assert interpolate("${A} $$A ${B:-b} ${EMPTY:-} ${EMPTY:-e} ${B}", variables) == "a $A b  e "
    with pytest.raises(RefusedError):
        interpolate({"x": ["${EMPTY:?}"]}, variables)


def test_every_variable_of_ours_is_explained_and_read():
    code = "".join(path.read_text() for path in (ROOT / "copilot_widget").rglob("*.py"))
    names = set(re.findall(r"\b(?:COPILOT|RABBITMQ|REDIS|POSTGRES)_[A-Z_]+\b", FILE.read_text()))
    documented = set(re.findall(r"`([A-Z_]+)`", DOCUMENT.read_text()))
    own = {name for name in names if name.startswith("COPILOT_") and name != "COPILOT_PUBLISH"}
    assert own
    assert [name for name in sorted(own) if f'"{name}"' not in code] == []
    given = own | set(CREDENTIALS) | {"COPILOT_PUBLISH"}
    assert sorted(given - documented) == []


def test_the_image_is_made_of_what_there_is():
    text = (ROOT / "Dockerfile").read_text()
    extras = re.search(r"copilot-widget\[([\w,]+)\]", text)
    offered = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert extras is not None
    assert set(extras[1].split(",")) <= set(offered)
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert [name for name in allowed if not (ROOT / name).exists()] == []
    for name in ("README.md", "LICENSE", "CHANGELOG.md", "js", "hatch_build.py", "requirements/dev.txt"):
        assert name in allowed
