"""Cytokines by bead array: from the events of a plate to concentrations."""

from tilseq.cytokines.beads import Beads, WellMap, find_beads

__all__ = ["Beads", "WellMap", "find_beads"]
