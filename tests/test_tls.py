"""Redis and RabbitMQ over TLS: who is not certified by somebody trusted is not talked to."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from copilot_widget.errors import LogError
from copilot_widget.runs.amqp import AmqpBell
from copilot_widget.runs.base import Commit
from copilot_widget.runs.redis import RedisLog
from tests.contract.logs import ask
from tests.ports import free_port
from tests.servers import RabbitServer, RedisServer


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority (ca.pem), a server that it has certified (server.pem, server.key), and a stranger (other.pem)."""
    folder = tmp_path_factory.mktemp("certificates")
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    for name, subject in (("ca", ["-subj", "/CN=authority"]), ("other", ["-subj", "/CN=stranger"])):
        new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
        _run(folder, *new, "-keyout", f"{name}.key", "-out", f"{name}.pem")
    _run(
        folder, "openssl", "req", "-newkey", "rsa:2048", "-nodes", *names, "-keyout", "server.key", "-out", "server.csr"
    )
    sign = ["openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
    _run(folder, *sign, "-copy_extensions", "copy", "-days", "2", "-out", "server.pem")
    for file in folder.iterdir():
        file.chmod(0o644)
    return folder


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def redis(certificates: Path) -> Iterator[str]:
    port = free_port()
    files = [f"--tls-{what}-file" for what in ("cert", "key", "ca-cert")]
    paths = [str(certificates / name) for name in ("server.pem", "server.key", "ca.pem")]
    options = [piece for pair in zip(files, paths, strict=True) for piece in pair]
    with RedisServer("--tls-port", str(port), "--tls-auth-clients", "no", *options):
        yield f"rediss://127.0.0.1:{port}/0"


@pytest.fixture(scope="module")
def rabbit(certificates: Path) -> Iterator[str]:
    port = free_port()
    server = RabbitServer()
    for name in ("ca.pem", "server.pem", "server.key"):
        shutil.copy(certificates / name, server.folder / name)
    lines = [
        f"listeners.ssl.1 = 127.0.0.1:{port}",
        f"ssl_options.cacertfile = {server.folder}/ca.pem",
        f"ssl_options.certfile = {server.folder}/server.pem",
        f"ssl_options.keyfile = {server.folder}/server.key",
        "ssl_options.verify = verify_none",
    ]
    (server.folder / "rabbitmq.conf").write_text("\n".join(lines))
    with server:
        yield f"amqps://guest:guest@127.0.0.1:{port}/"


async def test_a_run_goes_over_tls(redis: str, rabbit: str, certificates: Path):
    log = RedisLog(f"{redis}?ssl_ca_certs={certificates}/ca.pem")
    bell = AmqpBell(f"{rabbit}?cafile={certificates}/ca.pem")
    await log.check()
    await bell.check()
    await log.create(ask("r"), key="k")
    await bell.ring(["r"])
    rings = bell.rings(1)
    ring = await asyncio.wait_for(anext(rings), 10)
    claim = await log.claim(ring.run, "w")
    assert claim is not None
    await log.append("r", claim.fence, 1, [{"type": "finish"}], commit=Commit("completed"))
    assert [event["chunk"]["type"] async for event in log.read("r")] == ["finish"]
    assert log.renew({"r": claim.fence}) == {}
    await ring.done()
    await rings.aclose()  # type: ignore[attr-defined]
    await bell.close()
    await log.close()


@pytest.mark.parametrize("authority", ["other.pem", ""])
async def test_a_server_that_nobody_trusted_has_certified_gets_nothing(
    redis: str, rabbit: str, certificates: Path, authority: str
):
    log = RedisLog(f"{redis}?ssl_ca_certs={certificates}/{authority}" if authority else redis)
    bell = AmqpBell(f"{rabbit}?cafile={certificates}/{authority}" if authority else rabbit)
    for call in (log.check(), bell.check()):
        with pytest.raises(LogError) as caught:
            await call
        assert caught.value.code == "unavailable"
        assert "certificate" in str(caught.value).lower()
        assert "guest:guest" not in str(caught.value)
    await log.close()
