"""The repertoire laboratory: depth and diversity of a clonotype table, persistence of infused clones."""

from tilseq.repertoire.cells import cells_of, effective_cells, effective_number, effective_numbers
from tilseq.repertoire.depth import depth
from tilseq.repertoire.diversity import diversity, hill_profile
from tilseq.repertoire.persistence import persistence, pooled
from tilseq.repertoire.rarefaction import effective_spectra, rarefaction, standardised
from tilseq.repertoire.replicates import cells_from_pair, cells_from_replicates

__all__ = [
    "cells_from_pair",
    "cells_from_replicates",
    "cells_of",
    "depth",
    "diversity",
    "effective_cells",
    "effective_number",
    "effective_numbers",
    "effective_spectra",
    "hill_profile",
    "persistence",
    "pooled",
    "rarefaction",
    "standardised",
]
