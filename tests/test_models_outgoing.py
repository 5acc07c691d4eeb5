"""A history as each provider takes it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from copilot_widget.models.base import (
    AssistantMessage,
    Call,
    Image,
    ModelRequest,
    Text,
    Thought,
    ToolMessage,
    ToolSchema,
    UserMessage,
)
from copilot_widget.models.outgoing import NO_IMAGES, has_images, to_messages, to_tools

PICTURE = Image("image/png", "iVBORw0KGgo=")
FOREIGN = "bad id/" + "x" * 60
HISTORY = ModelRequest(
    (
        UserMessage((Text("look"), PICTURE)),
        AssistantMessage(
            (
                Thought("hm", {"anthropic": {"signature": "SIG"}}),
                Thought("", {"anthropic": {"redactedData": "DATA"}}),
                Thought("unsigned"),
                Text("I look."),
                Call("c1", "look", {"at": "ü"}),
                Call(FOREIGN, "look", {}, {"google": {"thoughtSignature": "TS"}}),
            )
        ),
        ToolMessage("c1", "look", "seen", images=(PICTURE,)),
        ToolMessage(FOREIGN, "look", "boom", is_error=True),
        UserMessage((Text("and?"),)),
    ),
    instructions="Be brief.",
)


def written(model: str, request: ModelRequest = HISTORY, **options: Any) -> list[dict[str, Any]]:
    messages = to_messages(request, model, **options)
    json.dumps(messages)
    return messages


def test_openai_gets_its_own_shapes_and_no_thoughts():
    system, user, assistant, first, second, pictures, last = written("openai/gpt-5")
    assert system == {"role": "system", "content": "Be brief."}
    assert user["content"][1]["image_url"]["url"] == "data:image/png;base64,iVBORw0KGgo="
    assert assistant["content"] == "I look."
    assert "thinking_blocks" not in assistant
    assert "reasoning_content" not in assistant
    assert json.loads(assistant["tool_calls"][0]["function"]["arguments"]) == {"at": "ü"}
    assert first == {"role": "tool", "tool_call_id": "c1", "content": "seen"}
    assert second["content"] == "Error: boom"
    assert pictures["role"] == "user"
    assert pictures["content"][1]["type"] == "image_url"
    assert last == {"role": "user", "content": "and?"}


def test_the_results_of_one_answer_are_not_parted_by_its_pictures():
    """Providers want all results right after the calls."""
    assert [message["role"] for message in written("openai/gpt-5")][3:6] == ["tool", "tool", "user"]


def test_claude_gets_back_what_it_signed_and_nothing_else():
    assistant = written("anthropic/claude-sonnet-5-5")[2]
    assert assistant["thinking_blocks"] == [
        {"type": "thinking", "thinking": "hm", "signature": "SIG"},
        {"type": "redacted_thinking", "data": "DATA"},
    ]


def test_claudes_cache_is_asked_for_up_to_the_last_message():
    messages = written("anthropic/claude-sonnet-5-5")
    assert messages[0]["content"][-1]["cache_control"] == {"type": "ephemeral"}
    assert messages[-1]["content"][-1]["cache_control"] == {"type": "ephemeral"}
    assert "cache_control" not in json.dumps(messages[1:-1])
    assert "cache_control" not in json.dumps(written("openai/gpt-5"))
    after_tool = ModelRequest(HISTORY.messages[1:3])
    assert written(
        "bedrock/anthropic.claude-x", ModelRequest((*after_tool.messages[:1], ToolMessage("c1", "look", "x")))
    )[-1]["cache_control"]


@pytest.mark.parametrize("model", ["gemini/gemini-flash-latest", "vertex_ai/gemini-3"])
def test_google_gets_its_signature_back(model: str):
    assistant = written(model)[2]
    assert assistant["tool_calls"][1]["provider_specific_fields"] == {"thought_signature": "TS"}
    assert "provider_specific_fields" not in json.dumps(written("openai/gpt-5"))


def test_who_wants_its_reasoning_back_gets_it():
    assert written("deepseek/deepseek-v4-pro")[2]["reasoning_content"] == "hmunsigned"


@pytest.mark.parametrize(
    ("model", "good"), [("openai/gpt-5", r"[A-Za-z0-9_-]{1,40}"), ("mistral/mistral-medium-latest", r"[A-Za-z0-9]{9}")]
)
def test_call_ids_are_such_as_the_provider_takes_and_still_belong_together(model: str, good: str):
    import re

    messages = written(model)
    ids = [call["id"] for call in messages[2]["tool_calls"]]
    assert all(re.fullmatch(good, call_id) for call_id in ids)
    assert len(set(ids)) == 2
    assert [message["tool_call_id"] for message in messages if message["role"] == "tool"] == ids


def test_without_images_a_note_stands_in_their_place():
    assert has_images(HISTORY)
    text = json.dumps(written("openai/gpt-5", images=False))
    assert "image_url" not in text
    assert text.count(NO_IMAGES) == 2


def test_an_answer_of_thoughts_only_is_left_out():
    request = ModelRequest((UserMessage((Text("a"),)), AssistantMessage((Thought("hm"),)), UserMessage((Text("b"),))))
    assert [message["role"] for message in written("openai/gpt-5", request)] == ["user", "user"]


def test_an_empty_result_is_said_to_be_empty():
    request = ModelRequest((AssistantMessage((Call("c", "t", {}),)), ToolMessage("c", "t", "")))
    assert written("openai/gpt-5", request)[-1]["content"] == "(no output)"


def test_tools_are_functions():
    (tool,) = to_tools((ToolSchema("t", "Does it.", {"type": "object", "properties": {}}),))
    assert tool["function"] == {
        "name": "t",
        "description": "Does it.",
        "parameters": {"type": "object", "properties": {}},
    }
