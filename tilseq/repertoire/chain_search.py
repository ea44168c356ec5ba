"""One locus of a sample's cells held against a product: which junctions it has, and how sure match and miss are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import expm1

import numpy as np
import polars as pl

from tilseq.repertoire.missed_clones import FEWEST_CLONES, OF_TEMPLATES, Laws, Missed, missed
from tilseq.repertoire.product_lots import Product

# Chance that two clones have one nucleotide junction, (pairs + 1/2) / pairs compared: four people of
# BorchLab/scRepertoire (MIT), blood and lung tumour of each, all six pairs of people: TRA 160 of 91,524,615, TRB 0 of
# 102,727,868.
COLLISIONS: Mapping[str, float] = {"TRA": 1.75e-6, "TRB": 4.9e-9}
MOST_FALSE = 0.95  # of the matches that may be taken for false


@dataclass(frozen=True)
class Found:
    """A junction in the product."""

    count: int
    share: float
    lots: str


@dataclass(frozen=True)
class Search:
    """One locus of a sample against the product.

    Attributes
    ----------
    locus
        The locus.
    found
        Junction → what the product has of it, of junctions that are there.
    cells
        Junction → cells of the sample with it.
    n_effective
        Effective cells of the product.
    why
        Why no chance can be told; empty where it can.
    missed
        Cells of a clone → chance that it was in the product though it is not seen there.
    counts
        Counts of the product.
    model
        What the model says of missed clones, None where they cannot be told.
    false
        Chance that a match is with another clone of the same junction.
    by_chance
        Chance that a clone that is not in the product has a junction of it.
    """

    locus: str
    found: Mapping[str, Found]
    cells: Mapping[str, int]
    n_effective: float | None
    why: str
    missed: Mapping[int, float]
    counts: int
    model: Missed | None
    false: float
    by_chance: float

    def chance_missed(self, junction: str) -> float | None:
        """Return the chance that a junction's clone was in the product, which does not show it."""
        return self.missed.get(self.cells[junction]) if not self.why else None

    def chance_also(self, junction: str, apart: float) -> float:
        """Return the chance that the product shows the other chain of a clone of which it misses this one.

        `apart` are the effective cells whose other chain was read apart from this one.
        """
        assert self.model is not None
        place = int(np.searchsorted(self.model.cells, self.cells[junction]))
        return float(self.model.shown(apart / self.counts)[place])


def search(
    product: Product, locus: str, chains: pl.DataFrame, collision: float, of_templates: Laws = OF_TEMPLATES
) -> Search:
    """Hold one locus of a sample's cells against the product.

    Parameters
    ----------
    product
        The product.
    locus
        Locus.
    chains
        `cell_id, junction` of the locus, a row a chain.
    collision
        Chance that two clones have one junction.
    of_templates
        Laws by which templates may be counted, see `missed_clones.missed`.
    """
    of_product = product.of(locus)
    held = chains.unique().group_by("junction").agg(cells=pl.len().cast(pl.Int64))
    both = of_product.join(held, on="junction", how="full", coalesce=True)
    both = both.with_columns(pl.col("product_count", "cells").fill_null(0))
    n_effective, why = product.n_effective.get(locus), product.why.get(locus, "")
    model = None
    if n_effective is not None:
        count_of = product.count_of[locus]
        model = missed(both["cells"], both["product_count"], n_effective, count_of=count_of, of_templates=of_templates)
    if model is None and not why:
        why = f"the product shows fewer than {FEWEST_CLONES} clones of {locus}: what it misses cannot be told"
    chance = {} if model is None else dict(zip(model.cells.tolist(), model.chance.tolist(), strict=True))
    seen = both.filter(pl.col("cells") > 0, pl.col("product_count") > 0)
    strange = 0.5 + sum(1 - chance.get(cells, 0.0) for cells in both.filter(product_count=0)["cells"])
    by_chance = -expm1(-collision * of_product.height)
    return Search(
        locus,
        {
            junction: Found(count, share, lots)
            for junction, count, share, lots in seen.select(
                "junction", "product_count", "product_share", "product_lots"
            ).iter_rows()
        },
        dict(held.iter_rows()),
        n_effective,
        why,
        chance,
        int(of_product["product_count"].sum()),
        model,
        min(strange * by_chance / max(seen.height, 1), MOST_FALSE),
        by_chance,
    )
