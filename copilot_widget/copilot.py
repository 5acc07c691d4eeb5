"""The Python API: a Copilot is asked, and gives a Run."""

from __future__ import annotations

import base64
import mimetypes
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Union, cast

from .agent import Agent
from .config import check_max_steps, setting
from .errors import CopilotError, UsageError
from .host import host
from .instructions import instructions_for
from .models.base import Model, ModelInfo
from .models.detect import ask_first, resolve
from .models.recording import Recorder
from .protocol.messages import DataPart, FilePart, Part, TextPart, UIMessage
from .protocol.wire import Usage
from .run import Run, follow
from .runs import loop
from .runs.base import Executor
from .runs.executor import KernelExecutor
from .state import Budget, RunRequest
from .store import MemoryStore
from .tools.approval import Policy, Rule
from .tools.base import Tool
from .tools.toolset import CombinedToolset, StaticToolset, as_tool

Attachment = Union[str, "os.PathLike[str]", bytes, FilePart]
TurnListener = Callable[[Run], None]
ToolSource = Callable[[], Iterable[Tool]]

_MAX_ATTACHMENT = 20_000_000  # bytes; providers refuse larger ones


class Copilot:
    """An agent with its conversation.

    model        "provider/model" for litellm, "demo", "script:FILE", "replay:FILE", a Model, or a callable;
                 None: the settings, COPILOT_MODEL, then what is found (keys, local servers), then the demo model
    tools        functions decorated with @tool, plain functions, or Tool objects
    instructions standing instructions for the model
    approvals    "ask", "auto" (allow all), "never" (deny all), or a callable(tool name, input) → bool or reason
    max_steps    model requests that one run may make
    budget       "0.50 USD" or "20000 tokens" for each run
    executor     where runs are executed: "kernel"
    thread       name of the conversation; None: a new one
    root         folder that @file mentions are read from; None: the working folder
    api_base, api_key   the model server's address and key; the key is kept in memory only

    Raises UsageError for an argument that cannot be; whether the model can be reached is found out when it is asked.
    """

    def __init__(
        self,
        model: str | Model | Callable[..., Any] | None = None,
        *,
        tools: Iterable[Tool | Callable[..., Any]] = (),
        instructions: str = "",
        approvals: str | Callable[..., Any] | None = None,
        max_steps: int | None = None,
        budget: str | None = None,
        executor: str | None = None,
        thread: str | None = None,
        root: str | os.PathLike[str] | None = None,
        api_base: str | None = None,
        api_key: str | None = None,
    ) -> None:
        self._model = model
        self._tools = [as_tool(tool) for tool in tools]
        self._sources: list[ToolSource] = []
        self._instructions = instructions
        self._approvals = approvals
        self._max_steps = max_steps
        self._budget = budget
        self._root = Path(root) if root is not None else None
        self._api_base = api_base
        self._api_key = api_key
        self.thread = thread or f"thread-{secrets.token_urlsafe(9)}"
        self.runs: list[Run] = []
        self._listeners: list[TurnListener] = []
        self._store = MemoryStore()
        self._resolved: tuple[Any, Model] | None = None
        self._check(executor)
        self.executor: Executor = KernelExecutor(self._agent_for, self._store)

    def _check(self, executor: str | None) -> None:
        """Everything that can be known to be wrong before the first question."""
        self.options()
        kind = setting("executor", executor, env="COPILOT_EXECUTOR", default="kernel")
        if kind != "kernel":
            raise UsageError(
                f"There is no executor {kind!r} here.", hint="Leave it out: runs are executed in the kernel."
            )

    def options(self, **overrides: Any) -> dict[str, Any]:
        """The checked options of a run: max_steps, budget, approvals. Raises UsageError."""
        max_steps = check_max_steps(setting("max_steps", overrides.get("max_steps") or self._max_steps, default=20))
        budget = Budget.parse(setting("budget", overrides.get("budget") or self._budget))
        approvals = setting("approvals", overrides.get("approvals") or self._approvals, default="ask")
        Policy(approvals, headless=host().headless)
        return {"max_steps": max_steps, "budget": budget, "approvals": approvals}

    # ---- asking --------------------------------------------------------------------------------------

    def ask(
        self,
        prompt: str,
        *,
        model: str | None = None,
        attachments: Sequence[Attachment] = (),
        max_steps: int | None = None,
        budget: str | None = None,
        approvals: str | None = None,
        record: str | os.PathLike[str] | None = None,
    ) -> Run:
        """Ask, and return at once. While a run goes on, the next one is queued.

        `attachments` are paths of images or text files, or the bytes of an image. `record` is a file that the model's
        answers are added to; the model "replay:FILE" plays them again. The keyword options hold for this run only.
        Raises UsageError for an empty prompt, an unknown @mention or an option that cannot be.
        """
        if not str(prompt or "").strip():
            raise UsageError("There is no question.", hint="Write what you want to know: copilot.ask('…').")
        own = {"model": model, "max_steps": max_steps, "budget": budget, "approvals": approvals, "record": record}
        options = self.options(max_steps=max_steps, budget=budget, approvals=approvals)
        parts: list[Part] = [TextPart(text=prompt, state="done")]
        for mention in host().mentions(prompt):
            parts.append(DataPart(type="data-context", id=mention["name"], data=mention))
        parts.extend(_attachment(item) for item in attachments)
        run_id = f"run-{secrets.token_urlsafe(12)}"
        request = RunRequest(
            run=run_id,
            thread=self.thread,
            message=UIMessage(id=f"{run_id}-user", role="user", parts=parts),
            message_id=f"{run_id}-answer",
            model=model or "",
            instructions=self._instructions,
            max_steps=options["max_steps"],
            budget=options["budget"],
            approvals=options["approvals"] if isinstance(options["approvals"], str) else "callable",
            record=os.fspath(record) if record is not None else None,
        )
        run = Run(self, request, own)
        self.runs.append(run)
        loop.start(self.executor.submit(request, idempotency_key=run_id)).result()
        loop.start(follow(run))
        for listener in list(self._listeners):
            listener(run)
        return run

    def on_turn(self, listener: TurnListener) -> Callable[[], None]:
        """Call `listener` with each further run. Returns the function that ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def offer(self, source: ToolSource) -> None:
        """Offer the tools that `source` returns, asked anew at each run; those given by name go first."""
        self._sources.append(source)

    # ---- what has been said ----------------------------------------------------------------------------

    @property
    def messages(self) -> list[UIMessage]:
        """The conversation: each question and its answer as far as it has come."""
        result: list[UIMessage] = []
        for run in self.runs:
            result.append(run.prompt)
            if run.message.parts:
                result.append(run.message)
        return result

    @property
    def usage(self) -> Usage:
        """Tokens of all runs so far."""
        spent = [run.usage for run in self.runs]
        names = ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")
        return Usage(**{name: sum(getattr(usage, name) or 0 for usage in spent) for name in names})

    @property
    def model_info(self) -> ModelInfo:
        """What is known of the model now: its name, and once it has been used, its badge and why it was chosen."""
        if self._resolved is not None:
            return self._resolved[1].info
        name = setting("model", self._model, env="COPILOT_MODEL", default="")
        return ModelInfo(name=name if isinstance(name, str) else getattr(name, "__name__", type(name).__name__))

    # ---- making agents -----------------------------------------------------------------------------------

    async def _agent_for(self, request: RunRequest) -> Agent:
        """The agent of one run: today's tools, and the model that was asked for."""
        model = await self._model_for(request.model)
        if request.record is not None:
            model = Recorder(model, request.record, secrets=[self._api_key] if self._api_key else [])
        where = host()
        approvals = cast("Rule", self._approvals if callable(self._approvals) else request.approvals)
        offered = [StaticToolset(source()) for source in self._sources]
        toolset = CombinedToolset(StaticToolset(self._tools), *offered, StaticToolset(where.tools()))
        request.instructions = instructions_for(request.instructions, where)
        return Agent(model, toolset, policy=Policy(approvals, headless=where.headless), deps=where.deps)

    async def _model_for(self, name: str) -> Model:
        wanted = name or setting("model", self._model, env="COPILOT_MODEL")
        base = setting("api_base", self._api_base, env="COPILOT_API_BASE")
        if self._resolved is None or self._resolved[0] != (wanted, base):
            model = await resolve(wanted, api_base=base, api_key=self._api_key)
            if ask_first(model):
                raise _not_chosen(model)
            self._resolved = ((wanted, base), model)
        return self._resolved[1]

    def _ipython_display_(self) -> None:
        host().show_panel(self)

    def __repr__(self) -> str:
        return f"<Copilot {self.model_info.name or 'model not chosen yet'}, {len(self.runs)} runs>"


