"""Cells of a specimen, one by one: which clone each is of, in which state, with which receptor."""

from __future__ import annotations

import numpy as np
import polars as pl

from tilseq.simulate.clones import ALPHA, BETA, DUAL_ALPHA_SHARE
from tilseq.simulate.compartments import Specimen
from tilseq.simulate.receptors.recombination import draw_chains
from tilseq.simulate.states import STATES
from tilseq.simulate.subjects import Subject

NOT_CAPTURED = ("granulocyte",)  # lost when mononuclear cells are prepared
BARCODE_BASES = 16
RECEPTOR = (*(f"trb_{name}" for name in BETA), *(f"tra_{name}" for name in ALPHA), *(f"tra2_{name}" for name in ALPHA))


def capture(rng: np.random.Generator, subject: Subject, specimen: Specimen, cells: int) -> pl.DataFrame:
    """Draw cells of a specimen at random.

    Parameters
    ----------
    rng
        Random stream of the library.
    subject
        Whose clones they are of.
    specimen
        What there is to draw from.
    cells
        How many.

    Returns
    -------
    polars.DataFrame
        One row a cell, in random order: `barcode` (as 10x writes it, none twice), `clone` (null for a naive T cell and
        for other cells), `state` (of `states.STATES`; null for other cells), `lineage` (CD4, CD8, or the kind of other
        cells), `infused` (whether the cell descends from the infusion), and the receptor as in the table of clones.
    """
    shape = specimen.infused.shape
    naive, other = list(specimen.naive), [name for name in specimen.other if name not in NOT_CAPTURED]
    weights = np.concatenate(
        [
            specimen.infused.ravel(),
            specimen.endogenous.ravel(),
            [specimen.naive[name] for name in naive],
            [specimen.other[name] for name in other],
        ]
    )
    drawn = rng.permutation(np.repeat(np.arange(len(weights)), rng.multinomial(cells, weights / weights.sum())))
    size = shape[0] * shape[1]
    clonal = drawn < 2 * size
    clone, state = np.divmod(drawn % size, shape[1])
    rest = np.where(clonal, -1, drawn - 2 * size)
    names = [*naive, *other]
    table = pl.DataFrame(
        {
            "barcode": barcodes(rng, cells),
            "clone": pl.Series(np.where(clonal, clone + 1, 0)).replace(0, None),
            "state": [
                STATES[s] if c else (STATES[0] if r < len(naive) else None)
                for s, c, r in zip(state.tolist(), clonal.tolist(), rest.tolist(), strict=True)
            ],
            "kind": [None if c else names[r] for c, r in zip(clonal.tolist(), rest.tolist(), strict=True)],
            "infused": drawn < size,
        }
    )
    own = subject.clones.select("clone", "lineage", *RECEPTOR)
    joined = table.join(own, on="clone", how="left", maintain_order="left")
    joined = joined.with_columns(lineage=pl.coalesce("lineage", "kind")).drop("kind")
    return _with_naive_receptors(rng, joined).select("barcode", "clone", "state", "lineage", "infused", *RECEPTOR)


def _with_naive_receptors(rng: np.random.Generator, cells: pl.DataFrame) -> pl.DataFrame:
    """Give each naive T cell a receptor of its own."""
    naive = (pl.col("state") == STATES[0]) & pl.col("clone").is_null()
    places = cells.select(naive.fill_null(value=False).arg_true()).to_series()
    beta = draw_chains(rng, "TRB", len(places)).select(pl.col(name).alias(f"trb_{name}") for name in BETA)
    alpha = draw_chains(rng, "TRA", len(places)).select(pl.col(name).alias(f"tra_{name}") for name in ALPHA)
    second = draw_chains(rng, "TRA", len(places)).select(pl.col(name).alias(f"tra2_{name}") for name in ALPHA)
    dual = pl.Series(rng.random(len(places)) < DUAL_ALPHA_SHARE)
    second = second.select(pl.when(dual).then(name).alias(name) for name in second.columns)
    made = pl.concat([beta, alpha, second], how="horizontal").with_columns(place=places)
    at = cells.select(place=pl.int_range(pl.len()).cast(made["place"].dtype))
    filled = at.join(made, on="place", how="left", maintain_order="left")
    return cells.with_columns(pl.coalesce(name, filled[name]).alias(name) for name in RECEPTOR)


def barcodes(rng: np.random.Generator, cells: int) -> list[str]:
    """Draw different 10x barcodes."""
    found: dict[str, None] = {}
    while len(found) < cells:
        letters = np.frombuffer(b"ACGT", dtype=np.uint8)[rng.integers(0, 4, (cells, BARCODE_BASES))]
        found |= dict.fromkeys(f"{row.tobytes().decode()}-1" for row in letters)
    return list(found)[:cells]
