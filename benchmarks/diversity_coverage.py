"""Do the limits of diversity hold what they promise? Samples of known repertoires, preset seeds.

`python -m benchmarks.diversity_coverage [RUNS [counted | templates]]`: samples of each repertoire and depth (2,000), of
cells, of cells counted several times, and of templates that may be counted twice; of the named ones alone. Limits are
of the mean that an index has over such samples: that of all other runs, where it has no formula. Those of `d50_clones`,
a whole number, are of its median. At a common depth cells counted several times are held to the mean of as many cells
drawn anew, each counted once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from scipy.special import ndtri

from tilseq.repertoire.cells import effective_cells
from tilseq.repertoire.diversity import COUNTLESS, measured
from tilseq.repertoire.indices import hill
from tilseq.repertoire.observed import Observed
from tilseq.repertoire.rarefaction import NAMES, ORDERS, at_common_depth
from tilseq.repertoire.spectrum import spectrum

RUNS, SEED = 2_000, 20_27
DEPTHS = (500, 5_000, 20_000, 100_000)
TEMPLATES = ((2_000, 0.3), (20_000, 0.3), (20_000, 0.6))  # and the variance of how often one is counted
COUNTED = ((3_000, 6_000), (3_000, 100_000), (3_000, 1_000_000), (20_000, 20_000))  # cells, and counts of them
LAWS: dict[str, Callable[[], np.ndarray]] = {
    "Zipf, 50,000 clones": lambda: 1 / np.arange(1, 50_001),
    "power 0.6, 200,000 clones": lambda: np.arange(1, 200_001) ** -0.6,
    "log-normal, 20,000 clones": lambda: np.exp(1.5 * ndtri((np.arange(20_000) + 0.5) / 20_000)),
    "geometric, ratio 0.95": lambda: 0.95 ** np.arange(600),
}
ENDLESS = "Limits that hold the number of the whole repertoire, %"
OFF = "Mean beside that of as many cells drawn anew, % off"
LEAST_RUNS = 100  # with limits, for a share of them to mean something


def shares(law: str) -> np.ndarray:
    """Return the shares of a repertoire's clones."""
    sizes = LAWS[law]()
    return np.asarray(sizes / sizes.sum())


def richness(share: np.ndarray, cells: float) -> float:
    """Return the mean number of clones that so many cells show."""
    return float(-np.sum(np.expm1(cells * np.log1p(-share))))


def coverage(share: np.ndarray, cells: float) -> float:
    """Return the mean share of the repertoire that the clones of so many cells hold."""
    return float(1 - share @ np.exp(cells * np.log1p(-share)))


