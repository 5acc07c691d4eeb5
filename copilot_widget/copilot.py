"""The Python API: a Copilot is asked, and gives a Run."""

from __future__ import annotations

import os
import secrets
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from .agents import KERNEL, Agents, ToolSource
from .attachments import Attachment, attached, is_attached
from .config import check_max_steps, setting
from .conversation import Conversation
from .errors import UsageError
from .history import to_request
from .host import host
from .instructions import instructions_for
from .keeping import Keeping, StoreGiven, title_of
from .models.base import Model, ModelInfo, ModelRequest
from .notices import Notices
from .past import go_on, part_ways, recorded, resume, unfinished
from .protocol.jsontext import mend
from .protocol.messages import DataPart, Part, TextPart, UIMessage
from .run import Run, follow
from .runs import loop
from .runs.base import Executor
from .runs.executor import KernelExecutor, LogExecutor
from .runs.kernel_calls import KernelCalls
from .runs.places import check_place, open_place
from .state import TERMINAL, Budget, Grant, RunRequest
from .store.open import shared_store
from .tools.approval import Policy
from .tools.base import Toolset
from .tools.files.confine import Root
from .tools.jsonable import well_formed
from .tools.mcp.config import McpGiven
from .tools.mcp.server import McpStatus
from .tools.mcp.tools import McpToolset
from .tools.toolset import Given, toolset

TurnListener = Callable[[Run], None]

alive: weakref.WeakSet[Copilot] = weakref.WeakSet()
"""Every Copilot of this process: a list of runs shows those of all."""


