"""Flow cytometry: markers, compensation, automatic gates of a T-cell tube, counts with their limits."""

from tilseq.flow.compensation import compensate
from tilseq.flow.counts import Ratio, cd4_cd8_ratio, count, status_of
from tilseq.flow.gating import Gating, gate
from tilseq.flow.panel import find_markers
from tilseq.flow.tree import Population
from tilseq.flow.tube import Tube

__all__ = [
    "Gating",
    "Population",
    "Ratio",
    "Tube",
    "cd4_cd8_ratio",
    "compensate",
    "count",
    "find_markers",
    "gate",
    "status_of",
]
