"""The gates of one tube, drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from tilseq.flow.gated import Gating, refuse_ungated
from tilseq.flow.lymphocytes import Region
from tilseq.flow.transform import arcsinh
from tilseq.flow.tree import Cut
from tilseq.flow.tube import Floats
from tilseq.plots.flow_panels import Panel, panels
from tilseq.plots.linear_ticks import brief, ticks_of
from tilseq.plots.style import MUTED, PALETTE, house_style, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

BINS = 100
SHOWN = (0.001, 0.999)
EDGE = 0.05  # of what events span, beyond their ends
WIDTH, HEIGHT = 2.1, 2.8  # inches of a panel: all rows of a batch are of one height
# Room for the shares above and below all events: of an axis's height, for each line of text and about them.
LETTERS, LINE, ABOUT = 7.5, 0.066, 0.035
LONGEST_NAME = 14
# How a gate is drawn that is not at a clear valley of the tube's own.
LINES = {
    "valley": ("-", ""),
    "cohort": ("--", "dashed: borrowed from other tubes"),
    "fallback": (":", "dotted: no valley, put by a rule"),
    "settings": ("-.", "dash-dotted: set by hand"),
}
GATE = PALETTE[1]


def gates(gating: Gating) -> Figure:
    """Draw the tree of one tube as a row of density panels with its gates and the share of each part.

    Panels go from beads, single and living cells and lymphocytes down to the populations of every rule, see
    `flow_panels.panels`. Stains are on the arcsinh scale of their own cofactor, scatter on the linear scale; ticks bear
    linear values. Events beyond the inner 99.8 % of an axis are drawn at their end, shares stand above and below all of
    them; each colour is a number of events on a logarithmic scale, from dark to bright. A band about a line shows where
    the gate could as well lie. A share is of the events of its panel.

    Parameters
    ----------
    gating
        A gated tube.

    Returns
    -------
    matplotlib.figure.Figure
        One row; densities are rasterised, so that an SVG stays small.

    Raises
    ------
    AnalysisError
        It is no gated tube.
    """
    refuse_ungated(gating)
    row = panels(gating)
    with house_style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(WIDTH * len(row), HEIGHT))
        FigureCanvasAgg(figure)
        for axes, panel in zip(figure.subplots(1, len(row), squeeze=False)[0], row, strict=True):
            _panel(axes, gating, panel)
        figure.suptitle(short(gating.sample, 60), x=0.005, ha="left", fontsize=9, fontweight="bold")
        sources = {cut.source for cut in gating.cuts.values()} | ({gating.region.source} if gating.region else set())
        told = [words for source, (_, words) in LINES.items() if words and source in sources]
        figure.supxlabel("; ".join(told), x=0.005, ha="left", fontsize=7, color=MUTED)
    return figure


def _panel(axes: Axes, gating: Gating, panel: Panel) -> None:
    across, up = panel.across, panel.up
    events = gating.populations[panel.population].mask
    x, y = (_scaled(gating, marker, gating.values[marker]) for marker in (across, up))
    cuts = [gating.cuts.get((marker, panel.population)) for marker in (across, up)]
    outlines = _outlines(gating, gating.region, across, up) if "lymphocytes" in panel.parts else []
    ends = [
        _ends(gating, values[events], cut, [line[side] for line in outlines])
        for side, (values, cut) in enumerate(zip((x, y), cuts, strict=True))
    ]
    if panel.kept is not None:
        kept = gating.populations[panel.kept].mask
        _density(axes, x[events & ~kept], y[events & ~kept], ends, "Greys")
    shown = events if panel.kept is None else events & kept
    _density(axes, x[shown], y[shown], ends, "viridis")
    if cuts[0] is not None:
        _line(gating, cuts[0], axes.axvline, axes.axvspan)
    if cuts[1] is not None:
        _line(gating, cuts[1], axes.axhline, axes.axhspan)
    for style, line in zip((LINES[gating.region.source][0], "-", "-") if gating.region else (), outlines, strict=False):
        axes.plot(*line, color=GATE, linestyle=style, linewidth=1.6 if line is outlines[0] else 0.6)
    limits = [ends[0], _with_room(ends[1], *(_room(panel, top) for top in (False, True)))]
    axes.set(xlim=limits[0], ylim=limits[1])
    number = np.count_nonzero(events)
    title = f"{short(panel.population, LONGEST_NAME)}: {number:,} event{'' if number == 1 else 's'}"
    axes.set_title(title, fontsize=8, fontweight="normal")
    _label(axes.xaxis, gating, across, limits[0])
    _label(axes.yaxis, gating, up, limits[1])
    _shares(axes, gating, panel)


def _density(axes: Axes, x: Floats, y: Floats, limits: Sequence[tuple[float, float]], colours: str) -> None:
    from matplotlib.colors import LogNorm

    counts, x_edges, y_edges = np.histogram2d(np.clip(x, *limits[0]), np.clip(y, *limits[1]), BINS, limits)
    norm = LogNorm(0.5 if colours == "Greys" else 1, max(2.0, float(counts.max())))
    axes.pcolormesh(x_edges, y_edges, np.ma.masked_equal(counts.T, 0), cmap=colours, norm=norm, rasterized=True)


def _line(gating: Gating, cut: Cut, line: Callable[..., Any], span: Callable[..., Any]) -> None:
    """Draw a cut as a line, and a band where it could as well lie."""
    line(_place(gating, cut, cut.threshold), color=GATE, linestyle=LINES[cut.source][0], linewidth=1.3)
    if cut.lower is not None and cut.upper is not None:
        span(_place(gating, cut, cut.lower), _place(gating, cut, cut.upper), color=GATE, alpha=0.18, linewidth=0)


def _outlines(gating: Gating, region: Region | None, across: str, up: str) -> list[tuple[Floats, Floats]]:
    """Return the region of the lymphocytes where its other channels are in their middle, and where it could end."""
    if region is None or not {across, up} <= region.centre.keys():
        return []
    turn = np.linspace(0, 2 * np.pi, 100)

    def place(marker: str, radius: float, part: Floats) -> Floats:
        return _scaled(gating, marker, region.middle[marker] * np.exp(radius * region.spread[marker] * part))

    return [
        (place(across, radius, np.cos(turn)), place(up, radius, np.sin(turn)))
        for radius in (region.radius, region.lower, region.upper)
    ]


def _room(panel: Panel, top: bool) -> float:
    """Return the share of the axis's height that the shares at its top, or its bottom, take up."""
    corners = [corner for corner in panel.parts.values() if corner[1] == top]
    lines = 2 * max(map(corners.count, corners), default=0)
    return ABOUT + LINE * lines if lines else 0.0


