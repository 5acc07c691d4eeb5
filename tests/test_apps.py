"""Pages for visitors: what belongs to the notebook's author stays out of their reach."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from copilot_widget.notebook.completion import complete
from copilot_widget.notebook.host import AppHost, NotebookHost, host_of
from copilot_widget.notebook.kernel import MainThread
from copilot_widget.notebook.marimo import MarimoHost
from copilot_widget.notebook.view import choices

SHELL = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=False), user_ns={"secret": 1}, user_ns_hidden={})


@pytest.mark.parametrize("host", [AppHost(SHELL), MarimoHost(None, {})], ids=["voila", "marimo run"])
def test_visitors_are_asked_and_get_nothing_of_the_authors(host: Any) -> None:
    assert not host.headless
    assert [tool.schema.name for tool in host.tools()] == ["ask_user"]
    assert host.folder is host.place is None
    assert list(host.commands) == []
    assert host.mentions("look at @secret and @file:pyproject.toml", None) == []
    around = host.surroundings(SimpleNamespace(root=Path(), model_info=SimpleNamespace(name="demo")))
    assert [complete(text, len(text), around) for text in ("@", "/", "@file:", "/model ")] == [[]] * 4


def test_a_page_promises_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    copilot: Any = SimpleNamespace(model_info=SimpleNamespace(name="demo"), asked=[])
    for host, promised in ((NotebookHost(SHELL), True), (MarimoHost(MainThread(), {}), True), (AppHost(SHELL), False)):
        monkeypatch.setattr("copilot_widget.notebook.slash.host", lambda host=host: host)
        told = choices(copilot, "panel")
        assert ("demo" in told["models"], "/ for a command" in told["placeholder"]) == (promised, promised)
        assert "@" in told["placeholder"] or not promised


def test_a_kernel_of_voila_is_an_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOILA_BASE_URL", raising=False)
    assert type(host_of(SHELL)) is NotebookHost
    assert host_of(SHELL).headless  # nbclient's way to execute: nobody can be asked
    monkeypatch.setenv("VOILA_BASE_URL", "/")
    assert type(host_of(SHELL)) is AppHost


def test_a_notebook_of_marimo_that_is_edited_can_be_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "notebook.py"
    (tmp_path / "data.csv").write_text("a,b\n1,2\n")
    variables: dict[str, Any] = {"__file__": str(file), "price": 12.5}
    host = MarimoHost(MainThread(), variables)
    assert (host.folder, host.place) == (tmp_path, str(file))
    assert {tool.schema.name for tool in host.tools()} == {"list_variables", "inspect_variable", "ask_user"}
    around = host.surroundings(None)
    assert {each.text for each in complete("@", 1, around)} == {"@price", "@file:"}  # its cells have no numbers
    [price, data] = host.mentions("@price @file:data.csv", None)
    assert "12.5" in price["text"]
    assert "1,2" in data["text"]
