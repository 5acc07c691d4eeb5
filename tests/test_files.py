"""Files under a root: what is read and listed, and that no path leads out."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from copilot_widget import Copilot
from copilot_widget.errors import ToolError, UsageError
from copilot_widget.tools.files import confine, file_tools
from copilot_widget.tools.files.confine import Root
from copilot_widget.tools.files.tree import matches
from copilot_widget.tools.sensitive import is_secret_file, without_secrets

from .file_tools import call, card, text

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.fixture(params=[True, False], ids=["by descriptor", "by path"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder beside a secret one; with the calls of POSIX, and as on Windows without them."""
    monkeypatch.setattr(confine, "BY_DESCRIPTOR", request.param and confine.BY_DESCRIPTOR)
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (inside / "sub").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.txt").write_text("top secret")
    (inside / "a.txt").write_text("one\ntwo\nthree\n")
    (inside / "sub" / "b.txt").write_text("below\n")
    return inside


# ---- no way out ----------------------------------------------------------------------------------------

READERS = ("read_file", "list_files", "search_files", "write_file", "edit_file")
MORE: dict[str, dict[str, Any]] = {
    "search_files": {"query": "secret"},
    "write_file": {"content": "mine"},
    "edit_file": {"old": "top", "new": "my"},
}


async def refused(root: Path, path: str) -> dict[str, str]:
    """What each tool says of a path, all of which must refuse it."""
    told: dict[str, str] = {}
    for name in READERS:
        where = "folder" if name in ("list_files", "search_files") else "path"
        with pytest.raises(ToolError) as caught:
            await call(root, name, **{where: path}, **MORE.get(name, {}))
        told[name] = str(caught.value)
    return told


@pytest.mark.parametrize("path", ["../outside/secret.txt", "sub/../../outside/secret.txt", "..", "/etc/passwd", "/"])
async def test_a_path_that_leads_out_is_refused_as_it_was_given(root: Path, path: str) -> None:
    for told in (await refused(root, path)).values():
        assert told.startswith(f"{path} is outside of {root}")


async def test_an_absolute_path_inside_is_as_good(root: Path) -> None:
    assert "two" in await text(root, "read_file", path=str(root / "a.txt"))
    assert "two" in await text(root, "read_file", path=".//a.txt")
    with pytest.raises(ToolError, match="outside"):
        await text(root, "read_file", path=f"{root}-else/a.txt")


async def test_a_path_means_what_it_says(root: Path) -> None:
    """What is allowed beforehand for "sub/*" must not hold for another folder."""
    for path in ("sub/../a.txt", f"{root}/sub/../a.txt"):
        for told in (await refused(root, path)).values():
            assert told == f"{path} has '..' in it. Write it as a.txt."


async def test_links_are_not_followed_wherever_they_are(root: Path) -> None:
    (root / "link.txt").symlink_to(root.parent / "outside" / "secret.txt")
    (root / "folder").symlink_to(root.parent / "outside")
    (root / "dangling").symlink_to(root.parent / "outside" / "not-there")
    (root / "within").symlink_to(root / "a.txt")
    (root / "loop").symlink_to("loop")
    for path in ("link.txt", "folder", "folder/secret.txt", "dangling", "within", "loop"):
        for told in (await refused(root, path)).values():
            assert "symbolic link, which is not followed" in told
            assert path in told
    assert (root.parent / "outside" / "secret.txt").read_text() == "top secret"
    assert not (root.parent / "outside" / "not-there").exists()


async def test_only_regular_files_are_opened(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(root / "socket"))
        for path, kind in (("pipe", "a named pipe"), ("socket", "a socket")):
            began = time.monotonic()
            for told in (await refused(root, path)).values():
                assert told.startswith(f"{path} is {kind}")
            assert time.monotonic() - began < 5, "a pipe without a writer would block"
    with pytest.raises(ToolError, match="null is a device"):
        Root("/dev").read("null", 100)


async def test_names_that_are_none(root: Path) -> None:
    for path, words in (("a\0b", "NUL"), ("x" * 5_000, "too long"), ("\ud800", "cannot be encoded")):
        assert all(words in told for told in (await refused(root, path)).values())
    for told in (await refused(root, "y" * 300)).values():
        assert "name too long" in told.lower()


async def test_a_folder_and_nothing(root: Path) -> None:
    with pytest.raises(ToolError, match=r"sub is a folder\. List it with list_files"):
        await text(root, "read_file", path="sub")
    for path in ("nothing.txt", "nothing/else.txt"):
        with pytest.raises(ToolError, match=rf"There is no {path}\. list_files shows"):
            await text(root, "read_file", path=path)
    with pytest.raises(ToolError, match=r"a\.txt/x: a\.txt is a file"):
        await text(root, "read_file", path="a.txt/x")
    with pytest.raises(ToolError, match="is a file"):
        await text(root, "list_files", folder="a.txt")


