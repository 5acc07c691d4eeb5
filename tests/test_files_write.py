"""Files that are written and edited: what is asked, what consent holds for, and that nothing is lost."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from copilot_widget.errors import ToolError
from copilot_widget.state import RunState
from copilot_widget.tools.difference import count, unified
from copilot_widget.tools.files import file_tools, replace
from copilot_widget.tools.files.textfile import decode

from .agents import begin, drive, kinds, make_agent
from .file_tools import call, card, text


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("one\ntwo\nthree\n")
    return tmp_path


def contents(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def left_behind(root: Path) -> list[str]:
    return [path.name for path in root.rglob("*") if path.name.endswith(".tmp")]


# ---- what is asked -------------------------------------------------------------------------------------


def test_an_edit_is_asked_for_with_its_diff(root: Path) -> None:
    asked = card(root, "edit_file", path="./a.txt", old="two", new="2")
    assert asked.title == "edit a.txt"
    assert asked.diff == "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three"
    assert asked.code == ""


def test_a_new_file_is_asked_for_with_all_its_lines(root: Path) -> None:
    asked = card(root, "write_file", path="sub/b.py", content="x = 1\nprint(x)")
    assert asked.title == "make sub/b.py"
    assert asked.diff == (
        "--- /dev/null\n+++ b/sub/b.py\n@@ -0,0 +1,2 @@\n+x = 1\n+print(x)\n\\ No newline at end of file"
    )
    assert not (root / "sub").exists(), "asking does nothing"
    assert card(root, "write_file", path="empty", content="").diff == "--- /dev/null\n+++ b/empty"


def test_an_overwritten_file_is_asked_for_as_such(root: Path) -> None:
    asked = card(root, "write_file", path="a.txt", content="one\n2\nthree\n")
    assert asked.title == "overwrite a.txt"
    assert "-two\n+2\n" in asked.diff


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("edit_file", {"path": "a.txt", "old": "four", "new": "4"}, "does not hold the text in old"),
        ("edit_file", {"path": "a.txt", "old": "t", "new": "T"}, "holds the text in old 2 times"),
        ("edit_file", {"path": "a.txt", "old": "", "new": "4"}, "old is empty"),
        ("edit_file", {"path": "a.txt", "old": "two", "new": "two"}, "holds exactly that already"),
        ("edit_file", {"path": "b.txt", "old": "two", "new": "2"}, "There is no b.txt"),
        ("edit_file", {"path": "n.ipynb", "old": "1", "new": "2"}, "is a notebook, and the page"),
        ("edit_file", {"path": "bin", "old": "1", "new": "2"}, "is a binary file"),
        ("edit_file", {"path": "fixed.txt", "old": "1", "new": "2"}, "is read-only"),
        ("write_file", {"path": "a.txt", "content": "one\ntwo\nthree\n"}, "holds exactly that already"),
        ("write_file", {"path": "n.ipynb", "content": "{}"}, "is a notebook"),
        ("write_file", {"path": "bin", "content": "text"}, "is a binary file"),
        ("write_file", {"path": "fixed.txt", "content": "2"}, "is read-only"),
        ("write_file", {"path": ".env", "content": "A=2"}, "may hold keys or passwords, and is not overwritten"),
        ("write_file", {"path": "sub/", "content": "x"}, "names no file"),
        ("write_file", {"path": ".", "content": "x"}, "names no file"),
        ("write_file", {"path": "sub", "content": "x"}, "is a folder"),
        ("write_file", {"path": "b.txt", "content": "\ud800"}, "cannot be written in the file's encoding"),
        ("write_file", {"path": "b.txt", "content": "x" * 5_000_001}, "would have 5.0 MB"),
    ],
)
async def test_what_cannot_be_is_refused_unasked(root: Path, name: str, given: dict[str, Any], words: str) -> None:
    (root / "n.ipynb").write_text('{"cells": [1]}')
    (root / "bin").write_bytes(b"\x001\x00")
    (root / "fixed.txt").write_text("1")
    (root / "fixed.txt").chmod(0o444)
    (root / ".env").write_text("A=1")
    (root / "sub").mkdir()
    before = contents(root)
    with pytest.raises(ToolError) as caught:
        card(root, name, **given)
    assert words in str(caught.value)
    assert caught.value.hint
    with pytest.raises(ToolError):
        await call(root, name, **given)
    assert contents(root) == before


def test_the_diff_of_a_secret_file_shows_only_what_changes(root: Path) -> None:
    (root / ".env").write_text("KEY=verysecret\nMODE=a\nOTHER=alsosecret\n")
    diff = card(root, "edit_file", path=".env", old="MODE=a", new="MODE=b").diff
    assert "-MODE=a\n+MODE=b" in diff
    assert "secret" not in diff


# ---- what is written -----------------------------------------------------------------------------------


async def test_an_edit_is_made(root: Path) -> None:
    assert await text(root, "edit_file", path="a.txt", old="two", new="2\n2½") == (
        "Changed a.txt: 2 lines added, 1 taken away."
    )
    assert (root / "a.txt").read_text() == "one\n2\n2½\nthree\n"
    await text(root, "edit_file", path="a.txt", old="2", new="zwei", replace_all=True)
    assert (root / "a.txt").read_text() == "one\nzwei\nzwei½\nthree\n"
    assert left_behind(root) == []


async def test_a_file_is_made_with_its_folders(root: Path) -> None:
    assert await text(root, "write_file", path="x/y/z.txt", content="größer\n") == "Made x/y/z.txt, 9 bytes."
    assert (root / "x" / "y" / "z.txt").read_text() == "größer\n"


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        (b"a\r\nb\r\nc\r\n", "b\nc", "B\nC\nD", b"a\r\nB\r\nC\r\nD\r\nc\r\n".replace(b"\r\nc\r\n", b"\r\n")),
        (b"a\r\nb", "b", "c\nd", b"a\r\nc\r\nd"),
        (b"a\nb\r\nc\n", "b\nc", "x\ny", b"a\nx\r\ny\n"),
        (b"a\nb\r\nc\n", "a\n", "x\n", b"x\nb\r\nc\n"),
        (b"no newline", "newline", "end", b"no end"),
        (b"a\n\n\n", "a", "b", b"b\n\n\n"),
        ("\ufeffGröße".encode(), "Größe", "Maß", "\ufeffMaß".encode()),
        ("\ufeffGröße\r\n".encode("utf-16-be"), "Größe", "Maß", "\ufeffMaß\r\n".encode("utf-16-be")),
        ("Größe".encode("latin-1"), "Größe", "Maß", "Maß".encode("latin-1")),
        ("e\u0301 🦉\u2028x".encode(), "🦉", "🐦", "e\u0301 🐦\u2028x".encode()),
        (b"tab\tand \x0c feed", "tab", "t", b"t\tand \x0c feed"),
    ],
)
async def test_only_what_was_asked_for_changes(root: Path, before: bytes, old: str, new: str, after: bytes) -> None:
    (root / "f").write_bytes(before)
    await call(root, "edit_file", path="f", old=old, new=new)
    assert (root / "f").read_bytes() == after


async def test_a_whole_file_keeps_encoding_and_line_ends(root: Path) -> None:
    for before, content, after in [
        (b"a\r\nb\r\n", "x\ny", b"x\r\ny"),
        ("\ufeffa".encode(), "ä", "\ufeffä".encode()),
        ("ä".encode("latin-1"), "ö", "ö".encode("latin-1")),
        ("ä".encode("latin-1"), "→", "→".encode()),
    ]:
        (root / "f").write_bytes(before)
        await call(root, "write_file", path="f", content=content)
        assert (root / "f").read_bytes() == after
    (root / "f").write_bytes("ä".encode("latin-1"))
    with pytest.raises(ToolError, match="cannot be written in the file's encoding, latin-1"):
        await call(root, "edit_file", path="f", old="ä", new="→")


async def test_mode_and_owner_stay(root: Path) -> None:
    (root / "a.txt").chmod(0o750)
    if os.getuid() == 0:
        os.chown(root / "a.txt", 65534, 65534)
    await call(root, "edit_file", path="a.txt", old="two", new="2")
    status = (root / "a.txt").stat()
    assert stat.S_IMODE(status.st_mode) == 0o750
    if os.getuid() == 0:
        assert (status.st_uid, status.st_gid) == (65534, 65534)
    old = os.umask(0o027)
    try:
        await call(root, "write_file", path="new.txt", content="x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((root / "new.txt").stat().st_mode) == 0o640


async def test_a_full_disk_loses_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for name, given in (("edit_file", {"old": "two", "new": "2"}), ("write_file", {"content": "x"})):
        with pytest.raises(ToolError, match=r"a\.txt cannot be used: No space left on device"):
            await call(root, name, path="a.txt", **given)
    assert (root / "a.txt").read_text() == "one\ntwo\nthree\n"
    assert left_behind(root) == []


async def test_a_file_system_without_hard_links(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", none)
    await call(root, "write_file", path="new.txt", content="x")
    assert (root / "new.txt").read_text() == "x"
    assert left_behind(root) == []


# ---- what consent holds for ----------------------------------------------------------------------------

EDIT: dict[str, Any] = {"path": "a.txt", "old": "two", "new": "2"}


async def test_a_file_that_has_changed_since_is_left_alone(root: Path) -> None:
    asked = card(root, "edit_file", **EDIT)
    (root / "a.txt").write_text("one\ntwo\nthree\nfour, by the user\n")
    with pytest.raises(ToolError, match=r"a\.txt has changed since the user was asked, and was left as it is now"):
        await call(root, "edit_file", basis=asked.basis, **EDIT)
    assert (root / "a.txt").read_text().endswith("four, by the user\n")


async def test_a_file_that_has_come_since_is_left_alone(root: Path) -> None:
    given = {"path": "new.txt", "content": "mine"}
    asked = card(root, "write_file", **given)
    (root / "new.txt").write_text("theirs")
    with pytest.raises(ToolError, match="has changed since"):
        await call(root, "write_file", basis=asked.basis, **given)
    assert (root / "new.txt").read_text() == "theirs"


async def test_a_file_that_has_gone_since_is_not_made_anew(root: Path) -> None:
    given = {"path": "a.txt", "content": "mine"}
    asked = card(root, "write_file", **given)
    (root / "a.txt").unlink()
    with pytest.raises(ToolError, match="has changed since"):
        await call(root, "write_file", basis=asked.basis, **given)
    assert not (root / "a.txt").exists()


async def test_consent_to_one_change_is_none_to_another(root: Path) -> None:
    asked = card(root, "edit_file", **EDIT)
    with pytest.raises(ToolError, match="has changed since"):
        await call(root, "edit_file", basis=asked.basis, **{**EDIT, "new": "3"})
    await call(root, "edit_file", basis=asked.basis, **EDIT)
    assert (root / "a.txt").read_text() == "one\n2\nthree\n"


async def test_a_change_in_the_last_moment_is_seen(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the file was read for the change, before the new content takes its place."""
    write = replace._write  # pyright: ignore[reportPrivateUsage]

    def and_meanwhile(*given: Any) -> None:
        write(*given)
        (root / "a.txt").write_text("by the user")

    monkeypatch.setattr(replace, "_write", and_meanwhile)
    with pytest.raises(ToolError, match="has changed since"):
        await call(root, "edit_file", **EDIT)
    (root / "a.txt").unlink()
    with pytest.raises(ToolError, match="has changed since"):
        await call(root, "write_file", path="a.txt", content="mine")
    assert (root / "a.txt").read_text() == "by the user"
    assert left_behind(root) == []


