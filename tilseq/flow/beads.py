"""Counting beads: at once bright in stains that hardly a cell combines, and far more alike than cells are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tilseq.flow.density import density, modes
from tilseq.flow.robust import MAD_TO_SD, centre_and_spread, median, thinned
from tilseq.flow.tube import Floats, Mask

# All on natural logarithms. Of the stains of cells the tightest, CD4 of T cells, spreads by about 0.2, CD3 by 0.4;
# beads spread by less than 0.1.
WINDOW, REACH, LARGEST_SPREAD = 0.3, 0.5, 0.15
LEAST_BEADS = 20
# Little is brighter than beads in every stain: their own doublets, and clumps of antibody.
LEAST_OF_CORNER = 0.7
MOST_CANDIDATES = 10
MOST_LOOKED_AT = 65_536
SINGLE_SPREADS, LEAST_SPREAD = 4.0, 0.05


def find_beads(values: Mapping[str, Floats], among: Mask) -> Mask:
    """Find counting beads and what holds one, such as a bead and a cell that passed together.

    Beads make a mode of the light that an event has in its dimmest stain, about which every stain spreads by at most
    0.15 (natural logarithm, by the MAD) and above which in every stain lies hardly anything else. All events are taken
    that have at least 61 % of the beads' median light in every stain. Of more than 65,536 events every second is looked
    at to find the mode, or every third, and so on.

    Parameters
    ----------
    values
        Stain → compensated linear values of all events; at least CD3, CD4 and CD8, so that beads are no T cells.
    among
        Events to look at.

    Returns
    -------
    ndarray of bool
        One an event; all False where there are no beads, or fewer than 20.
    """
    lit = among & np.logical_and.reduce([column > 0 for column in values.values()])
    centres = _centres(values, lit)
    if centres is None:
        return np.zeros(len(among), dtype=bool)
    corner = [column > least for column, least in zip(values.values(), np.exp(centres - REACH), strict=True)]
    return np.asarray(np.logical_and.reduce([lit, *corner]))


def _centres(values: Mapping[str, Floats], lit: Mask) -> NDArray[np.float64] | None:
    """Return the logarithms of the beads' median light in each stain, or None where there are no beads."""
    places = np.flatnonzero(lit)
    places = thinned(places, MOST_LOOKED_AT)
    logs = np.log(np.stack([column[places] for column in values.values()]))
    dimmest = logs.min(axis=0)
    curve = density(dimmest)
    if curve is None:
        return None
    most, found = 0, None
    for mode in modes(curve.height)[:MOST_CANDIDATES]:
        near = np.compress(np.abs(dimmest - curve.grid[mode]) < WINDOW, logs, axis=1)
        if near.shape[1] < LEAST_BEADS:
            continue
        centres = median(near)[:, np.newaxis]
        corner = (logs > centres - REACH).all(axis=0)
        core = np.compress(corner & (logs < centres + REACH).all(axis=0), logs, axis=1)
        if core.shape[1] < max(LEAST_BEADS, LEAST_OF_CORNER * np.count_nonzero(corner), most + 1):
            continue
        middles = median(core)[:, np.newaxis]
        if (MAD_TO_SD * median(np.abs(core - middles))).max() <= LARGEST_SPREAD:
            most, found = core.shape[1], centres[:, 0].astype(np.float64)
    return found


def single_beads(values: Mapping[str, Floats], beads: Mask) -> Mask:
    """Find the beads that passed alone: alike in every channel.

    Two beads, or a bead with a cell, scatter and shine more. Cells are counted where they passed alone, so beads must
    be.

    Parameters
    ----------
    values
        Channel → values of all events: scatter and the stains by which beads are found.
    beads
        Events that hold a bead.

    Returns
    -------
    ndarray of bool
        Beads within four standard deviations (by the MAD, of natural logarithms, at least 0.05) of the median in every
        channel.
    """
    alone = beads.copy()
    for column in values.values():
        logs = np.log(np.maximum(column[beads], np.finfo(np.float32).tiny))
        middle, spread = centre_and_spread(logs)
        alone[beads] &= np.abs(logs - middle) <= SINGLE_SPREADS * max(spread, LEAST_SPREAD)
    return alone
