"""Do tests and limits of change hold what they promise? Simulated samples of a known truth, preset seeds.

`python -m benchmarks.change [RUNS]`: simulated pairs, and courses, a cell of the grid (200; five times as many of the
mass with noise, whose limits hold least). Cells are drawn from a repertoire of 20,000 clones whose sizes are Pareto's,
then reads from the cells.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import polars as pl
from scipy.special import betainc, stdtrit

from tilseq.endpoints.kinetics import kinetics
from tilseq.endpoints.shares import share_series
from tilseq.intervals import clopper_pearson
from tilseq.multiplicity import benjamini_hochberg
from tilseq.repertoire.cells import effective_cells
from tilseq.repertoire.change import ALPHA, log2_ratios, tested
from tilseq.repertoire.counting_tests import FEWEST, overdispersion_of
from tilseq.repertoire.log_linear import counts_of, courses, dispersion_of

RUNS, SEED = 200, 20_28
MORE = 5  # times as many courses of the mass with noise
DEPTHS = ((50_000, 2_000_000), (200_000, 500_000), (200_000, 200_000))  # cells, reads
CLONES, CHANGED, FOLD = 20_000, 60, 8.0
BANDS = ((5, 10), (10, 50), (50, np.inf))
NOISE = 0.2  # standard deviation of the logarithm of a clone's share from library to library
DAYS = np.array([7, 14, 28, 42, 56, 84], float)
HALF_LIVES, PEAKS = (10.0, 30.0), (0.01, 0.3)
Tally = dict[str, list[float]]  # what → one number a run


def repertoire() -> np.ndarray:
    """Return the shares of clones: quantiles of Pareto's distribution of shape 1, the largest clone 17 %."""
    sizes = CLONES / (np.arange(CLONES) + 0.5)
    return np.asarray(sizes / sizes.sum())


def library(rng: np.random.Generator, shares: np.ndarray, cells: int, reads: int) -> np.ndarray:
    """Return the reads of each clone: cells are drawn from the blood, then reads from the cells."""
    drawn = rng.multinomial(cells, shares)
    return np.asarray(rng.multinomial(reads, drawn / cells))


def pair(cells: int, reads: int, run: int) -> Tally:
    """One pair of samples of one repertoire, and one in which 60 clones have grown eightfold."""
    rng = np.random.default_rng([SEED, cells, reads, run])
    worth, shares, tally = effective_cells(cells, reads), repertoire(), defaultdict(list)
    few = np.flatnonzero((shares * worth >= FEWEST) & (shares * worth < 50))
    grown = np.zeros(CLONES, bool)
    grown[rng.choice(few, CHANGED, replace=False)] = True
    other = (1 - FOLD * shares[grown].sum()) / (1 - shares[grown].sum())
    before, same = (library(rng, shares, cells, reads) for _ in range(2))
    after = library(rng, shares * np.where(grown, FOLD, other), cells, reads)
    _errors(tally, before, same, worth / reads)
    k, m = (counts * worth / reads for counts in (before, after))
    q = benjamini_hochberg(tested(k, m, worth, worth))
    called = (q <= ALPHA) & (m > k)
    tally["false among called expanded"].append(np.mean(~grown[called]) if called.any() else 0.0)
    for name, least, most in (("5 to 10", 5, 10), ("10 or more", 10, np.inf)):
        which = grown & (k >= least) & (k < most)
        if which.any():
            tally[f"power, {name} cells before"].append(float(np.mean(called[which])))
    tally["power, 5 cells or more before"].append(float(np.mean(called[grown & (k >= 5)])))
    _held(tally, k[grown], m[grown], worth, np.log2(FOLD), "eightfold")
    return tally


