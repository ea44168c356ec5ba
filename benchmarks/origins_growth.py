"""Emergent clones called where a few infused clones grow far beyond the others.

`python -m benchmarks.origins_growth [SUBJECTS]`: subjects a row (200), each of 1,500 clones with log-normal sizes: 700
in the product, 900 in blood before it (100 of them in both), the last 40 of which are in neither but came up later. ln
growth of infused clones is normal, as the model of `missed` nearly has it, or Student's t with 3 degrees of freedom.
Baseline and later blood are draws of 20,000 cells.
"""

from __future__ import annotations

import sys

import numpy as np
import polars as pl

from tilseq.intervals import clopper_pearson, scalar
from tilseq.repertoire import effective_clones, origins

SUBJECTS, SEED = 200, 20_31
CLONES, INFUSED, BEFORE, EMERGENT = 1_500, 700, 900, 40
PRODUCTS, CELLS = (1_000, 5_000, 10_000, 20_000, 50_000), 20_000
GROWTHS = (("normal", 1.0), ("t", 0.6), ("t", 0.8), ("t", 1.0))
FASTEST = 10.0  # ln growth
Shares = np.ndarray


def sample(rng: np.random.Generator, shares: Shares, cells: int) -> pl.DataFrame:
    """Return the clones of a draw of cells."""
    counts = rng.multinomial(cells, shares / shares.sum())
    seen = np.flatnonzero(counts)
    table = pl.DataFrame({"junction": [f"c{place}" for place in seen], "duplicate_count": counts[seen].tolist()})
    return effective_clones(table.with_columns(locus=pl.lit("TRB")), float(cells))


def called(rng: np.random.Generator, product_cells: int, kind: str, scale: float) -> tuple[int, int]:
    """Return how many clones of a subject are called emergent, and how many of those are not."""
    place = np.arange(CLONES)
    infused = np.where(place < INFUSED, rng.lognormal(0, 1.5, CLONES), 0)
    before = np.where(place >= CLONES - BEFORE, rng.lognormal(0, 1.5, CLONES), 0)
    growth = scale * (rng.standard_t(3, CLONES) if kind == "t" else rng.standard_normal(CLONES))
    grown = infused * np.exp(np.minimum(growth, FASTEST))
    after = grown / grown.sum() + before / before.sum() * rng.lognormal(0, 0.5, CLONES)
    emergent = place >= CLONES - EMERGENT
    infused[emergent], before[emergent] = 0, 0
    after[emergent] = rng.lognormal(np.log(after.mean()), 1, EMERGENT)
    product, baseline, later = (
        sample(rng, shares, cells) for shares, cells in ((infused, product_cells), (before, CELLS), (after, CELLS))
    )
    found = origins(product, baseline=baseline, later=later).filter(origin="emergent")["junction"]
    return len(found), sum(not emergent[int(name[1:])] for name in found)


def main() -> None:
    """Print a row for each growth and depth of the product."""
    subjects = int(sys.argv[1]) if len(sys.argv) > 1 else SUBJECTS
    print("| ln growth | product, cells | called emergent | wrong, % (95 % limits) | subjects with a wrong one |")
    print("|" + "---|" * 5)
    for kind, scale in GROWTHS:
        for cells in PRODUCTS:
            rng = np.random.default_rng([SEED, cells])
            each = [called(rng, cells, kind, scale) for _ in range(subjects)]
            number, wrong = (sum(one[place] for one in each) for place in (0, 1))
            lower, upper = scalar(clopper_pearson(wrong, number)) if number else (0.0, 1.0)
            share = f"{100 * wrong / number:.1f} ({100 * lower:.1f} to {100 * upper:.1f})" if number else "-"
            print(
                f"| {kind}, {scale:g} | {cells:,} | {number:,} | {share} | {sum(w > 0 for _, w in each)} |", flush=True
            )


if __name__ == "__main__":
    main()
