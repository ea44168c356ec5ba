"""Lymphocytes told by scatter alone, and counted by a blood count, against the truth: simulated tubes, preset seeds.

`python -m benchmarks.scatter_gates [TUBES]`: in tubes of mononuclear cells without CD45 monocytes reach into the region
of the lymphocytes. Do the limits of T cells among lymphocytes, and of cells/µL by a blood count of lymphocytes with an
error of 5 % (dual platform), hold the truth? TUBES of each panel and number of events (2,000); blood of each tube is
drawn anew.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl

from benchmarks.gates import FRESH, Found, tried
from tilseq.flow.counts import count
from tilseq.flow.cuts import borrowed, cohort_cuts, cuts_table
from tilseq.flow.gated import Borrowed
from tilseq.flow.gating import gate
from tilseq.io.fcs import Fcs
from tilseq.simulate.cytometry.faults import Conditions
from tilseq.simulate.cytometry.panels import PANELS
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import as_read
from tilseq.simulate.states import STATES
from tilseq.simulate.streams import stream
from tilseq.steps.flow_absolute import absolute

TUBES, SEED = 2_000, 20_31
CELLS = (("t_state", 1_000), ("t_state", 5_000), ("t_state", 30_000), ("ics", 5_000), ("tbnk", 5_000))
USUAL_TUBES, USUAL_EVENTS = 12, 20_000
OF_STATES = (0.15, 0.1, 0.3, 0.4, 0.03, 0.02)
BLOOD_COUNT_CV = 0.05
# Cells/µL: median, and standard deviation of the logarithm.
BLOOD = {"T": (1_000.0, 0.6), "B": (120.0, 0.6), "NK": (200.0, 0.5), "monocyte": (450.0, 0.35)}
COUNTED = ("CD3+", "CD4+ T", "CD8+ T", "DN T")
ROW = {"sample": "tube", "specimen": "blood", "beads_per_tube": None, "sample_volume_ul": None, "dilution": None}


def cells_of(panel: str, blood: Mapping[str, float], cd8_share: float) -> dict[str, float]:
    """Return cells per µL of each kind that a panel tells apart."""
    cells = {"DN T": 0.03 * blood["T"], "DP T": 0.01 * blood["T"]}
    for name, share in (("CD4+ T", 1 - cd8_share), ("CD8+ T", cd8_share)):
        parts = dict(zip(STATES, OF_STATES, strict=True)) if panel == "t_state" else {"": 1.0}
        cells |= {f"{name} {state}".strip(): part * share * blood["T"] for state, part in parts.items()}
    return cells | {name: blood[name] for name in ("B", "NK", "monocyte")}


def acquired(purpose: str, panel: str, cells: Mapping[str, float], events: int) -> Fcs:
    """Return a tube as read."""
    conditions = FRESH if panel == "tbnk" else Conditions()
    return as_read(acquire(stream(SEED, purpose), PANELS[panel], cells, events, conditions=conditions))


@cache
def usual_cuts(panel: str) -> Borrowed:
    """Return the cuts of other tubes of a panel."""
    cells = cells_of(panel, {name: median for name, (median, _) in BLOOD.items()}, 0.4)
    tubes = [acquired(f"usual {panel} {number}", panel, cells, USUAL_EVENTS) for number in range(USUAL_TUBES)]
    return borrowed(cohort_cuts(pl.concat([cuts_table(gate(tube, sample=str(i))) for i, tube in enumerate(tubes)])))


def measure(job: tuple[str, int, int]) -> list[Found]:
    """Gate one tube; return T cells in % of lymphocytes, and cells per µL by a blood count."""
    panel, events, number = job
    rng = stream(SEED, f"blood {panel} {events} {number}")
    blood = {name: float(median * np.exp(spread * rng.normal())) for name, (median, spread) in BLOOD.items()}
    cells = cells_of(panel, blood, float(rng.uniform(0.2, 0.7)))
    gating = gate(
        acquired(f"scatter {panel} {events} {number}", panel, cells, events), sample="t", borrowed=usual_cuts(panel)
    )
    t_cells = {name: sum(value for kind, value in cells.items() if kind.startswith(name)) for name in COUNTED[1:]}
    t_cells["CD3+"] = sum(t_cells.values()) + cells["DP T"]
    lymphocytes = t_cells["CD3+"] + cells["B"] + cells["NK"]
    row = next(row for row in count(gating).iter_rows(named=True) if row["population"] == "CD3+")
    truth = 100 * t_cells["CD3+"] / lymphocytes
    nan = float("nan")
    found = [
        Found("CD3+, % of lymphocytes", truth, row["percent_of_parent"], row["lower"], row["upper"], nan, nan),
    ]
    told = float(lymphocytes * np.exp(BLOOD_COUNT_CV * rng.normal()))
    arguments: dict[str, Any] = {
        "errors": {"blood_count_cv": BLOOD_COUNT_CV, "volume_unit": None},
        "blood_count": {"value": told, "unit": "cells/uL", "rounding": 0.0},
    }
    tube: Any = SimpleNamespace(keywords={})
    events_of = {name: population.events for name, population in gating.populations.items()}
    kept = gating.populations["all events"].mask
    counted, _ = absolute(ROW, tube, kept, events_of, list(COUNTED), arguments, gating)
    for name, one in counted.items():
        found.append(Found(f"{name}/µL", t_cells[name], one.value, one.lower, one.upper, nan, nan))
    return found


def main() -> None:
    """Print the table."""
    tubes = int(sys.argv[1]) if len(sys.argv) > 1 else TUBES
    names = "panel, events, number, tubes, covered %, truth above the limits %, mean width %, bias %".split(", ")
    print("| " + " | ".join(names) + " |", "|" + "---|" * len(names), sep="\n")
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for panel, events in CELLS:
            jobs = [(panel, events, number) for number in range(tubes)]
            found = [one for one in pool.map(_measured, jobs, chunksize=4) if one]
            for own in zip(*found, strict=True):
                low, high, value, truth = (
                    np.array([getattr(one, name) for one in own], dtype=float)
                    for name in ("lower", "upper", "value", "truth")
                )
                held, above = np.mean((low <= truth) & (truth <= high)), np.mean(truth > high)
                line = [panel, f"{events:,}", own[0].name, len(own), f"{100 * held:.1f}", f"{100 * above:.1f}"]
                line += [f"{100 * np.mean((high - low) / truth):.1f}", f"{100 * (np.mean(value / truth) - 1):+.1f}"]
                print("| " + " | ".join(map(str, line)) + " |", flush=True)


def _measured(job: tuple[str, int, int]) -> list[Found]:
    return tried(measure, job)


if __name__ == "__main__":
    main()
