"""How pure the lymphocytes of a tube without CD45 are: monocytes and debris among them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tilseq.flow.beside import NONE_TOLD, Told
from tilseq.flow.lymphocytes import LARGER, Region
from tilseq.flow.monocytes import monocytes_within
from tilseq.flow.quality import check
from tilseq.flow.tree import Tree

LEAST_PURE = 85.0  # per cent of the lymphocytes (CDC, MMWR 1997;46(RR-2))
# Spread of T cells' forward scatter: of real tubes 0.09 to 0.24, where 40 % are 1.7 times as large as the others 0.35.
SEVERAL_SIZES = 0.3
# Smaller and less granular events for each lymphocyte: in real tubes at most 0.06.
MOST_DEBRIS = 0.5


def monocytes_of(tree: Tree, region: Region | None) -> Told:
    """Tell the monocytes among the lymphocytes of a tube that has both scatters and no CD45, or a threshold of it."""
    cut = tree.cuts.get(("CD3", "lymphocytes"))
    if region is None or cut is None or set(region.centre) != set(LARGER):
        return NONE_TOLD
    parent = tree.populations["lymphocytes"].parent or ""
    without_cd3 = tree.mask(parent) & (tree.values["CD3"] <= cut.threshold)
    if ("CD45", parent) in tree.cuts:
        without_cd3 &= tree.over("CD45", parent)
    return monocytes_within(tree.values, without_cd3, tree.mask("lymphocytes"), region)


def check_purity(tree: Tree, region: Region | None, monocytes: Told) -> list[dict[str, Any]]:
    """Return the check that warns where many of the lymphocytes are monocytes, told of a tube where some are.

    It warns, too, where scatter tells too little: of T cells of several sizes, which hide monocytes, and among debris.
    """
    lymphocytes = tree.populations["lymphocytes"].events
    if not lymphocytes or region is None or set(region.centre) != set(LARGER):
        return []
    told = _doubts(tree, region)
    pure = 100 * (1 - monocytes.mean / lymphocytes)
    fine = pure >= LEAST_PURE and not told
    if monocytes.mean:
        told.append(
            f"about {monocytes.mean:.0f} of {lymphocytes} are monocytes by scatter, which CD45 would hold off; limits "
            "of shares of lymphocytes allow for them"
        )
    limit = f"at least {LEAST_PURE:g} %"
    return [check(tree.sample, "lymphocytes are such", pure, limit, fine, "; ".join(told))] if told else []


def _doubts(tree: Tree, region: Region) -> list[str]:
    """Return what lies among the lymphocytes without being told, in words."""
    lymphocytes, told = tree.populations["lymphocytes"], []
    t_cells = 100 * tree.populations["CD3+"].events / lymphocytes.events
    if region.spread["FSC-A"] > SEVERAL_SIZES and t_cells < LEAST_PURE:
        told.append(
            "T cells are of several sizes, as where some are activated: monocytes as large as these count as "
            "lymphocytes without being told"
        )
    smaller = tree.mask(lymphocytes.parent or "") & ~lymphocytes.mask
    for name, middle in region.centre.items():
        smaller = smaller & (tree.values[name] < middle)
    debris = int(np.count_nonzero(smaller))
    if debris > MOST_DEBRIS * lymphocytes.events:
        told.append(
            f"{debris} events are smaller and less granular, as debris is, some 2 % of which count as lymphocytes: the "
            "share of T cells comes out too low"
        )
    return told
