"""Simulated single cells beside scRepertoire's 500 and Wu's 200: spread, drop-out, sizes; the planted programmes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.realism import REAL as REAL_COLOR
from benchmarks.realism import SIMULATED
from tilseq.simulate.cells.capture import capture
from tilseq.simulate.cells.expression import Counted, draw_counts
from tilseq.simulate.cells.genes import panel
from tilseq.simulate.cells.programmes import draw_clone_effects
from tilseq.simulate.design import Design
from tilseq.simulate.states import LINEAGES
from tilseq.simulate.streams import stream
from tilseq.simulate.subjects import draw_subject

Matrix = NDArray[np.float64]
REAL = (
    ("scRepertoire", "screpertoire/gex_500cells_raw_counts.h5ad"),
    ("Wu 2020", "sc/wu2020_til_200cells.h5ad"),  # T cells alone
)
# Cells of each sample as scRepertoire has them: four subjects, blood (B) and tumour (L).
SAMPLES = {"P17B": 52, "P17L": 61, "P18B": 27, "P18L": 33, "P19B": 105, "P19L": 49, "P20B": 162, "P20L": 11}
MEANS = np.geomspace(0.02, 30, 25)  # at which relations are compared


@dataclass(frozen=True)
class Relations:
    """Gene by gene and cell by cell figures of one matrix of counts."""

    mean: Matrix
    variance: Matrix
    dropout: Matrix
    size: Matrix
    detected: Matrix
    top_share: Matrix
    excess: Matrix


def measure(shared_data: Path, folder: Path) -> list[str]:
    """Compare simulated with real cells on the genes that both hold; draw the picture, return a Markdown table.

    The simulated counts are thinned, all cells alike, to the real median size, which leaves over-dispersion as it is.
    """
    counted, t_cells = simulate()
    of_t_cells = replace(counted, counts=counted.counts[t_cells.to_numpy()])
    lines = ["| measure | real | simulated |", "|---|---|---|"]
    pairs = []
    for name, path in REAL:
        real, ours = comparable(shared_data / path, of_t_cells if name.startswith("Wu") else counted)
        pairs.append((name, relations(real), relations(ours)))
        lines += [f"| {name}: {what} | {one} | {other} |" for what, one, other in figures(*pairs[-1][1:])]
    lines += programme_lines(counted)
    folder.mkdir(parents=True, exist_ok=True)
    draw(pairs, folder / "realism_cells.png")
    return lines


def simulate(times: int = 2) -> tuple[Counted, pl.Series]:
    """Draw cells of four subjects' tumour and blood at baseline; return their counts, and which are T cells."""
    parts, t_cells = [], []
    for sample, count in SAMPLES.items():
        subject = draw_subject(int(sample[2]) + 1, Design())
        kind, day = ("blood", -10) if sample.endswith("B") else ("tumor", -45)
        rng = stream(1, sample, "realism")
        cells = capture(rng, subject, subject.specimen(kind, day), times * count)
        cells = cells.with_columns(
            *(pl.col(f"{chain}_v_call").str.replace(r"\*.*$", "").alias(f"{chain}v") for chain in ("tra", "trb")),
            doublet_of=pl.lit(None, pl.Int64),
        )
        effects = draw_clone_effects(stream(1, subject.name, "clone effects"), subject.clones.height)
        parts.append(draw_counts(rng, cells, kind, day, sample_rng=stream(1, sample), clone_effects=effects))
        t_cells.append(cells["lineage"].is_in(LINEAGES))
    from scipy.sparse import vstack

    counts = vstack([part.counts for part in parts], format="csr")
    levels = np.vstack([part.levels for part in parts])
    return Counted(counts, parts[0].genes, levels, parts[0].programmes), pl.concat(t_cells)


def comparable(path: Path, counted: Counted) -> tuple[Matrix, Matrix]:
    """Return real and simulated counts of the genes that both hold, the simulated thinned to the real depth."""
    from anndata import read_h5ad

    data = read_h5ad(path)
    real_genes = {gene: column for column, gene in enumerate(data.var_names)}
    common = [gene for gene in counted.genes if gene in real_genes]
    real = np.asarray(data.X.toarray(), dtype=np.float64)[:, [real_genes[gene] for gene in common]]
    ours = counted.counts.toarray()[:, [counted.genes.index(gene) for gene in common]]
    kept = np.median(real.sum(axis=1)) / np.median(ours.sum(axis=1))
    if kept < 1:
        ours = stream(1, path.name, "thinned").binomial(ours, kept)
    return real, ours.astype(np.float64)


def relations(counts: Matrix) -> Relations:
    """Return the figures of one matrix."""
    size = counts.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = beyond_sampling(counts[size > np.median(size) / 4])
    top = -np.sort(-counts, axis=1)[:, :50].sum(axis=1)
    return Relations(
        mean=counts.mean(axis=0),
        variance=counts.var(axis=0, ddof=1),
        dropout=(counts == 0).mean(axis=0),
        size=size,
        detected=(counts > 0).sum(axis=1),
        top_share=top / size,
        excess=excess,
    )


