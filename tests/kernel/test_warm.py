"""What the first question needs is imported while its user types it, and never beside a cell."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from .kernels import Kernel

LOADED = "sorted(__import__('sys').modules)"
WARMING = "any(thread.name == 'copilot-warmer' for thread in __import__('threading').enumerate())"
OTHERS = ("litellm", "openai", "httpx", "sqlalchemy", "redis", "aio_pika", "starlette", "pandas", "numpy")
ELSEWHERE = ("process", "broker", "sqlite", "sqlite_database", "redis", "amqp")


def loaded(kernel: Kernel) -> set[str]:
    return set(kernel.value(LOADED))


def wait_until_warm(kernel: Kernel) -> None:
    deadline = time.monotonic() + 30
    time.sleep(1)
    while kernel.value(WARMING):
        assert time.monotonic() < deadline
        time.sleep(0.3)  # it works between cells only


def test_the_first_question_finds_everything_imported(start_kernel: Callable[..., Kernel]):
    kernel = start_kernel()
    kernel.run("%load_ext copilot_widget").check()
    wait_until_warm(kernel)
    before = loaded(kernel)
    time.sleep(0.2)  # else it would be Run All
    kernel.run("run = %copilot --model demo hello").check()
    assert "Hello" in kernel.value("run.wait().text")
    assert loaded(kernel) - before == set()


def test_no_kernel_imports_what_other_models_and_other_executors_need(kernel: Kernel):
    kernel.run("%load_ext copilot_widget").check()
    wait_until_warm(kernel)
    kernel.run("run = %copilot --model demo --send hello").check()
    assert kernel.value("run.wait().status") == "completed"
    unwanted = {*OTHERS, *(f"copilot_widget.runs.{name}" for name in ELSEWHERE)}
    assert loaded(kernel) & unwanted == set()


def test_nothing_is_imported_while_a_cell_runs(start_kernel: Callable[..., Kernel]):
    kernel = start_kernel()
    first = kernel.submit("%load_ext copilot_widget")
    second = kernel.submit(
        "import sys, time; time.sleep(1); before = set(sys.modules); time.sleep(1); grown = set(sys.modules) - before"
    )
    kernel.reply(first).check()
    kernel.reply(second).check()
    assert kernel.value("sorted(grown)") == []
    wait_until_warm(kernel)
    assert "copilot_widget.notebook.widget" in loaded(kernel)


@pytest.mark.parametrize("ending", ["import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "exit()"])
def test_a_kernel_that_ends_meanwhile_ends_quietly(start_kernel: Callable[..., Kernel], ending: str):
    kernel = start_kernel()
    kernel.run("%load_ext copilot_widget").check()
    time.sleep(0.1)  # in the middle of the imports
    kernel.submit(ending)
    deadline = time.monotonic() + 20
    while kernel.alive():
        assert time.monotonic() < deadline
        time.sleep(0.1)
