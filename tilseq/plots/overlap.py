"""Figures of overlap, of the use of genes and of junction lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from tilseq.errors import AnalysisError
from tilseq.plots.style import INK, PALETTE, figure, short
from tilseq.tables import as_polars

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

NAMES = {
    "shared_clones": "shared clones",
    "jaccard": "Jaccard index",
    "f": "F",
    "f2": "F2",
    "morisita_horn": "Morisita-Horn index",
    "morisita": "Morisita index",
    "bray_curtis_similarity": "Bray-Curtis similarity",
}
MOST_PRINTED = 144
MOST_BARS = 40
WIDTH = 6.4


def overlap_heatmap(frame: Any, *, parameter: str = "morisita_horn", order: Sequence[str] | None = None) -> Axes:
    """Draw one index of overlap of all pairs of samples, of one locus and key.

    Parameters
    ----------
    frame
        Table `overlap`, polars or pandas, of one locus and key.
    parameter
        The index.
    order
        Samples in the order to draw them in; by default that of their names.

    Returns
    -------
    Axes
        A square, darker for more; pairs without a value, and each sample with itself, stay white. Up to 144 cells bear
        their value. The scale starts at 0 and ends at the highest value.

    Raises
    ------
    AnalysisError
        There is no such row, or rows of several loci or keys.
    """
    import numpy as np

    rows = as_polars(frame).filter(pl.col("parameter") == parameter)
    what = rows.select("locus", "key").unique()
    if what.height != 1:
        found = "; ".join(f"{locus} by {key}" for locus, key in what.sort("locus", "key").iter_rows()) or "no row"
        raise AnalysisError(f"a map of {parameter} takes rows of one locus and key", found=found)
    names = list(order) if order else sorted(set(rows["sample_a"]) | set(rows["sample_b"]))
    place = {name: i for i, name in enumerate(names)}
    values = np.full((len(names), len(names)), np.nan)
    for a, b, value in rows.select("sample_a", "sample_b", "value").drop_nulls().iter_rows():
        values[place[a], place[b]] = values[place[b], place[a]] = value
    highest = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
    locus, key = what.row(0)
    side = max(WIDTH, 2.4 + 0.5 * len(names))
    with figure(side, side * 0.85) as axes:
        image = axes.imshow(values, cmap="Blues", vmin=0, vmax=highest or 1)
        axes.set_xticks(range(len(names)), [short(name) for name in names], rotation=45, ha="right")
        axes.set_yticks(range(len(names)), [short(name) for name in names])
        axes.spines[:].set_visible(False)
        if values.size <= MOST_PRINTED:
            _print_values(axes, values, highest or 1)
        axes.set_title(f"{locus}, key: {key}")
        axes.figure.colorbar(image, ax=axes, label=NAMES.get(parameter, parameter), shrink=0.8)
    return axes


def _print_values(axes: Axes, values: NDArray[np.float64], highest: float) -> None:
    import numpy as np

    for row, column in np.argwhere(np.isfinite(values)):
        value = values[row, column]
        text = f"{value:.0f}" if highest > 1.5 else f"{value:.2g}"
        ink = "white" if value > 0.6 * highest else INK
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=ink)


def gene_usage(frame: Any, *, feature: str = "v_call", weight: str = "clones") -> Axes:
    """Draw the use of the genes of one locus, a group of bars a gene and a colour a sample, with limits.

    Parameters
    ----------
    frame
        Table `usage`, polars or pandas, of one locus and at most seven samples.
    feature
        `v_call`, `j_call` or `v_call+j_call`.
    weight
        `clones` or `counts`.

    Returns
    -------
    Axes
        Genes in the order of their names, with numbers as numbers; of more than 40 the most used ones.

    Raises
    ------
    AnalysisError
        There is no such row, or rows of several loci, or of more samples than there are colours.
    """
    import numpy as np

    rows = _chosen(frame, feature, weight)
    samples = rows["sample"].unique().sort().to_list()
    most = rows.group_by("level").agg(pl.col("share").max()).sort(-pl.col("share"), "level")["level"].head(MOST_BARS)
    levels = sorted(most.to_list(), key=_natural)
    width = 0.8 / len(samples)
    with figure(max(WIDTH, 1.2 + 0.22 * len(levels)), 4.0) as axes:
        for i, sample in enumerate(samples):
            of_sample = {row["level"]: row for row in rows.filter(sample=sample).iter_rows(named=True)}
            shown = [(place, of_sample[level]) for place, level in enumerate(levels) if level in of_sample]
            at = np.array([place for place, _ in shown]) + (i - (len(samples) - 1) / 2) * width
            share = np.array([row["share"] for _, row in shown])
            limits = np.array([[row["lower"], row["upper"]] for _, row in shown], dtype=float).reshape(-1, 2)
            errors = np.abs(limits - share[:, None]).T
            axes.bar(at, share, width, color=PALETTE[i], label=short(sample))
            axes.errorbar(at, share, errors, fmt="none", ecolor=INK, elinewidth=0.7)
        axes.set_xticks(range(len(levels)), levels, rotation=90)
        axes.set_xlim(-0.6, len(levels) - 0.4)
        _share_axis(axes, rows, weight)
    return axes


def junction_lengths(frame: Any, *, feature: str = "junction_aa_length", weight: str = "clones") -> Axes:
    """Draw the spectrum of junction lengths of one locus, a line a sample.

    Parameters
    ----------
    frame
        Table `usage`, polars or pandas, of one locus and at most seven samples.
    feature
        `junction_aa_length` or `junction_length`.
    weight
        `clones` or `counts`.

    Returns
    -------
    Axes
        Shares by length, 0 where a sample has none of a length between its shortest and longest; bands are limits.

    Raises
    ------
    AnalysisError
        As `gene_usage`.
    """
    rows = _chosen(frame, feature, weight).with_columns(length=pl.col("level").cast(pl.Int64))
    with figure() as axes:
        for i, (sample,) in enumerate(sorted(rows.select("sample").unique().iter_rows())):
            own = rows.filter(sample=sample).sort("length")
            every = pl.DataFrame({"length": range(own["length"].min(), own["length"].max() + 1)})  # type: ignore[operator,arg-type]
            own = every.join(own, on="length", how="left").sort("length")
            axes.plot(own["length"], own["share"].fill_null(0), marker="o", color=PALETTE[i], label=short(sample))
            axes.fill_between(
                own["length"].to_list(),
                own["lower"].fill_null(float("nan")).to_list(),
                own["upper"].fill_null(float("nan")).to_list(),
                color=PALETTE[i],
                alpha=0.2,
                linewidth=0,
            )
        unit = "amino acids" if feature == "junction_aa_length" else "bases"
        axes.set_xlabel(f"Length of the junction, {unit}")
        _share_axis(axes, rows, weight)
    return axes


def _chosen(frame: Any, feature: str, weight: str) -> pl.DataFrame:
    """Return the rows of one feature and weight, which must be of one locus and few samples."""
    rows = as_polars(frame).filter(pl.col("feature") == feature, pl.col("weight") == weight)
    loci, samples = rows["locus"].unique().sort().to_list(), rows["sample"].n_unique()
    if len(loci) != 1:
        raise AnalysisError(f"a figure of {feature} takes rows of one locus", found=", ".join(loci) or "no row")
    if samples > len(PALETTE):
        raise AnalysisError("there are more samples than colours", found=samples, expected=f"at most {len(PALETTE)}")
    return rows


def _share_axis(axes: Axes, rows: pl.DataFrame, weight: str) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_ylim(bottom=0)
    axes.set_ylabel(f"Share of {rows['locus'][0]} {weight}")
    axes.legend()


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Return what sorts names with the numbers in them as numbers."""
    import re

    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.findall(r"\d+|\D+", name)]
