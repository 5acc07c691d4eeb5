"""LiteLLMModel against servers: llmock (OpenAI's and Anthropic's shapes, faults), exact bytes, and real inference."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from copilot_widget.errors import ModelError
from copilot_widget.models import litellm as module
from copilot_widget.models.base import (
    AssistantMessage,
    Call,
    Finish,
    Image,
    ModelEvent,
    ModelRequest,
    ModelUsage,
    Notice,
    ReasoningDelta,
    ReasoningEnd,
    Text,
    TextDelta,
    ToolCall,
    ToolMessage,
    ToolSchema,
    UserMessage,
)
from copilot_widget.models.litellm import LiteLLMModel
from tests.model_servers import LlamaServer, llama_server
from tests.ports import free_port
from tests.wire_server import WireServer, wire_server

KEY = "sk-canary-0123456789abcdef"
PROVIDERS = {
    "openai": "openai/gpt-5.4-mini",
    "anthropic": "anthropic/claude-sonnet-5-5",
    "gemini": "gemini/gemini-flash-latest",
}
WEATHER = ToolSchema(
    "get_weather",
    "Get the weather in a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries as soon as the other side allows; the waits themselves are no matter of these tests."""
    monkeypatch.setattr(module.random, "uniform", lambda low, high: 0.01)


@pytest.fixture
def wire() -> Iterator[WireServer]:
    with wire_server() as server:
        yield server


@pytest.fixture(scope="module")
def llama() -> Iterator[LlamaServer]:
    pytest.importorskip("xllamacpp")
    with llama_server() as server:
        yield server


def asked(text: str = "Hello", *more: Any, tools: tuple[ToolSchema, ...] = ()) -> ModelRequest:
    return ModelRequest((UserMessage((Text(text),)), *more), "Be brief.", tools)


async def play(model: LiteLLMModel, request: ModelRequest) -> list[ModelEvent]:
    return [event async for event in model.stream(request)]


async def fail(model: LiteLLMModel, request: ModelRequest) -> tuple[list[ModelEvent], ModelError]:
    """What came, and the error after it."""
    events: list[ModelEvent] = []

    async def collect() -> None:
        async for event in model.stream(request):
            events.append(event)

    with pytest.raises(ModelError) as caught:
        await collect()
    error = caught.value
    assert KEY not in f"{error.message} {error.hint}"
    assert error.hint
    assert "\n" not in error.message
    assert "litellm." not in error.message
    return events, error


def text_of(events: list[ModelEvent]) -> str:
    return "".join(event.delta for event in events if isinstance(event, TextDelta))


def mock(llmock: Any, provider: str, **options: Any) -> LiteLLMModel:
    base = llmock.base_url(provider) + ("/v1beta" if provider == "gemini" else "")
    return LiteLLMModel(PROVIDERS[provider], api_base=base, api_key=KEY, **options)


every = pytest.mark.parametrize("provider", list(PROVIDERS))


# ---- llmock: the two great shapes, and their faults ------------------------------------------------------------


@every
async def test_an_answer_streams_with_its_usage_and_cost(llmock: Any, provider: str):
    llmock.reply("Hello there, this is the answer.")
    events = await play(mock(llmock, provider), asked())
    assert text_of(events) == "Hello there, this is the answer."
    assert len([event for event in events if isinstance(event, TextDelta)]) > 1
    usage = [event for event in events if isinstance(event, ModelUsage)][-1]
    assert not usage.estimated
    assert usage.prompt_tokens > 0
    assert usage.completion_tokens > 0
    assert usage.cost is not None
    assert 0 < usage.cost < 0.01
    assert events[-1] == Finish("stop")