async def test_a_root_that_is_a_link_means_the_folder_of_then(root: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(root)
    tools = {tool.schema.name: tool for tool in file_tools(link)}
    link.unlink()
    link.symlink_to(tmp_path / "outside")
    path = Root(root).parts(str(root / "a.txt"))
    assert path == ("a.txt",)
    assert tools["read_file"].approval({"path": str(link / "a.txt")}) is None, "its own name is one of the root's"
    assert "two" in await text(root, "read_file", path=str(root / "a.txt"))


def test_a_folder_that_is_held_open_stays_what_it_was(tmp_path: Path) -> None:
    """A swap between a check and its use."""
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "sub" / "x").write_text("mine")
    (tmp_path / "out" / "x").write_text("secret")
    with Root(tmp_path / "in").folder(("sub",), "sub/x") as folder:
        (tmp_path / "in" / "sub").rename(tmp_path / "in" / "was")
        (tmp_path / "in" / "sub").symlink_to(tmp_path / "out")
        assert folder.read("x", "sub/x", 100).data == b"mine"


SWAP = """
import os, sys
os.chdir(sys.argv[1])
os.symlink("../out", "link")
print("on", flush=True)
while True:
    for names in (("sub", "was"), ("link", "sub"), ("sub", "link"), ("was", "sub")):
        os.rename(*names)
"""


def test_no_swap_of_names_ever_leads_out(tmp_path: Path) -> None:
    """Folder and link change places as fast as they can while files are read."""
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "sub" / "x").write_text("mine")
    (tmp_path / "out" / "x").write_text("secret")
    swapper = subprocess.Popen([sys.executable, "-c", SWAP, str(tmp_path / "in")], stdout=subprocess.PIPE)
    try:
        assert swapper.stdout is not None
        swapper.stdout.readline()
        root, seen, refusals = Root(tmp_path / "in"), 0, 0
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            try:
                assert root.read("sub/x", 100).data == b"mine"
                seen += 1
            except ToolError:
                refusals += 1
        assert seen
        assert refusals
    finally:
        swapper.kill()
        swapper.communicate()


# ---- reading -------------------------------------------------------------------------------------------


async def test_lines_have_numbers(root: Path) -> None:
    assert await text(root, "read_file", path="a.txt") == "    1\tone\n    2\ttwo\n    3\tthree"
    assert await text(root, "read_file", path="a.txt", offset=2, limit=1) == (
        "    2\ttwo\n(lines 2 to 2 of 3; go on with offset=3)"
    )
    with pytest.raises(ToolError, match="has 3 lines, and none from 4 on"):
        await text(root, "read_file", path="a.txt", offset=4)
    (root / "empty").touch()
    assert await text(root, "read_file", path="empty") == "(empty is empty)"


@pytest.mark.parametrize(
    ("data", "line", "note"),
    [
        ("Größe → 1".encode(), "Größe → 1", ""),
        ("\ufeffGröße".encode(), "Größe", ""),
        ("Größe".encode("utf-16"), "Größe", "utf-16-le"),
        ("\ufeffGröße".encode("utf-16-be"), "Größe", "utf-16-be"),
        ("Größe".encode("latin-1"), "Größe", "latin-1"),
        (b"a\r\nb\r\n", "a", "CRLF"),
        ("one\u2028still one".encode(), "one\u2028still one", ""),
    ],
)
async def test_encodings(root: Path, data: bytes, line: str, note: str) -> None:
    (root / "text").write_bytes(data)
    told = await text(root, "read_file", path="text")
    assert told.split("\n")[0] == f"    1\t{line}"
    assert note in told


async def test_large_files_come_in_pages(root: Path) -> None:
    (root / "big.txt").write_text("".join(f"line {n}\n" for n in range(1, 100_001)))
    first = await text(root, "read_file", path="big.txt")
    assert first.endswith("(lines 1 to 400 of 100,000; go on with offset=401)")
    last = await text(root, "read_file", path="big.txt", offset=99_999)
    assert last.endswith("line 100000\n(lines 99,999 to 100,000 of 100,000)")
    (root / "wide.txt").write_text(("x" * 10_000 + "\n") * 50)
    wide = await text(root, "read_file", path="wide.txt")
    assert len(wide) < 20_000, "a longer output would be cut in its middle"
    assert "[8,000 more characters]" in wide
    assert wide.endswith("(lines 1 to 7 of 50; go on with offset=8)")


async def test_huge_files_are_refused(root: Path) -> None:
    with (root / "huge.csv").open("wb") as stream:
        stream.truncate(3_000_000_000)
    with pytest.raises(ToolError, match=r"huge\.csv has 3\.0 GB, and at most 20\.0 MB are read\. Look at a part"):
        await text(root, "read_file", path="huge.csv")


