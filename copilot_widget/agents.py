"""Making the agent of a run: in the process that asked for it, or on a worker."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

from .agent import Agent
from .config import setting
from .elsewhere import remote_tools, runs_in_client
from .errors import CopilotError, UsageError
from .host import host
from .models.base import Model
from .models.detect import ask_first, resolve
from .models.recording import Recorder
from .state import KernelTool, RunRequest, covered
from .tools.approval import Policy, Rule
from .tools.ask_user import ask_user
from .tools.base import Tool, Toolset, tool_name
from .tools.mcp.tools import McpToolset
from .tools.toolset import CombinedToolset, SoundToolset, StaticToolset

ToolSource = Callable[[], Iterable[Tool]]

KERNEL = f"kernel-{secrets.token_urlsafe(12)}"
"""This process, to workers. A kernel that is restarted is another process, and has another name."""

_FILES = ("script:", "replay:")


@dataclass
class Agents:
    """What a Copilot was made of, as far as its agents are concerned."""

    model: Any = None
    tools: Toolset = field(default_factory=StaticToolset)
    sources: list[ToolSource] = field(default_factory=list[ToolSource])
    """Asked anew at each run; tools that were given by name go first, and a later one replaces its namesake."""
    mcp: McpToolset = field(default_factory=McpToolset)
    """The tools of MCP servers, which go last."""
    root: Path | None = None
    """The folder whose files the model may use, and that commands run in; None: no file tools."""
    approvals: Any = None
    api_base: str | None = None
    api_key: str | None = None
    resolved: Model | None = None
    """The model that was used last."""
    tell: Callable[[str], None] = lambda _text: None
    """Says beside the conversation what a run only says in passing: which tools are missing, and why."""
    _told: set[str] = field(default_factory=set[str])
    _key_model: Any = field(init=False)
    """The model that was given with the key, whose provider's the key is."""
    _models: dict[tuple[Any, str | None], Model] = field(default_factory=dict[Any, Any])

    def __post_init__(self) -> None:
        self._key_model = self.model

    def choose(self, model: str) -> None:
        """Use this model from now on, where a run names no other."""
        self.model, self.resolved = model, None

    async def here(self, request: RunRequest) -> Agent:
        """The agent of a run in the process that asked for it: today's tools, and the model that was asked for."""
        model = await self._model(request)
        tools = self.offered(request)
        return Agent(model, tools, policy=self.policy(request), deps=self.deps(), prepare=self._prepare)

    async def _prepare(self) -> AsyncIterator[str]:
        async for text in self.mcp.prepare():
            yield text
        new = [trouble for trouble in [*self.mcp.troubles(), *self.remarks()] if trouble not in self._told]
        self._told.update(new)
        if new:
            self.tell(" ".join(new))

    def offered(self, request: RunRequest) -> Toolset:
        """The tools that a run has in the process that asked for it."""
        return _Offered(self.toolset(), request)

    async def on_worker(self, request: RunRequest) -> Agent:
        """The agent of a run that another process asked for: our own tools, and those that the asking kernel runs."""
        model = await self._model(request)
        remote = StaticToolset(remote_tools(request.kernel, request.kernel_tools))
        asking = StaticToolset([ask_user] if request.kernel else [])  # a notebook's view shows the question
        own = _Offered(CombinedToolset(self.tools, self.mcp, asking), request)
        tools = CombinedToolset(own, remote, self.files)
        return Agent(model, tools, policy=self.policy(request), deps={"root": self.root}, prepare=self.mcp.prepare)

    def toolset(self) -> SoundToolset:
        return SoundToolset(CombinedToolset(self._given(), self._built_in(), self.mcp))

    def _given(self) -> Toolset:
        named = {tool_name(tool): tool for source in self.sources for tool in source()}
        return CombinedToolset(self.tools, StaticToolset(named.values()))

    def _built_in(self) -> Toolset:
        return CombinedToolset(StaticToolset(host().tools()), self.files)

    def remarks(self) -> list[str]:
        """What somebody should know of the tools that are offered: which are left out, and which hide another one."""
        hidden = self._given().tools().keys() & self._built_in().tools().keys()
        names = Counter(tool_name(tool) for source in self.sources for tool in source())
        return [
            *self.toolset().troubles(),
            *(
                f"{count} functions are the tool {name}; the last one is used. Rename the others with @tool(name=…)."
                for name, count in names.items()
                if count > 1
            ),
            *(f"Your tool {name} takes the place of the built-in tool of that name." for name in sorted(hidden)),
        ]

    @cached_property
    def files(self) -> Toolset:
        """The file tools. A worker has some only where its own Copilot was given a root."""
        if self.root is None:
            return StaticToolset()
        from .tools.files import file_tools

        return StaticToolset(file_tools(self.root))

    def deps(self) -> Mapping[str, Any]:
        """What tools that run here may use (ToolContext.deps)."""
        return {**host().deps, "root": self.root}

    def policy(self, request: RunRequest) -> Policy:
        rule = self.approvals if callable(self.approvals) else _rule(request.approvals)
        granted = partial(covered, request.grants)
        return Policy(cast("Rule", rule), headless=request.headless, granted=granted)

    # ---- what leaves the process with a request ----------------------------------------------------------

    def luggage(self, model: str | None) -> Mapping[str, Any]:
        """Fields of a request that a worker can serve. Raises UsageError for what cannot leave the process."""
        if self.api_key:
            raise UsageError(
                "A key that is given to Copilot(api_key=…) stays in this process.",
                hint="Give it to the workers, as COPILOT_API_KEY in their environment.",
            )
        wanted = model or setting("model", self.model, env="COPILOT_MODEL", default="")
        if not isinstance(wanted, str):
            raise UsageError(
                "A model that is an object of this process cannot answer on a worker.",
                hint='Name it as "provider/model", or let the run be executed in the kernel.',
            )
        for prefix in _FILES:
            if wanted.startswith(prefix):
                wanted = prefix + str(Path(wanted[len(prefix) :]).expanduser().absolute())
        return {
            "model": wanted,
            "api_base": setting("api_base", self.api_base, env="COPILOT_API_BASE"),
            "kernel": KERNEL,
            "kernel_tools": [_described(tool) for tool in self.toolset().tools().values() if not runs_in_client(tool)],
        }

    # ---- models ------------------------------------------------------------------------------------------

    async def _model(self, request: RunRequest) -> Model:
        wanted = request.model or setting("model", self.model, env="COPILOT_MODEL")
        base = request.api_base or setting("api_base", self.api_base, env="COPILOT_API_BASE")
        key = (wanted, base)
        if key not in self._models:
            owner = setting("model", self._key_model, env="COPILOT_MODEL")
            owner = owner if owner is None or isinstance(owner, str) else "demo"  # an object has no use for a key
            model = await resolve(wanted, api_base=base, api_key=self.api_key, key_model=owner)
            if ask_first(model):
                raise _not_chosen(model)
            self._models = {key: model}  # the last one: a worker does not collect what every user has named
        self.resolved = self._models[key]
        if request.record is None:
            return self.resolved
        return Recorder(self.resolved, request.record, secrets=[self.api_key] if self.api_key else [])


