"""A table of numbers drawn as a map of colours, its values printed where there is room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tilseq.plots.style import FAINT, INK, short

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

MOST_PRINTED = 144  # cells
LEAST_FONT, FONT = 6.0, 9.0


def draw_map(
    axes: Axes,
    values: NDArray[np.float64],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    label: str,
    printed: Callable[[float], str] | None = None,
    percent: bool = False,
    most: float = float("inf"),
    square: bool = True,
) -> None:
    """Draw numbers from 0 upwards, darker for more; what is not known is grey, so that it cannot pass for 0.

    Parameters
    ----------
    axes
        Where to draw.
    values
        rows × columns, NaN for what is not known.
    rows, columns
        Their names; many get a smaller type.
    label
        What the colours mean.
    printed
        Writes a value into its cell; without it, and where there are more than 144 cells, none is written.
    percent
        Whether the scale counts in percent.
    most
        Where the scale ends at the latest.
    square
        Whether cells are square; else they fill the axes.
    """
    import numpy as np
    from matplotlib import colormaps
    from matplotlib.ticker import PercentFormatter

    highest = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
    highest = min(highest or 1.0, most)
    colours = colormaps["Blues"].with_extremes(bad=FAINT)
    image = axes.imshow(values, cmap=colours, vmin=0, vmax=highest, aspect="equal" if square else "auto")
    turned: dict[str, Any] = {"rotation": 45, "ha": "right"} if square else {"rotation": 90}
    axes.set_xticks(range(len(columns)), [short(name) for name in columns], fontsize=_font(len(columns)), **turned)
    axes.set_yticks(range(len(rows)), [short(name) for name in rows], fontsize=_font(len(rows)))
    axes.spines[:].set_visible(False)
    if printed is not None and values.size <= MOST_PRINTED:
        for row, column in np.argwhere(np.isfinite(values)):
            value = values[row, column]
            ink = "white" if value > 0.6 * highest else INK
            axes.text(
                column,
                row,
                printed(value),
                ha="center",
                va="center",
                fontsize=8 if values.size <= 64 else 6.5,
                color=ink,
            )
    bar = axes.figure.colorbar(image, ax=axes, label=label, shrink=0.8)
    if percent:
        bar.ax.yaxis.set_major_formatter(PercentFormatter(1))


def _font(names: int) -> float:
    """Return the size of type of so many names along one side."""
    return max(LEAST_FONT, min(FONT, 240 / max(names, 1)))
