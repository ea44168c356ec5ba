"""Gene expression: scores of gene sets."""

from tilseq.expression.scores import CellScores, looks_like_counts, score, summarise
from tilseq.expression.signatures import load_signatures, read_gmt

__all__ = ["CellScores", "load_signatures", "looks_like_counts", "read_gmt", "score", "summarise"]
