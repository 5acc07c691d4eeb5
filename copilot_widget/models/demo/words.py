"""Reading a question: words and their stems, numbers, quoted strings, what is asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass

WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*|\d+(?:\.\d+)?")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_QUOTED = re.compile(r"[\"“”«»]([^\"“”«»\n]+)[\"“”«»]|(?<!\w)'([^'\n]+)'(?!\w)|`([^`\n]+)`")
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w])")


def words_of(text: str) -> frozenset[str]:
    """A set of words, written as text."""
    return frozenset(text.split())


STOP = words_of(
    """
    a an and any are as at be been but by can could do does did for from get give had has have he her his how i if
    in is it its just let list many me mean much my no not of on or our out please shall she should show so tell
    than that the their them then there these they this those to up us use was we were what when where which who
    whom whose why will with would you your
    """
)
UNITS = {
    "g": "g", "kg": "kg", "mg": "mg", "t": "t", "mm": "mm", "cm": "cm", "m": "m", "km": "km", "s": "s", "ms": "ms",
    "sec": "s", "min": "min", "h": "h", "usd": "$", "eur": "€", "gbp": "£", "pct": "%", "percent": "%", "l": "l",
    "ml": "ml", "kwh": "kWh", "c": "°C",
}  # fmt: skip
"""Last parts of column names that are units → how they are written."""

SYNONYMS: dict[str, tuple[str, ...]] = {
    "mass": ("weight", "weigh", "heavy"),
    "weight": ("mass", "weigh", "heavy"),
    "sex": ("gender",),
    "gender": ("sex",),
    "price": ("cost", "expensive"),
    "cost": ("price", "expensive"),
    "revenue": ("sale", "turnover", "sell", "earn"),
    "sale": ("revenue", "turnover", "sell"),
    "profit": ("earn",),
    "date": ("day", "time"),
    "time": ("date", "long"),
    "length": ("long",),
    "height": ("tall", "high"),
    "age": ("old",),
    "depth": ("deep",),
    "width": ("wide",),
    "speed": ("fast",),
    "temperature": ("hot", "warm", "cold"),
    "region": ("country",),
}
"""Words of column names → other words for them in questions."""


@dataclass(frozen=True)
class Superlative:
    """ "heaviest": the quantities it may mean, and the end of the scale (+1 the most, -1 the least)."""

    hints: tuple[str, ...]
    direction: int


def _superlatives() -> dict[str, Superlative]:
    table = {
        "mass weight": ("heaviest heavier", "lightest lighter"),
        "length duration time": ("longest longer", "shortest shorter"),
        "height": ("tallest taller highest higher", "lowest lower"),
        "depth": ("deepest deeper", "shallowest"),
        "width": ("widest wider", "narrowest"),
        "age year date": ("oldest older", "youngest younger"),
        "date year time": ("newest latest", "earliest"),
        "price cost amount": ("priciest", "cheapest cheaper"),
        "speed": ("fastest faster", "slowest slower"),
        "temperature temp": ("hottest warmest", "coldest coolest"),
        "income revenue salary wealth": ("richest", "poorest"),
        "size mass area population amount length": ("largest larger biggest bigger", "smallest smaller"),
        "": ("most best top maximum max greatest", "least worst bottom minimum min fewest"),
    }
    found: dict[str, Superlative] = {}
    for hints, (up, down) in table.items():
        for direction, words in ((1, up), (-1, down)):
            found.update({word: Superlative(tuple(hints.split()), direction) for word in words.split()})
    return found


SUPERLATIVES = _superlatives()


def stem(word: str) -> str:
    """A word without its plural; good enough to match "lengths" with "length"."""
    word = word.lower()
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and re.search(r"(s|x|z|ch|sh)es$", word):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def stems(text: str) -> list[str]:
    """The stems of all words of `text`, in order; camelCase and snake_case are several words."""
    return [stem(word) for word in WORD.findall(_CAMEL.sub(" ", text).replace("_", " "))]


def content_stems(text: str) -> set[str]:
    """The stems of the words that carry meaning."""
    return {word for word in stems(text) if word not in STOP and len(word) > 1}


def numbers(text: str) -> list[str]:
    """Numbers as they are written, without thousands separators: "order 1,700" → ["1700"]."""
    return [match.group().replace(",", "").rstrip(".") for match in _NUMBER.finditer(text)]


def quoted(text: str) -> list[str]:
    """What stands in quotes or backticks."""
    return [next(group for group in match.groups() if group) for match in _QUOTED.finditer(text)]


def has(text: str, pattern: str) -> bool:
    """True where the words of `pattern` ("plot|chart") occur in `text` as whole words."""
    return re.search(rf"(?<!\w)(?:{pattern})(?!\w)", text, re.IGNORECASE) is not None


def superlative(text: str) -> tuple[str, Superlative] | None:
    """The first superlative of a question."""
    words = re.findall(r"[a-z]+", re.sub(r"most expensive", "priciest", text.lower()))
    found = [(word, SUPERLATIVES[word]) for word in words if word in SUPERLATIVES]
    specific = [pair for pair in found if pair[1].hints]
    if specific and any(word in ("least", "fewest") for word in words):  # "least expensive"
        word, kind = specific[0]
        return f"least {word}", Superlative(kind.hints, -kind.direction)
    return (specific or found or [None])[0]


__all__ = [
    "STOP",
    "SUPERLATIVES",
    "SYNONYMS",
    "UNITS",
    "Superlative",
    "content_stems",
    "has",
    "numbers",
    "quoted",
    "stem",
    "stems",
    "superlative",
    "words_of",
]
