"""Whatever a tool returned, as what the model reads and what the card shows; both of bounded size.

`to_output(value)` gives `(output, display)`: JSON for the model (a picture is a few words there, never base64) and
a list of MIME bundles for the card, empty where the card should simply show the output.
"""

from __future__ import annotations

import base64
import inspect
import io
import itertools
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ..models.base import Json
from .ai_repr import ai_repr, is_bundle, without_tags
from .base import MimeBundle, ToolResult
from .frames import is_frame, is_series
from .jsonable import OUTPUT_LIMIT, cut, json_text, plain_items, safe_repr, to_json
from .kinds import has, is_a

TEXT_LIMIT = 200_000
"""Characters of a text in a card's bundle."""
IMAGE_LIMIT = 5_000_000
"""Bytes of an image in a card's bundle."""
_MAX_BUNDLES = 20


@dataclass(frozen=True)
class Converted(ToolResult):
    """A result whose output and display `to_output` has made: bounded already, and not to be cut twice."""

    seen: tuple[int | MimeBundle, ...] | None = None
    """What the model gets as pictures where it `sees`: numbers of bundles of the display, or smaller pictures in place
    of some. None: all pictures of the display."""


_REPR_METHODS = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
    "_repr_latex_": "text/latex",
    "_repr_json_": "application/json",
}
_TEXTUAL = (str, bytes, bytearray, int, float, bool, type(None))


def to_output(value: Any, limit: int = OUTPUT_LIMIT) -> tuple[Json, list[MimeBundle]]:
    """What the model reads (JSON, about `limit` characters at most) and what the card shows."""
    if isinstance(value, Converted):
        return value.output, cast("list[MimeBundle]", value.display or [])
    if isinstance(value, ToolResult):
        return _of_result(value, limit)
    if (described := ai_repr(value)) is not None:
        return to_json(described, limit), display_of(value)
    if isinstance(value, _TEXTUAL) or inspect.isclass(value) or inspect.isroutine(value):
        return to_json(value, limit), []
    if is_frame(value) or is_series(value):
        return to_json(value, limit), display_of(value)
    if isinstance(value, (list, tuple, dict)):
        items = cast("Any", value.values() if isinstance(value, dict) else value)
        return _of_container(value, list(items) if len(items) <= _MAX_BUNDLES else [], limit)
    shown = display_of(value)
    if not shown:
        return to_json(value, limit), []
    return cut(_text_of(value, shown[0]), limit), shown


def display_of(value: Any) -> list[MimeBundle]:
    """MIME bundles of an object with a rich form, [] of one without."""
    if value is None:
        return []
    if is_bundle(value):
        return [bound_bundle(cast("MimeBundle", value))]
    if is_a(value, list, tuple):
        parts = itertools.islice(plain_items(value)[0], _MAX_BUNDLES)
        return [bundle for part in parts for bundle in display_of(part)][:_MAX_BUNDLES]
    bundle = _bundle(value)
    return [bound_bundle(bundle)] if bundle else []


def bound_bundle(bundle: Mapping[str, Any]) -> MimeBundle:
    """`bundle` with base64 images, JSON-safe, and without what is too large to send; says so where nothing is left."""
    result: MimeBundle = {}
    dropped: list[str] = []
    for mime, data in bundle.items():
        if isinstance(data, (bytes, bytearray)):
            data = base64.b64encode(data).decode("ascii")
        if mime.startswith("image/") and mime != "image/svg+xml":
            fits = isinstance(data, str) and len(data) * 3 // 4 <= IMAGE_LIMIT
        elif mime == "text/plain":
            data, fits = cut(str(data), TEXT_LIMIT), True
        elif isinstance(data, str):
            fits = len(data) <= TEXT_LIMIT  # half an HTML document is worse than none
        else:
            data = to_json(data, 2 * TEXT_LIMIT)
            fits = len(json_text(data)) <= TEXT_LIMIT
        if fits:
            result[mime] = data
        else:
            dropped.append(f"{mime} ({_length(data) / 1e6:.1f} MB)")
    if dropped and not any(mime != "text/plain" for mime in result):
        result["text/plain"] = (
            str(result.get("text/plain", "")) + f"\n[too large to show: {', '.join(dropped)}]"
        ).strip()
    return result


def _length(data: Any) -> int:
    return len(data) if isinstance(data, str) else len(json_text(data))


def _of_result(value: ToolResult, limit: int) -> tuple[Json, list[MimeBundle]]:
    output, own = to_output(value.output, limit)
    if value.display is None:
        return output, own
    shown = display_of(value.display)
    if not shown:  # a plain value to show: its text is better than nothing
        text = value.display if isinstance(value.display, str) else safe_repr(value.display, TEXT_LIMIT)
        shown = [bound_bundle({"text/plain": text})]
    return output, shown


def _of_container(value: Any, items: list[Any], limit: int) -> tuple[Json, list[MimeBundle]]:
    """A tuple, list or dict: rich members are shown below each other and named in words to the model."""
    texts: dict[int, Json] = {}
    shown: list[MimeBundle] = []
    for item in items:
        if isinstance(item, (*_TEXTUAL, list, tuple, dict)):
            continue
        output, bundles = to_output(item, limit)
        if bundles:
            shown += bundles
            texts[id(item)] = output
    if not texts:
        return to_json(value, limit), []
    if isinstance(value, dict):
        named = {key: texts.get(id(item), item) for key, item in cast("dict[Any, Any]", value).items()}
        return to_json(named, limit), shown[:_MAX_BUNDLES]
    return to_json([texts.get(id(item), item) for item in items], limit), shown[:_MAX_BUNDLES]


