"""`ask_user`: a question that the model puts to the person who watches, in the view of the run."""

from __future__ import annotations

from typing import Annotated

from .function import tool


@tool(client=True, title="Ask the user", read_only=True)
def ask_user(
    question: str,
    choices: Annotated[list[str], "Up to six answers to choose from; the user may write another one."] = [],  # noqa: B006
) -> str:
    """Ask the user one question and wait, where the answer decides what to do and cannot be found out otherwise."""
    raise AssertionError("the view answers")


__all__ = ["ask_user"]
