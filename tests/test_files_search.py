"""Searching files: what is found, what is passed over, and that no pattern holds the process."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from copilot_widget.errors import ToolError
from copilot_widget.tools.files import search

from .file_tools import text


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("import os\n\ndef total(x):\n    return x\n")
    (tmp_path / "notes.md").write_text("The Total is 3.\r\nGröße a.b\r\n")
    return tmp_path


async def test_plain_text(root: Path) -> None:
    assert await text(root, "search_files", query="total") == "src/a.py:3: def total(x):"
    assert await text(root, "search_files", query="TOTAL", ignore_case=True) == (
        "notes.md:1: The Total is 3.\nsrc/a.py:3: def total(x):"
    )
    assert await text(root, "search_files", query="a.b") == "notes.md:2: Größe a.b"
    assert await text(root, "search_files", query="total", pattern="*.md") == "(no match)"
    assert await text(root, "search_files", query="total", folder="src") == "src/a.py:3: def total(x):"


async def test_regular_expressions(root: Path) -> None:
    assert await text(root, "search_files", query=r"^def \w+", regex=True) == "src/a.py:3: def total(x):"
    assert await text(root, "search_files", query=r"gr.{2}e", regex=True, ignore_case=True) == ("notes.md:2: Größe a.b")
    with pytest.raises(ToolError, match=r"'\(' is not a regular expression: missing \)"):
        await text(root, "search_files", query="(", regex=True)
    for query in ("", "a\nb"):
        with pytest.raises(ToolError, match="one line"):
            await text(root, "search_files", query=query)


async def test_what_is_passed_over(root: Path) -> None:
    (root / ".env").write_text("total=1")
    (root / "server.pem").write_text("total")
    (root / "data.bin").write_bytes(b"\x00total")
    (root / "large.txt").write_text("total\n" * 1_000_000)
    (root / ".git").mkdir()
    (root / ".git" / "x").write_text("total")
    (root / "link.md").symlink_to(root / "notes.md")
    assert await text(root, "search_files", query="total") == (
        "src/a.py:3: def total(x):\n(1 files that may hold keys or passwords were not searched)\n"
        "(1 files of more than 5.0 MB were not searched)"
    )


@pytest.mark.parametrize("regex", [False, True])
async def test_matches_are_bounded(root: Path, regex: bool) -> None:
    (root / "many.txt").write_text("total of it\n" * 10_000)
    told = await text(root, "search_files", query="total of", regex=regex)
    assert told.endswith("(only the first 200 are shown: narrow it down)")
    (root / "many.txt").write_text(("total" + "x" * 5_000 + "\n") * 100)
    told = await text(root, "search_files", query="totalx", regex=regex)
    assert len(told) < 20_000
    assert "narrow it down" in told


async def test_the_text_is_bounded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "TOTAL_LIMIT", 70_000)
    for n in range(10):
        (root / f"z{n}.txt").write_text("x" * 10_000)
    assert "(ended after 70.0 kB of text)" in await text(root, "search_files", query="nothing")
    monkeypatch.setattr(search, "SECONDS", 1e-9)
    assert "ended after 1e-09 s" in await text(root, "search_files", query="nothing")


async def test_many_texts_go_to_more_than_one_child(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_BATCH", 1_000)
    for n in range(6):
        (root / f"z{n}.txt").write_text("x" * 600 + f"\nneedle {n}\n")
    told = await text(root, "search_files", query="needle \\d", regex=True)
    assert told.splitlines() == [f"z{n}.txt:2: needle {n}" for n in range(6)]


async def test_an_expression_that_never_ends_holds_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While `re` matches no other thread runs: here the loop goes on turning."""
    monkeypatch.setattr(search, "SECONDS", 1.5)
    (root / "a-first.txt").write_text("aaa!\n")
    (root / "z.txt").write_text("a" * 60 + "!\n")
    turns = 0

    async def turning() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.02)
            turns += 1

    task = asyncio.ensure_future(turning())
    began = time.monotonic()
    told = await text(root, "search_files", query=r"^(a+)+(!|$)(?<=!)(?!$|.)|^(a|a)*b|^aaa!", regex=True)
    assert time.monotonic() - began < 20
    task.cancel()
    assert turns > 20
    assert told.splitlines()[0] == "a-first.txt:1: aaa!"
    assert "took longer than 1.5 s and was given up" in told
