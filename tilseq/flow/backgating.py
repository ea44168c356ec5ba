"""Lymphocytes found back from the T cells of a tube, or from those of other tubes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tilseq.errors import AnalysisError
from tilseq.flow.density import density, next_valley, valley
from tilseq.flow.lymphocytes import (
    CHANNELS,
    LEAST_T_CELLS,
    MOST_LOOKED_AT,
    RADII,
    Region,
    distance,
    find_region,
    find_region_of_rare,
)
from tilseq.flow.robust import median, thinned
from tilseq.flow.tree import WHERE_SET, Cut, Tree
from tilseq.flow.tube import Mask

# Parts of the radius: cuts are found among lymphocytes this near the centre; the region of a tube whose centre is
# further off than this from that of other tubes is about other cells.
CORE, NEAR = 0.75, 0.7
FURTHEST_OFF = 1.0  # spreads of the median of T cells from the centre that was sought about them; it is below 0.2
TIMES_CUT = 2.0  # median of T cells in CD3 over the cut of other tubes, at least
TIMES_SPREAD = 2.0  # spread of T cells over that of other tubes, at most: what is wider holds several kinds of cells


def add_lymphocytes(tree: Tree, parent: str, borrowed: Region | None, cd3: float | None = None) -> Region | None:
    """Add the lymphocytes: within their region, and on the right side of each threshold that was set.

    T cells, about which the region lies, are above `cd3`, or above a first cut of CD3 among all cells.
    """
    if not tree.mask(parent).any():
        raise AnalysisError(f"no event is left in {parent}")
    inside = np.ones(len(tree.mask(parent)), dtype=bool)
    free = [name for name in CHANNELS if name in tree.values and not tree.set_by_hand(name, parent)]
    for name in CHANNELS:
        if (name, parent) in tree.cuts:
            inside &= ~tree.over(name, parent) if name == "SSC-A" else tree.over(name, parent)
    cut = _first_cd3(tree, parent) if cd3 is None else cd3
    region = _region(tree, parent, free, borrowed, cut) if free else None
    if region is not None:
        tree.away = distance({name: tree.values[name] for name in region.centre}, region)
        inside &= tree.away <= region.radius
        tree.far_from_others = tree.away <= CORE * region.radius
    tree.add("lymphocytes", parent, inside)
    return region


def _region(tree: Tree, parent: str, free: Sequence[str], borrowed: Region | None, cut: float | None) -> Region | None:
    """Find the region of lymphocytes on channels without a threshold, or borrow it where there are too few T cells."""
    seen = tree.on_scale(parent)
    t_cells = tree.values["CD3"] > cut if cut is not None else np.zeros(len(seen), dtype=bool)
    number = int(np.count_nonzero(t_cells & seen))
    own = _own_region(tree, seen, t_cells, free, borrowed)
    if own is not None:
        return own
    if not {"FSC-A", "SSC-A"}.isdisjoint(free):
        if cut is None:
            raise tree.not_parted("CD3", parent)
        raise AnalysisError(
            "too few CD3+ events to find the lymphocytes by",
            found=number,
            expected=f"at least {LEAST_T_CELLS}",
            mend=tree.other_thresholds() if "CD3" in tree.thresholds else f"for FSC-A and SSC-A, {WHERE_SET}",
        )
    return None


def _own_region(tree: Tree, seen: Mask, t_cells: Mask, free: Sequence[str], borrowed: Region | None) -> Region | None:
    """Find the region about the tube's own T cells, if they lie where other tubes have lymphocytes, or near those.

    Where T cells are rare, what lies beyond the cut of CD3 may be other cells, which are dim in it, or T cells and
    others together, which are spread wider: then T cells are sought in the middle of the region of other tubes, which
    is borrowed itself when even these are too few.
    """
    values = {name: tree.values[name] for name in free}
    own = find_region(values, seen, t_cells) if np.count_nonzero(t_cells & seen) >= LEAST_T_CELLS else None
    if borrowed is None or not set(free) <= set(borrowed.centre):
        return own
    lent = borrowed.on(free)
    cut = tree.borrowed.get(("CD3", "lymphocytes"))
    if own is not None and (is_near(own, lent) or (_are_alike(own, lent) and _are_bright(tree, t_cells & seen, cut))):
        return own
    middle = distance(values, lent) <= CORE * lent.radius
    t_cells = middle & (tree.values["CD3"] > (np.inf if cut is None else cut.threshold))
    return find_region_of_rare(values, seen, t_cells, lent)


def is_about_t_cells(tree: Tree, region: Region | None) -> bool:
    """Tell whether the T cells found in a region lie in its middle, as those do about which it was to lie.

    Where monocytes that antibody sticks to outnumber T cells, the first cut of CD3 may be that below both.
    """
    if region is None or region.source == "cohort" or "CD3+" not in tree.populations:
        return True
    t_cells = np.flatnonzero(tree.mask("CD3+"))
    if len(t_cells) < LEAST_T_CELLS:
        return True
    t_cells = thinned(t_cells, MOST_LOOKED_AT)
    middle = {name: np.atleast_1d(median(tree.values[name][t_cells])) for name in region.centre}
    return float(distance(middle, replace(region, shift={}))[0]) <= FURTHEST_OFF


def is_near(own: Region, lent: Region) -> bool:
    """Tell whether the centre of a region lies where other tubes have lymphocytes: what is further off are others."""
    centre = {name: np.array([middle], dtype=np.float32) for name, middle in own.centre.items()}
    return float(distance(centre, replace(lent, shift={}))[0]) <= NEAR * RADII[len(lent.centre)]


def _are_alike(own: Region, lent: Region) -> bool:
    """Tell whether T cells are as like each other on scatter and CD45 as in other tubes."""
    return all(own.spread[name] <= TIMES_SPREAD * spread for name, spread in lent.spread.items())


def _are_bright(tree: Tree, t_cells: Mask, cut: Cut | None) -> bool:
    """Tell whether T cells are as bright as T cells are, not just beyond the cut as other cells that stick may be."""
    middle = float(median(np.compress(t_cells, tree.values["CD3"])))
    return cut is not None and middle >= TIMES_CUT * cut.threshold > 0


def _first_cd3(tree: Tree, parent: str) -> float | None:
    """Return a CD3 cut among all cells, which serves only to find the lymphocytes: the valley below the T cells.

    T cells are the brighter of the two most prominent modes, unless other tubes take both for cells without CD3. Where
    they take both for cells with it, the dimmer is of monocytes that antibody sticks to.
    """
    if "CD3" in tree.thresholds:
        return tree.thresholds["CD3"]
    values = tree.scaled("CD3", tree.mask(parent))
    curve, lent = density(values), tree.borrowed.get(("CD3", "lymphocytes"))
    parted = None if curve is None else valley(values, curve)
    if parted is None or (lent is not None and tree.linear("CD3", parted.right) <= lent.threshold):
        return None if lent is None else lent.threshold
    brighter = np.compress(values > parted.threshold, values)
    nearest = next_valley(values, float(median(brighter)), above=False, curve=curve)
    return tree.linear("CD3", (nearest or parted).threshold)
