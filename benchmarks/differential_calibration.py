"""How often tests call a gene that does not differ, where the cells of a sample are alike: sums by subject or cells.

Null trials: counts of cells are Poisson about means that differ by subject, by sample and by cell, each log-normal, so
that cells of one sample are correlated; no gene changes. Sums are tested by voom: all samples, about a quarter missing,
an interaction of visit and status, a product that spreads more than blood; in fewer trials by PyDESeq2. Cells are
tested by the rank-sum test between visits, as is usual for single cells. Shown is the share of genes with p < 0.05 (or
0.01), whose standard error is over trials, as genes of a trial share its subjects. Last, rare and common genes of two
visits of unequal depth (`unequal_depth`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import rankdata

from benchmarks.unequal_depth import genes_called, show
from tilseq.expression import differential_expression, pseudobulk

TRIALS = 200
DEPTH_TRIALS = 80
FEWER = {"sums, PyDESeq2": 15, "cells, rank-sum": 50}
GENES, CELLS = 200, 40
LEVELS = (0.05, 0.01)
INTERACTION = "visit:D28/product*status:infused/not_seen_in_product"
SETTINGS = {  # subjects, spread of samples of one subject, of the subjects
    "8 subjects": (8, 0.3, 0.4),
    "5 subjects": (5, 0.3, 0.4),
}


def drawn_cells(
    random: np.random.Generator,
    subjects: int,
    sample_sd: float,
    subject_sd: float,
    visits: tuple[str, ...],
    statuses: int,
    spread: Mapping[str, float] = MappingProxyType({}),
    change: NDArray[np.float64] | float = 0,
) -> tuple[NDArray[np.int64], pl.DataFrame]:
    """Return counts of cells x genes, changed by as many doublings at D28, and what is known of the cells."""
    base = np.exp(random.normal(0, 1.2, GENES))
    rows, counts = [], []
    for subject in range(subjects):
        person = random.normal(0, subject_sd, GENES)
        for visit in visits:
            sample = person + random.normal(0, sample_sd * spread.get(visit, 1), GENES)
            sample += change * np.log(2) * (visit == "D28")
            for status in ("infused", "not_seen_in_product")[:statuses]:
                group = sample + (random.normal(0, sample_sd, GENES) if statuses > 1 else 0)
                cells = random.normal(0, 0.5, (CELLS, GENES)) + random.normal(0, 0.3, (CELLS, 1))
                counts.append(random.poisson(base * np.exp(group + cells)))
                rows += [(f"P{subject}", visit, status)] * CELLS
    return np.concatenate(counts), pl.DataFrame(rows, schema=["subject", "visit", "status"], orient="row")


def summed(counts: NDArray[np.int64], obs: pl.DataFrame) -> tuple[NDArray[np.int64], list[str], pl.DataFrame]:
    """Return the sums of cells by subject, visit and status, with their genes and design."""
    made = pseudobulk(counts, obs, genes=[f"g{i}" for i in range(GENES)]).data
    design = pl.DataFrame({name: made.obs[name].tolist() for name in ("subject", "visit", "status")})
    return made.X.toarray(), list(made.var_names), design.with_columns(sample=pl.Series(list(made.obs_names)))


def by_sums(
    random: np.random.Generator, setting: tuple[int, float, float], engine: str = "voom"
) -> NDArray[np.float64]:
    """Return p of all genes, of a contrast within subjects by sums of cells."""
    table = differential_expression(
        *summed(*drawn_cells(random, *setting, ("product", "D28"), 1)), "visit:D28/product", engine=engine
    ).table
    return table["p"].drop_nulls().to_numpy()


def by_sums_uneven(
    random: np.random.Generator, setting: tuple[int, float, float], reference: str = "product", pooled: bool = False
) -> NDArray[np.float64]:
    """Return p where samples of the product spread three times as much as those of three visits of blood."""
    visits = ("product", "D7", "D28", "M3")
    counts, genes, design = summed(*drawn_cells(random, *setting, visits, 1, {"product": 3}))
    return differential_expression(counts, genes, design, f"visit:D28/{reference}", pooled=pooled).table["p"].to_numpy()


def by_sums_incomplete(
    random: np.random.Generator, setting: tuple[int, float, float], subjects: str = "fixed"
) -> NDArray[np.float64]:
    """Return p where about a quarter of the samples is missing, at least one, and two subjects are whole."""
    counts, genes, design = summed(*drawn_cells(random, *setting, ("product", "D28"), 1))
    kept = random.random(len(counts)) > 0.25
    kept[:4] = True
    kept[[4, 5]] = False, True
    return (
        differential_expression(
            counts[kept], genes, design.filter(pl.Series(kept)), "visit:D28/product", subjects=subjects
        )
        .table["p"]
        .to_numpy()
    )


def by_sums_interaction(random: np.random.Generator, setting: tuple[int, float, float]) -> NDArray[np.float64]:
    """Return p of all genes, of a difference of differences by sums of cells."""
    return (
        differential_expression(*summed(*drawn_cells(random, *setting, ("product", "D28"), 2)), INTERACTION)
        .table["p"]
        .to_numpy()
    )


def by_cells(random: np.random.Generator, setting: tuple[int, float, float]) -> NDArray[np.float64]:
    """Return p of the rank-sum test between the cells of two visits, by the normal distribution with ties."""
    counts, obs = drawn_cells(random, *setting, ("product", "D28"), 1)
    values = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)
    ranks = rankdata(values, axis=0)
    late = (obs["visit"] == "D28").to_numpy()
    n, m = late.sum(), (~late).sum()
    spread = ranks.var(axis=0, ddof=1) * n * m / (n + m)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (ranks[late].sum(axis=0) - n * (n + m + 1) / 2) / np.sqrt(spread)
    return 2 * ndtr(-np.abs(z[spread > 0]))


def coverage(random: np.random.Generator, setting: tuple[int, float, float]) -> list[float]:
    """Return the share of limits that hold the planted change: of genes without one, and of those doubled or halved."""
    change = np.repeat([1.0, -1.0, 0.0], [GENES // 10, GENES // 10, GENES - 2 * (GENES // 10)])
    counts, genes, design = summed(*drawn_cells(random, *setting, ("product", "D28"), 1, change=change))
    table = differential_expression(counts, genes, design, "visit:D28/product").table
    truth = change[[int(gene[1:]) for gene in table["gene"]]]
    holds = (table["lower"].to_numpy() <= truth) & (truth <= table["upper"].to_numpy())
    return [holds[truth == 0].mean(), holds[truth != 0].mean()]


def shares(
    test: Callable[..., NDArray[np.float64]], setting: tuple[int, float, float], trials: int
) -> NDArray[np.float64]:
    """Return the share of genes called at each level, levels x trials."""
    called = [test(np.random.default_rng([seed, 7]), setting) for seed in range(trials)]
    return np.array([[(p < level).mean() for p in called] for level in LEVELS])


def main() -> None:
    """Print the table of this benchmark."""
    tests = {
        "sums, voom": by_sums,
        "sums, voom, a quarter of the samples missing": by_sums_incomplete,
        "the same, subjects as a correlation": partial(by_sums_incomplete, subjects="correlated"),
        "sums, voom, interaction": by_sums_interaction,
        "sums, voom, product spreads 3 x, against it": by_sums_uneven,
        "the same, all visits pooled": partial(by_sums_uneven, pooled=True),
        "the same, pooled, D28 against D7": partial(by_sums_uneven, reference="D7", pooled=True),
        "sums, PyDESeq2": partial(by_sums, engine="deseq2"),
        "cells, rank-sum": by_cells,
    }
    print("| subjects | test | trials | p < 0.05, % (± SE) | p < 0.01, % (± SE) | holds (≤ α + 2 SE) |\n|-|-|-|-|-|-|")
    for name, setting in SETTINGS.items():
        for test, work in tests.items():
            trials = FEWER.get(test, TRIALS)
            found = shares(work, setting, trials)
            mean, error = found.mean(axis=1), found.std(axis=1, ddof=1) / np.sqrt(trials)
            holds = " and ".join("yes" if m <= a + 2 * e else "no" for m, e, a in zip(mean, error, LEVELS, strict=True))
            told = " | ".join(f"{100 * m:.2f} ± {100 * e:.2f}" for m, e in zip(mean, error, strict=True))
            print(f"| {name} | {test} | {trials} | {told} | {holds} |", flush=True)
    print("\n| subjects | trials | limits of 95 % that hold 0, % | that hold a doubling or halving, % |\n|-|-|-|-|")
    for name, setting in SETTINGS.items():
        found = 100 * np.array([coverage(np.random.default_rng([seed, 8]), setting) for seed in range(TRIALS)])
        mean, error = found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(TRIALS)
        print(f"| {name} | {TRIALS} | {mean[0]:.1f} ± {error[0]:.1f} | {mean[1]:.1f} ± {error[1]:.1f} |", flush=True)
    show(genes_called, "null genes with p < 0.05, %, voom", DEPTH_TRIALS)


if __name__ == "__main__":
    main()
