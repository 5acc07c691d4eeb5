"""From the transcript (UIMessages) to what a model may be sent (ModelMessages).

Every provider refuses a history in which a call has no result, so this is the one place that makes sure of it:
whatever a stopped, failed or denied turn has left behind, each call gets exactly one result, right after the
message that made it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterable, Sequence
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
from .protocol.displays import DISPLAY, displayed
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

SO_FAR = "It had printed so far:"
_SO_FAR_LIMIT = 2_000

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

_UNASKED_CALLS = 6
"""Calls whose pictures a request may have that the model had not asked for (run_code); then the oldest are left out."""
_FADE_AT_ONCE = 3

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
    read = remembered(list(messages))
    faded = _faded(read)
    for message in read:
        if message.role == "user":
            content = tuple(_user_content(message))
            if content:
                result.append(UserMessage(content))
        elif message.role == "assistant":
            result.extend(_assistant_messages(message, faded))
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


def as_printed(output: Json, *, limit: int = _SO_FAR_LIMIT) -> str:
    """A preliminary output as text: streams of a program as they were printed, anything else as `as_text` has it."""
    held = list(cast("dict[str, Json]", output).values()) if isinstance(output, dict) else []
    texts = [text for text in held if isinstance(text, str)]
    return as_text("".join(texts) if held and len(texts) == len(held) else output, limit=limit)


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


def _assistant_messages(message: UIMessage, faded: Collection[int]) -> Iterable[ModelMessage]:
    """One AssistantMessage a step, each followed by the results of its calls."""
    content: list[Text | Thought | Call] = []
    results: list[ToolMessage] = []
    pictures = _pictures(message, faded)
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
            result = _with_pictures(_result(part), pictures.get(part.tool_call_id, ()))
            results.append(replace(result, output=_with_way(result.output, _REST_OF_OUTPUT)))
    if any(isinstance(piece, (Text, Call)) for piece in content):
        yield AssistantMessage(tuple(content))
        yield from results


def _faded(messages: Sequence[UIMessage]) -> set[int]:
    """The data-seen parts, by `id`, of pictures that nobody had asked for and that are many by now. They go several at
    a time, since providers keep what a request has in common with the last one."""
    parts = [part for message in messages for part in message.parts if isinstance(part, DataPart)]
    unasked = [part for part in parts if part.type == "data-seen" and part.data]
    gone = max(0, -(-(len(unasked) - _UNASKED_CALLS) // _FADE_AT_ONCE) * _FADE_AT_ONCE)
    return {id(part) for part in unasked[:gone]}


def _with_pictures(result: ToolMessage, images: tuple[Image, ...] | None) -> ToolMessage:
    if images is not None:
        return replace(result, images=images)
    return replace(result, output=f"{result.output}\n[its pictures are no longer sent; draw them again to see them]")


def _pictures(message: UIMessage, faded: Collection[int]) -> dict[str, tuple[Image, ...] | None]:
    """What the model sees of calls whose tool said so (data-seen), by call: the pictures of their display. None: no
    longer."""
    data = [part for part in message.parts if isinstance(part, DataPart)]
    shown = {part.id: part.data for part in data if part.type == DISPLAY}
    found: dict[str, tuple[Image, ...] | None] = {}
    for part in data:
        if part.type == "data-seen" and part.id is not None:
            bundles = _chosen(displayed(shown.get, part.id), part.data)
            found[part.id] = None if id(part) in faded else tuple(_images(bundles))
    return found


def _chosen(bundles: list[Any], told: Json) -> list[Any]:
    """What data-seen chooses: numbers of bundles, and smaller pictures in place of some. It names none: all."""
    chosen: Any = cast("dict[str, Any]", told).get("pictures") if isinstance(told, dict) else None
    if not isinstance(chosen, list):
        return bundles
    places = range(len(bundles))
    return [bundles[each] if each in places else each for each in cast("list[Any]", chosen)]


def _images(bundles: list[Any]) -> Iterable[Image]:
    for bundle in bundles:
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
            text += f" {SO_FAR}\n{as_printed(part.output)}"
    return ToolMessage(part.tool_call_id, part.tool_name, text, is_error=True)
