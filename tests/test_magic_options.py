import pytest

from copilot_widget.errors import UsageError
from copilot_widget.notebook.magic import keep_questions
from copilot_widget.notebook.options import expand, parse


def test_options_come_before_the_prompt():
    call = parse('--model openai/gpt-5 --max-steps=3 --budget "0.50 USD" --wait why --model?')
    assert call.prompt == "why --model?"
    assert call.values == {"model": "openai/gpt-5", "max_steps": "3", "budget": "0.50 USD"}
    assert call.wait
    assert not call.new
    assert not call.send


@pytest.mark.parametrize("prompt", ["-5 + 3 = ?", "- a list", "why?", ""])
def test_what_is_no_option_is_the_prompt(prompt: str):
    assert parse(prompt).prompt == prompt


def test_two_dashes_end_the_options():
    assert parse("--wait -- --model is what?").prompt == "--model is what?"


def test_an_unknown_option_is_named_with_the_closest_one():
    with pytest.raises(UsageError, match="--modle") as caught:
        parse("--modle x why")
    assert "--model" in caught.value.hint


def test_an_option_without_its_value_says_so():
    with pytest.raises(UsageError, match="--model needs a value"):
        parse("--model")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{n} rows", "3 rows"),
        ("{n + 1} and {missing} and {n}", "4 and {missing} and 3"),
        ('{"a": {n}}', '{"a": 3}'),
        ("costs $n and ${n}", "costs $n and $3"),
        ("{", "{"),
        ("{}", "{}"),
        ("{n", "{n"),
        ("f'{n}'", "f'3'"),
        ("{1/0}", "{1/0}"),
    ],
)
def test_expressions_are_expanded_one_by_one(text: str, expected: str):
    assert expand(text, {"n": 3}) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("%copilot why?\n", "get_ipython().run_line_magic('copilot', 'why?')\n"),
        ("    %copilot isn't it?\n", "    get_ipython().run_line_magic('copilot', \"isn't it?\")\n"),
        ("run = %copilot why??\n", "run = get_ipython().run_line_magic('copilot', 'why??')\n"),
        ("%copilot\n", "%copilot\n"),
        ("%copilot?\n", "%copilot?\n"),
        ("print('%copilot why?')\n", "print('%copilot why?')\n"),
        ("len?\n", "len?\n"),
    ],
)
def test_a_question_may_end_in_a_question_mark(line: str, expected: str):
    assert keep_questions([line]) == [expected]


def test_a_line_within_a_string_is_left_alone():
    lines = ["text = '''\n", "%copilot why?\n", "'''\n", "%copilot and now?\n"]
    assert keep_questions(lines)[1] == lines[1]
    assert keep_questions(lines)[3].startswith("get_ipython()")
