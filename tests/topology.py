"""compose.yaml without containers: each service's own command, environment and health check, as a process here.

Only what a container would give is put in its place: names of hosts and ports, folders of volumes, and the programs
of the images, which are Debian's.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql
from typing_extensions import Self

from .ports import free_port
from .servers import PostgresServer, RabbitServer, RedisServer, Server, die_with_parent
from .serving import COMMAND, ROOT

FILE = ROOT / "compose.yaml"
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?:(:[?-])([^}]*))?\})")


class RefusedError(Exception):
    """What `docker compose` would refuse to start."""


def interpolate(value: Any, variables: Mapping[str, str]) -> Any:
    """The value with `${NAME}`, `${NAME:?}`, `${NAME:-default}` and `$$` replaced, as compose does."""
    if isinstance(value, dict):
        return {key: interpolate(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [interpolate(each, variables) for each in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        name, operator, rest = match.groups()
        if name is None:
            return "$"
        if variables.get(name):
            return variables[name]
        if operator == ":?":
            raise RefusedError(f"{name} is not set")
        return rest or ""

    return _VARIABLE.sub(replace, value)


def services(variables: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The services of the file. Raises RefusedError."""
    return interpolate(yaml.safe_load(FILE.read_text())["services"], variables)


class Container:
    """One service's process."""

    def __init__(self, topology: Topology, name: str, number: int = 0) -> None:
        self.name = f"{name}-{number}"
        self.service = topology.services[name]
        self._topology = topology
        self._variables = topology.variables
        self.ports: dict[str, str] = {}
        for port in topology.ports_of(name):
            self.ports[port] = str(free_port())
        self.folder = topology.folder / self.name
        self.folder.mkdir()

    def here(self, text: str) -> str:
        """`text` with the hosts, ports and folders of this machine."""
        for name, others in self._topology.containers.items():
            for port, ours in others[0].ports.items():
                text = text.replace(f"{name}:{port}", f"127.0.0.1:{ours}")
        for port, ours in self.ports.items():
            text = re.sub(rf"\b{port}\b", ours, text)
        for volume in self.service.get("volumes", []):
            text = re.sub(rf"{re.escape(volume.partition(':')[2])}\b", str(self.folder), text)
        return text

    @property
    def command(self) -> list[str]:
        command = self.service["command"]
        return [self.here(each) for each in (shlex.split(command) if isinstance(command, str) else command)]

    @property
    def environment(self) -> dict[str, str]:
        """What the file gives it, and nothing else; a variable without a value is passed on where it is set."""
        given = self.service["environment"]
        passed = {name: self._variables.get(name) if value is None else value for name, value in given.items()}
        own = {name: self.here(value) for name, value in passed.items() if value is not None}
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), **own}

    def is_healthy(self) -> bool:
        kind, *words = [self.here(word) for word in self.service["healthcheck"]["test"]]
        assert kind in ("CMD", "CMD-SHELL")
        command = ["sh", "-c", words[0]] if kind == "CMD-SHELL" else self.program(words)
        seconds = float(self.service["healthcheck"]["timeout"].removesuffix("s"))
        with contextlib.suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                command, env=self.surroundings(), cwd=self.folder, capture_output=True, check=False, timeout=seconds
            )
            return done.returncode == 0
        return False

    def wait_healthy(self) -> None:
        until = time.monotonic() + 90
        while not self.is_healthy():
            assert time.monotonic() < until, f"{self.name} does not become healthy: {self.output()[-3000:]}"
            time.sleep(0.2)

    def program(self, words: list[str]) -> list[str]:
        """The command with this machine's program of that name."""
        return words

    def surroundings(self) -> dict[str, str]:
        return self.environment

    def start(self) -> None:
        raise NotImplementedError

    def output(self) -> str:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class Ours(Container):
    """`copilot-widget …`, from this checkout."""

    process: subprocess.Popen[bytes]

    def program(self, words: list[str]) -> list[str]:
        if words[0] == "python":
            return [sys.executable, *words[1:]]
        assert words[0] == "copilot-widget"
        return [*COMMAND, *words[1:]]

    def start(self) -> None:
        with (self.folder / "output").open("wb") as output:
            self.process = subprocess.Popen(
                self.program(self.command),
                env={**self.environment, "PYTHONPATH": str(ROOT)},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent,
            )

    def output(self) -> str:
        return (self.folder / "output").read_text(errors="replace")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def close(self) -> None:
        if self.process.poll() is None:
            self.kill()


