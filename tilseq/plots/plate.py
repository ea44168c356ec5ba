"""Figure of the wells of a plate."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.plots.style import FAINT, INK, MUTED, house_style, ink_on, plain, short

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from numpy.typing import NDArray

WELL = re.compile(r"([A-Pa-p])0*([1-9]\d?)")
SIZES = ((8, 12), (16, 24))  # of plates of 96 and of 384 wells
ACROSS = 2
CELL = 0.27  # inches
LIGHTEST = 0.15  # of the colours, so that no well passes for an empty place
NARROW = 30.0  # colours that span less than this have ticks between their decades
# What stands in a well whose colour does not tell it.
MARKS = {"fail": "×", "not_detected": "–", "detected_below_loq": "↓", "above_range": "↑"}
MEANINGS = {"fail": "no signal", "not_detected": "not detected", "detected_below_loq": "below quantification"}
MEANINGS |= {"above_range": "above range"}


def plate_map(
    bead_wells: Any,
    concentrations: Any = None,
    *,
    analytes: Sequence[str] | None = None,
    by: Literal["signal", "concentration"] = "signal",
) -> Figure:
    """Draw a plate as it stands on the bench, a panel an analyte, each well in the colour of its signal.

    Standards bear their level and an outline, blanks a dotted one. A well that failed bears ×; of samples – is not
    detected, ↓ below the range and ↑ above it. A well that the sheet does not name is white. Colours are logarithmic,
    and each panel has its own.

    Parameters
    ----------
    bead_wells
        Table `bead_wells` of one plate, polars or pandas.
    concentrations
        Table `concentrations` of the plate, for the marks of samples; needed for colours by concentration.
    analytes
        Which, in this order; by default all, in the order of the table.
    by
        Colours are of the median reporter, or of the concentration in the undiluted sample, which standards have none
        of.

    Returns
    -------
    Figure
        A panel an analyte.

    Raises
    ------
    AnalysisError
        There is no well, or wells of several plates, a well that no plate of 96 or 384 has, or an unknown analyte.
    """
    from tilseq.tables import as_polars

    wells = as_polars(bead_wells)
    told = None if concentrations is None else as_polars(concentrations)
    if by == "concentration" and told is None:
        raise AnalysisError("colours by concentration need the table concentrations")
    shown = _analytes(wells, analytes)
    size = _size([_place(well) for well in wells["well"].unique()])
    cells = {(row["well"], row["analyte"]): row for row in _cells(wells, told)}
    with house_style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        columns = min(ACROSS, len(shown))
        rows = -(-len(shown) // columns)
        figure = Figure(figsize=(columns * (CELL * size[1] + 0.9), rows * (CELL * size[0] + 0.5) + 0.5))
        FigureCanvasAgg(figure)
        figure.set_layout_engine("constrained", h_pad=0.08)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, analyte in zip(panels, shown, strict=False):
            own = {_place(well): cell for (well, name), cell in cells.items() if name == analyte}
            _draw_panel(axes, own, size, by)
            axes.set_title(short(analyte, 20), fontsize=9, pad=6)
        for axes in panels[len(shown) :]:
            axes.set_axis_off()
        words = "median reporter" if by == "signal" else "pg/mL in the undiluted sample"
        figure.suptitle(short(f"{wells['plate'][0]} · {words}", 60), x=0.01, ha="left", fontweight="bold", fontsize=11)
        marks = [f"{MARKS[one]} {MEANINGS[one]}" for one in MARKS if one in {_mark(cell) for cell in cells.values()}]
        figure.supxlabel("   ".join(marks) or " ", x=0.01, ha="left", fontsize=8, color=MUTED)
    return figure


def _analytes(wells: pl.DataFrame, asked: Sequence[str] | None) -> list[str]:
    """Return the analytes to draw of a table that must hold one plate."""
    if wells.is_empty():
        raise AnalysisError("nothing to draw: the plate has no well")
    if wells["plate"].n_unique() > 1:
        raise AnalysisError("a map is of one plate", found=", ".join(wells["plate"].unique().sort()))
    known: list[str] = wells["analyte"].unique(maintain_order=True).to_list()
    for name in asked or ():
        if name not in known:
            mend = did_you_mean(name, known) or f"there are {', '.join(known)}"
            raise AnalysisError("the plate has no such analyte", found=name, mend=mend)
    return list(asked) if asked else known


def _cells(wells: pl.DataFrame, told: pl.DataFrame | None) -> list[dict[str, Any]]:
    """Return each analyte in each well with its concentration and status, where these are given."""
    keys = ["plate", "well", "analyte"]
    if told is None:
        return [row | {"status": None, "conc_pg_per_ml": None} for row in wells.iter_rows(named=True)]
    return wells.join(told.select(*keys, "status", "conc_pg_per_ml"), on=keys, how="left").to_dicts()


def _mark(cell: dict[str, Any]) -> str | None:
    """Return which of `MARKS` a well bears."""
    if cell["verdict"] == "fail":
        return "fail"
    return cell["status"] if cell["status"] in MARKS else None


def _place(well: str) -> tuple[int, int]:
    """Return row and column of a well, from 0."""
    found = WELL.fullmatch(well.strip())
    if found is None or int(found[2]) > SIZES[-1][1]:
        raise AnalysisError("no well of a plate", column="well", found=well, expected="such as B07, up to P24")
    return ord(found[1].upper()) - ord("A"), int(found[2]) - 1


def _size(places: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return rows and columns of the smallest plate that has all wells."""
    row, column = (max(ends) for ends in zip(*places, strict=True))
    return next(size for size in SIZES if row < size[0] and column < size[1])


