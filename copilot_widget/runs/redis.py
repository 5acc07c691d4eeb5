"""The log in Redis: one hash and one stream for each run.

A stream has one entry for each batch, and its id is the number of the batch's last event. All keys share a hash tag,
so that they are in one slot of a cluster: a script may then touch a run, its thread and its owner in one step. Who
needs several shards gives each its own prefix.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from ..errors import LogError, UsageError
from ..state import Reply, RunRequest, RunStatus, json_of
from . import redis_scripts as scripts
from .base import KEEP_SECONDS, LEASE_SECONDS, Appended, Claim, Commit, Event, RunId, RunInfo, prompt_of
from .followers import Follower, Page, page_of, read
from .refusals import check_size, ended, expired, gap, other_call, shown_to, stale, unknown
from .servers import bare, forbidden, missing, unavailable
from .written import chunks_of, chunks_text, events_of, read_reply, read_request

try:
    import redis
    import redis.asyncio
    from redis import exceptions
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError:
    raise missing("redis-py") from None

from .redis_wire import Hub, Wire

_VERSION = "1"
_ANY = "1"
"""In place of a digest, where what is replied to shows none."""
"""Of the keys' layout."""
_TOMBSTONE_SECONDS = 7 * 24 * 3600.0
_PAGE = 2_000
"""Events that are read at a time."""
_RENEW_PATIENCE = 2.0


