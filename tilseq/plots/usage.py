"""Figures of the use of genes and of junction lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from tilseq.errors import AnalysisError
from tilseq.plots.maps import draw_map
from tilseq.plots.rows import needing
from tilseq.plots.style import INK, PALETTE, figure, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BARS = 120  # of all samples together; more cannot be told apart
MOST_LEVELS = 40
WIDTH = 6.4
LENGTHS = {"junction_aa_length": "amino acids", "junction_length": "bases"}
GENES = {"v_call": "V gene", "j_call": "J gene", "v_call+j_call": "V and J genes"}
COLUMNS = ("sample", "locus", "feature", "weight", "level", "share", "lower", "upper")


def gene_usage(frame: Any, *, feature: str = "v_call", weight: str = "clones") -> Axes:
    """Draw the use of the genes of one locus, a group of bars a gene and a colour a sample, with limits.

    Parameters
    ----------
    frame
        Table `usage`, polars or pandas, of one locus and at most seven samples; `usage_heatmap` takes more.
    feature
        `v_call`, `j_call` or `v_call+j_call`.
    weight
        `clones` or `counts`.

    Returns
    -------
    Axes
        Genes in the order of their names, with numbers as numbers: of 40 or more, or of more than 120 bars, the most
        used ones, as the label of the axis then says.

    Raises
    ------
    AnalysisError
        There is no such row, or rows of several loci, or of more samples than there are colours.
    """
    import numpy as np

    rows = _chosen(frame, feature, weight, len(PALETTE))
    samples = rows["sample"].unique().sort().to_list()
    levels, told = _most_used(rows, min(MOST_LEVELS, MOST_BARS // len(samples)))
    width = 0.8 / len(samples)
    with figure(max(WIDTH, 2.2 + (0.1 + 0.06 * len(samples)) * len(levels)), 4.0) as axes:
        for i, sample in enumerate(samples):
            of_sample = {row["level"]: row for row in rows.filter(sample=sample).iter_rows(named=True)}
            shown = [(place, of_sample[level]) for place, level in enumerate(levels) if level in of_sample]
            at = np.array([place for place, _ in shown]) + (i - (len(samples) - 1) / 2) * width
            share = np.array([row["share"] for _, row in shown])
            limits = np.array([[row["lower"], row["upper"]] for _, row in shown], dtype=float).reshape(-1, 2)
            errors = np.abs(limits - share[:, None]).T
            axes.bar(at, share, width, color=PALETTE[i], alpha=0.75, label=short(sample))
            axes.errorbar(at, share, errors, fmt="none", ecolor=INK, elinewidth=0.6)
        axes.set_xticks(range(len(levels)), levels, rotation=90)
        axes.set_xlim(-0.6, len(levels) - 0.4)
        axes.set_xlabel(_with(GENES[feature], told))
        _share_axis(axes, rows, weight)
    return axes


def junction_lengths(frame: Any, *, feature: str = "junction_aa_length", weight: str = "clones") -> Axes:
    """Draw the spectrum of junction lengths of one locus, a line a sample.

    Parameters
    ----------
    frame
        Table `usage`, polars or pandas, of one locus and at most seven samples; `usage_heatmap` takes more.
    feature
        `junction_aa_length` or `junction_length`.
    weight
        `clones` or `counts`.

    Returns
    -------
    Axes
        Shares by length, 0 where a sample has none of a length between its shortest and longest; bands are limits.
        Where all lengths in bases are in frame, only those in frame are shown.

    Raises
    ------
    AnalysisError
        As `gene_usage`.
    """
    rows = _chosen(frame, feature, weight, len(PALETTE)).with_columns(length=pl.col("level").cast(pl.Int64))
    step = 3 if feature == "junction_length" and (rows["length"] % 3 == 0).all() else 1
    with figure(WIDTH + 1.6) as axes:
        for i, (sample,) in enumerate(sorted(rows.select("sample").unique().iter_rows())):
            own = rows.filter(sample=sample).sort("length")
            every = pl.DataFrame({"length": range(own["length"][0], own["length"][-1] + 1, step)})
            own = every.join(own, on="length", how="left").sort("length")
            axes.plot(own["length"], own["share"].fill_null(0), marker="o", color=PALETTE[i], label=short(sample))
            axes.fill_between(
                own["length"].to_list(),
                own["lower"].fill_null(float("nan")).to_list(),
                own["upper"].fill_null(float("nan")).to_list(),
                color=PALETTE[i],
                alpha=0.12,
                linewidth=0,
            )
        axes.set_xlabel(f"Length of the junction, {LENGTHS.get(feature, feature)}")
        _share_axis(axes, rows, weight)
    return axes


def usage_heatmap(
    frame: Any, *, feature: str = "v_call", weight: str = "clones", order: Sequence[str] | None = None
) -> Axes:
    """Draw the use of genes or of junction lengths in any number of samples of one locus: a row a sample.

    Parameters
    ----------
    frame
        Table `usage`, polars or pandas, of one locus.
    feature
        `v_call`, `j_call`, `v_call+j_call`, `junction_length` or `junction_aa_length`.
    weight
        `clones` or `counts`.
    order
        Samples in the order to draw them in; by default that of their names.

    Returns
    -------
    Axes
        Darker for more, from 0 to the highest share. Of more than 40 genes or lengths the most used ones, as the label
        of the axis then says; lengths between them stay.

    Raises
    ------
    AnalysisError
        There is no such row, or rows of several loci.
    """
    rows = _chosen(frame, feature, weight)
    names = list(order) if order else rows["sample"].unique().sort().to_list()
    levels = min(MOST_LEVELS, rows["level"].n_unique())
    with figure(max(WIDTH, 3.0 + 0.2 * levels), max(2.4, 1.6 + 0.25 * len(names))) as axes:
        draw_usage(axes, rows, names, feature, weight)
    return axes


def draw_usage(axes: Axes, rows: pl.DataFrame, names: Sequence[str], feature: str, weight: str) -> None:
    """Draw the map of `usage_heatmap` of rows of one locus, feature and weight."""
    import numpy as np

    levels, told = _most_used(rows, MOST_LEVELS)
    what = GENES[feature] if feature in GENES else f"Length of the junction, {LENGTHS[feature]}"
    across, down = ({name: i for i, name in enumerate(of)} for of in (levels, names))
    values = np.zeros((len(names), len(levels)))
    values[[i for name, i in down.items() if name not in set(rows["sample"])]] = np.nan
    for sample, level, share in rows.select("sample", "level", "share").iter_rows():
        if level in across and sample in down:
            values[down[sample], across[level]] = share
    draw_map(axes, values, names, levels, label=f"share of {weight}", percent=True, square=False)
    axes.set_xlabel(_with(what, told))


def _chosen(frame: Any, feature: str, weight: str, most: int | None = None) -> pl.DataFrame:
    """Return the rows of one feature and weight, which must be of one locus, and of few samples where `most` is set."""
    rows = needing(frame, COLUMNS).filter(pl.col("feature") == feature, pl.col("weight") == weight)
    loci, samples = rows["locus"].unique().sort().to_list(), rows["sample"].n_unique()
    if len(loci) != 1:
        raise AnalysisError(f"a figure of {feature} takes rows of one locus", found=", ".join(loci) or "no row")
    if most is not None and samples > most:
        mend = "draw them by usage_heatmap"
        raise AnalysisError("there are more samples than colours", found=samples, expected=f"at most {most}", mend=mend)
    return rows


def _most_used(rows: pl.DataFrame, most: int) -> tuple[list[str], str]:
    """Return the levels most used in any sample, by name, and words for what was left out."""
    found = rows.group_by("level").agg(pl.col("share").max()).sort(-pl.col("share"), "level")["level"]
    told = f"the {most} most used of {len(found)}" if len(found) > most else ""
    return sorted(found.head(most).to_list(), key=_natural), told


def _with(what: str, told: str) -> str:
    return f"{what}; {told}" if told else what


def _share_axis(axes: Axes, rows: pl.DataFrame, weight: str) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_ylim(bottom=0)
    axes.set_ylabel(f"Share of {rows['locus'][0]} {weight}")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Return what sorts names with the numbers in them as numbers."""
    import re

    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.findall(r"\d+|\D+", name)]
