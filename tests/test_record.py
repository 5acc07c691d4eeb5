"""What a record says, in each of its forms."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from copilot_widget.notebook.prompts import _block
from copilot_widget.protocol import UIMessage
from copilot_widget.record import RecordTurn, render
from copilot_widget.record.style import HIDE_RULES
from copilot_widget.record.words import count, dollars, duration, footer, thought

from .record_samples import MARKDOWN, assistant, ordinary, png, text, tool, user

ROOT = Path(__file__).parents[1]


class _Text(HTMLParser):
    """The text of html, a line a block."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.text += "\n" if tag in ("p", "br", "summary", "div", "li", "tr", "pre") else " "


def words(html: str) -> str:
    reader = _Text()
    reader.feed(html.partition("\n")[2])
    return "\n".join(" ".join(line.split()) for line in reader.text.split("\n") if line.strip())


def html_words(*turns: RecordTurn, model: str = "") -> str:
    return words(render(turns, model=model)["text/html"])


# ---- what it says --------------------------------------------------------------------------------------


def test_html_says_all_of_a_turn() -> None:
    said = html_words(ordinary())
    for line in (
        "Why is revenue negative in @df?",
        "@df · as the model read it",
        "Thought",
        "Inspect df · done",
        "Run code · allowed · done · 2.1 s",
        "Asked: run 3 lines?",
        "Allowed.",
        "Insert a cell · denied",
        "Asked: insert a cell?",
        "+ df = 1",
        "Denied: not here",
        "lookup · failed: No order 17.",
        "Try another.",
        "Source: A source",
        '{"degrees": 21}',
        "☑ look at the data",
        "☐ ask the owner",
        "anthropic/claude-sonnet-5 · 12.3 s · 3 steps · 45.2k in (38k cached) / 1.2k out · ≈ $0.08",
    ):
        assert line in said, line


def test_markdown_and_plain_text_say_the_same_rows() -> None:
    bundle = render([ordinary()])
    for line in ("Run code · allowed · done · 2.1 s", "lookup · failed: No order 17.", "≈ $0.08"):
        assert line in bundle["text/markdown"]
        assert line in bundle["text/plain"]
    assert MARKDOWN.strip() in bundle["text/markdown"]
    assert "> Why is revenue negative in @df?" in bundle["text/plain"]


def test_messages_may_be_uimessages() -> None:
    turn = ordinary()
    read = dataclasses.replace(
        turn,
        user=UIMessage.from_wire(dict(turn.user)),  # type: ignore[arg-type]
        assistant=UIMessage.from_wire(dict(turn.assistant)),  # type: ignore[arg-type]
    )
    assert render([read]) == render([turn])


def test_an_answer_is_markdown() -> None:
    html = render([RecordTurn(user("?"), assistant(text(MARKDOWN)))])["text/html"]
    assert "<strong>signed the wrong way round</strong>" in html
    assert '<a href="https://example.org/docs" rel="noopener noreferrer">the docs</a>' in html
    assert '<a href="https://example.org/a_b" rel="noopener noreferrer">https://example.org/a_b</a>.' in html
    assert '<td align="right">30.50</td>' in html
    assert '<code class="language-python">' in html
    assert "<s>seven</s>" in html


def test_math_keeps_its_delimiters_and_money_is_no_math() -> None:
    answer = r"$a_1 + b_1$ and \(c_2\) and $$d_3*e*$$ but $5 to $6, `$x_1$`"
    html = render([RecordTurn(user("costs $1 or $2"), assistant(text(answer)))])["text/html"]
    math = re.findall(r'<span class="mathjax_process tex2jax_process">(.*?)</span>', html)
    assert math == ["$a_1 + b_1$", r"\(c_2\)", "$$d_3*e*$$"]
    assert "mathjax_ignore" in html  # so that everything else is left alone


def test_headings_stay_out_of_the_notebooks_contents() -> None:
    html = render([RecordTurn(user("?"), assistant(text("# One\n\n### Three")))])["text/html"]
    assert "<h5>One</h5>" in html
    assert not re.search(r"<h[1-4]", html)


def test_displays_show_in_their_call_and_the_models_short_form_stays() -> None:
    html = render([ordinary()])["text/html"]
    call = html[html.index("<summary><b>Run code") : html.index("<summary><b>Insert a cell")]
    assert "<td>-2</td>" in call
    assert f'<img src="data:image/png;base64,{png()}" alt="Picture">' in call
    assert "short form" in call
    assert html.count("short form") == 1


