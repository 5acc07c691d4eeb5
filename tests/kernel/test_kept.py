"""Conversations that outlive their kernel: real kernels, the real file, and what can go wrong with it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from copilot_widget.protocol.messages import TextPart, UIMessage
from copilot_widget.store.sql import SqlStore

from .kernels import Kernel, Reply

SLOW = [[{"type": "text", "text": " ".join(f"w{n}" for n in range(400)), "tokensPerSecond": 20}]]


class Notebook:
    """A notebook's kernels, one after the other, as Jupyter Server starts them."""

    def __init__(self, start: Callable[..., Kernel], folder: Path, name: str = "work.ipynb") -> None:
        self.folder = folder
        self.file = folder / "data" / "copilot" / "threads.sqlite3"
        self.path = folder / name
        self._start = start
        script = {
            "turns": [
                {"match": "again", "steps": ["The second answer."]},
                {"match": "slow", "steps": SLOW},
                {
                    "match": "mark it",
                    "steps": [
                        [
                            {"type": "text", "text": "Let me."},
                            {"type": "call", "toolName": "run_code", "input": {"code": "x = 1"}},
                        ],
                        "Marked.",
                    ],
                },
                ["The first answer."],
            ],
            "end": "last",
        }
        (folder / "talk.json").write_text(json.dumps(script))

    def kernel(self, **env: str) -> Kernel:
        self.path.parent.mkdir(exist_ok=True)
        own = {"COPILOT_STORE": "", "JUPYTER_DATA_DIR": str(self.folder / "data")}
        own |= {"JPY_SESSION_NAME": str(self.path), "COPILOT_MODEL": f"script:{self.folder / 'talk.json'}", **env}
        kernel = self._start(env=own, cwd=self.path.parent)
        kernel.run("%load_ext copilot_widget").check()
        kernel.run("from copilot_widget.notebook import magic; extension = magic._extension").check()
        return kernel

    def rows(self, query: str) -> list[Any]:
        with sqlite3.connect(self.file) as connection:
            return connection.execute(query).fetchall()


def ask(kernel: Kernel, question: str) -> None:
    time.sleep(0.2)  # else it would be Run All
    kernel.run(f"run = %copilot {question}").check()


def ended(kernel: Kernel) -> str:
    """The answer's text, when it has been written to the file, too."""
    return kernel.value("(run.wait().text, run.copilot.keeping.conversations())[0]")


def told(kernel: Kernel, command: str) -> str:
    time.sleep(0.2)
    reply = kernel.run(f"%copilot {command}").check()
    return reply.displays[-1]["text/markdown"]


def notices(kernel: Kernel) -> list[str]:
    """What the kernel's views say beside their conversations."""
    widgets = "__import__('ipywidgets').Widget.widgets.values()"
    return kernel.value(f"[each for widget in {widgets} if (each := getattr(widget, '_notice', None))]")


def save(path: Path, *cells: Reply) -> None:
    """As a front end does, with what these cells put out."""
    outputs = [
        nbformat.v4.new_output("display_data", data=data, metadata=metadata)
        for cell in cells
        for data, metadata in zip(cell.displays, cell.metadata, strict=True)
    ]
    path.parent.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=outputs)]), path)


@pytest.fixture
def notebook(start_kernel: Callable[..., Kernel], tmp_path: Path) -> Notebook:
    return Notebook(start_kernel, tmp_path)


