"""A clone's share of one sample against that of another, coloured by whether it changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import polars as pl

from tilseq.errors import AnalysisError
from tilseq.plots.rows import needing
from tilseq.plots.style import FAINT, MUTED, PALETTE, figure, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Call → its colour and words, those last that lie on top.
CALLS = {
    "cannot_tell": ("#b4bcc4", "cannot tell"),
    "unchanged": (PALETTE[2], "unchanged"),
    "contracted": (PALETTE[0], "contracted"),
    "expanded": (PALETTE[1], "expanded"),
}
# Of infused clones, where the table tells: most that expand from a product are of blood that comes back.
WHOSE = {True: "of the product", False: "not of the product"}
SIDES = ("before", "after")
NINETY_FIVE = 0.05
WIDTH, HEIGHT = 8.4, 4.6  # inches: a square, and beside it the longest line of the legend
COLUMNS = ("sample_before", "sample_after", "locus", "share_before", "share_after", "cells_before", "cells_after", "p",
           "call")  # fmt: skip


def change_scatter(frame: Any, *, before: str = "", after: str = "") -> Axes:
    """Draw the share of each tested clone in the later sample over that in the earlier, coloured by its call.

    Parameters
    ----------
    frame
        Table `change`, polars or pandas, of one pair of samples and one locus.
    before, after
        What the samples are called; by default by their names.

    Returns
    -------
    Axes
        Both axes are logarithmic and of one scale; on the grey line a share did not change. The dotted lines are the
        limits of detection, below which a clone is missed with a chance of more than 5 %; a clone that one of the
        samples does not show is a tick on the line of that sample, as a rug. Where the table tells whether a clone is
        in the product, those that are not are drawn as rings, and the legend counts both.

    Raises
    ------
    AnalysisError
        There are rows of several pairs or loci, or none that was tested.
    """
    rows = needing(frame, COLUMNS).drop_nulls("p")
    what = rows.select("sample_before", "sample_after", "locus").unique()
    if what.height != 1:
        found = "; ".join(f"{a} to {b}, {locus}" for a, b, locus in what.sort(what.columns).iter_rows()) or "no row"
        raise AnalysisError("a figure of change takes tested clones of one pair of samples and locus", found=found)
    names = [short(given or name) for given, name in zip((before, after), what.row(0), strict=False)]
    limits = {side: _limit(rows, side) for side in SIDES}
    with figure(WIDTH, HEIGHT) as axes:
        low, high = _ends(rows, limits)
        axes.plot([low, high], [low, high], color=FAINT, linewidth=1.4, zorder=0)
        _draw_limits(axes, limits)
        _name_ticks(axes, rows, limits)
        for call, (colour, words) in CALLS.items():
            for label, own, ring in _parts(rows.filter(call=call), words):
                _draw_clones(axes, own, limits, colour, label, ring=ring)
        axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), aspect="equal", anchor="W")
        for axis, name in ((axes.xaxis, names[0]), (axes.yaxis, names[1])):
            axis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
            axis.set_label_text(f"Share of {what.row(0)[2]}, {name}")
        axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), title="Clones", alignment="left")
    return axes


def _parts(own: pl.DataFrame, words: str) -> Iterator[tuple[str, pl.DataFrame, bool]]:
    """Yield what clones of one call are called, the clones, and whether they are drawn as rings; last those infused."""
    if own.is_empty():
        return
    if "in_product" not in own.columns or own["in_product"].has_nulls():
        yield f"{words} ({own.height:,})", own, False
        return
    for infused in (False, True):
        part = own.filter(in_product=infused)
        if part.height:
            yield f"{words}, {WHOSE[infused]} ({part.height:,})", part, not infused


def _limit(rows: pl.DataFrame, side: str) -> float | None:
    """Return the limit of detection of a sample, whose effective number is a clone's cells over its share."""
    seen = rows.filter(pl.col(f"share_{side}") > 0)
    if seen.is_empty():
        return None
    n = seen.select(pl.col(f"cells_{side}") / pl.col(f"share_{side}")).to_series()[0]
    return float(1 - NINETY_FIVE ** (1 / n))


def _ends(rows: pl.DataFrame, limits: dict[str, float | None]) -> tuple[float, float]:
    """Return the ends of both axes."""
    shares = pl.concat([rows[f"share_{side}"] for side in SIDES])
    found = [*shares.filter(shares > 0).to_list(), *(limit for limit in limits.values() if limit is not None)]
    return min(found) / 1.6, max(found) * 1.6


def _draw_limits(axes: Axes, limits: dict[str, float | None]) -> None:
    style: dict[str, Any] = {"color": MUTED, "linewidth": 0.8, "linestyle": ":", "zorder": 1}
    if limits["before"] is not None:
        axes.axvline(limits["before"], **style)
    if limits["after"] is not None:
        axes.axhline(limits["after"], **style)
    axes.plot([], [], label="limit of detection", **style)


def _draw_clones(
    axes: Axes, own: pl.DataFrame, limits: dict[str, float | None], colour: str, label: str, *, ring: bool
) -> None:
    """Draw clones of one call: marks where both samples show them, ticks on the limit of the one that does not."""
    dot = {"markeredgewidth": 0.3, "markeredgecolor": "white", "markerfacecolor": colour}
    look: dict[str, Any] = {
        **dot,
        **({"markeredgewidth": 0.8, "markeredgecolor": colour, "markerfacecolor": "none"} if ring else {}),
    }
    both = own.filter(pl.col("share_before") > 0, pl.col("share_after") > 0)
    axes.plot(
        both["share_before"].to_list(), both["share_after"].to_list(), linestyle="none", marker="o", markersize=4,
        color=colour, label=label if both.height else None, **look,
    )  # fmt: skip
    ticks: dict[str, Any] = {"linestyle": "none", "markersize": 7, "markeredgewidth": 1.1, "color": colour}
    lost = own.filter(share_after=0)
    if limits["after"] is not None:
        axes.plot(lost["share_before"].to_list(), [limits["after"]] * lost.height, marker="|", **ticks)
    if not both.height:  # the legend shows a mark that the figure has
        axes.plot([], [], marker="|", label=label, **ticks)
    new = own.filter(share_before=0)
    if limits["before"] is not None:
        axes.plot([limits["before"]] * new.height, new["share_after"].to_list(), marker="_", **ticks)


def _name_ticks(axes: Axes, rows: pl.DataFrame, limits: dict[str, float | None]) -> None:
    """Give the ticks on the limits their line of the legend, where there are any."""
    unseen = {"before": rows.filter(share_before=0), "after": rows.filter(share_after=0)}
    if any(unseen[side].height and limits[side] is not None for side in SIDES):
        tick: dict[str, Any] = {"linestyle": "none", "marker": "|", "markersize": 7, "markeredgewidth": 1.1}
        axes.plot([], [], color=MUTED, label="tick: not seen in that sample", **tick)
