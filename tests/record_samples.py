"""Turns for the tests of the record: an ordinary one with everything in it, and ones whose every text is hostile."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from pathlib import Path
from typing import Any

from copilot_widget.record import RecordTurn

MARKDOWN = """The refunds in `df` are **signed the wrong way round**, see [the docs](https://example.org/docs) or https://example.org/a_b.

## What to do

1. Filter the refunds
2. Compute again

```python
df = df[df.qty > 0]

revenue = (df.qty * df.price).sum()
```

| month | revenue |
|:------|--------:|
| Jan   | 30.50   |

- [x] look at the data
- [ ] ask the owner

With $a_1 + b_1$ it costs $5 or $6, ~~seven~~.
"""


def png(width: int = 4, height: int = 4) -> str:
    """A real picture, in base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\x30\x80\xc0" * width) * height
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return base64.b64encode(data).decode()


DATAFRAME = """<div><style scoped>.dataframe tbody tr th {vertical-align: top;}</style>
<table border="1" class="dataframe"><thead><tr style="text-align: right;"><th></th><th>qty</th></tr></thead>
<tbody><tr><th>0</th><td>3</td></tr><tr><th>1</th><td>-2</td></tr></tbody></table></div>"""


def user(text: str, *more: dict[str, Any]) -> dict[str, Any]:
    return {"id": "u", "role": "user", "parts": [{"type": "text", "text": text}, *more]}


def assistant(*parts: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"id": "m", "role": "assistant", "metadata": metadata, "parts": list(parts)}


def text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "state": "done"}


def tool(call: str = "c1", name: str = "run_code", state: str = "output-available", **more: Any) -> dict[str, Any]:
    return {"type": f"tool-{name}", "toolCallId": call, "state": state, **more}


def ordinary() -> RecordTurn:
    """A turn with every kind of part."""
    code = "df.plot()\n\nprint('x')"
    return RecordTurn(
        user(
            "Why is revenue negative in @df?\n  and since when?",
            {"type": "data-context", "data": {"name": "@df", "text": "df: DataFrame, 2 rows"}},
            {"type": "file", "filename": "plot.png", "mediaType": "image/png", "url": f"data:image/png;base64,{png()}"},
        ),
        assistant(
            {"type": "step-start"},
            {"type": "reasoning", "text": "I look at **df** first.", "state": "done"},
            tool(
                "c1",
                "inspect",
                title="Inspect df",
                input={"name": "df"},
                output=[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
            ),
            tool(
                "c2",
                title="Run code",
                input={"code": code},
                output="short form",
                approval={"id": "a", "approved": True},
            ),
            {
                "type": "data-approval",
                "id": "c2",
                "data": {"title": "run 3 lines?", "code": code, "language": "python"},
            },
            {
                "type": "data-display",
                "id": "c2",
                "data": [{"text/html": DATAFRAME, "text/plain": "   qty\n0    3\n1   -2"}, {"image/png": png()}],
            },
            tool(
                "c3",
                "insert_cell",
                "output-denied",
                title="Insert a cell",
                input={"index": 12},
                approval={"id": "b", "approved": False, "reason": "not here"},
            ),
            {"type": "data-approval", "id": "c3", "data": {"title": "insert a cell?", "diff": "+ df = 1"}},
            tool("c4", "lookup", "output-error", input={"order_id": 17}, errorText="No order 17.\nTry another."),
            {"type": "source-url", "sourceId": "s", "url": "https://example.org/source", "title": "A source"},
            {"type": "data-weather", "data": {"degrees": 21}},
            text(MARKDOWN),
            model="anthropic/claude-sonnet-5",
            durationMs=12_340,
            steps=3,
            usage={"promptTokens": 45_210, "completionTokens": 1_180, "cachedTokens": 38_000},
            cost=0.0812,
        ),
        seconds={"c2": 2.1},
    )


# ---- hostile -------------------------------------------------------------------------------------------

PAYLOADS: tuple[str, ...] = tuple(
    json.loads((Path(__file__).parent / "fixtures" / "hostile.json").read_text(encoding="utf-8"))["payloads"]
)


def hostile(payload: str) -> tuple[RecordTurn, list[str]]:
    """A turn with the payload in every text that comes from outside; and the words that follow it in each."""
    marks: list[str] = []

    def bad(start: str = "") -> str:
        marks.append(f"mark{len(marks):02d}end")
        gap = "\n" if payload.endswith("```") else " "  # what follows a fence on its line is its language
        return f"{start}{payload}{gap}{marks[-1]}"

    def lost() -> str:
        """In foreign html what stands behind an open comment or script was never to be seen."""
        return f"{payload} unmarked"

    turn = RecordTurn(
        user(
            bad(),
            {"type": "data-context", "data": {"name": bad("@"), "text": bad()}},
            {"type": "file", "filename": bad(), "mediaType": "text/plain", "url": payload},
            {"type": "file", "filename": bad(), "mediaType": "image/png", "url": "data:image/png;base64," + payload},
        ),
        assistant(
            {"type": "reasoning", "text": f"{payload}\n\n{bad('after ')}"},
            tool(
                "c1",
                title=bad(),
                input={"code": bad("x\n"), "k " + payload: bad()},
                output=bad(),
                approval={"id": "a", "reason": bad()},
            ),
            {"type": "data-approval", "id": "c1", "data": {"title": bad(), "diff": bad("+ ")}},
            {
                "type": "data-display",
                "id": "c1",
                "data": [
                    {"text/html": lost()},
                    {"text/markdown": bad()},
                    {"text/plain": bad()},
                    {"text/latex": bad()},
                    {"application/json": {payload: bad()}},
                    {"image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg'><text>{payload}</text></svg>"},
                    {"image/png": payload},
                ],
            },
            {**tool("c2", input=bad(), output=[{"a": bad()}, {"a": bad()}]), "type": "dynamic-tool", "toolName": bad()},
            tool("c3", name=payload, state="output-error", input=[bad()], errorText=bad("first line\n")),
            tool("c4", state=payload, input=None, approval={"id": "b", "approved": False, "requestReason": bad()}),
            {"type": "source-url", "sourceId": "s", "url": payload, "title": bad()},
            {"type": "source-document", "sourceId": "s", "mediaType": "x", "title": bad()},
            {"type": "data-" + payload, "data": bad()},
            {"type": "steering-message", "id": "s", "parts": [{"type": "text", "text": bad()}]},
            text(f"{payload}\n\n{bad()}"),
            text(bad()),
            model=bad(),
            badge=bad(),
            error={"code": "x", "message": bad(), "hint": bad()},
        ),
        "failed",
    )
    return turn, marks
