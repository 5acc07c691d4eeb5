"""A module that is not there: what its package is probably called, and that the user has to install it."""

from __future__ import annotations

import difflib
import importlib.util
import re
import sys

_NAMED = re.compile(r"No module named '([^'.]+)")

_PACKAGES = {
    "attr": "attrs", "Bio": "biopython", "bs4": "beautifulsoup4", "Crypto": "pycryptodome", "cv2": "opencv-python",
    "dateutil": "python-dateutil", "docx": "python-docx", "dotenv": "python-dotenv", "faiss": "faiss-cpu",
    "fitz": "PyMuPDF", "git": "GitPython", "jwt": "PyJWT", "mpl_toolkits": "matplotlib", "MySQLdb": "mysqlclient",
    "nacl": "PyNaCl", "OpenSSL": "pyOpenSSL", "PIL": "pillow", "pptx": "python-pptx", "psycopg2": "psycopg2-binary",
    "pywt": "PyWavelets", "serial": "pyserial", "skimage": "scikit-image", "sklearn": "scikit-learn",
    "slugify": "python-slugify", "umap": "umap-learn", "usb": "pyusb", "websocket": "websocket-client",
    "yaml": "pyyaml", "zmq": "pyzmq",
}  # fmt: skip
"""Modules whose package has another name."""

_POPULAR = [
    "altair", "bokeh", "dask", "duckdb", "fastapi", "flask", "geopandas", "httpx", "keras", "lightgbm", "matplotlib",
    "networkx", "nltk", "numba", "numpy", "openai", "openpyxl", "pandas", "plotly", "polars", "pyarrow", "pydantic",
    "requests", "scipy", "seaborn", "shapely", "spacy", "sqlalchemy", "statsmodels", "sympy", "tensorflow", "torch",
    "transformers", "xarray", "xgboost",
]  # fmt: skip
"""Modules whose names are often mistyped."""


def install_hint(kind: str, message: str) -> str:
    """What to do about an error of this type and message; "" where it is not about a package that can be installed."""
    found = _NAMED.search(message) if kind in ("ModuleNotFoundError", "ImportError") else None
    if found is None:
        return ""
    name = found[1]
    try:
        if importlib.util.find_spec(name) is not None:
            return ""  # the package is there, and has no such part
    except (ImportError, ValueError):
        pass
    if name in sys.stdlib_module_names:
        return f"{name} belongs to Python itself, but not to this one: pip cannot install it."
    near = difflib.get_close_matches(name, [*_POPULAR, *_PACKAGES], 1, 0.8) if name not in _POPULAR else []
    if near and name not in _PACKAGES:
        return f"Nothing was installed. Is {near[0]} meant? A package of a mistyped name may be anybody's."
    package = _PACKAGES.get(name, name)
    return (
        f"Nothing was installed. Where {package} is the right package, propose a cell with %pip install {package} to "
        "the user (insert_cell), who runs it."
    )


__all__ = ["install_hint"]