async def test_binary_files_and_images(root: Path) -> None:
    (root / "model.bin").write_bytes(b"\x00\x01" * 100)
    with pytest.raises(ToolError, match="is a binary file of 200 bytes"):
        await text(root, "read_file", path="model.bin")
    (root / "plot.png").write_bytes(PNG)
    result = await call(root, "read_file", path="plot.png")
    assert result.output == "plot.png is an image (image/png, 48 bytes). The user sees it; you do not."
    assert list(result.display[0]) == ["image/png", "text/plain"]
    for kind, data in {"gif": b"GIF89a\x01", "webp": b"RIFF\x04\0\0\0WEBPVP8 "}.items():
        (root / f"flag.{kind}").write_bytes(data)
        shown = (await call(root, "read_file", path=f"flag.{kind}")).display[0]
        assert shown[f"image/{kind}"] == base64.b64encode(data).decode(), "which every card and record shows"
    (root / "large.png").write_bytes(PNG + bytes(6_000_000))
    result = await call(root, "read_file", path="large.png")
    assert result.output == "large.png is an image (image/png, 6.0 MB), too large to show."
    assert result.display is None


AS_NOBODY = """
import asyncio, os, sys
from pathlib import Path
from tests.file_tools import text
async def said(name, **given):
    try:
        return await text(Path("."), name, **given)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
async def main():
    os.chdir(sys.argv[1])
    for name in ("read_file", "list_files", "search_files", "write_file", "edit_file"):
        await said(name)  # loads what nobody may not
    if os.getuid() == 0:  # whom no mode stops
        os.setgid(65534)
        os.setuid(65534)
    print(await said("read_file", path="closed.txt"))
    print(await said("list_files", folder="locked"))
    print(await said("write_file", path="fixed/new.txt", content="x"))
    print(await said("edit_file", path="fixed/a.txt", old="old", new="new"))
    print((await said("search_files", query="old")).split("\\n")[0])
asyncio.run(main())
"""


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_what_may_not_be_used_is_said() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own is closed to others
        root = Path(folder)
        root.chmod(0o755)
        (root / "closed.txt").write_text("x")
        (root / "closed.txt").chmod(0)
        (root / "locked").mkdir(mode=0)
        (root / "fixed").mkdir()
        (root / "fixed" / "a.txt").write_text("old")
        (root / "fixed" / "a.txt").chmod(0o666)
        (root / "fixed").chmod(0o555)
        here = Path(__file__).parents[1]
        command = [sys.executable, "-c", AS_NOBODY, folder]
        done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=True)
        kept = sorted(path.name for path in (root / "fixed").iterdir())
        (root / "fixed").chmod(0o755)
        (root / "locked").chmod(0o755)
    lines = done.stdout.splitlines()
    for line, path in zip(lines, ("closed.txt", "locked", "fixed/new.txt", "fixed/a.txt"), strict=False):
        assert line == (
            f"ToolError: {path} cannot be used: Permission denied. Ask the user to change that, or use another file."
        )
    assert lines[4] == "fixed/a.txt:1: old"
    assert kept == ["a.txt"]


# ---- secrets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [".env", ".env.local", "prod.env", ".ENV", "keys/server.pem", "id_rsa", "id_ed25519", ".netrc", "credentials",
     ".aws/config", ".ssh/known_hosts", ".git-credentials", "client_secret_1.json", "app-credentials.json",
     ".cache/huggingface/token", ".cache/huggingface/stored_tokens", ".kaggle/kaggle.json", ".kaggle/access_token",
     ".databrickscfg", ".dbt/profiles.yml", ".snowflake/connections.toml", ".snowsql/config", ".s3cfg", ".boto",
     ".config/rclone/rclone.conf", ".pg_service.conf", ".cdsapirc", ".Renviron", ".config/gh/hosts.yml", ".modal.toml",
     ".nasdaq/data_link_apikey", "terraform.tfvars"],
)  # fmt: skip
def test_secret_files_are_read_with_consent_alone(tmp_path: Path, path: str) -> None:
    assert is_secret_file(path.split("/"))
    asked = card(tmp_path, "read_file", path=path)
    assert asked.title == f"read {path}, which may hold keys or passwords"
    assert card(tmp_path, "read_file", path=f".//{path}") is not None


@pytest.mark.parametrize(
    "path",
    ["a.txt", "env.py", ".env.example", "id_rsa.pub", "credentials.md", "monkey.csv", "tokens.csv", "profiles.csv",
     "token.py", "hosts.txt"],
)  # fmt: skip
def test_other_files_are_read_unasked(tmp_path: Path, path: str) -> None:
    assert card(tmp_path, "read_file", path=path) is None


