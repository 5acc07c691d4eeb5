"""Real servers for tests: Debian's Redis, RabbitMQ and PostgreSQL, on free ports, in folders of their own."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from typing_extensions import Self

from .ports import free_port

_START_SECONDS = 60
_PR_SET_PDEATHSIG = 1
_spawner = ThreadPoolExecutor(1)
"""To Linux the parent is the thread that started a child: this one lives as long as the process."""


class ServerError(RuntimeError):
    """A server that does not start, with the end of what it said."""


def die_with_parent() -> None:
    """In the child: no server outlives the tests, however they end."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Server:
    """One server. `start` and `stop` may follow each other; the port and the data stay."""

    name = ""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"copilot-{self.name}-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._before = 0
        (self.folder / "output").touch()

    def _said(self, words: str) -> bool:
        """True where it has said this since it was started last: it listens a moment before it serves."""
        return words in self.output()[self._before :]

    @property
    def url(self) -> str:
        raise NotImplementedError

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _environment(self) -> dict[str, str]:
        return dict(os.environ)

    def _answers(self) -> bool:
        raise NotImplementedError

    def _user(self) -> str | None:
        """The user that the server runs as, where root may not."""
        return None

    def start(self) -> None:
        self._before = len(self.output())
        with (self.folder / "output").open("ab") as output:
            self._process = _spawner.submit(self._spawn, output).result()
        until = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise ServerError(f"{self.name} did not start:\n{self.output()[-3_000:]}")
            time.sleep(0.05)

    def _spawn(self, output: BinaryIO) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command(),
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            user=self._user(),
            preexec_fn=die_with_parent,
        )

    def output(self) -> str:
        return (self.folder / "output").read_text(errors="replace")

    def stop(self) -> None:
        """As its administrator would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a power cut would: the whole process group, at once."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        self._process = None

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RedisServer(Server):
    """Redis with an append-only file."""

    name = "redis"

    def __init__(self, *options: str, password: str = "") -> None:
        super().__init__()
        self._options = list(options)
        self._password = password

    @property
    def url(self) -> str:
        return f"redis://{f':{self._password}@' if self._password else ''}127.0.0.1:{self.port}/0"

    def _command(self) -> list[str]:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        options += ["--appendonly", "yes", "--appendfsync", "everysec", "--daemonize", "no"]
        options += ["--requirepass", self._password] if self._password else []
        return ["redis-server", *options, *self._options]

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode() if self._password else b"PING\r\n")
                time.sleep(0.02)
                return b"+PONG" in connection.recv(200)
        except OSError:
            return False


class RabbitServer(Server):
    """RabbitMQ, a node of its own with an epmd of its own."""

    name = "rabbit"

    def __init__(self) -> None:
        super().__init__()
        self._distribution, self._epmd = free_port(), free_port()
        self._node = f"copilot{secrets.token_hex(4)}@localhost"
        (self.folder / "enabled_plugins").write_text("[].")

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def _command(self) -> list[str]:
        return ["/usr/lib/rabbitmq/bin/rabbitmq-server"]

    def _environment(self) -> dict[str, str]:
        folder = str(self.folder)
        return {
            **os.environ,
            "HOME": folder,
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/rabbitmq-env.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none",
        }

    def _answers(self) -> bool:
        return self._said("completed with") and self._listens()

    def _end(self, number: signal.Signals) -> None:
        super()._end(number)
        # epmd leaves the process group of the node that started it
        subprocess.run(["epmd", "-port", str(self._epmd), "-kill"], capture_output=True, check=False)


class PostgresServer(Server):
    """PostgreSQL; where we are root, as the user that its package made, since it refuses root."""

    name = "postgres"

    def __init__(self) -> None:
        super().__init__()
        self._bin = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        self._data = self.folder / "data"
        if self._user() is not None:
            shutil.chown(self.folder, self._user())
        self.password = secrets.token_hex(8)
        secret = self.folder / "password"
        secret.write_text(self.password)
        if self._user() is not None:
            shutil.chown(secret, self._user())
        options = ["-D", str(self._data), "-U", "copilot", "--pwfile", str(secret), "--auth", "scram-sha-256"]
        made = subprocess.run(
            [self._bin / "initdb", *options, "--no-sync", "--encoding", "UTF8", "--locale", "C"],
            capture_output=True,
            text=True,
            check=False,
            user=self._user(),
            cwd=self.folder,
        )
        if made.returncode:
            raise ServerError(f"initdb failed:\n{made.stderr}")

    @property
    def url(self) -> str:
        return f"postgresql://copilot:{self.password}@127.0.0.1:{self.port}/postgres"

    def _user(self) -> str | None:
        if os.geteuid() != 0:
            return None
        return pwd.getpwnam("postgres").pw_name

    def _command(self) -> list[str]:
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            "max_connections": "60",
        }
        settings = [piece for key, value in options.items() for piece in ("-c", f"{key}={value}")]
        return [str(self._bin / "postgres"), "-D", str(self._data), "-p", str(self.port), *settings]

    def _answers(self) -> bool:
        return self._said("ready to accept connections") and self._listens()

    def stop(self) -> None:
        self._end(signal.SIGINT)  # "fast": it does not wait for clients to leave
