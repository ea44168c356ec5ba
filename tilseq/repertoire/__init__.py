"""The repertoire laboratory: diversity of a clonotype table, persistence of infused clones. Tables in, tables out."""

from tilseq.repertoire.diversity import diversity
from tilseq.repertoire.persistence import effective_cells, effective_number, persistence

__all__ = ["diversity", "effective_cells", "effective_number", "persistence"]
