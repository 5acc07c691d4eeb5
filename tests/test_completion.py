"""What completes at a prompt's cursor, in a composer and in IPython's own completer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from IPython.core.interactiveshell import InteractiveShell

from copilot_widget import load_ipython_extension, unload_ipython_extension
from copilot_widget.notebook.completer import complete_code, prompt_at
from copilot_widget.notebook.completion import COMMANDS, LIMIT, Surroundings, complete, complete_in_page
from copilot_widget.notebook.context import find_mentions
from copilot_widget.notebook.paths import resolve


class Order:
    kind = "retail"

    def __init__(self) -> None:
        self.number = 17
        self._secret = 1

    @property
    def total(self) -> int:
        raise AssertionError("a property was read")

    def ship(self) -> None: ...


NAMESPACE: dict[str, Any] = {
    "np": pd,
    "delta": 1,
    "df": pd.DataFrame({"price": [1.0], "two words": [2], 3: [3]}),
    "data": pl.DataFrame({"price": [1.0], "qty": [2]}),
    "double": len,
    "order": Order(),
    "cfg": {"alpha": {"beta": 1}, "it's": 2, 3: 4},
    "api_key": "not to be seen",
    "note": "token=sk-abcdefghijklmnop1234",
    "größe": 5,
    "In": ["", "import pandas", "df.head()\ndf.tail()", ""],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("data.csv", "dates of all.txt", ".env", ".hidden", "secrets.toml", "DATA.md", 'a"b.txt'):
        (tmp_path / name).write_text("x")
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "x.py").write_text("x")
    (tmp_path / "data" / ".ssh").mkdir()
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path.parent)
    return tmp_path


def texts(text: str, **around: Any) -> list[str]:
    around.setdefault("namespace", NAMESPACE)
    items = complete(text, len(text), Surroundings(**around))
    for item in items:
        assert (item.end, item.start) == (len(text), items[0].start)
    return [item.text for item in items]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("--mo", ["--model"]),
        ("--m", ["--model", "--max-steps"]),
        ("-m", ["-m"]),
        ("--approvals ", ["ask", "auto", "never"]),
        ("--approvals a", ["ask", "auto"]),
        ("--approvals=n", ["never"]),
        ("--executor k", ["kernel"]),
        ("--model d", ["demo"]),
        ("-m ollama", ["ollama/llama3"]),
        ("--wait --wa", []),
        ("--model demo --w", ["--wait"]),
        ("--budget '0.50 USD' --wa", ["--wait"]),
        ("why --mo", []),
        ("-- --mo", []),
        ("/he", ["/help"]),
        ("--wait /he", ["/help"]),
        ("--wait\n/he", ["/help"]),
        ("/model de", ["demo"]),
        ("why /he", []),
        ("/nothing", []),
    ],
)
def test_options_and_commands(text: str, found: list[str]) -> None:
    assert texts(text, options=True, models=lambda: ["demo", "ollama/llama3"]) == found


def test_an_empty_prompt_offers_commands_and_options_and_a_composer_has_no_options() -> None:
    assert texts(" ", options=True)[: len(COMMANDS)] == list(COMMANDS)
    assert "--model" in texts(" ", options=True)
    assert texts("--mo") == []
    assert texts("/") == list(COMMANDS)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("why @d", ["@data", "@df", "@delta", "@double"]),
        ("@D", ["@data", "@df", "@delta", "@double"]),
        ("@gr", ["@größe"]),
        ("@err", ["@error"]),
        ("@cel", ["@cell:"]),
        ("@df.", ["@df.price", "@df.columns", "@df.dtypes", "@df.index", "@df.ndim", "@df.shape", "@df.size"]),
        ("@df.p", ["@df.price"]),
        ("@data.q", ["@data.qty"]),
        ("@df[", ['@df["price"]', '@df["two words"]']),
        ('@df["tw', ['@df["two words"]']),
        ("@df['tw", ["@df['two words']"]),
        ("@cfg['", ["@cfg['alpha']"]),
        ('@cfg["it', ['@cfg["it\'s"]']),
        ('@cfg["alpha"]["', ['@cfg["alpha"]["beta"]']),
        ("@order.", ["@order.number", "@order.kind", "@order.ship"]),
        ("@nothing.", []),
        ("@df.price.nothing", []),
        ("@cell:", ["@cell:2", "@cell:1"]),
        ("@cell:1", ["@cell:1"]),
        ("me@d", []),
        ("@@d", []),
        ("`@d", ["@data", "@df", "@delta", "@double"]),
        ("`@d`", []),
        ("```\n@d", []),
        ("@df and d", []),
        ("", []),
    ],
)
def test_mentions(text: str, found: list[str]) -> None:
    assert texts(text) == found


def test_what_is_completed_is_a_mention_that_resolves() -> None:
    for text in ("@", "@df.", "@df[", "@cfg[", "@order.", "@cfg['alpha']["):
        for completion in texts(text):
            if completion in ("@error", "@cell:"):
                continue
            (mention,) = find_mentions(completion)
            resolve(mention.target, NAMESPACE)


def test_details_tell_types_and_no_secrets() -> None:
    found = {item.text: item for item in complete("@", 1, Surroundings(NAMESPACE, error="NameError: name 'x'"))}
    assert (found["@df"].kind, found["@df"].detail) == ("variable", "DataFrame · 1 × 3: price, two words, 3")
    assert found["@error"].detail == "NameError: name 'x'"
    assert "not to be seen" not in found["@api_key"].detail
    assert "sk-" not in found["@note"].detail
    assert "@selection" not in found
    assert "@selection" in [item.text for item in complete("@s", 2, Surroundings(selection=True))]
    assert complete("@cell:2", 7, Surroundings(NAMESPACE))[0].detail == "df.head() df.tail()"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@fi", ["@file:"]),
        ("@file:da", ["@file:DATA.md", "@file:data/", "@file:data.csv", '@file:"dates of all.txt"']),
        ("@file:data/", ["@file:data/deep/", "@file:data/x.py"]),
        ('@file:"dat', ['@file:"DATA.md"', '@file:"data/', '@file:"data.csv"', '@file:"dates of all.txt"']),
        ("@file:.", []),
        ("@file:../", []),
        ("@file:/", []),
        ("@file:/etc/", []),
        ("@file:secr", []),
        ("@file:dang", []),
        ("@file:data.csv/", []),
        ("@file:node", []),
        ("@file:a", []),
    ],
)
def test_files(text: str, found: list[str], folder: Path) -> None:
    assert sorted(texts(text, root=folder)) == sorted(found)


def test_no_code_of_the_objects_runs() -> None:
    class Trap:
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(name)

        __getattr__ = __repr__ = __len__ = __bool__ = __iter__ = __dir__ = __getattribute__  # type: ignore[assignment]

    class Keys(dict[str, int]):
        def keys(self) -> Any:
            raise AssertionError("keys")

        __iter__ = __getitem__ = __len__ = __contains__ = keys  # type: ignore[assignment]

    namespace = {"trap": Trap(), "keys": Keys(a=1)}
    assert texts("@trap.", namespace=namespace) == []
    assert texts("@tr", namespace=namespace) == ["@trap"]
    assert texts("@keys[", namespace=namespace) == ['@keys["a"]']


def test_many_variables_are_completed_within_20_ms() -> None:
    frame = NAMESPACE["df"]
    namespace = {f"variable_{n}": frame if n % 3 else [n] * 1_000 for n in range(1_000)}
    complete("@", 1, Surroundings(namespace))
    seconds: list[float] = []
    for _ in range(5):
        begun = time.perf_counter()
        items = complete("@var", 4, Surroundings(namespace))
        seconds.append(time.perf_counter() - begun)
        assert LIMIT - 10 < len(items) <= LIMIT
    assert min(seconds) < 0.02


def test_a_page_counts_as_javascript_does() -> None:
    text = "😀 @d and more"
    items = complete_in_page(text, 5, Surroundings(NAMESPACE))
    assert items[0] == {
        "text": "@data", "start": 3, "end": 5, "kind": "variable", "detail": "DataFrame · 1 × 2: price, qty"
    }  # fmt: skip
    assert complete_in_page("\ud83d @d", 4, Surroundings(NAMESPACE))[0]["start"] == 2
    assert complete_in_page("@d", 10**9, Surroundings(NAMESPACE))[0]["end"] == 2


# ---- in IPython --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("%copilot |why", (" why", 1)),
        ("x = 1\n%copilot a|b\ny", (" ab", 2)),
        ("run = %copilot @d|", (" @d", 3)),
        ("%%copilot --wait\nwhy @d|\nend", (" --wait\nwhy @d\nend", 14)),
        ("%copilot|", None),
        ("%copilots |", None),
        ("print('%copilot |')", None),
        ("%copilot a\nx|", None),
        ("%copilot why {d|", None),
        ("%copilot why {d} @d|", (" why {d} @d", 11)),
    ],
)
def test_where_a_prompt_is(code: str, place: tuple[str, int] | None) -> None:
    offset = code.index("|")
    assert prompt_at(code.replace("|", ""), offset) == place


@pytest.mark.parametrize("use_jedi", [False, True])
def test_ipythons_completer(use_jedi: bool) -> None:
    evaluated: list[str] = []

    class Watched:
        def __dir__(self) -> list[str]:
            evaluated.append("dir")
            return ["inner"]

        def __getattr__(self, name: str) -> Any:
            evaluated.append(name)
            raise AttributeError(name)

    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    try:
        shell.Completer.use_jedi = use_jedi
        load_ipython_extension(shell)
        load_ipython_extension(shell)
        shell.user_ns.update(df=NAMESPACE["df"], dread=3, watched=Watched())

        def completed(code: str) -> list[tuple[str, int, str]]:
            from IPython.core.completer import provisionalcompleter

            with provisionalcompleter():
                found = shell.Completer.completions(code, len(code))
                return [(each.text, each.start, each.type) for each in found]

        assert completed("%copilot why @d") == [("@df", 13, "DataFrame"), ("@dread", 13, "int")]
        assert completed("x = 1\n%%copilot") is not None
        assert ("--model", 9, "option") in completed("%copilot --mo")
        assert completed("%%copilot\nwhy\n@df.pr") == [("@df.price", 14, "column")]
        evaluated.clear()
        assert completed("%copilot why @watched.") == []
        assert completed("%copilot why watched.") == []
        assert evaluated == []
        assert "dread" in [text for text, _, _ in completed("%copilot {dre")]
        assert "dread" in [text for text, _, _ in completed("dre")]
        unload_ipython_extension(shell)
        assert ("@df", 13, "DataFrame") not in completed("%copilot why @d")
    finally:
        InteractiveShell.clear_instance()


def test_completing_code_asks_for_the_surroundings_only_in_a_prompt() -> None:
    assert complete_code("x = 1", 5, lambda: pytest.fail("asked")) is None