class RedisLog:
    """A `Log` over Redis Streams (Redis 7 or later). Used from one event loop, `renew` from any thread.

    `owner_limit` is how many runs of an owner are at work at once; `keep` is in seconds from a run's end.
    Beside the codes of `Log`: credentials.
    """

    buffered = True

    def __init__(
        self,
        url: str,
        *,
        owner_limit: int | None = None,
        keep: float = KEEP_SECONDS,
        prefix: str = "copilot",
    ) -> None:
        options: dict[str, Any] = {"protocol": 2, "health_check_interval": 0, "decode_responses": False}
        sync, pools = cast("Any", redis.Redis), cast("Any", redis.asyncio.ConnectionPool)
        try:
            pool = pools.from_url(url, **options, retry=_no_retry(), socket_timeout=None, socket_connect_timeout=None)
            self._renewing = sync.from_url(
                url,
                **options,
                retry=Retry(NoBackoff(), 1),
                socket_timeout=_RENEW_PATIENCE,
                socket_connect_timeout=_RENEW_PATIENCE,
            )
        except ValueError:
            raise UsageError(
                f"{bare(url)!r} is not the address of a Redis.", hint="Write redis://user:password@host:6379/0."
            ) from None
        self._url = url
        self._base = f"{{{prefix}}}:".encode()
        self._limit = "" if owner_limit is None else str(owner_limit)
        self._keep = str(round(keep * 1000))
        self._gone = str(round((keep + _TOMBSTONE_SECONDS) * 1000))
        self._wire = Wire(pool.make_connection)
        self._hub = Hub(pool.make_connection, lambda run: self._base + f"log:{run}".encode())
        self._known = asyncio.Lock()
        self._version = ""
        self._closed = False

    async def check(self) -> None:
        """Raises LogError where Redis cannot be used: unavailable, credentials, version, full."""
        await self._run(scripts.VERSION, _VERSION)

    # ---- a run's beginning ------------------------------------------------------------------------------

    async def create(self, request: RunRequest, *, key: str) -> RunId:
        text = check_size(request)
        reply = await self._run(
            scripts.CREATE, request.run, request.owner, request.thread, key, text, prompt_of(request)
        )
        return reply[1].decode()

    async def claim(
        self, run: RunId, worker: str, *, lease: float = LEASE_SECONDS, takeover: bool = False, ending: bool = False
    ) -> Claim | None:
        reply = await self._run(
            scripts.CLAIM, run, worker, lease, _flag(takeover), _flag(ending), self._limit, self._gone
        )
        _check(run, reply)
        if len(reply) == 1:
            return None
        fence, tries, kept, last, request, state, stop, overdue, replies = reply[1:]
        return Claim(
            fence=int(fence),
            request=read_request(run, request),
            state=_text(state),
            tail=await self._tail(run, int(kept), int(last)),
            last_seq=int(last),
            tries=int(tries),
            replies=_replies(replies),
            stop=_text(stop),
            overdue=bool(overdue),
        )

    async def _tail(self, run: RunId, kept: int, last: int) -> list[dict[str, Any]]:
        """The chunks after a run's last finished step. The claim's fence keeps others from adding to them."""
        if last == kept:
            return []
        log = self._base + f"log:{run}".encode()
        entries = await self._ask("XRANGE", log, f"{kept + 1}-0", f"{last}-0")
        chunks = chunks_of(fields[7] for _, fields in entries)
        if len(chunks) != last - kept:
            raise expired(run)
        return chunks

    # ---- its events ---------------------------------------------------------------------------------------

    async def append(
        self,
        run: RunId,
        fence: int,
        first_seq: int,
        chunks: Sequence[dict[str, Any]],
        *,
        opened: Sequence[str] = (),
        shown: Mapping[str, str] | None = None,
        commit: Commit | None = None,
    ) -> Appended:
        end: list[Any] = [""]
        if commit is not None:
            due = "" if commit.due is None else commit.due
            end = [commit.status, commit.state or "", due, len(commit.awaited), *commit.awaited]
        asked = [word for key in opened for word in (key, (shown or {}).get(key, _ANY))]
        while True:
            size, text = len(chunks), chunks_text(chunks) if chunks else ""
            about = (
                run,
                fence,
                first_seq,
                size,
                text,
                self._limit,
                self._keep,
                self._gone,
            )
            reply = await self._run(scripts.APPEND, *about, len(opened), *asked, *end)
            if reply[0] != b"part":
                break
            last = int(reply[1])  # nothing was written: what is there already is cut off here
            first_seq, chunks = last + 1, chunks[last + 1 - first_seq :]
        _check(run, reply, first_seq)
        stop, replies, ring = reply[1:]
        return Appended(stop=_text(stop), replies=_replies(replies), ring=[each.decode() for each in ring])

    def renew(self, held: Mapping[RunId, int], *, lease: float = LEASE_SECONDS) -> dict[RunId, str | None]:
        script = scripts.RENEW
        args = [self._base, lease, *(value for item in held.items() for value in item)]
        try:
            try:
                reply = self._renewing.execute_command("EVALSHA", script.sha, 1, *args)
            except exceptions.NoScriptError:
                reply = self._renewing.execute_command("EVAL", script.text, 1, *args)
        except (exceptions.RedisError, OSError) as error:
            raise self._refusal(error) from None
        pairs = zip(reply[1::2], reply[2::2], strict=True)
        return {run.decode(): _text(stop) for run, stop in pairs}

    # ---- what others tell it --------------------------------------------------------------------------------

    async def answer(self, run: RunId, reply_id: str, reply: Reply) -> bool:
        return await self._told(run, scripts.ANSWER, reply_id, json_of(reply), shown_to(reply) or "")

    async def postpone(self, run: RunId, due: float) -> None:
        _check(run, await self._run(scripts.POSTPONE, run, due))

    async def stop(self, run: RunId, reason: str) -> bool:
        return await self._told(run, scripts.STOP, reason)

    async def _told(self, run: RunId, script: scripts.Script, *args: str) -> bool:
        reply = await self._run(script, run, *args)
        _check(run, reply)
        return bool(reply[1])

    # ---- readers ----------------------------------------------------------------------------------------------

    async def due(self, limit: int) -> list[RunId]:
        reply = await self._run(scripts.DUE, limit, self._limit)
        return [run.decode() for run in reply[1:]]

    async def info(self, run: RunId) -> RunInfo:
        reply = await self._run(scripts.INFO, run)
        _check(run, reply)
        return _info(run, reply[1])

    async def request(self, run: RunId) -> RunRequest:
        reply = await self._run(scripts.REQUEST, run)
        _check(run, reply)
        return read_request(run, reply[1])

    async def runs(self, owner: str, limit: int = 100) -> list[RunInfo]:
        reply = await self._run(scripts.RUNS, owner, limit)
        return [_info(run.decode(), values) for run, *values in reply[1:]]

    def read(self, run: RunId, after: int = 0) -> AsyncIterator[Event]:
        return read(self, run, after)

    @property
    def closed(self) -> bool:
        return self._closed

    def follow(self, run: RunId) -> Follower:
        return self._hub.follow(run)

    def leave(self, follower: Follower) -> None:
        self._hub.leave(follower)

    async def page(self, run: RunId, after: int) -> Page:
        """Some events after a cursor."""
        reply = await self._run(scripts.PAGE, run, after, _PAGE)
        _check(run, reply)
        over, last, entries = reply[1:]
        return page_of(run, after, _batches(run, entries), int(last), bool(over))

    async def close(self) -> None:
        self._closed = True
        await self._hub.close()
        await self._wire.close()
        self._renewing.close()

    # ---- Redis ------------------------------------------------------------------------------------------------

    async def _run(self, script: scripts.Script, *args: Any) -> list[Any]:
        if self._closed:
            raise unavailable("Redis", self._url, "the log was closed")
        if not self._version:
            await self._meet()
        return await self._call(script, *args)

    async def _meet(self) -> None:
        """Nothing is written before it is known that the keys are of this version."""
        async with self._known:
            if self._version:
                return
            version = (await self._call(scripts.VERSION, _VERSION))[1].decode()
            if version != _VERSION:
                raise LogError(
                    f"The log at {bare(self._url)} has version {version} of its layout; this program knows {_VERSION}.",
                    hint="Use the same version of copilot-widget everywhere, or another prefix.",
                    code="version",
                )
            self._version = version

    async def _call(self, script: scripts.Script, *args: Any) -> list[Any]:
        try:
            return await self._ask("EVALSHA", script.sha, 1, self._base, *args)
        except exceptions.NoScriptError:
            return await self._ask("EVAL", script.text, 1, self._base, *args)

    async def _ask(self, *command: Any) -> list[Any]:
        try:
            return await self._wire.call(*command)
        except exceptions.NoScriptError:
            raise
        except (exceptions.RedisError, OSError) as error:
            raise self._refusal(error) from None

    def _refusal(self, error: BaseException) -> LogError:
        """What Redis, or the way to it, says, in the words of the seam."""
        text = str(error)
        if isinstance(error, exceptions.AuthenticationError | exceptions.NoPermissionError):
            return forbidden("Redis", self._url, error)
        if isinstance(error, exceptions.OutOfMemoryError) or text.startswith(("OOM", "MISCONF")):
            return LogError(
                f"Redis at {bare(self._url)} has no room left; nothing was written.",
                hint="Raise its maxmemory, give its disk room, or wait until older runs expire.",
                code="full",
            )
        if "Error compiling script" in text:
            return LogError(
                f"Redis at {bare(self._url)} is too old.", hint="Redis 7.0 or later is needed.", code="version"
            )
        return unavailable("Redis", self._url, error)


