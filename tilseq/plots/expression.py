"""Figures of gene expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tilseq.errors import AnalysisError
from tilseq.plots.style import INK, figure, short

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

COLUMNS = ("sample", "set", "value")
MOST_PRINTED = 120
WIDTH = 6.4


def score_heatmap(frame: Any) -> Axes:
    """Draw mean gene-set scores: a row a set, a column a sample.

    One scale from 0 to the highest score holds for all, so that samples that hardly differ look alike. Sets differ in
    how highly their genes are expressed: compare samples within a row. Up to 120 cells bear their score.

    Parameters
    ----------
    frame
        Table `scores`, or any with columns `sample`, `set` and `value` and one row each sample and set, polars or
        pandas. A sample is drawn in the order of its name; a null value stays white.

    Returns
    -------
    Axes
        The axes of the map, in a new figure with a colour bar.

    Raises
    ------
    AnalysisError
        A column is absent, no row has a value, or a sample and set stand twice.
    """
    import numpy as np

    from tilseq.tables import as_polars

    rows = as_polars(frame)
    absent = [name for name in COLUMNS if name not in rows.columns]
    if absent:
        raise AnalysisError("the figure needs this column", column=absent[0], expected=", ".join(COLUMNS))
    if rows.select("sample", "set").is_duplicated().any():
        raise AnalysisError("a sample and set stand twice", mend="give one row each sample and set")
    samples, sets = (rows[name].unique().sort().to_list() for name in ("sample", "set"))
    values = np.full((len(sets), len(samples)), np.nan)
    for sample, name, value in rows.select(*COLUMNS).drop_nulls().iter_rows():
        values[sets.index(name), samples.index(sample)] = value
    if not np.isfinite(values).any():
        raise AnalysisError("nothing to draw: no row has a value")
    low, high = min(0.0, float(np.nanmin(values))), float(np.nanmax(values))
    high = high if high > low else low + 1
    # As wide as the other figures: shown at one width, their letters are of one size.
    with figure(max(WIDTH, 2.6 + 0.5 * len(samples)), 1.4 + 0.34 * len(sets)) as axes:
        image = axes.imshow(values, cmap="viridis", vmin=low, vmax=high, aspect="auto")
        axes.set_xticks(range(len(samples)), [short(name) for name in samples], rotation=45, ha="right")
        axes.set_yticks(range(len(sets)), [short(name, 32) for name in sets])
        axes.spines[:].set_visible(False)
        if values.size <= MOST_PRINTED:
            _print_values(axes, values, (values - low) / (high - low))
        axes.figure.colorbar(image, ax=axes, label="mean score")
    return axes


def _print_values(axes: Axes, values: NDArray[np.float64], colours: NDArray[np.float64]) -> None:
    import numpy as np

    for row, column in np.argwhere(np.isfinite(values)):
        ink = INK if colours[row, column] > 0.6 else "white"
        axes.text(column, row, f"{values[row, column]:.2f}", ha="center", va="center", fontsize=8, color=ink)