class Theirs(Container):
    """A server of somebody else: `make` makes it of what the tests know of Debian's package."""

    def __init__(self, topology: Topology, name: str, number: int = 0) -> None:
        super().__init__(topology, name, number)
        self.server = self.make()
        [self.server.port] = map(int, self.ports.values())

    def make(self) -> Server:
        raise NotImplementedError

    def start(self) -> None:
        self.server._command = lambda: self.program(self.command)  # type: ignore[method-assign]
        self.server._environment = self.surroundings  # type: ignore[method-assign]
        self.server.start()

    def output(self) -> str:
        return self.server.output()

    def close(self) -> None:
        self.server.close()


class Redis(Theirs):
    def make(self) -> Server:
        return RedisServer(password=self.environment["REDISCLI_AUTH"])


class Rabbit(Theirs):
    def make(self) -> Server:
        return RabbitServer()

    def program(self, words: list[str]) -> list[str]:
        return [f"/usr/lib/rabbitmq/bin/{words[0]}", *words[1:]]

    def surroundings(self) -> dict[str, str]:
        """A node of its own, beside those of other tests; a container needs none of that."""
        node = RabbitServer._environment(self.server)  # type: ignore[arg-type]
        names = [name for name in node if name.startswith(("RABBITMQ_", "ERL_")) or name == "HOME"]
        return {**self.environment, **{name: node[name] for name in names}, "RABBITMQ_NODE_PORT": str(self.server.port)}


class Postgres(Theirs):
    def make(self) -> Server:
        return PostgresServer()

    def program(self, words: list[str]) -> list[str]:
        if words[0] != "postgres":
            return words
        return [*PostgresServer._command(self.server), *words[1:]]  # type: ignore[arg-type]

    def start(self) -> None:
        """As the image does: the user, its password and the database come from the environment."""
        super().start()
        given = {
            name: sql.Identifier(value) for name, value in self.environment.items() if name.startswith("POSTGRES_")
        }
        password = sql.Literal(self.environment["POSTGRES_PASSWORD"])
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            user = given["POSTGRES_USER"]
            connection.execute(sql.SQL("alter role {} login password {}").format(user, password))
            connection.execute(sql.SQL("create database {} owner {}").format(given["POSTGRES_DB"], user))


KINDS: dict[str, type[Container]] = {
    "serve": Ours,
    "worker": Ours,
    "rabbitmq": Rabbit,
    "redis": Redis,
    "postgres": Postgres,
}


class Topology:
    """All services of the file, started in the order that `depends_on` asks for."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder
        folder.mkdir()
        self.variables = variables
        self.services = services(variables)
        assert set(self.services) == set(KINDS)
        self.containers: dict[str, list[Any]] = {}
        for name in self._order():
            replicas = self.services[name].get("deploy", {}).get("replicas", 1)
            self.containers[name] = [KINDS[name](self, name, number) for number in range(replicas)]

    def ports_of(self, name: str) -> list[str]:
        """The ports that a service listens on: those that its health check, or others' addresses, name."""
        own = re.findall(r"(?:127\.0\.0\.1:|-p )(\d{4,5})\b", " ".join(self.services[name]["healthcheck"]["test"]))
        text = str([service["environment"] for service in self.services.values()])
        return sorted({*own, *re.findall(rf"{name}:(\d+)", text)})

    def _order(self) -> Iterator[str]:
        waiting = dict(self.services)
        done: set[str] = set()
        while waiting:
            free = [name for name, service in waiting.items() if set(service.get("depends_on", {})) <= done]
            assert free, f"{list(waiting)} wait for each other"
            for name in free:
                del waiting[name]
                done.add(name)
                yield name

    def __enter__(self) -> Self:
        try:
            for name, containers in self.containers.items():
                for needed, how in self.services[name].get("depends_on", {}).items():
                    assert how == {"condition": "service_healthy"}
                    for container in self.containers[needed]:
                        container.wait_healthy()
                for container in containers:
                    container.start()
            for containers in self.containers.values():
                for container in containers:
                    container.wait_healthy()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for containers in reversed(list(self.containers.values())):
            for container in containers:
                with contextlib.suppress(AttributeError, ProcessLookupError):  # it was not started
                    container.close()
        shutil.rmtree(self.folder, ignore_errors=True)


__all__ = ["FILE", "Container", "RefusedError", "Topology", "interpolate", "services"]
