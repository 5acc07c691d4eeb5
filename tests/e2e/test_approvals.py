"""The card before a call that acts: how far consent goes, what is run instead, and why not."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from .conftest import OpenNotebook
from .notebook import NotebookPage
from .view import LONG, View

SETUP = '''
%load_ext copilot_widget
from copilot_widget import Copilot
from copilot_widget.models.base import AssistantMessage, ToolMessage

async def model(request):
    """Runs two pieces of code, and tells what came of them."""
    results = []
    for message in reversed(request.messages):
        if isinstance(message, ToolMessage):
            results.insert(0, message.output)
        elif not isinstance(message, AssistantMessage):
            break
    codes = ['{"code": "x = 20"}', '{"code": "y = x + 1"}']
    if len(results) < 2:
        call = f"c{len(request.messages)}"
        yield {"type": "tool-call", "toolCallId": call, "toolName": "run_code", "input": codes[len(results)]}
    else:
        yield "I see: " + " and ".join(results)

copilot = Copilot(model)
'''

ASKING = """
%load_ext copilot_widget
from copilot_widget import Copilot
from copilot_widget.models.base import ToolMessage

async def model(request):
    last = request.messages[-1]
    if isinstance(last, ToolMessage):
        yield f"You said: {last.output}"
    else:
        question = '{"question": "Which year?", "choices": ["2024", "2025"]}'
        yield {"type": "tool-call", "toolCallId": "q1", "toolName": "ask_user", "input": question}

copilot = Copilot(model)
"""


def _asked(notebook: NotebookPage, index: int) -> tuple[View, Locator]:
    """A run that asks, and its card with all that it offers."""
    notebook.run(index)
    view = notebook.view(index)
    expect(view.approval).to_be_visible(timeout=LONG)
    view.approval.get_by_text("More ways to answer").click()
    return view, view.approval


def test_what_the_user_wrote_is_run_and_why_not_is_told(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SETUP, 'copilot.ask("go")', "x", 'copilot.ask("go on")')
    notebook.run(0)
    view, card = _asked(notebook, 1)
    card.get_by_role("button", name="Edit the code").click()
    box = card.get_by_role("textbox", name="Code to run instead")
    expect(box).to_have_value("x = 20")
    expect(box).to_be_focused()
    box.fill("")
    box.press_sequentially("x = 41")  # keys that would act on cells, were they the notebook's
    card.get_by_role("button", name="Allow once").click()
    expect(view.approval).to_contain_text("y = x + 1", timeout=LONG)
    view.approval.get_by_text("More ways to answer").click()
    view.approval.get_by_role("textbox", name="If you deny, why").fill("x is enough")
    view.approval.get_by_role("button", name="Deny").click()
    view.wait_ended()
    view.expect_text("The user denied this call. Reason: x is enough")
    assert notebook.evaluate(2, "x") == "41"
    expect(view.tool("run_code").first).to_contain_text("x = 41")


def test_consent_holds_for_the_run_or_the_session(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SETUP, 'copilot.ask("go")', 'copilot.ask("go on")', "y", 'copilot.ask("again")')
    notebook.run(0)
    view, card = _asked(notebook, 1)
    card.get_by_role("button", name="Allow for this run").click()
    view.wait_ended()
    assert notebook.evaluate(3, "y") == "21"
    view, card = _asked(notebook, 2)
    card.get_by_role("button", name="Allow for this session").click()
    view.wait_ended()
    notebook.run(4)
    notebook.view(4).wait_ended()
    expect(notebook.view(4).approval).to_have_count(0)


def test_a_question_of_the_model_is_answered_in_the_view(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(ASKING, 'run = copilot.ask("go"); run', "run.status")
    notebook.run(0)
    notebook.run(1)
    view = notebook.view(1)
    question = view.root.get_by_role("group", name="Question: Which year?")
    expect(question).to_be_visible(timeout=LONG)
    view.expect_state("ask_user", "input-available")
    assert notebook.evaluate(2, "run.status") == "'waiting'"
    expect(question.get_by_role("button", name="2024")).to_be_visible()
    question.get_by_role("textbox", name="Another answer").press_sequentially("all of them")
    question.get_by_role("button", name="Answer", exact=True).click()
    view.wait_ended()
    view.expect_text("You said: all of them")
    expect(question).to_have_count(0)


def test_a_question_stays_over_a_reload_and_is_answered_once(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(ASKING, 'copilot.ask("go")')
    notebook.run(0)
    notebook.run(1)
    expect(notebook.view(1).root.get_by_role("group", name="Question: Which year?")).to_be_visible(timeout=LONG)
    notebook.save()
    notebook.reload()
    view = notebook.view(1)
    choice = view.root.get_by_role("button", name="2025")
    expect(choice).to_be_visible(timeout=LONG)
    choice.click()
    view.wait_ended()
    view.expect_text("You said: 2025")
