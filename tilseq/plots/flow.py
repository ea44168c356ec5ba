"""The gates of one tube, drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.flow.gating import Gating
from tilseq.flow.transform import arcsinh
from tilseq.plots.style import PALETTE, house_style, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

BINS = 110
SHOWN = (0.001, 0.999)
MARGIN = 0.14
PANEL_INCHES = 3.2
TICKS_APART = 0.08
DECADES = range(8)
# Where the share of each part is written, by the marker across: right of the panel or left, top or bottom.
CORNERS: Mapping[str, Mapping[str, tuple[bool, bool]]] = {
    "FSC-A": {"lymphocytes": (True, False)},
    "CD3": {"CD3-": (False, True), "CD3+": (True, True)},
    "CD4": {"DN T": (False, False), "CD4+ T": (True, False), "CD8+ T": (False, True), "DP T": (True, True)},
    "CD19": {"B": (True, False), "NK": (False, True)},
}


def gates(gating: Gating) -> Figure:
    """Draw the tree of one tube as a row of density panels with its cuts and the share of each part.

    Panels: forward against side scatter with the lymphocyte gate, CD3 against side scatter among lymphocytes, CD4
    against CD8 among CD3+, and CD19 against CD56 (or CD16) among CD3- where B and NK are gated. Stains are on the
    arcsinh scale of their own cofactor, scatter on the linear scale; ticks bear linear values. Events beyond the
    inner 99.8 % of an axis are drawn at its end; each colour is a number of events on a logarithmic scale.

    Parameters
    ----------
    gating
        A gated tube.

    Returns
    -------
    matplotlib.figure.Figure
        Three or four panels; densities are rasterised, so that an SVG stays small.
    """
    killer = next((marker for marker in ("CD56", "CD16") if _cut(gating, marker) is not None), None)
    last = [("CD3-", "CD19", killer)] if killer and {"B", "NK"} <= gating.populations.keys() else []
    parent = gating.populations["lymphocytes"].parent or "all events"
    panels = [(parent, "FSC-A", "SSC-A"), ("lymphocytes", "CD3", "SSC-A"), ("CD3+", "CD4", "CD8"), *last]
    with house_style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(PANEL_INCHES * len(panels), PANEL_INCHES * 1.1))
        FigureCanvasAgg(figure)
        for axes, panel in zip(figure.subplots(1, len(panels)), panels, strict=True):
            _panel(axes, gating, *panel)
        figure.suptitle(short(gating.sample, 60))
    return figure


def _panel(axes: Axes, gating: Gating, population: str, across: str, up: str) -> None:
    from matplotlib.colors import LogNorm

    events = gating.populations[population].mask
    x, y = (_scaled(gating, marker, gating.values[marker][events]) for marker in (across, up))
    # Side scatter stands beside CD3 only to spread the events: its cut belongs to the panel before.
    cut_x, cut_y = _cut(gating, across), None if across == "CD3" else _cut(gating, up)
    limits = _limits(x, cut_x), _limits(y, cut_y)
    counts, x_edges, y_edges = np.histogram2d(np.clip(x, *limits[0]), np.clip(y, *limits[1]), BINS, limits)
    norm = LogNorm(1, max(2.0, float(counts.max())))
    axes.pcolormesh(x_edges, y_edges, np.ma.masked_equal(counts.T, 0), cmap="viridis", norm=norm, rasterized=True)
    if cut_x is not None:
        axes.axvline(cut_x, color=PALETTE[1])
    if cut_y is not None:
        axes.axhline(cut_y, color=PALETTE[1])
    axes.set(xlim=limits[0], ylim=limits[1])
    axes.set_title(f"{population}: {x.size:,} events", fontsize=9, fontweight="normal")
    _label(axes.xaxis, gating, across, limits[0])
    _label(axes.yaxis, gating, up, limits[1])
    _shares(axes, gating, population, CORNERS[across])


def _shares(axes: Axes, gating: Gating, population: str, corners: Mapping[str, tuple[bool, bool]]) -> None:
    """Write each part's share of the panel's events into its corner."""
    total = gating.populations[population].events
    for name, (right, top) in corners.items():
        share = f"{100 * gating.populations[name].events / total:.1f} %" if total else "no events"
        axes.text(
            0.98 if right else 0.02,
            0.98 if top else 0.02,
            f"{name}\n{share}",
            transform=axes.transAxes,
            ha="right" if right else "left",
            va="top" if top else "bottom",
            fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.0},
        )


def _label(axis: Axis, gating: Gating, marker: str, limits: tuple[float, float]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    channel = gating.markers[marker]
    name = marker if marker == channel else f"{marker} ({short(channel)})"
    axis.set_label_text(f"{name}, {'arcsinh' if marker in gating.cofactors else 'linear'}", fontsize=9)
    if marker in gating.cofactors:
        ticks = _ticks(gating.cofactors[marker], limits)
        axis.set_ticks(list(ticks), labels=[_brief(value) for value in ticks.values()])
    else:
        axis.set_major_locator(MaxNLocator(4))
        axis.set_major_formatter(FuncFormatter(lambda value, _: _brief(value)))
    axis.set_tick_params(labelsize=8)


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


def _limits(values: NDArray[np.float32], cut: float | None) -> tuple[float, float]:
    """Return what an axis shows: the inner 99.8 % of the events and the cut, with room for the shares."""
    ends = [float(end) for end in np.quantile(values, SHOWN)] if values.size else [0.0, 1.0]
    ends += [] if cut is None else [cut]
    margin = MARGIN * (max(ends) - min(ends)) or 1.0
    return min(ends) - margin, max(ends) + margin


def _cut(gating: Gating, marker: str) -> float | None:
    thresholds = gating.cuts.filter(gating.cuts["gate"] == marker)["threshold"]
    return float(_scaled(gating, marker, thresholds[0])) if thresholds.len() else None


def _scaled(gating: Gating, marker: str, values: ArrayLike) -> NDArray[np.float32]:
    if marker in gating.cofactors:
        return arcsinh(values, gating.cofactors[marker])
    return np.asarray(values, dtype=np.float32)
