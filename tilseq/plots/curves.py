"""Figures of standard curves and of what they give back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tilseq.errors import AnalysisError
from tilseq.plots.rows import needing
from tilseq.plots.style import FAINT, INK, MUTED, PALETTE, figure, house_style, plain, short

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 4
POINTS = 200
BEYOND = 8.0  # fold beyond the outermost standards that a curve is drawn
LIMITS = (80, 120)  # % of recovery
APART = 0.24  # of the two recoveries of a level, where levels are 1 apart
OF_DOTS = ("level", "nominal_pg_per_ml", "recovery_nominal_pct", "recovery_pct")


def standard_curves(curves: Any, recovery: Any, bead_wells: Any, concentrations: Any) -> Figure:
    """Draw the curve of each analyte of a plate with its standards, samples and usable range.

    Standards stand at what they hold by their level's shared dilution error, samples where the curve puts them in
    the undiluted sample over their dilution; the usable range is shaded. Both axes are logarithmic.

    Parameters
    ----------
    curves, recovery, bead_wells, concentrations
        Tables `standard_curves`, `standard_recovery`, `bead_wells` and `concentrations` of one plate.

    Returns
    -------
    matplotlib.figure.Figure
        One panel an analyte with a curve.

    Raises
    ------
    AnalysisError
        No analyte has a curve, or the tables are of several plates.
    """
    from tilseq.tables import as_polars

    curves, recovery, bead_wells, concentrations = map(as_polars, (curves, recovery, bead_wells, concentrations))
    if curves["plate"].n_unique() > 1:
        raise AnalysisError("a figure of curves is of one plate", found=", ".join(curves["plate"].unique().sort()))
    drawn = curves.filter(curves["model"].is_not_null())
    if drawn.is_empty():
        raise AnalysisError("nothing to draw: no analyte has a standard curve")
    with house_style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        columns = min(ACROSS, drawn.height)
        rows = -(-drawn.height // columns)
        new = Figure(figsize=(max(2.8 * columns, 5.2), max(2.5 * rows, 3.2)))
        FigureCanvasAgg(new)
        panels = new.subplots(rows, columns, squeeze=False).ravel()
        for axes, row in zip(panels, drawn.iter_rows(named=True), strict=False):
            of = {"analyte": row["analyte"]}
            _panel(axes, row, recovery.filter(**of), bead_wells.filter(**of), concentrations.filter(**of))
        for axes in panels[drawn.height :]:
            axes.set_axis_off()
        new.supxlabel("pg/mL in the well", fontsize=10)
        new.legend(handles=_key(), loc="outside upper right", ncols=4, fontsize=7, frameon=False)
        new.supylabel("Median reporter", fontsize=10)
    return new


def recovery_dots(recovery: Any, dilution_errors: Any = None) -> Axes:
    """Draw the recovery of each standard level, a dot an analyte: by the nominal concentration, and less shared errors.

    Dashed lines stand at 80 and 120 %. An analyte whose curve does not reach a level has no dot there.

    Parameters
    ----------
    recovery
        Table `standard_recovery` of one plate.
    dilution_errors
        Table `dilution_errors` of the plate. Where no level's error was fitted, as of fewer than three analytes,
        recovery is drawn by the nominal concentration alone.

    Returns
    -------
    Axes
        The only axes of a new figure.

    Raises
    ------
    AnalysisError
        There is no recovery to draw.
    """
    from tilseq.tables import as_polars

    rows = needing(recovery, OF_DOTS).drop_nulls("recovery_pct")
    if rows.is_empty():
        raise AnalysisError("nothing to draw: no standard was given back")
    nominal = dict(rows.select("level", "nominal_pg_per_ml").iter_rows())
    levels = sorted(nominal, key=lambda level: nominal[level])
    series = [("recovery_nominal_pct", MUTED, "by nominal concentration")]
    if dilution_errors is None or as_polars(dilution_errors)["factor"].is_not_null().any():
        series.append(("recovery_pct", PALETTE[0], "less the shared dilution error"))
    with figure(6.4, 3.8) as axes:
        for k, (column, colour, label) in enumerate(series):
            places = [levels.index(level) + APART * (k - (len(series) - 1) / 2) for level in rows["level"]]
            axes.plot(
                places, rows[column].to_list(), linestyle="none", marker="o", color=colour, alpha=0.7, label=label
            )
        for limit in LIMITS:
            axes.axhline(limit, color=MUTED, linestyle="--", linewidth=1, zorder=0)
        axes.set_xticks(range(len(levels)), [short(level) for level in levels])
        axes.set_xlabel("Standard level")
        axes.set_ylabel("Recovery (%)")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=2)
    return axes


def _panel(axes: Axes, row: dict[str, Any], recovery: pl.DataFrame, beads: pl.DataFrame, told: pl.DataFrame) -> None:
    """Draw one analyte."""
    true = (recovery["nominal_pg_per_ml"] * recovery["offset_factor"]).to_numpy()
    x = np.geomspace(true.min() / BEYOND, true.max() * BEYOND, POINTS)
    if row["lloq_pg_per_ml"] is not None:
        axes.axvspan(row["lloq_pg_per_ml"], row["uloq_pg_per_ml"], color=FAINT, alpha=0.6, linewidth=0, zorder=0)
    axes.plot(x, _signal(row, x), color=INK, linewidth=1.2)
    places = dict(zip(recovery["level"], true.tolist(), strict=True))
    standards = beads.filter((beads["role"] == "standard") & beads["level"].is_in(list(places)))
    look: dict[str, Any] = {"linestyle": "none", "markersize": 3.5}
    axes.plot(
        [places[level] for level in standards["level"]], standards["signal"], marker="o", color=PALETTE[0], **look
    )
    samples = told.drop_nulls("conc_pg_per_ml")
    at = (samples["conc_pg_per_ml"] / samples["dilution"]).to_list()
    axes.plot(at, samples["signal"].to_list(), marker="x", color=PALETTE[1], **look)
    blanks = beads.filter(role="blank").drop_nulls("signal")
    for signal in blanks["signal"]:
        axes.axhline(signal, color=MUTED, linewidth=0.7, linestyle=":", zorder=0)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(f"{short(row['analyte'], 16)} · {row['model']}", fontsize=9)
    from matplotlib.ticker import FuncFormatter

    axes.minorticks_off()  # they take most of the time of drawing
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
        axis.set_tick_params(labelsize=7)


def _key() -> list[Any]:
    """Return what the marks of a panel mean."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    marks = (("o", PALETTE[0], "standard"), ("x", PALETTE[1], "sample"))
    dots = [
        Line2D([], [], linestyle="none", marker=marker, markersize=3.5, color=colour, label=label)
        for marker, colour, label in marks
    ]
    blank = Line2D([], [], color=MUTED, linewidth=0.7, linestyle=":", label="blank")
    return [*dots, blank, Patch(color=FAINT, alpha=0.6, linewidth=0, label="usable range")]


def _signal(row: dict[str, Any], x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    bound = (1 + (row["midpoint_pg_per_ml"] / x) ** row["slope"]) ** -row["asymmetry"]
    return np.asarray(row["bottom"] + (row["top"] - row["bottom"]) * bound)
