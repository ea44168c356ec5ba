"""Losses that kinetics tell of infused cells, by their marks and by their clones, beside what is truly left.

`python -m benchmarks losses`: courses of eight visits, preset seeds; peaks of 0.3 to 0.95 of T cells on day 7,
half-lives of 5 to 80 days, and 0 to 15 % of the peak that stays for good.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import polars as pl

from tilseq.endpoints.kinetics import SERIES, kinetics
from tilseq.endpoints.shares import share_series
from tilseq.flow.marked import Lot, Marked, infused_share
from tilseq.intervals import clopper_pearson

Way = Callable[[np.ndarray, np.random.Generator], pl.DataFrame]

COURSES, SEED = 500, 11
DAYS = np.array([7, 14, 28, 42, 56, 84, 120, 180])
PLATEAUS = (0, 0, 0.01, 0.05, 0.15)
# Shares of marked cells in product and baseline, and over-dispersion: docs/flow.md, "TIL survival in blood".
MARKS = {
    "V-beta": ((0.08, 0.5), (0.01, 0.05), 0.005),
    "mark of infused cells alone": ((0.05, 0.5), (2e-4, 2e-4), 1e-4),
}
TUBES = (1_500, 10_000, 30_000)  # CD3+ events
LIBRARIES = (500, 12_000)  # cells


def true_course(random: np.random.Generator) -> np.ndarray:
    """Return the true infused shares of T cells on the days."""
    half_life, plateau = np.exp(random.uniform(np.log(5), np.log(80))), random.choice(PLATEAUS)
    return random.uniform(0.3, 0.95) * np.maximum(0.5 ** ((DAYS - 7) / half_life), plateau)


def by_mark(mark: str, truth: np.ndarray, random: np.random.Generator) -> pl.DataFrame:
    """Return the series of a course that tubes of a marked population show."""
    products, baselines, spread = MARKS[mark]
    product, baseline, events = random.uniform(*products), random.uniform(*baselines), int(random.choice(TUBES))

    def tube(share: float) -> Marked:
        beta = random.beta(share * (1 / spread - 1), (1 - share) * (1 / spread - 1))
        return Marked(int(random.binomial(events, beta)), events)

    lots, before = [Lot(tube(product))], tube(baseline)
    rows = []
    for day, share in zip(DAYS, truth, strict=True):
        visit = tube(baseline + share * (product - baseline))
        seed = int(random.integers(2**31))
        found = infused_share(lots, before, visit, upper_bound=True, seed=seed, overdispersion=spread)
        if found.reason is None:
            rows.append((float(day), found.value, found.lower, found.upper, found.status))
    return pl.DataFrame(rows, schema=dict(zip(SERIES.names, [pl.Float64] * 4 + [pl.String], strict=True)), orient="row")


def by_clones(cells: int, truth: np.ndarray, random: np.random.Generator) -> pl.DataFrame:
    """Return the series of the mass that libraries of so many cells show."""
    seen = random.binomial(cells, truth)
    lower, upper = clopper_pearson(seen, np.full(len(DAYS), cells))
    return share_series(
        pl.DataFrame({"day": DAYS, "value": seen / cells, "lower": lower, "upper": upper}).with_columns(
            limit_of_detection=pl.lit(1 - 0.05 ** (1 / cells))
        )
    )


def followed(way: Way, random: np.random.Generator) -> tuple[list[str], list[float], list[float]]:
    """Return the statuses of all losses, and of those told the share that is left and its part of the peak."""
    statuses, left, of_peak = [], [], []
    for _ in range(COURSES):
        truth = true_course(random)
        series = way(truth, random)
        if series.height:
            loss = kinetics(series, unit="fraction", seed=1).filter(parameter="time_to_loss").row(0, named=True)
            statuses.append(loss["status"])
            if loss["status"] == "quantified":
                left.append(truth[DAYS == loss["value"]][0])
                of_peak.append(left[-1] / truth.max())
    return statuses, left, of_peak


def main() -> None:
    """Print, for each way to follow the cells, what was told of the courses and what was left of those lost."""
    heads = ("followed by", "courses with a number", "still detected", "not told", "lost")
    left_of_them = ("of them with more than a tenth of the peak left", "more than 5 % of T cells", "largest share left")
    print(f"| {' | '.join((*heads, *left_of_them))} |\n|{'-|' * 8}")
    ways: dict[str, Way] = {mark: partial(by_mark, mark) for mark in MARKS}
    ways |= {f"clones, {cells:,} cells": partial(by_clones, cells) for cells in LIBRARIES}
    for name, way in ways.items():
        statuses, left, of_peak = followed(way, np.random.default_rng(SEED))
        told = [statuses.count(status) for status in ("above_range", "not_evaluable", "quantified")]
        more = [sum(part > 0.1 for part in of_peak), sum(share > 0.05 for share in left)]
        print(f"| {name} | {len(statuses)} | {' | '.join(map(str, [*told, *more]))} | {max(left):.3f} |")


if __name__ == "__main__":
    main()