def test_a_conversation_goes_on_in_the_next_kernel(notebook: Notebook) -> None:
    first = notebook.kernel()
    ask(first, "Is **it** kept in @extension, and `so` on?")
    assert ended(first) == "The first answer."
    ask(first, "slow, the kernel will die of it")
    time.sleep(4)  # longer than an answer that grows is not kept
    first.kill()
    assert stat.S_IMODE(os.stat(notebook.file).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(notebook.file.parent).st_mode) == 0o700

    second = notebook.kernel()
    listed = told(second, "/history")
    assert "| Is it kept in extension, and so on? | 2 | today " in listed
    told(second, "/resume")
    runs = second.value("[(run.status, run.text[:17]) for run in extension.copilots[extension.current].runs]")
    assert runs == [["completed", "The first answer."], ["stopped", "w0 w1 w2 w3 w4 w5"]]
    ask(second, "and again?")
    assert ended(second) == "The second answer."
    history = "extension.copilots[extension.current].messages"
    assert second.value(f"[m.role for m in {history}]") == ["user", "assistant"] * 3
    from_model = "__import__('copilot_widget.history').history.to_model_messages"
    assert second.value(f"len({from_model}({history}))") == 6
    second.close()

    third = notebook.kernel()
    ask(third, "a question")
    line = "An earlier conversation of this notebook can be resumed: %copilot /resume (Is it kept in extension"
    deadline = time.monotonic() + 20
    while not (said := notices(third)):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert said[0].startswith(line)
    ask(third, "another")
    assert ended(third) == "The first answer."
    assert len(notices(third)) == 1
    assert " | 3 | today " in told(third, "/history slow again")
    assert told(third, "/history nothing").startswith("No conversations of this notebook with nothing")
    assert told(third, "/history rename kept A name of mine").startswith("Renamed: ")
    assert told(third, "/resume name mine").startswith("Resumed: A name of mine · 3 turns, today")
    exported = told(third, f"/export '{notebook.path.parent}/.md'")
    assert exported.endswith("/a-name-of-mine.md.")
    assert "# A name of mine" in (notebook.path.parent / "a-name-of-mine.md").read_text()
    ask(third, "--new something else")
    assert ended(third) == "The first answer."
    assert told(third, "/history delete 'name of'").startswith("Deleted: A name of mine · 3 turns, today ")
    third.close()
    assert notebook.rows("select count(*) from copilot_threads") == [(2,)]
    for path in notebook.file.parent.iterdir():
        content = path.read_bytes()
        assert b"A name of mine" not in content
        assert b"The second answer" not in content


def test_words_delete_and_rename_nothing_of_another_notebook(
    notebook: Notebook, start_kernel: Callable[..., Kernel]
) -> None:
    other = Notebook(start_kernel, notebook.folder, "other.ipynb")
    there = other.kernel()
    ask(there, "why do refunds rise in may")
    ended(there)
    here = notebook.kernel()
    ask(here, "refunds of april")
    ended(here)
    for words in ("delete refunds may", "rename may A better title", "delete why"):
        assert "names no conversation" in here.run(f"%copilot /history {words}").error
    assert told(here, "/history delete refunds april").startswith("Deleted: refunds of april")
    whole = there.value("run.copilot.thread").removeprefix("thread-")
    assert told(here, f"/history rename {whole} Refunds in May").startswith("Renamed: why do refunds")
    assert notebook.rows("select title from copilot_threads") == [("Refunds in May",)]


def test_notebooks_and_kernels_keep_apart(notebook: Notebook, start_kernel: Callable[..., Kernel]) -> None:
    other = Notebook(start_kernel, notebook.folder)
    other.path = notebook.folder / "elsewhere" / notebook.path.name
    here, twin, there = notebook.kernel(), notebook.kernel(), other.kernel()
    for number, kernel in enumerate((here, twin, there)):
        ask(kernel, f"question {number}")
        ended(kernel)
    ask(there, "--thread plan what is the plan?")
    ended(there)
    ask(here, "--thread plan what is ours?")
    ended(here)
    assert here.value("len(run.copilot.messages)") == 2
    titles = told(here, "/history")
    assert all(title in titles for title in ("question 0", "question 1", "| plan |"))
    assert "question 2" not in titles
    assert "question 2" in told(here, "/history --all")
    ids = [row[0] for row in notebook.rows("select distinct thread_key from copilot_messages")]
    assert len(ids) == 5
    ask(here, "--new mark it")
    assert here.value("(__import__('time').sleep(1), run.status)[1]") == "waiting"
    here.value("run.copilot.keeping.conversations()[0].turns")
    here.kill()
    again = notebook.kernel()
    assert told(again, "/resume mark it").startswith("Resumed: mark it · 1 turn, today ")
    resumed = "extension.copilots[extension.current].runs[0]"
    states = f"[part.state for part in {resumed}.message.parts if part.type == 'tool-run_code']"
    assert again.value(f"({resumed}.status, {states})") == ["stopped", ["output-denied"]]
    ask(again, "--thread plan again")
    ended(again)
    assert again.value("[run.prompt.text for run in run.copilot.runs]") == ["what is ours?", "again"]


