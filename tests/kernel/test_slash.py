"""Slash commands and the composer's commands in a real kernel: the same in a cell and from the page."""

from __future__ import annotations

import base64
import itertools
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .kernels import Kernel, Reply
from .test_magic import WIDGET, control, kinds, pause, script, shown

__all__ = ["script"]  # a fixture

SETUP = '''
%load_ext copilot_widget
from copilot_widget import Copilot, tool
from copilot_widget.models.base import Text, UserMessage

seen = []

async def model(request):
    """Says how many questions it was sent, and keeps them."""
    seen.append([[part.text for part in m.content if isinstance(part, Text)] for m in request.messages
                 if isinstance(m, UserMessage)])
    yield f"I read {len(seen[-1])}"

@tool(approval=True)
def delete(name: str) -> str:
    "Delete a thing. For ever."
    return name
'''
FORGET_ERRORS = """
import sys
from copilot_widget.notebook import magic
sys.last_exc = sys.last_value = magic._extension._failed = None
"""
_ids = itertools.count()


@pytest.fixture(scope="module")
def shared() -> Iterator[Kernel]:
    kernel = Kernel()
    kernel.run(SETUP).check()
    yield kernel
    kernel.close()


@pytest.fixture
def kernel(shared: Kernel) -> Kernel:
    """One for all tests, each in a conversation of its own."""
    shared.run("%copilot --new /new\nseen.clear()\n" + FORGET_ERRORS).check()
    pause()
    return shared


def said(reply: Reply) -> str:
    assert kinds(reply.check()) == [["text/markdown", "text/plain"]]
    return reply.displays[0]["text/markdown"]


class Panel:
    """A panel below a cell, as its page speaks to it."""

    def __init__(self, kernel: Kernel, code: str) -> None:
        self.kernel = kernel
        self.widget = kernel.run(code).check().displays[-1][WIDGET]["model_id"]

    def command(self, name: str, **arguments: Any) -> Any:
        content = {"id": f"p-{next(_ids)}", "widget": self.widget, "command": name, **arguments}
        reply = control(self.kernel, content)
        return reply["result"] if reply["ok"] else reply["error"]

    def send(self, text: str, **arguments: Any) -> Any:
        return self.command("send", text=text, **arguments)


@pytest.fixture
def panel(kernel: Kernel) -> Panel:
    made = Panel(kernel, "c = Copilot(model, tools=[delete])\nc")
    pause()
    return made


def ended(kernel: Kernel) -> None:
    assert kernel.value("[r.wait(20).status for r in c.runs if r.status != 'stopped']")


# ---- what only tells -----------------------------------------------------------------------------------------------


def test_what_only_tells_is_an_output_of_the_cell_also_within_run_all(kernel: Kernel):
    cells = [kernel.submit(f"%copilot /{name}") for name in ("help", "tools", "model", "usage", "runs", "clear")]
    told = [said(kernel.reply(cell)) for cell in cells]
    assert "`/fix [wish]`" in told[0]
    assert "| `run\\_code`" not in told[1]
    assert "| `run_code` | Run Python code" in told[1]
    assert "| `delete` | Delete a thing. | yes |" in told[1]
    assert "| `last_error` |" in told[1]
    assert "`demo`" in told[2]
    assert "nothing yet" in told[3]
    assert "nothing to forget" in told[5]