def test_variables_that_look_like_keys() -> None:
    kept = {"PATH": "/bin", "HOME": "/h", "TOKENIZERS_PARALLELISM": "1", "PWD": "/", "SSH_AUTH_SOCK": "/s", "KEYS": "a"}
    keys = ["OPENAI_API_KEY", "GITHUB_TOKEN", "my_secret", "PGPASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    keys += ["HF_TOKEN", "DB_PASSWORD_FILE", "AZURE_STORAGE_KEY", "OPENAIAPIKEY"]
    given = {**kept, **dict.fromkeys(keys, "x"), "DATABASE_URL": "postgresql://me:pass@host/db"}
    assert without_secrets(given) == kept


# ---- listing -------------------------------------------------------------------------------------------


async def test_a_folder_is_listed(root: Path) -> None:
    for name in (".git", "node_modules", "__pycache__", ".ipynb_checkpoints", ".hidden"):
        (root / name).mkdir()
        (root / name / "x.txt").write_text("x")
    (root / "link").symlink_to(root.parent)
    assert await text(root, "list_files") == (
        "a.txt  14 bytes\nlink  (a symbolic link, not followed)\nsub/\n(5 hidden or of tools are left out)"
    )
    assert await text(root, "list_files", pattern="*.txt") == (
        "a.txt  14 bytes\nsub/b.txt  6 bytes\n(5 hidden or of tools are left out)"
    )
    hidden = await text(root, "list_files", pattern="*.txt", hidden=True)
    assert hidden == ".hidden/x.txt  1 bytes\na.txt  14 bytes\nsub/b.txt  6 bytes"
    assert await text(root, "list_files", folder=".git") == "x.txt  1 bytes"
    assert await text(root, "list_files", pattern="*.nothing", hidden=True) == "(no file matches)"


async def test_a_list_is_bounded(root: Path) -> None:
    (root / "many").mkdir()
    for n in range(1_000):
        (root / "many" / f"file-{n:04}.txt").touch()
    told = await text(root, "list_files", folder="many")
    assert told.startswith("file-0000.txt  0 bytes\n")
    assert told.endswith("(only the first 400 are listed: narrow it down)")
    deep = root / "deep"
    for _ in range(60):
        deep = deep / "d"
    deep.mkdir(parents=True)
    told = await text(root, "list_files", folder="deep", pattern="**")
    assert "folders below 40 others were not looked into" in told


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("a.csv", "*.csv", True),
        ("x/y/a.csv", "*.csv", True),
        ("x/y/a.csv", "x/*.csv", False),
        ("x/a.csv", "x/*.csv", True),
        ("x/y/a.csv", "x/**/*.csv", True),
        ("x/a.csv", "x/**/*.csv", True),
        ("x/y/a.csv", "**/y/*", True),
        ("x/y/a.csv", "**", True),
        ("x/y/a.csv", "y/*.csv", False),
        ("a.csv", "?.csv", True),
        ("a.txt", "*.[ct]*", True),
    ],
)
def test_patterns(path: str, pattern: str, expected: bool) -> None:
    assert matches(path, pattern) is expected


def test_no_pattern_takes_long() -> None:
    began = time.monotonic()
    assert not matches("/".join(["a" * 200] * 40), "/".join(["**", "*a" * 30 + "b"] * 20))
    assert time.monotonic() - began < 5


# ---- what a Copilot offers -----------------------------------------------------------------------------


def names(copilot: Copilot) -> set[str]:
    return set(copilot.agents.toolset().tools())


def test_files_are_off_without_a_notebook_and_without_a_root(tmp_path: Path) -> None:
    assert names(Copilot("demo")) == set()
    assert names(Copilot("demo", root=False)) == set()
    assert names(Copilot("demo", root=tmp_path)) == set(READERS)


def test_a_tool_of_the_users_goes_first(tmp_path: Path) -> None:
    def read_file(path: str) -> str:
        return "mine"

    copilot = Copilot("demo", root=tmp_path, tools=[read_file])
    assert copilot.agents.toolset().tools()["read_file"] is copilot.agents.tools.tools()["read_file"]


def test_a_root_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for wrong in (tmp_path / "nothing", tmp_path / "file", True):
        with pytest.raises(UsageError, match="root is"):
            Copilot("demo", root=wrong)  # type: ignore[arg-type]


def test_the_schemas_are_small(tmp_path: Path) -> None:
    """What every request to a model carries, ≈ 4 characters a token."""
    schemas = [tool.schema for tool in file_tools(tmp_path)]
    size = sum(len(json.dumps([s.name, s.description, dict(s.input_schema)])) for s in schemas)
    assert size < 3_600
