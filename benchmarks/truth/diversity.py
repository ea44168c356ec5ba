"""Diversity of bulk TRB libraries beside the specimens that they were drawn from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from benchmarks.truth import Run, numbers
from tilseq.simulate.sequencing.sampling import GDNA, sequence

SEED, DRAWS = 20_40, 10
LARGEST = (1, 10, 100)


def indices(counts: np.ndarray) -> dict[str, float]:
    """Return the indices of counts, as the docs define them."""
    counts = np.sort(counts[counts > 0])[::-1]
    p = counts / counts.sum()
    entropy, simpson = float(-(p * np.log(p)).sum()), float((p**2).sum())
    told = {"richness": len(p), "shannon_entropy_nats": entropy, "hill_q1": np.exp(entropy)}
    told |= {"simpson_inverse": 1 / simpson, "gini_simpson": 1 - simpson, "hill_q2": 1 / simpson}
    told |= {
        "hill_q3": (p**3).sum() ** -0.5,
        "hill_q0_5": np.sqrt(p).sum() ** 2,
        "clonality": 1 - entropy / np.log(len(p)),
    }
    told |= {f"top_{number}_share": p[:number].sum() for number in LARGEST}
    rank = np.arange(1, len(p) + 1)
    told["gini"] = float(((2 * rank - len(p) - 1) * p[::-1]).sum() / len(p))
    told["d50_clones"] = float(np.searchsorted(np.cumsum(p), 0.5 - 1e-12) + 1)
    return {name: float(value) for name, value in told.items()}


def _drawn(rng: np.random.Generator, share: np.ndarray, cells: int) -> np.ndarray:
    """Return counts of each clone in a draw of cells; what the shares lack to 1 is naive, a clone a cell."""
    whole = np.append(share, max(0.0, 1 - share.sum()))
    drawn = rng.multinomial(cells, whole / whole.sum())
    return np.concatenate([drawn[:-1], np.ones(drawn[-1], dtype=int)])


def _mean(rng: np.random.Generator, share: np.ndarray, cells: int, counts: int | None = None) -> dict[str, float]:
    """Return the mean of each index over draws of cells: sequenced to so many templates, or each counted once."""
    every = []
    for _ in range(DRAWS):
        drawn = _drawn(rng, share, cells)
        every.append(indices(drawn if counts is None else sequence(rng, drawn, counts, GDNA).counted))
    return {name: float(np.mean([one[name] for one in every])) for name in every[0]}


def _covered(share: np.ndarray, cells: float) -> float:
    """Return the mean share of the specimen that the clones of so many cells hold; naive cells hold next to nothing."""
    return float(-share @ np.expm1(-share * cells))


def _cells_for(share: np.ndarray, coverage: float) -> float:
    """Return the cells whose clones hold so much of the specimen."""
    low, high = 1.0, 1e7
    for _ in range(60):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if _covered(share, middle) < coverage else (low, middle)
    return float(low)


def compare(run: Run) -> Iterator[pl.DataFrame]:
    """Yield the indices of bulk TRB libraries; their truth is the mean of samples of as many cells, drawn anew."""
    libraries = run.truth("libraries.csv").filter(pl.col("sample").str.ends_with("_tcr"))
    told = run.endpoints().filter(locus="TRB", assay="tcr").filter(pl.col("sample").str.ends_with("_tcr"))
    depth = run.table("diversity").filter(locus="TRB").select("sample", "parameter", "over", "depth", "at_coverage")
    told = told.join(depth, on=["sample", "parameter", "over"], nulls_equal=True)
    rows = []
    for sample, cells, counted in libraries.select("sample", "cells", "counted").rows():
        table = run.truth(f"tcr/{sample}.csv.gz").drop_nulls("clone")
        share, seen = (table[name].to_numpy() for name in ("frequency", "counted"))
        rng = np.random.default_rng([SEED, int(cells), int(counted), sum(sample.encode())])
        here = told.filter(sample=sample)
        known = _mean(rng, share, int(cells), int(counted))
        known |= {"coverage": share[seen > 0].sum(), "hill_q2_asymptotic": 1 / (share**2).sum()}
        at: dict[float, dict[str, float]] = {}
        for parameter, over, n, covered in here.select("parameter", "over", "depth", "at_coverage").rows():
            if parameter in known:
                rows.append((sample, parameter, over, known[parameter]))
            elif over is not None:
                size = round(_cells_for(share, covered) if covered is not None else n)
                if size not in at:
                    at[size] = _mean(rng, share, size)
                rows.append((sample, parameter, over, at[size][parameter.split("_at_")[0]]))
    keys = ["sample", "parameter", "over"]
    truth = pl.DataFrame(rows, schema=dict.fromkeys(keys, pl.String) | {"truth": pl.Float64}, orient="row")
    for (parameter,), part in told.join(truth, on=keys, nulls_equal=True).group_by("parameter", maintain_order=True):
        yield numbers(run, f"diversity of bulk TRB: {parameter}", part)
