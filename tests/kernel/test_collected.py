"""Copilots that nobody refers to any more: their runs go on, and then nothing of them is left."""

from __future__ import annotations

import json
import time
from pathlib import Path

from .kernels import Kernel

LOAD = """
%load_ext copilot_widget
import asyncio, gc
from copilot_widget import Copilot, tool
from copilot_widget.runs.loop import agent_loop

def workers():
    coroutines = [task.get_coro().__qualname__ for task in asyncio.all_tasks(agent_loop())]
    return [name for name in coroutines if name.startswith("Worker.")]
"""


def test_ten_copilots_without_a_name_leave_no_worker_and_no_complaint(kernel: Kernel):
    kernel.run(LOAD).check()
    kernel.run("for number in range(10): Copilot('demo').ask('hello').wait()").check()
    replies = [kernel.run("gc.collect();").check() for _ in range(3)]
    deadline = time.monotonic() + 10
    while kernel.value("workers()"):
        assert time.monotonic() < deadline, kernel.value("workers()")
        time.sleep(0.2)
    replies.append(kernel.run("del asyncio; gc.collect();").check())
    assert [reply.stderr for reply in replies] == [""] * 4
    assert not [each for each in kernel.outside if each["msg_type"] == "stream"]


def test_the_run_of_a_copilot_that_was_dropped_goes_on_to_its_end(kernel: Kernel, tmp_path: Path):
    script = tmp_path / "slow.json"
    call = {"type": "call", "toolName": "mark", "input": {}}
    script.write_text(json.dumps({"steps": [[{"type": "wait", "seconds": 1.5}, call], "Done."]}))
    kernel.run(LOAD).check()
    kernel.run("marks = []\n@tool\ndef mark() -> str:\n    'Mark.'\n    marks.append(1)\n    return 'marked'").check()
    kernel.run(f"Copilot({f'script:{script}'!r}, tools=[mark]).ask('go');\ngc.collect();").check()
    reply = kernel.run("gc.collect(); print(marks)").check()
    assert (reply.stdout.strip(), reply.stderr) == ("[]", ""), "it was to be collected while the run goes on"
    deadline = time.monotonic() + 15
    while kernel.value("bool(marks)") is not True or kernel.value("gc.collect() and len(workers())"):
        assert time.monotonic() < deadline, (kernel.value("marks"), kernel.value("workers()"))
        time.sleep(0.2)
    assert kernel.run("gc.collect();").check().stderr == ""
