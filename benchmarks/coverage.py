"""Do the intervals hold what they promise? Simulated tubes and libraries with a known truth, preset seeds.

`python -m benchmarks.coverage [RUNS [TUBES]]`: runs a cell of the grid (2,000), tubes to gate a cell (100).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from scipy.stats import binom

from tilseq.errors import TilseqError
from tilseq.flow.counts import cd4_cd8_ratio
from tilseq.flow.gating import gate
from tilseq.intervals import clopper_pearson, ratio_of_counts
from tilseq.io.fcs import read_fcs
from tilseq.repertoire.depth import depth
from tilseq.repertoire.persistence import persistence
from tilseq.simulate import files
from tilseq.simulate.compartments import Specimen
from tilseq.simulate.cytometry import tube as cytometer
from tilseq.simulate.cytometry.panels import PANELS
from tilseq.simulate.design import Design
from tilseq.simulate.sequencing.libraries import draw_counts_of_clones
from tilseq.simulate.sequencing.sampling import FLAVORS, n_effective
from tilseq.simulate.streams import stream
from tilseq.simulate.subjects import draw_subject

RUNS, TUBES = 2_000, 100
EVENTS = (300, 3_000, 20_000)
CD8_SHARES = (0.03, 0.2, 0.5)  # of CD4 and CD8 T cells
DEPTHS = (1_000, 5_000, 25_000)
MASSES = (0.001, 0.01, 0.1, 0.5)
CELLS_PER_TEMPLATE = 2.0
SEED = 20_26


@dataclass(frozen=True)
class Cell:
    """One cell of a grid: what it is, how often the interval held the truth, and how wide intervals were in the mean.

    `expected_width` is the mean width of the exact interval of counts drawn straight from the truth; `forced` the
    coverage that this exact interval has, which its discreteness may force above 95 %. Of a library, whose worth in
    cells is not one whole number, it is the most between 80 and 120 % of its worth: that coverage is a saw-tooth.
    """

    name: dict[str, object]
    runs: int
    covered: float
    width: float
    expected_width: float
    forced: float
    missing: int = 0

    def row(self) -> str:
        """Return the cell as a line of a Markdown table."""
        told = [*map(str, self.name.values()), str(self.runs), f"{100 * self.covered:.1f}", f"{self.width:.4g}"]
        told += [f"{self.expected_width:.4g}", f"{100 * self.forced:.1f}", str(self.missing)]
        return "| " + " | ".join(told) + " |"


def header(names: list[str]) -> list[str]:
    """Return the head of the table of some cells."""
    columns = [
        *names,
        "runs",
        "covered, %",
        "mean width",
        "exact given the truth: width",
        "its coverage, %",
        "no number",
    ]
    return ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]


def ratio_by_labels(events: int, cd8_share: float, runs: int = RUNS) -> Cell:
    """CD4/CD8 of tubes whose events are counted by their true labels; widths are of the natural logarithm."""
    cells = _blood_cells(cd8_share)
    truth = cells["CD4+ T"] / cells["CD8+ T"]
    panel = PANELS["tbnk"]
    counts = np.empty((runs, 2))
    for run in range(runs):
        rng = stream(SEED, "labels", f"{events} {cd8_share} {run}")
        tube = cytometer.acquire(rng, panel, cells, events)
        found = np.bincount(tube.labels, minlength=len(tube.kinds))
        counts[run] = [found[tube.kinds.index(kind)] for kind in ("CD4+ T", "CD8+ T")]
    name = {"events": events, "CD8 share": cd8_share}
    return _ratio_cell(name, counts, truth, counts.sum(axis=1).mean(), cd8_share)


def ratio_by_gates(events: int, cd8_share: float, runs: int = TUBES) -> Cell:
    """CD4/CD8 of the same kind of tubes as tilseq gates them by itself: what gates add to counting."""
    cells = _blood_cells(cd8_share)
    truth = cells["CD4+ T"] / cells["CD8+ T"]
    counts, missing = [], 0
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tube.fcs"
        for run in range(runs):
            rng = stream(SEED, "labels", f"{events} {cd8_share} {run}")
            files.write_tube(path, cytometer.acquire(rng, PANELS["tbnk"], cells, events), "tube")
            try:
                gating = gate(read_fcs(path), sample="tube")
            except TilseqError:  # refused, as a tube without a valley is
                missing += 1
                continue
            if cd4_cd8_ratio(gating).value is None:
                missing += 1
            else:
                counts.append([gating.populations[name].events for name in ("CD4+ T", "CD8+ T")])
    kept = np.array(counts, dtype=float).reshape(-1, 2)
    name = {"events": events, "CD8 share": cd8_share}
    number = kept.sum(axis=1).mean() if len(kept) else 0.0
    return replace(_ratio_cell(name, kept, truth, number, cd8_share), missing=missing)


def _blood_cells(cd8_share: float) -> dict[str, float]:
    """Return cells per µL of blood with 1,000 CD4 and CD8 T cells."""
    t_cells = {"CD4+ T": 1_000 * (1 - cd8_share), "CD8+ T": 1_000 * cd8_share, "DN T": 30.0, "DP T": 10.0}
    return t_cells | {"B": 150.0, "NK": 200.0, "monocyte": 300.0}


def _ratio_cell(name: dict[str, object], counts: np.ndarray, truth: float, number: float, cd8_share: float) -> Cell:
    lower, upper = ratio_of_counts(counts[:, 0], counts[:, 1])
    rng = stream(SEED, "exact", str(name))
    direct = rng.poisson(np.array([1 - cd8_share, cd8_share]) * number, (20_000, 2))
    low, high = ratio_of_counts(direct[:, 0], direct[:, 1])
    return Cell(
        name,
        len(counts),
        float(np.mean((lower <= truth) & (truth <= upper))) if len(counts) else float("nan"),
        _log_width(lower, upper),
        _log_width(low, high),
        float(np.mean((low <= truth) & (truth <= high))),
    )


def _log_width(lower: np.ndarray, upper: np.ndarray) -> float:
    whole = np.isfinite(upper) & (lower > 0)
    return float(np.mean(np.log(upper[whole] / lower[whole]))) if whole.any() else float("nan")


def mass(counted: int, share: float, flavor: str, runs: int = RUNS) -> tuple[Cell, Cell]:
    """Share of blood T cells that infused clones hold, in libraries of known depth; the reference is the true clones.

    The first cell takes the true effective number of cells, the second tilseq's own, from cells and counts: of
    templates of DNA by how often they are counted, as this one library tells it.
    """
    kind, cells = FLAVORS[flavor], round(counted * CELLS_PER_TEMPLATE)
    limits = np.empty((2, 2, runs))
    effective = np.empty(2)
    for run in range(runs):
        specimen, infused = _specimen(run % 4, share)
        counts = draw_counts_of_clones(
            stream(SEED, "mass", f"{counted} {share} {flavor} {run}"), specimen, cells, counted, kind
        )
        seen = np.flatnonzero(counts)
        table = pl.DataFrame({"junction": seen, "duplicate_count": counts[seen]})
        table = table.with_columns(pl.col("junction").cast(pl.String), locus=pl.lit("TRB"))
        number = float(counts.sum())
        own = depth(table, sample="s", count_of=kind.count_of, cells=cells)["n_effective"][0]
        effective[:] = n_effective(cells, number, kind), own
        for way, worth in enumerate(effective):
            row = persistence(table, infused, sample="s", n_effective=min(worth, number)).row(0, named=True)
            limits[way, :, run] = row["lower"], row["upper"]
    name = {"flavour": flavor, "templates or reads": counted, "mass": share}
    return tuple(
        _mass_cell(name | {"worth, cells": round(worth)}, lower, upper, share, effective[0])
        for (lower, upper), worth in zip(limits, effective, strict=True)
    )


def _mass_cell(name: dict[str, object], lower: np.ndarray, upper: np.ndarray, share: float, truly: float) -> Cell:
    """Return a cell; the exact interval beside it is of as many cells as the library is truly worth."""
    low, high = clopper_pearson(*_exact(share, truly, str(name)))
    forced = max(_exact_coverage(round(truly * part), share) for part in np.linspace(0.8, 1.2, 81))
    covered = float(np.mean((lower <= share) & (share <= upper)))
    return Cell(name, len(lower), covered, float(np.mean(upper - lower)), float(np.mean(high - low)), forced)


def _exact(share: float, effective: float, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return counts of cells drawn one by one, as many as a library is worth."""
    whole = max(1, round(effective))
    return stream(SEED, "exact", name).binomial(whole, share, 20_000), np.full(20_000, whole)