def test_what_asks_a_model_becomes_a_draft_within_run_all(kernel: Kernel):
    kernel.run("1 / 0")
    pause()
    cells = [kernel.submit("2"), kernel.submit("run = %copilot --model demo /explain")]
    replies = [kernel.reply(cell) for cell in cells]
    assert kernel.value("run is None")
    widget = replies[1].check().displays[-1][WIDGET]["model_id"]
    hello = {"id": f"p-{next(_ids)}", "widget": widget, "command": "hello"}
    assert control(kernel, hello)["result"]["draft"] == "/explain"
    sent = {"id": f"p-{next(_ids)}", "widget": widget, "command": "send", "text": "/explain"}
    assert control(kernel, sent)["result"]["turn"]["user"]["parts"][0]["text"] == "/explain"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/fxi", ["/fxi", "/fix"]),
        ("/fix", ["No cell has failed", "Nothing was sent"]),
        ("/explain why", ["No cell has failed"]),
        ("/model gpt5", ["gpt5", "openai/"]),
        ("/runs nowhere", ["nowhere"]),
    ],
)
def test_a_mistake_gets_a_sentence_in_the_cell_and_in_the_page(panel: Panel, line: str, words: list[str]):
    reply = panel.kernel.run(f"%copilot {line}")
    refused = panel.send(line)
    for told in (reply.error + reply.stderr, f"{refused['message']} {refused['hint']}"):
        assert all(word in told for word in words), told
        assert "Traceback" not in told
    assert panel.kernel.value("seen") == []


def test_the_page_is_told_at_once_while_a_run_and_a_cell_go_on(kernel: Kernel, script: Callable[..., str]):
    slow = script({"events": [{"type": "wait", "seconds": 3}, {"type": "text", "text": "late"}]})
    panel = Panel(kernel, f"c = Copilot({slow!r})\nc")
    assert panel.send("go")["turn"]["status"] in ("queued", "running")
    cell = kernel.submit("import time; time.sleep(2)")
    begun = time.monotonic()
    assert "One still goes on." in panel.send("/usage")["note"]
    assert time.monotonic() - begun < 1.5
    kernel.reply(cell).check()
    assert [turn["user"]["parts"][0]["text"] for turn in panel.command("hello")["turns"]] == ["go"]


def test_a_model_holds_from_then_on_wherever_it_was_chosen(panel: Panel, script: Callable[..., str]):
    kernel, other = panel.kernel, script("from the script")
    assert "demo" in panel.command("hello")["models"]
    assert "from now on" in panel.send(f"/model {other}")["note"]
    assert panel.command("hello")["model"]["name"].startswith("script")
    panel.send("who?")
    ended(kernel)
    assert kernel.value("[c.runs[-1].text, c.messages[-1].text]") == ["from the script", "from the script"]
    pause()
    view = Panel(kernel, f"other = %copilot --model {script('of this cell')} hi")
    pause()
    kernel.run("%copilot /model demo").check()
    view.send("what can you do?")
    assert "What I can do here" in kernel.value("other.copilot.runs[-1].wait(20).text")


# ---- what asks -----------------------------------------------------------------------------------------------------


def test_fix_and_explain_hand_over_the_error_and_its_cell(panel: Panel):
    kernel = panel.kernel
    kernel.run("rows = [1, 2]\n\ntotal = rows[0] + rowz[1]")
    pause()
    kernel.run("%copilot --modle x")  # a mistake of one's own in between is none of the code's
    panel.send("/fix with sum()")
    panel.send("/explain")
    ended(kernel)
    (fix,), (_, explain) = kernel.value("seen")
    assert fix[0] == "/fix with sum()"
    assert fix[1].startswith("[/fix]")
    assert "edit_cell" in fix[1]
    assert fix[2].startswith("[@error]")
    assert "NameError" in fix[2]
    assert "rows" in json.loads(fix[2].partition("\n")[2])["locals"]
    assert fix[3].partition("\n")[2].partition("\n")[2] == "rows = [1, 2]\n\ntotal = rows[0] + rowz[1]"
    assert fix[3].startswith("[@cell:")
    assert explain[0] == "/explain"
    assert kernel.value("[c.runs[0].request.approvals, c.runs[1].request.approvals]") == ["ask", "never"]


LONG_CELLS = {
    "one long line": "data = '" + "lorem ipsum " * 170_000 + "'\nrowz",
    "many lines": "\n".join([f"a = {n}  # a line" for n in range(4_000)] + ["rowz"] + ["b = 1"] * 4_000),
    "the line itself": "x = rowz + '" + "lorem ipsum " * 100_000 + "'",
}


