"""What every test relies on: no key of the developer's, no store of the developer's, no way out of this machine."""

from __future__ import annotations

import os
import sys
from typing import Any

_PREFIXES = (
    "COPILOT_",
    "OPENAI_",
    "ANTHROPIC_",
    "GEMINI_",
    "GOOGLE_",
    "OPENROUTER_",
    "AZURE_",
    "AWS_",
    "OLLAMA_",
    "LITELLM_",
)

for _name in [name for name in os.environ if name.startswith(_PREFIXES)]:
    del os.environ[_name]
os.environ["COPILOT_STORE"] = "off"


def _stay_here(event: str, args: tuple[Any, ...]) -> None:
    """Refuse every connection that leaves the machine: a test that asks a real model is a bug, and costs money."""
    if event != "socket.connect":
        return
    address = args[1]
    if isinstance(address, tuple) and not str(address[0]).startswith(("127.", "0.0.0.0", "::1", "localhost")):
        raise PermissionError(f"tests reach this machine only, not {address[0]}")


sys.addaudithook(_stay_here)
