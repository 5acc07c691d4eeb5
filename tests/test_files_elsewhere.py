"""File tools of runs that another process executes: whose files they are, and that consent holds for what was shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from copilot_widget import Copilot

from .test_kernel_calls import Place, asked, call, outputs, until, watched

__all__ = ["watched"]  # a fixture: somebody is there to be asked

EDIT = call("edit_file", path="a.txt", old="two", new="2")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "kernel").mkdir()
    (tmp_path / "worker").mkdir()
    (tmp_path / "kernel" / "a.txt").write_text("one\ntwo\n")
    (tmp_path / "worker" / "a.txt").write_text("the worker's two\n")
    return tmp_path / "kernel"


def cards(run: Any) -> list[dict[str, Any]]:
    return [event["chunk"]["data"] for event in run.feed.events if event["chunk"]["type"] == "data-approval"]


def test_files_are_the_kernels_and_an_edit_is_asked_for_by_its_gate(root: Path) -> None:
    place = Place([[EDIT], ["Done."]], root=root.parent / "worker")
    run = Copilot(root=root, executor=place).ask("edit it")
    request = until(lambda: asked(run))[0]
    [card] = cards(run)
    assert "-two\n+2" in card["diff"]
    assert "basis" not in card
    assert run.answer(request["approvalId"], True)
    run.wait(10)
    assert outputs(run) == {"c1": "Changed a.txt: 1 line added, 1 taken away."}
    assert (root / "a.txt").read_text() == "one\n2\n"
    assert (root.parent / "worker" / "a.txt").read_text() == "the worker's two\n"


def test_a_file_that_changed_meanwhile_is_left_alone_there_too(root: Path) -> None:
    place = Place([[EDIT], ["Done."]])
    run = Copilot(root=root, executor=place).ask("edit it")
    request = until(lambda: asked(run))[0]
    (root / "a.txt").write_text("two, and the user's\n")
    run.answer(request["approvalId"], True)
    run.wait(10)
    assert "has changed since the user was asked" in outputs(run)["c1"]
    assert (root / "a.txt").read_text() == "two, and the user's\n"


def test_the_kernels_gate_asks_nobody_about_what_cannot_be(root: Path) -> None:
    place = Place([[call("edit_file", path="a.txt", old="four", new="4")], ["Done."]])
    run = Copilot(root=root, executor=place).ask("edit it").wait(10)
    assert not asked(run)
    assert outputs(run)["c1"].startswith("a.txt does not hold the text in old.")


def test_a_worker_has_files_where_its_own_copilot_was_given_a_root(root: Path) -> None:
    read = call("read_file", path="a.txt")
    run = Copilot(executor=Place([[read], ["Done."]], root=root.parent / "worker")).ask("read it").wait(10)
    assert outputs(run) == {"c1": "    1\tthe worker's two"}
    run = Copilot(executor=Place([[read], ["Done."]])).ask("read it").wait(10)
    assert outputs(run) == {}
    assert "There is no tool named 'read_file'" in str(run.message.to_wire())
