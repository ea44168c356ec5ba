"""The repertoire laboratory: diversity, overlap and use of genes, persistence of infused clones. Tables in and out."""

from tilseq.repertoire.cells import cells_of, effective_cells, effective_number, effective_numbers
from tilseq.repertoire.diversity import diversity
from tilseq.repertoire.keys import lacking, paired
from tilseq.repertoire.neighbours import neighbours
from tilseq.repertoire.overlap import overlap
from tilseq.repertoire.persistence import persistence, pooled
from tilseq.repertoire.qc import qc
from tilseq.repertoire.usage import usage, usage_divergence

__all__ = [
    "cells_of",
    "diversity",
    "effective_cells",
    "effective_number",
    "effective_numbers",
    "lacking",
    "neighbours",
    "overlap",
    "paired",
    "persistence",
    "pooled",
    "qc",
    "usage",
    "usage_divergence",
]
