"""The pool of detached workers: started when there is work, once, with the environment of who asked; gone when idle."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from copilot_widget.errors import LogError
from copilot_widget.runs.process import ProcessExecutor, SignOfLife, pool_folder, worker_lives
from copilot_widget.store.open import open_store
from tests.contract.logs import ask

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    script = {"steps": [[{"type": "text", "text": "word " * 60, "tokensPerSecond": 20}]] * 3, "end": "loop"}
    (tmp_path / "script.json").write_text(json.dumps(script))
    monkeypatch.setenv("COPILOT_MODEL", f"script:{tmp_path / 'script.json'}")
    monkeypatch.setenv("COPILOT_STORE", f"sqlite:///{tmp_path / 'threads.sqlite3'}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    yield tmp_path / "pool"
    for worker in workers(tmp_path / "pool"):
        worker.kill()


@pytest.fixture
async def executor(pool: Path) -> AsyncIterator[ProcessExecutor]:
    executor = ProcessExecutor(open_store(), pool)
    yield executor
    await executor.close()


def workers(pool: Path) -> list[psutil.Process]:
    return [each for each in psutil.process_iter(["cmdline"]) if str(pool) in (each.info["cmdline"] or [])]


async def until(condition: object, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


IMPATIENT = """
import copilot_widget.runs.process
from copilot_widget.cli import main
copilot_widget.runs.process.IDLE_SECONDS = 1.0
raise SystemExit(main())
"""


def mode(path: Path) -> int:
    """What others than its owner may do."""
    return path.stat().st_mode & 0o077


async def kinds(executor: ProcessExecutor, run: str) -> list[str]:
    return [event["chunk"]["type"] async for event in executor.subscribe(run)]


async def test_one_worker_is_started_for_all_and_another_when_it_is_killed(pool: Path, executor: ProcessExecutor):
    requests = [ask(f"r{number}", thread=f"t{number}") for number in range(3)]
    for request in requests:
        request.model = ""
        await executor.submit(request, idempotency_key=request.run)
    first = await anext(executor.subscribe("r0"))
    assert first["attempt"] == 1
    (worker,) = workers(pool)
    worker.kill()
    for request in requests:
        assert (await kinds(executor, request.run))[-1] == "finish"
    (other,) = workers(pool)
    assert other.pid != worker.pid
    assert (await executor.info("r0")).attempt == 2


async def test_the_worker_belongs_to_no_kernel(pool: Path, executor: ProcessExecutor):
    """It is in no process group, session or terminal of who started it."""
    request = ask("r")
    request.model = ""
    await executor.submit(request, idempotency_key="r")
    await anext(executor.subscribe("r"))
    (worker,) = workers(pool)
    assert os.getsid(worker.pid) == worker.pid != os.getsid(0)
    assert mode(pool) == 0, "nobody else may look in"
    await executor.stop("r")


async def test_an_idle_worker_ends_and_the_next_run_starts_another(
    pool: Path, executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
):
    command = [
        sys.executable,
        "-c",
        IMPATIENT,
        *("worker", "--pool", str(pool)),
    ]
    with subprocess.Popen(command, cwd=ROOT) as process:  # noqa: ASYNC220 - it returns at once
        await until(lambda: worker_lives(pool))
        assert await asyncio.to_thread(process.wait, 20) == 0
    assert not worker_lives(pool)
    request = ask("r")
    request.model = ""
    await executor.submit(request, idempotency_key="r")
    assert (await kinds(executor, "r"))[-1] == "finish"


async def test_a_worker_that_cannot_start_is_no_loop_and_the_run_waits(
    pool: Path, executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COPILOT_APP", "nowhere:copilot")
    monkeypatch.setattr("copilot_widget.runs.process._RESTARTS", 2)
    request = ask("r")
    request.model = ""
    await executor.submit(request, idempotency_key="r")
    output = pool / "worker.log"
    await until(lambda: output.exists() and output.read_text().count("could not be imported") >= 1, 40)
    assert await executor.status("r") == "queued"
    await executor.stop("r")
    assert (await kinds(executor, "r"))[-1] == "abort"


def test_a_sign_of_life_is_gone_with_its_process_and_stale_when_that_is_stopped(tmp_path: Path):
    program = (
        "import sys, time; from pathlib import Path; from copilot_widget.runs.process import SignOfLife\n"
        "print(SignOfLife(Path(sys.argv[1]), 'w').begin(), flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"True\n"
        assert worker_lives(tmp_path)
        namesake = SignOfLife(tmp_path, "w")
        assert not namesake.begin(), "no second one of its name"
        process.send_signal(signal.SIGSTOP)
        deadline = time.monotonic() + 15
        while worker_lives(tmp_path):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGCONT)
        time.sleep(1.5)
        assert worker_lives(tmp_path)
        process.kill()
    assert not worker_lives(tmp_path)


def test_a_pool_is_for_one_python_and_one_set_of_keys(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one")
    one = pool_folder()
    assert one == pool_folder()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another")
    assert pool_folder() != one
    assert "sk-" not in str(pool_folder())
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one")
    monkeypatch.setenv("HARMLESS", "1")
    assert pool_folder() == one


async def test_another_owners_executor_of_the_same_pool_sees_only_its_runs(executor: ProcessExecutor):
    request = ask("r")
    request.model = ""
    await executor.submit(request, idempotency_key="r")
    other = executor.of("somebody else")
    with pytest.raises(LogError) as caught:
        await other.status("r")
    assert caught.value.code == "unknown-run"
    await other.close()
    await executor.stop("r")