def test_two_kernels_that_go_on_with_one_conversation_part_ways(notebook: Notebook) -> None:
    here, there = notebook.kernel(), notebook.kernel()
    ask(here, "what is kept?")
    ended(here)
    told(there, "/resume what is kept")
    ask(there, "again, over there")
    ended(there)
    for question in ("again, over here", "again and again"):
        ask(here, question)
        ended(here)
    [said] = notices(here)
    assert said.startswith("This conversation went on in another kernel. What is asked here goes on in a copy of it")
    assert here.value("len({run.request.thread for run in run.copilot.runs})") == 1
    ask(there, "again, last")
    ended(there)
    assert not any(notices(there))
    listed = [line.split("|")[1:3] for line in told(there, "/history").splitlines() if "what is kept?" in line]
    assert listed == [[" what is kept? ", " 3 "]] * 2
    copy, original = (kernel.value("run.copilot.thread") for kernel in (here, there))
    told(here, f"/resume {original}")
    ask(here, "again, from here")
    ended(here)
    panels = "[each for each in ipywidgets.Widget.widgets.values() if getattr(each, '_kind', '') == 'panel']"
    there.run(f"import ipywidgets; panel = {panels}[-1]").check()
    asking = "Send(command='send', id='1', n=1, page='p', widget=panel._id, text='again, in a copy')"
    there.run(
        f"from copilot_widget.protocol.commands import Send; panel.handle({asking}); run = panel.runs[-1]"
    ).check()
    assert there.value("panel.view()['notice']") == said  # asking takes away what was said before, and not this
    ended(there)
    for thread in (original, there.value("run.copilot.thread")):  # each is found by its own id
        told(there, f"/resume {thread}")
    assert there.value("extension.copilots[extension.current] is run.copilot")
    third = notebook.kernel()
    for thread, asked in (
        (copy, ["again, over here", "again and again"]),
        (original, ["again, over there", "again, last", "again, from here"]),
    ):
        told(third, f"/resume {thread}")
        resumed = "[run.prompt.text for run in extension.copilots[extension.current].runs]"
        assert third.value(resumed) == ["what is kept?", *asked]


