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
        The file cannot be read as such a table, holds a region without size, or no cut of the sample's group; without a
        sample, cuts of several groups.
    """
    import polars as pl

    from tilseq.io.text import read_cells
    from tilseq.tables import parse
    from tilseq.tables.outputs import COHORT_CUTS

    frame, problems = parse(read_cells(path), COHORT_CUTS, file=path)
    if problems:
        raise problems[0]
    faulty = frame.filter(
        pl.col("gate").str.starts_with("lymphocytes "),
        (pl.min_horizontal("threshold", "spread", "radius") <= 0)
        | pl.any_horizontal(pl.col("spread", "radius").is_null()),
    )
    if faulty.height:
        raise ReadError("a region needs a centre, spread and radius above 0", file=path, found=faulty["gate"][0])
    if sample is None:
        return _of_one_group(frame, path)
    own = pl.all_horizontal(pl.col(name).is_null() | (pl.col(name) == pl.lit(sample.get(name))) for name in GROUP)
    found = frame.filter(own.fill_null(False))
    if found.is_empty():
        told = ", ".join(f"{name} {sample[name]}" for name in GROUP if sample.get(name) is not None)
        raise ReadError(
            "the frozen cuts have none for this tube", file=path, found=told or "no panel", expected="its group"
        )
    # The rows of a table that tell more of the sample's group go before those that tell less.
    ranked = found.with_columns(told=pl.sum_horizontal(pl.col(name).is_not_null() for name in GROUP))
    return _of_one_group(ranked.filter(pl.col("told") == pl.col("told").max()).drop("told"), path)


def _of_one_group(frame: pl.DataFrame, path: str | Path) -> pl.DataFrame:
    if frame.select(GROUP).n_unique() > 1:
        mend = "keep the rows of one panel, instrument and batch"
        raise ReadError("the frozen cuts are of several groups of tubes", file=path, expected="one group", mend=mend)
    return frame
