"""Which models a client may name: each one is asked with the server's keys, from the server's network."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from ..config import setting
from ..copilot import Copilot
from ..errors import UsageError
from ..models.names import normalise
from ..models.providers import provider_of

_ADDRESS = re.compile(r"://|https?:", re.IGNORECASE)


def check_model(name: str, copilot: Copilot, allowed: Iterable[str] = ()) -> str:
    """The name that a client gave. The demo, models of the app's own provider, and those that a pattern in `allowed`
    names may be asked. Raises UsageError for any other, and for a name that holds an address."""
    if name in ("", "demo"):
        return name
    if _ADDRESS.search(name):  # some providers take one in the place of a model
        raise UsageError("The model must be a name, as provider/model.")
    base = setting("api_base", copilot.agents.api_base, env="COPILOT_API_BASE")
    own = setting("model", copilot.agents.model, env="COPILOT_MODEL")
    wanted = normalise(name, api_base=base)
    if provider_of(wanted) == _own_provider(own, base) or any(fnmatchcase(wanted, each) for each in allowed):
        return name
    raise UsageError(
        f"The model {name[:200]!r} is not served here.",
        hint="The server names those that are, with copilot-widget serve --allow-model.",
        code="model",
    )


def _own_provider(own: object, base: str | None) -> str | None:
    if isinstance(own, str) and own:
        try:
            return provider_of(normalise(own, api_base=base))
        except UsageError:  # the demo, a script, a recording
            return None
    return "openai" if own is None and base else None


__all__ = ["check_model"]