def test_a_notebook_that_was_renamed_or_moved_finds_what_its_file_has_a_record_of(
    notebook: Notebook, start_kernel: Callable[..., Kernel]
) -> None:
    first = notebook.kernel()
    ask(first, "what is kept?")
    ended(first)
    time.sleep(0.2)
    plan = first.run("run = %copilot --thread plan what is the plan?").check()
    ended(first)
    cell = first.run("%copilot").check()
    first.close()

    save(notebook.path, plan, cell)
    copy = Notebook(start_kernel, notebook.folder, "copy.ipynb")
    save(copy.path, plan, cell)
    kernel = copy.kernel()  # its original is there: what is said in that is not offered here
    assert told(kernel, "/history").startswith("No conversations of this notebook are kept.")
    kernel.close()
    copy.path.unlink()
    stranger = Notebook(start_kernel, notebook.folder, "stranger.ipynb")
    nbformat.write(nbformat.v4.new_notebook(), stranger.path)

    moved = Notebook(start_kernel, notebook.folder, "there/final.ipynb")
    moved.path.parent.mkdir()
    notebook.path.rename(moved.path)
    kernel = stranger.kernel()  # in the same folder, and without a record of them
    assert told(kernel, "/history").startswith("No conversations of this notebook are kept.")
    kernel.close()
    kernel = moved.kernel()
    kernel.run("%copilot").check()
    offers = "[e for w in __import__('ipywidgets').Widget.widgets.values() if (e := getattr(w, '_earlier', None))]"
    deadline = time.monotonic() + 20
    while not (offered := kernel.value(offers)):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert offered[0]["title"] == "plan"
    assert offered[0]["about"].endswith(", from work.ipynb, which is no longer there")
    assert "plan, from work.ipynb, which is no longer there | 1 |" in told(kernel, "/history")
    ask(kernel, "--thread plan again?")
    ended(kernel)
    assert kernel.value("[run.prompt.text for run in run.copilot.runs]") == ["what is the plan?", "again?"]
    assert "| plan | 2 |" in told(kernel, "/history")  # it is kept by this path from now on
    kernel.close()
    assert set(notebook.rows("select place from copilot_threads where title = 'plan'")) == {(str(moved.path),)}


def test_a_kernel_follows_its_notebook_that_is_renamed(notebook: Notebook) -> None:
    kernel = notebook.kernel()
    time.sleep(0.2)
    cell = kernel.run("run = %copilot what is kept?").check()
    ended(kernel)
    save(notebook.path, cell)
    save(notebook.folder / "other.ipynb")

    def places() -> set[str]:
        return {place for (place,) in notebook.rows("select place from copilot_threads")}

    for name, act in (("asked.ipynb", "ask"), ("closed.ipynb", "close")):
        before, notebook.path = notebook.path, notebook.path.with_name(name)
        before.rename(notebook.path)
        if act == "ask":
            ask(kernel, "again")
            ended(kernel)
        else:
            kernel.client.shutdown()
        deadline = time.monotonic() + 20
        while places() != {str(notebook.path)}:
            assert time.monotonic() < deadline, places()
            time.sleep(0.1)
    kernel.close()
    successor = Notebook(notebook._start, notebook.folder)  # a new one by the old name
    save(successor.path)
    kernel = successor.kernel()
    assert told(kernel, "/history").startswith("No conversations of this notebook are kept.")
    kernel.close()
    kernel = notebook.kernel()
    assert "| what is kept? | 2 |" in told(kernel, "/history")


def test_off_keeps_nothing(notebook: Notebook) -> None:
    kernel = notebook.kernel()
    kernel.run("%config Copilot.store = 'off'").check()
    ask(kernel, "hello")
    assert kernel.value("run.wait().status") == "completed"
    failed = kernel.run("%copilot /history")
    assert "Conversations are not kept here" in failed.error
    assert not notebook.file.exists()


@pytest.mark.parametrize("trouble", ["corrupt", "newer", "read-only", "locked"])
def test_a_store_that_fails_stops_no_run_and_is_told_once(notebook: Notebook, trouble: str) -> None:
    holder = None
    if trouble == "read-only":
        notebook.file.parent.parent.write_text("a file where the folder should be")
    else:
        question = UIMessage("1", "user", [TextPart(text="hello")])
        asyncio.run(SqlStore(notebook.file).put("local", "thread", question))
    if trouble == "corrupt":
        for path in notebook.file.parent.glob("threads.sqlite3*"):
            path.write_bytes(b"no database at all" * 100)
    elif trouble == "newer":
        notebook.rows("update copilot_schema set version = 99")
    elif trouble == "locked":
        holder = sqlite3.connect(notebook.file, isolation_level=None)
        holder.execute("begin exclusive")
    kernel = notebook.kernel()
    for _ in range(2):
        ask(kernel, "hello")
        assert kernel.value("run.wait().text") == "The first answer."
    ask(kernel, "again")
    assert kernel.value("run.wait().text") == "The second answer."
    assert kernel.value("len(run.copilot.messages)") == 6
    deadline = time.monotonic() + 30
    while not any(said := notices(kernel)):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert len(said) == 1
    assert said[0].startswith("This conversation is in memory only, until the kernel ends. ")
    assert "Traceback" not in said[0]
    if holder is not None:
        holder.close()
        ask(kernel, "again")
        kernel.value("run.wait().status")
        deadline = time.monotonic() + 30
        while notebook.rows("select count(*) from copilot_messages where role = 'user'") != [(5,)]:
            assert time.monotonic() < deadline
            time.sleep(0.5)


