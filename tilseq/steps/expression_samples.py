"""Samples of expression side by side: bulk RNA, or groups of summed cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

OF_ONE = ("subject", "level", "status")  # what samples that are summed have in common


@dataclass(frozen=True)
class Samples:
    """Samples of expression.

    Attributes
    ----------
    design
        One row a sample, in the order of `counts`: `sample, subject, visit, day, status, specimen`; `visit` is the
        level.
    counts
        Samples × genes.
    genes
        Symbol of each column: those that every sample's file has.
    left_out
        How many genes some file lacks.
    odd_one
        The sample, or group, whose file has the fewest of the genes that most files have.
    empty
        Samples that are left out, as none of these genes is counted in them.
    of_days
        Samples that are sums of libraries of several days.
    """

    design: pl.DataFrame
    counts: NDArray[np.int64]
    genes: tuple[str, ...]
    left_out: int
    odd_one: str = ""
    empty: tuple[str, ...] = ()
    of_days: tuple[str, ...] = ()

    def at(self, level: str) -> Samples:
        """Return the samples of one level."""
        rows = (self.design["visit"] == level).arg_true()
        return replace(self, design=self.design[rows], counts=self.counts[rows.to_numpy()])


def side_by_side(rows: Sequence[Mapping[str, Any]], tables: Iterable[pl.DataFrame]) -> Samples:
    """Return the counts of samples by genes.

    Libraries of one subject, level and status, as of several lots, are summed: subjects are what is compared.

    Parameters
    ----------
    rows
        One a library: `group, subject, level, day, specimen`, and of summed cells `status`.
    tables
        Tables `group, gene, count`: one a file or more, in which each gene of the file has a row, be it 0, for each
        group.

    Raises
    ------
    AnalysisError
        The libraries were scaled to one depth, as counts per million, which their sums or a part of their genes no
        longer show.
    """
    import numpy as np
    import polars as pl

    keys = {row["group"]: tuple(row.get(name) for name in OF_ONE) for row in rows}
    order = {key: place for place, key in enumerate(sorted(set(keys.values()), key=str))}
    own = [table.filter(pl.col("group").is_in(list(keys))) for table in tables]
    own = [table for table in own if table.height]
    _refuse_scaled(own)
    held = [set(table["gene"]) for table in own]
    genes = tuple(sorted(set.intersection(*held))) if held else ()
    column = {gene: place for place, gene in enumerate(genes)}
    counts = np.zeros((len(order), len(genes)), np.int64)
    for table in own if genes else ():
        known = table.filter(pl.col("gene").is_in(list(genes)))
        rows_of = known["group"].replace_strict({g: order[k] for g, k in keys.items()}, return_dtype=pl.Int64)
        columns_of = known["gene"].replace_strict(column, return_dtype=pl.Int64)
        np.add.at(counts, (rows_of.to_numpy(), columns_of.to_numpy()), known["count"].to_numpy())
    first = {keys[row["group"]]: row for row in reversed(rows)}
    names = {key: "|".join(filter(None, key)) for key in order}
    design = [(names[key], key[0], key[1], first[key]["day"], key[2], first[key]["specimen"]) for key in order]
    days = {key: {row["day"] for row in rows if keys[row["group"]] == key} for key in order}
    files_of = Counter(gene for genes_of in held for gene in genes_of)
    usual = {gene for gene, number in files_of.items() if 2 * number > len(held)}
    odd_one = min(zip(own, held, strict=True), key=lambda one: (len(one[1] & usual), len(one[1])), default=None)
    design_frame = pl.DataFrame(design, schema=_schema(), orient="row")
    counted = counts.any(axis=1) if genes else np.ones(len(order), bool)
    empty = tuple(design_frame["sample"].filter(pl.Series(~counted)))
    kept = design_frame.filter(pl.Series(counted))
    of_days = tuple(names[key] for key in order if len(days[key]) > 1)
    name = "" if odd_one is None else odd_one[0]["group"][0]
    return Samples(kept, counts[counted], genes, len(files_of) - len(genes), name, empty, of_days)


def _refuse_scaled(tables: Sequence[pl.DataFrame]) -> None:
    import polars as pl

    from tilseq.errors import AnalysisError
    from tilseq.scaled_counts import MEND, WHAT, of_one_depth

    depths = pl.concat(tables).group_by("group").agg(pl.col("count").sum()) if tables else pl.DataFrame()
    if tables and of_one_depth(depths["count"].to_numpy().astype(float)):
        raise AnalysisError(WHAT, found="library sizes that differ by rounding alone", mend=MEND)


def _schema() -> dict[str, pl.DataType]:
    import polars as pl

    text, day = pl.String(), pl.Int64()
    return {"sample": text, "subject": text, "visit": text, "day": day, "status": text, "specimen": text}