@every
async def test_a_tool_is_called_and_its_result_understood(llmock: Any, provider: str):
    llmock.call_tool("get_weather", {"city": "Paris"})
    model = mock(llmock, provider)
    events = await play(model, asked("Weather in Paris?", tools=(WEATHER,)))
    (call,) = [event for event in events if isinstance(event, ToolCall)]
    assert (call.tool, json.loads(call.input)) == ("get_weather", {"city": "Paris"})
    assert events[-1] == Finish("tool-calls")
    made = AssistantMessage((Call(call.call_id, call.tool, json.loads(call.input), call.provider_metadata),))
    done = ToolMessage(call.call_id, call.tool, "21 C")
    events = await play(model, asked("Weather in Paris?", made, done, tools=(WEATHER,)))
    assert text_of(events)
    assert "21 C" in json.dumps(llmock.last_request.body)
    assert llmock.last_request.status == 200


@every
async def test_arguments_that_are_no_json_come_through_for_the_agent_to_refuse(llmock: Any, provider: str):
    if provider == "gemini":
        return  # its arguments are an object, never text
    llmock.break_tool_call("malformed_arguments")
    events = await play(mock(llmock, provider), asked("Weather in Paris?", tools=(WEATHER,)))
    (call,) = [event for event in events if isinstance(event, ToolCall)]
    with pytest.raises(ValueError, match=r"."):
        json.loads(call.input)


@every
@pytest.mark.parametrize("fault", ["truncate", "disconnect"])
async def test_a_stream_that_breaks_keeps_what_came_and_says_so(llmock: Any, provider: str, fault: str):
    llmock.reply("word " * 50)
    getattr(llmock, fault)(after_chunks=8)
    events, error = await fail(mock(llmock, provider), asked())
    assert text_of(events).startswith("word")
    assert error.code == "interrupted"
    assert "go on" in error.hint
    assert not [event for event in events if isinstance(event, Finish)]
    assert len(llmock.requests) == 1, "what has been shown must not be asked for again"


@every
async def test_a_call_that_was_cut_off_is_not_made(llmock: Any, provider: str):
    if provider == "gemini":
        return  # it sends a call in one piece
    llmock.call_tool("get_weather", {"city": "Paris " * 30}).truncate(after_chunks=5)
    events, error = await fail(mock(llmock, provider), asked("Weather?", tools=(WEATHER,)))
    assert error.code == "interrupted"
    assert not [event for event in events if isinstance(event, ToolCall)]


@every
async def test_a_rate_limit_is_waited_for_visibly(llmock: Any, provider: str):
    llmock.rate_limit(times=2, retry_after=0.1)
    events = await play(mock(llmock, provider), asked())
    notices = [event.text for event in events if isinstance(event, Notice) and "litellm" not in event.text]
    assert len(notices) == 2
    assert "limited the rate" in notices[0]
    assert "trying again in 1 s" in notices[0]
    assert text_of(events)
    llmock.assert_resilient()


@every
async def test_a_long_rate_limit_is_told_not_waited_for(llmock: Any, provider: str):
    llmock.rate_limit(times=1, retry_after=100)
    _, error = await fail(mock(llmock, provider), asked())
    assert (error.code, error.retryable, error.retry_after) == ("rate-limit", True, 100)
    assert "100 s" in error.hint
    assert len(llmock.requests) == 1


@every
@pytest.mark.parametrize("status", [500, 502, 503, 529])
async def test_a_server_that_is_down_is_tried_three_times_in_all(llmock: Any, provider: str, status: int):
    llmock.fail(status, times=None)
    _, error = await fail(mock(llmock, provider), asked())
    assert (error.code, error.retryable) == ("unavailable", True)
    assert len(llmock.requests) == 3
    llmock.assert_resilient()


@every
@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "auth"), (402, "rate-limit"), (403, "permission"), (404, "not-found"), (400, "bad-request")],
)
async def test_what_a_repetition_would_not_change_is_not_repeated(llmock: Any, provider: str, status: int, code: str):
    llmock.fail(status, times=None)
    _, error = await fail(mock(llmock, provider), asked())
    assert (error.code, error.retryable) == (code, False)
    assert [record.method for record in llmock.requests].count("POST") == 1
    llmock.assert_resilient()


