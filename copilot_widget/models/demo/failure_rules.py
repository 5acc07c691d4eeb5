"""One rule for each kind of exception. A rule gets the failure and the turn, and may look at variables."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable

from .failures import Advice, Failure, a, columns_of, nearest, variable_names
from .turn import Turn
from .words import words_of

Rule = Callable[[Failure, Turn], Advice]

_IMPORTS = {
    "np": "import numpy as np", "pd": "import pandas as pd", "plt": "import matplotlib.pyplot as plt",
    "sns": "import seaborn as sns", "px": "import plotly.express as px", "pl": "import polars as pl",
    "tf": "import tensorflow as tf", "torch": "import torch", "sk": "import sklearn", "sp": "import scipy as sp",
    "alt": "import altair as alt", "sm": "import statsmodels.api as sm", "nx": "import networkx as nx",
    "Path": "from pathlib import Path", "defaultdict": "from collections import defaultdict",
    "Counter": "from collections import Counter", "datetime": "from datetime import datetime",
    "timedelta": "from datetime import timedelta", "dataclass": "from dataclasses import dataclass",
    "partial": "from functools import partial", "Optional": "from typing import Optional",
    "display": "from IPython.display import display", "sleep": "from time import sleep",
}  # fmt: skip
_STANDARD = words_of(
    """
    os sys re json math random time csv io itertools collections datetime pathlib glob pickle
    """
)
_PACKAGES = {
    "sklearn": "scikit-learn", "cv2": "opencv-python", "PIL": "pillow", "yaml": "pyyaml", "bs4": "beautifulsoup4",
    "skimage": "scikit-image", "dotenv": "python-dotenv", "Crypto": "pycryptodome", "serial": "pyserial",
    "dateutil": "python-dateutil", "docx": "python-docx", "fitz": "pymupdf",
}  # fmt: skip
_GONE = {
    "append": ("`DataFrame.append` was removed in pandas 2", "pd.concat([df, other])"),
    "iteritems": ("`iteritems` was removed in pandas 2", ".items()"),
    "ix": ("`ix` was removed from pandas", ".loc[…] for labels, .iloc[…] for positions"),
    "applymap": ("`applymap` was replaced in pandas 3", ".map(…)"),
    "as_matrix": ("`as_matrix` was removed from pandas", ".to_numpy()"),
}


def advise(failure: Failure, turn: Turn) -> Advice:
    """What to say about a failure."""
    from .value_rules import VALUE_RULES

    rules = {**_RULES, **VALUE_RULES}
    rule = rules.get(failure.kind)
    return rule(failure, turn) if rule else _unknown(failure)


def _unknown(failure: Failure) -> Advice:
    kind = failure.kind
    if kind.endswith("Warning"):
        return Advice(
            "It is a warning that was made an error. The message says what to change; the code may still be right."
        )
    return Advice(
        f"I have no rule for `{kind}`. The message above is the library's own; the line shown is the last one of yours "
        "before it. Check the values that go into that line."
    )


def _quoted(message: str) -> str:
    match = re.search(r"'([^']*)'|\"([^\"]*)\"", message)
    return (match[1] or match[2] or "") if match else ""


def swap(line: str, old: str, new: str) -> str:
    """The line with the name `old` replaced by `new`, "" where it does not stand there."""
    changed = re.sub(rf"(?<![\w]){re.escape(old)}(?![\w])", lambda _: new, line)
    return changed if changed != line else ""


def _choices(names: list[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)


# ---- names -----------------------------------------------------------------------------------------------


def _name(failure: Failure, turn: Turn) -> Advice:
    name = _quoted(failure.message)
    if name in _IMPORTS or name in _STANDARD:
        line = _IMPORTS.get(name, f"import {name}")
        return Advice(f"`{name}` was not imported in this session.", f"{line}\n\n{failure.code}".strip())
    known = [known for known in variable_names(turn) if known != name]
    near = nearest(name, known) or nearest(name, [item for item in dir(builtins) if item.islower()], cutoff=0.8)
    if near:
        kind = "a variable" if near[0] in known else "a Python built-in"
        return Advice(
            f"There is no `{name}`. Did you mean {_choices(near)}? `{near[0]}` is {kind} that exists now.",
            swap(failure.code, name, near[0]),
        )
    there = f" What there is: {', '.join(f'`{item}`' for item in known[:8])}." if known else ""
    return Advice(
        f"There is no `{name}` in this session, and nothing with a similar name. Either the cell that "
        "defines it has not "
        f"been run since the kernel was started, or it was defined inside a function.{there}"
    )


def _unbound(failure: Failure, turn: Turn) -> Advice:
    name = _quoted(failure.message)
    return Advice(
        f"`{name}` is assigned somewhere in the function, so Python takes it as local everywhere in it. It was read "
        "before that assignment ran (or the branch that assigns it did not run). Assign it before "
        "the first use, pass it as "
        f"an argument, or write `global {name}` if the module's variable is meant."
    )


def _key(failure: Failure, turn: Turn) -> Advice:
    key = failure.message.strip()
    several = re.search(r"\[(.*?)\] not in index|None of .*\[(.*?)\]", key)
    wanted = re.findall(r"'([^']+)'", several.group()) if several else [_quoted(key) or key]
    match = re.search(r"([A-Za-z_]\w*)\s*(?:\.loc|\.iloc)?\s*\[", failure.code) or re.search(
        r"([A-Za-z_]\w*)\.(?:groupby|drop|set_index|sort_values|merge|pop|pivot)", failure.code
    )
    owner = match[1] if match else ""
    names = columns_of(turn, owner) if owner else []
    missing = [name for name in wanted if name not in names] or wanted
    if not names:
        return Advice(
            f"The key `{missing[0]}` is not in {f'`{owner}`' if owner else 'the mapping'}. Look at what is there "
            f"(`{owner or 'd'}.keys()`), or use `.get({missing[0]!r})` where it may be missing."
        )
    near = nearest(missing[0], names)
    listed = ", ".join(f"`{name}`" for name in names[:15]) + (" …" if len(names) > 15 else "")
    if near:
        return Advice(
            f"`{owner}` has no `{missing[0]}`. The nearest name is {_choices(near[:2])}.\n\nIt has: {listed}.",
            swap(failure.code, missing[0], near[0]),
        )
    return Advice(f"`{owner}` has no `{missing[0]}`, and nothing with a similar name. It has: {listed}.")


def _attribute(failure: Failure, turn: Turn) -> Advice:
    match = re.search(
        r"(?:'(\w+)' object|module '([\w.]+)'|type object '(\w+)') has no attribute '(\w+)'", failure.message
    )
    if not match:
        return Advice("The object does not have that attribute. `dir(object)` lists what it has.")
    kind, module, name = match[1] or match[3] or "", match[2] or "", match[4]
    if kind == "NoneType":
        return Advice(
            f"Something is `None` where an object with `.{name}` was expected. Usually a function has "
            "no `return`, or a method "
            "that changes its object in place was assigned: `x = items.sort()` and `df = df.drop(…, "
            "inplace=True)` give `None`."
        )
    if kind in ("DataFrame", "Series") and name in _GONE:
        why, instead = _GONE[name]
        fixed = failure.code.replace(f".{name}(", ".items(") if name == "iteritems" else ""
        return Advice(f"{why}; use `{instead}`.", fixed)
    owner = re.search(rf"([A-Za-z_]\w*)\.{name}\b", failure.code)
    if kind == "DataFrame" and owner:
        near = nearest(name, columns_of(turn, owner[1]))
        if near:
            return Advice(
                f"`{owner[1]}` has no column or method `{name}`. The nearest column is {_choices(near[:2])}.",
                failure.code.replace(f"{owner[1]}.{name}", f'{owner[1]}["{near[0]}"]'),
            )
    near = nearest(name, _attributes(kind))
    if near:
        text = f"{a(kind).capitalize()} has no `{name}`. Did you mean {_choices([f'.{item}' for item in near])}?"
        return Advice(text, swap(failure.code, name, near[0]))
    if module:
        return Advice(
            f"The module `{module}` has no `{name}`: it is spelt otherwise, belongs to another "
            "version, or a file of yours "
            f"named `{module.split('.')[0]}.py` hides the real module."
        )
    return Advice(
        f"{a(kind).capitalize()} has no `{name}`; the variable probably holds another type than you expect here."
    )


def _attributes(kind: str) -> list[str]:
    """The public names of a built-in type."""
    found = getattr(builtins, kind, None)
    return [name for name in dir(found) if not name.startswith("_")] if isinstance(found, type) else []


def _import(failure: Failure, turn: Turn) -> Advice:
    cannot = re.search(r"cannot import name '(\w+)' from '([\w.]+)'", failure.message)
    if cannot:
        return Advice(
            f"`{cannot[2]}` is there, but has no `{cannot[1]}`: its version is older or newer than the code expects, "
            f"or a file of yours hides it. Look at the version: `import {cannot[2].split('.')[0]} as m; m.__version__`."
        )
    module = _quoted(failure.message) or failure.message
    top = module.split(".")[0]
    package = _PACKAGES.get(module, _PACKAGES.get(top, top))
    also = f" (the package is named `{package}`)" if package != top else ""
    return Advice(
        (
            f"`{top}` is not installed in this kernel's environment{also}. Install it from a cell, then "
            "run the import again."
        ),
        f"%pip install {package}",
        label="Run",
    )


# ---- places, files, limits ---------------------------------------------------------------------------------


def _index(failure: Failure, turn: Turn) -> Advice:
    if re.search(r"out.of.bounds", failure.message):
        match = re.search(r"index (-?\d+) is out of bounds for axis (\d+) with size (\d+)", failure.message)
        if match:
            last = int(match[3]) - 1
            return Advice(
                f"Axis {match[2]} has {match[3]} elements, so its positions go from 0 to {last}; "
                f"{match[1]} is past the end."
            )
        return Advice("The position is past the end of the table: `.iloc` counts from 0 to `len(df) - 1`.")
    return Advice(
        "The position is past the end: an index goes from 0 to `len(x) - 1`, and an empty list has none at all. "
        "Print `len(…)` before the line; where it may be empty, test it first."
    )


def _zero(failure: Failure, turn: Turn) -> Advice:
    match = re.search(r"(?:/|//|%)\s*([A-Za-z_][\w.]*(?:\([^()]*\))?)", failure.code)
    what = f"`{match[1]}`" if match else "The divisor"
    return Advice(f"{what} is 0 here; often that is a length or a sum of something empty. Test it before you divide.")


def _file(failure: Failure, turn: Turn) -> Advice:
    path = re.findall(r"'([^']+)'", failure.message)
    name = path[-1] if path else "the file"
    relative = not name.startswith(("/", "~")) and ":" not in name
    start = "It is looked for from the kernel's working folder, which `%pwd` shows." if relative else ""
    home = " `~` is not expanded by `open`: use `Path(…).expanduser()`." if name.startswith("~") else ""
    return Advice(
        f"There is no `{name}`. {start}{home} List what is there: `from pathlib import Path; sorted(Path().glob('*'))`."
    )


def _syntax(failure: Failure, turn: Turn) -> Advice:
    message = failure.message.lower()
    hints = {
        "never closed": "A bracket that was opened is not closed; look at the line it names and those before it.",
        "unterminated string": "A quote is missing at the end of a string.",
        "expected ':'": "`if`, `for`, `def`, `class`, `with` and `while` lines end with a colon.",
        "forgot a comma": "A comma is missing between two elements.",
        "invalid character": "There is a typographic character, often a curly quote or a dash that was pasted in.",
        "cannot assign": "`=` assigns; to compare use `==`.",
        "missing parentheses": "`print` is a function in Python 3: `print(…)`.",
        "unexpected indent": "This line is indented further than the block it stands in.",
        "unindent": "The indentation matches no outer block; tabs and spaces may be mixed.",
        "expected an indented": "A block is missing after the colon; indent the next line, or write `pass`.",
        "f-string": "Something inside the braces of an f-string is no expression.",
        "leading zeros": "Write the number without its leading zeros.",
        "outside function": "`return`, `await` or `yield` stands outside a function.",
    }
    hint = next((text for key, text in hints.items() if key in message), "")
    return Advice(
        hint
        or (
            "Python cannot read this line. The mistake is often at the end of the line before: a "
            "bracket, a quote or a colon."
        )
    )


def _recursion(failure: Failure, turn: Turn) -> Advice:
    return Advice("A function calls itself without end: the case in which it stops is missing or never reached.")


def _memory(failure: Failure, turn: Turn) -> Advice:
    return Advice(
        "There is not enough memory. Read only the columns you need (`usecols=`), in parts "
        "(`chunksize=`), with smaller types "
        "(`astype('category')`, `float32`), and `del` what you no longer use."
    )


def _assertion(failure: Failure, turn: Turn) -> Advice:
    return Advice("The condition after `assert` was false. The values below show why; correct them, or the assumption.")


def _interrupt(failure: Failure, turn: Turn) -> Advice:
    return Advice("The cell was interrupted, by you or by the interface. Nothing is wrong with the line it stood in.")


def _network(failure: Failure, turn: Turn) -> Advice:
    return Advice(
        "The other side did not answer. Check the address, the network and, behind a firewall, the proxy settings."
    )


def _permission(failure: Failure, turn: Turn) -> Advice:
    return Advice("The file may not be opened this way: it is another user's, read-only, or open in another program.")


def _stop(failure: Failure, turn: Turn) -> Advice:
    return Advice(
        "`next()` was called on an iterator that has nothing left. Give a default, `next(it, None)`, or use `for`."
    )


_RULES: dict[str, Rule] = {
    "NameError": _name,
    "UnboundLocalError": _unbound,
    "KeyError": _key,
    "AttributeError": _attribute,
    "ModuleNotFoundError": _import,
    "ImportError": _import,
    "IndexError": _index,
    "ZeroDivisionError": _zero,
    "FileNotFoundError": _file,
    "PermissionError": _permission,
    "SyntaxError": _syntax,
    "IndentationError": _syntax,
    "TabError": _syntax,
    "RecursionError": _recursion,
    "MemoryError": _memory,
    "AssertionError": _assertion,
    "KeyboardInterrupt": _interrupt,
    "ConnectionError": _network,
    "ConnectionRefusedError": _network,
    "TimeoutError": _network,
    "ConnectTimeout": _network,
    "URLError": _network,
    "StopIteration": _stop,
}

__all__ = ["advise", "swap"]
