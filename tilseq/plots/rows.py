"""The rows that a figure draws: of a table that has its columns, and of one locus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tilseq.errors import AnalysisError, did_you_mean, first_few, refuse_lone

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


def of_names(rows: pl.DataFrame, column: str, names: Sequence[str] | None) -> pl.DataFrame:
    """Return the rows whose column holds one of some names, None or no name being all.

    Raises
    ------
    AnalysisError
        No row is of a name, or one name alone is given, whose letters would be taken for names.
    """
    refuse_lone(**{column: names})
    known = rows[column].unique().drop_nulls().sort().to_list()
    for name in names or ():
        if name not in known:
            mend = did_you_mean(str(name), known)
            raise AnalysisError("no row of the table is of this", column=column, found=name, mend=mend)
    return rows.filter(rows[column].is_in(list(names))) if names else rows


def of_one(frame: Any, column: str) -> None:
    """Refuse rows of several kinds by a column, where there is such a column.

    Raises
    ------
    AnalysisError
        The column holds several values.
    """
    from tilseq.tables import as_polars

    rows = as_polars(frame)
    kinds = rows[column].drop_nulls().unique().sort().to_list() if column in rows.columns else []
    if len(kinds) > 1:
        raise AnalysisError(
            "the figure is of one of these", column=column, found=first_few(kinds, 4), mend="filter the table"
        )