@every
async def test_a_conversation_that_is_too_long(llmock: Any, provider: str):
    llmock.context_overflow()
    _, error = await fail(mock(llmock, provider), asked())
    assert error.code == "context-overflow"
    assert "/compact" in error.hint


@pytest.mark.parametrize("name", ["openai/gpt-5.3-codex", "openai/gpt-5-pro"])
async def test_models_that_only_openais_responses_api_has(llmock: Any, name: str):
    """litellm turns to that API by itself; for gpt-5-pro it imitates a stream, with the arguments twice."""
    model = LiteLLMModel(name, api_base=llmock.base_url("openai"), api_key=KEY)
    llmock.call_tool("get_weather", {"city": "Paris"})
    events = await play(model, asked("Weather?", tools=(WEATHER,)))
    (call,) = [event for event in events if isinstance(event, ToolCall)]
    assert json.loads(call.input) == {"city": "Paris"}
    assert llmock.last_request.path == "/v1/responses"
    made = AssistantMessage((Call(call.call_id, call.tool, json.loads(call.input)),))
    done = ToolMessage(call.call_id, call.tool, "21 C")
    assert text_of(await play(model, asked("Weather?", made, done, tools=(WEATHER,))))


async def test_silence_before_the_first_token_and_in_the_middle(llmock: Any):
    llmock.slow_first_token(5, times=None)
    _, error = await fail(mock(llmock, "openai", first_token=0.3), asked())
    assert (error.code, error.retryable) == ("timeout", True)
    llmock.reset()
    llmock.reply("word " * 50).stall(after_chunks=5, seconds=5)
    events, error = await fail(mock(llmock, "openai", idle=0.3), asked())
    assert text_of(events).startswith("word")
    assert error.code == "interrupted"


@every
async def test_closing_the_stream_ends_the_request(llmock: Any, provider: str):
    llmock.reply("word " * 500).pace(20)
    model = mock(llmock, provider)
    stream = model.stream(asked())
    async for event in stream:
        if isinstance(event, TextDelta):
            break
    await stream.aclose()
    assert not llmock.last_request.completed


async def test_one_model_serves_several_requests_at_once(llmock: Any):
    llmock.reply("the same answer for all", times=None).pace(2)
    model = mock(llmock, "openai")
    answers = await asyncio.gather(*(play(model, asked(f"question {i}")) for i in range(8)))
    assert {text_of(events) for events in answers} == {"the same answer for all"}


def test_it_works_in_one_event_loop_after_another(llmock: Any):
    llmock.reply("hello", times=None)
    for provider in PROVIDERS:
        for _ in range(2):
            assert text_of(asyncio.run(play(mock(llmock, provider), asked()))) == "hello"


async def test_a_key_in_the_providers_own_words_is_not_shown(llmock: Any):
    llmock.fail(400, message=f"Bad request with {KEY} and sk-other-0123456789abc")
    _, error = await fail(mock(llmock, "openai"), asked())
    assert "0123456789" not in str(error)
    assert "Bad request with" in error.message


async def test_the_key_is_taken_from_the_given_environment_and_named_when_refused(llmock: Any):
    env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": llmock.base_url("openai")}
    llmock.fail(401)
    _, error = await fail(LiteLLMModel("openai/gpt-5.4-mini", env=env), asked())
    assert "the key in OPENAI_API_KEY" in error.message


# ---- without any server ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "variable"),
    [("openai/gpt-5", "OPENAI_API_KEY"), ("anthropic/claude-x", "ANTHROPIC_API_KEY"), ("gemini/x", "GEMINI_API_KEY")],
)
async def test_without_a_key_it_says_which_variable_to_set(name: str, variable: str):
    _, error = await fail(LiteLLMModel(name, env={}), asked())
    assert error.code == "auth"
    assert f"{variable} is not set" in error.message
    assert f'os.environ["{variable}"]' in error.hint


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ollama/llama3.2", "Start it with `ollama serve`"),
        ("lm_studio/qwen3", "LM Studio"),
        ("openai/my-model", "Start the server"),
    ],
)
async def test_a_server_that_is_not_there(name: str, words: str):
    address = f"http://127.0.0.1:{free_port()}"
    events, error = await fail(LiteLLMModel(name, api_base=address, env={}), asked())
    assert error.code == "connection"
    assert address in error.message
    assert words in error.hint
    assert not [event for event in events if isinstance(event, Notice) and "again" in event.text]