def _exact_coverage(cells: int, share: float) -> float:
    """Return how often the exact interval of a share of so many cells holds the truth, summed over all counts."""
    counts = np.arange(cells + 1)
    low, high = clopper_pearson(counts, np.full(cells + 1, cells))
    return float(binom.pmf(counts, cells, share)[(low <= share) & (share <= high)].sum())


@cache
def _specimen(number: int, share: float) -> tuple[Specimen, pl.DataFrame]:
    """Return a subject's blood of day 28 in which the infused clones hold a share, and these clones as a reference."""
    subject = draw_subject(number + 1, Design(seed=SEED))
    blood = subject.blood(28)
    infused = subject.course.infused.sum(axis=1) > 0
    every = blood.infused + blood.endogenous
    own = every * infused[:, None]
    rest = every - own
    naive = sum(blood.naive.values())
    scaled = replace(
        blood,
        infused=own * (share / own.sum()),
        endogenous=rest * ((1 - share) / (rest.sum() + naive)),
        naive={name: value * (1 - share) / (rest.sum() + naive) for name, value in blood.naive.items()},
    )
    places = np.flatnonzero(infused)
    reference = pl.DataFrame({"junction": places, "duplicate_count": np.ones(len(places), dtype=np.int64)})
    return scaled, reference.with_columns(pl.col("junction").cast(pl.String), locus=pl.lit("TRB"))