def _no_retry() -> Any:
    from redis.asyncio.retry import Retry as AsyncRetry

    return AsyncRetry(NoBackoff(), 0)


def _flag(value: bool) -> str:
    return "1" if value else ""


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def _check(run: RunId, reply: list[Any], first_seq: int = 0) -> None:
    """Raise what a script's first word stands for."""
    word = reply[0].decode()
    if word == "ok":
        return
    if word == "gap":
        raise gap(run, int(reply[1]), first_seq)
    if word == "other-call":
        raise other_call()
    raise {"unknown-run": unknown, "expired": expired, "stale": stale, "ended": ended}[word](run)


def _replies(flat: list[bytes]) -> dict[str, Reply]:
    return {key.decode(): read_reply(reply) for key, reply in zip(flat[::2], flat[1::2], strict=True)}


def _batches(run: RunId, entries: Iterable[Any]) -> Iterator[list[Event]]:
    for _, (_, first, _, attempt, _, ts, _, chunks) in entries:
        yield events_of(run, int(first), int(attempt), float(ts), chunks)


def _info(run: RunId, values: Sequence[bytes]) -> RunInfo:
    thread, owner, status, prompt, created, updated, worker, fence, last = (value.decode() for value in values)
    return RunInfo(
        run=run,
        thread=thread,
        owner=owner,
        status=cast("RunStatus", status),
        prompt=prompt,
        created=float(created),
        updated=float(updated),
        worker=worker,
        attempt=int(fence),
        last_seq=int(last),
    )


__all__ = ["RedisLog"]