def test_importing_the_module_loads_no_litellm_and_the_first_answer_says_that_it_does():
    code = (
        "import sys, asyncio, os\n"
        "from copilot_widget.models.litellm import LiteLLMModel\n"
        "from copilot_widget.models.base import *\n"
        "model = LiteLLMModel('openai/x', api_base='http://127.0.0.1:9/v1')\n"
        "model.info\n"
        "assert 'litellm' not in sys.modules and 'httpx' not in sys.modules\n"
        "async def main():\n"
        "    stream = model.stream(ModelRequest((UserMessage((Text('x'),)),)))\n"
        "    print((await anext(stream)).text)\n"
        "    try:\n"
        "        await anext(stream)\n"
        "    except Exception as error:\n"
        "        print(error.code)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines() == ["loading litellm …", "connection"]
    assert done.stderr == ""


# ---- exact bytes: what the mock servers do not say -----------------------------------------------------------------


def on_wire(wire: WireServer, name: str = "openai/m", **options: Any) -> LiteLLMModel:
    base = wire.address if name.startswith(("ollama", "anthropic")) else f"{wire.address}/v1"
    return LiteLLMModel(name, api_base=base, api_key=KEY, env={}, **options)


async def test_think_tags_and_reasoning_content_are_reasoning(wire: WireServer):
    wire.openai({"reasoning_content": "first "}, {"content": "<thi"}, {"content": "nk>second</think>\n\nThe answer."})
    events = await play(on_wire(wire), asked())
    assert "".join(event.delta for event in events if isinstance(event, ReasoningDelta)) == "first second"
    assert text_of(events) == "The answer."


async def test_calls_without_ids_and_with_the_same_index(wire: WireServer):
    def call(name: str, arguments: str) -> dict[str, Any]:
        return {"tool_calls": [{"index": 0, "type": "function", "function": {"name": name, "arguments": arguments}}]}

    wire.openai(call("a", '{"x": 1}'), call("b", '{"y": 2}'), finish="stop")
    events = await play(on_wire(wire), asked(tools=(WEATHER,)))
    calls = [event for event in events if isinstance(event, ToolCall)]
    assert [(c.tool, json.loads(c.input)) for c in calls] == [("a", {"x": 1}), ("b", {"y": 2})]
    assert len({c.call_id for c in calls}) == 2


async def test_the_usage_after_the_end_is_read_with_what_was_cached(wire: WireServer):
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 7,
        "total_tokens": 107,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    wire.openai({"content": "hi"}, usage=usage)
    last = [event for event in await play(on_wire(wire), asked()) if isinstance(event, ModelUsage)][-1]
    assert (last.prompt_tokens, last.completion_tokens, last.cached_tokens, last.reasoning_tokens) == (100, 7, 64, 3)
    assert last.cost is None
    assert not last.estimated


async def test_a_gateways_own_cost_is_taken(wire: WireServer):
    wire.openai({"content": "hi"}, usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "cost": 0.125})
    last = [event for event in await play(on_wire(wire), asked()) if isinstance(event, ModelUsage)][-1]
    assert last.cost == 0.125


async def test_an_estimate_comes_while_it_streams_for_those_who_stop_it(wire: WireServer):
    wire.openai({"content": "word " * 20}, {"content": "more"})
    wire.lines.insert(1, 10.0)
    stream = on_wire(wire).stream(asked("x" * 400))
    seen = [event async for event in _until_usage(stream)]
    usage = seen[-1]
    assert isinstance(usage, ModelUsage)
    assert usage.estimated
    assert 40 <= usage.prompt_tokens <= 60  # eight of the same letter are a token
    assert 20 <= usage.completion_tokens <= 22
    started = time.monotonic()
    await stream.aclose()
    assert await asyncio.to_thread(wire.gone.wait, 5)
    assert time.monotonic() - started < 5, "the request was still open"


