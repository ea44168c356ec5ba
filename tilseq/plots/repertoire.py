"""Figures of the repertoire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from tilseq.errors import AnalysisError
from tilseq.plots.style import FAINT, INK, MARKERS, MUTED, PALETTE, figure, short
from tilseq.tables import as_polars

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_NAMED = 14


def persistence_over_time(frame: Any) -> Axes:
    """Draw the share of each subject's repertoire that infused clones hold, over days from the infusion.

    Parameters
    ----------
    frame
        polars or pandas: `subject`, `day`, `value`, `lower`, `upper`; shares from 0 to 1. Rows without a value are
        not drawn, and a line does not stand for them: it joins the values there are. Rows without limits have no bar.

    Returns
    -------
    Axes
        One line a subject with 95 % limits. Beyond 14 subjects the lines are not named.
    """
    from matplotlib.ticker import PercentFormatter

    drawn = as_polars(frame).select("subject", "day", "value", "lower", "upper").drop_nulls(["day", "value"])
    drawn = drawn.sort("subject", "day")
    subjects = drawn["subject"].unique(maintain_order=True).to_list()
    named = len(subjects) <= MOST_NAMED
    with figure() as axes:
        axes.axvline(0, color=FAINT, zorder=0)
        for i, subject in enumerate(subjects):
            rows = drawn.filter(pl.col("subject") == subject)
            colour = PALETTE[i % len(PALETTE)] if named else MUTED
            # Past the last colour a further marker tells lines of one colour apart.
            marker = MARKERS[(i + i // len(PALETTE)) % len(MARKERS)]
            label = short(str(subject)) if named else None
            axes.plot(rows["day"], rows["value"], color=colour, marker=marker, label=label, alpha=1 if named else 0.6)
            limits = rows.drop_nulls(["lower", "upper"])
            axes.vlines(limits["day"], limits["lower"], limits["upper"], color=colour, alpha=0.6, linewidth=1.2)
        axes.set_ylim(-0.02, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.yaxis.grid(True)
        axes.set_xlabel("Day from infusion")
        axes.set_ylabel("Repertoire held by infused clones")
        if not subjects:
            axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", color=MUTED)
        elif named:
            axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
        else:
            axes.text(1, 1, f"{len(subjects)} subjects", transform=axes.transAxes, ha="right", va="top", color=MUTED)
    return axes


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
        bottom.

    Raises
    ------
    AnalysisError
        The table holds no clone of the locus, or several loci and none is chosen.
    """
    from matplotlib.ticker import PercentFormatter

    clones = as_polars(table)
    loci = sorted(clones["locus"].unique().to_list())
    if locus is None and len(loci) > 1:
        raise AnalysisError("the table holds several loci", found=", ".join(loci), mend="choose one with locus=")
    clones = clones.filter(pl.col("locus") == (locus or (loci[0] if loci else "")))
    if not clones.height:
        raise AnalysisError("the table holds no clone of this locus", found=locus)
    clones = clones.sort("duplicate_count", "junction", descending=[True, False])
    shares = (clones["duplicate_count"] / clones["duplicate_count"].sum()).to_list()
    names = [short(name) for name in clones["junction_aa"].head(n).to_list()]
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