def _draw_panel(
    axes: Axes,
    cells: dict[tuple[int, int], dict[str, Any]],
    size: tuple[int, int],
    by: Literal["signal", "concentration"],
) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap, LogNorm

    column = "signal" if by == "signal" else "conc_pg_per_ml"
    values = np.full(size, np.nan)
    for place, cell in cells.items():
        if cell[column] is not None and cell[column] > 0 and cell["verdict"] != "fail":
            values[place] = cell[column]
    low, high = _ends(values)
    colours = ListedColormap(colormaps["Blues"](np.linspace(LIGHTEST, 1, 256)))
    image = axes.imshow(np.ma.masked_invalid(values), cmap=colours, norm=LogNorm(low, high), aspect="equal")
    for place, cell in cells.items():
        known = np.isfinite(values[place])
        _draw_well(axes, place, cell, ink_on(colours(image.norm(values[place]))[:3]) if known else None)
    _draw_grid(axes, size)
    _draw_bar(axes, image, low, high).set_visible(bool(np.isfinite(values).any()))


def _draw_grid(axes: Axes, size: tuple[int, int]) -> None:
    """Name rows and columns, and part the wells."""
    rows, columns = size
    axes.set_xticks(range(columns), [f"{n}" for n in range(1, columns + 1)], fontsize=6)
    axes.set_yticks(range(rows), [chr(ord("A") + n) for n in range(rows)], fontsize=6)
    axes.tick_params(length=0, pad=1)
    axes.xaxis.tick_top()
    ends = (-0.5, columns - 0.5), (-0.5, rows - 0.5)
    axes.hlines(np.arange(rows + 1) - 0.5, *ends[0], color=FAINT, linewidth=0.6)
    axes.vlines(np.arange(columns + 1) - 0.5, *ends[1], color=FAINT, linewidth=0.6)
    axes.spines[:].set_visible(False)


def _draw_bar(axes: Axes, image: AxesImage, low: float, high: float) -> Axes:
    """Draw the scale of the colours."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    bar = axes.figure.colorbar(image, ax=axes, shrink=0.8, pad=0.02).ax
    bar.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < NARROW * low else (1,)))
    bar.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    bar.yaxis.set_minor_formatter(NullFormatter())
    bar.minorticks_off()
    bar.tick_params(labelsize=6)
    bar.spines[:].set_visible(False)
    return bar


def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of the colours: those of the values, at least a factor of 2 apart."""
    known = values[np.isfinite(values)]
    if not len(known):
        return 1.0, 2.0
    low, high = float(known.min()), float(known.max())
    return low, max(high, 2 * low)


def _draw_well(axes: Axes, place: tuple[int, int], cell: dict[str, Any], ink: str | None) -> None:
    """Draw outline and mark of one well; without an ink, which is that on its colour, it is grey."""
    from matplotlib.patches import Rectangle

    row, column = place
    mark, standard = _mark(cell), cell["role"] == "standard"
    look: dict[str, Any] = {"fill": ink is None, "facecolor": FAINT if ink is None else None, "edgecolor": "none"}
    if cell["role"] in ("standard", "blank"):
        look |= {"edgecolor": INK, "linewidth": 0.8, "linestyle": "-" if standard else ":"}
    square = Rectangle((column - 0.44, row - 0.44), 0.88, 0.88, **look)
    axes.add_patch(square).set_in_layout(False)
    text = MARKS[mark] if mark else short(cell["level"] or "", 3) if standard else ""
    if text:
        size = 9 if mark else 5.5
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=ink or INK).set_in_layout(False)
