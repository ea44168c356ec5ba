"""Receptors put beside expression, cell by cell: whether its clone was infused, and with what probability."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import polars as pl

from tilseq.errors import AnalysisError, TableError, first_few
from tilseq.intervals import clopper_pearson, scalar
from tilseq.tables import as_polars
from tilseq.tables.cell_labels import NO_RECEPTOR, UNDECIDED
from tilseq.tables.single_cells import CELL_STATUS, RECEPTOR_OVERLAP, SPELLINGS

LEAST_OVERLAP = 0.5
SHOWN = 3
OF_LABELS = ("label", "probability", "product_n_effective")
ORIGIN = "origin"  # of labels too, where it is known
OF_CHAINS = ("receptor_type", "chain_pairing", "doublet")
BASES = re.compile(r"[ACGT]{10,}")
BASES_AND_LANE = re.compile(r"[ACGT]{10,}(?:-\d+)?")
LANE = re.compile(r"-\d+$")


def cell_status(
    cells: Any, labels: Any = None, chains: Any = None, *, least_overlap: float = LEAST_OVERLAP
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Join receptors to cells with expression by sample and barcode.

    Barcodes are compared as they are written; where more agree, without a lane's ``-1`` and the sample's name before or
    behind; then by their run of bases and lane, then by the bases alone, as far as they name one cell of the sample.

    Parameters
    ----------
    cells
        polars or pandas, `sample` and `cell_id` of the cells with expression.
    labels
        The table `cell_labels`; without it no status is known but `no_receptor` of cells without chains. The origin of
        the cell's clone is taken over where it tells it.
    chains
        The table `cells` of `tilseq.repertoire.chain_pairing`.
    least_overlap
        Least share of the smaller of both sets of cells that must be in the other, sample by sample. Of few cells a
        share below it proves nothing: refused is a sample whose exact 95 % limits lie below it.

    Returns
    -------
    tuple
        The table `cell_status`, one row a cell with expression: `status` is the cell's label: `infused`,
        `not_seen_in_product` (which is not endogenous: `product_n_effective` is the product's depth), `undecided` (or a
        receptor, but no label; or neither table names the sample) or `no_receptor`. And the table `receptor_overlap`, a
        row a sample and source.

    Raises
    ------
    TableError
        A column is absent, or a cell stands twice.
    AnalysisError
        The overlap of a sample is too small; the error tells it.
    """
    frame = _checked(cells, "cells with expression", ())
    overlaps: list[dict[str, Any]] = []
    joined = frame
    for source, table, columns in (("labels", labels, OF_LABELS), ("chains", chains, OF_CHAINS)):
        if table is None:
            empty = {name: pl.lit(None, dtype=pl.Float64 if name in OF_LABELS[1:] else pl.String) for name in columns}
            joined = joined.with_columns(**empty, **{f"in_{source}": pl.lit(False)})
            continue
        further = [ORIGIN] if source == "labels" and ORIGIN in table.columns else []
        other = _checked(table, f"table of {source}", (*columns, *further))
        _check_samples(frame, other, source)
        matched, told = _matched(frame, other, source, least_overlap)
        overlaps += told
        behind = other.select("sample", pl.col("cell_id").alias("theirs"), *columns, *further).with_columns(
            pl.lit(True).alias(f"in_{source}")
        )
        joined = joined.join(matched, on=["sample", "cell_id"], how="left", maintain_order="left")
        joined = joined.join(behind, on=["sample", "theirs"], how="left", maintain_order="left").drop("theirs")
    with_chain = pl.col("in_chains").fill_null(False) & (pl.col("receptor_type").fill_null("no IR") != "no IR")
    # Nothing is known of the receptors of a sample that neither table names.
    known = [set(as_polars(table)["sample"]) for table in (labels, chains) if table is not None]
    named = pl.col("sample").is_in(sorted(set().union(*known)))
    without = pl.when(with_chain | ~named).then(pl.lit(UNDECIDED)).otherwise(pl.lit(NO_RECEPTOR))
    unknown = {} if ORIGIN in joined.columns else {ORIGIN: pl.lit(None)}
    joined = joined.with_columns(status=pl.coalesce("label", without), **unknown)
    names = [column.name for column in CELL_STATUS.columns]
    return CELL_STATUS.frame(joined.select(names).to_dicts()), RECEPTOR_OVERLAP.frame(overlaps)


