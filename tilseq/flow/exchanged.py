"""Whether names of stains are exchanged: monocytes bear CD4, never CD8; of NK cells some bear CD8, of B cells none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tilseq.flow.quality import check
from tilseq.flow.robust import median
from tilseq.flow.tree import Cut, Population
from tilseq.flow.tube import Floats, Mask

NAMES = ("CD4", "CD8")
NAME, LIMIT = "CD4 and CD8 by monocytes", "20 monocytes with CD8 to one with CD4 tell that names are exchanged"
# Monocytes are larger and more granular than lymphocytes (about 1.7 and 3 times in the ITN tubes); NK cells, of which
# some bear CD8 dimly, are hardly so.
LARGER = {"FSC-A": 1.2, "SSC-A": 1.6}
# Light of a T cell that lacks the marker is 0, of one that bears it 1; monocytes have about a third of CD4 (in the ITN
# tubes, too), and no CD8.
DIM, LACKING = (0.1, 0.8), 0.05
LEAST_T_CELLS = 20  # with and without the marker, that tell its scale
FEWEST, TIMES = 30, 20
NAME_B_NK, LIMIT_B_NK = "B and NK by CD8", "10 B cells with CD8 to one NK cell tell that names are exchanged"
# Above the cut of T cells bear CD8: 9 % of the NK cells of a real tube, and 1 of its 261 B cells.
FEWEST_B_NK, TIMES_B_NK, LEAST_SHARE = 10, 10, 0.05


def check_exchanged(
    sample: str,
    populations: Mapping[str, Population],
    cuts: Mapping[tuple[str, str], Cut],
    values: Mapping[str, Floats],
) -> list[dict[str, Any]]:
    """Return the check that warns where large cells without CD3 bear what is called CD8 dimly, and not CD4.

    So they do where two names or two antibodies are exchanged: the ratio and both shares are each other's then. Tubes
    of few monocytes tell nothing, as products and blood just after lymphodepletion; nor do many without a spillover,
    whose granulocytes shine by themselves.

    Parameters
    ----------
    sample
        Name of the tube.
    populations, cuts
        Populations of the tube by name, and its cuts by marker and parent.
    values
        Marker → compensated linear values of all events, both scatters among them.

    Returns
    -------
    list
        A row of the table `quality`, whose value is the number with CD8; none where nothing is told.
    """
    needed = [("CD3", "lymphocytes"), *((name, "CD3+") for name in NAMES)]
    if not set(needed) <= cuts.keys() or not set(LARGER) <= values.keys():
        return []
    light = [_scaled(values[name], populations["CD3+"].mask, cuts[name, "CD3+"].threshold) for name in NAMES]
    cd4, cd8 = light
    if cd4 is None or cd8 is None:
        return []
    lymphocytes = populations["lymphocytes"]
    large = populations[lymphocytes.parent or ""].mask & ~lymphocytes.mask
    large = large & (values["CD3"] <= cuts["CD3", "lymphocytes"].threshold)
    for name, times in LARGER.items():
        large = large & (values[name] > times * median(values[name][lymphocytes.mask]))
    with_cd4, with_cd8 = _dim(cd4, cd8, large), _dim(cd8, cd4, large)
    if max(with_cd4, with_cd8) < FEWEST:
        return []
    fine = with_cd8 < FEWEST or with_cd8 < TIMES * max(1, with_cd4)
    reason = f"of the large cells without CD3 {with_cd4} bear CD4 dimly and not CD8, {with_cd8} CD8 and not CD4"
    told = "" if fine else "; monocytes bear CD4: are the names, or the antibodies, of CD4 and CD8 exchanged?"
    return [check(sample, NAME, with_cd8, LIMIT, fine, reason + told)]


def check_b_and_nk(
    sample: str,
    populations: Mapping[str, Population],
    cuts: Mapping[tuple[str, str], Cut],
    values: Mapping[str, Floats],
) -> list[dict[str, Any]]:
    """Return the check that warns where cells called B bear CD8, and those called NK do not.

    So they do where the names, or the antibodies, of CD19 and of CD16 and CD56 are exchanged: each has the other's
    share then.

    Parameters are those of `check_exchanged`.

    Returns
    -------
    list
        A row of the table `quality`, whose value is the number of B cells with CD8; none where fewer than ten cells
        tell.
    """
    if ("CD8", "CD3+") not in cuts or not {"B", "NK"} <= populations.keys():
        return []
    bears = values["CD8"] > cuts["CD8", "CD3+"].threshold
    b, nk = (int(np.count_nonzero(bears & populations[name].mask)) for name in ("B", "NK"))
    if max(b, nk) < FEWEST_B_NK:
        return []
    share = b / np.count_nonzero(populations["B"].mask) if b else 0.0
    fine = b < FEWEST_B_NK or b < TIMES_B_NK * max(1, nk) or share < LEAST_SHARE
    told = "" if fine else "; NK cells do: are the names, or the antibodies, of CD19 and of CD16 or CD56 exchanged?"
    return [check(sample, NAME_B_NK, b, LIMIT_B_NK, fine, f"{b} B cells and {nk} NK cells bear CD8{told}")]


def _scaled(light: Floats, t_cells: Mask, threshold: float) -> Floats | None:
    """Return light as 0 of T cells that lack the marker and 1 of those that bear it; None where few tell it."""
    own = light[t_cells]
    bearing = own > threshold
    if min(np.count_nonzero(bearing), np.count_nonzero(~bearing)) < LEAST_T_CELLS:
        return None
    without, with_it = median(own[~bearing]), median(own[bearing])
    return np.asarray((light - without) / (with_it - without))


def _dim(light: Floats, other: Floats, among: Mask) -> int:
    dim = (light > DIM[0]) & (light < DIM[1]) & (other < LACKING)
    return int(np.count_nonzero(dim & among))
