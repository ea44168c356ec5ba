"""The clones of many libraries in one table: those that several hold, and what else its run holds of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.receptors import CLONE
from tilseq.repertoire.clones import clone_counts
from tilseq.repertoire.copies import copies

Floats = NDArray[np.float64]

LEAST_RATIO = 10  # a tenth of another's count may be a leak; decontamination by a ratio usually takes 20
LARGE = 10  # counts of a clone that tells of a leak
COUNTED = {"locus": pl.String, "junction": pl.String, "duplicate_count": pl.Int64, "sample": pl.Int64}


@dataclass(frozen=True)
class Libraries:
    """Libraries of several subjects and runs.

    Attributes
    ----------
    names, subjects, runs
        Of each library; a run that is not known is None.
    sizes
        One row a library and locus: `sample` (place in `names`), `locus`, `clones`, `counts`.
    shared
        One row a library and clone that another library holds too: `sample`, `locus`, `junction`, `duplicate_count`,
        `clone` (number of the clone).
    large_alone
        The same of large clones that no other library holds, without `clone`: what could leak and did not.
    identical
        Place → places of libraries with the very same clones and shares.
    """

    names: tuple[str, ...]
    subjects: tuple[str, ...]
    runs: tuple[str | None, ...]
    sizes: pl.DataFrame
    shared: pl.DataFrame
    large_alone: pl.DataFrame
    identical: Mapping[int, tuple[int, ...]]

    @property
    def loci(self) -> list[str]:
        """All loci, sorted."""
        return self.sizes["locus"].unique().sort().to_list()

    @property
    def places(self) -> pl.DataFrame:
        """`name` of each library and its `sample`, its place."""
        rows = {"name": list(self.names), "sample": range(len(self.names))}
        return pl.DataFrame(rows, schema={"name": pl.String, "sample": pl.Int64})

    def clones(self, locus: str) -> Floats:
        """Return the clones of a locus in each library, 0 where it has none."""
        found = np.zeros(len(self.names))
        rows = self.sizes.filter(locus=locus)
        found[rows["sample"].to_numpy()] = rows["clones"].to_numpy()
        return found

    def beside(self, subjects: Sequence[str]) -> pl.DataFrame:
        """Return `shared`, and what other subjects' libraries of the same run hold of each clone.

        Parameters
        ----------
        subjects
            Subject of each library, as it may have been corrected.

        Returns
        -------
        polars.DataFrame
            With `subject`, `run`, `donor` (place of the library of another subject that holds most, null for none),
            `donor_subject`, `donor_count` and `may_leak`: its count is a tenth of the donor's or less.
        """
        of_each = pl.DataFrame(
            {
                "sample": np.arange(len(self.names)),
                "subject": pl.Series(list(subjects), dtype=pl.String),
                "run": pl.Series(list(self.runs), dtype=pl.String),
            }
        )
        rows = self.shared.join(of_each, on="sample", how="left", maintain_order="left")
        known = rows.drop_nulls("run").sort(["duplicate_count", "sample"], descending=[True, False])
        best = known.group_by("run", "clone", "subject", maintain_order=True).first()
        best = best.sort(["duplicate_count", "sample"], descending=[True, False])
        two = best.group_by("run", "clone", maintain_order=True).agg(
            pl.struct("subject", "sample", "duplicate_count").head(2).alias("first")
        )
        first, second = (pl.col("first").list.get(i, null_on_oob=True) for i in range(2))
        two = two.select("run", "clone", first.alias("first"), second.alias("second"))
        other = (
            pl.when(pl.col("first").struct.field("subject") == pl.col("subject")).then("second").otherwise("first")
        ).alias("other")
        rows = rows.join(two, on=("run", "clone"), how="left", maintain_order="left").with_columns(other)
        return rows.with_columns(
            donor=pl.col("other").struct.field("sample"),
            donor_subject=pl.col("other").struct.field("subject"),
            donor_count=pl.col("other").struct.field("duplicate_count"),
        ).select(
            *rows.drop("first", "second", "other").columns,
            "donor",
            "donor_subject",
            "donor_count",
            may_leak=(pl.col("donor_count") >= LEAST_RATIO * pl.col("duplicate_count")).fill_null(False),
        )


def libraries_of(
    samples: Mapping[str, Any], subjects: Mapping[str, str], runs: Mapping[str, str | None] | None
) -> Libraries:
    """Return the clones of many samples as one.

    Raises
    ------
    AnalysisError
        A sample has no subject; a subject or run is given of a sample that there is not.
    TableError
        A table is not a clonotype table.
    """
    runs = runs or {}
    for what, given in (("subject", subjects), ("run", runs)):
        strange = [name for name in given if name not in samples]
        if strange:
            mend = f"the samples are {', '.join(samples)}"
            raise AnalysisError(f"a {what} is given of a sample that there is not", found=strange[0], mend=mend)
    lacking = [name for name in samples if not subjects.get(name)]
    if lacking:
        raise AnalysisError("a sample has no subject", found=lacking[0])
    tables = {
        name: clone_counts(table).with_columns(sample=pl.lit(place, pl.Int64))
        for place, (name, table) in enumerate(samples.items())
    }
    every = [pl.DataFrame(schema=COUNTED), *tables.values()]
    sizes = pl.concat(
        table.group_by("sample", "locus").agg(clones=pl.len().cast(pl.Int64), counts=pl.col("duplicate_count").sum())
        for table in every
    )
    shared, alone = _parted(every)
    shared = shared.with_columns(clone=pl.struct(CLONE).rank("dense").cast(pl.Int64) - 1)
    names = tuple(samples)
    return Libraries(
        names,
        tuple(subjects[name] for name in names),
        tuple(runs.get(name) for name in names),
        sizes.sort("sample", "locus"),
        shared,
        alone,
        _identical(tables),
    )


def _parted(tables: Sequence[pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the clones that several tables hold, and the large ones that one alone does.

    Nearly all clones are of one table alone, which their hashes tell in a fraction of the memory that a table of all
    would take. Two clones may have one hash, so that those with a hash that stands twice are looked at themselves.
    """
    hashes = [table.select(pl.struct(CLONE).hash()).to_series().to_numpy() for table in tables]
    every = np.sort(np.concatenate(hashes))
    twice = np.unique(every[1:][every[1:] == every[:-1]])
    near = [np.isin(of_table, twice) for of_table in hashes]
    rows = pl.concat(table.filter(pl.Series(mask)) for table, mask in zip(tables, near, strict=True))
    several = rows.select(pl.struct(CLONE).is_duplicated()).to_series()
    large = pl.col("duplicate_count") >= LARGE
    alone = [table.filter(~pl.Series(mask), large) for table, mask in zip(tables, near, strict=True)]
    order = ("sample", *CLONE)
    return rows.filter(several).sort(order), pl.concat([*alone, rows.filter(~several, large)]).sort(order)


def _identical(tables: Mapping[str, pl.DataFrame]) -> dict[int, tuple[int, ...]]:
    """Return the tables of which there are twins: place → places of the others."""
    first = copies(tables)
    alike: dict[str, list[int]] = {}
    for place, name in enumerate(tables):
        alike.setdefault(first.get(name, name), []).append(place)
    return {i: tuple(j for j in places if j != i) for places in alike.values() if len(places) > 1 for i in places}


def shared_clones(rows: pl.DataFrame, libraries: int) -> Floats:
    """Return how many clones each two libraries have in common, libraries × libraries; the diagonal means nothing.

    Parameters
    ----------
    rows
        `sample` and `clone`, each pair once.
    libraries
        How many there are.
    """
    from scipy.sparse import csr_array

    if not rows.height:
        return np.zeros((libraries, libraries))
    clone = rows["clone"].to_numpy()
    where = (rows["sample"].to_numpy(), clone)
    held = csr_array((np.ones(rows.height), where), shape=(libraries, int(clone.max()) + 1))
    return np.asarray((held @ held.T).toarray())