def beyond_sampling(counts: Matrix) -> Matrix:
    """Return each gene's squared coefficient of variation once sizes are scaled and Poisson noise is taken off."""
    factor = (counts.sum(axis=1) / counts.sum(axis=1).mean())[:, None]
    scaled = counts / factor
    return (scaled.var(axis=0, ddof=1) - (scaled / factor).mean(axis=0)) / scaled.mean(axis=0) ** 2


def line(relation: Relations) -> tuple[float, float]:
    """Return slope, and height at mean 1, of log10 variance over log10 mean (genes of mean 0.05 to 30)."""
    chosen = (relation.mean > 0.05) & (relation.mean < 30)
    slope, height = np.polyfit(np.log10(relation.mean[chosen]), np.log10(relation.variance[chosen]), 1)
    return float(slope), float(height)


def curve(relation: Relations, values: Matrix) -> Matrix:
    """Return the running median of a gene's figure at `MEANS` (NaN with fewer than 5 genes within a factor of 1.5)."""
    near = [(relation.mean > at / 1.5) & (relation.mean < at * 1.5) for at in MEANS]
    return np.array([np.median(values[genes]) if genes.sum() >= 5 else np.nan for genes in near])


def figures(real: Relations, ours: Relations) -> list[tuple[str, str, str]]:
    """Return name, real and simulated value of each figure."""
    rows = [("variance over mean, log-log: slope", *(f"{line(one)[0]:.2f}" for one in (real, ours)))]
    rows.append(("variance over mean: height at mean 1", *(f"{line(one)[1]:.2f}" for one in (real, ours))))
    distance = np.nanmean(np.abs(curve(real, real.dropout) - curve(ours, ours.dropout)))
    rows.append(("drop-out at equal mean: mean distance of the curves", "0", f"{distance:.3f}"))
    for low, high in ((0.3, 1), (1, 3), (3, 10), (10, 100)):
        excess = [np.median(one.excess[(one.mean >= low) & (one.mean < high)]) for one in (real, ours)]
        rows.append((f"squared CV beyond sampling, genes of mean {low} to {high}", *(f"{one:.2f}" for one in excess)))
    rows.append(("SD of log library size", *(f"{np.std(np.log(one.size)):.2f}" for one in (real, ours))))
    rows.append(("CV of library size", *(f"{np.std(one.size) / np.mean(one.size):.2f}" for one in (real, ours))))
    rows.append(("median genes detected", *(f"{np.median(one.detected):.0f}" for one in (real, ours))))
    rows.append(("median share of the 50 top genes", *(f"{np.median(one.top_share):.2f}" for one in (real, ours))))
    return rows


def programme_lines(counted: Counted) -> list[str]:
    """Return, for each programme, the correlation of planted level and plain mean of its rising genes, over cells."""
    counts = counted.counts.toarray()
    shown = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)
    rising = panel().programmes > 0
    found = [
        np.corrcoef(counted.levels[:, row], shown[:, rising[row]].mean(axis=1))[0, 1] for row in range(len(rising))
    ]
    return [
        f"| correlation of planted level and mean of its genes: {name} | | {value:.2f} |"
        for name, value in zip(counted.programmes, found, strict=True)
    ]


def draw(pairs: list[tuple[str, Relations, Relations]], path: Path) -> None:
    """Draw one row a data set: variance, drop-out, sizes, genes detected."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(pairs), 4, figsize=(12, 3.1 * len(pairs)), layout="constrained")
    for row, (name, real, ours) in zip(axes, pairs, strict=True):
        for label, one, color in ((f"real: {name}", real, REAL_COLOR), ("simulated", ours, SIMULATED)):
            dots = {"s": 4, "alpha": 0.35, "color": color, "label": label, "linewidths": 0}
            row[0].scatter(one.mean, one.variance, **dots)
            row[1].scatter(one.mean, one.dropout, **dots)
            bins = np.linspace(1.5, 4.5, 40)
            row[2].hist(np.log10(one.size), bins, density=True, alpha=0.5, color=color, label=label)
            row[3].scatter(one.size, one.detected, **dots)
        row[0].set(xscale="log", yscale="log", xlabel="mean count of a gene", ylabel="variance", xlim=(3e-3, 100))
        row[0].set_ylim(3e-3, 3e4)
        row[1].set(xscale="log", xlabel="mean count of a gene", ylabel="share of cells without it", xlim=(3e-3, 100))
        row[2].set(xlabel="log10 of a cell's counts", ylabel="density", ylim=(0, 2.4))
        row[3].set(xscale="log", xlabel="counts of a cell", ylabel="genes detected")
        for axis in row:
            axis.legend(markerscale=3, fontsize=9, frameon=False)
    figure.savefig(path, dpi=80, metadata={"Software": None})
    pyplot.close(figure)