def _grid(runs: int, tubes: int) -> Iterator[tuple[str, tuple[object, ...]]]:
    for events in EVENTS:
        for share in CD8_SHARES:
            yield "labels", (events, share, runs)
            yield "gates", (events, share, tubes)
    for flavor in FLAVORS:
        for counted in DEPTHS:
            for share in MASSES:
                yield "mass", (counted, share, flavor, runs)


def _one(job: tuple[str, tuple[object, ...]]) -> list[tuple[str, Cell]]:
    kind, arguments = job
    if kind == "mass":
        return list(zip(("mass", "estimated"), mass(*arguments), strict=True))  # type: ignore[arg-type]
    return [(kind, {"labels": ratio_by_labels, "gates": ratio_by_gates}[kind](*arguments))]  # type: ignore[arg-type]


def main() -> None:
    """Print the four tables."""
    runs, tubes = (int(given) for given in (*sys.argv[1:], *map(str, (RUNS, TUBES)[len(sys.argv) - 1 :])))
    jobs = list(_grid(runs, tubes))
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        cells = [found for part in pool.map(_one, jobs) for found in part]
    titles = {
        "labels": "CD4/CD8 counted by true labels",
        "gates": "CD4/CD8 as gated",
        "mass": "Mass, true effective number of cells",
        "estimated": "Mass, effective number as tilseq takes it",
    }
    for kind, title in titles.items():
        chosen = [cell for name, cell in cells if name == kind]
        print(f"### {title}\n", *header(list(chosen[0].name)), *(cell.row() for cell in chosen), "", sep="\n")


if __name__ == "__main__":
    main()
