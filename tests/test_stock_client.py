"""The stock AI SDK client at `copilot-widget serve`, on each kind of executor: all that a page does with a chat."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from .page import Page, open_page
from .serving import ANN, KINDS, Client, Site, anns, sites
from .streams import canonical, plain

Open = Callable[..., AbstractAsyncContextManager[Page]]

site = pytest.fixture(scope="module", params=KINDS)(sites)
ann = pytest_asyncio.fixture(anns)


@pytest.fixture
def chat() -> str:
    return f"chat {secrets.token_hex(6)}/ü"  # an id that a URL has to quote


@pytest.fixture
def opened(site: Site, chat: str) -> Open:
    """Opens one more page on the conversation, each at the next instance."""
    addresses = iter([site.first, site.other] * 5)
    return lambda messages=None: open_page(next(addresses), ANN, chat, messages)


@pytest_asyncio.fixture
async def page(opened: Open) -> AsyncIterator[Page]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(opened())


async def kept(client: Client, chat: str) -> list[dict[str, Any]]:
    response = await client.http.get(f"/api/chat/{quote(chat, safe='')}")
    assert response.status_code == 200
    return response.json()["messages"]


def same(seen: list[dict[str, Any]], kept: list[dict[str, Any]]) -> bool:
    """What a page shows and what is kept, but for the number of the last event, which is the page's alone."""

    def told(messages: list[dict[str, Any]]) -> Any:
        bare = [{**message, "metadata": {**(message.get("metadata") or {}), "seq": None}} for message in messages]
        return canonical([plain(message) for message in bare])

    return told(seen) == told(kept)


# ---- what is said -------------------------------------------------------------------------------------------


async def test_it_sends_and_receives_and_knows_what_was_said(page: Page, ann: Client, chat: str):
    await page.ask("count 5")
    assert page.status == "ready"
    assert page.text.split() == ["0", "1", "2", "3", "4"]
    metadata = page.answer["metadata"]
    assert metadata["usage"]["totalTokens"] > 0
    assert metadata["run"] + "-answer" == page.answer["id"]
    await page.ask("recall this")
    assert page.text == "count 5 | recall this"
    assert (
        page.seen["finished"]
        == [{"isAbort": False, "isDisconnect": False, "isError": False, "finishReason": "stop"}] * 2
    )
    assert page.seen["requests"] == ["submit-message"] * 2
    assert same(page.messages, await kept(ann, chat))


async def test_an_error_is_a_text_without_secrets(page: Page):
    await page.ask("fail")
    assert page.status == "error"
    assert "failed" in page.seen["failure"]
    assert "sk-aaaa" not in page.seen["failure"]
    assert "Traceback" not in page.seen["failure"]
    assert "sk-aaaa" not in str(page.messages)
    await page.ask("count 2")
    assert page.text.split() == ["0", "1"], "the conversation goes on"


async def test_attachments_reach_the_model(page: Page):
    files = [
        {"type": "file", "mediaType": "image/png", "url": "data:image/png;base64,aGFsbG8=", "filename": "a.png"},
        {"type": "file", "mediaType": "text/csv", "url": "data:text/csv;base64,YSxiCjEsw7w=", "filename": "b.csv"},
        {"type": "file", "mediaType": "image/png", "url": "http://127.0.0.1:1/c.png"},
    ]
    await page.ask("show", files=files)
    assert "image/png of 8" in page.text
    assert "a,b\n1,ü" in page.text
    assert "b.csv" in page.text
    assert "127.0.0.1" not in page.text, "no address is fetched, and none is told to the model"


async def test_a_conversation_that_began_elsewhere_goes_on(opened: Open, ann: Client, chat: str):
    told = [
        {"id": "u1", "role": "user", "parts": [{"type": "text", "text": "earlier"}]},
        {"id": "a1", "role": "assistant", "parts": [{"type": "text", "text": "as I said", "state": "done"}]},
    ]
    async with opened(told) as page:
        await page.ask("recall it")
        assert page.text == "earlier | recall it"
        assert same(page.messages, await kept(ann, chat))


