"""A subject's compartments as a flow: what of the tumour and of earlier blood is in the product and in later blood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from tilseq.errors import AnalysisError
from tilseq.plots.origins import ORIGINS
from tilseq.plots.rows import needing, of_locus
from tilseq.plots.style import FAINT, INK, MUTED, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Order = Sequence[pl.Expr]

WIDTH, HEIGHT = 8.2, 4.6
BLOCK = 0.09  # half of a block's width
STEPS = 40
LEAST_TOLD = 0.02  # share of a block from which on a flow bears its percentage
# Place → centre of its block, its lower end, and its name. Each block is 1 high.
PLACES = {
    "tumor": (0.0, 1.45, "tumour"),
    "baseline": (0.0, 0.0, "blood before"),
    "product": (1.0, 1.45, "product"),
    "later": (2.0, 0.72, "blood after,\nall visits"),
}
PRODUCT, BASELINE, TUMOR, LATER = (
    pl.col(f"{place}_frequency").is_not_null() for place in ("product", "baseline", "tumor", "later")
)
NEW = TUMOR & ~PRODUCT & ~BASELINE


@dataclass(frozen=True)
class Link:
    """Which clones flow from one place to another, and in which order they lie on either side, the first on top."""

    source: str
    target: str
    clones: pl.Expr
    leaving: Order
    arriving: Order


IN_LATER = (PRODUCT & ~BASELINE, PRODUCT, NEW, BASELINE)
LINKS = (
    Link("tumor", "product", TUMOR & PRODUCT, (PRODUCT, NEW & LATER, ~BASELINE), (TUMOR & ~BASELINE, TUMOR, BASELINE)),
    Link("baseline", "product", BASELINE & PRODUCT, (PRODUCT, LATER, TUMOR), (TUMOR & ~BASELINE, TUMOR, BASELINE)),
    Link("product", "later", PRODUCT & LATER, (LATER, ~BASELINE), IN_LATER),
    Link("tumor", "later", NEW & LATER, (PRODUCT, NEW & LATER), IN_LATER),
    Link("baseline", "later", BASELINE & ~PRODUCT & LATER, (PRODUCT, LATER), IN_LATER),
)  # fmt: skip
COLUMNS = ("subject", "locus", "origin", *(f"{place}_frequency" for place in PLACES))


def compartment_flow(frame: Any, *, locus: str | None = None) -> Axes:
    """Draw what of the tumour and of earlier blood went into the product, and what of all three later blood holds.

    Parameters
    ----------
    frame
        Table `origins`, polars or pandas, of one subject.
    locus
        Which locus; needed where the table holds several.

    Returns
    -------
    Axes
        A block a compartment, each the whole of its repertoire. A flow is of the clones seen at both of its ends; its
        height is what they hold at that end, so that it widens where they expanded. Colours are origins. What flows
        from earlier into later blood, or from the tumour, beside the product was not seen in the product.

    Raises
    ------
    AnalysisError
        The table holds several loci and none is chosen, or no clone of the locus; it is of several subjects.
    """
    rows = of_locus(needing(frame, COLUMNS), locus)
    if rows["subject"].n_unique() > 1:
        raise AnalysisError("a flow is of one subject", column="subject", found=rows["subject"].n_unique())
    there = [place for place in PLACES if rows[f"{place}_frequency"].count()]
    with figure(WIDTH, HEIGHT) as axes:
        for link in LINKS:
            if link.source in there and link.target in there:
                _draw_link(axes, rows, link)
        for place in there:
            _draw_block(axes, place)
        axes.set(xlim=(-0.45, 2.45), ylim=(-0.12, 2.75))
        axes.set_axis_off()
        _legend(axes, rows)
        axes.set_title(f"{rows['locus'][0]}: each block is a whole repertoire")
    return axes


def _stacked(
    rows: pl.DataFrame, place: str, order: Order, clones: pl.Expr
) -> dict[tuple[bool, str], tuple[float, float]]:
    """Return where groups of clones lie in a block: in baseline or not and origin → upper and lower end."""
    ranks = [condition.not_().alias(f"_{i}") for i, condition in enumerate(order)]
    held = pl.col(f"{place}_frequency")
    of = rows.filter(held.is_not_null()).select(
        *ranks, before=BASELINE, origin=pl.col("origin"), held=held, flows=clones
    )
    names = [f"_{i}" for i in range(len(order))]
    groups = of.group_by(*names, "flows", "before", "origin").agg(pl.col("held").sum())
    groups = groups.sort(*names, "before", "origin", "flows")
    bottom = 1 - groups["held"].cum_sum()
    found: dict[tuple[bool, str], tuple[float, float]] = {}
    for row, low in zip(groups.iter_rows(named=True), bottom, strict=True):
        if row["flows"]:
            key = row["before"], row["origin"]
            top, _ = found.get(key, (low + row["held"], low))
            found[key] = top, low
    return found


def _draw_link(axes: Axes, rows: pl.DataFrame, link: Link) -> None:
    """Draw the flows between two blocks, a colour an origin, and tell at either end what they hold together."""
    import numpy as np

    steps = np.linspace(0, 1, STEPS)
    bend = steps**2 * (3 - 2 * steps)
    ends = [
        _stacked(rows, place, order, link.clones)
        for place, order in ((link.source, link.leaving), (link.target, link.arriving))
    ]
    (left, left_base, _), (right, right_base, _) = PLACES[link.source], PLACES[link.target]
    x = left + BLOCK + (right - left - 2 * BLOCK) * steps
    for key, (top, low) in ends[0].items():
        other_top, other_low = ends[1][key]
        upper, lower = (
            left_base + one + (right_base + other - left_base - one) * bend
            for one, other in ((top, other_top), (low, other_low))
        )
        axes.fill_between(x, lower, upper, color=ORIGINS[key[1]][0], alpha=0.5, linewidth=0)
    for found, base, at, side in ((ends[0], left_base, x[0], "left"), (ends[1], right_base, x[-1], "right")):
        held = sum(top - low for top, low in found.values())
        if held >= LEAST_TOLD:
            middle = sum((top - low) * (top + low) / 2 for top, low in found.values()) / held
            shift = 0.02 if side == "left" else -0.02
            axes.text(at + shift, base + middle, f"{held:.0%}", ha=side, va="center", fontsize=8, color=INK)


def _draw_block(axes: Axes, place: str) -> None:
    centre, base, name = PLACES[place]
    axes.bar(centre, 1, 2 * BLOCK, base, color=FAINT, edgecolor=MUTED, linewidth=0.8)
    axes.text(centre, base + 1.03, name, ha="center", va="bottom", fontsize=10, color=INK)


def _legend(axes: Axes, rows: pl.DataFrame) -> None:
    from matplotlib.patches import Patch

    drawn = set(rows["origin"])
    handles = [
        Patch(color=colour, alpha=0.5, label=words) for origin, (colour, words) in ORIGINS.items() if origin in drawn
    ]
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), title="Origin", alignment="left")
