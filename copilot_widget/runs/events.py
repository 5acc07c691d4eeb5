"""The events of one run in this process's memory."""

from __future__ import annotations

import functools
import marshal
import zlib
from collections.abc import Sequence
from typing import NamedTuple, overload

from .base import Event

_PAGE = 256
"""Events that are packed together: who reads one reads its neighbours next."""
_FEW = 64
"""So few are not worth it: the turns of a kept conversation, of which hundreds are opened at once."""


class _Held(NamedTuple):
    pages: tuple[bytes, ...]
    packed: int
    """Events in them; each is full but the last."""
    loose: list[Event]


class Events(Sequence[Event]):
    """`events[i]` has seq i + 1. It only grows, so reading it needs no lock.

    The event of a token takes half a kilobyte as a dict, and a fortieth of that packed. All are kept: by a notebook as
    long as its kernel lives, by a server for a day. So all but the newest are packed, a page at a time.
    """

    def __init__(self) -> None:
        self._held = _Held((), 0, [])  # replaced as a whole, since others read meanwhile

    def append(self, event: Event) -> None:
        """By one writer, and nothing after `pack`."""
        pages, packed, loose = self._held
        assert packed == len(pages) * _PAGE, "nothing follows the last page"
        loose.append(event)
        if len(loose) % _PAGE == 0 and len(loose) > _PAGE:
            self._pack()

    def pack(self) -> None:
        """Once nothing more will come."""
        while len(self._held.loose) >= _FEW and self._pack():
            pass

    def _pack(self) -> bool:
        pages, packed, loose = self._held
        first = loose[:_PAGE]
        try:
            # marshal: only this process reads it, and half characters, which JSON cannot carry, come back as they were
            page = zlib.compress(marshal.dumps(first), 1)
        except ValueError:
            return False  # a chunk holds what is no JSON: it is kept as it is
        self._held = _Held((*pages, page), packed + len(first), loose[_PAGE:])
        return True

    def after(self, cursor: int) -> list[Event]:
        """Those that follow the first `cursor`, a page of them at most: several who read all do not unpack for each."""
        return self[cursor : cursor + _PAGE]

    def __len__(self) -> int:
        return self._held.packed + len(self._held.loose)

    @overload
    def __getitem__(self, place: int) -> Event: ...
    @overload
    def __getitem__(self, place: slice) -> list[Event]: ...
    def __getitem__(self, place: int | slice) -> Event | list[Event]:
        held = self._held
        places = range(held.packed + len(held.loose))[place]
        return _at(held, places) if isinstance(places, int) else [_at(held, each) for each in places]


def _at(held: _Held, place: int) -> Event:
    if place >= held.packed:
        return held.loose[place - held.packed]
    return _unpacked(held.pages[place // _PAGE])[place % _PAGE]


@functools.lru_cache(maxsize=8)
def _unpacked(page: bytes) -> list[Event]:
    return marshal.loads(zlib.decompress(page))


__all__ = ["Events"]