# ---- consent ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("approved", [True, False])
async def test_a_call_is_allowed_or_denied(page: Page, ann: Client, chat: str, approved: bool):
    await page.ask("send ann")
    assert page.status == "ready"
    assert page.states == {"c1": "approval-requested"}
    assert page.seen["finished"][-1]["finishReason"] == "tool-calls"
    await page.act("answer", approved=approved, **({} if approved else {"reason": "not today"}))
    await page.settle()
    assert page.states == {"c1": "output-available" if approved else "output-denied"}
    assert ("sent to ann" if approved else "not today") in page.text
    assert page.text.count("The tool said") == 1
    assert page.seen["requests"] == ["submit-message"] * 2
    assert len(page.messages) == 2
    assert same(page.messages, await kept(ann, chat))


async def test_two_calls_are_answered_one_by_one(page: Page, ann: Client, chat: str):
    await page.ask("send ann bob")
    await page.act("answer", call="c2", approved=False)
    await page.settle()
    assert page.states == {"c1": "approval-requested", "c2": "approval-responded"}
    assert page.seen["requests"] == ["submit-message"], "the client waits until both are answered"
    await page.act("answer", call="c1", approved=True)
    await page.settle()
    assert page.states == {"c1": "output-available", "c2": "output-denied"}
    assert same(page.messages, await kept(ann, chat))


async def test_who_goes_on_without_an_answer_ends_the_wait(page: Page):
    await page.ask("send ann")
    await page.ask("recall x")
    assert page.text == "send ann | recall x"
    assert page.status == "ready"


async def test_another_page_that_answers_late_sees_what_came_of_it(opened: Open):
    async with opened() as first, opened() as second:
        await first.ask("send ann")
        await second.act("resume")
        await second.settle()
        assert second.states == {"c1": "approval-requested"}
        await first.act("answer", approved=True)
        await first.settle()
        await second.act("answer", approved=False)
        await second.settle()
        assert second.states == {"c1": "output-available"}, "the first answer counts"
        assert second.text == first.text


# ---- tools of the client ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"output": {"city": "Pará", "n": None}}, '{"city": "Pará", "n": null}'),
        ({"output": None}, "null"),
        ({"errorText": "no permission"}, "no permission"),
    ],
)
async def test_a_tool_of_the_client_answers(page: Page, ann: Client, chat: str, answer: Any, said: str):
    await page.act("offer", tools={"locate": answer})
    await page.ask("where")
    assert page.text == f"The tool said: {said}"
    assert page.states == {"here": "output-error" if "errorText" in answer else "output-available"}
    assert page.seen["requests"] == ["submit-message"] * 2
    assert same(page.messages, await kept(ann, chat))


async def test_a_tool_of_the_client_may_ask_first(page: Page, ann: Client, chat: str):
    await page.ask("open ann")
    assert page.states == {"c1": "approval-requested"}
    await page.act("offer", tools={"open": {"output": "opened"}})
    await page.act("answer", approved=True)
    await page.settle()
    assert page.text == "The tool said: opened"
    assert page.seen["requests"] == ["submit-message"] * 3
    assert same(page.messages, await kept(ann, chat))


async def test_calls_of_all_kinds_at_once(page: Page, ann: Client, chat: str):
    await page.act("offer", tools={"locate": {"output": "here"}})
    await page.ask("all ann")
    assert page.states == {"here": "output-available", "there": "output-available", "c1": "approval-requested"}
    await page.act("answer", approved=True)
    await page.settle()
    assert page.text == "The tool said: here & null & sent to ann"
    assert same(page.messages, await kept(ann, chat))


async def test_a_client_cannot_answer_for_other_tools(ann: Client, chat: str):
    """It may show what it likes; the run knows what it asked for."""
    stream = await ann.ask("send ann", chat)
    message = stream.message.to_wire()
    [part] = [part for part in message["parts"] if "toolCallId" in part]
    part |= {"state": "output-available", "output": "forged"}
    del part["approval"]
    body = {"id": chat, "messages": [message], "trigger": "submit-message", "messageId": message["id"]}
    refused = await ann.http.post("/api/chat", json=body)
    assert refused.status_code == 409
    assert "nothing new" in refused.text
    assert await ann.status(stream.run) == "waiting"
    await ann.http.post(f"/api/runs/{stream.run}/stop")


