"""Whether B and NK cells are exchanged by the names of their stains: of NK cells some bear CD8, and no B cell does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tilseq.flow.quality import check
from tilseq.flow.tree import Cut, Population
from tilseq.flow.tube import Floats

NAME, LIMIT = "B and NK by CD8", "10 B cells with CD8 to one NK cell tell that names are exchanged"
# Above the cut of T cells bear CD8: 9 % of the NK cells of a real tube, and 1 of its 261 B cells.
FEWEST, TIMES, LEAST_SHARE = 10, 10, 0.05


def check_b_and_nk(
    sample: str,
    populations: Mapping[str, Population],
    cuts: Mapping[tuple[str, str], Cut],
    values: Mapping[str, Floats],
) -> list[dict[str, Any]]:
    """Return the check that warns where cells called B bear CD8, and those called NK do not.

    So they do where the names, or the antibodies, of CD19 and of CD16 and CD56 are exchanged: each has the other's
    share then.

    Parameters
    ----------
    sample
        Name of the tube.
    populations, cuts
        Populations of the tube by name, and its cuts by marker and parent.
    values
        Marker → compensated linear values of all events.

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
    if max(b, nk) < FEWEST:
        return []
    share = b / np.count_nonzero(populations["B"].mask) if b else 0.0
    fine = b < FEWEST or b < TIMES * max(1, nk) or share < LEAST_SHARE
    told = "" if fine else "; NK cells do: are the names, or the antibodies, of CD19 and of CD16 or CD56 exchanged?"
    return [check(sample, NAME, b, LIMIT, fine, f"{b} B cells and {nk} NK cells bear CD8{told}")]
