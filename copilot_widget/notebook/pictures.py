"""`get_output_image`: a plot as a picture that a model sees, drawn small. Never as text."""

from __future__ import annotations

import base64
import importlib
import io
import struct
from collections.abc import Sequence
from typing import Any

from ..errors import ToolError, UsageError
from ..tools.base import MimeBundle, ToolContext, ToolResult
from ..tools.function import FunctionTool, tool
from ..tools.result import figure_of, figure_words
from .document import NoDocumentError, document
from .paths import resolve

_SIDE = 1_024  # pixels of the longer side
_BYTES = 300_000
_UNASKED = 3  # pictures of one call
_SEEN = ("image/png", "image/jpeg")


def seen_of(bundles: Sequence[MimeBundle]) -> tuple[int | MimeBundle, ...]:
    """Of displays, what a model that sees gets of them unasked: the last pictures, each by its number, or a smaller one
    in its place (ToolResult's `Converted.seen`)."""
    found: list[int | MimeBundle] = []
    for number in reversed(range(len(bundles))):
        mime = next((mime for mime in _SEEN if isinstance(bundles[number].get(mime), str)), None)
        if mime is None:
            continue
        try:
            small = _small(mime, base64.b64decode(bundles[number][mime]))
        except Exception:  # no picture, or one that nothing here can read
            continue
        found.append(small or number)
        if len(found) == _UNASKED:
            break
    return tuple(reversed(found))


def _small(mime: str, data: bytes) -> MimeBundle | None:
    """A picture of at most `_SIDE` pixels and `_BYTES`; None where it is no larger as it is."""
    is_png = data[:8] == b"\x89PNG\r\n\x1a\n"
    if is_png and len(data) <= _BYTES and max(struct.unpack(">II", data[16:24])) <= _SIDE:
        return None
    library = importlib.import_module("PIL.Image")
    image: Any = library.open(io.BytesIO(data))
    if len(data) <= _BYTES and max(image.size) <= _SIDE:
        return None
    image.draft("RGB", (_SIDE, _SIDE))
    image = image.convert("RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB")
    side = _SIDE
    while True:
        image.thumbnail((side, side))
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
        if buffer.tell() <= _BYTES or side < 100:
            return {"image/png": base64.b64encode(buffer.getvalue()).decode()}
        side = side * 7 // 10


def picture_tool(shell: Any) -> FunctionTool[..., Any]:
    """`get_output_image`."""

    @tool(name="get_output_image", title="Look at a plot", read_only=True, timeout=60.0)
    def get_output_image(context: ToolContext, cell: str = "", variable: str = "", which: int = 0) -> ToolResult:
        """Look at a plot of the user's notebook, if you can see pictures: of a cell's output, or of a variable.

        Args:
            cell: The cell that shows it: its number as [12], or its id from read_cells.
            variable: Or a variable that is a figure, or a part of one.
            which: Of several pictures of a cell, from 1; 0 is the last.
        """
        if bool(cell) == bool(variable):
            raise ToolError("Give either cell or variable.", hint='As cell="[12]", or variable="fig".')
        return _of_variable(shell, variable) if variable else _of_cell(cell, which, context)

    return get_output_image


def _of_cell(cell: str, which: int, context: ToolContext) -> ToolResult:
    try:
        found = document().ask(context.run_id, "picture", cell=cell, which=which)
    except NoDocumentError as error:
        raise ToolError(
            f"The picture cannot be reached: {error.message}",
            hint="What cells displayed is kept by the page only. Give a variable that is a figure, if there is one.",
        ) from None
    number = found.get("executionCount")
    more = f", the last of {found['count']}" if found["count"] > 1 and not which else ""
    where = f"cell [{number}]" if number else f"cell {found['index'] + 1} from the top"
    words = f"A picture of {where}{more}, drawn with {found['width']} × {found['height']} pixels."
    return ToolResult(words, [{found["mediaType"]: found["data"], "text/plain": words}], sees=True)


def _of_variable(shell: Any, name: str) -> ToolResult:
    try:
        value = resolve(name, shell.user_ns)
    except UsageError as error:
        raise ToolError(error.message, hint=error.hint) from error
    figure = figure_of(value)
    if figure is None:
        raise ToolError(f"{name} is no matplotlib figure.", hint="Give the cell that shows the plot.")
    mime, data = _drawn(figure)
    words = f"{name}: {figure_words(figure)}"
    return ToolResult(words, [{mime: base64.b64encode(data).decode(), "text/plain": words}], sees=True)


def _drawn(figure: Any) -> tuple[str, bytes]:
    """PNG, at most `_SIDE` pixels long and `_BYTES` large."""
    dpi = min(100.0, _SIDE / max(*figure.get_size_inches(), 0.1))
    while True:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi)
        if buffer.tell() <= _BYTES or dpi < 10:
            return "image/png", buffer.getvalue()
        dpi *= 0.7


__all__ = ["picture_tool", "seen_of"]