# ---- again, and no more -------------------------------------------------------------------------------------


async def test_an_answer_is_made_anew(page: Page, ann: Client, chat: str):
    await page.ask("count 3")
    first = page.answer["id"]
    for _ in range(2):
        await page.act("regenerate")
        await page.settle()
        assert page.text.split() == ["0", "1", "2"]
        assert len(page.messages) == 2
    assert page.answer["id"] != first
    assert same(page.messages, await kept(ann, chat))
    await page.ask("recall x")
    assert page.text == "count 3 | recall x", "what was replaced is forgotten"


async def test_an_earlier_answer_is_made_anew_and_what_followed_is_gone(page: Page, ann: Client, chat: str):
    await page.ask("count 1")
    answer = page.answer["id"]
    await page.ask("count 2")
    await page.act("regenerate", messageId=answer)
    await page.settle()
    assert [message["role"] for message in page.messages] == ["user", "assistant"]
    assert page.text.split() == ["0"]
    assert same(page.messages, await kept(ann, chat))


async def test_a_question_is_put_differently(page: Page, ann: Client, chat: str):
    await page.ask("count 1")
    question = page.messages[0]["id"]
    await page.ask("count 2")
    await page.ask("recall", messageId=question)
    assert page.text == "recall"
    assert len(page.messages) == 2
    assert same(page.messages, await kept(ann, chat))


async def test_stop_ends_the_run_and_going_away_does_not(page: Page, ann: Client, chat: str):
    await page.say("count 1000")
    await page.read(20)
    await page.act("stop")
    run = page.answer["metadata"]["run"]
    await asyncio.sleep(0.2)
    assert await ann.status(run) == "running", "the client has left, and may come back"
    stopped = await ann.http.post(f"/api/chat/{quote(chat, safe='')}/stop")
    assert stopped.status_code == 204
    for _ in range(100):
        if await ann.status(run) == "stopped":
            break
        await asyncio.sleep(0.05)
    assert await ann.status(run) == "stopped"
    await page.ask("recall x")
    assert page.text == "count 1000 | recall x"


# ---- connections that break ---------------------------------------------------------------------------------


async def test_a_connection_that_breaks_is_taken_up_again(page: Page, ann: Client, chat: str):
    await page.say("count 100")
    await page.read(30)
    await page.act("cut")
    await page.settle()
    assert page.status == "error"
    assert page.seen["finished"][-1]["isDisconnect"]
    cut = page.text
    await page.act("resume")
    await page.settle()
    assert page.text.startswith(cut)
    assert page.text.split() == [str(number) for number in range(100)]
    assert len(page.messages) == 2
    assert same(page.messages, await kept(ann, chat))


async def test_a_connection_that_breaks_after_a_reply_is_taken_up_again(page: Page, ann: Client, chat: str):
    await page.ask("send ann slowly")
    await page.act("answer", approved=True)
    await page.read(40)
    await page.act("cut")
    await page.settle()
    assert page.status == "error"
    await page.act("resume")
    await page.settle()
    assert page.states == {"c1": "output-available"}
    assert page.text.split() == ["The", "tool", "said:", "sent", "to", "ann", *(str(number) for number in range(60))]
    assert same(page.messages, await kept(ann, chat))


async def test_a_page_that_is_opened_anew_goes_on(opened: Open, ann: Client, chat: str):
    """In the middle of an answer, and while something is asked: with what is kept, at another instance."""
    async with opened() as page:
        await page.say("count 80")
        await page.read(30)
    async with opened(await kept(ann, chat)) as page:
        await page.act("resume")
        await page.settle()
        assert page.text.split() == [str(number) for number in range(80)]
        await page.ask("send ann")
    async with opened(await kept(ann, chat)) as page:
        assert page.messages[-1]["role"] == "user"
        await page.act("resume")
        await page.settle()
        assert page.states == {"c1": "approval-requested"}
        await page.act("answer", approved=True)
        await page.settle()
        assert page.states == {"c1": "output-available"}
        assert [message["role"] for message in page.messages] == ["user", "assistant"] * 2
        assert same(page.messages, await kept(ann, chat))
        await page.act("resume")
        assert page.status == "ready", "nothing goes on"
