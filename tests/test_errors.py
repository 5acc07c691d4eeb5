"""What is scrubbed from texts that reach a user, a model or a file, and what must not be."""

from __future__ import annotations

import pytest

from copilot_widget.errors import CopilotError, ModelError, one_line, redact


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghijklmnop",
        "sk-ant-api03-abcdefghijkl",
        "sk-abc*************xyz9",
        "gsk_abcdefghijklmnop",
        "xai-abcdefghijklmnop",
        "AIzaSyA1234567890abcdefghijk",
        "hf_AbCdEfGh1jKlMnOp",
        "ghp_abcdefghijklmnop",
        "AKIAIOSFODNN7EXAMPLE",
    ],
)
def test_keys_are_scrubbed_wherever_they_stand(secret: str):
    for text in (secret, f"refused '{secret}'.", f'{{"key": "{secret}"}}', f"x={secret}&y=1"):
        assert secret not in redact(text)
        assert secret[6:] not in redact(text)


def test_other_ways_to_write_a_secret():
    assert "hunter22" not in redact("password: hunter22")
    assert "abcdefghijkl" not in redact("Authorization: Bearer abcdefghijkl.mnop")
    assert "pass" not in redact("http://user:pass@host/v1")
    assert "my own" not in redact("it said my own secret", "my own secret")


@pytest.mark.parametrize(
    "text",
    [
        "No module named 'sklearn_extensions_x'",
        "monkeypatching_everything",
        "got an unexpected keyword_argument_here",
        "key_columns_of_the_frame",
        "pk_column_names_list",
        "risk-assessment-of-things",
    ],
)
def test_ordinary_words_are_left_alone(text: str):
    assert redact(text) == text


def test_one_line_survives_an_exception_that_cannot_be_printed():
    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert one_line(BrokenError()) == "BrokenError: (its message could not be read)"
    assert one_line(ValueError("a\n  b")) == "ValueError: a b"


def test_an_error_tells_what_and_what_next():
    error = ModelError("It is down.", hint="Start it.", code="connection", retryable=True)
    assert isinstance(error, CopilotError)
    assert str(error) == "It is down. Start it."
    assert error._render_traceback_() == ["ModelError: It is down.", "Start it."]
