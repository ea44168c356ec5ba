"""Automatic gates against the truth: simulated tubes, preset seeds.

`python -m benchmarks.gates [TUBES]`: do the limits of counting and gating together hold the truth, are absolute counts
without bias, are planted faults caught and clean tubes left alone? TUBES a cell of the grid (2,000, by which a coverage
of 98 % has a standard error of 0.3); at most 500 with beads and of each fault.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from multiprocessing import get_context
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from tilseq.errors import TilseqError
from tilseq.flow.absolute import check_beads
from tilseq.flow.counts import cd4_cd8_ratio, count
from tilseq.flow.cuts import borrowed, cohort_cuts, cuts_table
from tilseq.flow.gated import Borrowed, Gating
from tilseq.flow.gating import gate
from tilseq.intervals import clopper_pearson
from tilseq.io.fcs import Fcs
from tilseq.simulate.cytometry.faults import BEAD_LOT_CV, PIPETTE_CV, Beads, Clog, Conditions
from tilseq.simulate.cytometry.panels import PANELS
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import as_read
from tilseq.simulate.streams import stream
from tilseq.steps.flow_absolute import absolute as cells_per_ul

TUBES, OTHER_TUBES = 2_000, 500
EVENTS = (300, 3_000, 50_000)
CD8_SHARES = (0.0001, 0.001, 0.01, 0.1, 0.5)  # of CD4 and CD8 T cells
SEED = 20_29
# Blood for a tube without a viability dye is fresh.
FRESH = Conditions(dead=0.005)
USUAL_TUBES, USUAL_EVENTS = 12, 20_000
SHARES = (
    *((name, "CD3+") for name in ("CD8+ T", "CD4+ T", "DN T", "DP T")),
    ("CD3+", "lymphocytes"),
    *((name, "CD3-") for name in ("B", "NK")),
)


def blood(cd8_share: float, t_cells: float = 1_000.0) -> dict[str, float]:
    """Return cells per µL of blood; with hardly a T cell the blood of the nadir after lymphodepletion."""
    cells = {"CD4+ T": t_cells * (1 - cd8_share), "CD8+ T": t_cells * cd8_share}
    cells |= {"DN T": 0.03 * t_cells, "DP T": 0.01 * t_cells}
    if t_cells < 100:
        return cells | {"B": 1.0, "NK": 20.0, "monocyte": 100.0}
    return cells | {"B": 150.0, "NK": 200.0, "monocyte": 300.0}


def acquired(purpose: str, cells: Mapping[str, float], events: int, **more: Any) -> Fcs:
    """Return a TBNK tube of fresh blood, as read."""
    return as_read(acquire(stream(SEED, purpose), PANELS["tbnk"], cells, events, **{"conditions": FRESH} | more))


@cache
def usual_cuts() -> Borrowed:
    """Return the cuts of other tubes of the cohort, which a tube without clear ones borrows."""
    tubes = [acquired(f"usual {number}", blood(0.3), USUAL_EVENTS) for number in range(USUAL_TUBES)]
    return borrowed(cohort_cuts(pl.concat([cuts_table(gate(tube, sample=str(i))) for i, tube in enumerate(tubes)])))


class Found(NamedTuple):
    """One number of one tube: what it is of, the truth, its value and limits, and those by counting labels."""

    name: str
    truth: float
    value: float | None
    lower: float | None
    upper: float | None
    exact_lower: float
    exact_upper: float


def measure(job: tuple[int, float, float, int]) -> list[Found]:
    """Gate one tube and hold its shares and its ratio against the truth."""
    events, cd8_share, per_ul, number = job
    cells = blood(cd8_share, per_ul)
    tube = acquire(
        stream(SEED, f"gates {events} {cd8_share} {per_ul} {number}"), PANELS["tbnk"], cells, events, conditions=FRESH
    )
    labels = dict(zip(tube.kinds, np.bincount(tube.labels, minlength=len(tube.kinds)).tolist(), strict=True))
    t_cells, others = ["CD4+ T", "CD8+ T", "DN T", "DP T"], ["B", "NK"]
    parts = {name: [name] for name in (*t_cells, *others)}
    parts |= {"CD3+": t_cells, "CD3-": others, "lymphocytes": [*t_cells, *others]}
    true = {name: sum(cells[kind] for kind in kinds) for name, kinds in parts.items()}
    seen = {name: sum(labels[kind] for kind in kinds) for name, kinds in parts.items()}
    gating = gate(as_read(tube), sample="tube", borrowed=usual_cuts())
    rows = {row["population"]: row for row in count(gating).iter_rows(named=True)}
    found = []
    for name, parent in SHARES:
        low, high = (100 * float(limit) for limit in clopper_pearson(seen[name], seen[parent]))
        row = rows[name]
        truth = 100 * true[name] / true[parent]
        found.append(Found(name, truth, row["percent_of_parent"], row["lower"], row["upper"], low, high))
    ratio = cd4_cd8_ratio(gating)
    low, high = clopper_pearson(seen["CD4+ T"], seen["CD4+ T"] + seen["CD8+ T"])
    ends = [float(end / (1 - end)) if end < 1 else np.inf for end in (low, high)]
    found.append(Found("CD4/CD8", true["CD4+ T"] / true["CD8+ T"], ratio.value, ratio.lower, ratio.upper, *ends))
    return found


def tried(function: Callable[[Any], list[Found]], job: Any) -> list[Found]:
    """Return what was found, or nothing of a tube that is refused."""
    try:
        return function(job)
    except TilseqError:
        return []


def coverage_row(cell: tuple[Any, ...], name: str, found: list[Found], refused: int) -> str:
    """Return one line of the table of coverage; a ratio without an upper limit reaches to infinity."""
    told = [one for one in found if one.lower is not None or one.upper is not None]
    low = np.array([0.0 if one.lower is None else one.lower for one in told])
    high = np.array([np.inf if one.upper is None else one.upper for one in told])
    truth = np.array([one.truth for one in told])
    exact = np.array([(one.exact_lower, one.exact_upper) for one in told]).reshape(-1, 2)
    ratio = name == "CD4/CD8"
    width, of_exact = _widths(low, high, ratio), _widths(exact[:, 0], exact[:, 1], ratio)
    both = np.isfinite(width) & np.isfinite(of_exact)
    values = [one.value / one.truth for one in told if one.value is not None]
    line = [*cell, name, len(told), f"{100 * np.mean((low <= truth) & (truth <= high)):.1f}"]
    line += [f"{width[both].mean():.3g}" if both.any() else "", f"{of_exact[both].mean():.3g}" if both.any() else ""]
    line += [f"{100 * np.mean((exact[:, 0] <= truth) & (truth <= exact[:, 1])):.1f}"]
    line += [f"{100 * (np.mean(values) - 1):+.1f}" if values else "", refused]
    return "| " + " | ".join(map(str, line)) + " |"


def _widths(low: np.ndarray, high: np.ndarray, ratio: bool) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(high / low) if ratio else high - low


def absolute(number: int) -> list[Found]:
    """Return cells per µL of one tube with counting beads."""
    cells = blood(0.3)
    beads = Beads(50_000, 50)
    tube = acquired(f"beads {number}", cells, 30_000, beads=beads)
    gating = gate(tube, sample="tube", borrowed=usual_cuts())
    row = {"sample": "tube", "specimen": "blood", "beads_per_tube": beads.per_tube, "dilution": None}
    row["sample_volume_ul"] = beads.sample_volume_ul
    arguments = {"errors": {"bead_lot_cv": BEAD_LOT_CV, "pipette_cv": PIPETTE_CV}, "blood_count": None}
    events = {name: population.events for name, population in gating.populations.items()}
    true = {"CD3+": sum(cells[kind] for kind in ("CD4+ T", "CD8+ T", "DN T", "DP T")), **cells}
    names = ["CD3+", "CD4+ T", "CD8+ T", "DN T", "DP T", "B", "NK"]
    counted, _ = cells_per_ul(row, tube, gating.populations["all events"].mask, events, names, arguments, gating)
    return [Found(name, true[name], one.value, one.lower, one.upper, np.nan, np.nan) for name, one in counted.items()]


FAULTS: Mapping[str, Callable[[str], Any]] = {
    "none": lambda seed: acquired(seed, blood(0.3), 20_000),
    "clog over 15 % of the run": lambda seed: acquired(
        seed, blood(0.3), 20_000, conditions=Conditions(dead=0.005, clog=Clog())
    ),
    "CD3 a tenth as bright over half of the run": lambda seed: _dimmed(acquired(seed, blood(0.3), 20_000), "CD3", 0.1),
    "CD8 not stained": lambda seed: acquired(
        seed, blood(0.3), 20_000, conditions=Conditions(dead=0.005, batch_shift={"APC-Cy7-A": 0.0})
    ),
    "CD4 a hundred times too dim": lambda seed: acquired(
        seed, blood(0.3), 20_000, conditions=Conditions(dead=0.005, batch_shift={"PE-Cy7-A": 0.01})
    ),
    "doublets 40 %": lambda seed: acquired(seed, blood(0.3), 20_000, conditions=Conditions(dead=0.005, doublets=0.4)),
    "too few T cells": lambda seed: acquired(seed, blood(0.3, 0.2), 5_000),
    "spillover transposed": lambda seed: _with_spill(acquired(seed, blood(0.3), 20_000), np.transpose),
    "no spillover in the file": lambda seed: replace(acquired(seed, blood(0.3), 20_000), spill=None),
    "no beads where there should be": lambda seed: acquired(seed, blood(0.3), 20_000, beads=Beads(40, 50)),
}


def _dimmed(tube: Fcs, marker: str, factor: float) -> Fcs:
    """Return a tube of which a stain is dimmer from the middle of the run on."""
    events, column = tube.events.copy(), next(place for place, one in enumerate(tube.markers) if one.startswith(marker))
    events[len(events) // 2 :, column] *= factor
    return replace(tube, events=events)


def _with_spill(tube: Fcs, change: Callable[[Any], Any]) -> Fcs:
    assert tube.spill is not None
    return replace(tube, spill=replace(tube.spill, matrix=change(tube.spill.matrix)))


def verdict(job: tuple[str, int]) -> tuple[str, str, str]:
    """Return fault, worst verdict (or `refused`) of one tube, and the checks that are not passed."""
    fault, number = job
    try:
        gating = gate(FAULTS[fault](f"fault {fault} {number}"), sample="tube", borrowed=usual_cuts())
    except TilseqError:
        return fault, "refused", ""
    quality = gating.quality
    if fault.startswith("no beads"):
        quality = pl.concat([quality, _beads_checked(gating, quality)])
    odd = quality.filter(pl.col("verdict") != "pass")
    worst = "fail" if "fail" in odd["verdict"] else "warn" if odd.height else "pass"
    return fault, worst, ", ".join(odd["check"])


def _beads_checked(gating: Gating, quality: pl.DataFrame) -> pl.DataFrame:
    beads = gating.populations["single beads"].events if "beads" in gating.populations else 0
    return pl.DataFrame([check_beads("tube", beads)], schema=quality.schema)


def _cells() -> Iterator[tuple[int, float, float]]:
    for events in EVENTS:
        for share in CD8_SHARES:
            yield events, share, 1_000.0
    for events in (3_000, 50_000):
        yield events, 0.3, 2.0


def main() -> None:
    """Print the three tables."""
    tubes = int(sys.argv[1]) if len(sys.argv) > 1 else TUBES
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        print("### Limits of counting and gating together\n")
        columns = "events, CD8 share, T cells/µL, number, tubes, covered %, mean width, exact given true labels: width"
        names = [*columns.split(", "), "its coverage %", "bias %", "refused"]
        print("| " + " | ".join(names) + " |", "|" + "---|" * len(names), sep="\n")
        for cell in _cells():
            jobs = [(*cell, number) for number in range(tubes)]
            found = list(pool.map(_measured, jobs, chunksize=4))
            for place, (name, _) in enumerate((*SHARES, ("CD4/CD8", ""))):
                own = [one[place] for one in found if one]
                print(coverage_row(cell, name, own, sum(not one for one in found)), flush=True)
        tubes = min(tubes, OTHER_TUBES)
        print("\n### Cells per microlitre by counting beads\n")
        print("| population | tubes | covered % | bias % (± 2 standard errors) |", "|---|---|---|---|", sep="\n")
        counted = list(pool.map(absolute, range(tubes), chunksize=4))
        for place in range(len(counted[0])):
            own = [one[place] for one in counted]
            off = np.array([100 * (one.value / one.truth - 1) for one in own if one.value is not None])
            held = np.mean([(one.lower or 0) <= one.truth <= (one.upper or 0) for one in own])
            error = 2 * off.std() / np.sqrt(len(off))
            print(f"| {own[0].name} | {len(own)} | {100 * held:.1f} | {off.mean():+.2f} ± {error:.2f} |", flush=True)
        print("\n### Planted faults\n")
        print(
            "| fault | tubes | told % | of them refused or failed % | checks that tell it most |",
            "|" + "---|" * 5,
            sep="\n",
        )
        for fault in FAULTS:
            told = list(pool.map(verdict, [(fault, number) for number in range(tubes)], chunksize=4))
            caught = [one for one in told if one[1] != "pass"]
            hard = sum(one[1] in ("refused", "fail") for one in caught)
            checks = pl.Series([check for one in caught for check in one[2].split(", ") if check])
            most = checks.value_counts(sort=True).head(3).to_series().to_list() if checks.len() else []
            share, of_them = 100 * len(caught) / len(told), 100 * hard / max(1, len(caught))
            print(f"| {fault} | {len(told)} | {share:.1f} | {of_them:.0f} | {', '.join(most)} |", flush=True)


def _measured(job: tuple[int, float, float, int]) -> list[Found]:
    return tried(measure, job)


if __name__ == "__main__":
    main()
