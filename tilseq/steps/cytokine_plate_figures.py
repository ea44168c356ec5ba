"""Figures of a plate of beads: its map, curves, recoveries, and the beads of some wells."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.errors import AnalysisError
from tilseq.steps.figures import save_figures

if TYPE_CHECKING:
    from tilseq.cytokines import Beads, Quantified, WellMap

MOST_MAPS = 3
MAP = (
    "wells in the colour of the median reporter, on a logarithmic scale of each analyte; standards bear their level "
    "and an outline, blanks a dotted one"
)
CURVES = (
    "standard curves with their standards (dots{less}), wells of samples that have a number (crosses), "
    "blanks (dotted) and usable range (shaded)"
)
RECOVERY = (
    "what the curves give back of each standard, a dot an analyte, by its nominal concentration{less}; dashed are 80 "
    "and 120 %"
)
# What the figures say besides where an error of each level was fitted, which takes three analytes.
LESS = {CURVES: ", less the shared error of their level", RECOVERY: " and less the shared dilution error"}


def draw_plate(beads: Beads, told: Quantified, folder: Path) -> None:
    """Draw the plate: whatever of it there is.

    Parameters
    ----------
    beads, told
        What was found on it.
    folder
        Where figures go.
    """
    import polars as pl

    from tilseq.plots.curves import recovery_dots, standard_curves
    from tilseq.plots.cytokines import bead_map
    from tilseq.plots.plate import plate_map

    drawn: dict[str, tuple[Any, str]] = {}
    shared = told.dilution["factor"].is_not_null().any()
    curves_words, recovery_words = (words.format(less=less if shared else "") for words, less in LESS.items())
    with suppress(AnalysisError):  # wells that are named otherwise than those of a plate have no place on a map
        drawn["1_wells"] = (plate_map(beads.wells, told.concentrations).axes[0], MAP)
    if told.curves.filter(pl.col("model").is_not_null()).height:
        curves = standard_curves(told.curves, told.recovery, beads.wells, told.concentrations)
        drawn["2_curves"] = (curves.axes[0], curves_words)
    if told.recovery["recovery_pct"].drop_nulls().len():
        drawn["3_recovery"] = (recovery_dots(told.recovery, told.dilution), recovery_words)
    for one in _shown(beads):
        caption = f"beads of well {one.title}, by population"
        drawn[f"4_beads_{one.well}"] = (bead_map(one).axes[0], caption)
    save_figures(drawn, folder)


def _shown(beads: Beads) -> list[WellMap]:
    """Return the wells whose beads are drawn: the first of a sample, then those in which an analyte failed."""
    filled = [one for one in beads.maps if len(one.events)]
    failed = set(beads.wells.filter(verdict="fail")["well"])
    samples = set(beads.wells.filter(role="sample")["well"])
    first = next((one for one in filled if one.well in samples), None) or next(iter(filled), None)
    others = [one for one in filled if one.well in failed and one is not first]
    return [*([] if first is None else [first]), *others][:MOST_MAPS]