class Copilot(Conversation):
    """An agent with its conversation.

    model        "provider/model" for litellm, "demo", "script:FILE", "replay:FILE", a Model, or a callable;
                 None: the settings, COPILOT_MODEL, then what is found (keys, local servers), then the demo model
    tools        functions decorated with @tool, plain functions, objects with decorated methods, Tools, toolsets
    mcp          MCP servers: the path of a JSON file with "mcpServers", a dict like it, or a list of these; None: those
                 of the settings; (): none
    instructions standing instructions for the model
    approvals    "ask", "auto" (allow all), "never" (deny all), or a callable(tool name, input) → bool or reason
    max_steps    model requests that one run may make
    budget       "0.50 USD" or "20000 tokens" for each run
    executor     where runs are executed: "kernel"; "process", a process of this machine that outlives the kernel; or
                 the address of RabbitMQ ("amqp://…"), for workers behind it; or an Executor
    thread       name of the conversation, which is gone on with where it is kept; None: a new one
    store        where conversations are kept: a database URL, or "off" (False); None: the settings, COPILOT_STORE, then
                 in a notebook a file of this user's, elsewhere nothing is kept
    root         folder whose files the model may read, and change with consent; @file mentions are read from it. None:
                 in a notebook its folder, elsewhere no file tools; False: no file tools
    api_base, api_key   the model server's address and key; the key is kept in memory only

    Raises UsageError for an argument that cannot be; whether the model can be reached is found out when it is asked.
    """

    def __init__(
        self,
        model: str | Model | Callable[..., Any] | None = None,
        *,
        tools: Given = (),
        mcp: McpGiven = None,
        instructions: str = "",
        approvals: str | Callable[..., Any] | None = None,
        max_steps: int | None = None,
        budget: str | None = None,
        executor: str | Executor | None = None,
        thread: str | None = None,
        store: StoreGiven = None,
        root: str | os.PathLike[str] | Literal[False] | None = None,
        api_base: str | None = None,
        api_key: str | None = None,
    ) -> None:
        super().__init__()
        self.notices = Notices()
        """What its views say besides the conversation."""
        self._agents = Agents(
            model=model,
            tools=toolset(tools),
            mcp=McpToolset(setting("mcp", mcp)),
            root=_files_root(root),
            approvals=approvals,
            api_base=api_base,
            api_key=api_key,
            tell=self.notices.say,
        )
        self._instructions = instructions
        self._max_steps = max_steps
        self._budget = budget
        self._root = self._agents.root if root else None
        self._place = executor
        self.grants: list[Grant] = []
        """What the user has allowed beforehand."""
        self._listeners: list[TurnListener] = []
        self.keeping = Keeping(store, self.notices.say, lambda: unfinished(self.runs, self._kernel))
        """Where its conversation is kept."""
        if thread:
            self.thread = self.keeping.thread_of(thread)
        self._kernel: KernelExecutor | None = None
        self.options()
        alive.add(self)
        if thread and self.keeping.place is not None:
            go_on(self, thread)

    @property
    def agents(self) -> Agents:
        """What makes its agents, here or on a worker."""
        return self._agents

    @property
    def root(self) -> Path | None:
        """The folder that was given for @file mentions and file tools, None where none was."""
        return self._root

    @property
    def instructions(self) -> str:
        """Its own standing instructions."""
        return self._instructions

    def executor(self, place: str | Executor | None = None) -> Executor:
        """Where its runs are executed; `place` overrides what the Copilot and the settings say. Raises UsageError."""
        where = self._where(place)
        if not isinstance(where, str):
            return where
        if check_place(where) != "kernel":
            return loop.start(_opened(where)).result()
        if self._kernel is None:
            self._kernel = KernelExecutor(
                self._agents.here, self.keeping.store, owner=self.keeping.owner, keep_steps=True
            )
        return self._kernel

    def _where(self, place: str | Executor | None) -> str | Executor:
        return setting("executor", place or self._place, env="COPILOT_EXECUTOR", default="kernel")

    def options(self, **overrides: Any) -> dict[str, Any]:
        """The checked options of a run: max_steps, budget, approvals; and its executor. Raises UsageError."""
        max_steps = check_max_steps(
            setting("max_steps", _first(overrides.get("max_steps"), self._max_steps), default=20)
        )
        budget = Budget.parse(setting("budget", _first(overrides.get("budget"), self._budget)))
        approvals = setting("approvals", _first(overrides.get("approvals"), self._agents.approvals), default="ask")
        Policy(approvals, headless=host().headless)
        where = self._where(overrides.get("executor"))
        if isinstance(where, str):
            check_place(where)
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
        executor: str | Executor | None = None,
        selection: Mapping[str, Any] | None = None,
    ) -> Run:
        """Ask, and return at once. While a run goes on, the next one is queued.

        `attachments` are paths of images or text files, or the bytes of an image. `record` is a file that the model's
        answers are added to; the model "replay:FILE" plays them again. `selection` is what @selection stands for:
        {"text", "cell": its number or None}. The keyword options hold for this run only.
        Raises UsageError for an empty prompt, an unknown @mention or an option that cannot be.
        """
        if not str(prompt or "").strip():
            raise UsageError("There is no question.", hint="Write what you want to know: copilot.ask('…').")
        own: dict[str, Any] = {"model": model, "max_steps": max_steps, "budget": budget, "approvals": approvals}
        own |= {"record": record, "executor": executor}
        self.options(max_steps=max_steps, budget=budget, approvals=approvals, executor=executor)
        return self.put(self.question(prompt, attachments, selection), own)

    def question(
        self, prompt: str, attachments: Sequence[Attachment] = (), selection: Mapping[str, Any] | None = None
    ) -> list[Part]:
        """The parts of a user's message, with what its @mentions resolve to. Raises UsageError."""
        parts: list[Part] = [TextPart(text=well_formed(mend(str(prompt))), state="done")]
        for mention in host().mentions(prompt, self._root, selection):
            parts.append(DataPart(type="data-context", id=mention["name"], data=mention))
        parts.extend(attached(item) for item in attachments)
        return parts

    def put(
        self,
        parts: Sequence[Part],
        own: Mapping[str, Any],
        *,
        replaces: Run | None = None,
        mark: str = "",
        **for_once: Any,
    ) -> Run:
        """Ask by a message's parts, in the place of the turn `replaces` where that is given.

        `own` are options that follow-ups keep to; those in `for_once` are of this run alone. `mark` is what the message
        does to the history (history.FORGET, history.SUMMARISE). Raises UsageError.
        """
        options = {**own, **for_once}
        checked = self.options(**{name: options.get(name) for name in ("max_steps", "budget", "approvals", "executor")})
        model, record = options.get("model"), options.get("record")
        where = self.executor(options.get("executor"))
        if where is self._kernel:
            part_ways(self)
        run_id = f"run-{secrets.token_urlsafe(12)}"
        luggage = {"model": model or ""} if where is self._kernel else self._luggage(model)
        request = RunRequest(
            run=run_id,
            thread=self.thread,
            message=self.message_of(run_id, parts, mark, replaces),
            message_id=f"{run_id}-answer",
            anew=replaces is not None,
            grants=list(self.grants),
            instructions=instructions_for(self._instructions, host(), self._agents.root),
            max_steps=checked["max_steps"],
            budget=checked["budget"],
            approvals=checked["approvals"] if isinstance(checked["approvals"], str) else "callable",
            headless=host().headless,
            record=str(Path(record).absolute()) if record is not None else None,
            **luggage,
        )
        self.keeping.begin(self.thread, title_of(_text(parts)), where)
        run = Run(self, request, where, own, replaces=replaces)
        loop.start(where.submit(request, idempotency_key=run_id)).result()
        self._add(run, serves=request.kernel == KERNEL)
        return run

    def ask_again(
        self,
        run: Run,
        prompt: str | None = None,
        attachments: Sequence[Attachment] | None = None,
        selection: Mapping[str, Any] | None = None,
    ) -> Run:
        """Another answer in the place of a run's: to the same question, or to `prompt`. What followed the question is
        dropped, so it must be the conversation's last one. Without `attachments` its files stay. Raises UsageError."""
        self.check_last(run)
        asked = run.prompt
        text = asked.text if prompt is None else prompt
        if text == asked.text and attachments is None:
            return self.put(asked.parts, run.options, replaces=run)
        kept = [part for part in asked.parts if is_attached(part)] if attachments is None else []
        return self.put([*self.question(text, attachments or (), selection), *kept], run.options, replaces=run)

    def draft(self, prompt: str, attachments: Sequence[Attachment] = ()) -> tuple[UIMessage, ModelRequest]:
        """The question as a message, and the first request that a model would get, were it asked now. Nothing is sent.

        Tools of MCP servers that nobody has asked yet are not in it. Raises UsageError as `ask` does.
        """
        message = self.message_of("draft", self.question(prompt, attachments))
        instructions = instructions_for(self._instructions, host(), self._agents.root)
        request = RunRequest(
            run="draft",
            model="",
            thread=self.thread,
            message=message,
            message_id="draft-answer",
            instructions=instructions,
            headless=host().headless,
        )
        schemas = [tool.schema for tool in self._agents.offered(request).tools().values()]
        asked = [message] if prompt.strip() or attachments else []
        kept = [] if self.forgets else self._kept()
        return message, to_request([*kept, *asked], instructions, schemas)

    def _kept(self) -> list[UIMessage]:
        """The conversation as the next run will find it."""
        where = self.executor()
        if isinstance(where, LogExecutor):
            return loop.start(where.store.messages(where.owner, self.thread)).result()
        return self.messages

    def resume(self, thread: str) -> None:
        """Go on with a conversation that is kept, by its id, in a Copilot that has not been asked anything yet.

        Nothing is asked of a model by that. Raises UsageError, or StoreError where the kept ones cannot be read.
        """
        resume(self, thread)

    def attach(self, run: str, *, executor: str | Executor | None = None) -> Run:
        """Follow a run that was asked for elsewhere: by a kernel that is gone, or in another notebook.

        It is shown from its beginning, and what is asked after it is asked of the same model. Raises LogError for a run
        that is not there.
        """
        for known in self.runs:
            if known.id == run:
                return known
        where = self.executor(executor)
        request = loop.start(where.request(run)).result()
        own = {"executor": executor if isinstance(executor, str) else None, "model": request.model or None}
        attached = Run(self, request, where, own)
        self._add(attached)
        return attached

    def _luggage(self, model: str | None) -> Mapping[str, Any]:
        """What a worker must know; tools of MCP servers that nobody has asked yet are asked for first."""
        loop.start(self._agents.mcp.ready()).result()
        return self._agents.luggage(model)

    def mcp_status(self) -> dict[str, McpStatus]:
        """How each MCP server is, by name: {"status", "tools" (their number), "error"}."""
        return self._agents.mcp.status()

    def close(self) -> None:
        """Stop the runs that are executed in this process, and end the MCP servers.

        What was said stays; asked again, it starts anew what it needs.
        """
        for run in self.runs:
            if run.executor is self._kernel and run.status not in TERMINAL:
                run.stop()
        loop.start(self._agents.mcp.close()).result()

    def __enter__(self) -> Copilot:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def allow(self, tool: str, **arguments: str) -> None:
        """Allow calls of a tool in this Copilot's further runs without a question: all of them, or those whose
        arguments match, as in `allow("write_file", path="out/*")`. `copilot.grants` has what is allowed; clear it to be
        asked again."""
        self.grants.append(Grant(tool=tool, arguments=arguments))

    def _add(self, run: Run, *, serves: bool = False) -> None:
        """`serves`: the run may post calls to this process; it is this Copilot that has the tools."""
        self.enter(run)
        loop.start(self._follow(run, serves))
        for listener in list(self._listeners):
            listener(run)

    async def _follow(self, run: Run, serves: bool) -> None:
        if serves:
            KernelCalls(KERNEL, run.executor, run.feed, lambda: self._gate(run.request))
        await follow(run)

    def _gate(self, request: RunRequest) -> tuple[Toolset, Policy, dict[str, Any]]:
        return self._agents.toolset(), self._agents.policy(request), dict(self._agents.deps())

    def on_turn(self, listener: TurnListener) -> Callable[[], None]:
        """Call `listener` with each further run. Returns the function that ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def offer(self, source: ToolSource) -> None:
        """Offer the tools that `source` returns, asked anew at each run; those given by name go first."""
        self._agents.sources.append(source)

    # ---- the conversation as a whole ---------------------------------------------------------------------

    def use(self, model: str) -> None:
        """Ask this model from now on. Raises UsageError for a name that is none; nobody is asked whether it answers."""
        from .models.detect import check

        self._agents.choose(check(model, api_base=self._agents.api_base))
        self.changed("model")

    @property
    def model_info(self) -> ModelInfo:
        """What is known of the model now: its name, and once it has been used, its badge and why it was chosen."""
        if self._agents.resolved is not None:
            return self._agents.resolved.info
        name = setting("model", self._agents.model, env="COPILOT_MODEL", default="")
        return ModelInfo(name=name if isinstance(name, str) else getattr(name, "__name__", type(name).__name__))

    def export(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the conversation to a file: .md, .html, .ipynb, or .json, a list of UIMessages. Returns its path.

        An ending alone, ".md", makes a new file that is named after the conversation's title.
        A file that an export has written before is replaced; another one only with `overwrite`. Raises UsageError.
        """
        from .export import export

        title = self.keeping.title(self.thread)
        return export(recorded(self.turns), self.messages, path, title=title, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | os.PathLike[str], **options: Any) -> Copilot:
        """A Copilot that goes on with the conversation in a JSON file of UIMessages: an export, or what a client of the
        AI SDK has saved. `options` are those of Copilot(…). Raises UsageError."""
        from .imported import fill, read_messages

        imported = read_messages(path)
        copilot = cls(**options)
        fill(copilot, imported)
        return copilot

    def _ipython_display_(self) -> None:
        host().show_panel(self)

    def _display_(self) -> Any:
        """What marimo shows in its place."""
        return host().show_panel(self)

    def __repr__(self) -> str:
        return f"<Copilot {self.model_info.name or 'model not chosen yet'}, {len(self.turns)} runs>"


def _first(override: Any, own: Any) -> Any:
    """What was asked for this run; 0 and "" were asked for, too."""
    return own if override is None else override


def _files_root(root: str | os.PathLike[str] | bool | None) -> Path | None:
    """The folder of the file tools. Raises UsageError for one that is not there."""
    if root is None:
        return host().folder
    if isinstance(root, bool):
        if root:
            raise UsageError("root is True.", hint="Name the folder, or leave root out for the notebook's.")
        return None
    return Root(root).path


async def _opened(place: str) -> Executor:
    return open_place(place, shared_store)


def _text(parts: Sequence[Part]) -> str:
    return " ".join(part.text for part in parts if isinstance(part, TextPart))