def test_a_long_conversation_is_told_in_portions_and_recorded_by_its_end(notebook: Notebook) -> None:
    turns = 120
    messages: list[dict[str, Any]] = []
    for number in range(turns):
        answer = {"type": "text", "text": f"Answer {number}. " + "Words of an answer. " * 100, "state": "done"}
        messages += [
            {"id": f"u{number}", "role": "user", "parts": [{"type": "text", "text": f"Question {number}"}]},
            {"id": f"a{number}", "role": "assistant", "parts": [{"type": "step-start"}, answer]},
        ]
    (notebook.folder / "long.json").write_text(json.dumps(messages))
    kernel = notebook.kernel()
    kernel.run(
        f"from copilot_widget import Copilot; copilot = Copilot.load({str(notebook.folder / 'long.json')!r})"
    ).check()
    shown = kernel.run("copilot").check()
    assert "Question 119" in shown.displays[0]["text/plain"]
    assert "Question 118" not in shown.displays[0]["text/plain"], "the page draws the view first"
    time.sleep(4)
    kernel.run("pass").check()
    outside = [message["content"]["data"] for message in kernel.outside if "update_display" in message["msg_type"]]
    later = [*shown.updates, *outside, *kernel.run("pass").updates]
    assert len(later) == 1, "written once, not once a turn"
    record = later[0]["text/plain"]
    earlier = re.match(r"(\d+) earlier turns are not in this record. /export writes the whole conversation", record)
    assert earlier
    first = int(earlier.group(1))
    assert 60 < first < 115
    assert [f"> Question {number}\n" in record for number in range(turns)] == [n >= first for n in range(turns)]
    assert earlier.group(0) in later[0]["text/markdown"]
    assert earlier.group(0) in later[0]["text/html"]

    widget = "next(w for w in __import__('ipywidgets').Widget.widgets.values() if hasattr(w, '_copilot'))"
    asked = "[{'run': run.id, 'after': 0} for run in reversed(copilot.runs)]"
    resume = "{'id': str(n), 'page': 'p', 'n': n, 'widget': widget._id, 'command': 'resume', 'runs': open[:]}"
    kernel.run(
        f"widget, open, portions, n = {widget}, {asked}, [], 0\n"
        "from copilot_widget.notebook.router import _router\n"
        "while open:\n"
        f"    n += 1; reply = _router.dispatch({resume})['result']['runs']; portions.append(list(reply))\n"
        "    texts = [e['chunks'] for each in reply.values() for e in each['envelopes']]\n"
        "    assert len(texts) == len(reply)\n"
        "    open = [each for each in open if each['run'] not in reply]\n"
    ).check()
    portions = kernel.value("portions")
    assert 2 <= len(portions) <= 8
    assert [run for portion in portions for run in portion] == kernel.value(
        "[run.id for run in reversed(copilot.runs)]"
    )
    unknown = "{'id': 'x', 'page': 'p', 'n': 99, 'widget': widget._id, 'command': 'resume', 'runs': [{'run': 'gone'}]}"
    assert kernel.value(f"_router.dispatch({unknown})['result']") == {"runs": {"gone": None}}
