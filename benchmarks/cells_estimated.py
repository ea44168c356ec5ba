"""Cells behind reads, estimated from replicates and from a pair: how far from the truth.

`python -m benchmarks cells_estimated`: 100 pairs of libraries a row, preset seeds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from tilseq.repertoire import cells_from_pair, cells_from_replicates

RUNS, SEED, READS, CLONES = 100, 99, 200_000, 20_000
Change = Callable[[np.random.Generator, np.ndarray], np.ndarray]


def unchanged(rng: np.random.Generator, share: np.ndarray) -> np.ndarray:
    """Return the shares of clones as they are."""
    return share


def grown(part: float, fold: float) -> Change:
    """Return what makes a part of the clones so many times as large."""
    return lambda rng, share: np.where(rng.random(len(share)) < part, fold, 1) * share


def each_by(spread: float) -> Change:
    """Return what changes each clone by a log-normal factor."""
    return lambda rng, share: share * np.exp(rng.normal(0, spread, len(share)))


ROWS: list[tuple[str, str, int, Change, float]] = [
    *(("replicates", "nothing changed", cells, unchanged, 0) for cells in (500, 1_000, 2_000, 5_000, 20_000)),
    *(("pair", "nothing changed", cells, unchanged, 0) for cells in (1_000, 2_000, 5_000, 20_000)),
    ("pair", "each cell's yield with a variance of 1", 5_000, unchanged, 1),
    *(("pair", f"each clone changed, log-normal {spread}", 5_000, each_by(spread), 0) for spread in (0.1, 0.3)),
    *(("pair", f"{part:.0%} of clones grown eightfold", 5_000, grown(part, 8), 0) for part in (0.1, 0.2)),
    ("pair", "half the clones lost", 5_000, grown(0.5, 1e-9), 0),
]


def library(rng: np.random.Generator, share: np.ndarray, cells: int, variance: float) -> pl.DataFrame:
    """Return the clonotypes of the reads of so many cells, whose yields have a mean of 1 and this variance."""
    drawn = rng.multinomial(cells, share / share.sum()).astype(float)
    if variance:
        drawn = rng.gamma(drawn / variance, variance)
    reads = rng.multinomial(READS, drawn / drawn.sum())
    seen = np.flatnonzero(reads)
    return pl.DataFrame({"junction": [f"C{clone}" for clone in seen], "duplicate_count": reads[seen]}).with_columns(
        locus=pl.lit("TRB")
    )


def main() -> None:
    """Print a row for each setting."""
    share = 1 / np.arange(1, CLONES + 1)
    print("| estimate, of | libraries | cells | ratio, nine in ten | held, % | none |\n|---|---|---|---|---|---|")
    for kind, said, cells, change, variance in ROWS:
        ratios, held = [], []
        for run in range(RUNS):
            rng = np.random.default_rng([SEED, run])
            later = change(rng, share)
            first, second = (library(rng, each, cells, variance) for each in (share, later))
            pair = kind == "pair"
            known = cells_from_pair(first, second) if pair else cells_from_replicates({"a": first, "b": second})
            if (estimate := known.get("TRB")) and estimate.cells:
                ratios.append(estimate.cells / cells)
                held.append((estimate.lower or 0) <= cells <= (estimate.upper or np.inf))
        told = (
            f"{np.median(ratios):.2f} ({np.quantile(ratios, 0.05):.2f}-{np.quantile(ratios, 0.95):.2f})"
            if ratios
            else ""
        )
        share_held = f"{100 * np.mean(held):.0f}" if held else ""
        print(f"| {kind} | {said} | {cells:,} | {told} | {share_held} | {RUNS - len(ratios)} |", flush=True)


if __name__ == "__main__":
    main()
