"""The service's side of `remote`: a store over HTTP, for workers that hold the service's token."""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..errors import CopilotError, ProtocolError, StoreError, UsageError, one_line
from ..protocol.jsontext import loads
from ..protocol.messages import UIMessage
from .base import MAX_MESSAGE_BYTES, Store, encode
from .wire import CODES, PATH, VERSION

_MAX_BODY_BYTES = MAX_MESSAGE_BYTES + 1_000_000


def store_routes(store: Store, token: str) -> list[Route]:
    """Routes that let who holds `token` read and write every owner's conversations. Raises UsageError: no token."""
    if not token:
        raise UsageError("A service without a token would show everybody's conversations to anybody.")
    return [Route(f"{PATH}/{{method}}", _Endpoint(store, token).answer, methods=["POST"])]


async def read_body(request: Request, limit: int) -> bytes:
    """A request's body of at most `limit` bytes. Raises UsageError too-large as soon as there is more."""
    size, pieces = 0, list[bytes]()
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise UsageError(f"The body is larger than {limit / 1e6:g} MB.", code="too-large")
        pieces.append(piece)
    return b"".join(pieces)


class _Endpoint:
    def __init__(self, store: Store, token: str) -> None:
        self._store = store
        self._token = token.encode()

    async def answer(self, request: Request) -> Response:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token):
            return _refused(UsageError("The service's token is needed.", code="unauthorized"), 401)
        try:
            asked = _parse(await read_body(request, _MAX_BODY_BYTES))
            return _json(await self._do(request.path_params["method"], asked))
        except StoreError as error:
            return _refused(error, CODES.get(error.code, 500))
        except UsageError as error:
            return _refused(error, CODES.get(error.code, 404 if error.code == "unknown" else 400))

    async def _do(self, method: str, asked: dict[str, Any]) -> str:
        """The answer's JSON."""
        owner, thread = asked["owner"], asked["thread"]
        if method == "messages":
            texts = [encode(message) for message in await self._store.messages(owner, thread)]
            return f'{{"version": {VERSION}, "messages": [{",".join(texts)}]}}'
        if method == "last":
            return json.dumps({"version": VERSION, "last": await self._store.last(owner, thread)})
        if method == "put":
            await self._store.put(owner, thread, _message(asked))
        elif method == "truncate":
            await self._store.truncate(owner, thread, _after(asked))
        elif method == "clear":
            await self._store.clear(owner, thread)
        elif method == "label":
            place, title = _text_or_none(asked, "place"), _text_or_none(asked, "title")
            await self._store.label(owner, thread, place=place, title=title)
        elif method == "conversations":
            found = await self._store.conversations(owner, place=_text_or_none(asked, "place"), words=_words(asked))
            return json.dumps({"version": VERSION, "conversations": [asdict(each) for each in found]})
        elif method == "check":
            await self._store.check()
        else:
            raise UsageError(f"There is no {method!r} here.", code="unknown")
        return json.dumps({"version": VERSION})


def _parse(body: bytes) -> dict[str, Any]:
    """Raises UsageError; StoreError for a request of another version."""
    try:
        value = loads(body)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The body is not JSON: {one_line(error)}.") from None
    if not isinstance(value, dict):
        raise UsageError("The body must be a JSON object.")
    asked = cast("dict[str, Any]", value)
    if asked.get("version") != VERSION:
        raise StoreError(
            f"It was asked in version {asked.get('version')!r} of its protocol, and speaks version {VERSION}.",
            hint="Bring the workers and the service to the same version of copilot-widget.",
            code="version",
        )
    if not isinstance(asked.get("owner"), str) or not isinstance(asked.get("thread"), str):
        raise UsageError("The body must name an owner and a thread.")
    return asked


def _after(asked: dict[str, Any]) -> str:
    if not isinstance(asked.get("after"), str):
        raise UsageError("The body must name the message after which the conversation is cut.")
    return asked["after"]


def _text_or_none(asked: dict[str, Any], name: str) -> str | None:
    value = asked.get(name)
    if value is not None and not isinstance(value, str):
        raise UsageError(f"{name} must be a text.")
    return value


def _words(asked: dict[str, Any]) -> list[str]:
    words = cast("list[Any]", asked.get("words") or [])
    if not isinstance(cast("Any", words), list) or not all(isinstance(word, str) for word in words):
        raise UsageError("words must be a list of texts.")
    return words


def _message(asked: dict[str, Any]) -> UIMessage:
    try:
        return UIMessage.from_wire(cast("Any", asked.get("message")))
    except ProtocolError as error:
        raise UsageError(f"The message is not a UIMessage: {error.message}.") from None


def _json(text: str, status: int = 200) -> Response:
    return Response(text.encode(), status, media_type="application/json")


def _refused(error: CopilotError, status: int) -> Response:
    return _json(json.dumps({"error": error.told()}), status)


__all__ = ["read_body", "store_routes"]
