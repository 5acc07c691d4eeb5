"""The value of a JSON text that is still being written."""

from __future__ import annotations

import re
from typing import Any

from .jsontext import loads_safely
from .tool_part import ABSENT

_LITERALS = ("true", "false", "null")
_AFTER = {"Value": "End", "ObjectValue": "ObjectNext", "FirstItem": "ArrayNext", "Item": "ArrayNext"}
_ENDINGS = {
    **dict.fromkeys(("FirstKey", "Key", "InKey", "Colon", "ObjectValue", "ObjectNext"), "}"),
    **dict.fromkeys(("FirstItem", "Item", "ArrayNext"), "]"),
    "InString": '"',
}
_PLAIN = re.compile(r'[^"\\]*')


def parse_partial_json(text: str) -> Any:
    """The value of a text that may be cut anywhere; ABSENT where it cannot be read.

    A complete text is parsed; one that is cut is closed where it was cut (open strings, arrays and objects; half a
    literal is completed, half a number or a key without a value is dropped). The result agrees with the AI SDK's
    client for every text, also for malformed ones.
    """
    value = _parse(text)
    return _parse(_Closer(text).close()) if value is ABSENT else value


def _parse(text: str) -> Any:
    try:
        return loads_safely(text)
    except ValueError:
        return ABSENT


class _Closer:
    """A scan with a stack of what is expected next; an entry is replaced when its expectation is met."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.stack = ["Value"]
        self.kept = 0
        """The length of the text that can be kept."""
        self.literal = 0
        self.hex_digits = 0

    def close(self) -> str:
        i, text = 0, self.text
        while i < len(text):
            if self.stack[-1] == "InString":  # most of a text is strings: go through them in one step
                end = _PLAIN.match(text, i).end()  # type: ignore[union-attr]
                if end > i:
                    i = self.kept = end
                    continue
            self._step(text[i], i)
            i += 1
        return text[: self.kept] + "".join(map(self._ending, reversed(self.stack)))

    def _swap(self, expected: str) -> None:
        self.stack[-1] = expected

    def _pop(self, i: int) -> None:
        """The value on top is complete with the character at `i`."""
        self.stack.pop()
        self.kept = i + 1

    def _step(self, char: str, i: int) -> None:
        top = self.stack[-1]
        if top in ("FirstItem", "FirstKey") and char == ("]" if top == "FirstItem" else "}"):
            self._pop(i)
        elif top in _AFTER:
            self._value(char, i)
        elif top in ("FirstKey", "Key"):
            if char == '"':
                self._swap("InKey")
        elif top == "InKey":
            if char == '"':
                self._swap("Colon")
        elif top == "Colon":
            if char == ":":
                self._swap("ObjectValue")
        elif top in ("ObjectNext", "ArrayNext"):
            self._next(char, i)
            if self.stack[-1] == "ArrayNext":
                self.kept = i + 1
        elif top != "End":
            self._inside(top, char, i)

    def _value(self, char: str, i: int) -> None:
        if char == "-" or char in "0123456789":
            inner = "InNumber"
        else:
            inner = {'"': "InString", "{": "FirstKey", "[": "FirstItem"}.get(char)
            inner = "InLiteral" if char in "tfn" else inner
        if inner is None:
            return
        self._swap(_AFTER[self.stack[-1]])
        self.stack.append(inner)
        self.literal = i
        if char != "-":  # a lone minus is no number yet
            self.kept = i + 1

    def _next(self, char: str, i: int) -> None:
        """After a value: go on with the next, or close what holds it."""
        in_array = self.stack[-1] == "ArrayNext"
        if not in_array and self.stack[-1] != "ObjectNext":
            return
        if char == ",":
            self._swap("Item" if in_array else "Key")
        elif char == ("]" if in_array else "}"):
            self._pop(i)

    def _inside(self, top: str, char: str, i: int) -> None:
        if top == "InString":
            if char == "\\":
                self.stack.append("InEscape")
            else:
                self._pop(i)
        elif top == "InEscape":
            if char == "u":
                self._swap("InUnicode")
                self.hex_digits = 0
            else:
                self._pop(i)
        elif top == "InUnicode":
            self.hex_digits += char in "0123456789abcdefABCDEF"
            if self.hex_digits == 4:
                self._pop(i)
        elif char in "0123456789" if top == "InNumber" else self._literal(self.text[self.literal : i + 1]) is not None:
            self.kept = i + 1
        elif top == "InLiteral" or char not in "eE-.":
            self.stack.pop()
            self._next(char, i)

    def _ending(self, expected: str) -> str:
        if expected != "InLiteral":
            return _ENDINGS.get(expected, "")
        return self._literal(self.text[self.literal :]) or ""

    def _literal(self, start: str) -> str | None:
        """What is missing of the literal that begins so; None where none does."""
        return next((word[len(start) :] for word in _LITERALS if word.startswith(start)), None)