def _errors(tally: Tally, before: np.ndarray, after: np.ndarray, each: float) -> None:
    """Add how often clones that did not change are called, by cells and by reads; a read is worth `each` cells."""
    k, m = before * each, after * each
    worth = float(k.sum())
    p = tested(k, m, worth, worth)
    used, up = ~np.isnan(p), m > k
    tally["tested"].append(float(used.sum()))
    for name, side in (("expanded", up), ("contracted", m < k)):
        tally[f"{name}, p of one side"].append(float(np.mean((p[used] <= 2 * ALPHA) & side[used])))
        tally[f"{name}, p of two sides"].append(float(np.mean((p[used] <= ALPHA) & side[used])))
    tally["expanded, q"].append(float(np.mean((benjamini_hochberg(p)[used] <= ALPHA) & up[used])))
    # Fisher's exact test of reads: its hypergeometric is binomial, as a clone's reads are few of all
    more, fewer = (
        betainc(np.maximum(a[used], 1e-300), b[used] + 1, 0.5) for a, b in ((after, before), (before, after))
    )
    tally["expanded, Fisher on reads, p of one side"].append(float(np.mean((more <= ALPHA) & up[used])))
    tally["either, p of two sides"].append(float(np.mean(p[used] <= ALPHA)))
    tally["either, Fisher on reads, p of two sides"].append(float(np.mean(2 * np.minimum(more, fewer) <= ALPHA)))
    _held(tally, k[used], m[used], worth, 0.0, "unchanged")


def _held(tally: Tally, k: np.ndarray, m: np.ndarray, worth: float, truth: float, name: str) -> None:
    """Add how often the limits of the log2 ratio hold the truth, by the cells in both samples."""
    _, lower, upper = log2_ratios(k, m, worth, worth)
    held = (lower <= truth) & (truth <= upper)
    for least, most in BANDS:
        which = (k + m >= least) & (k + m < most)
        if which.any():
            tally[f"limits hold, {name}, {_band(least, most)}"].append(float(np.mean(held[which])))
    tally[f"limits hold, {name}, all"].append(float(np.mean(held)))


def _band(least: float, most: float) -> str:
    return f"{least} to {most} cells" if np.isfinite(most) else f"{least} cells or more"


def overdispersed(cells: int, reads: int, run: int) -> Tally:
    """Libraries that add noise of their own to each clone; the over-dispersion is learnt from two replicates."""
    rng = np.random.default_rng([SEED, 1, cells, reads, run])
    worth, shares, tally = effective_cells(cells, reads), repertoire(), defaultdict(list)

    def noisy() -> np.ndarray:
        of_library = shares * np.exp(NOISE * rng.standard_normal(CLONES))
        return library(rng, of_library / of_library.sum(), cells, reads) * worth / reads

    first, second, k, m = (noisy() for _ in range(4))
    rho = overdispersion_of(first, second, worth, worth)
    tally["over-dispersion learnt"].append(rho)
    for name, used_rho in (("without", 0.0), ("with", rho)):
        p = tested(k, m, worth, worth, overdispersion=used_rho)
        used = ~np.isnan(p)
        tally[f"expanded, p of two sides, {name}"].append(float(np.mean((p[used] <= ALPHA) & (m > k)[used])))
        _, lower, upper = log2_ratios(k[used], m[used], worth, worth, overdispersion=used_rho)
        tally[f"limits hold, {name}"].append(float(np.mean((lower <= 0) & (upper >= 0))))
    return tally


def clones_over_visits(cells: int, reads: int, noise: float, half_life: float, run: int) -> Tally:
    """Clones over six visits that halve alike (or do not), with noise of their own at each visit."""
    rng = np.random.default_rng([SEED, 2, cells, reads, int(10 * noise), int(min(half_life, 1e6)), run])
    worth, tally = effective_cells(cells, reads), defaultdict(list)
    shares = repertoire()[:3_000]
    course = shares[:, None] * np.exp(-np.log(2) / half_life * (DAYS - DAYS[0]))
    drawn = rng.binomial(cells, np.minimum(course * np.exp(noise * rng.standard_normal(course.shape)), 1))
    found = rng.poisson(drawn / cells * reads) * worth / reads
    found = found[found.sum(axis=1) >= FEWEST]
    counts = counts_of(found, DAYS, np.full(len(DAYS), worth))
    alpha, freedom = dispersion_of(counts)
    fitted = courses(counts, float(np.ptp(DAYS)), alpha, float(stdtrit(freedom or np.inf, 0.975)))
    slope = -np.log(2) / half_life
    held = (fitted.lower <= slope) & (slope <= fitted.upper)
    total = found.sum(axis=1)
    for least, most in BANDS:
        which = (total >= least) & (total < most)
        if which.any():
            tally[f"held, {_band(least, most)}"].append(float(np.mean(held[which])))
    tally["held, all"].append(float(np.mean(held)))
    tally["dispersion"].append(alpha)
    return tally