def _not_chosen(model: Model) -> CopilotError:
    """A key in the environment is no consent to send data there: the user names the model once."""
    return CopilotError(
        f"{model.info.reason.rstrip('.')}, but nothing was sent: you have not chosen it yet.",
        hint=f'Choose it: %config Copilot.model = "{model.info.name}", --model, or COPILOT_MODEL. "demo" needs no key.',
        code="not-chosen",
    )


def _attachment(item: Attachment) -> Part:
    if isinstance(item, FilePart):
        return item
    if isinstance(item, bytes):
        kind = "image/png" if item.startswith(b"\x89PNG") else "image/jpeg" if item.startswith(b"\xff\xd8") else None
        data, name = item, None
        if kind is None:
            raise UsageError("An attachment in bytes must be a PNG or a JPEG image.", hint="Give other files by path.")
    else:
        path = Path(item)
        try:
            if path.stat().st_size > _MAX_ATTACHMENT:
                raise UsageError(f"The attachment {path} is larger than 20 MB.", hint="Send a smaller part of it.")
            data = path.read_bytes()
        except OSError as error:
            raise UsageError(f"The attachment {path} cannot be read: {error.strerror or error}.") from None
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        name = path.name
    if not kind.startswith("image/"):
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise UsageError(f"The attachment {name} is neither an image nor text.", hint="Convert it first.") from None
        return DataPart(type="data-context", id=name, data={"name": name or "attachment", "text": text})
    url = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    return FilePart(url=url, media_type=kind, filename=name)
