"""docs/clients.md says what the server does: every chunk with every field, every route, every key of the metadata."""

from __future__ import annotations

import re
from typing import Any, get_args

from copilot_widget.protocol import chunks
from copilot_widget.serving.server import Service, make_app

from .agents import begin, drive, make_agent
from .documents import DOCS, names, table

PAGE = (DOCS / "clients.md").read_text()


def type_of(chunk: Any) -> str:
    """As the page writes it."""
    return "data-NAME" if chunk is chunks.Data else chunk.model_fields["type"].default


def test_the_table_of_chunks_names_every_chunk_and_every_field():
    said = {
        names(chunk)[0]: (set(names(required)), set(names(optional)))
        for chunk, required, optional, *_ in table(PAGE, "chunk", "must have", "may have")
    }
    meant = {
        type_of(chunk): (
            {key for _, key, required in chunk.wire_fields if required},
            {key for _, key, required in chunk.wire_fields if not required},
        )
        for chunk in get_args(chunks.Chunk)
    }
    assert said == meant


def test_the_table_of_routes_names_every_route():
    def anonymous(path: str) -> str:
        return re.sub(r"\{[^}]+\}", "{}", path)

    said = {(method, anonymous(names(path)[0])) for method, path, *_ in table(PAGE, "method", "path")}
    app = make_app(Service(executor_of=lambda owner: None, prepare=lambda asked: None))  # type: ignore[arg-type,return-value]
    meant = {
        (method, anonymous(route.path))  # type: ignore[attr-defined]
        for route in app.routes
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
    }
    assert said == meant


async def test_the_table_of_metadata_names_every_key():
    said = {key for keys, *_ in table(PAGE, "key", "what it is") for key in names(keys)}
    usage = {"type": "usage", "promptTokens": 1, "completionTokens": 1}
    endings: tuple[tuple[list[Any], dict[str, Any]], ...] = (
        ([[{"type": "text", "text": "Fine."}, usage]], {}),
        ([[{"type": "error", "code": "auth", "message": "No key."}]], {}),
        ([[{"type": "call", "toolCallId": "c1", "toolName": "nobody", "input": {}}]], {"max_steps": 1}),
    )
    for script, options in endings:
        stream, _ = await drive(make_agent(script), begin(**options))
        sent = {key for chunk in stream for key in chunk.get("messageMetadata") or {}}
        assert sent <= said
        assert {"run", "usage"} <= sent
