"""What the page is told of a widget besides its runs' events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ..models.detect import known
from ..past import FORGOTTEN, NEW, divider
from ..runs.executor import KernelExecutor
from .slash import offered

if TYPE_CHECKING:
    from ..copilot import Copilot
    from ..run import Run
    from .widget import Kind


def about(copilot: Copilot, runs: Sequence[Run]) -> dict[str, Any]:
    """What may change without a turn: the model, and the line below the last turn."""
    info = copilot.model_info
    return {
        "thread": copilot.thread,
        "model": {"name": info.name or _model_of(runs), "badge": info.badge, "reason": info.reason},
        "divider": _divider_below(copilot, runs),
    }


def choices(copilot: Copilot, kind: Kind) -> dict[str, Any]:
    """What header and composer offer: models that are known without asking any server, none where a view chooses none,
    and what the empty composer says."""
    return {"models": _models(copilot), "placeholder": _placeholder(kind)}


def _placeholder(kind: Kind) -> str:
    if kind == "turn":
        return "Ask a follow-up…"
    return "Ask, @ for a variable, / for a command…" if offered() else "Ask…"  # an app's visitors have neither


def _models(copilot: Copilot) -> list[str]:
    if not any(command.name == "model" for command in offered()):
        return []
    used = [run.request.model for run in copilot.asked if run.request.model]
    names = [name for name in (copilot.model_info.name, *used) if name]
    return list(dict.fromkeys([*names, *known()]))


def turns(runs: Sequence[Run]) -> list[dict[str, Any]]:
    return [turn(run, runs[place - 1] if place else None) for place, run in enumerate(runs)]


def turn(run: Run, before: Run | None) -> dict[str, Any]:
    """One turn; `before` is the one that is shown above it."""
    stated: dict[str, Any] = {
        "id": run.id,
        "run": run.id,
        "user": run.prompt.to_wire(),
        "status": run.status,
        "seq": len(run.feed.events),
    }
    if not isinstance(run.executor, KernelExecutor):
        stated["elsewhere"] = True
    line = divider(run, before)
    if line:
        stated["divider"] = line
    return stated


def _divider_below(copilot: Copilot, runs: Sequence[Run]) -> str | None:
    if not runs:
        return None
    if runs[-1].request.thread != copilot.thread and not copilot.turns:
        return NEW
    return FORGOTTEN if copilot.forgets else None


def _model_of(runs: Sequence[Run]) -> str:
    """What the last one that names a model was asked of, where this process has not used one itself."""
    named = [run.request.model for run in runs if run.request.model]
    kind, separator, name = named[-1].partition(":") if named else ("", "", "")
    return f"{kind}:{PurePath(name).name}" if separator and kind in ("script", "replay") else kind + separator + name


__all__ = ["about", "choices", "turn", "turns"]
