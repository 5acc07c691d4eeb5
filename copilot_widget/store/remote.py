"""Conversations that a service keeps: every call goes there, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from ..errors import CopilotError, StoreError, UsageError, one_line, redact
from ..protocol.jsontext import loads
from ..protocol.messages import UIMessage
from .base import Summary, encode
from .wire import CODES, PATH, VERSION

if TYPE_CHECKING:
    import httpx

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 40.0
"""More than the service waits for its database, so that its own word for what is wrong arrives."""
_MAX_REPLY_BYTES = 1_000_000_000


class RemoteStore:
    """A `Store` behind the service at `url`, which `copilot-widget serve` is. `token` is the service's, not a user's.

    Raises UsageError for an address or a token that cannot be meant. A call is made once: who makes it tries again.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = _checked(url)
        self._token = token
        self._client: httpx.AsyncClient | None = None
        if not token or not token.isascii() or not token.isprintable():
            raise UsageError(
                f"The service at {self._url} keeps the conversations, and there is no token for it.",
                hint="Set COPILOT_SERVICE_TOKEN to the same secret text here and at the service.",
            )

    async def messages(self, owner: str, thread: str) -> list[UIMessage]:
        found = (await self._call("messages", owner, thread)).get("messages")
        if not isinstance(found, list):
            raise self._strange("no messages in its answer")
        return [UIMessage.from_wire(wire) for wire in cast("list[Any]", found)]

    async def last(self, owner: str, thread: str) -> str | None:
        found = (await self._call("last", owner, thread)).get("last")
        if found is not None and not isinstance(found, str):
            raise self._strange("no message's id in its answer")
        return found

    async def put(self, owner: str, thread: str, *messages: UIMessage) -> None:
        for message in messages:
            await self._call("put", owner, thread, message=encode(message))

    async def truncate(self, owner: str, thread: str, message_id: str) -> None:
        await self._call("truncate", owner, thread, after=json.dumps(message_id))

    async def clear(self, owner: str, thread: str) -> None:
        await self._call("clear", owner, thread)

    async def label(self, owner: str, thread: str, *, place: str | None = None, title: str | None = None) -> None:
        await self._call("label", owner, thread, place=json.dumps(place), title=json.dumps(title))

    async def conversations(self, owner: str, *, place: str | None = None, words: Sequence[str] = ()) -> list[Summary]:
        asked = {"place": json.dumps(place), "words": json.dumps(list(words))}
        found = (await self._call("conversations", owner, "", **asked)).get("conversations")
        try:
            return [Summary(**each) for each in cast("list[dict[str, Any]]", found)]
        except TypeError:
            raise self._strange("no conversations in its answer") from None

    async def check(self) -> None:
        await self._call("check", "", "")

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    # ---- HTTP -------------------------------------------------------------------------------------------

    async def _call(self, method: str, owner: str, thread: str, **more: str) -> dict[str, Any]:
        """`more`: further fields, each as JSON."""
        body = json.dumps({"version": VERSION, "owner": owner, "thread": thread})
        for name, value in more.items():
            body = f'{body[:-1]}, "{name}": {value}}}'
        client, httpx = self._connected()
        try:
            async with client.stream("POST", f"{self._url}{PATH}/{method}", content=body.encode()) as response:
                content = await self._read(response)
        except httpx.HTTPError as error:
            raise self._unavailable(redact(one_line(error), self._token)) from None
        answer = _object(content)
        if response.status_code != 200:
            raise self._refused(response.status_code, answer)
        if answer is None or answer.get("version") != VERSION:
            raise self._strange("its answer is not of a kind that is known here")
        return answer

    def _connected(self) -> tuple[httpx.AsyncClient, Any]:
        try:
            import httpx
        except ImportError:
            raise UsageError(
                "Conversations that a service keeps need httpx, which is not installed.",
                hint="pip install 'copilot-widget[executor]'",
                code="missing",
            ) from None
        if self._client is None:
            self._client = httpx.AsyncClient(
                headers={"authorization": f"Bearer {self._token}", "content-type": "application/json"},
                timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
            )
        return self._client, httpx

    async def _read(self, response: httpx.Response) -> bytes:
        pieces, size = list[bytes](), 0
        async for piece in response.aiter_bytes():
            size += len(piece)
            if size > _MAX_REPLY_BYTES:
                raise self._strange(f"its answer is larger than {_MAX_REPLY_BYTES / 1e6:g} MB")
            pieces.append(piece)
        return b"".join(pieces)

    # ---- errors -----------------------------------------------------------------------------------------

    def _refused(self, status: int, answer: dict[str, Any] | None) -> StoreError:
        error = (answer or {}).get("error")
        told = cast("dict[str, Any]", error) if isinstance(error, dict) else {}
        if status == 401:
            return StoreError(
                f"The service at {self._url} refuses this token.",
                hint="COPILOT_SERVICE_TOKEN must be the same text here and at the service.",
                code="credentials",
            )
        if told.get("code") in CODES:
            said = redact(str(told.get("message")), self._token)
            return StoreError(
                f"The service at {self._url} says: {said}", hint=str(told.get("hint") or ""), code=told["code"]
            )
        if status == 404:
            return StoreError(
                f"The server at {self._url} keeps no conversations.",
                hint="COPILOT_SERVICE_URL names a copilot-widget serve, which needs COPILOT_SERVICE_TOKEN, too.",
            )
        return self._unavailable(f"it answers with HTTP status {status}")

    def _unavailable(self, reason: str) -> StoreError:
        return StoreError(
            f"The service at {self._url}, which keeps the conversations, cannot be used now: {reason.rstrip('.')}.",
            hint="See that it runs and can be reached from here.",
            code="unavailable",
        )

    def _strange(self, reason: str) -> StoreError:
        return StoreError(
            f"The service at {self._url} cannot be understood: {reason}.",
            hint="See that COPILOT_SERVICE_URL is the address of a copilot-widget serve of this version.",
        )


def _checked(url: str) -> str:
    """The address, without a slash at its end."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, good = None, False
    if parts is None or not good or parts.query or parts.fragment:
        raise UsageError("The address of the service cannot be read.", hint="COPILOT_SERVICE_URL is https://host.")
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            "The address of the service holds a user or a password.", hint="Its token belongs in COPILOT_SERVICE_TOKEN."
        )
    return url.rstrip("/")


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        value = loads(content)
    except (ValueError, RecursionError, CopilotError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


__all__ = ["RemoteStore"]
