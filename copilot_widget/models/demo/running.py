"""Running code through run_code, and what to say where that was not possible."""

from __future__ import annotations

from .tables import Output, code, output_of
from .turn import NotOffered, Turn


class NoResult(Exception):  # noqa: N818 - control flow, not an error
    """The code did not run or failed; `text` is the answer."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


_OWN_CELL = "It only reads; to run it yourself, put it in a cell:"


def _why(denial: str) -> str:
    """Who denied the code: the user, or the rules where nobody is there to ask."""
    _, _, reason = denial.partition("Reason:")
    return f"The code was not allowed ({reason.strip().rstrip('.')})" if reason.strip() else "You denied the code"


def in_function(source: str) -> str:
    """The lines of `source` in a function that is called at once, so that none of its names hides one of the user's."""
    lines = source.splitlines()
    if len(lines) < 2:
        return source
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    rest = [f"    {line}" if line else "" for line in lines if line not in imports]
    while rest and not rest[0]:
        rest.pop(0)
    return "\n".join([*imports, *(["", ""] if imports else []), "def _look():", *rest, "", "", "_look()"])


def run(turn: Turn, source: str, say: str, *, reads: bool = True) -> Output:
    """The output of `source`. Raises NoResult where it was denied, failed or cannot run, Need to have it run."""
    try:
        output = output_of(turn.call("run_code", {"code": source}, say))
    except NotOffered:
        raise NoResult(f"I have no tool to run code here. This answers it:\n\n{code(source)}") from None
    if output.denied:
        raise NoResult(f"{_why(output.error)}, so nothing was run. {_OWN_CELL if reads else ''}\n\n{code(source)}")
    if output.error:
        raise NoResult(f"The code did not work:\n\n{code(output.error[-1500:], 'text')}\n\nIt was:\n\n{code(source)}")
    return output


__all__ = ["NoResult", "in_function", "run"]
