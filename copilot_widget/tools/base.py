"""What a tool is to the agent: a name, a schema, and a call that yields outputs.

`Tool` is the seam; `@tool` (tools/function.py) makes one of a Python function. A `Toolset` is where an agent
finds its tools by name; toolsets wrap each other (filter, prefix, approve).
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from ..models.base import Json, ToolSchema

MimeBundle = dict[str, Any]
"""MIME type → data, as Jupyter's display_data has it; images are base64 text."""


@dataclass(frozen=True)
class ToolResult:
    """A tool's result: `output` is what the model reads, `display` what the card shows.

    `output`: a str, or anything json.dumps takes. `display`: a MIME bundle, a list of MIME bundles (shown one below
    the other), any object with a rich repr, or None (the card then shows the output itself).
    A function that returns anything else than a ToolResult has its value turned into one.
    """

    output: Json = None
    display: Any = None
    preliminary: bool = False
    """A preliminary output is shown until the next one replaces it; the model never reads it."""
    sees: bool = False
    """A model that can see gets the display's pictures, too. Each further request sends them: keep them small."""


@dataclass
class ToolContext:
    """What a running call may know and ask for."""

    call_id: str
    run_id: str
    deps: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Objects the host offers by name: "shell" (the IPython shell), "main_thread" (a MainThread), "capture"
    (a function that makes a running.Captured, which keeps what a call prints and displays)."""
    notify: Callable[[str], None] = lambda text: None
    """Show a short status in the call's row ("waiting for cell [12]"; "" clears it). Any thread may call it."""
    basis: str | None = None
    """What the user's consent rests on (ApprovalRequest.basis); None where nobody was asked."""
    stopped: threading.Event = field(default_factory=threading.Event)
    """Set when the call is over or has been given up (Stop, timeout); a long function may look at it."""


@dataclass(frozen=True)
class ApprovalRequest:
    """What the user is asked before a call that acts. `title` completes "Allow: …?"."""

    title: str
    code: str = ""
    language: str = ""
    diff: str = ""
    basis: str = ""
    """What the question rests on besides the arguments, such as a digest of a file: the call gets it with the consent
    (ToolContext.basis) and refuses where it no longer holds. Nobody is shown it."""
    edits: str = ""
    """Name of an argument that the diff shows, and that the user may write anew before the call is allowed."""


@runtime_checkable
class Tool(Protocol):
    """One tool. `call` is an async generator function: its last ToolResult that is not preliminary is the result.

    A tool that must look at what lies elsewhere before it can say what to ask has one method more, as `approval` but
    with time: `async question(input, context) -> ApprovalRequest | None`. `approval` then says what is known without.
    """

    @property
    def schema(self) -> ToolSchema: ...

    @property
    def title(self) -> str:
        """Short human name for the row ("Run code")."""
        ...

    @property
    def timeout(self) -> float:
        """Seconds after which a call is given up; inf for none."""
        ...

    @property
    def parallel(self) -> bool:
        """True where calls may run beside others; other calls run one after the other, in call order."""
        ...

    def parse(self, text: str) -> Json:
        """Validate the arguments' JSON text and return them as JSON (what the card shows and `call` gets).

        Raises ToolError with a message for the model ("order_id: should be a valid integer, got 'x'").
        """
        ...

    def approval(self, input: Json) -> ApprovalRequest | None:
        """What to ask the user before this call, or None where it only reads.

        Raises ToolError where the call cannot succeed as things are: the model is told, and nobody is asked.
        """
        ...

    def call(self, input: Json, context: ToolContext) -> AsyncIterator[ToolResult]:
        """Run it. ToolError and any other exception become the tool's error result. Cancelled on Stop."""
        ...


@runtime_checkable
class Toolset(Protocol):
    """Tools by name. Asked anew at each step, so what it holds may change between steps."""

    def tools(self) -> Mapping[str, Tool]: ...


def tool_name(tool: Tool) -> str:
    """A tool's name; a tool that keeps it apart from its schema need not build the schema, which loads pydantic."""
    name = getattr(tool, "name", None)
    return name if isinstance(name, str) else tool.schema.name
