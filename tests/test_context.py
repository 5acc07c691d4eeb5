"""@mentions: what is one, and what the model reads for it."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from copilot_widget.errors import UsageError
from copilot_widget.models.usage import estimate_tokens
from copilot_widget.notebook.context import Selection, find_mentions, resolve_mentions


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


@pytest.mark.parametrize("name", ["link.txt", "away/outside.txt", "away"])
def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "outside.txt").write_text("secret")
    (inside / "link.txt").symlink_to(tmp_path / "outside.txt")
    (inside / "away").symlink_to(tmp_path)
    with pytest.raises(UsageError, match=r"symbolic link, which is not followed\. Mention a plain file"):
        resolve_mentions(f"@file:{name}", {}, root=inside)


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is a named pipe"):
        resolve_mentions("@file:pipe", {}, root=tmp_path)


def test_texts_of_other_encodings(tmp_path: Path) -> None:
    (tmp_path / "windows.txt").write_bytes("héllo".encode("utf-16"))
    (tmp_path / "old.txt").write_bytes("héllo".encode("latin-1"))
    (tmp_path / "long.txt").write_text("é" * 9 + "\n" + "ü" * 99_995 + "\nend")
    found = resolve_mentions("@file:windows.txt @file:old.txt @file:long.txt", {}, root=tmp_path, budget=10**6)
    assert [entry["text"] for entry in found[:2]] == ["héllo", "héllo"]
    assert found[2]["text"].startswith("é" * 9 + "\n")
    assert found[2]["text"].endswith("bytes not read]")


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
    result = resolve_mentions(" ".join(f"@v{n}" for n in range(8)), namespace, budget=2_000)
    assert len(result) == 8
    assert sum(estimate_tokens(entry["text"]) for entry in result) <= 2_000
    assert all(json.loads(entry["text"])["name"] for entry in result)


def test_what_a_small_one_does_not_need_goes_to_the_others() -> None:
    namespace = {"small": 1, "large": list(range(10**6)), "words": "word " * 10_000, "cjk": "数据" * 10_000}
    prompt = "@large @small @words @cjk"
    result = {entry["name"]: estimate_tokens(entry["text"]) for entry in resolve_mentions(prompt, namespace)}
    assert list(result) == ["@large", "@small", "@words", "@cjk"]
    assert result["@small"] < 20
    assert result["@cjk"] > 2_500, "what the others left"
    assert sum(result.values()) <= 6_000
    tight = {e["name"]: estimate_tokens(e["text"]) for e in resolve_mentions(prompt, namespace, budget=620)}
    assert all(120 < tight[name] <= 210 for name in ("@large", "@words", "@cjk"))


def test_the_time_holds_for_all_mentions_together() -> None:
    class Slow:
        def __repr__(self) -> str:
            time.sleep(30)
            return ""

    namespace = {"a": Slow(), "b": Slow(), "c": Slow(), "df": NAMESPACE["df"]}
    begun = time.monotonic()
    result = resolve_mentions("@df @a @b @c", namespace, seconds=0.5)
    assert time.monotonic() - begun < 3
    texts = [json.loads(entry["text"]) for entry in result]
    assert texts[0]["shape"] == [2, 1]
    assert "took it longer than" in texts[1]["note"]
    assert texts[2] == {
        "name": "b",
        "type": "test_the_time_holds_for_all_mentions_together.<locals>.Slow",
        "note": "not described: the time for it was up",
    }


def test_an_error_whose_message_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class HangingError(Exception):
        def __str__(self) -> str:
            time.sleep(30)
            return ""

    monkeypatch.setattr(sys, "last_exc", HangingError(), raising=False)
    result = json.loads(resolve_mentions("@error", {}, seconds=0.3)[0]["text"])
    assert result["type"].endswith("HangingError")
    assert "longer" in result["note"]


def test_the_selection() -> None:
    with pytest.raises(UsageError, match="nothing is selected") as caught:
        resolve_mentions("explain @selection", {})
    assert "in the panel" in caught.value.hint
    found = resolve_mentions("explain @selection", {}, selection=Selection("df.head()", 3))
    assert found == [{"name": "@selection", "text": "Selected in cell [3]:\ndf.head()"}]
    assert resolve_mentions("explain", {}, selection=Selection("x")) == []
    assert resolve_mentions("explain @selection", {}, selection=Selection("x"))[0]["text"] == "x"
    own = resolve_mentions("explain @selection", {"selection": 5})
    assert json.loads(own[0]["text"])["value"] == 5


def test_keys_in_what_is_mentioned_are_not_sent(tmp_path: Path) -> None:
    for name in (".env", "credentials.json"):
        (tmp_path / name).write_text("PASSWORD=hunter22")
        with pytest.raises(UsageError, match="keys or passwords"):
            resolve_mentions(f"@file:{name}", {}, root=tmp_path)
    (tmp_path / "log.txt").write_text("calling with api_key=abcdef123456 now")
    assert "abcdef" not in resolve_mentions("@file:log.txt", {}, root=tmp_path)[0]["text"]
