"""Slash commands: what is one, what a note says, and what the model reads after /clear and /compact."""

from __future__ import annotations

import base64

import pytest

from copilot_widget.attachments import attached
from copilot_widget.errors import UsageError
from copilot_widget.history import FORGET, SUMMARISE, SUMMARY, remembered, to_model_messages
from copilot_widget.models.base import Text, UserMessage
from copilot_widget.notebook.note import Code, Table, note
from copilot_widget.notebook.slash import COMMANDS, find
from copilot_widget.notebook.uploads import Uploads
from copilot_widget.protocol.commands import Attachment
from copilot_widget.protocol.messages import DataPart, FilePart, TextPart, UIMessage


@pytest.mark.parametrize("text", [f"/{each.name}" for each in COMMANDS])
def test_each_command_is_found_by_its_name(text: str):
    for written, argument in ((text, ""), (f"  {text.upper()}?", ""), (f"{text} a  b\nc ", "a  b\nc")):
        given = find(written)
        assert given is not None
        assert (f"/{given.command.name}", given.argument) == (text, argument)


@pytest.mark.parametrize(
    "text",
    [
        *("/usr/bin is full, why?", "/tmp is full", "/data.csv has what?", "/ is what?", "//", "1/2 or 1/3?"),
        *("", "why /fix?", "/etc/passwd", "/nowhere/at/all"),
    ],
)
def test_a_path_begins_a_question(text: str):
    assert find(text) is None


@pytest.mark.parametrize(("text", "near"), [("/fxi it", "/fix"), ("/Modle", "/model"), ("/qqqqqq", "/help")])
def test_an_unknown_command_is_told_with_near_names(text: str, near: str):
    with pytest.raises(UsageError, match=f"no command {text.split()[0]}") as caught:
        find(text)
    assert near in caught.value.hint


def test_a_note_shows_what_texts_hold_and_nothing_else():
    hostile = "a|b ![x](http://x/y.png) <img src=x> `c` $d$ *e*\nf"
    told = note("Hi.", "", Table(("name", "what"), [(Code("x`|y"), hostile), (Code(""), "")]), Table(("none",), []))
    line = told.markdown.splitlines()[4]
    assert line == ("| `x'\\|y` | a\\|b \\!\\[x\\](http://x/y.png) \\<img src=x\\> \\`c\\` \\$d\\$ \\*e\\* f |")
    assert "none" not in told.markdown
    assert told.plain.splitlines()[0] == "Hi."
    assert "<img src=x> `c` $d$ *e* f" in told.plain


def user(text: str, mark: str = "") -> UIMessage:
    return UIMessage(text, "user", [TextPart(text=text)], {"history": mark} if mark else None)


def answer(text: str, mark: str = "") -> UIMessage:
    return UIMessage(text, "assistant", [TextPart(text=text)], {"history": mark, "steps": 1} if mark else {"steps": 1})


def test_a_model_reads_nothing_before_what_forgets():
    told = [user("1"), answer("one"), user("2", FORGET), answer("two"), user("3")]
    assert [message.id for message in remembered(told)] == ["2", "two", "3"]
    first = to_model_messages(told)[0]
    assert isinstance(first, UserMessage)
    assert first.content == (Text("2"),)


def test_only_a_whole_summary_takes_the_place_of_what_was_said():
    before = [user("1"), answer("one")]
    cut = [*before, user("/compact", SUMMARISE), answer("half a summ"), user("2")]
    assert list(remembered(cut)) == cut
    whole = [*before, user("/compact", SUMMARISE), answer("summary", SUMMARY), user("2"), answer("two")]
    assert [message.id for message in remembered(whole)] == ["/compact", "summary", "2", "two"]
    assert [m.id for m in remembered([*whole, user("3", FORGET)])] == ["3"], "the later one counts"
    odd = [UIMessage("x", "user", [TextPart(text="x")], ["history"]), answer("y", "nonsense")]
    assert list(remembered(odd)) == odd
    assert list(remembered([answer("first", SUMMARY)])) == [answer("first", SUMMARY)]


# ---- files ---------------------------------------------------------------------------------------------------------

PNG = b"\x89PNG" + bytes(20)
NAME = "0" * 32


def test_files_come_in_pieces_twice_or_not_at_all():
    uploads, text = Uploads(), base64.b64encode(PNG).decode()
    sent = Attachment(upload=NAME, media_type="image/png", filename="a.png")
    assert uploads.add(NAME, 0, text[:8]) == 8
    assert uploads.add(NAME, 0, text[:8]) == 8, "a piece that is sent again changes nothing"
    with pytest.raises(UsageError, match="missing"):
        uploads.add(NAME, 12, text[12:])
    assert uploads.add(NAME, 8, text[8:]) == len(text)
    part = attached(uploads.part(sent))
    assert part == FilePart(url=f"data:image/png;base64,{text}", media_type="image/png", filename="a.png")
    uploads.done([sent])
    with pytest.raises(UsageError, match="did not arrive"):
        uploads.part(sent)
    with pytest.raises(UsageError, match="20 MB"):
        uploads.add(NAME, 27_000_000, "x")
    with pytest.raises(UsageError, match="data URL"):
        uploads.part(Attachment(url="https://example.org/x.png", media_type="image/png"))


def test_a_text_goes_as_context_and_what_is_neither_is_refused():
    def file(data: bytes, kind: str) -> FilePart:
        return FilePart(url=f"data:{kind};base64,{base64.b64encode(data).decode()}", media_type=kind, filename="f")

    text = attached(file("Größe\n1".encode(), "text/csv"))
    assert isinstance(text, DataPart)
    assert text.data == {"name": "f", "text": "Größe\n1"}
    for data, kind, said in (
        (b"PK\x03\x04\xff", "application/zip", "neither an image nor text"),
        (bytes(20_000_001), "image/png", "larger than 20 MB"),
    ):
        with pytest.raises(UsageError, match=said):
            attached(file(data, kind))
    with pytest.raises(UsageError, match="damaged"):
        attached(FilePart(url="data:image/png;base64,@@", media_type="image/png", filename="f"))
