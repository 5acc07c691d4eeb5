"""How large something is, in words."""

from __future__ import annotations


def sized(count: int) -> str:
    """Bytes in a unit that people read."""
    if count < 1_000:
        return f"{count} bytes"
    for unit in ("kB", "MB"):
        count_in_unit = count / (1_000 if unit == "kB" else 1_000_000)
        if count_in_unit < 999.95:
            return f"{count_in_unit:.1f} {unit}"
    return f"{count / 1_000_000_000:,.1f} GB"


__all__ = ["sized"]