@pytest.mark.parametrize("form", ["png", "jpeg", "gif", "webp"])
def test_each_form_of_a_picture_shows(form: str) -> None:
    bundle = {f"image/{form}": "AAAA", "text/plain": "a flag"}
    shown = {"type": "data-display", "id": "c1", "data": [bundle]}
    turn = RecordTurn(user("?"), assistant(tool("c1", "read_file", output="an image"), shown))
    assert f'src="data:image/{form};base64,AAAA"' in render([turn])["text/html"]


def test_the_typed_prompt_keeps_its_lines_and_indents() -> None:
    html = render([RecordTurn(user("for x in y:\n    print(x)\n# no heading"), None)])["text/html"]
    assert "for x in y:<br>\xa0\xa0\xa0\xa0print(x)<br># no heading" in html


def test_what_the_user_added_while_it_ran_stands_where_it_came() -> None:
    steered = {"type": "steering-message", "id": "s", "parts": [{"type": "text", "text": "only *2024*"}]}
    bundle = render([RecordTurn(user("?"), assistant(text("one"), steered, text("two")))])
    assert "one\n\n> only \\*2024\\*\n\ntwo" in bundle["text/markdown"]
    assert re.search(r"one</p>.*<blockquote.*only \*2024\*.*two</p>", bundle["text/html"], re.DOTALL)


def test_a_long_output_is_cut_and_says_so() -> None:
    turn = RecordTurn(user("?"), assistant(tool(output="x" * 50_000)))
    bundle = render([turn])
    assert "30,000 more characters are not in this record." in bundle["text/html"]
    assert len(bundle["text/html"]) < 30_000


def diff_of(old: list[str], new: list[str]) -> str:
    return "\n".join([*(f"-{line}" for line in old), *(f"+{line}" for line in new)])


OLD, NEW = ["cents = 0", "for p in prics:"], ["total = 1.5", "for p in prices:"]
CHANGE = diff_of(OLD, NEW)
SOURCE = "# untouched\n" + "\n".join(NEW)


def changed(name: str, given: dict[str, str], answer: bool | None, edits: str, *shown: str) -> str:
    """A change that was asked about by its diff, in words; `shown` are the diffs that the call shows."""
    state = {True: "output-available", False: "output-denied", None: "approval-requested"}[answer]
    approval: dict[str, object] = {"id": "a"} if answer is None else {"id": "a", "approved": answer}
    more: dict[str, object] = {"output": "Edited cell [3]."} if answer else {}
    card = {"type": "data-approval", "id": "c1", "data": {"title": "edit cell [3]", "diff": CHANGE, "edits": edits}}
    bundles = [{"text/markdown": f"```diff\n{diff}\n```", "text/plain": diff} for diff in shown]
    display = [{"type": "data-display", "id": "c1", "data": bundles}] if bundles else []
    call = tool(name=name, state=state, input=given, approval=approval, **more)
    bundle = render([RecordTurn(user("?"), assistant(call, card, *display))])
    said = words(bundle["text/html"])
    for line in (*OLD, *NEW, "# untouched"):
        assert said.count(line) == bundle["text/markdown"].count(line), "both forms say the same"
    return said


@pytest.mark.parametrize("answer", [True, False, None])
def test_a_change_shows_its_diff_once(answer: bool | None) -> None:
    said = changed("edit_cell", {"cell": "[3]", "source": SOURCE}, answer, "source", *([CHANGE] if answer else []))
    assert [said.count(line) for line in (*CHANGE.split("\n"), "# untouched")] == [1, 1, 1, 1, 0]
    assert '{"cell": "[3]"}' in said
    assert ("Edited cell [3]." in said) == bool(answer)
    file = {"path": "a.py", "old": "\n".join(OLD), "new": "\n".join(NEW)}
    said = changed("edit_file", file, answer, "")
    assert [said.count(line) for line in (*OLD, *NEW)] == [1, 1, 1, 1]
    assert '{"path": "a.py"}' in said


def test_what_the_user_wrote_in_its_place_shows_beside_what_was_asked() -> None:
    own = "# of my own\nmine = 1"
    said = changed("edit_cell", {"cell": "[3]", "source": own}, True, "source", diff_of(OLD, own.split("\n")))
    assert "+for p in prices:" in said
    assert "+mine = 1" in said
    assert changed("edit_cell", {"cell": "[3]", "source": own}, True, "source").count("mine = 1") == 1, "not yet done"


