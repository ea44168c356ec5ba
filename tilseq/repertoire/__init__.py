"""The repertoire laboratory: diversity of a clonotype table, persistence of infused clones. Tables in, tables out."""

from tilseq.repertoire.cells import cells_of, effective_cells, effective_number, effective_numbers
from tilseq.repertoire.diversity import diversity
from tilseq.repertoire.persistence import persistence, pooled

__all__ = [
    "cells_of",
    "diversity",
    "effective_cells",
    "effective_number",
    "effective_numbers",
    "persistence",
    "pooled",
]
