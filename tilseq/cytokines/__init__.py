"""Cytokines by bead array: from the events of a plate to concentrations."""

from tilseq.cytokines.beads import Beads, WellMap, find_beads
from tilseq.cytokines.curve import Curve
from tilseq.cytokines.fit import fit_curve
from tilseq.cytokines.fold import FoldChange, fold_change
from tilseq.cytokines.levels import levels
from tilseq.cytokines.quantify import Quantified, quantify

__all__ = [
    "Beads",
    "Curve",
    "FoldChange",
    "Quantified",
    "WellMap",
    "find_beads",
    "fit_curve",
    "fold_change",
    "levels",
    "quantify",
]
