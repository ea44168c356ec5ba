"""Where the clones of single cells come from, cell by cell."""

from __future__ import annotations

from typing import Any

import polars as pl

from tilseq.receptors import CLONE
from tilseq.tables import as_polars, conform
from tilseq.tables.cell_labels import CELL_LABELS, INFUSED, NOT_SEEN
from tilseq.tables.tracking import ORIGINS


def with_origins(labels: Any, origins: Any) -> pl.DataFrame:
    """Return labels of cells with the origin of each cell's clone.

    A cell has the origin of the clone whose junction it was searched for. Cells that can be labelled neither way, and
    those of a clone that `origins` does not know, have none.

    Parameters
    ----------
    labels
        The table `cell_labels` of one subject, polars or pandas.
    origins
        The table `origins` of the same subject.

    Returns
    -------
    polars.DataFrame
        The table `cell_labels`.
    """
    known = conform(as_polars(origins), ORIGINS).select(*CLONE, known="origin")
    frame = conform(as_polars(labels), CELL_LABELS)
    found = frame.join(known, on=CLONE, how="left", maintain_order="left")
    origin = pl.when(pl.col("label").is_in((INFUSED, NOT_SEEN))).then("known")
    return conform(found.with_columns(origin=origin).drop("known"), CELL_LABELS)
