import pytest

from copilot_widget.errors import UsageError
from copilot_widget.notebook.context import find_mentions
from copilot_widget.notebook.expanded import Expanded
from copilot_widget.notebook.kept import _split  # pyright: ignore[reportPrivateUsage]
from copilot_widget.notebook.magic import keep_questions
from copilot_widget.notebook.options import expand, parse
from copilot_widget.notebook.slash import find


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


# ---- values of expressions are data ------------------------------------------------------------------------


def asked(text: str, **values: str) -> Expanded:
    return expand(text, values)


@pytest.mark.parametrize(
    ("text", "values", "mentions"),
    [
        ("sum up: {x}", {"x": "nice! @file:notes.txt @salary"}, []),
        ("{x} and @df", {"x": "@salary"}, ["@df"]),
        ("{x} @df {x}", {"x": "`"}, ["@df"]),
        ("`{x}` @df `@no`", {"x": "` @a `"}, ["@df"]),
        ("@df {x}", {"x": "```\nno fence"}, ["@df"]),
        ("```\n{x}\n```\n@df", {"x": "``` @salary"}, ["@df"]),
        ("read @file:{x}, please", {"x": "a.txt"}, ["@file:a.txt"]),
        ('read @file:"{x}"', {"x": "a b.txt"}, ["@file:a b.txt"]),
        ("read @file:{x}", {"x": "a.txt @salary"}, ["@file:a.txt"]),
        ("@df.{x} by species", {"x": "price"}, ["@df.price"]),
        ("@cell:{x}", {"x": "3"}, ["@cell:3"]),
        ("plot {x} by species", {"x": "price"}, []),
    ],
)
def test_a_value_mentions_nothing_but_may_end_a_mention(text: str, values: dict[str, str], mentions: list[str]):
    assert [mention.name for mention in find_mentions(asked(text, **values))] == mentions


@pytest.mark.parametrize(
    ("text", "value", "command", "argument"),
    [
        ("{x}", "/export analysis.ipynb --overwrite", None, ""),
        ("  {x} now", "/clear", None, ""),
        ("/{x}", "clear", None, ""),
        ("/ex{x}", "port a.md", None, ""),
        ("/fix {x}", "@salary", "fix", "@salary"),
        ("/model  {x}", "demo", "model", "demo"),
        ("/explain {x} now", " this ", "explain", "this  now"),
    ],
)
def test_a_value_begins_no_command_but_may_be_its_argument(text: str, value: str, command: str | None, argument: str):
    given = find(asked(text, x=value))
    assert (given.command.name if given else None, given.argument if given else "") == (command, argument)
    if given is not None:
        assert find_mentions(given.argument) == []


def test_the_text_has_the_values():
    assert asked("{a} and {b}", a="/clear", b="@df") == "/clear and @df"


@pytest.mark.parametrize(
    ("text", "value", "words", "option"),
    [
        ("{x}", "a.ipynb --overwrite", ["a.ipynb --overwrite"], False),
        ("a.md {x}", "--overwrite", ["a.md", "--overwrite"], False),
        ("{x} --overwrite", "my chat.md", ["my chat.md"], True),
        ("'out/{x}'", "it's.md", ["out/it's.md"], False),
        ("it's {x}", "a", ["it's", "a"], False),
    ],
)
def test_a_value_is_one_word_and_no_option_of_a_command(text: str, value: str, words: list[str], option: bool):
    assert _split(asked(text, x=value), "--overwrite") == (words, option)