@pytest.mark.parametrize("kind", LONG_CELLS)
def test_a_long_cell_is_cut_around_the_line_that_failed(panel: Panel, kind: str):
    kernel, source = panel.kernel, LONG_CELLS[kind]
    kernel.run(source)
    pause()
    panel.send("/fix")
    panel.send("/explain")
    ended(kernel)
    kernel.run("from copilot_widget.models.usage import estimate_tokens").check()
    line = next(number for number, each in enumerate(source.split("\n"), 1) if "rowz" in each)
    for asked in kernel.value("[prompts[-1][2:4] for prompts in seen]"):
        tokens = kernel.value(f"sum(map(estimate_tokens, seen[{0}][-1][2:4]))")
        assert tokens < 6_500
        assert asked[0].startswith("[@error]")
        head, *rest = asked[1].split("\n")[1:]
        assert head.endswith(f"of which parts are left out here; line {line} of {source.count(chr(10)) + 1:,} failed:")
        assert any("rowz" in each for each in rest)
        assert "left out] …" in asked[1] or "characters cut] …" in asked[1]
    if kind == "many lines":
        assert "a = 3999  # a line\nrowz\nb = 1\n" in asked[1], "its surroundings"


def test_a_long_cell_is_not_written_anew_from_its_excerpt(kernel: Kernel):
    kernel.run("prices = {'apple': 1}\n" + "# a comment\n" * 20_000 + "cost = prics['apple']")
    pause()
    kernel.run("run = %copilot --wait --model demo --approvals auto /fix").check()
    said = kernel.value("run.text")
    assert "prices" in said
    assert "I leave the cell as it is" in said
    assert "tool-edit_cell" not in kernel.value("[part.type for part in run.message.parts]")


def test_fix_without_a_key_writes_the_cell_out(kernel: Kernel):
    kernel.run("prices = {'apple': 1}\n# a comment\ncost = prics['apple']")
    pause()
    kernel.run("run = %copilot --wait --model demo --approvals never /fix").check()
    assert "cost = prices['apple']" in kernel.value("str(run.message.to_wire())")


def test_clear_compact_and_new_change_what_the_model_reads(panel: Panel):
    kernel = panel.kernel
    assert "nothing" in panel.send("/compact")["note"]
    panel.send("one")
    panel.send("two")
    ended(kernel)
    assert "history" in panel.send("/context")["note"]
    assert "Forgotten" in panel.send("/clear")["note"]
    assert "history" not in panel.send("/context")["note"]
    assert panel.command("hello")["divider"] == "forgotten above"
    panel.send("three")
    ended(kernel)
    hello = panel.command("hello")
    assert (hello["divider"], hello["turns"][2]["divider"]) == (None, "forgotten above")
    panel.send("/compact the figures")
    ended(kernel)
    panel.send("four")
    ended(kernel)
    assert [len(questions) for questions in kernel.value("seen")] == [1, 2, 1, 2, 2]
    assert kernel.value("[q[0] for q in seen[-1]]") == ["/compact the figures", "four"]
    assert "sum | | " in " ".join(panel.send("/usage")["note"].split())
    assert "stays kept" in panel.send("/new")["note"]
    assert panel.command("hello")["divider"] == "new conversation"
    assert kernel.value("[len(c.messages), len({run.request.thread for run in c.runs})]") == [0, 1]
    turn = panel.send("five")["turn"]
    ended(kernel)
    assert turn["divider"] == "new conversation"
    assert kernel.value("[len(seen[-1]), len(c.messages)]") == [1, 2]
    # the record has the lines of the view, also where it begins below the turn that a line tells apart
    kernel.run("from copilot_widget.past import recorded; from copilot_widget.notebook.display import _bundle").check()
    lines = ["", "", "forgotten above", "", "", "new conversation"]
    assert kernel.value("[turn.divider for turn in recorded(c.runs)]") == lines
    last = kernel.value("_bundle(c.runs, size=0)['text/plain']")
    assert last.startswith("5 earlier turns are not in this record.")
    assert "─── new conversation ───\n\n> five" in last