def _check_samples(cells: pl.DataFrame, other: pl.DataFrame, source: str) -> None:
    """Refuse tables whose samples have no name in common: every cell would seem to be without a receptor."""
    ours, theirs = (sorted(set(frame["sample"])) for frame in (cells, other))
    if ours and theirs and not set(ours) & set(theirs):
        raise AnalysisError(
            f"cells and {source} name no sample alike",
            found=f"{first_few(ours, SHOWN)} against {first_few(theirs, SHOWN)}",
            mend="rename the samples of one of them",
        )


def _checked(table: Any, what: str, columns: tuple[str, ...]) -> pl.DataFrame:
    frame = as_polars(table)
    absent = [name for name in ("sample", "cell_id", *columns) if name not in frame.columns]
    if absent:
        raise TableError(
            f"the {what} lacks a column", column=absent[0], expected=", ".join(("sample", "cell_id", *columns))
        )
    frame = frame.select("sample", "cell_id", *columns)
    if frame.select("sample", "cell_id").is_duplicated().any():
        raise TableError(f"a cell stands twice in the {what}", column="cell_id", mend="name each cell once a sample")
    return frame


def _matched(
    cells: pl.DataFrame, other: pl.DataFrame, source: str, least: float
) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """Return `sample, cell_id, theirs`, and the overlap of each sample."""
    pairs: list[tuple[str, str, str]] = []
    told: list[dict[str, Any]] = []
    for sample in sorted(set(cells["sample"])):
        ours = cells.filter(sample=sample)["cell_id"].to_list()
        theirs = other.filter(sample=sample)["cell_id"].to_list()
        spelling, found = max(
            ((one, _pairs(ours, theirs, key)) for one, key in _spellings(sample)), key=lambda one: len(one[1])
        )
        fewer = min(len(ours), len(theirs))
        overlap = len(found) / fewer if fewer else None
        row = {"sample": sample, "source": source, "cells": len(ours), "receptors": len(theirs), "matched": len(found)}
        told.append({**row, "overlap": overlap, "spelling": spelling if found else None})
        if overlap is not None and scalar(clopper_pearson(len(found), fewer))[1] < least:
            raise AnalysisError(
                f"the cells of {source} and of expression are not the same: sample {sample}, overlap {overlap:.1%}",
                found=f"{len(found)} of {len(theirs)} receptors among {len(ours)} cells",
                expected=f"an overlap of at least {least:.0%} of the smaller",
                mend="are both of one library, and their barcodes of one sample?",
            )
        pairs += [(sample, mine, yours) for mine, yours in found]
    schema = {"sample": pl.String, "cell_id": pl.String, "theirs": pl.String}
    return pl.DataFrame(pairs, schema=schema, orient="row"), told


def _spellings(sample: str) -> tuple[tuple[str, Callable[[str], str | None]], ...]:
    """Return ways to look at a barcode, the strictest first."""
    before = re.compile(rf"^{re.escape(sample)}[_\-:.#|]")
    behind = re.compile(rf"[_\-:.#|]{re.escape(sample)}$")

    def bare(name: str) -> str:
        return LANE.sub("", behind.sub("", before.sub("", name)))

    def with_lane(name: str) -> str | None:
        found = BASES_AND_LANE.search(name)
        return found[0].removesuffix("-1") if found else None

    def bases(name: str) -> str | None:
        found = BASES.search(name)
        return found[0] if found else None

    ways: tuple[Callable[[str], str | None], ...] = (str, bare, with_lane, bases)
    return tuple(zip(SPELLINGS, ways, strict=True))


def _pairs(ours: list[str], theirs: list[str], key: Callable[[str], str | None]) -> list[tuple[str, str]]:
    """Return the cells of both that look alike; a look that two cells of one side share pairs neither."""
    one, other = _once(ours, key), _once(theirs, key)
    return [(mine, other[look]) for look, mine in one.items() if look in other]


def _once(names: list[str], key: Callable[[str], str | None]) -> dict[str, str]:
    looks: dict[str, str | None] = {}
    for name in names:
        look = key(name)
        if look is not None:
            looks[look] = None if look in looks else name
    return {look: name for look, name in looks.items() if name is not None}
