"""`@tool`: a Python function as a tool. Type hints and docstring make its schema; it stays callable as before.

    @tool
    def lookup(order_id: int) -> dict: "Find an order by its number."

A function that the user handed over runs without being asked about, unless `approval=True`.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any, Generic, ParamSpec, TypeVar, Union, cast, overload

from ..errors import ToolError, UsageError, one_line
from ..models.base import Json, ToolSchema
from ..threads import aside, in_thread, on_users_loop
from .base import ApprovalRequest, ToolContext, ToolResult
from .docstring import parse_docstring
from .jsonable import cut_line, safe_repr, well_formed
from .running import Previews, Prints, Run, advance, awaited, drain, drain_async, finish
from .schema import Arguments

P = ParamSpec("P")
R = TypeVar("R")

Answer = Union[bool, str, ApprovalRequest, None]
Approval = Union[bool, Callable[[Json], Union[Answer, Awaitable[Answer]]]]
"""False: runs at once. True: asks first. A function of the input: what it returns decides, a str is the title."""

HOUR = 3_600.0
"""Seconds that a function gets which names no others: long enough for work, and not for ever for what hangs."""

Look = Callable[[Json, ToolContext], Union[ApprovalRequest, Awaitable[Union[ApprovalRequest, None]], None]]
"""Looks at what lies elsewhere, and says what to ask before a call."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_AFFINITY = re.compile(
    r"can only be used in that same thread|main thread|different (?:event )?loop|no (?:current|running) event loop"
    r"|cannot switch to a different thread|different thread|non-main thread|wrong thread",
    re.IGNORECASE,
)


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
        question: Look | None = None,
        read_only: bool = False,
        main_thread: bool = False,
        parallel: bool | None = None,
        client: bool = False,
        timeout: float = HOUR,
    ) -> None:
        self.function = function
        self.name = name or getattr(function, "__name__", "")
        checked_name(self.name, function)
        if not timeout > 0:
            raise UsageError(f"timeout must be positive, got {timeout}.")
        self.title = title or self.name.replace("_", " ").replace("-", " ").strip().capitalize() or self.name
        self.timeout = float(timeout)
        self.read_only = read_only
        self.main_thread = main_thread
        self.client = client
        self.parallel = (read_only and not main_thread) if parallel is None else parallel
        docstring = parse_docstring(inspect.getdoc(function))
        self._description = docstring.description if description is None else description
        self.decides = callable(approval)
        """Whether a function of the user's says what asks; it is called for calls alone."""
        self._approval = approval or question is not None
        if question is not None:
            self.question = functools.partial(_looked, question)
        elif is_async(approval):
            self._approval = True
            self.question = functools.partial(_asked_aside, approval, self.name)
        self._options: dict[str, Any] = {
            "name": self.name, "title": title, "description": description, "approval": approval, "question": question,
            "read_only": read_only, "main_thread": main_thread, "parallel": parallel, "client": client,
            "timeout": timeout,
        }  # fmt: skip
        self.decorated = False
        """Made by `@tool`, and not of a function as it was given."""
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
        return asked(self._approval, self.name, input)

    async def call(self, input: Json, context: ToolContext) -> AsyncIterator[ToolResult]:
        if self.client:
            raise ToolError(f"{self.name} runs in the client that shows the conversation, and none does here.")
        positional, named = self._arguments.bind(input, context)
        start = functools.partial(self.function, *positional, **named)
        prints = Prints(context)
        run = self._runner(context, prints)
        try:
            if inspect.isasyncgenfunction(self._target) or inspect.isgeneratorfunction(self._target):
                previews = Previews()
                async for result in previews.read(self._generate(start, run, previews)):
                    yield result if result.preliminary else prints.added_to(result)
            else:
                yield prints.added_to(await run(functools.partial(finish, start)))
        except ToolError:
            raise
        except Exception as error:
            raise prints.added_to_error(self._explained(error)) from error
        finally:
            context.stopped.set()

    @property
    def _target(self) -> Any:
        """The function whose kind (generator, coroutine …) counts."""
        target: Any = self.function
        while isinstance(target, functools.partial):
            target = cast("Any", target).func
        return target if inspect.isroutine(target) else type(target).__call__

    def _runner(self, context: ToolContext, prints: Prints) -> Run:
        """How this function's code is run: it gets a callable that returns a value or an awaitable."""
        if self.main_thread:
            main = context.deps.get("main_thread")
            if main is None:
                raise ToolError(f"{self.name} must run on the main thread, and nothing serves it here.")
            return lambda function: main.run(prints.within(function), notify=context.notify)
        if inspect.iscoroutinefunction(self._target) or inspect.isasyncgenfunction(self._target):
            return lambda function: on_users_loop(awaited(prints.within(function)))
        return lambda function: in_thread(prints.within(function), self.name)

    async def _generate(self, start: Callable[[], Any], run: Run, previews: Previews) -> ToolResult:
        """Drive a generator to its end; the result is what it returns, or else the last value that it yielded."""
        if inspect.isasyncgenfunction(self._target):
            return await run(functools.partial(drain_async, start, previews))
        if not self.main_thread:
            return await run(functools.partial(drain, start, previews))
        generator = await run(start)
        last: ToolResult | None = None
        while True:  # between two values the main thread is free
            result, done = await run(functools.partial(advance, generator))
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