# ---- the last turn, and the next -------------------------------------------------------------------------------------


def test_the_last_question_is_edited_and_answered_anew_and_what_it_cost_is_counted(panel: Panel):
    kernel = panel.kernel
    first, second = panel.send("one")["turn"]["run"], panel.send("two")["turn"]["run"]
    ended(kernel)
    assert panel.send("uno", replaces=first)["code"] == "not-last"
    edited = panel.send("due", replaces=second)
    assert edited["replaces"] == second
    ended(kernel)
    again = panel.command("regenerate", run=edited["turn"]["run"])
    ended(kernel)
    assert kernel.value("[[q[0] for q in each] for each in seen]") == [
        *(["one"], ["one", "two"]),
        *(["one", "due"], ["one", "due"]),
    ]
    turns = panel.command("hello")["turns"]
    assert [turn["user"]["parts"][0]["text"] for turn in turns] == ["one", "due"]
    assert turns[1]["run"] == again["turn"]["run"]
    assert kernel.value("[len(c.runs), len(c.turns), len(c.messages)]") == [4, 2, 4]
    assert kernel.value("c.usage.total_tokens == sum(run.usage.total_tokens for run in c.runs)")


def test_a_queued_message_is_taken_back_and_leaves_nothing(panel: Panel, script: Callable[..., str]):
    kernel = panel.kernel
    slow = script({"events": [{"type": "wait", "seconds": 2}, {"type": "text", "text": "late"}]})
    panel.send(f"/model {slow}")
    first = panel.send("go")["turn"]["run"]
    queued = panel.send("and then?")["turn"]
    assert queued["status"] == "queued"
    assert panel.command("withdraw", run=queued["run"]) == {"status": "withdrawn"}
    assert [turn["run"] for turn in panel.command("hello")["turns"]] == [first]
    assert panel.command("withdraw", run=first)["code"] == "begun"
    ended(kernel)
    kernel.run(
        "from copilot_widget.runs.loop import start\nkept = start(c._kernel.store.messages(c._kernel.owner, c.thread))"
    )
    assert kernel.value("[message.role for message in kept.result()]") == ["user", "assistant"]
    assert kernel.value("len(c.messages)") == 2


def test_a_file_comes_in_pieces_and_goes_with_the_message(panel: Panel):
    kernel, name = panel.kernel, "ab" * 16
    text = base64.b64encode("Größe;1\n".encode() * 100).decode()
    for at in range(0, len(text), 400):
        assert panel.command("upload", upload=name, at=at, data=text[at : at + 400])["received"] > at
    sent = {"upload": name, "mediaType": "text/csv", "filename": "a.csv"}
    panel.send("read it", attachments=[sent])
    ended(kernel)
    assert kernel.value("seen[-1][-1][-1]").startswith("[a.csv]\nGröße;1\n")
    assert "did not arrive" in panel.send("again", attachments=[sent])["message"]
    odd = {"url": "data:application/zip;base64,UEsDBP8=", "mediaType": "application/zip", "filename": "b.zip"}
    assert "neither an image nor text" in panel.send("and this", attachments=[odd])["message"]
    assert "takes no files" in panel.send("/usage", attachments=[odd])["message"]
    kernel.run("c.ask_again(c.runs[-1], 'read this')").check()
    ended(kernel)
    assert kernel.value("[part.partition(chr(10))[0] for part in seen[-1][-1]]") == ["read this", "[a.csv]"]
    edited = panel.send("read this", replaces=kernel.value("c.runs[-1].id"))  # the page has it no more: it was removed
    assert edited["turn"]["user"]["parts"] == [{"type": "text", "text": "read this", "state": "done"}]
    ended(kernel)
    assert kernel.value("seen[-1][-1]") == ["read this"]
    assert shown(kernel.run("%copilot /help"))