def test_what_no_diff_shows_stays() -> None:
    said = changed("write_file", {"path": "a.py", "content": SOURCE}, True, "")
    assert "# untouched" in said


def test_the_instructions_of_a_command_are_folded_also_in_print() -> None:
    told = [_block(name, f"{name} in full\nand more") for name in ("/fix", "@error")]
    bundle = render([RecordTurn(user("/fix please", *(dict(block.to_wire()) for block in told)), None)])
    fold = '<details class="copilot-record-instructions">\n<summary>/fix · as the model read it</summary>'
    assert f"{fold}\n<pre><code>/fix in full" in bundle["text/html"]
    assert "<details>\n<summary>@error ·" in bundle["text/html"]
    assert "<summary>/fix · as the model read it</summary>" in bundle["text/markdown"]
    assert bundle["text/plain"] == "> /fix please\n\n[/fix]\n\n[@error]"


def test_a_line_stands_above_a_turn_that_begins_anew() -> None:
    turns = [RecordTurn(user(str(n)), assistant(text("answer")), divider="forgotten above" * n) for n in (0, 1)]
    bundle = render(turns)
    assert words(bundle["text/html"]).split("\n") == ["0", "answer", "forgotten above", "1", "answer"]
    assert "\n\n***\n\n*forgotten above*\n\n> 1\n" in bundle["text/markdown"]
    assert "\n\n─── forgotten above ───\n\n> 1\n" in bundle["text/plain"]


def test_turns_are_apart() -> None:
    assert render([ordinary(), ordinary()])["text/html"].count("\n<hr>\n") == 1
    assert render([ordinary(), ordinary()])["text/markdown"].count("\n\n***\n\n") == 1


# ---- how it ended --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("queued", "Waiting for its turn when saved."),
        ("running", "Still running when saved."),
        ("waiting", "Waiting for the user's answer when saved."),
        ("stopped", "Stopped by the user."),
        ("interrupted", "Interrupted: the kernel ended before the answer was complete."),
        ("failed", "The run failed."),
    ],
)
def test_a_turn_that_did_not_complete_says_so_in_every_form(status: str, said: str) -> None:
    for form in render([RecordTurn(user("Why?"), assistant(text("Because")), status)]).values():
        assert "Why?" in form
        assert "Because" in form
        assert said in form


def test_a_turn_without_an_answer_yet_shows_its_question() -> None:
    assert (
        html_words(RecordTurn(user("Why?"), None, "running"), model="demo") == "Why?\nStill running when saved.\ndemo"
    )


def test_a_conversation_that_has_not_begun_says_so() -> None:
    for form in render([]).values():
        assert "No messages yet." in form


def test_an_error_is_in_words_with_its_hint() -> None:
    error = {"code": "auth", "message": "The key was refused.", "hint": "Set OPENAI_API_KEY."}
    bundle = render([RecordTurn(user("?"), assistant(error=error), "failed")])
    assert "Error: The key was refused.\nSet OPENAI_API_KEY." in words(bundle["text/html"])
    assert "**Error:** The key was refused. Set OPENAI_API_KEY." in bundle["text/markdown"]
    assert "Error: The key was refused. Set OPENAI_API_KEY." in bundle["text/plain"]
    assert "The run failed" not in "".join(bundle.values())


def test_a_limit_that_a_run_has_met_is_in_words() -> None:
    limit = {"code": "max-steps", "message": "Ended after 3 <steps>.", "hint": "Send 'go on'."}
    bundle = render([RecordTurn(user("?"), assistant(limit=limit), "completed")])
    assert "Ended after 3 <steps>. Send 'go on'." in words(bundle["text/html"])
    assert "<steps>" not in bundle["text/markdown"]
    assert "Ended after 3 <steps>. Send 'go on'." in bundle["text/plain"]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (tool(state="input-streaming", input={"a": 1}), "run_code · arguments incomplete"),
        (tool(state="input-available", input={}), "run_code · no result"),
        (tool(output=1, preliminary=True), "run_code · first results"),
        (tool(state="approval-requested", approval={"id": "a"}), "run_code · approval not answered"),
        (tool(state="approval-responded", approval={"id": "a", "approved": True}), "run_code · allowed, no result"),
        (tool(state="output-denied", approval={"id": "a", "approved": False}), "run_code · denied"),
        (tool(output=1, approval={"id": "a", "approved": True, "isAutomatic": True}), "Allowed without asking."),
        (tool(output=1, toolMetadata={"durationMs": 1500}), "run_code · done · 1.5 s"),
        (
            tool(state="approval-requested", approval={"id": "a", "requestReason": "it writes"}),
            "Asked: run_code (it writes)",
        ),
    ],
)
def test_states_of_a_call_in_words(part: dict[str, object], said: str) -> None:
    assert said in html_words(RecordTurn(user("?"), assistant(part)))
    assert said in render([RecordTurn(user("?"), assistant(part))])["text/markdown"]


