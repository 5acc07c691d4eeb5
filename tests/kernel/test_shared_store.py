"""People who share what keeps their conversations, and a person whose runs are executed here and there."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ..serving import environment, serve
from .kernels import Kernel

TOKEN = "token-of-the-service"
SENT = """
from copilot_widget.runs import loop
def sent(run):
    messages = run.executor.store.messages(run.executor.owner, copilot.thread)
    return [each.text for each in loop.start(messages).result()]
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[str]:
    """The address of a server of one database."""
    env = environment(tmp_path, COPILOT_SERVICE_TOKEN=TOKEN, COPILOT_EXECUTOR="kernel")
    with contextlib.closing(serve(env, tmp_path / "serve.log")) as server:
        yield server.wait_ready().address
    for process in psutil.process_iter(["cmdline"]):  # detached workers
        if any(str(tmp_path) in word for word in process.info["cmdline"] or []):
            process.kill()


def test_one_persons_conversation_is_one_wherever_it_is_answered_and_nobody_elses(
    service: str, tmp_path: Path, start_kernel: Callable[..., Kernel]
):
    script = tmp_path / "ok.json"
    script.write_text(json.dumps({"steps": ["Fine."], "end": "loop"}))

    def kernel_of(person: str) -> Kernel:
        env = {
            "COPILOT_STORE": "",
            "COPILOT_SERVICE_URL": service,
            "COPILOT_SERVICE_TOKEN": TOKEN,
            "JUPYTERHUB_USER": person,
            "JUPYTER_DATA_DIR": str(tmp_path / person),
            "JPY_SESSION_NAME": "/home/jovyan/sales.ipynb",  # as in each of a hub's containers
        }
        kernel = start_kernel(env=env)
        kernel.run(SENT).check()
        options = f"'script:{script}', thread='analysis'"
        kernel.run(f"from copilot_widget import Copilot\ncopilot = Copilot({options})").check()
        return kernel

    ann = kernel_of("ann")
    ann.run("run = copilot.ask('in the kernel').wait(30)").check()
    ann.run("run = copilot.ask('in a process', executor='process').wait(60)").check()
    said = ["in the kernel", "Fine.", "in a process", "Fine."]
    assert ann.value("sent(run)") == said
    assert ann.value("[each.turns for each in copilot.keeping.conversations()]") == [2]
    bob = kernel_of("bob")
    bob.run("run = copilot.ask('hello', executor='process').wait(60)").check()
    assert bob.value("sent(run)") == ["hello", "Fine."]
    assert bob.value("[each.turns for each in copilot.keeping.conversations()]") == [1]
    assert ann.value("sent(run)") == said
