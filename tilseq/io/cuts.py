"""Reading frozen cuts: a table cohort_cuts that an earlier run wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.errors import ReadError

if TYPE_CHECKING:
    import polars as pl

GROUP = ("panel", "instrument", "batch")


def read_cohort_cuts(path: str | Path, sample: Mapping[str, Any] | None = None) -> pl.DataFrame:
    """Read frozen cuts, those of one sample's panel, instrument and batch where a sample is given.

    Parameters
    ----------
    path
        CSV of the table `cohort_cuts`, as ``tables/cohort_cuts.csv`` of a run holds it.
    sample
        Row of samples.csv. Rows of the table that name another panel, instrument or batch are passed over.

    Raises
    ------
    ReadError
        The file cannot be read as such a table, or holds no cut of the sample's group.
    """
    import polars as pl

    from tilseq.io.text import read_cells
    from tilseq.tables import parse
    from tilseq.tables.outputs import COHORT_CUTS

    frame, problems = parse(read_cells(path), COHORT_CUTS, file=path)
    if problems:
        raise problems[0]
    if sample is None:
        return frame
    own = pl.all_horizontal(pl.col(name).is_null() | (pl.col(name) == pl.lit(sample.get(name))) for name in GROUP)
    found = frame.filter(own.fill_null(False))
    if found.is_empty():
        told = ", ".join(f"{name} {sample[name]}" for name in GROUP if sample.get(name) is not None)
        raise ReadError(
            "the frozen cuts have none for this tube", file=path, found=told or "no panel", expected="its group"
        )
    return found
