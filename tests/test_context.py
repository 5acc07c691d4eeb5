"""@mentions: what is one, and what the model reads for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from copilot_widget.errors import UsageError
from copilot_widget.notebook.context import find_mentions, resolve_mentions


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("why is @df falling?", ["@df"]),
        ("@df.price, @df.price and @cfg['a'][0].", ["@df.price", "@cfg['a'][0]"]),
        ("is @df? or (@other)!", ["@df", "@other"]),
        ("write to me@example.com or x@y", []),
        ("see @file:data/x.csv, please", ["@file:data/x.csv"]),
        ('see @file:"my data.csv".', ["@file:my data.csv"]),
        ("compare @cell:3 with @cell:-1", ["@cell:3", "@cell:-1"]),
        ("explain @error.", ["@error"]),
        ("in `@app.route` and\n```python\n@property\ndef f(): ...\n```\nuse @x", ["@x"]),
        ("```\n@never closed", []),
        ("~~~\n@a\n~~~\n@b", ["@b"]),
        (r"\@escaped and @@double and /@path", []),
        ("@größe und @_private", ["@größe", "@_private"]),
        ("5 @ 3, a @ b, @ alone, @1x", []),
        ("", []),
        ("use the @ sign\n@first\n@second", ["@first", "@second"]),
    ],
)
def test_finding(prompt: str, names: list[str]) -> None:
    assert [mention.name for mention in find_mentions(prompt)] == names


NAMESPACE: dict[str, Any] = {"df": pd.DataFrame({"price": [1, 2]}), "cfg": {"a": [5]}, "revenue": 3}


def test_variables_are_described() -> None:
    result = resolve_mentions("why @df and @df.price and @cfg['a']", NAMESPACE)
    assert [entry["name"] for entry in result] == ["@df", "@df.price", "@cfg['a']"]
    assert json.loads(result[0]["text"])["shape"] == [2, 1]
    assert json.loads(result[1]["text"])["type"] == "Series"
    assert json.loads(result[2]["text"])["value"] == [5]


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("@dff", "@dff is not a variable. Did you mean @df?"),
        ("@Revenue", "@Revenue is not a variable. Did you mean @revenue?"),
        ("@nothing_like_it", "@nothing_like_it is not a variable."),
        ("@df.prise", "@df.prise: df has no attribute prise. Did you mean price?"),
        ("@df.zzz", "@df.zzz: df has no attribute zzz. Its columns are price."),
        ("@cfg['b']", "@cfg['b']: cfg has no item 'b'. It has a."),
        ("@cfg.nothing", "@cfg.nothing: cfg has no attribute nothing. dir(cfg) lists what it has."),
        ("@cell:9", "no cell has run as [9]"),
        ("@file:missing.csv", "there is no such file"),
        ("@file:../secret", "outside"),
        ("@file:/etc/passwd", "outside"),
    ],
)
def test_what_is_not_there_is_named(prompt: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_mentions(prompt, NAMESPACE, root=tmp_path)
    assert said in str(caught.value)


def test_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hällo")
    (tmp_path / "b.bin").write_bytes(b"\0\1\2")
    (tmp_path / "big.csv").write_text("x,y\n" * 500_000)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inner.py").write_text("pass")
    texts = {
        entry["name"]: entry["text"]
        for entry in resolve_mentions("@file:a.txt @file:b.bin @file:big.csv @file:folder", {}, root=tmp_path)
    }
    assert texts["@file:a.txt"] == "hällo"
    assert texts["@file:b.bin"] == "(a binary file of 3 bytes)"
    assert "characters cut" in texts["@file:big.csv"]
    assert texts["@file:folder"] == "inner.py"
    with pytest.raises(UsageError, match=r"Did you mean @file:a\.txt"):
        resolve_mentions("@file:a.txtt", {}, root=tmp_path)


def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "outside.txt").write_text("secret")
    (inside / "link.txt").symlink_to(tmp_path / "outside.txt")
    with pytest.raises(UsageError, match="outside"):
        resolve_mentions("@file:link.txt", {}, root=inside)


def test_cells() -> None:
    frame = pd.DataFrame({"n": [1]})
    namespace = {"In": ["", "a = 1", "frame", "%copilot …"], "Out": {2: frame}}
    result = resolve_mentions("@cell:1 @cell:2 @cell:-1", namespace)
    assert result[0]["text"] == "In [1]:\na = 1"
    assert result[1]["text"].startswith("In [2]:\nframe\nOut[2]: {")
    assert result[2]["text"] == result[1]["text"]


def test_the_last_error(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError as error:
        monkeypatch.setattr(sys, "last_value", error, raising=False)
        monkeypatch.setattr(sys, "last_exc", error, raising=False)
    assert json.loads(resolve_mentions("@error", {})[0]["text"])["type"] == "ZeroDivisionError"


def test_the_budget_holds_however_much_is_mentioned(tmp_path: Path) -> None:
    namespace = {f"v{n}": "x" * 100_000 for n in range(8)}
    result = resolve_mentions(" ".join(f"@v{n}" for n in range(8)), namespace, budget=8_000)
    assert len(result) == 8
    assert sum(len(entry["text"]) for entry in result) < 9_000
    assert all(json.loads(entry["text"])["name"] for entry in result)
