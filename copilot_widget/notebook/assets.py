"""The front end's bundle, delivered once a page.

`_esm` is a synced trait of every anywidget: a bundle in it would travel with each widget. So each chat widget's
`_esm` is a small loader, and the bundle is the state of one shared widget that the loader looks up.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path

import traitlets
from ipywidgets import Widget  # pyright: ignore[reportMissingTypeStubs]

from ..errors import CopilotError

STATIC = Path(__file__).parent.parent / "static"


class AssetsWidget(Widget):
    """Holds the gzipped bundle and its hash; has no view."""

    bundle = traitlets.Bytes().tag(sync=True)
    hash = traitlets.Unicode().tag(sync=True)


_assets: AssetsWidget | None = None


def assets() -> AssetsWidget:
    """The one of this kernel; made again where `Widget.close_all()` has closed it."""
    global _assets
    if _assets is None or _assets.comm is None:
        code = read("widget.js")
        _assets = AssetsWidget(bundle=compressed("widget.js"), hash=hashlib.sha256(code).hexdigest()[:16])
    return _assets


def read(name: str) -> bytes:
    """A built file of the front end. Raises CopilotError where it was not built, or there is none of that name."""
    path = STATIC / name
    if path.parent != STATIC or not path.is_file():
        raise CopilotError(
            f"The front end's file {name!r} is not there.",
            hint="In a checkout run `make`; otherwise install copilot-widget again.",
            code="no-asset",
        )
    return path.read_bytes()


@lru_cache(maxsize=32)
def compressed(name: str) -> bytes:
    """The same, gzipped (the page has DecompressionStream)."""
    return gzip.compress(read(name), mtime=0)
