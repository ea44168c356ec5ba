"""An infusion product as its libraries show it: lots, bulk or single cells, put together locus by locus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from tilseq.errors import AnalysisError
from tilseq.receptors import CLONE
from tilseq.repertoire.cells import checked_effective
from tilseq.repertoire.clones import check_columns, check_count_of, clone_counts, nucleotides
from tilseq.repertoire.depth import is_cut_off
from tilseq.repertoire.strangers import next_to_nothing
from tilseq.tables import as_polars

ALPHA, BETA = "TRA", "TRB"
MOST_OF_A_CELL = 2  # counts, in the mean: where a cell has more, a library need have no clone counted once
ALPHAS, BETAS = ("vj_1", "vj_2"), ("vdj_1", "vdj_2")


@dataclass(frozen=True)
class ProductLot:
    """One library of an infusion product.

    Attributes
    ----------
    name
        Of the library or lot, for the reader.
    table
        polars or pandas: `locus, junction, duplicate_count`.
    n_effective
        Locus → effective number of cells (see `share_cells`), None or absent where it is not known.
    cells
        Table of `chain_pairing`, where the library is of single cells: which TRA goes with which TRB.
    count_of
        What the counts count: `cells`, `umis`, `templates`, `reads` or `unknown`.
    """

    name: str
    table: Any
    n_effective: Mapping[str, float | None] = field(default_factory=dict)
    cells: Any = None
    count_of: str = "unknown"


@dataclass(frozen=True)
class Product:
    """What all libraries together show.

    Attributes
    ----------
    clones
        `locus, junction, product_count, product_share, product_lots`, a row a clone.
    n_effective
        Locus → effective cells of all libraries, None where it is not known of one of them, or one was cut off at a
        smallest count.
    count_of
        Locus → what the counts of its libraries count, `unknown` where they count different things.
    why
        Locus → why its effective number is not known.
    pairs
        `beta, alpha, second` (whether one of the two is a second chain of its cell): chains of single cells of the
        product that stand together.
    alone
        Junctions of TRA that a cell of the product has without a TRB.
    apart
        Effective cells whose TRA was read apart from their TRB: of bulk libraries all, of single cells those without
        TRB, for a cell that is not in the library lacks both.
    """

    clones: pl.DataFrame
    n_effective: Mapping[str, float | None]
    count_of: Mapping[str, str]
    why: Mapping[str, str]
    pairs: pl.DataFrame
    alone: frozenset[str]
    apart: float

    def of(self, locus: str) -> pl.DataFrame:
        """Return the clones of a locus."""
        return self.clones.filter(pl.col("locus") == locus)


def product_of(lots: Sequence[ProductLot]) -> Product:
    """Return what the libraries of a product show together.

    Raises
    ------
    AnalysisError
        There is no library, or one without a TRA or TRB; two bear one name; counts are not of that; an effective number
        of cells is not above 0 or exceeds the counts.
    TableError
        A table is not a clonotype table, or one of cells lacks a column.
    """
    names = [lot.name for lot in lots]
    if len(set(names)) < len(names):
        raise AnalysisError("two libraries of the product bear one name", found=", ".join(names))
    parts = []
    for lot in lots:
        check_count_of(lot.count_of)
        counts = clone_counts(lot.table).filter(pl.col("locus").is_in([ALPHA, BETA]))
        share = pl.col("duplicate_count") / pl.col("duplicate_count").sum().over("locus")
        if not counts.height:
            raise AnalysisError(
                "a library of the product has no clonotype of TRA or TRB: what it would show is not known",
                found=lot.name,
            )
        for locus, total in counts.group_by("locus").agg(pl.col("duplicate_count").sum()).iter_rows():
            checked_effective(lot.n_effective.get(locus), total, f"{lot.name}, {locus}")
        parts.append(counts.with_columns(share=share, lot=pl.lit(lot.name)))
    if not parts:
        raise AnalysisError("the product has no clonotype of TRA or TRB", found="no library")
    clones = pl.concat(parts)
    having = dict(clones.group_by("locus").agg(pl.col("lot").unique()).iter_rows())
    told = {locus: _depth(lots, locus, clones.filter(pl.col("locus") == locus)) for locus in having}
    found = {lot.name: _pairs(lot.cells) for lot in lots if lot.cells is not None}
    pairs, alone = [pair for pair, _ in found.values()], [cells for _, cells in found.values()]
    return Product(
        clones.sort("lot")
        .group_by(CLONE, maintain_order=True)
        .agg(
            product_count=pl.col("duplicate_count").sum(),
            summed=pl.col("share").sum(),
            product_lots=pl.col("lot").unique(maintain_order=True).str.join(";"),
        )
        .with_columns(
            product_share=pl.col("summed") / pl.col("locus").replace_strict({k: len(v) for k, v in having.items()})
        )
        .drop("summed"),
        {locus: n for locus, (n, _) in told.items()},
        {locus: _counted(lots, set(lot_names)) for locus, lot_names in having.items()},
        {locus: why for locus, (_, why) in told.items() if why},
        pl.concat(pairs).unique(maintain_order=True)
        if pairs
        else pl.DataFrame(schema={"beta": pl.String, "alpha": pl.String, "second": pl.Boolean}),
        frozenset(one for cells in alone for one in (*cells["vj_1_junction"], *cells["vj_2_junction"].drop_nulls())),
        sum(found[lot.name][1].height if lot.name in found else lot.n_effective.get(ALPHA) or 0.0 for lot in lots),
    )


def lots_apart(lots: Mapping[str, pl.DataFrame]) -> dict[str, str]:
    """Return which lots of a product hold next to nothing of what the others show, and what to make of it.

    Lots of one subject are grown from one tumour; a lot that shares a hundredth of its counts or less with them may be
    another subject's, whose clones would then be taken for infused ones. Lots of which none shares a locus with it say
    nothing of one.

    Parameters
    ----------
    lots
        Name → its clones: `locus, junction, duplicate_count`.
    """
    return {
        name: f"clones of the other lots hold {shared} of its {counts} counts: is it a product of this subject? All "
        "lots together are taken for infused"
        for name, shared, counts in next_to_nothing(lots)
    }


def _depth(lots: Sequence[ProductLot], locus: str, clones: pl.DataFrame) -> tuple[float | None, str]:
    """Return the effective cells of a locus of all libraries, or None and why.

    `clones` are `lot, duplicate_count` of all of them. A table without its small clones does not tell what it lacks.
    """
    having = set(clones["lot"])
    unknown = [lot.name for lot in lots if lot.name in having and lot.n_effective.get(locus) is None]
    if unknown:
        return None, f"the cells behind {locus} of {', '.join(unknown)} are not known"
    for lot in lots:
        counts = clones.filter(pl.col("lot") == lot.name)["duplicate_count"]
        seldom = counts.sum() <= MOST_OF_A_CELL * (lot.n_effective.get(locus) or 0.0)
        if seldom and is_cut_off(counts):
            cut = f"{lot.name} has no clone of {locus} counted less than {counts.min()!s} times: was it cut there?"
            return None, f"{cut} What such a table lacks cannot be told"
    return sum(lot.n_effective[locus] or 0.0 for lot in lots if lot.name in having), ""


def _counted(lots: Sequence[ProductLot], having: set[str]) -> str:
    """Return what the counts of some libraries count."""
    counted = {lot.count_of for lot in lots if lot.name in having}
    return counted.pop() if len(counted) == 1 else "unknown"


def _pairs(cells: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the chains of a product's cells that stand together, and the cells with a TRA that have no TRB."""
    frame = as_polars(cells)
    columns = [f"{place}_{name}" for place in (*ALPHAS, *BETAS) for name in CLONE]
    check_columns(frame, columns, "the cells of a product")
    frame = frame.with_columns(nucleotides(frame[f"{place}_junction"]) for place in (*ALPHAS, *BETAS))
    found = pl.concat(
        frame.filter(pl.col(f"{alpha}_locus") == ALPHA, pl.col(f"{beta}_locus") == BETA).select(
            beta=f"{beta}_junction", alpha=f"{alpha}_junction", second=pl.lit(alpha == "vj_2" or beta == "vdj_2")
        )
        for alpha in ALPHAS
        for beta in BETAS
    )
    return found, frame.filter(pl.col("vj_1_locus") == ALPHA, pl.col("vdj_1_locus").is_null())
