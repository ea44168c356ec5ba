"""Stimulated and unstimulated tubes of a subject, and which of their cells truly made interferon-gamma."""

from __future__ import annotations

import numpy as np
import polars as pl

from tilseq.simulate import files, stimulation
from tilseq.simulate.cytometry import tube as cytometer
from tilseq.simulate.cytometry.faults import GAIN_DRIFT, STAIN_DRIFT, Conditions
from tilseq.simulate.cytometry.panels import ICS, MADE
from tilseq.simulate.cytometry.tube import Tube
from tilseq.simulate.folder.context import Context, Row, Rows
from tilseq.simulate.folder.flow import abundances
from tilseq.simulate.plan import Sample

DEAD_SHARE = {"blood": 0.06, "infusion_product": 0.12}  # round figures: more than in fresh tubes
TOGETHER = 0.5  # of the usual drift between tubes is left where these were stained of one mix and run together
# What is left of the light of stains on all T cells, by stimulus: contact with tumour cells takes a little CD3 from
# the surface, phorbol esters more, and most of CD4 (Solbach, J Exp Med 1982;156:1250); round figures.
LEFT = {"autologous tumour": {"CD3": 0.9}, "PMA/ionomycin": {"CD3": 0.75, "CD4": 0.5}}


def write_stimulated(context: Context, sample: Sample) -> Rows:
    """Write one tube and the labels of its events; return its rows of `samples` and of the truth `intracellular`."""
    subject = context.subject
    specimen = subject.specimen(sample.specimen, sample.day, sample.lot)
    (resected,) = (lesion for lesion in subject.disease.lesions if lesion.resected)
    answer = stimulation.answering(specimen, subject.clones, sample.stimulus, stimulation.visibility_of(resected))
    without = stimulation.background(context.stream(sample.drawn, "ics", "background"))
    shares = stimulation.together(without, answer)
    rng = context.stream(sample.name, "ics")
    real = stimulation.in_tube(rng, shares)
    cells = split(abundances(specimen, subject, ICS), real)
    left = LEFT.get(sample.stimulus or "", {})
    tube = cytometer.acquire(
        rng,
        ICS,
        {kind: value for kind, value in cells.items() if value > 0},
        context.design.ics.cells or context.design.cells,
        conditions=Conditions(
            dead=DEAD_SHARE[sample.specimen],
            gain_drift=TOGETHER * GAIN_DRIFT,
            stain_drift=TOGETHER * STAIN_DRIFT,
            batch_shift={dye.channel: left[dye.marker] for dye in ICS.dyes if dye.marker in left},
        ),
    )
    path = f"raw/flow/{sample.name}.fcs"
    files.write_tube(context.folder / path, tube, sample.name)
    files.write_gzip_table(labels(tube), context.folder / "truth" / "flow" / f"{sample.name}.csv.gz")
    run = f"ics-{sample.subject}-{sample.visit}"
    row = sample.row(path=path, instrument="simulated", run=run)
    return {"samples": [row], "intracellular": _truth(sample, tube, shares, real)}


def split(cells: dict[str, float], shares: dict[str, float]) -> dict[str, float]:
    """Return how common the cells of each kind are that made no interferon and, as kinds of their own, that did."""
    made = {f"{kind}{MADE}": shares[kind] * cells[kind] for kind in shares if kind in cells}
    return {kind: value - made.get(f"{kind}{MADE}", 0.0) for kind, value in cells.items()} | made


def labels(tube: Tube) -> pl.DataFrame:
    """Return the kind of each event, `label`, and whether it made interferon, `ifn_gamma`.

    `ifn_gamma` is null where the event is no single living cell.
    """
    kind = pl.Series("label", tube.kinds).gather(tube.labels).to_frame()
    living = pl.col("label").is_in(list(ICS.looks))
    return kind.select(
        pl.col("label").str.strip_suffix(MADE), ifn_gamma=pl.when(living).then(pl.col("label").str.ends_with(MADE))
    )


def _truth(sample: Sample, tube: Tube, shares: dict[str, float], real: dict[str, float]) -> list[Row]:
    def events(kind: str) -> int:
        return int(np.count_nonzero(tube.labels == tube.kinds.index(kind)))

    return [
        {
            "sample": sample.name,
            "population": kind,
            "share": shares[kind],
            "share_in_tube": real[kind],
            "cells": events(kind) + events(f"{kind}{MADE}"),
            "positive": events(f"{kind}{MADE}"),
        }
        for kind in shares
    ]