class _Offered:
    """A set without the tools that nobody would run for this request."""

    def __init__(self, inner: Toolset, request: RunRequest) -> None:
        self._inner = inner
        self._request = request

    def tools(self) -> Mapping[str, Tool]:
        return {name: tool for name, tool in self._inner.tools().items() if self._is_run(tool)}

    def _is_run(self, tool: Tool) -> bool:
        asks_viewer = tool is ask_user and not self._request.headless
        return self._request.client or asks_viewer or not runs_in_client(tool)


def _rule(text: str) -> str:
    """A function that decides is the asking kernel's; where only its name has come, a person is asked."""
    return text if text in ("ask", "auto", "never") else "ask"


def _described(tool: Tool) -> KernelTool:
    schema = tool.schema
    return KernelTool(
        name=schema.name, description=schema.description, input_schema=dict(schema.input_schema), title=tool.title
    )


def _not_chosen(model: Model) -> CopilotError:
    """A key in the environment is no consent to send data there: the user names the model once."""
    return CopilotError(
        f"{model.info.reason.rstrip('.')}, but nothing was sent: you have not chosen it yet.",
        hint=f'Choose it: %config Copilot.model = "{model.info.name}", --model, or COPILOT_MODEL. "demo" needs no key.',
        code="not-chosen",
    )


__all__ = ["KERNEL", "Agents", "ToolSource"]
