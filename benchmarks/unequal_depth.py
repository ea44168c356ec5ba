"""Null trials of bulk RNA or summed cells whose two visits differ in depth: no gene changes.

Shares of 3,000 genes are log-normal about the subject's, by subject and by sample; counts are Poisson. The product has
about 60,000 counts a sample, D28 as many times more as is asked.

The tables are printed by `enrichment_calibration` and `differential_calibration`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.expression.contrasts import parse_contrast
from tilseq.expression.differential import differential_expression
from tilseq.expression.gsea import count_differences
from tilseq.expression.sign_flip_gsea import sign_flip_gsea

ALPHA, SIZE = 0.05, 25
SUBJECTS, SHALLOW = 8, 60_000
RATIOS = (1, 5, 20, 100)
QUARTERS = 4
GENES = [f"G{i:04d}" for i in range(3000)]
CONTRAST = "visit:D28/product"


def unequal_trial(random: np.random.Generator, ratio: float) -> tuple[NDArray[np.int64], pl.DataFrame]:
    """Return counts, samples × genes, the rarest gene first by its share, and the design."""
    base = np.sort(random.normal(0, 1.5, len(GENES)))
    rows, counts = [], []
    for subject in range(SUBJECTS):
        own = base + random.normal(0, 0.3, len(GENES))
        for visit, depth in (("product", SHALLOW), ("D28", ratio * SHALLOW)):
            share = np.exp(own + random.normal(0, 0.3, len(GENES)))
            counts.append(random.poisson(depth * np.exp(random.normal(0, 0.1)) * share / share.sum()))
            rows.append((f"P{subject}_{visit}", f"P{subject}", visit))
    return np.array(counts), pl.DataFrame(rows, schema=["sample", "subject", "visit"], orient="row")


def quarters(genes: list[str]) -> list[list[str]]:
    """Return the genes tested in four parts, the rarest first."""
    return [list(part) for part in np.array_split(sorted(genes), QUARTERS)]


def sets_called(random: np.random.Generator, ratio: float) -> list[float]:
    """Return the share of sets of 25 genes, of each quarter, that sign flips call at p ≤ 0.05."""
    counts, design = unequal_trial(random, ratio)
    found = count_differences(counts.astype(float), GENES, design, parse_contrast(CONTRAST))
    parts = [np.array_split(random.permutation(part), len(part) // SIZE) for part in quarters(list(found.genes))]
    sets = {f"{quarter}.{i}": list(own) for quarter, part in enumerate(parts) for i, own in enumerate(part)}
    tested = sign_flip_gsea(found.values, found.genes, sets, contrast=CONTRAST, seed=1).table
    called = dict(tested.select("set", pl.col("p") <= ALPHA).iter_rows())
    return [float(np.mean([called[f"{quarter}.{i}"] for i in range(len(part))])) for quarter, part in enumerate(parts)]


def genes_called(random: np.random.Generator, ratio: float) -> list[float]:
    """Return the share of genes, of each quarter, that voom calls at p < 0.05."""
    counts, design = unequal_trial(random, ratio)
    found = differential_expression(counts, GENES, design, CONTRAST).table
    called = dict(found.select("gene", pl.col("p") < ALPHA).iter_rows())
    return [float(np.mean([called[gene] for gene in part])) for part in quarters(list(called))]


def show(called: Callable[[np.random.Generator, float], list[float]], what: str, runs: int) -> None:
    """Print the share called of each quarter, at each ratio of depths."""
    print(f"\n| {what}: the deeper visit has × the counts | rarest quarter | second | third | commonest |\n|-|-|-|-|-|")
    for ratio in RATIOS:
        found = 100 * np.array([called(np.random.default_rng([run, 9]), ratio) for run in range(runs)])
        error = found.std(axis=0, ddof=1) / np.sqrt(runs)
        cells = " | ".join(f"{m:.1f} ± {e:.1f}" for m, e in zip(found.mean(axis=0), error, strict=True))
        print(f"| {ratio} | {cells} |", flush=True)
