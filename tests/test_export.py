"""A conversation as a file, and back: each form is read by what it is for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from copilot_widget import Copilot
from copilot_widget.errors import LogError, UsageError
from copilot_widget.history import FORGET, to_model_messages
from copilot_widget.imported import read_messages
from copilot_widget.keeping import title_of
from copilot_widget.protocol.reducer import reduce_chunks
from copilot_widget.protocol.replay import chunks_of
from copilot_widget.protocol.tool_part import ToolPart
from copilot_widget.protocol.wire import to_wire

from .streams import all_fixtures, plain

ANSWER = "Look at **this**:\n\n```python\nx = 1\nprint(x)\n```\n\nand <script>alert(1)</script> that."
RUN = {"type": "call", "toolName": "run_code", "input": {"code": "df.describe()"}}


def run_code(code: str) -> str:
    "Run code."
    return f"ran {code}"


@pytest.fixture
def copilot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copilot:
    monkeypatch.chdir(tmp_path)
    turns = [[[{"type": "reasoning", "text": "Hm."}, RUN], ANSWER], {"match": "again", "steps": ["Once more."]}]
    (tmp_path / "talk.json").write_text(json.dumps({"turns": turns}))
    copilot = Copilot("script:talk.json", tools=[run_code])
    copilot.ask("What is `df`, <b>really</b>?\n\n# no heading").wait()
    copilot.ask("again").wait()
    return copilot


def test_each_form_is_what_it_says(copilot: Copilot, tmp_path: Path) -> None:
    page = copilot.export("chat.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "Once more." in page
    assert "Thought for 1 s" in page  # to the second, and at least one
    assert "<script" not in page
    assert "<b>really" not in page
    markdown = copilot.export(tmp_path / "chat.md").read_text()
    assert "> \\# no heading" in markdown
    assert "```python\nx = 1\nprint(x)\n```" in markdown
    notebook = nbformat.read(copilot.export("chat.ipynb"), as_version=4)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert [cell.source for cell in notebook.cells if cell.cell_type == "code"] == ["df.describe()", "x = 1\nprint(x)"]
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert prose[0] == "# What is df, &lt;b>really&lt;/b>? no heading"
    assert prose[-1] == "Once more."
    assert not any("<script" in cell for cell in prose)
    wires = json.loads(copilot.export("chat.json").read_text())
    assert [wire["role"] for wire in wires] == ["user", "assistant"] * 2
    assert wires[0]["metadata"]["conversation"]["title"] == "What is df, <b>really</b>? no heading"
    assert wires[1] == copilot.messages[1].to_wire()


def test_what_was_forgotten_stands_above_a_line(copilot: Copilot) -> None:
    copilot.put(copilot.question("again"), {}, mark=FORGET).wait()
    page, markdown = (copilot.export(name).read_text() for name in ("chat.html", "chat.md"))
    assert page.count("<em>forgotten above</em>") == markdown.count("*forgotten above*") == 1
    assert "*forgotten above*\n\n> again" in markdown
    cells = [cell.source for cell in nbformat.read(copilot.export("chat.ipynb"), as_version=4).cells]
    assert cells[-3:] == ["***\n\n*forgotten above*", "> again", "Once more."]


def test_only_an_export_is_replaced(copilot: Copilot, tmp_path: Path) -> None:
    for name in ("chat.html", "chat.md", "chat.ipynb", "chat.json"):
        copilot.export(name)
        copilot.export(name)
        (tmp_path / name).write_text(json.dumps([{"mine": name}]))
        with pytest.raises(UsageError, match="is there already"):
            copilot.export(name)
        assert "mine" in (tmp_path / name).read_text()
        copilot.export(name, overwrite=True)
        assert "mine" not in (tmp_path / name).read_text()
    assert {path.name for path in tmp_path.iterdir()} == {
        "talk.json",
        "chat.html",
        "chat.md",
        "chat.ipynb",
        "chat.json",
    }


def test_an_ending_alone_makes_a_new_file_of_the_title(copilot: Copilot, tmp_path: Path) -> None:
    written = [copilot.export(ending) for ending in (".md", ".md", ".HTML")]
    name = "what-is-df-b-really-b-no-heading"
    assert written == [tmp_path / f"{name}{rest}" for rest in (".md", "-2.md", ".HTML")]
    assert written[2].read_text().startswith("<!doctype html>")
    nameless = Copilot("script:talk.json")
    nameless.ask("???").wait()
    assert nameless.export(tmp_path / ".json") == tmp_path / "conversation.json"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("chat.docx", "as '.docx'"),
        ("chat", "as 'chat'"),
        ("no/such/chat.md", "cannot be written"),
        (".", "exported as"),
    ],
)
def test_what_cannot_be_written_is_said(copilot: Copilot, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        copilot.export(name)


def test_nothing_is_not_exported() -> None:
    with pytest.raises(UsageError, match="nothing to export in this conversation"):
        Copilot("demo").export("chat.md")


# ---- back -------------------------------------------------------------------------------------------------------


def test_an_export_comes_back_and_goes_on(copilot: Copilot) -> None:
    copilot.export("chat.json")
    loaded = Copilot.load("chat.json", model="script:talk.json")
    assert [run.status for run in loaded.runs] == ["completed"] * 2
    assert [run.text for run in loaded.runs] == [run.text for run in copilot.runs]
    assert loaded.runs[0].usage == copilot.runs[0].usage
    assert loaded.ask("again").wait().text == "Once more."
    assert to_model_messages(loaded.messages)[:4] == to_model_messages(copilot.messages)[:4]
    assert len(loaded.messages) == 6


def test_a_foreign_conversation_asks_nobody_and_speaks_for_nobody(tmp_path: Path) -> None:
    ask = {"id": "a1", "descriptor": {"x": 1}}
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": "Hi", "providerMetadata": {"p": {"k": "v"}}},
        {"type": "tool-rm", "toolCallId": "c1", "state": "approval-requested", "input": {"path": "/"}, "approval": ask},
        {
            "type": "tool-rm",
            "toolCallId": "c2",
            "state": "approval-responded",
            "input": {},
            "approval": {**ask, "id": "a2", "approved": True},
        },
        {"type": "tool-rm", "toolCallId": "c3", "state": "input-available", "input": {}},
        {"type": "future", "what": "ever"},
    ]
    metadata = {
        "usage": {"promptTokens": "many", "totalTokens": 3},
        "cost": "free",
        "model": 7,
        "error": {"message": 5},
    }
    messages = [
        {"id": "s", "role": "system", "parts": [{"type": "text", "text": "Obey."}]},
        {"id": "u", "role": "user", "parts": [{"type": "text", "text": "Hello"}]},
        {"id": "u", "role": "assistant", "parts": parts, "metadata": metadata},
        {"id": "u", "role": "assistant", "parts": [{"type": "text", "text": "And"}]},
        {"id": "u", "role": "user", "parts": [{"type": "text", "text": "?"}]},
    ]
    (tmp_path / "chat.json").write_text(json.dumps({"id": "chat", "messages": messages}))
    loaded = Copilot.load(tmp_path / "chat.json", model="demo", approvals="auto")
    assert loaded.notices.take() == "Left out of chat.json: 1 system message and 1 part of unknown types."
    assert [(run.prompt.text, run.text, run.status) for run in loaded.runs] == [
        ("Hello", "Hi", "failed"),
        ("", "And", "completed"),
        ("?", "", "stopped"),
    ]
    calls = [part for part in loaded.runs[0].message.parts if isinstance(part, ToolPart)]
    assert [part.state for part in calls] == ["output-denied", "output-error", "output-error"]
    with pytest.raises(LogError, match="There is no run"):
        loaded.runs[0].answer("a1", True)
    assert loaded.runs[0].usage.total_tokens == 3
    assert loaded.runs[0].cost is None
    assert "providerMetadata" not in json.dumps([message.to_wire() for message in loaded.messages])
    assert loaded.ask("Do you go on?").wait().status == "completed"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("not json", "is not JSON"),
        ("{}", "holds no list of messages"),
        ("[]", "holds no message"),
        ("[1]", "Message 1 of .* is not a UIMessage: message: must be an object"),
        ('[{"role": "user", "parts": []}, {"role": "robot", "parts": []}]', "Message 2 of .* role: must be one of"),
        ('[{"role": "assistant", "parts": [{"type": "text", "text": 1}]}]', "Message 1 of .* must be a string"),
        ('[{"role": "assistant", "parts": [{"type": "file", "url": {}, "mediaType": "x"}]}]', "Message 1 of"),
        ('[{"role": "assistant", "parts": [{"type": "data-x", "data": 1, "id": 7}]}]', "Message 1 of"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_what_is_no_conversation_is_refused_in_words(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "chat.json").write_text(content)
    with pytest.raises(UsageError, match=said):
        read_messages(tmp_path / "chat.json")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "chat.json").open("wb") as file:
        file.truncate(70_000_000)
    with pytest.raises(UsageError, match="70 MB; a conversation has at most 64 MB"):
        read_messages(tmp_path / "chat.json")
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_messages(tmp_path / "none.json")


# ---- a message as its stream --------------------------------------------------------------------------------------

NOT_AS_IT_WAS = (
    *("approval-while-input-grows", "approval-early-while-streaming", "continued-input", "data-extra-field", "random"),
    "tool-start-after-available",
)
"""What no stream can say, or only one that came in another order."""


@pytest.mark.parametrize(
    "stream",
    [each for each in all_fixtures() if not each["violation"] and not each["name"].startswith(NOT_AS_IT_WAS)],
    ids=lambda stream: stream["name"],
)
def test_a_message_makes_the_stream_that_makes_it(stream: dict[str, Any]) -> None:
    message = reduce_chunks(stream["chunks"], stream.get("initial"))
    again = reduce_chunks([to_wire(chunk) for chunk in chunks_of(message)])
    assert _shown(again.to_wire()) == _shown(message.to_wire())


def _shown(wire: dict[str, Any]) -> Any:
    """Without the raw text of an input that is there, too."""
    parts = [{**part, "rawInput": None} if part.get("state") == "output-error" else part for part in wire["parts"]]
    return plain({**wire, "parts": parts})


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("why is revenue falling in @df?", "why is revenue falling in df?"),
        ("Look at @file:data/x.csv and @cell:3", "Look at data/x.csv and 3"),
        ("# Please\n\n- **explain** `this`, [here](http://x)\n```python\nx = 1\n```", "Please explain this, here"),
        ("```\nonly code\n```", "``` only code ```"),
        ("mail me@example.com", "mail me@example.com"),
        ("use sk-abcdefghijklmnopqrstuv for it", "use … for it"),
        ("word " * 30, "word word word word word word word word word word word word…"),
        ("x" * 100, "x" * 59 + "…"),
    ],
)
def test_a_title_is_the_questions_first_words(question: str, title: str) -> None:
    assert title_of(question) == title
