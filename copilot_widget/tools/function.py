"""`@tool`: a Python function as a tool. Type hints and docstring make its schema; it stays callable as before.

    @tool
    def lookup(order_id: int) -> dict: "Find an order by its number."

A function that the user handed over runs without being asked about, unless `approval=True`.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import math
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from dataclasses import replace
from typing import Any, Generic, ParamSpec, TypeVar, Union, cast, overload

from ..errors import ToolError, UsageError, one_line
from ..models.base import Json, ToolSchema
from .base import ApprovalRequest, ToolContext, ToolResult
from .docstring import parse_docstring
from .jsonable import cut, cut_line, safe_repr
from .result import to_output
from .schema import Arguments
from .threads import in_thread, on_users_loop

P = ParamSpec("P")
R = TypeVar("R")

Approval = Union[bool, Callable[[Json], "bool | str | ApprovalRequest | None"]]
"""False: runs at once. True: asks first. A function of the input: what it returns decides, a str is the title."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_AFFINITY = re.compile(
    r"can only be used in that same thread|main thread|different (?:event )?loop|no (?:current|running) event loop"
    r"|cannot switch to a different thread|different thread|non-main thread|wrong thread",
    re.IGNORECASE,
)
_PREVIEW_SECONDS = 0.1
_PREVIEWS_KEPT = 20  # of a generator that yields faster than it is read, the newest


class FunctionTool(Generic[P, R]):
    """A function as a Tool (see tools/base.py); made by `@tool`."""

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        approval: Approval = False,
        read_only: bool = False,
        main_thread: bool = False,
        parallel: bool | None = None,
        timeout: float = math.inf,
    ) -> None:
        self.function = function
        self.name = name or getattr(function, "__name__", "")
        if not _NAME.fullmatch(self.name):
            raise UsageError(
                f"{self.name or safe_repr(function, 80)!r} cannot be a tool's name.",
                hint="Give one of letters, digits, _ and - with @tool(name=…).",
            )
        if not timeout > 0:
            raise UsageError(f"timeout must be positive, got {timeout}.")
        self.title = title or self.name.replace("_", " ").replace("-", " ").strip().capitalize() or self.name
        self.timeout = float(timeout)
        self.read_only = read_only
        self.main_thread = main_thread
        self.parallel = (read_only and not main_thread) if parallel is None else parallel
        docstring = parse_docstring(inspect.getdoc(function))
        self._description = docstring.description if description is None else description
        self._approval = approval
        self._options: dict[str, Any] = {
            "name": self.name, "title": title, "description": description, "approval": approval, "read_only": read_only,
            "main_thread": main_thread, "parallel": parallel, "timeout": timeout,
        }  # fmt: skip
        self._arguments = Arguments(function, docstring)
        self._schema: ToolSchema | None = None
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> FunctionTool[..., R]:
        """A decorated method is a tool of the instance, whose schema has no `self`."""
        if instance is None:
            return self
        return FunctionTool(cast("Any", self.function).__get__(instance, owner), **self._options)

    def __repr__(self) -> str:
        return f"<tool {self.name}>"

    @property
    def schema(self) -> ToolSchema:
        if self._schema is None:  # built on first use, since it loads pydantic
            self._schema = ToolSchema(self.name, self._description, self._arguments.json_schema())
        return self._schema

    def parse(self, text: str) -> Json:
        return self._arguments.parse(text)

    def approval(self, input: Json) -> ApprovalRequest | None:
        asked = self._approval(input) if callable(self._approval) else self._approval
        if isinstance(asked, ApprovalRequest):
            return asked
        if not asked:
            return None
        arguments = ", ".join(f"{key}={safe_repr(value, 2_000)}" for key, value in dict(input or {}).items())
        title = asked if isinstance(asked, str) else f"run {self.name}"
        return ApprovalRequest(title=title, code=cut(f"{self.name}({arguments})", 10_000), language="python")

    async def call(self, input: Json, context: ToolContext) -> AsyncIterator[ToolResult]:
        positional, named = self._arguments.bind(input, context)
        start = functools.partial(self.function, *positional, **named)
        run = self._runner(context)
        try:
            if inspect.isasyncgenfunction(self._target) or inspect.isgeneratorfunction(self._target):
                previews = _Previews()
                async for result in previews.read(self._generate(start, run, previews)):
                    yield result
            else:
                yield await run(functools.partial(_finish, start))
        except asyncio.CancelledError:
            context.stopped.set()
            raise
        except ToolError:
            raise
        except Exception as error:
            raise self._explained(error) from error
        finally:
            context.stopped.set()

    @property
    def _target(self) -> Any:
        """The function whose kind (generator, coroutine …) counts."""
        target: Any = self.function
        while isinstance(target, functools.partial):
            target = cast("Any", target).func
        return target if inspect.isroutine(target) else type(target).__call__

    def _runner(self, context: ToolContext) -> Callable[[Callable[[], Any]], Awaitable[Any]]:
        """How this function's code is run: it gets a callable that returns a value or an awaitable."""
        if self.main_thread:
            main = context.deps.get("main_thread")
            if main is None:
                raise ToolError(f"{self.name} must run on the main thread, and nothing serves it here.")
            return functools.partial(main.run, notify=context.notify)
        if inspect.iscoroutinefunction(self._target) or inspect.isasyncgenfunction(self._target):
            return lambda function: on_users_loop(_awaited(function))
        return lambda function: in_thread(function, self.name)

    async def _generate(
        self, start: Callable[[], Any], run: Callable[[Callable[[], Any]], Awaitable[Any]], previews: _Previews
    ) -> ToolResult:
        """Drive a generator to its end; the result is what it returns, or else the last value that it yielded."""
        if inspect.isasyncgenfunction(self._target):
            return await run(functools.partial(_drain_async, start, previews))
        if not self.main_thread:
            return await run(functools.partial(_drain, start, previews))
        generator = await run(start)
        last: ToolResult | None = None
        while True:  # between two values the main thread is free
            result, done = await run(functools.partial(_advance, generator))
            if done:
                return replace(result if result is not None else last or ToolResult(), preliminary=False)
            last = result
            previews.put(result)

    def _explained(self, error: Exception) -> Exception:
        """The error itself, or a ToolError that says what to change where the thread was wrong."""
        if not self.main_thread and _AFFINITY.search(str(error)):
            return ToolError(
                one_line(error),
                hint=f"{self.name} has to run on the main thread: declare it with @tool(main_thread=True).",
            )
        return error


