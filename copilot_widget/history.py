"""From the transcript (UIMessages) to what a model may be sent (ModelMessages).

Every provider refuses a history in which a call has no result, so this is the one place that makes sure of it:
whatever a stopped, failed or denied turn has left behind, each call gets exactly one result, right after the
message that made it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, cast
from urllib.parse import unquote, unquote_to_bytes

from .models.base import (
    AssistantMessage,
    Call,
    Image,
    Json,
    ModelMessage,
    ModelRequest,
    Text,
    Thought,
    ToolMessage,
    ToolSchema,
    UserMessage,
)
from .protocol.messages import (
    DataPart,
    FilePart,
    ReasoningPart,
    StepStartPart,
    TextPart,
    ToolPart,
    UIMessage,
    metadata_of,
)

OUTPUT_LIMIT = 20_000
"""Characters of one tool output that a model is sent; what is cut is said in the text."""

_ATTACHED_LIMIT = 200_000
"""The same of an attached text."""

_MARK = re.compile(
    r"… \[[\d,]+ of [\d,]+ (?:characters|bytes) (?:cut|not read)\]"
    r"|… \[[\d,]+ characters not kept\]|\b[\d,]+ more of [\d,]+ (?:items|keys|pieces)\b"
)
"""Where something was left out, as tools/jsonable and those who cut by themselves say it."""
_REST_OF_OUTPUT = (
    "Parts are cut. To see them, ask for less at a time: narrower arguments, an offset, one item. Where run_code is "
    "offered, it can keep a value, or what a function returns, in a variable and print parts of it."
)
_REST_OF_MENTIONED = "Parts are cut. The tools that look at variables, cells and files show more of them."
_REST_OF_ATTACHED = "Parts are cut. Ask the user for those that you need."

_SEEN = ("image/png", "image/jpeg")
"""Forms of a picture that every model that sees can read."""

_DATA_URL = re.compile(r"data:([^,;]*)((?:;[^,;]*)*),(.*)", re.DOTALL)


FORGET = "forget"
"""A user's message that is marked so is the first that the model reads."""
SUMMARISE = "summarise"
"""So marked, it asks for a summary; with a whole one as its answer, it is the first that the model reads."""
SUMMARY = "summary"
"""The mark of such an answer."""


def mark_of(message: UIMessage) -> str:
    """What a message does to the history: FORGET, SUMMARISE, SUMMARY or ""."""
    mark = metadata_of(message).get("history")
    return mark if isinstance(mark, str) else ""


def remembered(messages: Sequence[UIMessage]) -> Sequence[UIMessage]:
    """The messages that a model is to read."""
    for place in range(len(messages) - 1, -1, -1):
        message, mark = messages[place], mark_of(messages[place])
        if message.role == "user" and mark == FORGET:
            return messages[place:]
        if message.role == "assistant" and mark == SUMMARY and place > 0:
            return messages[place - 1 :]
    return messages


def to_model_messages(messages: Iterable[UIMessage]) -> tuple[ModelMessage, ...]:
    """The history that a model is sent for `messages`, always valid."""
    result: list[ModelMessage] = []
    for message in remembered(list(messages)):
        if message.role == "user":
            content = tuple(_user_content(message))
            if content:
                result.append(UserMessage(content))
        elif message.role == "assistant":
            result.extend(_assistant_messages(message))
    return tuple(result)


def to_request(messages: Iterable[UIMessage], instructions: str, tools: Iterable[ToolSchema]) -> ModelRequest:
    """What a model is sent for a conversation."""
    return ModelRequest(messages=to_model_messages(messages), instructions=instructions, tools=tuple(tools))