async def _until_usage(stream: Any) -> Any:
    async for event in stream:
        yield event
        if isinstance(event, ModelUsage):
            return


async def test_a_task_that_is_cancelled_before_the_first_byte_ends_the_request(wire: WireServer):
    wire.lines = [10.0]
    task = asyncio.create_task(play(on_wire(wire), asked()))
    assert await asyncio.to_thread(wire.asked.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(wire.gone.wait, 5)


async def test_an_error_in_the_middle_of_a_stream(wire: WireServer):
    wire.openai({"content": "The begin"}, finish=None)
    wire.lines.append('data: {"error": {"message": "the engine has died", "type": "server_error", "code": 500}}\n\n')
    events, error = await fail(on_wire(wire), asked())
    assert text_of(events) == "The begin"
    assert error.code == "interrupted"


async def test_an_html_page_instead_of_a_stream(wire: WireServer):
    wire.content_type = "text/html"
    wire.lines = ["<html><body>It works!</body></html>"]
    _, error = await fail(on_wire(wire), asked())
    assert error.code in ("interrupted", "unavailable", "connection", "unknown", "bad-request")


async def test_ollama(wire: WireServer):
    common = {"model": "llama3.2", "created_at": "2026-01-01T00:00:00Z"}
    call = {"function": {"name": "get_weather", "arguments": {"city": "Paris"}}}
    wire.json_lines(
        [
            {**common, "message": {"role": "assistant", "content": "Hel"}, "done": False},
            {**common, "message": {"role": "assistant", "content": "lo"}, "done": False},
            {**common, "message": {"role": "assistant", "content": "", "tool_calls": [call]}, "done": False},
            {
                **common,
                "message": {"role": "assistant", "content": ""},
                "done": True,
                "done_reason": "stop",
                "prompt_eval_count": 20,
                "eval_count": 5,
            },
        ]
    )
    model = on_wire(wire, "ollama/llama3.2")
    events = await play(model, asked("Weather in Paris?", tools=(WEATHER,)))
    assert text_of(events) == "Hello"
    (made,) = [event for event in events if isinstance(event, ToolCall)]
    assert json.loads(made.input) == {"city": "Paris"}
    usage = [event for event in events if isinstance(event, ModelUsage)][-1]
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cost) == (20, 5, 0.0)
    assert wire.bodies[0]["tools"][0]["function"]["name"] == "get_weather"
    assert wire.bodies[0]["stream"] is True


async def test_ollama_is_told_to_read_all_of_a_long_conversation(wire: WireServer):
    wire.json_lines(
        [{"model": "m", "message": {"role": "assistant", "content": "ok"}, "done": True, "done_reason": "stop"}]
    )
    model = on_wire(wire, "ollama/llama3.2")
    for text in ("short", "word " * 20_000):
        await play(model, asked(text))
    short, long = (body["options"]["num_ctx"] for body in wire.bodies if "messages" in body)
    assert short == 8192
    assert long >= 32_768


@pytest.mark.parametrize("name", ["openai/nope", "lm_studio/nope"])
async def test_a_server_that_does_not_have_the_model_says_which_it_has(wire: WireServer, name: str):
    wire.status = 404
    wire.content_type = "application/json"
    wire.lines = ['{"error": {"message": "model nope not found", "type": "not_found_error"}}']
    wire.models = {"data": [{"id": "house-model"}, {"id": "other"}]}
    _, error = await fail(on_wire(wire, name), asked())
    assert error.code == "not-found"
    assert "It has house-model, other." in error.hint


