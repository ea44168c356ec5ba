"""The gates of one tube, drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from tilseq.flow.gating import Gating
from tilseq.flow.lymphocytes import Region
from tilseq.flow.transform import arcsinh
from tilseq.flow.tree import Cut
from tilseq.flow.tube import Floats
from tilseq.plots.flow_panels import Panel, panels
from tilseq.plots.style import MUTED, PALETTE, house_style, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

BINS = 100
SHOWN = (0.001, 0.999)
MARGIN, MARGIN_UP = 0.12, 0.22  # of what an axis spans, beyond its ends: up there stand the shares
WIDTH, HEIGHT = 2.1, 2.6  # inches of a panel: all rows of a batch are of one height
TICKS_APART = 0.12
LONGEST_NAME = 14
DECADES = range(8)
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
    linear values. Events beyond the inner 99.8 % of an axis are drawn at its end; each colour is a number of events on
    a logarithmic scale, from dark to bright. A band about a line shows where the gate could as well lie. A share is of
    the events of its panel.

    Parameters
    ----------
    gating
        A gated tube.

    Returns
    -------
    matplotlib.figure.Figure
        One row; densities are rasterised, so that an SVG stays small.
    """
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
    limits = [
        _limits(gating, values[events], cut, margin)
        for values, cut, margin in zip((x, y), cuts, (MARGIN, MARGIN_UP), strict=True)
    ]
    if panel.kept is not None:
        kept = gating.populations[panel.kept].mask
        _density(axes, x[events & ~kept], y[events & ~kept], limits, "Greys")
    shown = events if panel.kept is None else events & kept
    _density(axes, x[shown], y[shown], limits, "viridis")
    if cuts[0] is not None:
        _line(gating, cuts[0], axes.axvline, axes.axvspan)
    if cuts[1] is not None:
        _line(gating, cuts[1], axes.axhline, axes.axhspan)
    if "lymphocytes" in panel.parts and gating.region is not None:
        _outline(axes, gating, gating.region, across, up)
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


def _outline(axes: Axes, gating: Gating, region: Region, across: str, up: str) -> None:
    """Draw the region of the lymphocytes where its other channels are in their middle, and where it could end."""
    if not {across, up} <= region.centre.keys():
        return
    turn = np.linspace(0, 2 * np.pi, 100)

    def place(marker: str, radius: float, part: Floats) -> Floats:
        return _scaled(gating, marker, region.middle[marker] * np.exp(radius * region.spread[marker] * part))

    for radius, width in ((region.radius, 1.6), (region.lower, 0.6), (region.upper, 0.6)):
        style = LINES[region.source][0] if radius == region.radius else "-"
        axes.plot(
            place(across, radius, np.cos(turn)), place(up, radius, np.sin(turn)),
            color=GATE, linestyle=style, linewidth=width,
        )  # fmt: skip


def _shares(axes: Axes, gating: Gating, panel: Panel) -> None:
    """Write each part's share of the panel's events into its corner; parts of one corner stand below each other."""
    total = gating.populations[panel.population].events
    corners: dict[tuple[bool, bool], list[str]] = {}
    for name, corner in panel.parts.items():
        share = f"{100 * gating.populations[name].events / total:.1f} %" if total else "no events"
        corners.setdefault(corner, []).append(f"{short(name, LONGEST_NAME)}\n{share}")
    for (right, top), told in corners.items():
        axes.text(
            0.98 if right else 0.02,
            0.98 if top else 0.02,
            "\n".join(told),
            transform=axes.transAxes,
            ha="right" if right else "left",
            va="top" if top else "bottom",
            fontsize=8.5,
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
        ticks = _ticks(gating.cofactors[marker], limits)
        axis.set_ticks(list(ticks), labels=[_brief(value) for value in ticks.values()])
    else:
        axis.set_major_locator(MaxNLocator(3))
        axis.set_major_formatter(FuncFormatter(lambda value, _: _brief(value)))
    axis.set_tick_params(labelsize=7, pad=2)


def _ticks(cofactor: float, limits: tuple[float, float]) -> dict[float, float]:
    """Return place → linear value of 0 and the powers of ten; near 0 they crowd, so the far ones go first."""
    ticks: dict[float, float] = {}
    tens = [10.0**power for power in reversed(DECADES)]
    for value in (0.0, *tens, *(-ten for ten in tens)):
        place = float(arcsinh(value, cofactor))
        apart = TICKS_APART * (limits[1] - limits[0])
        if limits[0] <= place <= limits[1] and all(abs(place - other) > apart for other in ticks):
            ticks[place] = value
    return ticks


def _brief(value: float) -> str:
    size, letter = next(((s, unit) for s, unit in ((1e6, "M"), (1e3, "k")) if abs(value) >= s), (1.0, ""))
    return f"{value / size:g}{letter}".replace("-", "\N{MINUS SIGN}")


def _limits(gating: Gating, values: Floats, cut: Cut | None, margin: float) -> tuple[float, float]:
    """Return what an axis shows: the inner 99.8 % of the events and the cut, with room for the shares."""
    ends = [float(end) for end in np.quantile(values, SHOWN)] if values.size else [0.0, 1.0]
    ends += [] if cut is None else [_place(gating, cut, cut.threshold)]
    room = margin * (max(ends) - min(ends)) or 1.0
    return min(ends) - room, max(ends) + room


def _place(gating: Gating, cut: Cut, value: float) -> float:
    return float(_scaled(gating, cut.marker, value))


def _scaled(gating: Gating, marker: str, values: ArrayLike) -> Floats:
    if marker in gating.cofactors:
        return arcsinh(values, gating.cofactors[marker])
    return np.asarray(values, dtype=np.float32)
