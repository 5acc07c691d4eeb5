"""`copilot-widget serve` as its clients see it: real processes, on each kind of executor."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from copilot_widget.errors import UsageError
from copilot_widget.serving.serve import read_tokens

from .serving import ANN, BOB, KINDS, ROOT, Client, Site, anns, chat_body, sites

STRICT = {
    "start": ["messageId"],
    "finish": [],
    "start-step": [],
    "finish-step": [],
    "text-start": ["id"],
    "text-delta": ["id", "delta"],
    "text-end": ["id"],
    "tool-input-start": ["toolCallId", "toolName"],
    "tool-input-available": ["toolCallId", "toolName", "input"],
    "tool-output-available": ["toolCallId", "output"],
    "error": ["errorText"],
}
"""All that clients before 7.0.32 take."""

site = pytest.fixture(scope="module", params=KINDS)(sites)
ann = pytest_asyncio.fixture(anns)


@pytest_asyncio.fixture
async def elsewhere(site: Site) -> AsyncIterator[Client]:
    """Ann, at another instance."""
    client = Client(site.other, ANN)
    yield client
    await client.http.aclose()


@pytest.fixture
def thread() -> str:
    return f"thread-{secrets.token_hex(6)}"


async def until_status(client: Client, run: str, wanted: str) -> None:
    for _ in range(600):
        if (status := await client.status(run)) == wanted:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{run} is {status}")


# ---- a conversation -----------------------------------------------------------------------------------------


async def test_a_message_is_answered_in_a_stream_that_ends(ann: Client, thread: str):
    stream = await ann.ask("count 3", thread)
    assert stream.text.split() == ["0", "1", "2"]
    assert stream.done
    assert stream.ids == list(range(1, len(stream.ids) + 1))
    assert stream.response.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert stream.response.headers["content-type"].startswith("text/event-stream")
    info = (await ann.http.get(f"/api/runs/{stream.run}")).json()
    assert (info["status"], info["thread"], info["owner"]) == ("completed", thread, "ann")
    assert stream.run in [each["run"] for each in (await ann.http.get("/api/runs")).json()]


async def test_the_next_question_knows_the_first_at_any_instance(ann: Client, elsewhere: Client, thread: str):
    await ann.ask("who are you", thread)
    assert (await elsewhere.ask("say again", thread, "m2")).text == "who are you | say again"


async def test_the_same_message_sent_twice_is_one_run(ann: Client, elsewhere: Client, thread: str):
    one, two = await asyncio.gather(ann.ask("count 5", thread), elsewhere.ask("count 5", thread))
    assert one.run == two.run
    assert one.chunks == two.chunks
    again = await ann.ask("count 5", thread)
    assert (again.run, again.chunks) == (one.run, one.chunks)
    follow_up = await ann.ask("count 5", thread, "m2")
    assert follow_up.run != one.run


async def test_ids_that_would_read_alike_when_joined_are_different_messages(ann: Client, thread: str):
    runs = {
        (await ann.ask("hi", thread + a, b)).run for a, b in ((":a", "b"), ("", "a:b"), (":a:b", "c"), (":a", "b:c"))
    }
    assert len(runs) == 4


async def test_a_client_that_goes_away_does_not_end_the_run(ann: Client, elsewhere: Client, thread: str):
    begun = await ann.begin("count 40", thread)
    assert await elsewhere.status(begun.run) == "running"
    rest = await elsewhere.follow(begun.run, after=begun.ids[-1])
    assert begun.ids + rest.ids == list(range(1, len(begun.ids + rest.ids) + 1))
    assert rest.done
    whole = await ann.follow(begun.run)
    assert whole.chunks == begun.chunks + rest.chunks
    assert whole.text.split() == [str(n) for n in range(40)]


async def test_a_conversation_is_resumed_while_its_run_goes_on(ann: Client, elsewhere: Client, thread: str):
    assert (await ann.http.get(f"/api/chat/{thread}/stream")).status_code == 204
    begun = await ann.begin("count 40", thread)
    async with elsewhere.stream("GET", f"/api/chat/{thread}/stream") as resumed:
        await resumed.read()
    assert resumed.run == begun.run
    assert resumed.chunks[: len(begun.chunks)] == begun.chunks
    assert resumed.text.split() == [str(n) for n in range(40)]
    assert (await ann.http.get(f"/api/chat/{thread}/stream")).status_code == 204


async def test_what_is_resumed_is_what_runs_not_what_is_queued(ann: Client, thread: str):
    begun = await ann.begin("count 60", thread)
    async with ann.stream("POST", "/api/chat", json=chat_body("count 2", thread, "m2")) as queued:
        async with ann.stream("GET", f"/api/chat/{thread}/stream") as resumed:
            assert resumed.run == begun.run
        assert (await queued.read()).text.split() == ["0", "1"]  # it is answered when its turn has come


async def test_stop_ends_what_runs_and_what_is_queued(ann: Client, elsewhere: Client, thread: str):
    begun = await ann.begin("count 5000", thread)
    async with ann.stream("POST", "/api/chat", json=chat_body("count 2", thread, "m2")) as queued:
        assert (await elsewhere.http.post(f"/api/chat/{thread}/stop")).status_code == 204
        await queued.read()
    assert queued.chunks[-1]["type"] == "abort"
    ended = await elsewhere.follow(begun.run)
    assert ended.chunks[-1]["type"] == "abort"
    assert await ann.status(begun.run) == "stopped"
    assert (await ann.http.post(f"/api/chat/{thread}/stop")).status_code == 404


async def test_a_silent_run_is_stopped_by_its_id(ann: Client, elsewhere: Client, thread: str):
    begun = await ann.begin("hang", thread, events=1)
    assert (await elsewhere.http.post(f"/api/runs/{begun.run}/stop")).status_code == 204
    assert (await ann.follow(begun.run)).chunks[-1]["type"] == "abort"


async def test_an_approval_is_answered_once_from_anywhere(ann: Client, elsewhere: Client, thread: str):
    async with ann.stream("POST", "/api/chat", json=chat_body("send eve", thread)) as stream:
        await stream.read(until="tool-approval-request")
        approval = next(chunk["approvalId"] for chunk in stream.chunks if "approvalId" in chunk)
        await until_status(ann, stream.run, "waiting")
        path = f"/api/runs/{stream.run}/approvals/{approval}"
        assert (await elsewhere.http.post(path, json={"approved": "yes"})).status_code == 400
        assert (await elsewhere.http.post(path, json={"approved": True})).json() == {"taken": True}
        assert (await ann.http.post(path, json={"approved": False})).status_code == 409
        whole = await elsewhere.follow(stream.run)
    assert whole.text == "The tool said: sent to eve"


async def test_consent_to_another_call_is_refused_by_each_route_and_the_right_answer_still_counts(
    ann: Client, elsewhere: Client, thread: str
):
    asked = await ann.ask("send eve", thread)
    path = f"/api/runs/{asked.run}/approvals/{asked.run}-c1"
    assert (await elsewhere.http.post(path, json={"approved": True, "digest": 1})).status_code == 400
    for _ in range(2):
        refusal = await elsewhere.http.post(path, json={"approved": True, "digest": "0" * 64})
        assert (refusal.status_code, refusal.json()["error"]["code"]) == (409, "other-call")
        assert "another call" in refusal.json()["error"]["message"]
    message = asked.message.to_wire()
    for part in message["parts"]:
        if part["type"] == "data-approval":
            part["data"] = {**part["data"], "digest": "0" * 64}
        elif "approval" in part:
            part["state"], part["approval"] = "approval-responded", {**part["approval"], "approved": True}
    body = {"id": thread, "messages": [message], "trigger": "submit-message", "messageId": message["id"]}
    refusal = await ann.http.post("/api/chat", json=body)
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (409, "other-call")
    assert await ann.status(asked.run) == "waiting"
    [shown] = [chunk["data"]["digest"] for chunk in asked.chunks if chunk["type"] == "data-approval"]
    assert (await ann.http.post(path, json={"approved": True, "digest": shown})).json() == {"taken": True}
    assert (await elsewhere.follow(asked.run)).text == "The tool said: sent to eve"


async def test_the_response_ends_where_the_client_is_waited_for_and_the_runs_own_stream_stays(
    ann: Client, elsewhere: Client, thread: str
):
    asked = await ann.ask("send eve", thread)
    assert asked.done
    assert asked.chunks[-1] == {"type": "finish", "finishReason": "tool-calls"}
    seq = asked.message.metadata["seq"]
    assert seq == asked.ids[-1] == (await ann.http.get(f"/api/runs/{asked.run}")).json()["last_seq"]
    async with elsewhere.stream("GET", f"/api/runs/{asked.run}/stream") as open_stream:
        await open_stream.read(until="tool-approval-request")
        approval = f"{asked.run}-c1"
        assert (await ann.http.post(f"/api/runs/{asked.run}/approvals/{approval}", json={"approved": True})).is_success
        await open_stream.read()
    assert open_stream.text == "The tool said: sent to eve"
    assert "seq" not in open_stream.message.metadata


async def test_old_clients_get_the_shapes_that_they_know(ann: Client, thread: str):
    async with ann.stream("POST", "/api/chat?strict=true", json=chat_body("all", thread)) as stream:
        await stream.read()
    async with ann.stream("GET", f"/api/runs/{stream.run}/stream?strict=true") as again:
        await again.read(until="tool-output-available")
    for chunk in stream.chunks + again.chunks:
        assert set(chunk) == {"type", *STRICT[chunk["type"]]}, chunk
    assert {"start", "tool-input-available", "tool-output-available"} <= {chunk["type"] for chunk in stream.chunks}
    assert (await ann.http.get(f"/api/runs/{stream.run}/stream?strict=yes")).status_code == 400
    await ann.http.post(f"/api/chat/{thread}/stop")


async def test_a_conversation_is_its_owners_alone(site: Site, ann: Client, thread: str):
    await ann.ask("count 1", thread)
    assert len((await ann.http.get(f"/api/chat/{thread}")).json()["messages"]) == 2
    bob = Client(site.other, BOB)
    assert (await bob.http.get(f"/api/chat/{thread}")).json() == {"id": thread, "messages": []}
    stranger = Client(site.first)
    assert (await stranger.http.get(f"/api/chat/{thread}")).status_code == 401
    for client in (bob, stranger):
        await client.http.aclose()


async def test_a_history_that_is_none_is_refused(ann: Client, thread: str):
    body = chat_body("hi", thread)
    body["messages"] = [{"id": "u0", "role": "user", "parts": "hello"}, *body["messages"]]
    refused = await ann.http.post("/api/chat", json=body)
    assert (refused.status_code, "not a UIMessage" in refused.text) == (400, True)
    assert (await ann.http.get(f"/api/chat/{thread}")).json()["messages"] == []


# ---- cursors --------------------------------------------------------------------------------------------------


async def test_a_stream_is_read_from_any_cursor(ann: Client, thread: str):
    whole = await ann.ask("count 10", thread)
    for after in (0, 1, 7, whole.ids[-1] - 1, whole.ids[-1], whole.ids[-1] + 5):
        part = await ann.follow(whole.run, after)
        assert (part.ids, part.chunks, part.done) == (whole.ids[after:], whole.chunks[after:], True)
    path = f"/api/runs/{whole.run}/stream"
    # an EventSource comes back to the address it was given, and says in the header how far it has come
    async with ann.stream("GET", f"{path}?after=1", headers={"last-event-id": "7"}) as back:
        assert (await back.read()).ids == whole.ids[7:]
    done = await ann.http.get(path, headers={"last-event-id": str(whole.ids[-1])})
    assert done.status_code == 204
    for wrong in ("-1", "x", "1.5", "²", "9" * 5000):
        assert (await ann.http.get(path, params={"after": wrong})).status_code == 400


# ---- owners -----------------------------------------------------------------------------------------------------


async def test_a_run_is_its_owners_alone(site: Site, ann: Client, thread: str):
    begun = await ann.begin("count 60", thread)
    bob = Client(site.other, BOB)
    run = f"/api/runs/{begun.run}"
    for method, path in (
        ("GET", run),
        ("GET", f"{run}/stream"),
        ("POST", f"{run}/stop"),
        ("POST", f"{run}/approvals/a"),
    ):
        refused = await bob.http.request(method, path, **({"json": {"approved": True}} if "approvals" in path else {}))
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "unknown-run"), path
    assert (await bob.http.get(f"/api/chat/{thread}/stream")).status_code == 204
    assert (await bob.http.post(f"/api/chat/{thread}/stop")).status_code == 404
    assert begun.run not in (await bob.http.get("/api/runs")).text
    assert (await bob.ask("hi there", thread)).text == "hi there"  # a conversation of the same name is another one
    await bob.http.aclose()
    assert (await ann.follow(begun.run)).text.split()[-1] == "59"
    assert (await ann.http.get("/api/runs/run-that-never-was")).status_code == 404


async def test_without_a_token_there_is_nothing(site: Site, ann: Client):
    for token in ("", "token-of-an", "token-of-ann-", "tökén"):
        stranger = Client(site.first)
        headers = {"authorization": f"Bearer {token}".encode()} if token else {}
        for path in ("/api/runs", "/api/runs/x", "/api/runs/x/stream", "/api/chat/t/stream"):
            refused = await stranger.http.get(path, headers=headers)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert (await stranger.http.post("/api/chat", json=chat_body("hi", "t"), headers=headers)).status_code == 401
        assert (await stranger.http.get("/health")).json() == {"status": "ok"}
        await stranger.http.aclose()


async def test_a_foreign_page_is_refused(ann: Client):
    for origin in ("https://evil.example", "null", "http://["):
        refused = await ann.http.get("/api/runs", headers={"origin": origin})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "foreign")
    own = str(ann.http.base_url).rstrip("/")
    assert (await ann.http.get("/api/runs", headers={"origin": own})).status_code == 200


# ---- what is not understood ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": ""}, "id of a conversation"),
        ({"id": 7}, "id of a conversation"),
        ({"messages": []}, "no messages"),
        (
            {"messages": [{"id": "m", "role": "assistant", "parts": [{"type": "text", "text": "x"}]}]},
            "No run of this conversation",
        ),
        ({"messages": [{"id": "m", "role": "user", "parts": []}]}, "empty"),
        ({"messages": [{"role": "user", "parts": [{"type": "text", "text": "x"}]}]}, "no id"),
        ({"messages": ["hello"]}, "not a UIMessage"),
        ({"messages": [{"id": "m", "role": "system", "parts": [{"type": "text", "text": "x"}]}]}, "role 'system'"),
        ({"trigger": "delete-message"}, "is not served"),
        ({"messageId": "m0"}, "no message has that id"),
        ({"messageId": 7}, "the id of a message"),
        ({"model": 7}, "a name"),
        ({"model": "script:/etc/passwd"}, "a name"),
        ({"model": "\n replay:/etc/passwd"}, "a name"),
        ({"model": "oobabooga/http://127.0.0.1:1"}, "a name"),
        ({"model": "lm_studio/x"}, "not served here"),
        ({"model": "openai/gpt-5"}, "not served here"),
        ({"model": "no such model"}, "not a model"),
    ],
)
async def test_a_body_that_is_no_chat_request_is_refused(ann: Client, thread: str, change: Any, words: str):
    refused = await ann.http.post("/api/chat", json={**chat_body("hi", thread), **change})
    assert refused.status_code == 400
    assert words in refused.json()["error"]["message"]


async def test_bodies_that_are_no_json_or_too_large_are_refused(ann: Client):
    for content in (b"", b"{", b"[]", b"\xff", b"[" * 200_000):
        assert (await ann.http.post("/api/chat", content=content)).status_code == 400
    assert (await ann.http.post("/api/chat", content=b"x" * 16_000_001)).status_code == 413


@pytest.mark.parametrize("depth", [150, 400, 900, 5_000])
@pytest.mark.parametrize("place", ["data", "before", "metadata"])
async def test_a_body_that_is_nested_too_deep_is_refused(ann: Client, thread: str, depth: int, place: str):
    deep = "[" * depth + "]" * depth
    question = chat_body("hi", thread)["messages"][0]
    parts = [*question["parts"], {"type": "data-x", "data": "DEEP"}] if place == "data" else question["parts"]
    call = {"type": "tool-x", "toolCallId": "c", "state": "output-available", "input": "DEEP", "output": 1}
    before = [
        {"id": "u", "role": "user", "parts": [{"type": "text", "text": "a"}]},
        {"id": "a", "role": "assistant", "parts": [call]},
    ]
    messages = [*(before if place == "before" else []), {**question, "parts": parts}]
    if place == "metadata":
        messages[-1]["metadata"] = "DEEP"
    content = json.dumps({**chat_body("hi", thread), "messages": messages}).replace('"DEEP"', deep)
    async with ann.http.stream("POST", "/api/chat", content=content.encode()) as answer:
        assert answer.status_code == (200 if depth == 150 else 400)
        if depth == 150:
            async for _ in answer.aiter_bytes():
                pass


async def test_halves_of_surrogate_pairs_do_not_break_a_run(ann: Client, thread: str):
    body = json.dumps(chat_body("joined \ud83e\udde0, cut \ud83e, nul \0.", thread)).encode()
    async with ann.stream("POST", "/api/chat", content=body) as stream:
        assert (await stream.read()).text == "joined 🧠, cut \ufffd, nul \0."


async def test_the_model_of_the_body_goes_before_the_apps(ann: Client, thread: str):
    stream = await ann.ask("hello", thread, model="demo")
    assert stream.message.metadata["model"] == "demo"
    assert stream.message.metadata["badge"]


# ---- how it is --------------------------------------------------------------------------------------------------


async def test_the_server_says_how_it_is(ann: Client, thread: str):
    assert (await ann.http.get("/ready")).json() == {"status": "ok", "runs": "ok", "conversations": "ok"}

    async def number(name: str) -> float:
        page = (await ann.http.get("/metrics")).text
        return float(next(line.split()[-1] for line in page.splitlines() if line.startswith(name + " ")))

    events, asked = await number("copilot_serve_events_total"), await number("copilot_serve_chats_total")
    async with ann.stream("POST", "/api/chat", json=chat_body("hang", thread)) as stream:
        await stream.read(1)
        assert await number("copilot_serve_streams") >= 1
    for _ in range(200):  # a client that has left is noticed
        if await number("copilot_serve_streams") == 0:
            break
        await asyncio.sleep(0.05)
    assert await number("copilot_serve_streams") == 0
    await ann.http.post(f"/api/chat/{thread}/stop")
    assert await number("copilot_serve_events_total") >= events + 1
    assert await number("copilot_serve_chats_total") == asked + 1
    await ann.http.get("/api/runs/nothing")
    assert 'copilot_serve_refused_total{code="unknown-run"}' in (await ann.http.get("/metrics")).text


# ---- the client that people use --------------------------------------------------------------------------------

_OFFICIAL = """
import { DefaultChatTransport, readUIMessageStream } from "ai";