async def test_anthropics_thinking_comes_with_its_signature_and_goes_back(wire: WireServer):
    def delta(index: int, **fields: Any) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": index, "delta": fields}

    usage = {"input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 5}
    wire.anthropic(
        {
            "type": "message_start",
            "message": {"id": "m", "role": "assistant", "content": [], "model": "c", "usage": usage},
        },
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "thinking", "thinking": "", "signature": ""},
        },
        delta(0, type="thinking_delta", thinking="Let me "),
        delta(0, type="thinking_delta", thinking="see."),
        delta(0, type="signature_delta", signature="SIGNED"),
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        delta(1, type="text_delta", text="Yes."),
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 12}},
        {"type": "message_stop"},
    )
    model = on_wire(wire, "anthropic/claude-sonnet-5-5")
    events = await play(model, asked())
    assert "".join(event.delta for event in events if isinstance(event, ReasoningDelta)) == "Let me see."
    (end,) = [event for event in events if isinstance(event, ReasoningEnd)]
    assert end.provider_metadata == {"anthropic": {"signature": "SIGNED"}}
    assert text_of(events) == "Yes."
    last = [event for event in events if isinstance(event, ModelUsage)][-1]
    assert (last.cached_tokens, last.cache_write_tokens, last.completion_tokens) == (90, 5, 12)
    assert last.prompt_tokens == 105
    assert wire.headers[0].get("x-api-key") == KEY


@pytest.mark.parametrize(
    "refusal",
    ["image input is not supported by this model", "'messages.1.content' : value must be a string"],
)
async def test_a_model_that_cannot_see_goes_on_without_the_picture(wire: WireServer, refusal: str):
    wire.status = 400
    wire.content_type = "application/json"
    wire.lines = [json.dumps({"error": {"message": refusal, "code": 400}})]
    request = ModelRequest((UserMessage((Text("look"), Image("image/png", "AAAA"))),))
    model = on_wire(wire)
    events, _ = await fail(model, request)
    assert [event.text for event in events if isinstance(event, Notice) and "images" in event.text]
    assert len(wire.bodies) == 2
    assert "image_url" in json.dumps(wire.bodies[0])
    assert "image_url" not in json.dumps(wire.bodies[1])


async def test_a_table_of_zeros_is_no_loop(wire: WireServer):
    """litellm ends streams that repeat themselves unless it is told not to."""
    wire.openai(*[{"content": " 0.0000"}] * 300)
    assert text_of(await play(on_wire(wire), asked())) == " 0.0000" * 300


# ---- real inference ------------------------------------------------------------------------------------------------


async def test_a_real_model_answers(llama: LlamaServer):
    model = LiteLLMModel("llamacpp/smollm2", api_base=llama.base.removesuffix("/v1"), env={}, options={"max_tokens": 6})
    events = await play(model, asked("Say hello."))
    assert text_of(events)
    usage = [event for event in events if isinstance(event, ModelUsage)][-1]
    assert usage.prompt_tokens > 5
    assert 0 < usage.completion_tokens <= 6
    assert usage.cost == 0.0
    assert isinstance(events[-1], Finish)


async def test_a_real_server_notices_that_nobody_listens_any_more(llama: LlamaServer):
    model = LiteLLMModel("openai/smollm2", api_base=llama.base)
    stream = model.stream(asked("Count to a thousand."))
    async for event in stream:
        if isinstance(event, TextDelta):
            break
    assert llama.busy
    await stream.aclose()
    for _ in range(1000):
        if not llama.busy:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the server still computes")


async def test_a_real_server_refuses_what_is_too_long(llama: LlamaServer):
    _, error = await fail(LiteLLMModel("openai/smollm2", api_base=llama.base), asked("word " * 3000))
    assert error.code == "context-overflow"


async def test_a_real_model_that_cannot_see(llama: LlamaServer):
    model = LiteLLMModel("openai/smollm2", api_base=llama.base, options={"max_tokens": 2})
    request = ModelRequest((UserMessage((Text("What is it?"), Image("image/png", "iVBORw0KGgo="))),))
    events = await play(model, request)
    assert [event.text for event in events if isinstance(event, Notice) and "cannot take images" in event.text]
    assert text_of(events)
