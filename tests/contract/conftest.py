"""Every implementation of each seam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .logs import Opener, memory

LOGS: dict[str, Callable[..., Any]] = {"memory": lambda request: memory}


@pytest.fixture(params=list(LOGS))
def opener(request: pytest.FixtureRequest) -> Callable[..., Opener]:
    """Makes a new log: opener(**options) returns a function that opens it, once or several times."""
    return LOGS[request.param](request)