def test_an_approval_that_waits_is_open() -> None:
    part = tool(state="approval-requested", input={"code": "x"}, approval={"id": "a"})
    assert "<details open>" in render([RecordTurn(user("?"), assistant(part), "waiting")])["text/html"]


# ---- the footer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({}, "given"),
        ({"model": "demo", "badge": "demo: rules, no AI"}, "demo: rules, no AI"),
        ({"model": "replay:a.json", "badge": "replay of a recorded run"}, "replay:a.json · replay of a recorded run"),
        ({"durationMs": 900, "steps": 1}, "given · 0.9 s · 1 step"),
        ({"usage": {"promptTokens": 900, "completionTokens": 3}}, "given · 900 in / 3 out · price unknown"),
        ({"usage": {"promptTokens": 900, "completionTokens": 3}, "cost": 0}, "given · 900 in / 3 out · $0"),
        ({"usage": {"totalTokens": 12_000}}, "given · 12k tokens · price unknown"),
        ({"cost": 0.0123, "usage": {"promptTokens": 1}}, "given · 1 in / 0 out · ≈ $0.01"),
    ],
)
def test_the_footer_says_what_is_known(metadata: dict[str, object], said: str) -> None:
    assert footer(metadata, "given") == said


def test_numbers_for_readers() -> None:
    """In the words of the view: js/src/format.test.ts."""
    assert [count(n) for n in (0, 999, 1000, 45_210, 99_960, 999_499, 999_500)] == [
        "0", "999", "1k", "45.2k", "100k", "999k", "1M",
    ]  # fmt: skip
    assert [thought(n) for n in (None, -1, 0.2, 4.4, 59.4, 59.6, 4_000)] == [
        "Thought", "Thought", "Thought for 1 s", "Thought for 4 s", "Thought for 59 s", "Thought for 1 min 0 s",
        "Thought for 1 h 6 min",
    ]  # fmt: skip
    assert [duration(n) for n in (0.012, 0.0995, 12.34, 59.94, 59.96, 125, 3599.6, 7_380)] == [
        "12 ms", "0.1 s", "12.3 s", "59.9 s", "1 min 0 s", "2 min 5 s", "1 h 0 min", "2 h 3 min",
    ]  # fmt: skip
    assert [dollars(n) for n in (12, 0.08, 0.00123, 0.00012, 0.00001)] == [
        "≈ $12.00", "≈ $0.08", "≈ $0.0012", "≈ $0.00012", "< $0.0001",
    ]  # fmt: skip


# ---- size, imports, rules ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        "| a | b |\n|---|---|\n" + "| some text | more text |\n" * 500,
        "- a short item\n" * 1000,
        '{"a": "<b>&amp;"}\n' * 1000,
    ],
)
def test_no_form_is_more_than_three_times_its_text(answer: str) -> None:
    turn = RecordTurn(user(answer), assistant(text(answer), tool(output=answer)))
    for form in render([turn], beside=True).values():
        assert len(form.encode()) <= 3 * (3 * len(answer)) + 8_000


def test_all_forms_of_prose_together_are_at_most_three_times_its_text() -> None:
    answer = "The refunds are signed the wrong way round, so the revenue is negative.\n\n" * 500
    forms = render([RecordTurn(user("Why?"), assistant(text(answer)))], beside=True).values()
    assert sum(len(form.encode()) for form in forms) <= 3 * len(answer) + 8_000


def test_importing_the_record_loads_nothing_heavy() -> None:
    code = "import sys, copilot_widget.record; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert not {"IPython", "markdown_it", "pydantic", "litellm", "pandas", "html.parser"} & set(loaded.split())


def test_the_front_end_has_the_same_rules() -> None:
    source = (ROOT / "js" / "src" / "record-rules.ts").read_text()
    rules = re.search(r"recordRules = `\n(.*)\n`;", source, re.DOTALL)
    assert rules
    assert rules.group(1) == HIDE_RULES
