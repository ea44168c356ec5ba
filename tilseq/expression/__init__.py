"""Gene expression: scores of gene sets."""

from tilseq.expression.matrix import Counts, raw_counts
from tilseq.expression.scores import CellScores, looks_like_counts, score, summarise
from tilseq.expression.signatures import load_signatures

__all__ = ["CellScores", "Counts", "load_signatures", "looks_like_counts", "raw_counts", "score", "summarise"]
