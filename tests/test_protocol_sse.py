"""Server-Sent Events, and the command line that reads them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_widget.errors import ProtocolError
from copilot_widget.protocol import chunks as c
from copilot_widget.protocol.__main__ import main
from copilot_widget.protocol.sse import DONE, SseEvent, parse_events, parse_sse, to_sse
from copilot_widget.protocol.wire import Heartbeat, Usage, to_wire

from .streams import FIXTURES, all_fixtures, plain, random_streams


def test_one_event_a_chunk() -> None:
    assert to_sse(c.TextDelta(id="t", delta="a\nb é")) == 'data: {"type":"text-delta","id":"t","delta":"a\\nb é"}\n\n'
    assert to_sse(c.StartStep(), event_id=7) == 'id: 7\ndata: {"type":"start-step"}\n\n'
    assert to_sse(Heartbeat(tool_call_id="c")) == ": heartbeat\n\n"
    assert json.loads(to_sse(Usage(prompt_tokens=1))[6:])["type"] == "message-metadata"


OLD: list[tuple[Any, list[dict[str, Any]]]] = [
    (c.Start(message_id="m", message_metadata={"a": 1}), [{"type": "start", "messageId": "m"}]),
    (c.Finish(finish_reason="stop", message_metadata={"a": 1}), [{"type": "finish"}]),
    (c.TextDelta(id="t", delta="x", provider_metadata={"p": {}}), [{"type": "text-delta", "id": "t", "delta": "x"}]),
    (
        c.ToolInputAvailable(tool_call_id="c", tool_name="n", input=None, title="T", dynamic=True),
        [{"type": "tool-input-available", "toolCallId": "c", "toolName": "n", "input": None}],
    ),
    (
        c.ToolOutputAvailable(tool_call_id="c", output=None, preliminary=False, dynamic=True),
        [{"type": "tool-output-available", "toolCallId": "c", "output": None}],
    ),
    (c.ToolOutputAvailable(tool_call_id="c", output=1, preliminary=True), []),
    (
        c.ToolOutputError(tool_call_id="c", error_text="e"),
        [{"type": "tool-output-available", "toolCallId": "c", "output": "e"}],
    ),
    (
        c.ToolInputError(tool_call_id="c", tool_name="n", input={}, error_text="e"),
        [
            {"type": "tool-input-available", "toolCallId": "c", "toolName": "n", "input": {}},
            {"type": "tool-output-available", "toolCallId": "c", "output": "e"},
        ],
    ),
    (c.Error(error_text="e"), [{"type": "error", "errorText": "e"}]),
    (c.Abort(reason="r"), [{"type": "finish"}]),
    (c.ReasoningDelta(id="r", delta="x"), []),
    (c.MessageMetadata(message_metadata={"a": 1}), []),
    (c.Data(type="data-x", data=1), []),
    (Usage(prompt_tokens=1), []),
]


@pytest.mark.parametrize(("chunk", "wires"), OLD, ids=lambda value: getattr(value, "type", None))
def test_strict_clients_get_the_old_shapes(chunk: Any, wires: list[dict[str, Any]]) -> None:
    events = [json.loads(event.data) for event in parse_events(to_sse(chunk, strict=True))]
    assert events == wires


FIELDS: dict[str, set[str]] = {
    "start": {"messageId"},
    "finish": set(),
    "start-step": set(),
    "finish-step": set(),
    "text-start": {"id"},
    "text-delta": {"id", "delta"},
    "text-end": {"id"},
    "tool-input-start": {"toolCallId", "toolName"},
    "tool-input-available": {"toolCallId", "toolName", "input"},
    "tool-output-available": {"toolCallId", "output"},
    "error": {"errorText"},
}


@given(random_streams)
def test_a_strict_client_is_sent_nothing_that_it_does_not_know(chunks: list[c.Chunk]) -> None:
    for event in parse_events(to_sse(chunk, strict=True) for chunk in chunks):
        wire = json.loads(event.data)
        assert set(wire) - {"type"} | {"messageId"} == FIELDS[wire["type"]] | {"messageId"}


def test_a_strict_client_still_gets_a_heartbeat() -> None:
    assert to_sse(Heartbeat(), strict=True) == ": heartbeat\n\n"


def test_reading_as_the_standard_says() -> None:
    stream = (
        "\ufeff: a comment\n\n"
        'data: {"type":\ndata:"start"}\n\n'
        "event: message\nid: 5\nretry: 10\n"
        'data: {"type":"start-step"}\r\n\r\n'
        "id\n"
        'data: {"type":"finish-step"}\r\r'
        "id: 6\n\n"
        "data: [DONE]\n\n"
        'data: {"type":"finish"}\n\n'
        'data: {"type":"start-step"}\n'  # not ended by a blank line: no event
    )
    assert list(parse_events(stream)) == [
        SseEvent('{"type":\n"start"}', None),
        SseEvent('{"type":"start-step"}', "5"),
        SseEvent('{"type":"finish-step"}', ""),
        SseEvent('{"type":"finish"}', "6"),
    ]
    assert [chunk.type for chunk in parse_sse(stream)] == ["start", "start-step", "finish-step", "finish"]


def test_an_event_without_a_chunk_is_a_violation() -> None:
    with pytest.raises(ProtocolError, match="not JSON"):
        list(parse_sse("data: hello\n\n"))


@given(random_streams, st.sampled_from(["\n", "\r\n", "\r"]), st.integers(1, 9))
def test_a_stream_may_come_in_pieces_of_any_size(chunks: list[c.Chunk], newline: str, size: int) -> None:
    text = "".join(to_sse(chunk, event_id=seq) for seq, chunk in enumerate(chunks)) + ": heartbeat\n\n" + DONE
    whole = [to_wire(chunk) for chunk in chunks]
    sent = text.replace("\n", newline).encode()
    pieces = [sent[start : start + size] for start in range(0, len(sent), size)]
    assert [to_wire(chunk) for chunk in parse_sse(pieces)] == whole
    assert [event.id for event in parse_events(pieces)] == [str(seq) for seq in range(len(chunks))]


# ---- python -m copilot_widget.protocol ------------------------------------------------------------------


class Reduced(NamedTuple):
    code: int
    out: bytes
    err: str


@pytest.fixture
def reduce_text(monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> Callable[..., Reduced]:
    """The command in this process: a new interpreter for each text would take most of the time."""

    def run(text: str, *arguments: str) -> Reduced:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        code = main(list(arguments))
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return Reduced(code, out, err.decode())

    return run


STREAM = next(stream for stream in all_fixtures() if stream["name"] == "whole-run")
FORMS = {
    "sse": "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in STREAM["chunks"]) + ": heartbeat\n\ndata: [DONE]\n\n",
    "sse without its last blank line": "\n\n".join(f"data: {json.dumps(chunk)}" for chunk in STREAM["chunks"]) + "\n",
    "ndjson": "\n".join(json.dumps(chunk, ensure_ascii=False) for chunk in STREAM["chunks"]),
    "array": json.dumps(STREAM["chunks"], indent=1),
    "array with a byte order mark": "\ufeff" + json.dumps(STREAM["chunks"]),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_command_prints_the_final_message(form: str, tmp_path: Path, reduce_text: Callable[..., Reduced]) -> None:
    run = reduce_text(FORMS[form])
    assert (run.code, run.err) == (0, "")
    assert plain(json.loads(run.out)) == plain(STREAM["final"])

    (tmp_path / "stream").write_text(FORMS[form], "utf-8")
    assert reduce_text("", str(tmp_path / "stream")) == run


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            '{"type":"start"}\n{"type":"text-delta","id":"t","delta":"x"}',
            'chunk 1: id: text-delta without an open text-start of "t"',
        ),
        ('[{"type":"start","messageId":null}]', "chunk 0: start: messageId: input should be a valid string, not null"),
        ('data: {"type":"usage"}\n\n', "chunk 0: usage is no chunk: it travels as message metadata"),
        ("data: {\n\n", "chunk 0: not JSON"),
        ("[1", "not JSON"),
        ("[1]", "chunk 0: a chunk must be an object, not a number"),
        ("", "there is no chunk"),
        ("<html>", "there is no chunk"),
        ('[{"type":"data-x","data":{"__proto__":1}}]', "not JSON: a key could reach an object's prototype"),
        ('{"type":"text-delta","id":"t","delta":"x","more":NaN}', "chunk 0: not JSON: NaN is no JSON"),
        ("[" * 100_000, "not JSON: it is nested too deeply"),
        ('{"type":"data-x","data":' + "[" * 100_000, "chunk 0: not JSON: it is nested too deeply"),
    ],
    ids=lambda value: value[:40],
)
def test_the_command_names_what_is_wrong_in_one_line(text: str, line: str, reduce_text: Callable[..., Reduced]) -> None:
    run = reduce_text(text, "-")
    assert (run.code, run.out) == (1, b"")
    assert run.err.startswith(line)
    assert run.err.count("\n") == 1


@pytest.mark.parametrize("depth", [150, 500, 900, 100_000])
def test_the_command_reads_half_an_input_of_any_depth(depth: int, reduce_text: Callable[..., Reduced]) -> None:
    delta = {"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": '{"\u005f_proto":' + "[" * depth}
    run = reduce_text(json.dumps([{"type": "tool-input-start", "toolCallId": "c", "toolName": "t"}, delta]))
    assert (run.code, run.err) == (0, "")
    assert json.loads(run.out)["parts"][0]["rawInput"] == delta["inputTextDelta"]


def test_what_is_no_text_and_no_file_is_refused_in_one_line(
    tmp_path: Path, reduce_text: Callable[..., Reduced]
) -> None:
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert reduce_text("", str(tmp_path / "picture")) == Reduced(1, b"", "not UTF-8: byte 0 is 0x89\n")
    folder = reduce_text("", str(tmp_path))
    assert (folder.code, folder.err.count("\n")) == (1, 1)


def test_the_command_says_how_it_is_used(reduce_text: Callable[..., Reduced]) -> None:
    assert reduce_text("", "a", "b").code == 2
    missing = reduce_text("", str(FIXTURES / "nothing"))
    assert (missing.code, missing.err.count("\n")) == (1, 1)


def test_the_command_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "copilot_widget.protocol"]
    run = subprocess.run(command, input=FORMS["ndjson"].encode(), capture_output=True, check=True)
    assert plain(json.loads(run.stdout)) == plain(STREAM["final"])
