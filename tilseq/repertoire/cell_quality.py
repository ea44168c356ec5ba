"""How many cells of a sample are of each kind, and what of that a reader should look at."""

from __future__ import annotations

from typing import Any

import polars as pl

from tilseq.intervals import clopper_pearson, scalar
from tilseq.repertoire.clones import check_columns
from tilseq.tables import as_polars
from tilseq.tables.outputs import QUALITY
from tilseq.tables.repertoire import CELL_QUALITY

CALLS = ("receptor_type", "receptor_subtype", "chain_pairing", "doublet", "dual_alpha")
FULL_PAIR = ("single pair", "extra VJ", "extra VDJ", "two full chains")
FEWEST_PAIRED = 0.5
MOST_DOUBLETS = 0.1  # 10x tells of 8 % of two cells in a drop where 10,000 are recovered


def cell_quality(cells: Any) -> pl.DataFrame:
    """Return how many cells of each sample are of each kind, with exact limits of their share.

    Parameters
    ----------
    cells
        polars or pandas, table of `tilseq.repertoire.chains.chain_pairing`, of one sample or several.

    Returns
    -------
    polars.DataFrame
        The table `cell_quality`: `sample, call, category, cells, total, share, lower, upper`; `call` is
        `receptor_type`, `receptor_subtype`, `chain_pairing`, `doublet` (`no` where it is null) or `dual_alpha`
        (`dual alpha` or `not`). Limits, 95 %, are exact (Clopper and Pearson).

    Raises
    ------
    TableError
        A column is absent.
    """
    frame = _checked(cells).with_columns(
        doublet=pl.col("doublet").fill_null("no"),
        dual_alpha=pl.when("dual_alpha").then(pl.lit("dual alpha")).otherwise(pl.lit("not")),
    )
    rows = []
    for (sample,), of_sample in frame.partition_by("sample", as_dict=True).items():
        for call in CALLS:
            for category, number in of_sample[call].value_counts().iter_rows():
                lower, upper = scalar(clopper_pearson(number, of_sample.height))
                row = {"sample": sample, "call": call, "category": category, "cells": number}
                row |= {"total": of_sample.height, "share": number / of_sample.height}
                rows.append(row | {"lower": lower, "upper": upper})
    return CELL_QUALITY.frame(rows)


def cell_checks(cells: Any) -> pl.DataFrame:
    """Return the checks of each sample's cells.

    - `full pairs`: share of the cells with a chain of each arm; warns below a half, as in a library that lacks one
      chain, or of cells that died.
    - `doublets`: share of the cells flagged `likely` or `possible`; warns above 10 %, as where too many were loaded.

    The limits that warn are round figures of ours, not of a paper.

    Parameters
    ----------
    cells
        As for `cell_quality`.

    Returns
    -------
    polars.DataFrame
        The table `quality`: `sample, check, value, limit, verdict, reason`.

    Raises
    ------
    TableError
        A column is absent.
    """
    rows = []
    for (sample,), of_sample in _checked(cells).partition_by("sample", as_dict=True).items():
        total, pairs = of_sample.height, of_sample.filter(pl.col("chain_pairing").is_in(FULL_PAIR)).height
        likely, possible = (of_sample.filter(doublet=kind).height for kind in ("likely", "possible"))
        doublets = likely + possible
        rows += [
            {
                "sample": sample,
                "check": "full pairs",
                "value": pairs / total,
                "limit": f"at least {FEWEST_PAIRED:g} of the cells",
                "verdict": "pass" if pairs / total >= FEWEST_PAIRED else "warn",
                "reason": f"{pairs} of {total} cells have a chain of each arm",
            },
            {
                "sample": sample,
                "check": "doublets",
                "value": doublets / total,
                "limit": f"at most {MOST_DOUBLETS:g} of the cells",
                "verdict": "pass" if doublets / total <= MOST_DOUBLETS else "warn",
                "reason": f"by their chains {likely} of {total} cells are likely two and {possible} possibly",
            },
        ]
    return QUALITY.frame(rows)


def _checked(cells: Any) -> pl.DataFrame:
    frame = as_polars(cells)
    check_columns(frame, ("sample", *CALLS), "a table of cells")
    return frame
