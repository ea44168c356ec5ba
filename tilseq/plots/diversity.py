"""Figures of how diverse repertoires are: Hill profiles, rarefaction curves, sizes of clones by rank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tilseq.errors import AnalysisError
from tilseq.plots.rows import needing, of_locus
from tilseq.plots.style import MARKERS, MUTED, PALETTE, figure, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

MOST_NAMED = 2 * len(PALETTE)  # as many colours twice: the second time dashed, or with another marker
MARKED = 0.2  # of the diagonal, from one marker of a line to the next
DASHED, EXTRAPOLATED = (0, (1, 1)), (0, (4, 2))
WIDTH, HEIGHT = 6.8, 3.9  # in inches
ORDER_NAMES = {0: "Clones seen (q = 0)", 1: "Effective clones (q = 1)", 2: "Effective clones (q = 2)"}
PROFILE = ("sample", "locus", "q", "value", "lower", "upper", "depth")
CURVE = ("sample", "locus", "q", "cells", "coverage", "value", "lower", "upper", "method")


def hill_profiles(frame: Any, *, locus: str | None = None) -> Axes:
    """Draw Hill numbers over their order: a line a sample, its limits a band.

    Where lines cross, which repertoire is the more diverse depends on how much rare clones count.

    Parameters
    ----------
    frame
        polars or pandas, the table `hill_profile`: `sample, locus, q, value, lower, upper`.
    locus
        Which locus; needed where the frame holds several.

    Returns
    -------
    Axes
        The only axes of a new figure; the vertical one is logarithmic. Samples stand in the order of the frame, beyond
        14 all in one grey. The title tells where they are of unlike depth.

    Raises
    ------
    AnalysisError
        The frame holds no row of the locus, or several loci and none is chosen.
    """
    rows = of_locus(needing(frame, PROFILE), locus).sort("q", maintain_order=True)
    with figure(WIDTH, HEIGHT) as axes:
        for number, (name, colour, own) in enumerate(_lines(rows)):
            _band(axes, own["q"].to_numpy(), own, colour)
            whole = (own["q"] % 1 == 0).arg_true().to_list()
            axes.plot(own["q"], own["value"], color=colour, label=name, **_look(number), markevery=whole)
        axes.set_yscale("log")
        _in_plain_numbers(axes.yaxis)
        _finish(axes, rows, "Order q (0 clones, 1 exp entropy, 2 inverse Simpson)", "Effective clones", _depths(rows))
    return axes


def rarefaction_curves(frame: Any, *, q: int = 0, over: str = "cells", locus: str | None = None) -> Axes:
    """Draw what fewer and more cells would show: a line a sample, dashed beyond its cells, its own cells a point.

    Parameters
    ----------
    frame
        polars or pandas, the table `rarefaction`.
    q
        Order of the Hill number.
    over
        `cells`, or `coverage` for the horizontal axis.
    locus
        Which locus; needed where the frame holds several.

    Returns
    -------
    Axes
        The only axes of a new figure.

    Raises
    ------
    AnalysisError
        The frame holds no row of the locus and order, or several loci and none is chosen; `over` is another word.
    """
    from matplotlib.ticker import PercentFormatter

    if over not in ("cells", "coverage"):
        raise AnalysisError("curves run over cells or coverage", found=over)
    rows = of_locus(needing(frame, CURVE).filter(q=q), locus).sort("cells", maintain_order=True)
    with figure(WIDTH, HEIGHT) as axes:
        for number, (name, colour, own) in enumerate(_lines(rows)):
            seen = own.filter(pl.col("method") != "extrapolated")
            beyond = own.filter(pl.col("method") != "rarefied")
            _band(axes, own[over].to_numpy(), own, colour)
            marker = _look(number)["marker"]
            own_cells = (seen["method"] == "observed").arg_true().to_list()
            axes.plot(seen[over], seen["value"], color=colour, label=name, marker=marker, markevery=own_cells)
            axes.plot(beyond[over], beyond["value"], color=colour, linestyle=EXTRAPOLATED)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter("{x:,g}")
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter("{x:,g}")
        if over == "coverage":
            axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        what = "Cells" if over == "cells" else "Coverage of the repertoire"
        dashed = " (dashed: extrapolated)" if "extrapolated" in rows["method"] else ""
        _finish(axes, rows, f"{what}{dashed}", ORDER_NAMES.get(q, f"Effective clones (q = {q})"))
    return axes


def rank_abundance(tables: Mapping[str, Any], *, locus: str | None = None) -> Axes:
    """Draw the share of each clone over its rank, both logarithmic: a line a sample.

    Parameters
    ----------
    tables
        Sample → clonotype table, polars or pandas: `locus`, `duplicate_count`, one row a clone.
    locus
        Which locus; needed where the tables hold several.

    Returns
    -------
    Axes
        The only axes of a new figure. The end of a line is its smallest count, which is a matter of depth.

    Raises
    ------
    AnalysisError
        No table holds a clone of the locus, or they hold several loci and none is chosen.
    """
    columns = ("locus", "duplicate_count")
    held = {name: needing(table, columns).select(columns) for name, table in tables.items()}
    every = [table.with_columns(sample=pl.lit(name)) for name, table in held.items()]
    rows = of_locus(pl.concat(every) if every else pl.DataFrame(schema=["sample", *columns]), locus)
    with figure(WIDTH, HEIGHT) as axes:
        for number, (name, colour, own) in enumerate(_lines(rows)):
            counts = own["duplicate_count"].sort(descending=True).to_numpy()
            # Of each size the first and the last rank are enough to draw the stairs.
            ends = np.flatnonzero(np.diff(counts, prepend=-1, append=-1)[:-1] | np.diff(counts, append=-1))
            look = {**_look(number), "markevery": (MARKED * (number % len(PALETTE)) / len(PALETTE), MARKED)}
            axes.plot(ends + 1, counts[ends] / counts.sum(), color=colour, label=name, **look)
        axes.set_xscale("log")
        axes.set_yscale("log")
        _in_plain_numbers(axes.xaxis)
        _in_plain_numbers(axes.yaxis)
        _finish(axes, rows, "Rank of the clone (where a line ends is a matter of depth)", "Share of counts")
    return axes


def _lines(rows: pl.DataFrame) -> list[tuple[str, str, pl.DataFrame]]:
    """Return name, colour and rows of each sample, in the order of the rows."""
    samples = rows["sample"].unique(maintain_order=True).to_list()
    few = len(samples) <= MOST_NAMED
    return [
        (short(sample), PALETTE[number % len(PALETTE)] if few else MUTED, rows.filter(sample=sample))
        for number, sample in enumerate(samples)
    ]


def _look(number: int) -> dict[str, Any]:
    """Return what tells a line beside its colour: a marker, and beyond the palette another one and dots."""
    beyond = number // len(PALETTE)
    return {"marker": MARKERS[(number + beyond) % len(MARKERS)], "linestyle": DASHED if beyond % 2 else "solid"}


def _band(axes: Axes, x: Any, own: pl.DataFrame, colour: str) -> None:
    lower, upper = (own[end].cast(pl.Float64).to_numpy() for end in ("lower", "upper"))
    axes.fill_between(x, lower, upper, color=colour, alpha=0.18, linewidth=0)


def _in_plain_numbers(axis: Axis) -> None:
    """Label a logarithmic axis with plain numbers: powers of ten, and of a short axis what stands between them."""
    from matplotlib.ticker import NullFormatter

    low, high = axis.get_view_interval()
    axis.set_major_formatter("{x:,g}")
    axis.set_minor_formatter("{x:,g}" if high < 10 * low else NullFormatter())


def _depths(rows: pl.DataFrame) -> str:
    """Return a warning where samples are of unlike depth, or of one that is not known."""
    depths = sorted(set(rows["depth"].drop_nulls().to_list()))
    if rows["depth"].null_count():
        return "Of samples whose cells are not all known: depth may be what differs"
    if len(depths) < 2:
        return ""
    return f"Of {depths[0]:,.0f} to {depths[-1]:,.0f} cells: at low orders depth is part of what differs"


def _finish(axes: Axes, rows: pl.DataFrame, horizontal: str, vertical: str, note: str = "") -> None:
    axes.set_xlabel(horizontal)
    axes.set_ylabel(f"{vertical}, {rows['locus'][0]}")
    number = rows["sample"].n_unique()
    if number <= MOST_NAMED:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="Sample", alignment="left")
    else:
        note = f"{number} samples. {note}".strip()
    if note:
        axes.set_title(note, fontweight="normal", fontsize=9, color=MUTED)
