"""Simulated whole blood beside real whole blood: scatter, CD3, CD4, CD8, and how far their peaks lie apart.

The real tubes are the eight ITN tubes of RGLab/flowStats (Artistic-2.0): log amplifiers, four decades, no compensation
matrix. Each instrument has its own scale, so a stain is shown on the arcsinh scale with the cofactor that tilseq finds
for the channel, and scatter in multiples of the T cells' median.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.realism import REAL, SIMULATED
from tilseq.flow import Gating, gate
from tilseq.flow.transform import arcsinh
from tilseq.io.fcs import read_fcs
from tilseq.plots.style import PALETTE
from tilseq.simulate.cytometry.faults import Conditions
from tilseq.simulate.cytometry.panels import TBNK
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.streams import stream

TUBES = 8
EVENTS = 10_000
# Cells per µL of a healthy adult (round figures); each tube varies every kind by the factor below.
BLOOD = {"CD4+ T": 800.0, "CD8+ T": 300.0, "DN T": 60.0, "DP T": 10.0, "B": 250.0, "NK": 250.0}
BLOOD |= {"monocyte": 450.0, "granulocyte": 2_500.0}
BETWEEN_PEOPLE = 0.35
CONDITIONS = Conditions(dead=0.01, debris=0.04)
SHOWN = (("FSC-A", "SSC-A"), ("CD3", "SSC-A"), ("CD3", "CD4"), ("CD3", "CD8"))
SOURCE = "ITN, flowStats"


def measure(shared_data: Path, folder: Path) -> list[str]:
    """Draw `realism_flow.png` and return a Markdown table of figures: median and range over tubes."""
    real = [gate(read_fcs(path), sample=path.stem) for path in sorted((shared_data / "flow" / "itn").glob("*.fcs"))]
    made = [gate(_tube(number), sample=f"simulated {number}") for number in range(TUBES)]
    _draw([made[0], real[7], made[1], real[2]], folder / "realism_flow.png")
    rows = [f"| figure | real: {SOURCE}, {len(real)} tubes | simulated, {TUBES} tubes |", "|---|---|---|"]
    measured = [[_figures(gating) for gating in gatings] for gatings in (real, made)]
    for name in measured[0][0]:
        cells = []
        for tubes in measured:
            values = [figures[name] for figures in tubes]
            cells.append(f"{np.median(values):.2f} ({min(values):.2f} to {max(values):.2f})")
        rows.append(f"| {name} | {cells[0]} | {cells[1]} |")
    return rows


def _tube(number: int) -> Any:
    """Return a simulated tube as a reader gives it."""
    rng = stream(1, "realism", str(number), "flow")
    cells = {kind: value * float(rng.lognormal(0, BETWEEN_PEOPLE)) for kind, value in BLOOD.items()}
    tube = acquire(rng, TBNK, cells, EVENTS, conditions=CONDITIONS)
    return SimpleNamespace(
        events=tube.events.astype(np.float32),
        channels=list(TBNK.channels),
        markers=[marker or "" for marker in TBNK.markers],
        spill=SimpleNamespace(channels=[dye.channel for dye in TBNK.dyes], matrix=TBNK.spill),
        keywords={},
        warnings=[],
    )


def _scaled(gating: Gating, marker: str) -> Any:
    values = gating.values[marker]
    if marker in gating.cofactors:
        return arcsinh(values, gating.cofactors[marker])
    return values / np.median(values[gating.populations["CD3+"].mask])


def _figures(gating: Gating) -> dict[str, float]:
    """Return the figures of one tube; a spread is half the distance of the 16th to the 84th percentile."""
    inside = {name: population.mask for name, population in gating.populations.items()}
    t_cells = inside["CD3+"].sum()
    figures = {}
    for marker, subset in (("CD3", "CD4+ T"), ("CD4", "CD4+ T"), ("CD8", "CD8+ T")):
        low, middle, high = np.quantile(np.log(gating.values[marker][inside[subset]]), (0.16, 0.5, 0.84))
        figures[f"spread of ln {marker} on {subset}"] = (high - low) / 2
        figures[f"its dim side over its bright side, {marker}"] = (middle - low) / (high - middle)
    for marker, positive, negative in (
        ("CD3", "CD3+", "CD3-"),
        ("CD4", "CD4+ T", "CD8+ T"),
        ("CD8", "CD8+ T", "CD4+ T"),
    ):
        scaled = _scaled(gating, marker)
        low, middle, high = np.quantile(scaled[inside[negative]], (0.16, 0.5, 0.84))
        apart = np.median(scaled[inside[positive]]) - middle
        figures[f"spread of {marker}- over its distance from {marker}+"] = (high - low) / 2 / apart
    cuts = {marker: cut.separation for (marker, _), cut in gating.cuts.items()}
    figures |= {f"depth of the valley of {marker}": cuts[marker] or 0.0 for marker in ("CD3", "CD4", "CD8")}
    for marker in ("FSC-A", "SSC-A"):
        low, high = np.quantile(np.log(gating.values[marker][inside["CD3+"]]), (0.16, 0.84))
        figures[f"spread of ln {marker} of T cells"] = (high - low) / 2
    cd3, cd4 = (np.log(gating.values[marker][inside["CD4+ T"]]) for marker in ("CD3", "CD4"))
    figures["correlation of ln CD3 and ln CD4"] = np.corrcoef(cd3, cd4)[0, 1]
    cd3_of = {subset: np.median(gating.values["CD3"][inside[subset]]) for subset in ("CD4+ T", "CD8+ T")}
    figures["CD3 on CD8+ over CD4+ T"] = cd3_of["CD8+ T"] / cd3_of["CD4+ T"]
    figures |= {f"{subset}, % of CD3+": 100 * inside[subset].sum() / t_cells for subset in ("DN T", "DP T")}
    return {name: float(value) for name, value in figures.items()}


def _draw(gatings: list[Gating], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(gatings), len(SHOWN) + 1, figsize=(12, 2.5 * len(gatings)), layout="constrained")
    for row, gating in zip(axes, gatings, strict=True):
        name = gating.sample if gating.sample.startswith("simulated") else f"real: {SOURCE}, {gating.sample}"
        for axis, (x, y) in zip(row, SHOWN, strict=False):
            axis.plot(_scaled(gating, x), _scaled(gating, y), ",", color=SIMULATED if "simulated" in name else REAL)
            axis.set(xlabel=x, ylabel=y, xlim=(0, 3) if x == "FSC-A" else (-1.5, 9))
            axis.set_ylim((0, 12) if y == "SSC-A" else (-1.5, 7))
        row[0].set_title(name, loc="left", fontweight="bold")
        t_cells = gating.populations["CD3+"].mask
        lymphocytes = gating.populations["lymphocytes"].mask
        for (marker, of, mask), colour in zip(
            (("CD4", "T cells", t_cells), ("CD8", "T cells", t_cells), ("CD3", "lymphocytes", lymphocytes)),
            PALETTE,
            strict=False,
        ):
            look = {"color": colour, "linewidth": 1.2, "label": f"{marker} of {of}"}
            row[-1].hist(_scaled(gating, marker)[mask], bins=80, range=(-2, 7), histtype="step", **look)
        row[-1].set(xlabel="arcsinh scale", ylabel="events", yticks=[])
    axes[0, -1].legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    figure.savefig(path, dpi=80)
    plt.close(figure)