def _result(value: Any, preliminary: bool = False) -> ToolResult:
    output, display = to_output(value)
    return ToolResult(output, display or None, preliminary)


def _finish(start: Callable[[], Any]) -> Any:
    """Call the function and convert what it returns in the same thread, since drawing a figure takes a while."""
    value = start()
    return _convert(value) if inspect.isawaitable(value) else _result(value)


async def _convert(value: Awaitable[Any]) -> ToolResult:
    return _result(await value)


async def _awaited(function: Callable[[], Any]) -> Any:
    value = function()
    return await value if inspect.isawaitable(value) else value


def _advance(generator: Generator[Any, Any, Any]) -> tuple[ToolResult | None, bool]:
    """The next value as a preliminary result, or what the generator returned and True."""
    try:
        return _result(next(generator), preliminary=True), False
    except StopIteration as stop:
        return (None if stop.value is None else _result(stop.value)), True


def _drain(start: Callable[[], Any], previews: _Previews) -> ToolResult:
    generator = start()
    last: ToolResult | None = None
    while not previews.closed:
        result, done = _advance(generator)
        if done:
            last = result or last
            break
        last = result
        previews.put(cast("ToolResult", result))
    else:
        generator.close()
    return replace(last or ToolResult(), preliminary=False)


async def _drain_async(start: Callable[[], Any], previews: _Previews) -> ToolResult:
    last = ToolResult()
    generator = start()
    try:
        async for value in generator:
            last = _result(value, preliminary=True)
            previews.put(last)
    finally:
        await generator.aclose()
    return replace(last, preliminary=False)


class _Previews:
    """Preliminary results on their way from any thread to the agent's loop; bounded where the reader is slower."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._waiting: deque[ToolResult] = deque(maxlen=_PREVIEWS_KEPT)
        self.closed = False

    def put(self, result: ToolResult) -> None:
        self._waiting.append(result)
        if not self.closed:
            self._loop.call_soon_threadsafe(self._arrived.set)

    async def read(self, final: Any) -> AsyncIterator[ToolResult]:
        """Preliminary results as they come, then the result of the coroutine `final`."""
        task = asyncio.ensure_future(final)
        try:
            while not task.done():
                arrived = asyncio.ensure_future(self._arrived.wait())
                await asyncio.wait({task, arrived}, return_when=asyncio.FIRST_COMPLETED)
                arrived.cancel()
                self._arrived.clear()
                while self._waiting:
                    yield self._waiting.popleft()
                await asyncio.wait({task}, timeout=_PREVIEW_SECONDS)
            while self._waiting:
                yield self._waiting.popleft()
            yield task.result()
        finally:
            self.closed = True
            task.cancel()


@overload
def tool(function: Callable[P, R], /) -> FunctionTool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    title: str | None = None,
    description: str | None = None,
    approval: Approval = False,
    read_only: bool = False,
    main_thread: bool = False,
    parallel: bool | None = None,
    timeout: float = math.inf,
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...
def tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a tool of a function.

    name: what the model calls it (default: the function's name). title: what the row shows. description: what the
    model reads (default: the docstring without its parameters). approval: ask the user before each call; or a
    function of the arguments (a dict) that returns whether to ask, or the question. read_only: it changes nothing,
    so calls may run beside others. main_thread: run it between cells on the kernel's main thread, for objects
    that live there. parallel: calls may run beside others (default: as read_only). timeout: seconds.

    A sync function runs in a thread, an async one on a loop in a thread; what a generator yields is shown until the
    next value. A parameter annotated ToolContext is filled in and hidden from the model.
    """
    if function is None:
        return functools.partial(_make, **options)
    return _make(function, **options)


def _make(function: Callable[..., Any], **options: Any) -> FunctionTool[..., Any]:
    if isinstance(function, FunctionTool):
        inner = cast("FunctionTool[..., Any]", function)
        return FunctionTool(inner.function, **{**inner._options, **options})  # pyright: ignore[reportPrivateUsage]
    if not callable(function):
        raise UsageError(f"@tool needs a function, got {cut_line(safe_repr(function), 80)}.")
    return FunctionTool(function, **options)


__all__ = ["FunctionTool", "tool"]
