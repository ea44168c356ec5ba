"""What the investigator relates an adverse event to, in words that can be counted."""

from __future__ import annotations

import re

NONE, UNSPECIFIED = "none", "unspecified"
CAUSES = {
    "lymphodepletion": (
        "lymphodepletion", "lymphodepleting chemotherapy", "chemotherapy", "ld", "nma-ld", "cyclophosphamide",
        "fludarabine", "cy", "flu",
    ),
    "TIL": ("til", "tils", "til infusion", "infusion", "cells", "product"),
    "IL-2": ("il-2", "il2", "interleukin-2", "interleukin 2", "aldesleukin"),
    NONE: ("no", "n", "none", "not related", "unrelated", "not", "unlikely", "false", "0"),
    UNSPECIFIED: (
        "yes", "y", "related", "possible", "possibly", "probable", "probably", "definite", "definitely", "true", "1",
    ),
}  # fmt: skip
WORDS = {word: cause for cause, words in CAUSES.items() for word in words}
NOT_RECORDED = ("n/a", "na", "nd", "unknown", "-")
PARTS = re.compile(r"\s*(?:[;,+&/]|\band\b)\s*")


def attribution(related: str | None) -> tuple[list[str], list[str]]:
    """Return the causes that a cell names, and what of it is no known word.

    Several causes are parted by ``;``, ``,``, ``+``, ``&``, ``/`` or *and*; upper and lower case are alike. A word that
    is not known is a cause in its own words, so that it is counted as related and can be seen. `unlikely` counts as
    not related, `possible`, `probable` and `definite` as related to what is not told (`unspecified`).

    Parameters
    ----------
    related
        Cell of the column `related`.

    Returns
    -------
    causes
        `lymphodepletion`, `TIL`, `IL-2`, `unspecified`, other words as they stand, or `none` alone; empty where nothing
        is recorded. Each once, in the order given.
    unknown
        Those that are no known word.
    """
    cell = (related or "").strip()
    words = [] if cell.casefold() in NOT_RECORDED else [word for word in PARTS.split(cell) if word]
    causes = list(dict.fromkeys(WORDS.get(word.casefold(), word) for word in words))
    named = [cause for cause in causes if cause != NONE]
    return named or causes, [word for word in named if word not in CAUSES]
