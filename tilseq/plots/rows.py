"""The rows that a figure draws: of a table that has its columns, and of one locus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tilseq.errors import AnalysisError

if TYPE_CHECKING:
    import polars as pl


def needing(frame: Any, columns: Sequence[str]) -> pl.DataFrame:
    """Return a polars frame that has these columns.

    Raises
    ------
    AnalysisError
        One is absent.
    """
    from tilseq.tables import as_polars

    rows = as_polars(frame)
    absent = [name for name in columns if name not in rows.columns]
    if absent:
        raise AnalysisError("the figure needs this column", column=absent[0], expected=", ".join(columns))
    return rows


def of_locus(frame: Any, locus: str | None) -> pl.DataFrame:
    """Return the rows of a locus as a polars frame, None being the only one.

    Raises
    ------
    AnalysisError
        The table holds no row of the locus, or several loci and none is chosen.
    """
    from tilseq.tables import as_polars

    rows = as_polars(frame)
    loci = rows["locus"].unique().sort().to_list()
    if locus is None and len(loci) > 1:
        raise AnalysisError("the table holds several loci", found=", ".join(loci), mend="choose one with locus=")
    rows = rows.filter(locus=locus or (loci[0] if loci else ""))
    if rows.is_empty():
        raise AnalysisError("the table holds nothing of this locus", found=locus)
    return rows
