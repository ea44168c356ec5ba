"""Whom a share is over: everybody, and each arm where there are several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from tilseq.tables import as_polars

EVERYBODY = "all"


def members_by_arm(names: pl.Series, subjects: Any = None) -> Iterator[tuple[str, list[str]]]:
    """Yield `all` with every name, and, where these are of two arms or more, ``arm=name`` with those of each.

    Parameters
    ----------
    names
        Subjects.
    subjects
        Columns `subject` and `arm`; None, or a table without arms, is no arm at all.
    """
    own = names.unique().sort()
    yield EVERYBODY, own.to_list()
    frame = None if subjects is None else as_polars(subjects)
    if frame is None or "arm" not in frame.columns:
        return
    arms = frame.filter(pl.col("arm").is_not_null()).select("subject", "arm")
    if arms["arm"].n_unique() < 2:
        return
    for (arm,), part in sorted(arms.partition_by("arm", as_dict=True).items()):
        yield f"arm={arm}", own.filter(own.is_in(part["subject"].to_list())).to_list()
