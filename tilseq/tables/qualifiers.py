"""The column `qualifier`: pairs of name and value in one cell."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote


def qualifier_text(pairs: Mapping[str, str]) -> str | None:
    """Return pairs as the column `qualifier` holds them: ``name=value``, sorted by name, parted by ``;``.

    A ``%``, ``;`` or ``=`` within a value is percent-escaped, so that ``qualifier_pairs`` finds the same pairs again.
    """
    return ";".join(f"{name}={_escaped(pairs[name])}" for name in sorted(pairs)) or None


def qualifier_pairs(text: str | None) -> dict[str, str]:
    """Return the pairs of a qualifier, such as ``parent=lymphocytes;population=CD3+``."""
    pairs = (pair.partition("=") for pair in (text or "").split(";") if pair)
    return {name: unquote(value) for name, _, value in pairs}


def _escaped(value: str) -> str:
    return value.replace("%", "%25").replace(";", "%3B").replace("=", "%3D")
