"""How much of a repertoire its largest clones hold: whole simulated specimens beside real samples.

Real, cell by cell: blood and lung tumour of four subjects (BorchLab/scRepertoire, MIT) and 10x's 3,000 PBMC
(scverse/scirpy, BSD-3); the beta chain with the most UMIs counts for a barcode. Real, in bulk: CD8 T cells of a donor
on day 15 (a vdjtools table of the 5,000 largest clones with their shares of all), and 999 rows of an immunoSEQ example,
whose largest clone may not be among them. No table of an infusion product or of blood after TIL is at hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.realism import REAL, SIMULATED
from tilseq.simulate.compartments import Specimen
from tilseq.simulate.design import Design
from tilseq.simulate.sequencing.libraries import draw_counts_of_clones
from tilseq.simulate.sequencing.sampling import FLAVORS, draw_cells
from tilseq.simulate.streams import stream
from tilseq.simulate.subjects import Subject, draw_subject

Floats = NDArray[np.float64]

SUBJECTS = 24
FEWEST_CELLS = 1_000  # a tumour sample of 190 cells tells little of its largest clones
RANKS = np.unique(np.geomspace(1, 1_000, 40).astype(int))
CD8_UMIS, GDNA_TEMPLATES = 318_000, 1_065_000  # of the two bulk tables: counts over shares
CELLS_PER_TEMPLATE = 2.0
SPECIMENS = {
    "blood, baseline": ("blood", -10),
    "blood, D28": ("blood", 28),
    "tumour": ("tumor", -45),
    "product": ("infusion_product", -1),
}


class Group(NamedTuple):
    """Samples of one kind: cumulative shares of the clones of each, largest first, and whether they are real.

    `once` is the share of the clones that were seen once, in each sample of cells.
    """

    name: str
    real: bool
    shares: list[Floats]
    once: list[float]


def measure(shared_data: Path, folder: Path) -> list[str]:
    """Write `realism_clones.png` and return the lines of a table in Markdown."""
    contigs = shared_data / "screpertoire" / "contigs"
    blood = [_of_cells(path) for path in sorted(contigs.glob("*B_*.csv.gz"))]
    blood.append(_of_cells(shared_data / "tcr" / "10x_pbmc3_t_filtered_contig_annotations.csv.gz"))
    tumor = [sizes for path in sorted(contigs.glob("*L_*.csv.gz")) if (sizes := _of_cells(path)).sum() > FEWEST_CELLS]
    depths = {"tumor": [int(sizes.sum()) for sizes in tumor], "blood": [int(sizes.sum()) for sizes in blood]}
    cohort = [draw_subject(number, Design()) for number in range(1, SUBJECTS + 1)]
    groups = [_group("blood, 10x", blood, real=True), _group("lung tumour, 10x", tumor, real=True)]
    for name, (kind, day) in SPECIMENS.items():
        cells = depths.get(kind, depths["tumor"])
        drawn = [_cells(one, kind, day, cells[number % len(cells)]) for number, one in enumerate(cohort)]
        groups.append(_group(f"{name}, cells", drawn, real=False))
    deep = [_library(one, one.blood(-10), GDNA_TEMPLATES, "gdna") for one in cohort]
    cd8 = [_library(one, _cd8(one), CD8_UMIS, "umi") for one in cohort]
    groups += [
        Group("blood, immunoSEQ, at least", True, [_immunoseq(shared_data)], []),
        _group("blood, baseline, templates", deep, real=False),
        Group("CD8 of blood, vdjtools", True, [_vdjtools(shared_data)], []),
        _group("CD8 of blood, baseline, UMIs", cd8, real=False),
    ]
    _draw(groups, folder / "realism_clones.png")
    head = "| specimen | samples | largest clone, % | ten largest, % | hundred largest, % | clones seen once, % |"
    return [head, "|---|---|---|---|---|---|", *(_row(group) for group in groups)]


def _of_cells(path: Path) -> Floats:
    """Return the cells of each clone of a 10x sample, by its beta chains."""
    rows = pl.read_csv(path, infer_schema=False).filter(pl.col("productive").str.to_lowercase() == "true", chain="TRB")
    rows = rows.sort(pl.col("umis").cast(pl.Int64), descending=True, maintain_order=True)
    return rows.unique("barcode", keep="first", maintain_order=True)["cdr3_nt"].value_counts()["count"].to_numpy()


def _immunoseq(shared_data: Path) -> Floats:
    rows = pl.read_csv(shared_data / "tcr" / "immunoseq_example_999rows.tsv", separator="\t", infer_schema=False)
    shares = rows.filter(frame_type="In")["productive_frequency"].cast(pl.Float64)
    return np.cumsum(shares.sort(descending=True).to_numpy())


def _vdjtools(shared_data: Path) -> Floats:
    rows = pl.read_csv(shared_data / "tcr" / "vdjtools_M_day15_CD8_TRB_top5000.tsv.gz", separator="\t")
    return np.cumsum(rows["freq"].sort(descending=True).to_numpy())


def _cells(subject: Subject, kind: str, day: int, cells: int) -> Floats:
    """Return the cells of each clone among so many drawn one by one; a naive cell is a clone of its own."""
    shares = subject.specimen(kind, day).frequencies
    rng = stream(1, "realism", subject.name, kind, str(day))
    drawn = draw_cells(rng, np.append(shares, max(0.0, 1 - shares.sum())), cells)
    return np.append(drawn[:-1], np.ones(drawn[-1]))


def _library(subject: Subject, specimen: Specimen, depth: int, flavor: str) -> Floats:
    rng = stream(1, "realism", subject.name, "library", flavor)
    return draw_counts_of_clones(rng, specimen, round(depth * CELLS_PER_TEMPLATE), depth, FLAVORS[flavor])


def _cd8(subject: Subject) -> Specimen:
    """Return the CD8 T cells of the blood at baseline."""
    blood = subject.blood(-10)
    inside = (subject.clones["lineage"] == "CD8").to_numpy()[:, None]
    return Specimen(blood.infused * inside, blood.endogenous * inside, {"CD8": blood.naive["CD8"]}, {})


def _group(name: str, samples: list[Floats], *, real: bool) -> Group:
    """Describe samples by the counts of their clones."""
    seen = [np.sort(counts[counts > 0])[::-1] for counts in samples]
    shares = [np.cumsum(counts) / counts.sum() for counts in seen]
    return Group(name, real, shares, [float(np.mean(counts == 1)) for counts in seen])


def _row(group: Group) -> str:
    cells = [f"{'real' if group.real else 'simulated'}: {group.name}", str(len(group.shares))]
    for values in [*([shares[rank - 1] for shares in group.shares] for rank in (1, 10, 100)), group.once]:
        spread = f" ({100 * min(values):.1f} to {100 * max(values):.1f})" if len(values) > 1 else ""
        cells.append(f"{100 * np.median(values):.1f}{spread}" if values else "")
    return f"| {' | '.join(cells)} |"


def _draw(groups: list[Group], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.6), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=[1, 1, 1.25])
    named = {group.name: group for group in groups}
    _draw_curves(axes[0], "blood", named["blood, 10x"], named["blood, baseline, cells"])
    _draw_curves(axes[1], "tumour", named["lung tumour, 10x"], named["tumour, cells"])
    _draw_largest(axes[2], groups)
    figure.savefig(path, dpi=80, metadata={"Software": None})


def _draw_curves(axis: Any, title: str, real: Group, simulated: Group) -> None:
    every = np.array([shares[np.minimum(RANKS, len(shares)) - 1] for shares in simulated.shares])
    low, middle, high = 100 * np.quantile(every, (0, 0.5, 1), axis=0)
    axis.fill_between(RANKS, low, high, color=SIMULATED, alpha=0.2, label=f"simulated: all of {len(every)} subjects")
    axis.plot(RANKS, middle, color=SIMULATED, label="simulated: median")
    for number, shares in enumerate(real.shares):
        label = f"real: {len(real.shares)} samples" if number == 0 else None
        axis.plot(RANKS, 100 * shares[np.minimum(RANKS, len(shares)) - 1], color=REAL, lw=1, label=label)
    axis.set(
        xscale="log",
        ylim=(0, 135),
        yticks=range(0, 101, 20),
        xlabel="clones, the largest first",
        ylabel="they hold, % of cells",
    )
    axis.set_title(f"{title}, cell by cell")
    axis.legend(fontsize=9, loc="upper left")


def _draw_largest(axis: Any, groups: list[Group]) -> None:
    for place, group in enumerate(groups):
        shares = [100 * each[0] for each in group.shares]
        color = REAL if group.real else SIMULATED
        axis.plot(shares, np.full(len(shares), place) + 0.15 * np.sin(np.arange(len(shares)) * 2.4), ".", color=color)
        axis.plot(np.median(shares), place, "|", color="black", ms=16)
    axis.set_yticks(range(len(groups)), [f"{'real: ' if group.real else ''}{group.name}" for group in groups])
    axis.invert_yaxis()
    ticks = [0.5, 1, 2, 5, 10, 20, 50]
    axis.set(xscale="log", xlabel="share of the largest clone, % (bar: median)", title="the largest clone")
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()
