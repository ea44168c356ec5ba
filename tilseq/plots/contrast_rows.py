"""The rows of one contrast, and what a contrast is called in a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.plots.rows import needing


def one_contrast(frame: Any, contrast: str | None, engine: str | None, needed: Sequence[str]) -> pl.DataFrame:
    """Return the rows of one contrast and engine, one a gene.

    Raises
    ------
    AnalysisError
        A column is absent, there are several contrasts or engines and none is chosen, no row, or a gene stands twice.
    """
    rows = needing(frame, needed)
    for column, wanted in (("contrast", contrast), ("engine", engine)):
        known = rows[column].drop_nulls().unique().sort().to_list() if column in rows.columns else []
        if wanted is None and len(known) > 1:
            mend = f"choose one with {column}="
            raise AnalysisError(f"the table holds several {column}s", found=", ".join(known), mend=mend)
        if wanted is not None and wanted not in known:
            raise AnalysisError(f"the table holds no such {column}", found=wanted, mend=did_you_mean(wanted, known))
        rows = rows if wanted is None else rows.filter(pl.col(column) == wanted)
    if rows.is_empty():
        raise AnalysisError("nothing to draw: the table holds no gene")
    twice = rows.filter(pl.col("gene").is_duplicated())
    if twice.height:
        raise AnalysisError("a gene stands twice", column="gene", found=twice["gene"][0], mend="give one row a gene")
    return rows


def contrast_words(contrast: str, longest: int) -> str:
    """Return the levels of a contrast, an interaction on two lines; long ones break before the reference and place."""
    terms = [term.partition(":") for term in contrast.split("*")]
    lines = [levels or factor for factor, _, levels in terms]
    return " ×\n".join(
        line if len(line) <= longest else line.replace("/", "/\n").replace(" at ", "\nat ") for line in lines
    )


def compared(contrast: str) -> str:
    """Return a contrast as a reader meets it.

    >>> compared("visit:D28/product"), compared("status:infused/not_seen_in_product at D28"), compared("treated")
    ('D28 against product', 'infused against not seen in product at D28', 'treated')
    """
    if "/" not in contrast:
        return contrast
    of, _, at = contrast.partition(" at ")
    terms = [term.partition(":")[2].partition("/") for term in of.split("*")]
    told = ", and of that ".join(f"{level} against {reference}" for level, _, reference in terms).replace("_", " ")
    return f"{told} at {at}" if at else told