def as_text(output: Json, *, limit: int = OUTPUT_LIMIT) -> str:
    """A tool's output as the model reads it: a string as it is, anything else as JSON, cut to `limit` characters."""
    text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False, default=str)
    if len(text) <= limit:
        return text
    head, tail = text[: limit * 3 // 4], text[-limit // 4 :]
    cut = len(text) - len(head) - len(tail)
    return f"{head}\n… [{cut:,} of {len(text):,} characters cut] …\n{tail}"


def _with_way(text: str, way: str) -> str:
    """`text`, ended by the way to what is marked in it as left out, if anything is."""
    return f"{text}\n({way})" if _MARK.search(text) else text


def _user_content(message: UIMessage) -> Iterable[Text | Image]:
    for part in message.parts:
        if isinstance(part, TextPart):
            yield Text(part.text)
        elif isinstance(part, DataPart) and part.type == "data-context":
            data = cast("dict[str, Any]", part.data or {})
            yield Text(_with_way(f"[{data.get('name', 'context')}]\n{data.get('text', '')}", _REST_OF_MENTIONED))
        elif isinstance(part, FilePart):
            yield _file(part)


def _file(part: FilePart) -> Text | Image:
    """A picture as one, any text as text; of all else, that it is there. No address is fetched."""
    about = " ".join(f"{part.filename or 'a file'}, {part.media_type}"[:300].split())
    match = _DATA_URL.fullmatch(part.url)
    if match is None:
        return Text(f"[attached: {about}; it lies at an address and was not read]")
    kind, options, data = match[1].lower(), match[2].lower(), match[3]
    if kind.startswith("image/") and kind != "image/svg+xml" and options.endswith(";base64"):
        return Image(kind, data)
    try:
        held = base64.b64decode(unquote(data), validate=True) if options.endswith(";base64") else unquote_to_bytes(data)
        text = held.decode()
    except ValueError:
        text = "\0"
    if "\0" in text:
        return Text(f"[attached: {about}; neither a picture nor text, so it was not read]")
    shown = _with_way(as_text(text, limit=_ATTACHED_LIMIT), _REST_OF_ATTACHED)
    return Text(f"[attached: {about}]\n{shown}")


def _assistant_messages(message: UIMessage) -> Iterable[ModelMessage]:
    """One AssistantMessage a step, each followed by the results of its calls."""
    content: list[Text | Thought | Call] = []
    results: list[ToolMessage] = []
    pictures = _pictures(message)
    for part in message.parts:
        ends_block = isinstance(part, StepStartPart) or (results and isinstance(part, (TextPart, ReasoningPart)))
        if ends_block and content:
            yield AssistantMessage(tuple(content))
            yield from results
            content, results = [], []
        if isinstance(part, TextPart) and part.text:
            content.append(Text(part.text))
        elif isinstance(part, ReasoningPart) and (part.text or part.provider_metadata):
            content.append(Thought(part.text, part.provider_metadata))
        elif isinstance(part, ToolPart):
            call = Call(part.tool_call_id, part.tool_name, _call_input(part), part.call_provider_metadata)
            content.append(call)
            result = _result(part)
            text = _with_way(result.output, _REST_OF_OUTPUT)
            results.append(replace(result, output=text, images=pictures.get(part.tool_call_id, ())))
    if any(isinstance(piece, (Text, Call)) for piece in content):
        yield AssistantMessage(tuple(content))
        yield from results


def _pictures(message: UIMessage) -> dict[str, tuple[Image, ...]]:
    """What the model sees of calls whose tool said so (data-seen), by call: the pictures of their display."""
    data = [part for part in message.parts if isinstance(part, DataPart)]
    seen = {part.id for part in data if part.type == "data-seen"}
    shown = [part for part in data if part.type == "data-display" and part.id in seen]
    return {str(part.id): tuple(_images(part.data)) for part in shown}


def _images(bundles: Json) -> Iterable[Image]:
    for bundle in cast("list[Json]", bundles) if isinstance(bundles, list) else ():
        forms = cast("dict[str, Json]", bundle) if isinstance(bundle, dict) else {}
        for mime in _SEEN:
            if isinstance(forms.get(mime), str):
                yield Image(mime, "".join(str(forms[mime]).split()))


def _call_input(part: ToolPart) -> Json:
    """Providers take an object only; what the model wrote instead is quoted in the error it gets back."""
    written: object = part.input
    return cast("Json", written) if isinstance(written, dict) else {}


def _result(part: ToolPart) -> ToolMessage:
    if part.state == "output-available" and not part.preliminary:
        return ToolMessage(part.tool_call_id, part.tool_name, as_text(part.output))
    if part.state == "output-error":
        text = part.error_text or "The tool failed."
    elif part.state == "output-denied":
        reason = part.approval.reason if part.approval else None
        text = "The user denied this call." + (f" Reason: {reason}" if reason else "")
    else:
        text = "No result: the run ended before this call did."
        if part.state == "output-available":
            text += f" It had printed so far: {as_text(part.output, limit=2_000)}"
    return ToolMessage(part.tool_call_id, part.tool_name, text, is_error=True)