const [api, token, chatId] = process.argv.slice(1);
const transport = new DefaultChatTransport({ api: api + "/api/chat", headers: { authorization: "Bearer " + token } });
const last = async (stream) => {
  let message;
  for await (message of readUIMessageStream({ stream, onError: (error) => { throw error; } }));
  return message;
};
const user = { id: "m1", role: "user", parts: [{ type: "text", text: "count 40" }] };
const options = { chatId, messages: [user], trigger: "submit-message", abortSignal: undefined };
const nothing = await transport.reconnectToStream({ chatId });
const sent = last(await transport.sendMessages(options));
await new Promise((resolve) => setTimeout(resolve, 300));
const resumed = await last(await transport.reconnectToStream({ chatId }));
console.log(JSON.stringify({ nothing, sent: await sent, resumed }));
"""


async def test_the_official_client_asks_and_resumes(site: Site, ann: Client, thread: str):
    node = shutil.which("node") or str(ROOT / ".venv" / "bin" / "node")
    process = await asyncio.create_subprocess_exec(
        node, "--input-type=module", "-e", _OFFICIAL, site.first, ANN, thread,
        cwd=ROOT / "js", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    found = json.loads(output)
    assert found["nothing"] is None
    assert found["sent"] == found["resumed"]
    words = "".join(part["text"] for part in found["sent"]["parts"] if part["type"] == "text").split()
    assert words == [str(n) for n in range(40)]
    [info] = [info for info in (await ann.http.get("/api/runs")).json() if info["thread"] == thread]
    assert found["sent"]["id"] == f"{info['run']}-answer"


# ---- tokens -------------------------------------------------------------------------------------------------------


def test_tokens_are_read_from_the_environment():
    assert read_tokens({}) == {}
    assert read_tokens({"COPILOT_SERVE_TOKEN": "everybodys"}) == {"everybodys": "local"}
    several = {"COPILOT_SERVE_TOKENS": "ann=token-of-ann, bob=token=of=bob,", "COPILOT_SERVE_TOKEN": "everybodys"}
    assert read_tokens(several) == {"token-of-ann": "ann", "token=of=bob": "bob", "everybodys": "local"}
    for wrong in ("token-of-ann", "=token-of-ann", "ann=short", "ann=tökén-of-ann", "ann=token-of-x,bob=token-of-x"):
        with pytest.raises(UsageError) as refused:
            read_tokens({"COPILOT_SERVE_TOKENS": wrong})
        assert "token-of" not in str(refused.value)
        assert "tökén" not in str(refused.value)
