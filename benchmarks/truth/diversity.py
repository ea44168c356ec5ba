"""Diversity of TCR libraries, bulk and of single cells, beside the specimens that they were drawn from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.stats import binom

from benchmarks.truth import Run, chains, numbers
from tilseq.simulate.sequencing.sampling import GDNA, sequence

SEED, DRAWS, GRID = 20_40, 20, 300
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
        "clonality": 1 - entropy / np.log(len(p)) if len(p) > 1 else np.nan,
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


def _at(share: np.ndarray, cells: float) -> dict[str, float]:
    """Return Hill numbers of a sample of so many cells as rarefaction defines them: of the mean counts of clones."""
    naive = max(0.0, 1 - float(share.sum()))
    richness = float(-np.expm1(cells * np.log1p(-share)).sum()) + naive * cells
    entropy = float(_mean_terms(share, round(cells)).sum()) + naive * np.log(cells)
    pairs = 1 / cells + (1 - 1 / cells) * float((share**2).sum())
    return {"richness": richness, "hill_q1": float(np.exp(entropy)), "hill_q2": 1 / pairs}


def _mean_terms(share: np.ndarray, cells: int) -> np.ndarray:
    """Return the mean of -p ln p, p the share of each clone in a sample of so many cells: exact on a grid of shares."""
    grid = np.geomspace(share.min(), share.max(), GRID)
    exact = []
    for one in grid:
        counts = np.arange(1, min(cells, round(cells * one + 12 * np.sqrt(cells * one) + 20)) + 1)
        exact.append(binom.pmf(counts, cells, one) @ (-(counts / cells) * np.log(counts / cells)))
    return np.asarray(np.interp(np.log(share), np.log(grid), np.array(exact) / grid) * share)


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


class Library(NamedTuple):
    """A library: shares of the specimen's clones, whether it shows them, cells, counts where these are of templates."""

    sample: str
    locus: str
    share: np.ndarray
    seen: np.ndarray
    cells: int
    counted: int | None


def _bulk(run: Run) -> Iterator[Library]:
    libraries = run.truth("libraries.csv").filter(pl.col("sample").str.ends_with("_tcr"))
    for sample, cells, counted in libraries.select("sample", "cells", "counted").rows():
        table = run.truth(f"tcr/{sample}.csv.gz").drop_nulls("clone")
        share, seen = table["frequency"].to_numpy(), table["counted"].to_numpy() > 0
        yield Library(sample, "TRB", share, seen, int(cells), int(counted))


def _of_cells(run: Run) -> Iterator[Library]:
    """Yield libraries of single cells, whose counts are of cells: as many as are told."""
    told = run.of("cells_or_counts").filter(pl.col("locus").is_in(list(chains.OF_LOCUS)))
    told = told.filter(pl.col("sample").str.ends_with("_sctcr"))
    for sample, subject, locus, counted in told.select("sample", "subject", "locus", "value").rows():
        table = chains.shares(run, subject, chains.drawn_library(run, chains.bulk_of(sample)), locus)
        table = table.join(chains.seen(run, sample, locus), on="junction", how="left")
        yield Library(
            sample, locus, table["share"].to_numpy(), table["cells"].is_not_null().to_numpy(), int(counted), None
        )


def compare(run: Run) -> Iterator[pl.DataFrame]:
    """Yield the indices of TCR libraries; their truth is that of samples of as many cells, drawn anew."""
    told = run.endpoints().filter(assay="tcr")
    depth = run.table("diversity").select("sample", "locus", "parameter", "over", "depth", "at_coverage")
    told = told.join(depth, on=["sample", "locus", "parameter", "over"], nulls_equal=True)
    rows = []
    for one in (*_bulk(run), *_of_cells(run)):
        rng = np.random.default_rng([SEED, one.cells, one.counted or 0, sum(f"{one.sample} {one.locus}".encode())])
        known = _mean(rng, one.share, one.cells, one.counted)
        known |= {"coverage": one.share[one.seen].sum(), "hill_q2_asymptotic": 1 / (one.share**2).sum()}
        at: dict[float, dict[str, float]] = {}
        here = told.filter(sample=one.sample, locus=one.locus)
        for parameter, over, n, covered in here.select("parameter", "over", "depth", "at_coverage").rows():
            if parameter in known:
                rows.append((one.sample, one.locus, parameter, over, known[parameter]))
            elif over is not None:
                size = _cells_for(one.share, covered) if covered is not None else n
                if size not in at:
                    at[size] = _at(one.share, size)
                rows.append((one.sample, one.locus, parameter, over, at[size][parameter.split("_at_")[0]]))
    keys = ["sample", "locus", "parameter", "over"]
    truth = pl.DataFrame(rows, schema=dict.fromkeys(keys, pl.String) | {"truth": pl.Float64}, orient="row")
    beside = told.join(truth, on=keys, nulls_equal=True)
    beside = beside.with_columns(
        what=pl.when(pl.col("sample").str.ends_with("_sctcr")).then(pl.lit("single cells")).otherwise(pl.lit("bulk"))
    )
    for (what, locus, parameter), part in beside.group_by("what", "locus", "parameter", maintain_order=True):
        yield numbers(run, f"diversity of {what}, {locus}: {parameter}", part)
