"""A table of numbers drawn as a map of colours, its values printed where there is room; colours of signed numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tilseq.plots.style import FAINT, LONGEST_LABEL, PALETTE, ink_on, short

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import Colormap
    from numpy.typing import NDArray

MOST_PRINTED = 144  # cells
LEAST_FONT, FONT = 6.0, 9.0
DARK_BLUE, DARK_VERMILION, ZERO = "#003a5c", "#7a3300", "#f4f4f4"
HATCH_COLOUR = "#b4bcc4"


def draw_map(
    axes: Axes,
    values: NDArray[np.float64],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    label: str | None,
    printed: Callable[[float], str] | None = None,
    percent: bool = False,
    least: float = 0.0,
    most: float = float("inf"),
    square: bool = True,
    longest: int = LONGEST_LABEL,
) -> None:
    """Draw numbers, darker for farther from 0; what is not known is grey, so that it cannot pass for 0.

    The scale starts at 0. Where a number is negative it goes as far below 0 as above, blue below and vermilion above.

    Parameters
    ----------
    axes
        Where to draw.
    values
        rows × columns, NaN for what is not known.
    rows, columns
        Their names; many get a smaller type.
    label
        What the colours mean; None for no bar of colours, where every value is printed.
    printed
        Writes a value into its cell; without it, and where there are more than 144 cells, none is written.
    percent
        Whether the scale counts in percent.
    least, most
        Where the scale ends at the earliest and at the latest.
    square
        Whether cells are square; else they fill the axes.
    longest
        Characters of a row's name before it is cut.
    """
    import numpy as np
    from matplotlib import colormaps
    from matplotlib.ticker import PercentFormatter

    known = values[np.isfinite(values)]
    signed = bool((known < 0).any())
    highest = min(max(float(np.abs(known).max(initial=0.0)) or 1.0, least), most)
    colours = (signed_colours() if signed else colormaps["Blues"]).with_extremes(bad=FAINT)
    lowest = -highest if signed else 0.0
    image = axes.imshow(values, cmap=colours, vmin=lowest, vmax=highest, aspect="equal" if square else "auto")
    turned: dict[str, Any] = {"rotation": 45, "ha": "right"} if square else {"rotation": 90}
    axes.set_xticks(range(len(columns)), [short(name) for name in columns], fontsize=_font(len(columns)), **turned)
    axes.set_yticks(range(len(rows)), [short(name, longest) for name in rows], fontsize=_font(len(rows)))
    axes.spines[:].set_visible(False)
    if printed is not None and values.size <= MOST_PRINTED:
        for row, column in np.argwhere(np.isfinite(values)):
            value = values[row, column]
            ink = ink_on(image.cmap(image.norm(value))[:3])
            axes.text(
                column,
                row,
                printed(value),
                ha="center",
                va="center",
                fontsize=8 if values.size <= 64 else 6.5,
                color=ink,
            )
    if label is None:
        return
    bar = axes.figure.colorbar(image, ax=axes, label=label, shrink=0.8)
    if percent:
        bar.ax.yaxis.set_major_formatter(PercentFormatter(1))


def signed_colours() -> Colormap:
    """Return colours for numbers on both sides of 0: blue below, nearly white at 0, vermilion above."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signed", [DARK_BLUE, PALETTE[0], ZERO, PALETTE[1], DARK_VERMILION])


def hatch(axes: Axes, missing: NDArray[np.bool_]) -> PolyCollection | None:
    """Hatch the cells of a map that are missing, and return what was drawn, as a handle of the legend."""
    import numpy as np
    from matplotlib.collections import PolyCollection

    if not missing.any():
        return None
    corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    squares = [corners + (column, row) for row, column in np.argwhere(missing)]
    cells = PolyCollection(squares, facecolor="white", edgecolor=HATCH_COLOUR, hatch="////", linewidth=0)
    axes.add_collection(cells, autolim=False)
    return cells


def _font(names: int) -> float:
    """Return the size of type of so many names along one side."""
    return max(LEAST_FONT, min(FONT, 240 / max(names, 1)))