def checked_name(name: str, function: Any = None) -> str:
    """Raises UsageError for what cannot be a tool's name."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name or safe_repr(function, 80)!r} cannot be a tool's name.",
            hint="Give one of at most 64 letters, digits, _ and - with @tool(name=…).",
        )
    return name


async def _looked(look: Look, input: Json, context: ToolContext) -> ApprovalRequest | None:
    return await aside(functools.partial(look, input, context), "question")


async def _asked_aside(approval: Approval, name: str, input: Json, _context: ToolContext) -> ApprovalRequest | None:
    return await asked_aside(approval, name, input)


def is_async(approval: Approval) -> bool:
    """Whether what `approval` says has to be awaited."""
    called = getattr(type(approval), "__call__", None)  # noqa: B004 - what is called of it, not whether it may be
    return inspect.iscoroutinefunction(approval) or inspect.iscoroutinefunction(called)


async def asked_aside(approval: Approval, name: str, input: Json) -> ApprovalRequest | None:
    """As `asked`, of a function that may be async or take its time."""
    answer = await aside(functools.partial(approval, input), "approval") if callable(approval) else approval
    return _request(answer, name, input)


def asked(approval: Approval, name: str, input: Json) -> ApprovalRequest | None:
    """What `approval` asks before a call of the tool `name`; None where nothing."""
    return _request(approval(input) if callable(approval) and not is_async(approval) else approval, name, input)


def _request(answer: Any, name: str, input: Json) -> ApprovalRequest | None:
    if isinstance(answer, ApprovalRequest):
        return answer
    if not answer:
        return None
    title = answer if isinstance(answer, str) else f"run {name}"
    return ApprovalRequest(title=title, code=_call_of(name, input), language="python")


_CALL = 10_000
"""Characters of a call that a card shows as code."""


def _call_of(name: str, input: Json) -> str:
    """The call with every argument whole; "" where it is too long for that: the card then lists the arguments."""
    try:
        code = f"{name}({', '.join(f'{key}={value!r}' for key, value in dict(input or {}).items())})"
    except RecursionError:
        return ""
    return well_formed(code) if len(code) <= _CALL else ""


@overload
def tool(function: Callable[P, R], /) -> FunctionTool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    title: str | None = None,
    description: str | None = None,
    approval: Approval = False,
    question: Look | None = None,
    read_only: bool = False,
    main_thread: bool = False,
    parallel: bool | None = None,
    client: bool = False,
    timeout: float = HOUR,
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...
def tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a tool of a function.

    name: what the model calls it (default: the function's name). title: what the row shows. description: what the
    model reads (default: the docstring without its parameters). approval: ask the user before each call; or a
    function of the arguments (a dict) that returns whether to ask, or the question. question: in place of approval,
    where what to ask lies elsewhere: a function of the arguments and the ToolContext that looks there and returns an
    ApprovalRequest or None. Both run in a thread or are async, and have the call's timeout; where they fail, it is
    denied. read_only: it changes nothing, so calls may run beside others. main_thread: run it between cells on the
    kernel's main thread, for objects that live there. parallel: calls may run beside others (default: as read_only).
    client: it runs in the AI SDK client that shows the conversation, which gives the output; the function says only
    what it takes. It is offered where such a client asks. timeout: seconds after which a call is given up (an hour;
    math.inf for none).

    A sync function runs in a thread, an async one on a loop in a thread; what a generator yields is shown until the
    next value. A parameter annotated ToolContext is filled in and hidden from the model. In a notebook, what the
    function prints and displays appears in the call's card; where it returns nothing, the model reads what it printed.
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
    made = FunctionTool(function, **options)
    made.decorated = True
    if _checks[0] and getattr(function, "__module__", None) == "__main__":
        _check(made)
    return made


_checks = [False]


def check_at_once() -> None:
    """From now on the cell that decorates a function tells what is wrong with it. Elsewhere that waits until a schema
    is needed, since it loads pydantic."""
    _checks[0] = True


def _check(made: FunctionTool[..., Any]) -> None:
    try:
        _ = made.schema
    except UsageError as error:
        if not isinstance(error.__cause__, NameError):  # a type that another cell may define
            raise


__all__ = ["FunctionTool", "tool"]
