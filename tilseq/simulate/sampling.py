"""What a tube of blood and a sequencer make of a repertoire: cells are drawn first, then their templates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


def draw_cells(rng: np.random.Generator, frequencies: Floats, cells: int) -> Counts:
    """Draw cells from a repertoire (multinomial).

    Parameters
    ----------
    frequencies
        Share of each clone; they sum to 1.
    cells
        Cells that go into the assay.

    Returns
    -------
    numpy.ndarray
        Cells of each clone; they sum to `cells`.
    """
    return rng.multinomial(cells, frequencies)


def draw_templates(rng: np.random.Generator, cells: Counts, depth: int, *, dispersion: float = 2.0) -> Counts:
    """Draw the templates counted from cells of unequal yield (Dirichlet-multinomial).

    Every cell yields a gamma-distributed amount, so a clone of ``k`` cells yields ``Gamma(k * dispersion)``.

    Parameters
    ----------
    cells
        Cells of each clone in the assay.
    depth
        Templates (UMIs) counted in all.
    dispersion
        Shape of one cell's yield: its squared coefficient of variation is ``1 / dispersion``.

    Returns
    -------
    numpy.ndarray
        Templates of each clone; they sum to `depth`, and a clone without cells has none.
    """
    yields = rng.gamma(cells * dispersion)
    return rng.multinomial(depth, yields / yields.sum())