async def test_a_folder_that_becomes_a_link_between_question_and_answer(root: Path, tmp_path: Path) -> None:
    inside = root / "in"
    outside = root / "out"
    for folder in (inside / "sub", outside):
        folder.mkdir(parents=True)
        (folder / "a.txt").write_text("one\ntwo\nthree\n")
    given = {**EDIT, "path": "sub/a.txt"}
    asked = card(inside, "edit_file", **given)
    (inside / "sub").rename(inside / "was")
    (inside / "sub").symlink_to(outside)
    with pytest.raises(ToolError, match="sub is a symbolic link"):
        await call(inside, "edit_file", basis=asked.basis, **given)
    asked = card(inside, "write_file", path="was/new.txt", content="x")
    (inside / "was").rename(inside / "gone")
    (inside / "was").symlink_to(outside)
    with pytest.raises(ToolError, match="was is a symbolic link"):
        await call(inside, "write_file", basis=asked.basis, path="was/new.txt", content="x")
    assert (outside / "a.txt").read_text() == "one\ntwo\nthree\n"
    assert sorted(path.name for path in outside.iterdir()) == ["a.txt"]


# ---- in a run ------------------------------------------------------------------------------------------


def called(tool: str, call_id: str, **given: Any) -> dict[str, Any]:
    return {"type": "call", "toolName": tool, "toolCallId": call_id, "input": given}


