"""Where a message keeps what the card of a call shows: data parts `data-display`, each a list of MIME bundles.

The first has the call's id. What comes while the call runs gets a part of its own, under that id and a number, so that
ten pictures cost ten pictures: a part can only be replaced as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

DISPLAY = "data-display"
_NUMBER = re.compile(r" [1-9]\d*\Z")


def display_id(call_id: str, number: int) -> str:
    """The id of a call's part, from 0."""
    return f"{call_id} {number}" if number else call_id


def call_of(part_id: str) -> str:
    """The call that a part with this id belongs to."""
    return _NUMBER.sub("", part_id)


def displayed(data_of: Callable[[str], Any], call_id: str) -> list[Any]:
    """The bundles that a call shows, in their order. `data_of` gives the data of the part with an id, None for none."""
    bundles: list[Any] = []
    number = 0
    while (data := data_of(display_id(call_id, number))) is not None:
        bundles += cast("list[Any]", data) if isinstance(data, list) else [data]
        number += 1
    return bundles


__all__ = ["DISPLAY", "call_of", "display_id", "displayed"]
