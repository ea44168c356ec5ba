"""What every test of gene sets gives: its rows, and false discovery rates within declared families."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from tilseq.errors import AnalysisError, first_few
from tilseq.expression.gene_order import Floats
from tilseq.expression.set_members import SetMembers
from tilseq.multiplicity import benjamini_hochberg
from tilseq.tables.enrichment import ENRICHMENT

FAMILY = "all"
SHOWN = 5


class Enrichment(NamedTuple):
    """Tests of gene sets.

    Attributes
    ----------
    table
        Table `enrichment`: one row a set, those not tested with a reason.
    told
        What was left out before, and how ties were ordered, in sentences.
    """

    table: pl.DataFrame
    told: tuple[str, ...]


def set_rows(sets: SetMembers, columns: Mapping[str, Any], **same: Any) -> pl.DataFrame:
    """Return table `enrichment` of one test, its q over all sets tested.

    Parameters
    ----------
    sets
        From `match_sets`. Those left out get a row with their reason.
    columns
        Values of the sets tested, by column, in the order of `sets.names`.
    same
        Values that all rows share.
    """
    tested = [
        {"set": name, "size": int(size), **{column: _plain(values[i]) for column, values in columns.items()}, **same}
        for i, (name, size) in enumerate(zip(sets.names, sets.sizes, strict=True))
    ]
    untested = [{"set": name, "size": size, **same, "reason": reason} for name, size, reason in sets.left_out]
    return one_family([ENRICHMENT.frame([row | {"family": FAMILY} for row in tested + untested])])


def one_family(tables: Sequence[pl.DataFrame], families: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Return the tests of one call together, with the false discovery rate over each family (Benjamini and Hochberg).

    A family is all its sets in all contrasts.

    Parameters
    ----------
    tables
        Tables `enrichment` of as many contrasts and methods.
    families
        Set → family, such as ``confirmatory`` for curated axes and ``exploratory`` for hallmark. Without it all sets
        are one family; with it every set needs one.

    Raises
    ------
    AnalysisError
        A set has no family, or a test stands twice.
    """
    table = pl.concat(tables)
    if families is not None:
        lacking = [name for name in table["set"].unique(maintain_order=True) if name not in families]
        if lacking:
            raise AnalysisError("sets without a family", found=first_few(lacking, SHOWN))
        table = table.with_columns(family=pl.col("set").replace_strict(dict(families), return_dtype=pl.String))
    if table.select("contrast", "set", "method").is_duplicated().any():
        raise AnalysisError("a set is tested twice in one contrast", mend="give each table once")
    p = table["p"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    q = np.full(len(p), np.nan)
    for family in table["family"].unique():
        rows = (table["family"] == family).to_numpy()
        q[rows] = benjamini_hochberg(p[rows])
    return ENRICHMENT.frame(table.with_columns(q=pl.Series(q)).rows(named=True))


def fold_changes(differences: Floats, sets: SetMembers) -> dict[str, Floats]:
    """Return the mean log2 fold change of each set with its 95 % limits: columns of the table.

    Each subject's value is the mean over the set's genes; the limits are Student's over subjects.

    Parameters
    ----------
    differences
        Subjects × genes, 2 subjects or more.
    sets
        From `match_sets`, on the same genes.
    """
    from scipy.special import stdtrit

    values = (sets.members.T.astype(float) @ differences.T).T / sets.sizes
    n, mean = len(values), values.mean(axis=0)
    half = stdtrit(n - 1, 0.975) * values.std(axis=0, ddof=1) / np.sqrt(n)
    return {"log2_fold_change": mean, "lower": mean - half, "upper": mean + half}


def directions(values: Floats) -> list[str | None]:
    """Return `up` and `down` by the sign of what tells it, None for 0."""
    return ["up" if value > 0 else "down" if value < 0 else None for value in values]


def joined(edges: Sequence[Sequence[str]]) -> list[str]:
    """Return genes as the table holds them, parted by ;."""
    return [";".join(edge) for edge in edges]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
