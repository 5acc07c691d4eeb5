"""`copilot-widget ask`: a whole run without a notebook."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from copilot_widget.protocol import parse_sse, reduce_chunks

ASK = [sys.executable, "-m", "copilot_widget", "ask"]


def ask(*arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ASK, *arguments],
        capture_output=True,
        text=True,
        input=stdin,
        env={**os.environ, **env},
        check=False,
        timeout=60,
    )


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "script.json"
    call = {"type": "call", "toolName": "lookup", "input": {"x": 1}}
    path.write_text(
        json.dumps({"steps": [[{"type": "text", "text": "Let me see."}, call], "It is **so**."], "end": "last"})
    )
    return f"script:{path}"


def test_the_text_goes_to_standard_output_and_the_rest_does_not(model: str):
    done = ask("why?", "--model", model)
    assert done.returncode == 0
    assert done.stdout.split("\n\n") == ["Let me see.", "It is **so**.", ""]
    assert "lookup" in done.stderr


def test_ndjson_is_one_chunk_a_line(model: str):
    done = ask("why?", "--model", model, "--format", "ndjson")
    chunks = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert chunks[0]["type"] == "start"
    assert chunks[-1]["type"] == "finish"
    assert reduce_chunks(chunks).text == "Let me see.It is **so**."


def test_sse_is_what_a_client_reads(model: str):
    done = ask("why?", "--model", model, "--format", "sse")
    assert done.stdout.endswith("data: [DONE]\n\n")
    assert reduce_chunks(parse_sse(done.stdout)).text == "Let me see.It is **so**."


def test_the_prompt_may_come_from_standard_input(model: str):
    assert ask("-", "--model", model, stdin="why?").returncode == 0


def test_an_empty_standard_input_is_said(model: str):
    done = ask("-", "--model", model, stdin="\n")
    assert (done.returncode, "no question on standard input" in done.stderr) == (2, True)


def test_the_limit_of_steps_is_no_failure(model: str):
    done = ask("why?", "--model", model, "--max-steps", "1", "--format", "ndjson")
    assert done.returncode == 0
    assert '"type": "error"' not in done.stdout
    assert '"max-steps"' in done.stdout


def test_the_environment_chooses_the_model(model: str):
    assert "It is **so**." in ask("why?", COPILOT_MODEL=model).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "prompt"),
        (["", "--model", "demo"], 2, "no question in the arguments. Write it in quotes: copilot-widget ask 'why …'."),
        (["hi", "there", "--model", "demo"], 2, "put it in quotes: copilot-widget ask 'hi there'."),
        (["why", "$5", "it's"], 2, """copilot-widget ask 'why $5 it'"'"'s'."""),
        (["hi", "--model", "demo", "--max-steps", "0"], 2, "max_steps"),
        (["hi", "--model", "demo", "--budget", "much"], 2, "budget"),
        (["hi", "--model", "demo", "--format", "xml"], 2, "xml"),
        (["hi", "--nope"], 2, "--nope. See copilot-widget ask --help."),
        (["hi", "--model", "script:/nowhere.json"], 2, "/nowhere.json"),
        (["hi", "--model", "gpt5"], 2, "gpt5"),
    ],
)
def test_a_mistake_is_one_sentence_on_standard_error(arguments: list[str], code: int, words: str):
    done = ask(*arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_failed_run_is_1(tmp_path: Path):
    path = tmp_path / "script.json"
    path.write_text(
        '{"steps": [[{"type": "error", "code": "auth", "message": "No key.", "hint": "Set OPENAI_API_KEY."}]]}'
    )
    done = ask("hi", "--model", f"script:{path}")
    assert (done.returncode, done.stderr) == (1, "copilot-widget: No key. Set OPENAI_API_KEY.\n")


def test_an_interrupt_stops_the_run_and_is_130(tmp_path: Path):
    path = tmp_path / "script.json"
    path.write_text('{"tokensPerSecond": 20, "steps": [[{"type": "text", "text": "word ", "tokens": 2000}]]}')
    process = subprocess.Popen(
        [*ASK, "hi", "--model", f"script:{path}", "--format", "ndjson"],
        stdout=subprocess.PIPE,
        text=True,
        # What a shell starts in the background ignores interrupts, and its children with it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    for _ in range(4):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    rest, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert time.monotonic() - begun < 15
    assert json.loads(rest.splitlines()[-1])["type"] == "abort"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_terminal_gets_no_control_characters_and_a_pipe_all(tmp_path: Path):
    import pty

    answer = "a\tb \x1b]52;c;ZXZpbA==\x07 \x1b[8mhidden\x1b[0m\rover \x9b8m"
    (tmp_path / "escapes.json").write_text(json.dumps({"steps": [answer]}))
    model = f"script:{tmp_path / 'escapes.json'}"
    assert ask("hello", "--model", model).stdout.strip() == answer.replace("\r", "\n")  # text mode reads \r as \n
    main, terminal = pty.openpty()
    command = [sys.executable, "-m", "copilot_widget", "ask", "hello", "--model", model]
    subprocess.run(command, stdout=terminal, stderr=terminal, timeout=60, check=True)
    os.close(terminal)
    shown = os.read(main, 100_000).decode()
    os.close(main)
    assert r"a	b \x1b]52;c;ZXZpbA==\x07 \x1b[8mhidden\x1b[0m\x0dover \x9b8m".replace(r"\t", "\t") in shown
    assert "\x1b" not in shown


def test_importing_the_package_imports_nothing_heavy():
    heavy = ("pydantic", "litellm", "anywidget", "IPython")
    code = f"import sys, copilot_widget; print([name for name in {heavy} if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_the_public_names_are_these():
    import copilot_widget

    expected = ["Copilot", "Run", "ToolResult", "__version__", "load_ipython_extension", "tool"]
    assert copilot_widget.__all__ == expected
    assert all(getattr(copilot_widget, name) for name in expected)
    with pytest.raises(AttributeError, match="nothing_else"):
        _ = copilot_widget.nothing_else
