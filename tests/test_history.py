"""What a model is sent for a message of the user."""

from __future__ import annotations

import base64

import pytest

from copilot_widget.history import to_model_messages
from copilot_widget.models.base import Image, Text, UserMessage
from copilot_widget.protocol import UIMessage
from copilot_widget.protocol.parts import FilePart


def sent(url: str, kind: str = "text/plain", name: str | None = "a.txt") -> Text | Image:
    message = UIMessage(id="u", role="user", parts=[FilePart(kind, url, filename=name)])
    [model_message] = to_model_messages([message])
    assert isinstance(model_message, UserMessage)
    [piece] = model_message.content
    assert isinstance(piece, (Text, Image))
    return piece


def encoded(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def test_a_picture_is_sent_as_one():
    assert sent(encoded(b"png", "image/png"), "image/png") == Image("image/png", base64.b64encode(b"png").decode())


@pytest.mark.parametrize("kind", ["text/csv", "application/json", "image/svg+xml", "text/plain;charset=utf-8", ""])
def test_text_of_any_kind_is_sent_as_text(kind: str):
    assert sent(encoded("a,b\n1,ü".encode(), kind), "text/csv", "b.csv") == Text(
        "[attached: b.csv, text/csv]\na,b\n1,ü"
    )


def test_text_may_be_quoted_instead_of_encoded():
    assert sent("data:text/plain,a%20b%C3%BC") == Text("[attached: a.txt, text/plain]\na bü")


def test_long_texts_are_cut_and_say_so():
    piece = sent(encoded(b"x" * 1_000_000, "text/plain"))
    assert isinstance(piece, Text)
    assert len(piece.text) < 250_000
    assert "of 1,000,000 characters cut] …" in piece.text
    assert piece.text.endswith("Ask the user for those that you need.)"), "no tool reads it"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (encoded(b"%PDF\xff\x00", "application/pdf"), "neither a picture nor text"),
        (encoded(b"a\0b", "text/plain"), "neither a picture nor text"),
        ("data:text/plain;base64,***", "neither a picture nor text"),
        ("https://intranet/secret.txt", "was not read"),
        ("file:///etc/passwd", "was not read"),
        ("data:", "was not read"),
        ("", "was not read"),
    ],
)
def test_of_all_else_only_its_being_there_is_told(url: str, why: str):
    piece = sent(url, "application/pdf", "a\nb.pdf")
    assert isinstance(piece, Text)
    assert why in piece.text
    assert piece.text.startswith("[attached: a b.pdf, application/pdf;")
    assert "passwd" not in piece.text
    assert "intranet" not in piece.text