def edit(call_id: str = "e1", **given: Any) -> dict[str, Any]:
    return called("edit_file", call_id, **{**EDIT, **given})


def asked_for(chunks: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {chunk["id"]: chunk["data"] for chunk in chunks if chunk["type"] == "data-approval"}


def approve_all(state: RunState) -> None:
    for pending in list(state.pending):
        assert state.answer(pending.approval_id or "", True)


async def test_a_run_asks_waits_anywhere_and_edits(root: Path) -> None:
    agent = make_agent([[edit()], ["done"]], *file_tools(root), approvals="ask")
    chunks, state = await drive(agent, begin())
    shown = asked_for(chunks)["e1"]
    assert "-two\n+2" in shown["diff"]
    assert "basis" not in shown, "it is for the tool alone"
    assert (root / "a.txt").read_text() == "one\ntwo\nthree\n"
    state = RunState.model_validate_json(state.model_dump_json())
    approve_all(state)
    # another process, which has asked nothing
    again = make_agent([[edit()], ["done"]], *file_tools(root), approvals="ask")
    await drive(again, state, through_json=True)
    assert (root / "a.txt").read_text() == "one\n2\nthree\n"


async def test_a_run_leaves_a_stale_file_alone_and_is_told(root: Path) -> None:
    agent = make_agent([[edit()], ["done"]], *file_tools(root), approvals="ask")
    _, state = await drive(agent, begin())
    (root / "a.txt").write_text("two, and more")
    approve_all(state)
    chunks, state = await drive(agent, state)
    assert any("has changed since" in chunk.get("errorText", "") for chunk in chunks)
    assert state.status == "completed"
    assert (root / "a.txt").read_text() == "two, and more"


async def test_of_two_edits_that_were_asked_together_the_second_is_stale(root: Path) -> None:
    agent = make_agent([[edit(), edit("e2", old="one", new="1")], ["done"]], *file_tools(root), approvals="ask")
    chunks, state = await drive(agent, begin())
    assert set(asked_for(chunks)) == {"e1", "e2"}
    approve_all(state)
    chunks, _ = await drive(agent, state)
    assert kinds(chunks).count("tool-output-error") == 1
    assert (root / "a.txt").read_text() == "one\n2\nthree\n"


async def test_nobody_is_asked_about_a_call_that_cannot_succeed(root: Path) -> None:
    agent = make_agent([[edit(old="four")], ["done"]], *file_tools(root), approvals="ask")
    chunks, state = await drive(agent, begin())
    assert state.status == "completed"
    assert "tool-approval-request" not in kinds(chunks)
    [error] = [chunk["errorText"] for chunk in chunks if chunk["type"] == "tool-output-error"]
    assert error == "a.txt does not hold the text in old. Read it, and copy the text exactly."


async def test_calls_that_build_on_each_other_run_where_all_is_allowed(root: Path) -> None:
    write = called("write_file", "w1", path="b.txt", content="two\n")
    agent = make_agent([[write, edit(path="b.txt")], ["done"]], *file_tools(root), approvals="auto")
    chunks, _ = await drive(agent, begin())
    assert "tool-output-error" not in kinds(chunks)
    assert (root / "b.txt").read_text() == "2\n"


async def test_headless_nothing_is_written_and_no_secret_read(root: Path) -> None:
    (root / ".env").write_text("KEY=verysecret")
    read = called("read_file", "r1", path=".env")
    find = called("search_files", "s1", query="verysecret")
    agent = make_agent([[edit(), read, find], ["done"]], *file_tools(root), approvals="ask", headless=True)
    chunks, _ = await drive(agent, begin())
    assert kinds(chunks).count("tool-output-denied") == 2
    assert "KEY=" not in str(chunks)
    assert (root / "a.txt").read_text() == "one\ntwo\nthree\n"


# ---- parts ---------------------------------------------------------------------------------------------


def test_a_large_change_has_its_diff_at_once() -> None:
    old = "".join(f"{n % 7}\n" for n in range(50_000))
    new = "".join(f"{n % 5}\n" for n in range(50_000))
    assert count(old, new)[0] > 10_000
    lines = [f"line {n}" for n in range(100_000)]
    changed = [*lines]
    changed[50_000] = "another"
    diff = unified("\n".join(lines), "\n".join(changed), "x")
    assert diff.splitlines()[2:] == [
        "@@ -49998,7 +49998,7 @@", " line 49997", " line 49998", " line 49999", "-line 50000", "+another",
        " line 50001", " line 50002", " line 50003",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "a\n"), ("a\n", ""), ("a", "a\n"), ("a\nb\nc\n" * 9, "a\nX\nc\n" * 9),
        ("a\n" * 30, "a\n" * 15 + "b\n" + "a\n" * 15),
        ("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "0\n2\n3\n4\n5\n6\n7\n8\n10\n"), ("x\n\ny", "x\n\n\ny"),
    ],
)  # fmt: skip
def test_a_diff_is_what_patch_understands(old: str, new: str, tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("git applies it")
    (tmp_path / "f").write_text(old)
    (tmp_path / "d").write_text(unified(old, new, "f") + "\n")
    subprocess.run(["git", "apply", "--unidiff-zero", "d"], cwd=tmp_path, check=True)
    after = (tmp_path / "f").read_text() if (tmp_path / "f").exists() else ""
    assert after == new


@pytest.mark.parametrize(
    "data", [b"", b"a", b"\r", b"a\r\nb", b"\xff\xfe", b"\xef\xbb\xbfx", "ä\r\n".encode("latin-1")]
)
def test_a_text_comes_back_as_it_was(data: bytes) -> None:
    found = decode(data)
    assert found is not None
    assert found.encode() == data
