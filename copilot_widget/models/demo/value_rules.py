"""Rules for TypeError, ValueError and their kin: the value is there, but of the wrong kind or shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .failures import Advice, Failure, a, columns_of, nearest
from .turn import Turn

Rule = Callable[[Failure, Turn], Advice]
Case = tuple[str, Callable[["re.Match[str]", Failure, Turn], Advice]]


def _first(cases: list[Case], otherwise: str) -> Rule:
    def rule(failure: Failure, turn: Turn) -> Advice:
        for pattern, advise in cases:
            match = re.search(pattern, failure.message, re.IGNORECASE)
            if match:
                return advise(match, failure, turn)
        return Advice(otherwise)

    return rule


def _say(text: str) -> Callable[[re.Match[str], Failure, Turn], Advice]:
    return lambda match, failure, turn: Advice(match.expand(text))


def _kind(text: str) -> Callable[[re.Match[str], Failure, Turn], Advice]:
    """The type that the message names first, put into `text` with its article."""
    return lambda match, failure, turn: Advice(text.format(a(match[1]).capitalize()))


# ---- TypeError -------------------------------------------------------------------------------------------


def _operands(match: re.Match[str], failure: Failure, turn: Turn) -> Advice:
    left, right = match[2], match[3]
    text = f"`{match[1]}` does not work between `{left}` and `{right}`. "
    if "NoneType" in (left, right):
        text += "One side is `None`: a function without `return`, or a value that was never set."
    elif {left, right} & {"str"} and {left, right} & {"int", "float"}:
        text += (
            "Turn the text into a number with `int(…)` or `float(…)`, or the number into text with "
            "`str(…)` or an f-string."
        )
    elif {left, right} & {"list"} and {left, right} & {"int", "float"}:
        text += "Lists have no arithmetic: use `numpy.array(…)`, or a comprehension over the elements."
    else:
        text += "Convert one side to the other's type."
    return Advice(text)


def _concatenate(match: re.Match[str], failure: Failure, turn: Turn) -> Advice:
    return Advice(
        f"`+` joins text with text only, and one side is `{match[1]}`. Write an f-string, or `str(…)` around it."
    )


def _unexpected(match: re.Match[str], failure: Failure, turn: Turn) -> Advice:
    return Advice(
        f"`{match[1]}` has no argument `{match[2]}`: it is spelt otherwise, or belongs to another "
        "version of the library. "
        f"`help({match[1].split('.')[-1].rstrip('()')})` lists its arguments."
    )


def _not_callable(match: re.Match[str], failure: Failure, turn: Turn) -> Advice:
    kind = match[1]
    called = re.search(r"([A-Za-z_]\w*)\s*\(", failure.code)
    name = called[1] if called else "the name"
    if called and name in (
        "list",
        "dict",
        "str",
        "sum",
        "max",
        "min",
        "len",
        "set",
        "type",
        "id",
        "input",
        "print",
        "map",
    ):
        return Advice(f"`{name}` was assigned somewhere, so it no longer is the built-in. `del {name}` brings it back.")
    if kind in ("DataFrame", "Series", "list", "dict", "tuple"):
        fixed = re.sub(rf"\b{re.escape(name)}\(([^()]*)\)", rf"{name}[\1]", failure.code) if called else ""
        return Advice(f"`{name}` is {a(kind)}, and round brackets call. Square brackets pick an element.", fixed)
    return Advice(
        f"`{name}` is {a(kind)}, no function. Two operands without an operator between them look like a call, too."
    )


_TYPE = _first(
    [
        (r"unsupported operand type\(s\) for (\S+): '(\w+)' and '(\w+)'", _operands),
        (r"'([<>=]+)' not supported between instances of '(\w+)' and '(\w+)'", _operands),
        (r"can only concatenate str \(not \"(\w+)\"\)", _concatenate),
        (r"must be str, not (\w+)", _concatenate),
        (r"([\w.]+\(\)) got an unexpected keyword argument '(\w+)'", _unexpected),
        (r"'(\w+)' object is not callable", _not_callable),
        (
            r"([\w.]+\(\)) missing (\d+) required positional arguments?: (.+)",
            _say(
                r"`\1` needs \3 as well. Calling a method on the class instead of an object "
                r"(`Thing.method()`) looks like this too."
            ),
        ),
        (
            r"([\w.]+\(\)) takes (?:from )?(.+?) positional arguments? but (\d+) (?:was|were) given",
            _say(
                r"`\1` takes \2 positional arguments, and got \3. For a method `self` counts; is it "
                r"missing in the `def`?"
            ),
        ),
        (
            r"'NoneType' object is not (\w+)",
            _say(
                r"It is `None` here. A function has no `return`, or a method that works in place was "
                r"assigned (`x = x.sort()`)."
            ),
        ),
        (
            r"'(\w+)' object is not subscriptable",
            _kind("{} has no elements to pick with `[…]`; a function needs `(…)`."),
        ),
        (r"'(\w+)' object is not iterable", _kind("{} cannot be looped over; for a number of times use `range(…)`.")),
        (
            r"object of type '(\w+)' has no len\(\)",
            _kind("{} has no length; only texts, lists, tables and the like have one."),
        ),
        (
            r"unhashable type: '(\w+)'",
            _kind("{} can change, so it cannot be a key or in a set. Use a `tuple`, or a `frozenset`."),
        ),
        (
            r"list indices must be integers or slices, not (\w+)",
            _say(
                r"A list is picked from by position, and this is a `\1`. Is it a list of dicts? Then pick an "
                r"element first: `items[0]['key']`."
            ),
        ),
        (
            r"string indices must be integers",
            _say(
                r"This is text, not a dict. Was JSON not parsed yet (`json.loads`), or does the loop run over "
                r"a dict's keys?"
            ),
        ),
        (
            r"could not convert|agg function failed|Could not convert|can't multiply sequence",
            _say(
                r"The operation is for numbers, and a column holds text. Name the numeric columns, or use "
                r"`numeric_only=True`."
            ),
        ),
    ],
    "A value has another type than the operation needs. `type(…)` of each operand shows which.",
)


# ---- ValueError --------------------------------------------------------------------------------------------


def _to_float(match: re.Match[str], failure: Failure, turn: Turn) -> Advice:
    text = match[1]
    why = {
        True: "It has a thousands separator or a decimal comma: remove it first, `.str.replace(',', '')`.",
        False: "To turn what is no number into NaN: `pd.to_numeric(…, errors='coerce')`, then look at those rows.",
    }["," in text and any(character.isdigit() for character in text)]
    fixed = re.sub(
        r"(\S+)\.astype\((?:float|int|\"float\"|'float'|\"int\"|'int')\)",
        r"pd.to_numeric(\1, errors='coerce')",
        failure.code,
    )
    return Advice(f"`{text}` is text that is no number. {why}", fixed if fixed != failure.code else "")


def _ambiguous(match: re.Match[str], failure: Failure, turn: Turn) -> Advice:
    fixed = re.sub(r"\s+and\s+", " & ", re.sub(r"\s+or\s+", " | ", failure.code)) if "[" in failure.code else ""
    return Advice(
        "`if`, `and`, `or` and `not` want one truth value, and a column has many. To choose rows use "
        "`&`, `|`, `~` with "
        "each condition in parentheses; for one answer say `.any()`, `.all()` or `.empty`.",
        fixed if fixed != failure.code and "(" in fixed else "",
    )


def _broadcast(match: re.Match[str], failure: Failure, turn: Turn) -> Advice:
    return Advice(
        f"The shapes {match[1]} and {match[2]} do not fit together: from the right, each pair of "
        "lengths must be equal or 1. "
        "`.reshape(-1, 1)` makes a column of a vector, `.T` swaps the axes."
    )


_VALUE = _first(
    [
        (r"could not convert string to float: ['\"]?(.*?)['\"]?$", _to_float),
        (r"invalid literal for int\(\) with base \d+: ['\"](.*?)['\"]", _to_float),
        (r"Unable to parse string ['\"](.*?)['\"]", _to_float),
        (r"truth value of an? (?:Series|DataFrame|array)", _ambiguous),
        (
            (
                r"operands could not be broadcast together with (?:remapped )?shapes? (\([\d, ]+\)) (\([\d, "
                r"]+\))"
            ),
            _broadcast,
        ),
        (r"shapes? (\([\d, ]+\)) and (\([\d, ]+\)) not aligned", _broadcast),
        (
            r"(?:not enough|too many) values to unpack",
            _say(
                r"The number of names on the left is not the number of values on the right. Print the right "
                r"side, or take the rest with `*rest`."
            ),
        ),
        (
            r"Length of values \((\d+)\) does not match length of index \((\d+)\)",
            _say(
                r"The new column has \1 values, and the table \2 rows. Compute it from the same rows, or "
                r"assign a Series, which is matched by its index."
            ),
        ),
        (
            r"All arrays must be of the same length|arrays must all be same length",
            _say(r"The columns that you give have different lengths. Print `len(…)` of each."),
        ),
        (
            r"Expected 2D array, got 1D",
            _say(
                r"Estimators want a table of features, not a single vector: `X.to_frame()` or `X.reshape(-1, "
                r"1)`."
            ),
        ),
        (
            r"Input .*contains NaN|contains NaN",
            _say(
                r"There are nulls in the data, and this estimator takes none: `dropna()`, or fill them "
                r"(`SimpleImputer`)."
            ),
        ),
        (
            r"inconsistent numbers of samples: \[(\d+), (\d+)\]",
            _say(r"X has \1 rows and y has \2. They must come from the same rows, in the same order."),
        ),
        (
            r"cannot reindex on an axis with duplicate|Index contains duplicate entries|duplicate labels",
            _say(
                r"An index value occurs more than once, so rows cannot be matched by it: "
                r"`df[~df.index.duplicated()]`, or `pivot_table` with an `aggfunc`."
            ),
        ),
        (
            r"time data ['\"](.+?)['\"] (?:does not|doesn't) match format ['\"](.+?)['\"]",
            _say(
                r"`\1` is not written as `\2` says. Correct the format, or let pandas see for itself: "
                r"`pd.to_datetime(…, format='mixed')`."
            ),
        ),
        (
            r"No objects to concatenate",
            _say(r"The list given to `concat` is empty: probably no file or group matched."),
        ),
        (
            r"Columns must be same length as key",
            _say(r"The right side has another number of columns than the left side names."),
        ),
        (
            r"zero-size array|empty (?:sequence|iterable)|arg is an empty",
            _say(r"It is empty here: a filter matched nothing, or a file had no rows."),
        ),
        (r"No axis named", _say(r"`axis` is 0 for rows and 1 for columns.")),
        (
            r"Cannot (?:convert|cast).*NaN|non-finite values",
            _say(r"NaN has no integer form: fill it first (`fillna(0)`), or use the nullable type `Int64`."),
        ),
    ],
    "The type is right, but the value is not one that the function takes. Print what goes into this line.",
)


def _merge(failure: Failure, turn: Turn) -> Advice:
    return Advice(
        "The key columns do not fit: check that both tables have them, under these names and with the same type."
    )


def _decode(failure: Failure, turn: Turn) -> Advice:
    return Advice(
        "The file is not UTF-8. Say which encoding it has: `encoding='latin-1'` or `'cp1252'` for many from Excel."
    )


def _json(failure: Failure, turn: Turn) -> Advice:
    return Advice(
        "The text is no JSON. Print its first 200 characters: an empty answer and an HTML error page "
        "are the usual finds."
    )


def _parser(failure: Failure, turn: Turn) -> Advice:
    return Advice(
        "The rows of the file have different numbers of fields. Try `sep=';'`, `skiprows=`, or `on_bad_lines='warn'`."
    )


def _empty(failure: Failure, turn: Turn) -> Advice:
    return Advice("The file is empty, or has no columns where pandas looks for them.")


def _column(failure: Failure, turn: Turn) -> Advice:
    owner = re.search(r"([A-Za-z_]\w*)\s*[.\[]", failure.code)
    wanted = re.search(r"['\"]([^'\"]+)['\"]", failure.message)
    near = nearest(wanted[1], columns_of(turn, owner[1])) if owner and wanted else []
    return Advice(
        f"That column is not there. The nearest is `{near[0]}`."
        if near
        else "That column is not there; print `df.columns`."
    )


def _singular(failure: Failure, turn: Turn) -> Advice:
    return Advice(
        "The matrix cannot be inverted: a column is constant or follows from others. Leave it out, or use `pinv`."
    )


VALUE_RULES: Mapping[str, Rule] = {
    "TypeError": _TYPE,
    "ValueError": _VALUE,
    "UFuncTypeError": _TYPE,
    "DataError": _TYPE,
    "IntCastingNaNError": _VALUE,
    "InvalidIndexError": _VALUE,
    "MergeError": _merge,
    "UnicodeDecodeError": _decode,
    "JSONDecodeError": _json,
    "ParserError": _parser,
    "EmptyDataError": _empty,
    "ColumnNotFoundError": _column,
    "LinAlgError": _singular,
}

__all__ = ["VALUE_RULES"]
