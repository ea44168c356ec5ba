"""The columns that a figure needs of a table."""

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
