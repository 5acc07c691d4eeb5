"""What a cell showed is followed no more once the cell has shown something else."""

from __future__ import annotations

import json
import time
from pathlib import Path

from .kernels import Kernel


def opened(kernel: Kernel, tmp_path: Path) -> None:
    script = tmp_path / "answers.json"
    script.write_text(json.dumps({"steps": [["One."]], "end": "loop"}))
    slow = tmp_path / "slow.json"
    slow.write_text(json.dumps({"tokensPerSecond": 40, "steps": [[{"type": "text", "text": "word ", "tokens": 80}]]}))
    kernel.run("%load_ext copilot_widget\nfrom copilot_widget import Copilot").check()
    kernel.run(f"panel = Copilot('script:{script}', store=False); slow = 'script:{slow}'").check()


def show(kernel: Kernel, code: str, cell: str) -> None:
    kernel.reply(kernel.submit(code, cell_id=cell)).check()


def followers(kernel: Kernel) -> int:
    """How many records one more answer changes, once all is quiet again: one stands beside each view."""
    for _ in range(2):  # what was shown just now is recorded with the first
        kernel.outside.clear()
        reply = kernel.run("panel.ask('go').wait();").check()
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            kernel._read()
    records = [each for each in kernel.outside if each["msg_type"] == "update_display_data"]
    return len(records) + len(reply.updates)


def test_a_panel_whose_cell_runs_again_is_followed_once(kernel: Kernel, tmp_path: Path):
    opened(kernel, tmp_path)
    for _ in range(3):
        show(kernel, "panel", "a")
        assert followers(kernel) == 1
        assert kernel.value("len(panel._listeners)") == 1


def test_two_of_one_run_and_those_of_other_cells_stay(kernel: Kernel, tmp_path: Path):
    opened(kernel, tmp_path)
    show(kernel, "display(panel); panel", "a")
    show(kernel, "panel", "b")
    assert followers(kernel) == 3
    show(kernel, "panel", "a")
    assert followers(kernel) == 2


def test_a_run_goes_on_when_its_view_is_gone(kernel: Kernel, tmp_path: Path):
    opened(kernel, tmp_path)
    show(kernel, "run = Copilot(slow, store=False).ask('go'); run", "a")
    assert kernel.value("run.status") == "running"
    show(kernel, "panel", "a")
    assert kernel.value("run.wait(30).status") == "completed"


def test_a_front_end_that_names_no_cell_keeps_all(kernel: Kernel, tmp_path: Path):
    opened(kernel, tmp_path)
    for _ in range(3):
        show(kernel, "panel", "")
    assert followers(kernel) == 3
