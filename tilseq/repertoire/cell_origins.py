"""Where the clones of single cells come from, cell by cell."""

from __future__ import annotations

from typing import Any

import polars as pl

from tilseq.receptors import CLONE
from tilseq.tables import as_polars, conform
from tilseq.tables.cell_labels import CELL_LABELS, INFUSED, NOT_SEEN
from tilseq.tables.tracking import ORIGIN_CLASSES, ORIGINS

COLUMNS = ("origin", "origin_probability")


def with_origins(labels: Any, origins: Any, classes: Any) -> pl.DataFrame:
    """Return labels of cells with the origin of each cell's clone, and how probable it is.

    A cell has the origin of the clone whose junction it was searched for. Cells that can be labelled neither way, and
    those of a clone that `origins` does not know, have none.

    Parameters
    ----------
    labels
        The table `cell_labels` of one subject, polars or pandas.
    origins, classes
        The tables `origins` and `origin_classes` of the same subject.

    Returns
    -------
    polars.DataFrame
        The table `cell_labels`. `origin_probability` is the share of the clones called so that are expected to be
        right, ``1 - wrong_expected / clones``: of the class at large, not of this one clone. It is null where
        `wrong_expected` is, as for `indeterminate` and `infused_and_preexisting`.
    """
    known = conform(as_polars(origins), ORIGINS).select(*CLONE, "origin")
    right = conform(as_polars(classes), ORIGIN_CLASSES).select(
        "locus", "origin", origin_probability=1 - pl.col("wrong_expected") / pl.col("clones")
    )
    told = known.join(right, on=("locus", "origin"), how="left").rename({"origin": "known"})
    frame = conform(as_polars(labels), CELL_LABELS).drop(COLUMNS)
    found = frame.join(told, on=CLONE, how="left", maintain_order="left")
    decided = pl.col("label").is_in((INFUSED, NOT_SEEN))
    kept = {name: pl.when(decided).then(column) for name, column in zip(COLUMNS, ("known", COLUMNS[1]), strict=True)}
    return conform(found.with_columns(**kept).drop("known"), CELL_LABELS)