def one_cell(job: tuple[str, int, int]) -> dict[str, tuple[float, float, float, float]]:
    """Return four numbers of each index of a law and a number of cells.

    They are the share of samples with limits, and of these limits the part that holds the mean, the mean width beside
    the value, and the part that holds the number of the whole repertoire, all three in %.
    """
    law, cells, runs = job
    share = shares(law)
    rng = np.random.default_rng([SEED, list(LAWS).index(law), cells])
    common = coverage(share, cells / 2)
    found: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(runs):
        counts = rng.multinomial(cells, share)
        seen = spectrum(counts[counts > 0])
        triples = {name: (value, *(ends or (None, None))) for name, (value, ends) in measured(seen, seen.n).items()}
        for depth, of_coverage, ending in ((cells // 2, common, "half"), (2 * cells, 2.0, "twice")):
            for row in at_common_depth(Observed(seen, seen.n), depth, of_coverage):
                name = row["parameter"].replace("_at_n", f"_at_{ending}_n").replace("coverage", "coverage_of_half_n")
                triples[name] = (row["value"], row["lower"], row["upper"])
        for name, triple in triples.items():
            if triple[0] is not None:
                found.setdefault(name, []).append(tuple(np.nan if end is None else end for end in triple))
    known = {
        "richness": richness(share, cells),
        "richness_at_half_n": richness(share, cells // 2),
        "richness_at_coverage_of_half_n": richness(share, cells / 2),
        "coverage": coverage(share, cells),
    }
    simpson, entropy = float(share @ share), float(-share @ np.log(share))
    endless = {"richness": len(share), "chao1_bias_corrected": len(share), "chao1_inext": len(share), "ace": len(share)}
    endless |= {"shannon_entropy_nats": entropy, "hill_q1": np.exp(entropy), "hill_q1_asymptotic": np.exp(entropy)}
    endless |= {"gini_simpson": 1 - simpson, "simpson_inverse": 1 / simpson, "hill_q2_asymptotic": 1 / simpson}
    known["d50_clones"] = float(np.median([value for value, *_ in found["d50_clones"]]))
    return {name: _held(np.array(rows), known.get(name), endless.get(name)) for name, rows in found.items()}


def counted_cell(job: tuple[str, int, int, int]) -> dict[str, tuple[float, float, float, float]]:
    """Return what `one_cell` does of counts that are worth fewer cells: each cell may be counted several times.

    In place of the last number is how far the values at a common depth are off in the mean, in %.
    """
    law, cells, counts, runs = job
    share = shares(law)
    rng = np.random.default_rng([SEED, list(LAWS).index(law), cells, counts])
    effective = effective_cells(cells, counts)
    size = min(int(effective), cells // 2)  # the reach
    drawn = (rng.multinomial(counts, rng.multinomial(cells, share) / cells) for _ in range(runs))
    shown = cells * (1 - (1 - 1 / cells) ** counts)
    return _beside_cells(share, (Observed(spectrum(one[one > 0]), effective) for one in drawn), size, shown, runs)


def template_cell(job: tuple[str, int, float, int]) -> dict[str, tuple[float, float, float, float]]:
    """Return what `counted_cell` does of templates, of which some are missed and as many counted twice."""
    law, templates, variance, runs = job
    share = shares(law)
    rng = np.random.default_rng([SEED, list(LAWS).index(law), templates, round(100 * variance)])

    def drawn() -> Observed:
        each = rng.permutation(np.repeat(np.arange(len(share)), rng.multinomial(templates, share)))
        some = round(templates * variance / 2)
        counts = np.bincount(np.append(each[some:], each[some : 2 * some]))
        return Observed(spectrum(counts[counts > 0]), templates / (1 + variance), "twice")

    reach = int(templates / (1 + variance))
    shown = templates * (1 - variance / 2)
    return _beside_cells(share, (drawn() for _ in range(runs)), reach, shown, runs)


def _beside_cells(
    share: np.ndarray, samples: Iterable[Observed], size: int, shown: float, runs: int
) -> dict[str, tuple[float, float, float, float]]:
    """Return the numbers of `counted_cell` of samples that reach so many cells and show clones of so many."""
    half, common = size // 2, coverage(share, size / 2)
    found: dict[str, list[tuple[float, float, float]]] = {}
    for seen in samples:
        indices = measured(seen.counts, seen.effective, seen.counting)
        triples = {name: (value, *ends) for name, (value, ends) in indices.items() if ends}
        for depth, of_coverage, ending in ((half, common, "half_reach"), (size, None, "reach")):
            for row in at_common_depth(seen, depth, of_coverage):
                name = row["parameter"].replace("_at_n", f"_at_{ending}").replace("coverage", "coverage_of_half_reach")
                triples[name] = (row["value"], row["lower"], row["upper"])
        for name, triple in triples.items():
            if triple[0] is not None:
                found.setdefault(name, []).append(tuple(np.nan if end is None else end for end in triple))
    known = {"coverage": coverage(share, shown)} | _of_cells(share, size, size // 2, runs)
    held = {name: _held(np.array(rows), known.get(name), None) for name, rows in found.items()}
    off = {
        name: 100 * (np.mean([value for value, *_ in rows]) / known.get(name, np.nan) - 1)
        for name, rows in found.items()
    }
    return {name: (*each[:3], off[name]) for name, each in held.items()}


def _of_cells(share: np.ndarray, reach: int, half: int, runs: int) -> dict[str, float]:
    """Return the mean Hill numbers of so many cells and of half of them, drawn anew."""
    rng = np.random.default_rng([SEED, len(share), reach])
    known = {}
    for size, endings in ((reach, ("reach",)), (half, ("half_reach", "coverage_of_half_reach"))):
        drawn = [counts[counts > 0] for counts in (rng.multinomial(size, share) for _ in range(runs))]
        for q, name in zip(ORDERS, NAMES, strict=True):
            mean = np.mean([hill(spectrum(counts), COUNTLESS, q).value for counts in drawn])
            known |= {f"{name}_at_{ending}": float(mean) for ending in endings}
    return known


def _held(rows: np.ndarray, known: float | None, endless: float | None) -> tuple[float, float, float, float]:
    value, lower, upper = rows.T
    others = (value.sum() - value) / max(1, len(value) - 1)
    truth = others if known is None else known
    given = np.isfinite(lower)
    if given.sum() < min(LEAST_RUNS, len(given) / 2) or value.std() == 0:
        return given.mean(), np.nan, np.nan, np.nan
    inside = ((lower <= truth) & (truth <= upper))[given]
    wide = np.mean((upper - lower)[given] / value[given])
    holds = np.nan if endless is None else 100 * np.mean(((lower <= endless) & (endless <= upper))[given])
    return given.mean(), 100 * inside.mean(), 100 * wide, holds


def _table(title: str, columns: list[str], names: list[str], cells: list[dict[str, str]]) -> None:
    print(f"### {title}\n")
    print("| index | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1))
    for name in names:
        print(f"| `{name}` | " + " | ".join(cell.get(name, "") for cell in cells) + " |")
    print()


def _tables(
    columns: list[str], found: list[dict[str, tuple[float, float, float, float]]], runs: int, last: str
) -> None:
    names = [name for name in max(found, key=len) if name != "cells_or_counts"]
    told = [{name: f"{cell[name][1]:.1f}" for name in cell if np.isfinite(cell[name][1])} for cell in found]
    _table(f"Limits that hold the mean, % of {runs:,} samples", columns, names, told)
    told = [{name: f"{cell[name][2]:.3g}" for name in cell if np.isfinite(cell[name][2])} for cell in found]
    _table("Mean width, % of the value", columns, names, told)
    told = [{name: f"{cell[name][3]:.3g}" for name in cell if np.isfinite(cell[name][3])} for cell in found]
    _table(last, columns, [name for name in names if any(name in cell for cell in told)], told)


def main() -> None:
    """Print the tables of cells, of cells counted several times, and of templates."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as pool:
        if len(sys.argv) < 3:
            of_cells = [(law, depth, runs) for law in LAWS for depth in DEPTHS]
            names = [f"{law.split(',')[0]} {depth:,}" for law, depth, _ in of_cells]
            _tables(names, list(pool.map(one_cell, of_cells)), runs, ENDLESS)
        if sys.argv[2:] in ([], ["counted"]):
            of_counts = [(law, cells, counts, runs) for law in LAWS for cells, counts in COUNTED]
            names = [f"{law.split(',')[0]} {cells:,} counted {counts:,}" for law, cells, counts, _ in of_counts]
            _tables(names, list(pool.map(counted_cell, of_counts)), runs, OFF)
        if sys.argv[2:] in ([], ["templates"]):
            of_dna = [(law, templates, variance, runs) for law in LAWS for templates, variance in TEMPLATES]
            names = [f"{law.split(',')[0]} {templates:,}, variance {u:g}" for law, templates, u, _ in of_dna]
            _tables(names, list(pool.map(template_cell, of_dna)), runs, OFF)


if __name__ == "__main__":
    main()