def mass_over_visits(cells: int, reads: int, noise: float, peak: float, half_life: float, run: int) -> Tally:
    """Follow the infused mass over six visits, as a share that halves from its peak on day 7."""
    rng = np.random.default_rng([SEED, 3, cells, reads, int(10 * noise), int(100 * peak), int(half_life), run])
    worth, tally = effective_cells(cells, reads), defaultdict(list)
    course = peak * np.exp(-np.log(2) / half_life * (DAYS - DAYS[0]) + noise * rng.standard_normal(len(DAYS)))
    share = rng.binomial(reads, rng.binomial(cells, np.minimum(course, 1)) / cells) / reads
    lower, upper = clopper_pearson(share * worth, np.full(len(DAYS), worth))
    columns = {"day": DAYS, "value": share, "lower": lower, "upper": upper}
    series = share_series(pl.DataFrame({**columns, "limit_of_detection": 1 - 0.05 ** (1 / worth)}))
    row = kinetics(series, unit="fraction", seed=run).row(by_predicate=pl.col("parameter") == "half_life", named=True)
    tally["no number"].append(float(row["value"] is None))
    if row["value"] is None:
        return tally
    top = row["upper"] if row["upper"] is not None else np.inf
    tally["held"].append(float(row["lower"] <= half_life <= top))
    tally["half-life / truth"].append(row["value"] / half_life)
    if np.isfinite(top):
        tally["upper / lower limit"].append(top / row["lower"])
    return tally


KINDS = {
    "pairs": pair,
    "over-dispersed": overdispersed,
    "clones over visits": clones_over_visits,
    "mass over visits": mass_over_visits,
}


def _grid() -> Iterator[tuple[str, tuple[float, ...]]]:
    for depth in DEPTHS:
        yield "pairs", depth
    yield "over-dispersed", DEPTHS[0]
    for depth in DEPTHS:
        for noise in (0.0, NOISE):
            for half_life in (14.0, np.inf):
                yield "clones over visits", (*depth, noise, half_life)
    for depth in DEPTHS:
        for noise in (0.0, NOISE):
            for peak in PEAKS:
                for half_life in HALF_LIVES:
                    yield "mass over visits", (*depth, noise, peak, half_life)


def _noisy(kind: str, arguments: tuple[float, ...]) -> bool:
    return kind == "mass over visits" and arguments[2] > 0


def _one(job: tuple[str, tuple[float, ...], int]) -> Tally:
    kind, arguments, runs = job
    tally: Tally = defaultdict(list)
    for run in range(runs):
        for name, numbers in KINDS[kind](*arguments, run).items():  # type: ignore[operator]
            tally[name] += numbers
    return dict(tally)


NAMES = ("cells", "reads", "noise", "peak", "half-life")


def main() -> None:
    """Print a table for each kind: means over runs, with two standard errors of them where these are not 0."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    jobs = [(kind, arguments, runs * (MORE if _noisy(kind, arguments) else 1)) for kind, arguments in _grid()]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        tallies = list(pool.map(_one, jobs))
    for kind in KINDS:
        cells = [(arguments, tally) for (of, arguments, _), tally in zip(jobs, tallies, strict=True) if of == kind]
        rows = list(dict.fromkeys(name for _, tally in cells for name in tally))
        names = [name for name in NAMES if kind != "clones over visits" or name != "peak"][: len(cells[0][0])]
        print(f"### {kind.capitalize()}\n")
        if len(cells) <= 3:  # few settings, many numbers: a column a setting
            print("| " + " | ".join(["", *(f"{a[0]:,} cells, {a[1]:,} reads" for a, _ in cells)]) + " |")
            print("|" + "---|" * (1 + len(cells)))
            for row in rows:
                print("| " + " | ".join([row, *(_told(tally.get(row, [])) for _, tally in cells)]) + " |")
        else:
            print("| " + " | ".join([*names, *rows]) + " |")
            print("|" + "---|" * (len(names) + len(rows)))
            for arguments, tally in cells:
                told = [f"{number:,g}" for number in arguments] + [_told(tally.get(row, [])) for row in rows]
                print("| " + " | ".join(told) + " |")
        print()


def _told(numbers: list[float]) -> str:
    if not numbers:
        return "-"
    error = 2 * float(np.std(numbers)) / len(numbers) ** 0.5
    return f"{np.mean(numbers):.4g}" + (f" ± {error:.1g}" if error else "")


if __name__ == "__main__":
    main()