def _with_room(ends: tuple[float, float], below: float, above: float) -> tuple[float, float]:
    """Return the ends of an axis of which a share lies below and another above what is drawn."""
    whole = (ends[1] - ends[0]) / max(0.2, 1 - below - above)
    return ends[0] - below * whole, ends[1] + above * whole


def _shares(axes: Axes, gating: Gating, panel: Panel) -> None:
    """Write each part's share of the panel's events into its corner; parts of one corner stand below each other."""
    total = gating.populations[panel.population].events
    corners: dict[tuple[bool, bool], list[str]] = {}
    for name, corner in panel.parts.items():
        share = f"{100 * gating.populations[name].events / total:.1f} %" if total else "no events"
        own = name.removeprefix(f"{panel.population}/")  # the panel is of the parent, and says so
        corners.setdefault(corner, []).append(f"{short(own, LONGEST_NAME)}\n{share}")
    for (right, top), told in corners.items():
        axes.text(
            0.98 if right else 0.02,
            0.98 if top else 0.02,
            "\n".join(told),
            transform=axes.transAxes,
            ha="right" if right else "left",
            va="top" if top else "bottom",
            fontsize=LETTERS,
            linespacing=1.05,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.8},
        )


def _label(axis: Axis, gating: Gating, marker: str, limits: tuple[float, float]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    channel = gating.markers[marker]
    cut = {name for name, _ in gating.cuts}
    name = "/".join([marker, *(m for m, c in gating.markers.items() if c == channel and m in cut and m != marker)])
    axis.set_label_text(name if name == channel else f"{name} ({short(channel, LONGEST_NAME)})", fontsize=8)
    if marker in gating.cofactors:
        ticks = ticks_of(gating.cofactors[marker], limits)
        axis.set_ticks(list(ticks), labels=[brief(value) for value in ticks.values()])
    else:
        axis.set_major_locator(MaxNLocator(3))
        axis.set_major_formatter(FuncFormatter(lambda value, _: brief(value)))
    axis.set_tick_params(labelsize=7, pad=2)


def _ends(gating: Gating, values: Floats, cut: Cut | None, lines: Sequence[Floats]) -> tuple[float, float]:
    """Return between what an axis shows events: the inner 99.8 % of them, the cut and the outlines of a region."""
    ends = [float(end) for end in np.quantile(values, SHOWN)] if values.size else [0.0, 1.0]
    ends += [] if cut is None else [_place(gating, cut, cut.threshold)]
    ends += [float(end) for line in lines for end in (line.min(), line.max())]
    room = EDGE * (max(ends) - min(ends)) or 1.0
    return min(ends) - room, max(ends) + room


def _place(gating: Gating, cut: Cut, value: float) -> float:
    return float(_scaled(gating, cut.marker, value))


def _scaled(gating: Gating, marker: str, values: ArrayLike) -> Floats:
    if marker in gating.cofactors:
        return arcsinh(values, gating.cofactors[marker])
    return np.asarray(values, dtype=np.float32)
