"""Figures of bead arrays."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from tilseq.errors import AnalysisError
from tilseq.plots.style import FAINT, INK, MUTED, PALETTE, house_style, plain, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tilseq.cytokines.beads import WellMap

FORWARD, CLASSIFIER, REPORTER = 0, 2, 3
SHOWN = (0.2, 99.8)  # percentiles of the events that an axis spans
MARGIN = 1.25
NARROW = 30.0  # an axis that spans less than this has ticks between its decades
TWO_SIZES = 1.25  # fold in forward scatter from which beads are of two sizes
LEAST = 1.0  # what is below stands at the edge of a logarithmic axis


def bead_map(well: WellMap) -> Figure:
    """Draw the events of one well with the population that each was given to.

    On the left the classifier stands over forward scatter, where populations are told apart, on the right over the
    reporter, with each population's median. Events of no population are grey. All axes are logarithmic and span the
    inner 99.6 % of the events.

    Parameters
    ----------
    well
        One of `Beads.maps`.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels; dots are rasterised, so that an SVG stays small.

    Raises
    ------
    AnalysisError
        The well holds no event.
    """
    if not len(well.events):
        raise AnalysisError("nothing to draw: the well holds no event", found=f"plate {well.plate}, well {well.well}")
    with house_style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8.4, 4.6))
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2, sharey=True)
        for axes, across, label in ((left, FORWARD, "Forward scatter"), (right, REPORTER, "Reporter")):
            _scatter(axes, well, across)
            axes.set_xlabel(label)
        left.set_ylabel("Classifier")
        _name(left, well)
        _mark_medians(right, well)
        single = int((well.places >= 0).sum())
        figure.suptitle(short(f"{well.plate} · {well.title}", 60), x=0.01, ha="left", fontweight="bold", fontsize=11)
        told = f"{single:,} single beads of {len(well.places):,} events"
        figure.supxlabel(told, x=0.01, ha="left", fontsize=8, color=MUTED)
    return figure


def _scatter(axes: Axes, well: WellMap, across: int) -> None:
    shown = np.maximum(well.events, LEAST)
    look: dict[str, Any] = {
        "marker": ".",
        "markersize": 2,
        "markeredgewidth": 0,
        "linestyle": "none",
        "rasterized": True,
    }
    none = well.places < 0
    axes.plot(shown[none, across], shown[none, CLASSIFIER], color=MUTED, alpha=0.5, **look)
    for place, colour in zip(range(len(well.analytes)), cycle(PALETTE[:-1]), strict=False):
        own = well.places == place
        axes.plot(shown[own, across], shown[own, CLASSIFIER], color=colour, **look)
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis, values, limit in (
        (axes.xaxis, shown[:, across], axes.set_xlim),
        (axes.yaxis, shown[:, CLASSIFIER], axes.set_ylim),
    ):
        low, high = np.percentile(values, SHOWN)
        limit(low / MARGIN, high * MARGIN)
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < NARROW * low else (1,)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
        axis.set_minor_formatter(NullFormatter())


def _name(axes: Axes, well: WellMap) -> None:
    """Write the name of each population that has a bead beside it: of small beads on the left, of others right."""
    box = {"facecolor": "white", "edgecolor": FAINT, "alpha": 0.8, "pad": 1.0}
    populations = [well.events[well.places == place] for place in range(len(well.analytes))]
    sizes = [float(np.median(own[:, FORWARD])) for own in populations if len(own)]
    middle = (min(sizes) * max(sizes)) ** 0.5 if sizes and max(sizes) > TWO_SIZES * min(sizes) else 0.0
    for analyte, own in zip(well.analytes, populations, strict=True):
        if len(own):
            left = float(np.median(own[:, FORWARD])) < middle
            place = (float(np.percentile(own[:, FORWARD], 5 if left else 95)), float(np.median(own[:, CLASSIFIER])))
            side = "right" if left else "left"
            axes.text(*place, short(analyte, 14), fontsize=7, color=INK, va="center", ha=side, bbox=box, clip_on=True)


def _mark_medians(axes: Axes, well: WellMap) -> None:
    for place in range(len(well.analytes)):
        own = np.maximum(well.events[well.places == place], LEAST)
        if len(own):
            middle = np.median(own[:, [REPORTER, CLASSIFIER]], axis=0)
            axes.plot(*middle, marker="+", color=INK, markersize=9, markeredgewidth=1.4)
