"""Flow tubes of a subject, and what each event truly is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from tilseq.simulate import files
from tilseq.simulate.compartments import DN_SHARE, DP_SHARE, Specimen
from tilseq.simulate.cytometry import tube as cytometer
from tilseq.simulate.cytometry.faults import Beads, Clog, Conditions
from tilseq.simulate.cytometry.panels import MARKED, PANELS, VBETA, Panel
from tilseq.simulate.folder.context import Context, Row, Rows
from tilseq.simulate.plan import Sample
from tilseq.simulate.states import LINEAGES, STATES
from tilseq.simulate.subjects import Subject
from tilseq.simulate.vbeta import KIT, carried, marked_share

BEADS = Beads(per_tube=50_000, sample_volume_ul=50.0)
DEAD_SHARE = {"blood": 0.03, "infusion_product": 0.10}  # round figures
CLOG_SHARE = 0.05  # of tubes


def write_tube(context: Context, sample: Sample) -> Rows:
    """Write one tube and the labels of its events; return its rows of `samples`, true `populations` and `marked`."""
    subject, panel = context.subject, stained(PANELS[str(sample.panel)], context)
    specimen = subject.specimen(sample.specimen, sample.day, sample.lot)
    counted = panel.name == "tbnk" and sample.specimen == "blood"
    present = abundances(specimen, subject, panel)
    if sample.specimen == "blood" and "granulocyte" in panel.looks:
        present["granulocyte"] = 1000 * subject.laboratory.at("ANC", sample.day)
    cells = {kind: value for kind, value in present.items() if value > 0}
    tube = cytometer.acquire(
        context.stream(sample.name, "flow"),
        panel,
        cells,
        context.design.cells,
        beads=BEADS if counted else None,
        conditions=_conditions(context, sample, panel),
        vbeta=vbeta_shares(specimen, subject.clones, context.vbeta.genes) if panel.vbeta else None,
    )
    path = f"raw/flow/{sample.name}.fcs"
    files.write_tube(context.folder / path, tube, sample.name)
    files.write_labels(context.folder / "truth" / "flow" / f"{sample.name}.csv.gz", tube)
    more: Row = {"path": path, "instrument": "simulated", "run": f"flow-{sample.subject}-{sample.visit}"}
    if panel.vbeta is not None:
        more["marked_population"] = MARKED
        more["comment"] = f"{VBETA}: {', '.join(context.vbeta.antibodies)}"
    if counted:
        more |= {"sample_volume_ul": BEADS.sample_volume_ul, "beads_per_tube": BEADS.per_tube}
    whole = sum(cells.values())
    truth: list[Row] = [
        {
            "sample": sample.name,
            "population": kind,
            "fraction_of_cells": value / whole,
            "cells_per_ul": value if sample.specimen == "blood" else None,
        }
        for kind, value in cells.items()
    ]
    rows: Rows = {"samples": [sample.row(**more)], "populations": truth}
    if panel.vbeta is not None:
        rows["marked"] = [
            {
                "sample": sample.name,
                "marked_share": marked_share(specimen, subject.clones, context.vbeta.genes),
                "infused_share": float(specimen.infused.sum()) / specimen.clonal_t_cells,
            }
        ]
    return rows


def kit_rows(context: Context) -> list[Row]:
    """Return what the laboratory counted with its V-beta kit, by which it chose: rows of the true `vbeta`."""
    found = context.vbeta
    return [
        {
            "subject": context.subject.name,
            "antibody": antibody,
            "genes": ";".join(genes),
            "product": product,
            "baseline": before,
            "chosen": antibody in found.antibodies,
        }
        for (antibody, genes), product, before in zip(
            KIT.items(), found.product.tolist(), found.baseline.tolist(), strict=True
        )
    ]


def stained(panel: Panel, context: Context) -> Panel:
    """Return a panel as it is for a subject, whose own V-betas a laboratory writes upon their dye."""
    if panel.vbeta is None:
        return panel
    label = "+".join(context.vbeta.antibodies)
    return replace(
        panel, dyes=tuple(dye._replace(label=f"TCR {label} PE") if dye.marker == VBETA else dye for dye in panel.dyes)
    )


def abundances(specimen: Specimen, subject: Subject, panel: Panel) -> dict[str, float]:
    """Return how common each kind of cell that the panel tells apart is, in the specimen's own unit.

    Cells that the panel does not know are not in its tube: granulocytes are lost where mononuclear cells are prepared.
    """
    cells = {"DN T": DN_SHARE * specimen.t_cells, "DP T": DP_SHARE * specimen.t_cells} | specimen.other
    every = specimen.infused + specimen.endogenous
    lineage = subject.clones["lineage"].to_numpy()
    for name in LINEAGES:
        states = every[lineage == name].sum(axis=0)
        states[STATES.index("naive")] += specimen.naive[name]
        cells[f"{name}+ T"] = float(states.sum())
        cells |= {f"{name}+ T {state}": float(value) for state, value in zip(STATES, states, strict=True)}
    return {kind: cells[kind] for kind in panel.looks if kind in cells}


def vbeta_shares(specimen: Specimen, clones: pl.DataFrame, genes: Sequence[str]) -> dict[str, float]:
    """Return the share of each kind of T cell that carries one of some V-betas."""
    shares: dict[str, float] = {}
    for name, (cells, marked) in carried(specimen, clones, genes).items():
        share = np.divide(marked, cells, out=np.zeros_like(cells), where=cells > 0)
        shares |= {f"{name}+ T {state}": float(value) for state, value in zip(STATES, share, strict=True)}
    return shares


def _conditions(context: Context, sample: Sample, panel: Panel) -> Conditions:
    """Return how well a tube was stained and run: a clog now and then, and the shift of its run where there is one."""
    rng = context.stream(sample.name, "conditions")
    clog = Clog(start=float(rng.uniform(0.1, 0.7))) if rng.random() < CLOG_SHARE else None
    shift = context.design.confounders.batch_shift
    factors = {}
    if shift is not None and (shift.subject, shift.visit) == (sample.subject, sample.visit):
        factors = {
            channel: float(np.exp(shift.log_shift))
            for channel, marker in zip(panel.channels, panel.markers, strict=True)
            if marker is not None and marker.split()[0] in ("CD4", "CD8")
        }
    return Conditions(dead=DEAD_SHARE[sample.specimen], clog=clog, batch_shift=factors)
