"""Do the limits of persistence hold? Libraries of simulated subjects' blood, the truth known, preset seeds.

`python -m benchmarks.persistence [RUNS]`: libraries a cell (400). Cells are drawn from the blood, then reads from the
cells; product and baseline are draws of 20,000 cells. Truth of `mass` and `mass_new` is the share of the blood that
the clones seen in the product (and not in the baseline) hold; of `clones_at_n` and `frequent_clones_at_n` the mean
chance of these clones to be among so many cells; of `product_mass_kept_at_n` that of all clones of the true product,
by their shares of it.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

import numpy as np
import polars as pl

from tilseq.intervals import clopper_pearson, scalar
from tilseq.repertoire import effective_clones
from tilseq.repertoire.cells import effective_cells
from tilseq.repertoire.persistence import persistence_of
from tilseq.repertoire.still_seen import Depth
from tilseq.simulate.calendar import BASELINE_DAY
from tilseq.simulate.design import Design
from tilseq.simulate.subjects import draw_subject

RUNS, SEED, SUBJECTS = 400, 20_30, 16
DEPTHS = ((50_000, 2_000_000), (200_000, 500_000), (200_000, 200_000))  # cells, reads
DAYS = (14, 168)
REFERENCE_CELLS, THRESHOLD = 20_000, 1e-3
AT = (1.0, 0.1)  # share of the distinct cells at which samples are compared
DOWN = 50
Row = tuple[float, float, float, float, float]  # value, lower and upper limit, truth, width of the exact interval


@cache
def shares(number: int, day: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what each clone holds of a subject's product, blood before and blood of a day."""
    subject = draw_subject(number, Design(seed=SEED))
    blood = [subject.specimen("blood", of).frequencies for of in (BASELINE_DAY, day)]
    return subject.course.infused.sum(axis=1), *(np.asarray(one) for one in blood)


def drawn(rng: np.random.Generator, of: np.ndarray, number: int) -> np.ndarray:
    """Return the counts of each clone and, last, of all that is of none: naive cells."""
    rest = max(0.0, 1 - of.sum())
    return np.asarray(rng.multinomial(number, np.append(of, rest) / (of.sum() + rest)))


def clones(counts: np.ndarray, n_effective: float) -> pl.DataFrame:
    """Return counts as `effective_clones` gives them."""
    seen = np.flatnonzero(counts)
    table = pl.DataFrame({"junction": seen, "duplicate_count": counts[seen]})
    return effective_clones(table.with_columns(pl.col("junction").cast(pl.String), locus=pl.lit("TRB")), n_effective)


def library(cells: int, reads: int, day: int, run: int) -> tuple[dict[str, Row], float]:
    """Return each measure of a library, and how far the mass moves as its reads are thinned."""
    rng = np.random.default_rng([SEED, cells, reads, day, run])
    product, before, blood = shares(1 + run % SUBJECTS, day)
    blood = blood / max(1.0, blood.sum())
    in_product = drawn(rng, product, REFERENCE_CELLS)[:-1]
    in_baseline = drawn(rng, before, REFERENCE_CELLS)
    in_cells = drawn(rng, blood, cells)
    counts = rng.multinomial(reads, in_cells / cells)
    reference, baseline = (clones(one, REFERENCE_CELLS) for one in (in_product, in_baseline))
    later, distinct = clones(counts, effective_cells(cells, reads)), Depth(reads, cells).distinct(reads)
    seen, new = in_product > 0, (in_product > 0) & (in_baseline[:-1] == 0)
    frequent = in_product >= THRESHOLD * REFERENCE_CELLS
    rows: dict[str, Row] = {}
    for at in AT:
        found = persistence_of(
            later, reference, sample="s", baseline=baseline, at_cells={"TRB": at * distinct}, threshold=THRESHOLD
        )
        limits = {row["measure"]: row for row in found.iter_rows(named=True)}
        chance = -np.expm1(-blood * at * distinct)
        truths = {
            f"clones_at_n, {at:g} n": ("clones_at_n", chance[seen].mean()),
            f"frequent_clones_at_n, {at:g} n": ("frequent_clones_at_n", chance[frequent].mean()),
            f"product_mass_kept_at_n, {at:g} n": ("product_mass_kept_at_n", product @ chance),
        }
        rows |= {name: (*_limits(limits[measure]), truth, np.nan) for name, (measure, truth) in truths.items()}
    for measure, which in (("mass", seen), ("mass_new", new)):
        low, high = scalar(clopper_pearson(float(in_cells[:-1][which].sum()), float(cells)))
        rows[measure] = (*_limits(limits[measure]), blood[which].sum(), high - low)
    thin = rng.hypergeometric(counts[:-1][seen].sum(), reads - counts[:-1][seen].sum(), reads // DOWN) / (reads // DOWN)
    return rows, thin / rows["mass"][0] - 1


def _limits(row: dict[str, float]) -> tuple[float, float, float]:
    return row["value"], row["lower"], row["upper"]


def cell(job: tuple[int, int, int, int]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the rows of each measure over all runs of a cell of the grid, and the moves of the mass."""
    cells, reads, day, runs = job
    every, moves = defaultdict(list), []
    for run in range(runs):
        rows, move = library(cells, reads, day, run)
        moves.append(move)
        for name, row in rows.items():
            every[name].append(row)
    return {name: np.array(rows) for name, rows in every.items()}, np.array(moves)


def main() -> None:
    """Print coverage, width and bias of each measure in each cell, and how far thinning moves the mass."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    jobs = [(*depth, day, runs) for depth in DEPTHS for day in DAYS]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        told = list(pool.map(cell, jobs))
    print(
        "| cells | reads | day | measure | mean truth | covered, % | mean width | exact width | bias, % of the truth |"
    )
    print("|" + "---|" * 9)
    for (cells, reads, day, _), (every, _) in zip(jobs, told, strict=True):
        for name, rows in every.items():
            value, lower, upper, truth, exact = rows.T
            covered = 100 * np.mean((lower <= truth) & (truth <= upper))
            # of what has no exact interval: 3.92 standard deviations of the error
            width = np.mean(exact) if np.isfinite(exact).all() else 3.92 * np.std(value - truth)
            bias, error = np.mean(value - truth), 2 * np.std(value - truth) / np.sqrt(runs)
            print(
                f"| {cells:,} | {reads:,} | {day} | {name} | {np.mean(truth):.3f} | {covered:.1f} "
                f"| {np.mean(upper - lower):.5f} | {width:.5f} "
                f"| {100 * bias / np.mean(truth):+.3f} ± {100 * error / np.mean(truth):.3f} |"
            )
    print(f"\n| cells | reads | day | mass moves, %, thinned {DOWN}-fold: mean | mean size of the move |")
    print("|" + "---|" * 5)
    for (cells, reads, day, _), (_, moves) in zip(jobs, told, strict=True):
        error = 200 * np.std(moves) / np.sqrt(runs)
        moved, size = 100 * np.mean(moves), 100 * np.mean(np.abs(moves))
        print(f"| {cells:,} | {reads:,} | {day} | {moved:+.2f} ± {error:.2f} | {size:.2f} |")


if __name__ == "__main__":
    main()
