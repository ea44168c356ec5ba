"""Figures of the repertoire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from tilseq.plots.rows import needing, of_locus
from tilseq.plots.study import endpoint_over_time
from tilseq.plots.style import FAINT, INK, PALETTE, figure, short
from tilseq.plots.timeline import ends_of, points_of, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def persistence_over_time(frame: Any, *, held_by: str = "infused clones") -> Axes:
    """Draw the share of each subject's repertoire that the clones of a reference hold, over days from the infusion.

    Parameters
    ----------
    frame
        polars or pandas: `subject`, `day`, `value`, `lower`, `upper`; shares from 0 to 1.
    held_by
        Whose clones they are, for the label of the axis.

    Returns
    -------
    Axes
        As `tilseq.plots.study.endpoint_over_time`, with percentages from 0 to 100; of a logarithmic scale where the
        lowest share is below a twentieth of the highest. What was not detected stands at its upper limit.
    """
    from matplotlib.ticker import PercentFormatter

    points, _ = points_of(frame)
    scale = scale_of(points)
    ends = (-0.02, 1.02) if scale == "linear" else (ends_of(points, scale)[0], 1.1)
    axes = endpoint_over_time(frame, label=f"Repertoire held by {held_by}", scale=scale, ends=ends)
    if scale == "linear":
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    else:
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    return axes


COLUMNS = ("locus", "junction", "junction_aa", "duplicate_count")


def top_clones(table: Any, n: int = 10, *, locus: str | None = None) -> Axes:
    """Draw the shares of the largest clones of one locus.

    Parameters
    ----------
    table
        polars or pandas, one row a clone: `locus`, `junction`, `junction_aa`, `duplicate_count`.
    n
        Clones to draw.
    locus
        Which locus; needed where the table holds several.

    Returns
    -------
    Axes
        One bar a clone, the largest at the top, as a percentage of the locus's counts; all others together at the
        bottom. A clone without amino acids goes by its nucleotides.

    Raises
    ------
    AnalysisError
        The table holds no clone of the locus, or several loci and none is chosen.
    """
    from matplotlib.ticker import PercentFormatter

    clones = of_locus(needing(table, COLUMNS), locus).sort("duplicate_count", "junction", descending=[True, False])
    shares = (clones["duplicate_count"] / clones["duplicate_count"].sum()).to_list()
    of_each = clones.select(pl.coalesce("junction_aa", "junction")).to_series()
    names = [short(name) for name in of_each.head(n).to_list()]
    rest = len(shares) - len(names)
    values = shares[:n] + ([sum(shares[n:])] if rest else [])
    labels = names + ([f"all others ({rest:,})"] if rest else [])
    with figure(height=0.3 * len(values) + 1.2) as axes:
        bars = axes.barh(range(len(values)), values, color=[PALETTE[0]] * len(names) + [FAINT] * bool(rest))
        axes.bar_label(bars, [f"{100 * value:.1f} %" for value in values], padding=3, color=INK, fontsize=9)
        axes.set_yticks(range(len(values)), labels)
        axes.invert_yaxis()
        axes.margins(x=0.12)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xlabel(f"Share of {clones['locus'][0]} counts")
    return axes
