"""Settings: what `%config Copilot.…` and traitlets config files set, with the environment behind them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from traitlets import Any as AnyTrait
from traitlets import Int, Unicode
from traitlets.config import Configurable

from .errors import UsageError


class Settings(Configurable):
    """Defaults of every Copilot of this process; an argument of Copilot(…) goes before them."""

    model = Unicode(
        "", help="provider/model, demo, replay:FILE or script:FILE; empty: COPILOT_MODEL, then detection"
    ).tag(config=True)
    api_base = Unicode("", help="address of the model's server; empty: COPILOT_API_BASE").tag(config=True)
    instructions = Unicode("", help="standing instructions, put before those of a Copilot").tag(config=True)
    approvals = Unicode("ask", help="ask, auto (allow all) or never (deny all)").tag(config=True)
    max_steps = Int(20, help="model requests one run may make").tag(config=True)
    budget = Unicode("", help="'0.50 USD' or '20000 tokens' for each run; empty: none").tag(config=True)
    executor = Unicode("", help="where runs are executed; empty: COPILOT_EXECUTOR, then kernel").tag(config=True)
    mcp = AnyTrait(help="MCP servers, as in Copilot(mcp=…): the path of a JSON file, a dict like it, or a list").tag(
        config=True
    )
    store = Unicode("", help="where conversations are kept: a database URL, or off; empty: COPILOT_STORE").tag(
        config=True
    )
    redis = Unicode("", help="address of the workers' logs; empty: COPILOT_REDIS").tag(config=True)


# `%config` and config files name a section after the class, and what the user knows is Copilot.
Settings.__name__ = "Copilot"

_settings: Settings | None = None


def settings() -> Settings:
    """The settings of this process."""
    global _settings
    if _settings is None:
        _settings = Settings()
    return _settings


def use(new: Settings) -> None:
    """Make `new` the settings of this process: an extension passes those that belong to its shell."""
    global _settings
    _settings = new


def setting(name: str, argument: Any = None, *, env: str | None = None, default: Any = None) -> Any:
    """The value of one setting: argument, then settings, then the environment, then `default`."""
    if argument is not None:
        return argument
    configured = getattr(settings(), name, None)
    if configured not in (None, ""):
        return configured
    if env is not None and os.environ.get(env):
        return os.environ[env]
    return default


def check_max_steps(value: Any) -> int:
    """`value` as a number of steps. Raises UsageError."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise _bad_max_steps(value)
    try:
        number = int(value)
    except ValueError:
        raise _bad_max_steps(value) from None
    if not 1 <= number <= 1_000:
        raise _bad_max_steps(value)
    return number


def _bad_max_steps(value: Any) -> UsageError:
    return UsageError(f"max_steps is {value!r}, which is not a whole number from 1 to 1000.", hint="The default is 20.")


def data_folder() -> Path:
    """Where conversations and runs are kept: `copilot` in Jupyter's data folder (JUPYTER_DATA_DIR)."""
    try:
        from jupyter_core.paths import jupyter_data_dir
    except ImportError:
        import platformdirs

        jupyter = os.environ.get("JUPYTER_DATA_DIR") or platformdirs.user_data_dir("jupyter")
    else:
        jupyter = jupyter_data_dir()
    return Path(jupyter) / "copilot"