# ---- rich forms ----------------------------------------------------------------------------------------


def _bundle(value: Any) -> MimeBundle:
    """The rich forms an object offers; {} for none. A repr that raises counts as not offered."""
    if is_a(value, *_TEXTUAL, type):
        return {}
    figure = figure_of(value)
    if figure is not None:
        return {"image/png": _figure_png(figure), "text/plain": figure_words(figure)}
    image = _pillow_png(value)
    if image is not None:
        return {"image/png": image, "text/plain": f"image, {value.size[0]} × {value.size[1]} pixels"}
    result: MimeBundle = {}
    offered = _first(_call(value, "_repr_mimebundle_", include=None, exclude=None))
    if is_bundle(offered):
        result.update(cast("MimeBundle", offered))
    for method, mime in _REPR_METHODS.items():
        if mime not in result:
            data = _first(_call(value, method))
            if data is not None:
                result[mime] = data
    result.update({mime: data for mime, data in _formatted(value).items() if mime not in result})
    if result and "text/plain" not in result:
        result["text/plain"] = safe_repr(value, 2_000)
    return result


def _first(data: Any) -> Any:
    """The data of a pair (data, metadata)."""
    return data[0] if is_a(data, tuple) and data else data


def _call(value: Any, method: str, **arguments: Any) -> Any:
    if not has(value, method):  # on the class: some objects answer to every attribute
        return None
    try:
        return getattr(value, method)(**arguments)
    except Exception:
        return None


def _formatted(value: Any) -> MimeBundle:
    """What formatters registered with a running IPython make of the value (libraries register them by type)."""
    ipython = sys.modules.get("IPython.core.interactiveshell")
    shell = ipython.InteractiveShell._instance if ipython is not None else None
    formatter = getattr(shell, "display_formatter", None)
    result: MimeBundle = {}
    for mime, one in getattr(formatter, "formatters", {}).items():
        if mime in ("text/plain", "application/javascript"):
            continue
        try:
            data = _first(one.lookup(value)(value))
        except Exception:  # KeyError: none for this type
            continue
        if isinstance(data, (str, bytes, dict)) and data:
            result[mime] = data
    return result


def figure_of(value: Any) -> Any:
    """The matplotlib figure that `value` is or belongs to (an Axes, an array of them), or None."""
    library = sys.modules.get("matplotlib.figure")
    if library is None:
        return None
    if is_a(value, library.Figure):
        return value
    numpy = sys.modules.get("numpy")
    if numpy is not None and type(value) is numpy.ndarray and value.dtype == object and value.size:
        value = value.flat[0]
    artist = getattr(sys.modules.get("matplotlib.artist"), "Artist", None)
    if artist is None or not is_a(value, artist):
        return None
    found = getattr(value, "figure", None)
    return found if is_a(found, library.Figure) else None


def _figure_png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    if buffer.tell() > IMAGE_LIMIT:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=50)
    return buffer.getvalue()


def figure_words(figure: Any) -> str:
    """A figure in words, for the model and for readers without images."""
    parts = [f"figure with {len(figure.axes)} axes"]
    for axes in figure.axes[:6]:
        labels = [axes.get_title(), axes.get_xlabel(), axes.get_ylabel()]
        words = [f"{name} {text!r}" for name, text in zip(("title", "x", "y"), labels, strict=True) if text]
        series = [f"{len(axes.lines)} lines"] if axes.lines else []
        series += [f"{len(axes.patches)} bars or patches"] if axes.patches else []
        series += [f"{len(axes.collections)} collections"] if axes.collections else []
        parts.append(", ".join(words + series) or "empty")
    return cut("; ".join(parts), 1_000)


def _pillow_png(value: Any) -> bytes | None:
    library = sys.modules.get("PIL.Image")
    if library is None or not is_a(value, library.Image):
        return None
    image: Any = value if value.mode in ("1", "L", "P", "RGB", "RGBA") else value.convert("RGB")
    while True:
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
        if buffer.tell() <= IMAGE_LIMIT or max(image.size) < 100:
            return buffer.getvalue()
        image = image.resize((max(image.width // 2, 1), max(image.height // 2, 1)))


# ---- words ---------------------------------------------------------------------------------------------


def _text_of(value: Any, bundle: MimeBundle) -> str:
    if "text/markdown" in bundle:
        return str(bundle["text/markdown"])
    plain = str(bundle.get("text/plain", ""))
    if "text/html" in bundle and re.match(r"<\S+ object at 0x", plain):
        return without_tags(str(bundle["text/html"])) or plain
    return plain or safe_repr(value, OUTPUT_LIMIT)


__all__ = [
    "IMAGE_LIMIT",
    "TEXT_LIMIT",
    "Converted",
    "bound_bundle",
    "display_of",
    "figure_of",
    "figure_words",
    "to_output",
]
